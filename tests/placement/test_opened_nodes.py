"""Nodes that a plan opens are paid once, hour by hour, by those who are on them: every sum is worked out by hand."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec
import pytest
from exact_fleet import HORIZON, Exact
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_fleets import HOUR, NOW, made_node, made_spec, made_workload, small_fleet

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool, Fleet, FleetWorkload, Region
from yuheng.model.fleet_plan import FleetPlan, WorkloadPlan
from yuheng.model.pod import PodSpec
from yuheng.model.prices import Price, PriceBook
from yuheng.model.propagation import Placement, PropagationPolicy, ResourceSelector
from yuheng.model.requirements import RunTime
from yuheng.placement import exact, planner
from yuheng.placement.drill import carried_out, drill
from yuheng.placement.planner import Decision, Question, plan

# A quarter of a node of type small: it has 4 cores and 16 GiB, and costs $2 an hour here.
QUARTER = made_spec(1000, 4)
PRICES = PriceBook([Price(instance_type="small", per_hour=2.0)])
some = settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def pool_of(kind: str = "small", maximum: int = 3, **fields: Any) -> ClusterPool:
    return ClusterPool(**{"name": kind, "node": made_node("", kind), "maximum": maximum, **fields})


def bare(name: str, *pools: ClusterPool, **fields: Any) -> Cluster:
    """A cluster whose nodes have to be opened."""
    snapshot = Snapshot(namespaces={"default": {}})
    return Cluster(**{"name": name, "region": name, "snapshot": snapshot, "pools": pools, **fields})


def fleet_of(*clusters: Cluster, workloads: tuple[FleetWorkload, ...], **fields: Any) -> Fleet:
    return Fleet(**{"clusters": clusters, "workloads": workloads, "prices": PRICES, "time": NOW, **fields})


def job(name: str, pods: int, hours: float, **needs: Any) -> FleetWorkload:
    return made_workload(name, pods, QUARTER, divisible=False, run_time={"*": RunTime(hours * HOUR)}, **needs)


def told_of(found: FleetPlan) -> dict[str, WorkloadPlan]:
    return {one.workload.partition("/")[2]: one for one in found.workloads}


def opened(found: FleetPlan) -> int:
    return sum(item.nodes for item in found.new_nodes)


class Told(NamedTuple):
    """What a workload is told: dollars an hour, and of its machines in all."""

    per_hour: float
    compute: float


class Shared(NamedTuple):
    """Workloads on one node, and what each of them pays of it."""

    name: str
    workloads: tuple[FleetWorkload, ...]
    told: dict[str, Told]
    bill: float


A_DAY = job("day", 2, 24)
CASES = (
    Shared(
        "alone on a node, a workload pays all of it",
        (made_workload("web", 1, QUARTER),),
        {"web": Told(2.0, 2.0 * HORIZON)},
        2.0 * HORIZON,
    ),
    Shared(
        "services pay in the ratio of what they ask for",
        (made_workload("web", 3, QUARTER), made_workload("api", 1, QUARTER)),
        {"web": Told(1.5, 1.5 * HORIZON), "api": Told(0.5, 0.5 * HORIZON)},
        2.0 * HORIZON,
    ),
    Shared(
        "whoever stays longer pays the rest of the time alone",
        (A_DAY, job("hour", 2, 1)),
        {"day": Told(1.0, 1.0 + 2.0 * 23), "hour": Told(1.0, 1.0)},
        2.0 * 24,
    ),
    Shared(
        "a job on the node of a service adds nothing to the bill",
        (made_workload("web", 2, QUARTER), A_DAY),
        {"web": Told(1.0, 24.0 + 2.0 * (HORIZON - 24)), "day": Told(1.0, 24.0)},
        2.0 * HORIZON,
    ),
    Shared(
        "jobs that are not there at the same time pay each its own hours",
        (job("now", 2, 2), job("later", 2, 3, not_before=NOW + 10 * HOUR)),
        {"now": Told(1.0, 4.0), "later": Told(1.0, 6.0)},
        2.0 * 5,
    ),
    Shared(
        "pods that ask for nothing share a node by their number",
        (made_workload("one", 1, PodSpec()), made_workload("three", 3, PodSpec())),
        {"one": Told(0.5, 0.5 * HORIZON), "three": Told(1.5, 1.5 * HORIZON)},
        2.0 * HORIZON,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_node_is_paid_once(case: Shared) -> None:
    found = plan(fleet_of(bare("a", pool_of()), workloads=case.workloads), Question())
    told = told_of(found)
    assert opened(found) == 1
    for name, expected in case.told.items():
        assert (told[name].per_hour, told[name].compute) == pytest.approx(expected), name
    assert found.summary.total == pytest.approx(case.bill)
    assert found.summary.value == pytest.approx(case.bill)
    assert found.summary.per_hour == pytest.approx(sum(item.per_hour for item in found.new_nodes))
    assert not any("share" in warning for warning in found.warnings)


def test_joining_a_node_is_cheaper_than_a_part_of_another() -> None:
    """The second workload has the choice between a free quarter of an open node, and a quarter of a cheap one."""
    there = bare("there", price_factor=0.1)
    node = made_node("there-n0", "small")
    there = msgspec.structs.replace(there, snapshot=Snapshot(nodes=(node,), namespaces={"default": {}}))
    tied = made_workload("tied", 3, QUARTER, regions=("a",))
    found = plan(fleet_of(bare("a", pool_of()), there, workloads=(tied, made_workload("web", 1, QUARTER))), Question())
    assert dict(told_of(found)["web"].replicas) == {"a": 1}
    assert found.summary.total == pytest.approx(2.0 * HORIZON)


def test_two_workloads_open_a_node_together_that_neither_would_open_alone() -> None:
    """Alone each is better off with its part of a node that exists, $0.80 an hour; both fill one for $1.20."""
    dear = bare("dear", price_factor=0.8)
    nodes = (made_node("dear-n0", "small"), made_node("dear-n1", "small"))
    dear = msgspec.structs.replace(dear, snapshot=Snapshot(nodes=nodes, namespaces={"default": {}}))
    cheap = bare("cheap", pool_of(), price_factor=0.6)
    both = (made_workload("api", 2, QUARTER), made_workload("web", 2, QUARTER))
    alone = plan(fleet_of(cheap, dear, workloads=both[:1]), Question())
    assert dict(told_of(alone)["api"].replicas) == {"dear": 2}
    for columns in (exact.MOST_COLUMNS, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exact, "MOST_COLUMNS", columns)
            found = plan(fleet_of(cheap, dear, workloads=both), Question())
        assert {name: dict(one.replicas) for name, one in told_of(found).items()} == {
            "api": {"cheap": 2},
            "web": {"cheap": 2},
        }
        assert found.summary.total == pytest.approx(1.2 * HORIZON)


def test_the_runner_up_tells_what_the_bill_would_grow_by() -> None:
    """Leaving the node would save nothing, as the other stays: what another node costs comes on top."""
    web, api = made_workload("web", 2, QUARTER), made_workload("api", 2, QUARTER, regions=("a",))
    found = plan(fleet_of(bare("a", pool_of()), bare("b", pool_of()), workloads=(web, api)), Question())
    other = told_of(found)["web"].runner_up
    assert other is not None
    assert (other.cluster, other.per_hour) == ("b", pytest.approx(2.0))
    alone = plan(fleet_of(bare("a", pool_of()), bare("b", pool_of()), workloads=(web,)), Question())
    only = told_of(alone)["web"].runner_up
    assert only is not None
    assert only.per_hour == pytest.approx(0.0)


def test_a_node_without_a_price_is_shared_at_default_rates() -> None:
    """Six cores and 24 GiB that nobody sells: the rates of all of it, in the ratio of what is asked for."""
    whole = 6 * 0.031611 + 24 * 0.004237
    wide, deep = made_workload("wide", 1, made_spec(3000, 2)), made_workload("deep", 1, made_spec(500, 20))
    told = told_of(plan(fleet_of(bare("a", pool_of("own")), workloads=(wide, deep)), Question()))
    asked = {"wide": 3 * 0.031611 + 2 * 0.004237, "deep": 0.5 * 0.031611 + 20 * 0.004237}
    for name, amount in asked.items():
        assert told[name].per_hour == pytest.approx(whole * amount / sum(asked.values()))


def test_what_a_policy_places_is_packed_and_shares_the_nodes() -> None:
    """Twelve pods fill three nodes, whatever kube-scheduler's spreading would open; the other two join nobody."""
    policy = PropagationPolicy(
        name="all",
        namespace="default",
        resource_selectors=(ResourceSelector(api_version="apps/v1", kind="Deployment", name="web"),),
        placement=Placement(),
    )
    web = msgspec.structs.replace(made_workload("web", 10, QUARTER), api_version="apps/v1")
    found = plan(
        fleet_of(bare("a", pool_of(maximum=8)), workloads=(web, made_workload("api", 2, QUARTER)), policies=(policy,)),
        Question(),
    )
    told = told_of(found)
    assert told["web"].policy
    assert opened(found) == 3
    assert told["web"].per_hour + told["api"].per_hour == pytest.approx(6.0)
    assert told["web"].per_hour == pytest.approx(5.0)


