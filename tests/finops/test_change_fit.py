"""Whether a change fits: on the nodes there are, on which nodes more, and what stays where it is."""

from __future__ import annotations

import pytest
from made_rollouts import autoscaler, daemon_set, deployment, node, running, template, tried

from yuheng.finops.change.fit import fits
from yuheng.finops.change.growth import NodeKind
from yuheng.finops.change.places import as_fleet
from yuheng.model.fleet import ClusterPool, Fleet
from yuheng.model.node import Node, Taint
from yuheng.model.prices import PriceBook, Rates
from yuheng.model.units import HOURS_A_MONTH

SMALL, LARGE = "small", "large"
PRICES = {SMALL: 0.10, LARGE: 0.15}
WEB = [running("web-1", "a"), running("web-2", "b")]


def nodes():
    return [node("a", cpu=2, kind=SMALL), node("b", cpu=4, kind=LARGE)]


def one(found):
    [only] = found
    return only


def test_what_fits_on_the_nodes_there_are_needs_none(tmp_path):
    found = one(fits(*tried(tmp_path, [*nodes(), *WEB], [deployment()], [deployment(replicas=4)])))
    assert (found.fits, found.more_nodes, found.pods, found.per_month) == (True, 0, 2, 0)


def test_pods_of_which_nothing_changes_stay_and_the_others_go(tmp_path):
    same = [deployment(), deployment("api")]
    cluster = [*nodes(), *WEB, running("api-1", "b", owner="api"), running("other-1", "b", owner="other")]
    found = one(fits(*tried(tmp_path, cluster, same, [deployment(), deployment("api", cpu="1500m")])))
    # Two of web stay; the one of api goes, and two of the new one come.
    assert (found.kept, found.removed, found.pods) == (2, 1, 2)


def test_fewer_replicas_take_pods_away(tmp_path):
    found = one(fits(*tried(tmp_path, [*nodes(), *WEB], [deployment()], [deployment(replicas=1)])))
    assert (found.kept, found.removed, found.pods) == (1, 1, 0)


def test_room_that_the_base_leaves_is_there_for_the_head(tmp_path):
    cluster = [node("a", cpu=2), running("web-1", "a"), running("web-2", "a")]
    found = one(fits(*tried(tmp_path, cluster, [deployment()], [deployment(replicas=1, cpu="2")])))
    assert (found.fits, found.more_nodes) == (True, 0)


def test_the_cheapest_kind_that_holds_everything_is_added(tmp_path):
    # Three pods of a core lack room: two small ones for $0.20 an hour, or one large one for $0.15.
    head = [deployment(replicas=9)]
    found = one(fits(*tried(tmp_path, [*nodes(), *WEB], [deployment()], head, PRICES)))
    assert [(item.like, item.nodes) for item in found.more] == [(LARGE, 1)]
    assert found.per_month == pytest.approx(0.15 * HOURS_A_MONTH)
    cheap = one(fits(*tried(tmp_path, [*nodes(), *WEB], [deployment()], head, {SMALL: 0.05, LARGE: 0.15})))
    assert [(item.like, item.nodes) for item in cheap.more] == [(SMALL, 2)]


@pytest.mark.parametrize(("replicas", "expected"), [(6, 0), (7, 1), (8, 1), (9, 2), (16, 5), (27, 11)])
def test_no_more_nodes_are_added_than_it_takes(tmp_path, replicas, expected):
    cluster = [node("a", cpu=2, kind=SMALL), node("b", cpu=4, kind=SMALL)]
    state = tried(tmp_path, cluster, [], [deployment(replicas=replicas)])
    small = NodeKind(SMALL, state[0].nodes[0], 10.0, exists=True)
    assert one(fits(*state[:3], [small])).more_nodes == expected


def test_a_workload_that_no_kind_holds_is_refused_and_the_rest_gets_its_nodes(tmp_path):
    head = [deployment(replicas=9), deployment("huge", 2, cpu="64")]
    found = one(fits(*tried(tmp_path, [*nodes(), *WEB], [deployment()], head, PRICES)))
    assert not found.fits
    assert [(item.workload, item.pods) for item in found.refused] == [("Deployment shop/huge", 2)]
    assert "Insufficient cpu" in found.refused[0].reason
    assert [(item.like, item.nodes) for item in found.more] == [(LARGE, 1)]


def test_autoscaled_workloads_are_tried_with_the_fewest_and_the_most_replicas(tmp_path):
    head = [deployment(), autoscaler(2, 9)]
    fewest, most = fits(*tried(tmp_path, [*nodes(), *WEB], [deployment()], head, PRICES))
    assert (fewest.replicas, fewest.pods, fewest.more_nodes) == ("fewest", 0, 0)
    assert (most.replicas, most.pods, most.more_nodes) == ("most", 7, 1)


def test_new_nodes_run_the_daemons_of_the_node_they_are_like(tmp_path):
    daemons = [running(f"agent-{name}", name, owner="agent", kind="DaemonSet") for name in "ab"]
    # Three cores are left of six less two agents; a new small node has one left beside its agent.
    cluster = [node("a", cpu=2, kind=SMALL), node("b", cpu=4, kind=SMALL), *daemons]
    state = tried(tmp_path, cluster, [], [deployment(replicas=6)])
    small = NodeKind(SMALL, state[0].nodes[0], 10.0, exists=True)
    assert one(fits(*state[:3], [small])).more_nodes == 2


