"""Fleets that nobody hopes for: empty, broken, too large, too little said of them. A plan comes out of each."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from small_fleets import GIB, HOUR, NOW, made_node, made_pods, made_spec, made_workload

from yuheng.errors import ConfigError, NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool, Fleet, FleetWorkload, Region
from yuheng.model.fleet_plan import FleetPlan, WorkloadPlan, told_instant
from yuheng.model.node import Node, Taint, Toleration
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.model.prices import Price, PriceBook
from yuheng.model.requirements import DataUse, Requirements, RunTime
from yuheng.model.workflow import Task, Workflow
from yuheng.placement.planner import Question, plan
from yuheng.placement.survey import survey

SMALL = made_spec(1000, 1)
DAY = {"run_time": {"*": RunTime(24 * HOUR)}}


def made_cluster(name: str, *kinds: str, pods: tuple[Pod, ...] = (), **fields: Any) -> Cluster:
    """A cluster with a node of each kind; in a region of its own name."""
    nodes = tuple(made_node(f"{name}-n{i}", kind) for i, kind in enumerate(kinds))
    snapshot = Snapshot(nodes=nodes, pods=pods, namespaces={"default": {}})
    return Cluster(**{"name": name, "region": name, "snapshot": snapshot, **fields})


def planned(*clusters: Cluster, workloads: tuple[FleetWorkload, ...] = (), **asked: Any) -> FleetPlan:
    """The plan of a fleet, written out as JSON first: nothing in it may be infinite, or no number."""
    fields = {name: asked.pop(name) for name in ("regions", "prices", "time", "power") if name in asked}
    fleet = Fleet(**{"clusters": clusters, "workloads": workloads, "time": NOW, **fields})
    found = plan(fleet, Question(**asked))
    json.dumps(found.to_dict(), allow_nan=False)
    return found


def only(found: FleetPlan) -> WorkloadPlan:
    (one,) = found.workloads
    return one


WEB = made_workload("web", 3, SMALL)
JOB = made_workload("job", 2, SMALL, divisible=False, **DAY)


@pytest.mark.parametrize("objective", ["cost", "time", "carbon", "balanced"])
def test_no_clusters(objective: str) -> None:
    found = planned(workloads=(JOB, WEB), objective=objective)
    assert [(one.replicas, one.reason) for one in found.workloads] == [({}, "there are no clusters")] * 2
    assert (found.summary.placed, found.summary.pending, found.summary.value) == (0, 5, 0)


def test_no_workloads() -> None:
    found = planned(made_cluster("a", "small"))
    assert (found.workloads, found.placements, found.summary.value, found.summary.gap) == ((), (), 0, 0)
    assert [report.nodes for report in found.clusters] == [1]


def test_a_workload_without_replicas_is_neither_placed_nor_unschedulable() -> None:
    idle = made_workload("idle", 0, SMALL)
    for clusters, placed, lacking in (((made_cluster("a", "small"),), 1, 0), ((), 0, 1)):
        found = planned(*clusters, workloads=(WEB, idle))
        assert [(one.wanted, dict(one.replicas), one.reason) for one in found.workloads if not one.wanted] == [
            (0, {}, "")
        ]
        summary = found.summary
        assert (summary.workloads, summary.placed, summary.unschedulable) == (1, placed, lacking)
    fleet = Fleet(clusters=(made_cluster("a", "small"),), workloads=(WEB, idle), time=NOW)
    assert (survey(fleet).workloads, survey(fleet).replicas) == (1, 3)


def test_nothing_at_all() -> None:
    assert planned().summary.clusters == 0


def test_a_cluster_without_nodes() -> None:
    found = planned(made_cluster("bare"), made_cluster("full", "small"), workloads=(WEB,))
    assert dict(only(found).replicas) == {"full": 3}
    assert [(item.cluster, item.reason) for item in only(found).refused] == [
        ("bare", "it has no nodes and no node pools")
    ]
    alone = planned(made_cluster("bare"), workloads=(WEB,))
    assert only(alone).reason == "0/1 clusters will do: 1 because it has no nodes and no node pools"


def test_no_cluster_is_ready() -> None:
    found = planned(made_cluster("a", "small", ready=False), made_cluster("b", "small", ready=False), workloads=(WEB,))
    assert dict(only(found).replicas) == {}
    assert only(found).reason == "0/2 clusters will do: 2 because the cluster is not ready"


def test_nodes_that_are_cordoned_or_tainted() -> None:
    nodes = (
        msgspec.structs.replace(made_node("n0", "small"), unschedulable=True),
        msgspec.structs.replace(made_node("n1", "small"), taints=(Taint("only", "NoSchedule", "gpu"),)),
    )
    shut = Cluster(name="shut", region="shut", snapshot=Snapshot(nodes=nodes, namespaces={"default": {}}))
    found = planned(shut, made_cluster("fine", "small"), workloads=(WEB,))
    assert dict(only(found).replicas) == {"fine": 3}
    (refused,) = only(found).refused
    assert refused.cluster == "shut"
    assert "room for 0 of 3" in refused.reason


def test_a_pod_that_is_larger_than_any_node() -> None:
    huge = made_workload("huge", 2, made_spec(64_000, 1))
    found = planned(made_cluster("a", "small", "large"), made_cluster("b", "large"), workloads=(huge, WEB))
    told = {one.workload: one for one in found.workloads}
    assert dict(told["default/huge"].replicas) == {}
    assert "2 replicas find no room" in told["default/huge"].reason
    assert {pod for _, pod in ((name, refusal.pod) for name, refusal in found.unschedulable)} == {
        "default/huge-0",
        "default/huge-1",
    }
    assert sum(told["default/web"].replicas.values()) == 3


def test_a_hundred_thousand_replicas() -> None:
    """Of which a pool of five thousand nodes holds all."""
    pool = ClusterPool(name="pool", node=made_node("", "large"), maximum=6000)
    many = made_workload("many", 100_000, made_spec(400, 1))
    found = planned(made_cluster("a", "large", pools=(pool,)), workloads=(many,))
    assert dict(only(found).replicas) == {"a": 100_000}
    assert max(Counter(placement.node for _, placement in found.placements).values()) <= 20
    too_many = planned(made_cluster("a", "large"), workloads=(many,))
    assert dict(only(too_many).replicas) == {}
    assert "100000 replicas find no room" in only(too_many).reason


def test_pods_that_ask_for_nothing() -> None:
    """They cost nothing where shares are charged; a node that is bought for them is paid whole."""
    idle = made_workload("idle", 5, PodSpec())
    found = planned(made_cluster("a", "small"), workloads=(idle,))
    assert dict(only(found).replicas) == {"a": 5}
    assert (only(found).per_hour, found.summary.value) == (0, 0)
    pool = ClusterPool(name="pool", node=made_node("", "small"), maximum=1)
    prices = PriceBook([Price(instance_type="small", per_hour=2.0)])
    bought = planned(made_cluster("a", pools=(pool,)), workloads=(idle,), prices=prices)
    assert only(bought).per_hour == pytest.approx(2.0)


def test_nodes_that_do_not_say_how_many_pods_they_hold() -> None:
    node = Node(name="n0", allocatable={"cpu": 4000, "memory": 16 * GIB})
    cluster = Cluster(name="a", region="a", snapshot=Snapshot(nodes=(node,), namespaces={"default": {}}))
    found = planned(cluster, workloads=(WEB,))
    assert sum(only(found).replicas.values()) in (0, 3)
    assert only(found).replicas or only(found).reason


def test_shares_of_gpus() -> None:
    """Two GPUs hold three halves and no more than one half beside: four in all."""
    half = PodSpec(requests={"cpu": 100, "memory": GIB}, devices=DeviceRequest(count=1, milli=500))
    held = planned(made_cluster("a", "gpu"), workloads=(made_workload("halves", 4, half),))
    assert dict(only(held).replicas) == {"a": 4}
    assert Counter(placement.devices for _, placement in held.placements) == {(0,): 2, (1,): 2}
    over = planned(made_cluster("a", "gpu"), workloads=(made_workload("halves", 5, half),))
    assert dict(only(over).replicas) == {}
    sixty = PodSpec(requests={"cpu": 100, "memory": GIB}, devices=DeviceRequest(count=1, milli=600))
    two = planned(made_cluster("a", "gpu"), workloads=(made_workload("sixties", 3, sixty),))
    assert dict(only(two).replicas) == {}


def test_whole_gpus_and_shares_do_not_mix_on_one_device() -> None:
    half = PodSpec(requests={"cpu": 100, "memory": GIB}, devices=DeviceRequest(count=1, milli=500))
    shares, whole = made_workload("shares", 2, half), made_workload("whole", 1, made_spec(100, 1, 1))
    found = planned(made_cluster("a", "gpu"), workloads=(shares, whole))
    assert [dict(one.replicas) for one in found.workloads] == [{"a": 2}, {"a": 1}]
    devices = {placement.pod: placement.devices for _, placement in found.placements}
    assert devices["default/shares-0"] == devices["default/shares-1"] != devices["default/whole-0"]


def test_a_gang_stays_in_one_cluster() -> None:
    """Three pods fit in each, six in both together: a Deployment of five is cut, a gang of five is refused."""
    spec = made_spec(1300, 1)
    clusters = (made_cluster("a", "small"), made_cluster("b", "small"))
    cut = planned(*clusters, workloads=(made_workload("web", 5, spec),))
    assert sorted(only(cut).replicas.values()) == [2, 3]
    gang = planned(*clusters, workloads=(made_workload("gang", 5, spec, divisible=False, **DAY),))
    assert dict(only(gang).replicas) == {}
    assert "5 replicas together find no room" in only(gang).reason
    assert len(gang.unschedulable) == 5


def test_a_gang_of_several_kinds_of_pods_is_placed_as_a_whole() -> None:
    """The leader fits everywhere, its workers only where there are GPUs for all of them."""
    pods = (*made_pods("leader", 1, SMALL), *made_pods("worker", 2, made_spec(1000, 1, 1)))
    gang = FleetWorkload(key="default/gang", kind="Job", pods=pods, divisible=False, requirements=Requirements(**DAY))
    found = planned(made_cluster("a", "small"), made_cluster("b", "gpu"), workloads=(gang,))
    assert dict(only(found).replicas) == {"b": 3}
    taken = msgspec.structs.replace(gang, key="default/other", pods=(*pods, *made_pods("more", 1, made_spec(1, 1, 1))))
    assert dict(only(planned(made_cluster("b", "gpu"), workloads=(taken,))).replicas) == {}


def test_a_deadline_that_nobody_can_meet() -> None:
    late = made_workload("late", 1, SMALL, within=HOUR, **DAY)
    found = planned(made_cluster("a", "small"), workloads=(late,))
    assert dict(only(found).replicas) == {}
    assert "it would finish at" in only(found).reason
    assert "after its deadline" in only(found).reason
    everybody = planned(made_cluster("a", "small"), workloads=(JOB,), within=HOUR)
    assert dict(only(everybody).replicas) == {}
    in_time = planned(made_cluster("a", "small"), workloads=(JOB,), within=24 * HOUR)
    assert dict(only(in_time).replicas) == {"a": 2}


def test_of_a_run_time_with_a_spread_it_is_told_by_when_nearly_all_runs_are_done() -> None:
    """The mean run is done after two hours, in time; 95 of 100 runs after three, which is too late."""
    spread = {"*": RunTime(2 * HOUR, ((0.95, 3 * HOUR),))}
    job = made_workload("job", 1, SMALL, run_time=spread, within=2.5 * HOUR)
    found = planned(made_cluster("a", "small"), workloads=(job,))
    when = f"{told_instant(NOW + 3 * HOUR)} at the earliest, after its deadline {told_instant(NOW + 2.5 * HOUR)}"
    assert only(found).reason.endswith(f"95 of 100 runs would be done by {when}")


def test_a_region_in_which_no_job_may_run() -> None:
    """Services do not count there."""
    regions = {"a": Region(name="a", concurrency=0), "b": Region(name="b")}
    clusters = (made_cluster("a", "small"), made_cluster("b", "small"))
    found = planned(*clusters, workloads=(JOB,), regions=regions)
    assert dict(only(found).replicas) == {"b": 2}
    alone = planned(clusters[0], workloads=(JOB,), regions=regions)
    assert dict(only(alone).replicas) == {}
    assert only(alone).reason
    assert dict(only(planned(clusters[0], workloads=(WEB,), regions=regions)).replicas) == {"a": 3}


def test_who_finds_no_slot_waits_for_one() -> None:
    """Two at a time: of three pairs each starts when the one before is done."""
    regions = {"a": Region(name="a", concurrency=2)}
    jobs = tuple(made_workload(f"job-{i}", 2, made_spec(100, 1), **DAY) for i in range(3))
    found = planned(made_cluster("a", "small"), workloads=jobs, regions=regions)
    starts = sorted((one.start or 0) - NOW for one in found.workloads)
    assert starts == [0, 24 * HOUR, 48 * HOUR]
    assert sorted((one.finish or 0) - NOW for one in found.workloads) == [24 * HOUR, 48 * HOUR, 72 * HOUR]
    assert found.summary.hours == pytest.approx(24 + 48 + 72)


def test_a_wait_that_outlasts_the_deadline_is_a_refusal() -> None:
    regions = {"a": Region(name="a", concurrency=2)}
    jobs = tuple(made_workload(f"job-{i}", 2, made_spec(100, 1), within=30 * HOUR, **DAY) for i in range(2))
    found = planned(made_cluster("a", "small"), workloads=jobs, regions=regions)
    assert sorted(len(one.replicas) for one in found.workloads) == [0, 1]


def running(cluster: str, count: int, spec: PodSpec = SMALL, first: int = 0) -> tuple[Pod, ...]:
    """Pods of the Deployment ``web`` that run on the first node of a cluster."""
    return tuple(Pod(name=f"web-{i}", spec=spec, node=f"{cluster}-n0") for i in range(first, first + count))


def scaled(wanted: int, **previous: int) -> FleetWorkload:
    """The Deployment with so many replicas, some of which run: the pending ones come after them."""
    keys, first = {}, 0
    for cluster, count in previous.items():
        keys[cluster] = tuple(f"default/web-{i}" for i in range(first, first + count))
        first += count
    pods = made_pods("web", wanted, SMALL)
    return FleetWorkload(key="default/web", kind="Deployment", pods=pods, previous=previous, running=keys)


def test_scaling_up_places_the_growth_and_leaves_what_runs() -> None:
    clusters = (made_cluster("a", "small", pods=running("a", 2)), made_cluster("b", "large", price_factor=0.1))
    found = planned(*clusters, workloads=(scaled(4, a=2),))
    assert dict(only(found).replicas) == {"a": 2, "b": 2}
    assert only(found).moved == 0
    assert sorted(placement.pod for _, placement in found.placements) == ["default/web-2", "default/web-3"]


def test_scaling_down_keeps_the_cheapest() -> None:
    clusters = (
        made_cluster("a", "small", pods=running("a", 2)),
        made_cluster("b", "small", pods=running("b", 2, first=2), price_factor=0.5),
    )
    found = planned(*clusters, workloads=(scaled(3, a=2, b=2),))
    assert dict(only(found).replicas) == {"a": 1, "b": 2}
    assert (only(found).moved, found.placements) == (1, ())
    assert dict(only(planned(*clusters, workloads=(scaled(4, a=2, b=2),))).replicas) == {"a": 2, "b": 2}


def test_growth_that_finds_no_room_leaves_what_runs_alone() -> None:
    found = planned(made_cluster("a", "small", pods=running("a", 3)), workloads=(scaled(9, a=3),))
    one = only(found)
    assert one.reason.startswith("6 replicas find no room")
    assert (dict(one.replicas), dict(one.kept), one.unplaced, one.moved) == ({}, {"a": 3}, 6, 0)
    assert (len(found.unschedulable), found.placements) == (6, ())
    assert one.per_hour > 0


def test_what_ran_in_a_lost_cluster_finds_another_place() -> None:
    clusters = (made_cluster("a", "small", pods=running("a", 3)), made_cluster("b", "small"))
    found = planned(*clusters, workloads=(scaled(3, a=3),), without=("cluster=a",))
    assert dict(only(found).replicas) == {"b": 3}
    assert only(found).moved == 3
    assert [report.lost for report in found.clusters] == [True, False]
    split = planned(*clusters, workloads=(scaled(3, a=2, b=1),), without=("a",))
    assert dict(only(split).replicas) == {"b": 3}
    assert (only(split).moved, len(split.placements)) == (2, 2)


def test_rebalancing_moves_to_where_it_is_cheaper() -> None:
    clusters = (made_cluster("a", "small", pods=running("a", 3)), made_cluster("b", "small", price_factor=0.5))
    assert dict(only(planned(*clusters, workloads=(scaled(3, a=3),))).replicas) == {"a": 3}
    found = planned(*clusters, workloads=(scaled(3, a=3),), rebalance=True)
    assert dict(only(found).replicas) == {"b": 3}
    assert only(found).moved == 3
    assert {report.cluster: report.pods for report in found.clusters}["b"] == 0


def test_a_cluster_with_a_taint_takes_who_tolerates_it_or_runs_there() -> None:
    tainted = made_cluster("a", "small", taints=(Taint("edge", "NoSchedule"),), pods=running("a", 1))
    assert "the untolerated taint edge:NoSchedule" in only(planned(tainted, workloads=(WEB,))).reason
    spec = msgspec.structs.replace(SMALL, tolerations=(Toleration(key="edge", operator="Exists"),))
    assert only(planned(tainted, workloads=(made_workload("web", 3, spec),))).replicas
    assert dict(only(planned(tainted, workloads=(scaled(2, a=1),))).replicas) == {"a": 2}


def test_pending_pods_of_a_cluster_have_their_turn_first() -> None:
    mine = tuple(Pod(name=f"mine-{i}", spec=made_spec(2000, 1)) for i in range(3))
    found = planned(made_cluster("a", "small", pods=mine), workloads=(made_workload("web", 1, SMALL),))
    assert [(name, placement.node) for name, placement in found.placements] == [("a", "a-n0")] * 2
    assert {refusal.pod for _, refusal in found.unschedulable} == {"default/mine-2", "default/web-0"}


def test_data_that_may_be_in_one_region_only() -> None:
    use = DataUse(name="patients", gigabytes=50, regions=("b",), may_live_in=("b",))
    regions = {name: Region(name=name) for name in ("a", "b")}
    clusters = (made_cluster("a", "small", price_factor=0.0), made_cluster("b", "small"))
    found = planned(*clusters, workloads=(made_workload("web", 2, SMALL, reads=(use,)),), regions=regions)
    assert dict(only(found).replicas) == {"b": 2}
    assert [(item.cluster, item.reason) for item in only(found).refused] == [
        ("a", "the data patients may be in b only")
    ]


@pytest.mark.parametrize("objective", ["cost", "time", "carbon", "balanced", "0.5*time+0.5*carbon"])
def test_without_a_price_a_series_a_region_or_a_limit_a_plan_is_made(objective: str) -> None:
    """The default rates, the world's mean intensity, and no time for moving are what is assumed."""
    reads = (DataUse(name="set", gigabytes=10, regions=("elsewhere",)),)
    service = made_workload("service", 2, SMALL, reads=reads)
    bare = msgspec.structs.replace(made_cluster("a", "small"), region="")
    found = planned(bare, made_cluster("b", "own"), workloads=(JOB, service), objective=objective)
    assert found.summary.placed == 2
    for one in found.workloads:
        assert one.per_hour == pytest.approx(2 * (0.031611 + 0.004237))
    job = next(one for one in found.workloads if one.kind == "Job")
    watts = 2 * ((0.74 + 3.5) / 2 + GIB / 1e9 * 0.392)
    assert job.carbon_grams == pytest.approx(watts * 24 / 1000 * 480)
    missing = {report.cluster: report.missing for report in found.clusters}
    assert missing["a"] == ("region", "prices", "carbon", "egress")
    assert any("egress" in warning for warning in found.warnings)
    assert any("bandwidth" in warning for warning in found.warnings)