def test_a_node_that_was_opened_before_is_still_paid_and_joined_for_nothing() -> None:
    """A plan is carried out, another workload comes: it has the free half of the node, and the bill stays."""
    before = fleet_of(bare("a", pool_of()), bare("b", pool_of()), workloads=(made_workload("web", 2, QUARTER),))
    first = plan(before, Question())
    after = carried_out(before, first)
    more = msgspec.structs.replace(after, workloads=(*after.workloads, made_workload("api", 2, QUARTER)))
    found = plan(more, Question())
    assert dict(told_of(found)["api"].replicas) == dict(told_of(found)["web"].replicas)
    assert (opened(found), found.summary.per_hour) == (1, pytest.approx(2.0))
    assert [told_of(found)[name].per_hour for name in ("web", "api")] == pytest.approx([1.0, 1.0])


def test_a_drill_pays_for_the_nodes_that_have_to_be_opened() -> None:
    """Two workloads on one node, a cluster that is lost: one node elsewhere for both of them, at the same price."""
    both = (made_workload("web", 2, QUARTER), made_workload("api", 2, QUARTER))
    rows = drill(fleet_of(bare("a", pool_of()), bare("b", pool_of()), workloads=both), Question()).rows
    lost = {row.lost: row for row in rows}
    row = next(row for name, row in lost.items() if name.startswith("cluster=") and row.moved)
    assert (row.moved, row.new_nodes, row.per_hour) == (4, 1, pytest.approx(0.0))