def test_a_daemon_set_that_is_new_comes_to_every_node_and_to_new_ones(tmp_path):
    cluster = [node("a", cpu=2, kind=SMALL), node("b", cpu=2, kind=SMALL)]
    found = one(fits(*tried(tmp_path, cluster, [], [daemon_set(), deployment(replicas=3)], {SMALL: 0.1})))
    assert (found.pods, found.fits, found.more_nodes) == (5, True, 1)


def volcano_job(*replicas, name="train"):
    tasks = [
        {"name": f"t{i}", "replicas": count, "template": template("1", 1, {"app": name})}
        for i, count in enumerate(replicas)
    ]
    spec = {"minAvailable": 1, "tasks": tasks}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": metadata, "spec": spec}


def batch_job(parallelism, name="train"):
    spec = {"parallelism": parallelism, "template": template("1", 1, {"app": name})}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


JOBS = {"one task": [volcano_job(3)], "two": [volcano_job(2, 1)], "of both groups": [volcano_job(2), batch_job(1)]}


@pytest.mark.parametrize("name", JOBS)
def test_all_pods_of_jobs_are_placed_whatever_their_group(tmp_path, name):
    assert one(fits(*tried(tmp_path, nodes(), [], JOBS[name]))).pods == 3


def test_a_running_job_of_volcano_makes_room_for_its_next_version(tmp_path):
    pods = [running(f"train-t0-{i}", "a", owner="train", kind="Job") for i in range(2)]
    found = one(fits(*tried(tmp_path, [node("a", cpu=3), *pods], [volcano_job(2)], [volcano_job(3)])))
    assert (found.fits, found.kept + found.pods) == (True, 3)


def test_new_nodes_of_a_pool_get_no_daemons_that_their_labels_keep_away(tmp_path):
    agent = running("agent-a", "a", owner="agent", kind="DaemonSet")
    expression = {"key": "os", "operator": "In", "values": ["windows"]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    agent["spec"]["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    cluster = [node("a", cpu=1), agent]
    found = one(fits(*tried(tmp_path, cluster, [], [deployment(replicas=8)], pools=[(pool("many", 4), 0.1)])))
    assert [(item.like, item.nodes) for item in found.more] == [("many", 2)]


def pool(name, cpu, maximum=10, taints=()):
    made = Node(name=name, allocatable={"cpu": cpu * 1000, "memory": 64 * 2**30, "pods": 110}, taints=taints)
    return ClusterPool(name=name, node=made, maximum=maximum)


def test_a_cluster_with_pools_grows_by_their_nodes_up_to_their_maximum(tmp_path):
    pools = [(pool("few", 4, maximum=1), 0.1), (pool("many", 4), 0.3)]
    head = [deployment(replicas=11)]
    found = one(fits(*tried(tmp_path, nodes(), [], head, PRICES, pools)))
    # Five pods lack room: two nodes hold them all, of which the cheap pool has only one.
    assert [(item.like, item.nodes) for item in found.more] == [("many", 2)]
    only = one(fits(*tried(tmp_path, nodes(), [], head, PRICES, pools[:1])))
    assert [(item.like, item.nodes) for item in only.more] == [("few", 1)]
    assert sum(item.pods for item in only.refused) == 1


def test_nodes_whose_taint_nobody_tolerates_are_no_help(tmp_path):
    pools = [(pool("closed", 8, taints=(Taint("team", "NoSchedule", "data"),)), 0.01), (pool("open", 4), 1.0)]
    found = one(fits(*tried(tmp_path, nodes(), [], [deployment(replicas=8)], PRICES, pools)))
    assert [(item.like, item.nodes) for item in found.more] == [("open", 1)]


def test_what_waits_on_the_cluster_already_takes_no_room(tmp_path):
    waiting = running("other-1", "", cpu="2", owner="other")
    del waiting["spec"]["nodeName"]
    found = one(fits(*tried(tmp_path, [node("a", cpu=2), waiting], [], [deployment()])))
    assert (found.fits, found.more_nodes, found.pods) == (True, 0, 2)


def test_nodes_that_cannot_be_filled_up_are_counted_as_the_scheduler_fills_them(tmp_path):
    # Two of these pods go on a node of four cores, though by cores alone there would be room for two and two thirds.
    head = [deployment(replicas=23, cpu="1500m")]
    found = one(fits(*tried(tmp_path, nodes(), [], head, PRICES, [(pool("many", 4, maximum=50), 1.0)])))
    assert [(item.like, item.nodes) for item in found.more] == [("many", 10)]


def test_rates_that_are_given_count_before_those_of_a_fleet():
    fleet, given = Fleet(rates=Rates(1.0, 1.0, 1.0)), Rates(2.0, 2.0, 2.0)
    assert as_fleet(fleet, PriceBook(), given).rates == given
    assert as_fleet(fleet, PriceBook(), Rates()).rates == fleet.rates