def test_without_a_time_the_plan_says_so() -> None:
    found = planned(made_cluster("a", "small"), workloads=(JOB,), time=None)
    assert found.time == 0
    assert any("what time it is" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"objective": "0*cost+0*time"}, ConfigError, "weights that sum to 0"),
        ({"objective": "speed"}, ConfigError, "'speed'"),
        ({"within": 0.0}, ConfigError, "expected more than 0"),
        ({"within": -3600.0}, ConfigError, "-3600"),
        ({"without": ("region=atlantis",)}, NotFoundError, "region=atlantis"),
        ({"without": ("planet=mars",)}, ConfigError, "planet=mars"),
    ],
)
def test_questions_that_have_no_answer(asked: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        planned(made_cluster("a", "small"), workloads=(WEB,), **asked)


def test_all_clusters_lost() -> None:
    found = planned(made_cluster("a", "small"), workloads=(WEB,), without=("a",))
    assert only(found).reason == "there are no clusters"
    assert [(item.cluster, item.reason) for item in only(found).refused] == [("a", "it is lost")]


def test_a_workflow_that_finds_no_room_beside_another_waits_for_it() -> None:
    pods = (made_workload("task", 1, made_spec(4000, 1)).pods[0],)
    needs = Requirements(run_time={"*": RunTime(3600.0)})
    flows = tuple(
        Workflow(key=f"default/{name}", tasks=(Task(name="one", pods=pods, requirements=needs),)) for name in ("a", "b")
    )
    fleet = Fleet(clusters=(made_cluster("a", "small"),), regions={"a": Region(name="a")}, workflows=flows, time=0.0)
    first, second = plan(fleet, Question()).workflows
    assert (first["start"], first["finish"]) == ("1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z")
    assert second["tasks"][0]["start"] == "1970-01-01T01:00:00Z"


def test_a_price_that_changes_is_paid_as_it_is_at_each_time() -> None:
    """An hour at 1 $, then three at half of it; a machine that is bought, and one that exists."""
    rows = [Price(instance_type="small", per_hour=1.0, since=NOW - HOUR)]
    rows.append(Price(instance_type="small", per_hour=0.5, since=NOW + HOUR))
    pool = ClusterPool(name="pool", node=made_node("", "small"), maximum=1)
    job = made_workload("job", 1, made_spec(1000, 1), run_time={"*": RunTime(4 * HOUR)})
    found = only(planned(made_cluster("a", pools=(pool,)), workloads=(job,), prices=PriceBook(rows)))
    assert (found.total, found.per_hour) == (pytest.approx(2.5), pytest.approx(0.625))
    whole = only(planned(made_cluster("a", "small"), workloads=(job,), prices=PriceBook(rows[:1]))).total
    there = only(planned(made_cluster("a", "small"), workloads=(job,), prices=PriceBook(rows))).total
    assert whole is not None
    assert there == pytest.approx(whole * 2.5 / 4)