def test_pods_of_several_templates_share_the_node_of_their_own_workload() -> None:
    leader, workers = made_workload("gang", 1, QUARTER), made_workload("worker", 3, QUARTER)
    gang = msgspec.structs.replace(leader, pods=(*leader.pods, *workers.pods), divisible=False)
    for columns in (exact.MOST_COLUMNS, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exact, "MOST_COLUMNS", columns)
            found = plan(fleet_of(bare("a", pool_of()), workloads=(gang,)), Question())
        assert (opened(found), found.summary.total) == (1, pytest.approx(2.0 * HORIZON))


def test_a_gang_whose_leader_runs_opens_a_node_for_the_rest() -> None:
    """The leader fills the node that exists; its three workers are a quarter of the opened node each."""
    leader, workers = made_workload("leader", 1, made_spec(4000, 4)), made_workload("worker", 3, QUARTER)
    pods = (*leader.pods, *workers.pods)
    gang = FleetWorkload(
        key="default/gang",
        kind="Job",
        pods=pods,
        divisible=False,
        previous={"a": 1},
        running={"a": (leader.pods[0].key,)},
    )
    running = (msgspec.structs.replace(leader.pods[0], node="a-n0"),)
    snapshot = Snapshot(nodes=(made_node("a-n0", "small"),), pods=running, namespaces={"default": {}})
    found = plan(fleet_of(bare("a", pool_of(), snapshot=snapshot), workloads=(gang,)), Question())
    assert dict(told_of(found)["gang"].replicas) == {"a": 4}
    assert opened(found) == 1


