"""Why a pod waits, where it would go, or how good its place is."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.scheduling.made_by_hand import ZONE, app, cluster, node, only, pod, whole, zoned
from tests.scheduling.made_snapshots import policies, snapshots
from tests.scheduling.searching import examples
from yuheng.errors import NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Reason
from yuheng.model.pod import TopologySpreadConstraint
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import explain, plan

LEAST = only("NodeResourcesFit")


def test_a_pod_that_fits_is_told_where_it_goes_and_with_what_score():
    snapshot = cluster(node("a"), node("b", cpu=1000), node("c", cpu=2000), pod("p", requests={"cpu": 2000}))
    found = explain(snapshot, "default/p", LEAST)
    assert (found.pod, found.verdict, found.node) == ("default/p", "fits", "a")
    assert [(candidate.node, candidate.total) for candidate in found.scores] == [("a", 73), ("c", 48)]
    assert found.message == "fits on 2 of 3 nodes; a is chosen with score 73"
    assert found.reasons == (Reason("NodeResourcesFit", "Insufficient cpu", 1),)


def test_the_reasons_of_a_pod_that_fits_are_of_the_state_in_which_it_was_decided_on():
    found = explain(cluster(node("a"), pod("p", requests={"cpu": 3000})), "default/p")
    assert found.message.startswith("fits on 1 of 1 nodes")
    assert found.reasons == ()


def test_the_pods_before_it_in_the_queue_are_placed_first():
    pods = [pod(f"p{i}", created=i, requests={"cpu": 3000}) for i in range(3)]
    snapshot = cluster(node("a"), node("b"), *pods)
    assert [explain(snapshot, f"default/p{i}").node for i in range(3)] == ["a", "b", ""]
    assert explain(snapshot, "default/p2").message == "0/2 nodes are available: 2 Insufficient cpu."
    assert explain(snapshot, "default/p2").verdict == "pending"


@examples(60)
@given(cluster=snapshots(pending=4), policy=policies())
def test_the_verdict_is_the_plans(cluster: Snapshot, policy: Policy):
    found = plan(cluster, policy)
    for placement in found.placements:
        told = explain(cluster, placement.pod, policy)
        assert (told.verdict, told.node) == ("fits", placement.node)
        assert len(told.scores) <= len(cluster.nodes)
    for refusal in found.unschedulable:
        told = explain(cluster, refusal.pod, policy)
        assert (told.verdict, told.message, told.reasons) == ("pending", refusal.message, refusal.reasons)
        assert (told.closest, told.hint, told.scores) == (refusal.closest, refusal.hint, ())


@examples(60)
@given(cluster=snapshots(pending=4), policy=policies())
def test_every_node_is_either_scored_or_told_of(cluster: Snapshot, policy: Policy):
    for placement in plan(cluster, policy).placements:
        told = explain(cluster, placement.pod, policy)
        rejected = [reason for reason in told.reasons if reason.filter != "NodeResourcesFit"]
        short = [reason.nodes for reason in told.reasons if reason.filter == "NodeResourcesFit"]
        left = len(cluster.nodes) - len(told.scores) - sum(reason.nodes for reason in rejected)
        assert max(short, default=0) <= left <= sum(short)


def test_a_bound_pod_is_rated_as_if_it_had_to_be_placed_again():
    running = pod("p", on="b", requests={"cpu": 2000}), pod("r", on="a", requests={"cpu": 1000})
    snapshot = cluster(node("a"), node("b"), node("c", cpu=1000), *running)
    found = explain(snapshot, "default/p", LEAST)
    assert (found.verdict, found.node) == ("bound", "b")
    assert found.message == "runs on b: score 73, rank 1 of 2 feasible nodes today"
    assert [(candidate.node, candidate.total) for candidate in found.scores] == [("b", 73), ("a", 60)]
    assert found.reasons == (Reason("NodeResourcesFit", "Insufficient cpu", 1),)


def test_a_bound_pod_with_a_better_place_is_told_of_it():
    running = pod("p", on="a", requests={"cpu": 2000}), pod("r", on="a", requests={"cpu": 1000})
    found = explain(cluster(node("a"), node("b"), *running), "default/p", LEAST)
    assert found.message == "runs on a: score 60, rank 2 of 2 feasible nodes today; b would score 73"


def test_a_bound_pod_that_would_not_be_placed_there_today():
    snapshot = cluster(node("a", unschedulable=True), node("b"), pod("p", on="a"))
    found = explain(snapshot, "default/p")
    assert found.message == "runs on a, where it would not be placed today"
    assert [candidate.node for candidate in found.scores] == ["b"]


def test_a_bound_pod_gives_its_gpus_back_to_be_rated():
    snapshot = cluster(node("a", gpus=2), whole("p", 2, on="a", holds=(0, 1)))
    assert [candidate.node for candidate in explain(snapshot, "default/p").scores] == ["a"]


def test_pending_pods_do_not_stand_in_the_way_of_a_bound_one():
    waiting = pod("q", requests={"cpu": 4000}, priority=9)
    snapshot = cluster(node("a"), pod("p", on="a", requests={"cpu": 3000}), waiting)
    assert [candidate.node for candidate in explain(snapshot, "default/p").scores] == ["a"]


def test_a_bound_pod_does_not_count_itself_among_those_it_keeps_away_from():
    rule = TopologySpreadConstraint(1, ZONE, "DoNotSchedule", app("web"))
    web = pod("p", on="a", labels={"app": "web"}, spread=(rule,))
    found = explain(cluster(zoned("a", "z1"), zoned("b", "z2"), web), "default/p")
    assert [candidate.node for candidate in found.scores] == ["a", "b"]


def test_a_pod_behind_a_scheduling_gate_is_told_so():
    found = explain(cluster(node("a"), pod("p", gates=("example.com/wait",))), "default/p")
    assert (found.verdict, found.message) == (
        "pending",
        "Scheduling is blocked due to non-empty scheduling gates.",
    )
    assert found.hint == "remove its scheduling gates"


@pytest.mark.parametrize("key", ["default/q", "p", "other/p"])
def test_a_pod_that_does_not_exist_is_an_error_that_names_it(key: str):
    with pytest.raises(NotFoundError, match=f"pod: found no '{key}' in the input"):
        explain(cluster(node("a"), pod("p")), key)