def test_jobs_that_wait_for_each_other_pay_for_all_the_hours() -> None:
    """Two at a time: three pairs of a day each have the node for three days."""
    regions = {"a": Region(name="a", concurrency=2)}
    jobs = tuple(job(f"job-{i}", 2, 24) for i in range(3))
    found = plan(fleet_of(bare("a", pool_of(maximum=2)), workloads=jobs, regions=regions), Question())
    assert sorted((one.start or 0) - NOW for one in found.workloads) == [0, 24 * HOUR, 48 * HOUR]
    assert found.summary.total == pytest.approx(2.0 * 72)


def test_whoever_weighs_time_alone_is_planned_beside_those_who_weigh_dollars() -> None:
    """Each kind is decided by itself, and both pay for one node."""
    swift = made_workload("swift", 2, QUARTER, objective="time")
    found = plan(fleet_of(bare("a", pool_of()), workloads=(swift, made_workload("web", 2, QUARTER))), Question())
    assert (opened(found), found.summary.total) == (1, pytest.approx(2.0 * HORIZON))


SEEDS = st.integers(2000, 10**9)


@given(SEEDS)
@some
def test_what_workloads_are_told_adds_up_to_the_bill_in_plain_arithmetic(seed: int) -> None:
    """Hour by hour: parts of nodes that exist, and the price of every opened node while anybody is on it."""
    fleet, objective = small_fleet(seed)
    found = plan(fleet, Question(objective=objective))
    oracle = Exact(fleet, objective)
    told = math.fsum(one.compute + one.egress + one.storage for one in found.workloads)
    assert told == pytest.approx(found.summary.total)
    assert oracle.bill(found) == pytest.approx(found.summary.total)
    assert math.fsum(one.per_hour for one in found.workloads) == pytest.approx(oracle.per_hour(found))


@given(SEEDS)
@some
def test_the_bill_is_kept_as_workloads_come_and_go(seed: int) -> None:
    """A proposal tells what the bill grows by, and who leaves takes exactly that with him."""
    fleet, objective = small_fleet(seed)
    decision = Decision(fleet, Question(objective=objective))
    decision.decide()
    assignment = decision.assignment
    for key in list(assignment.tenures):
        before, saved = assignment.opened.bill, assignment.alone(assignment.tenures[key])[0]
        tenure = assignment.release(key)
        assert before - assignment.opened.bill == pytest.approx(saved, abs=1e-9)
        proposal = assignment.best(decision.cases[key])
        assert proposal is not None
        empty = assignment.opened.bill
        assert assignment.settle(decision.cases[key], proposal)
        own = assignment.tenures[key].proposal.terms.cost
        assert own + assignment.opened.bill - empty == pytest.approx(proposal.terms.cost, abs=1e-9)
        assignment.release(key)
        assignment.restore(key, tenure)
        assert assignment.opened.bill == pytest.approx(before, abs=1e-9)
    decision.undo()
    assert assignment.opened.bill == pytest.approx(0.0, abs=1e-9)
    assert not assignment.opened.count.any()


@given(SEEDS)
@settings(some, max_examples=10)
def test_large_fleets_are_bounded_truly_as_well(seed: int) -> None:
    """Without the exact program, and with that in which a group is one machine."""
    fleet, objective = small_fleet(seed)
    for columns in (0, 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exact, "MOST_COLUMNS", columns)
            found = planner.plan(fleet, Question(objective=objective))
        best = Exact(fleet, objective).best([one.workload for one in found.workloads if one.replicas])
        assert found.summary.bound <= best.value * (1 + 1e-6) + 1e-12
        assert found.summary.value >= best.value * (1 - 1e-6) - 1e-12
