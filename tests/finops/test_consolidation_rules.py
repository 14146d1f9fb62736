"""Who may be evicted, what is worth it, in which rounds, and which machine takes a node's place."""

from __future__ import annotations

from math import inf

import pytest
from made_consolidations import GIB, node, pod, priced
from msgspec.structs import replace

from yuheng.errors import InputError
from yuheng.finops.consolidation import Terms, Worth, consolidate
from yuheng.finops.consolidation.worth import eviction_cost
from yuheng.finops.pricing import price_nodes
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.job import Job
from yuheng.model.pod import (
    Affinity,
    OwnerReference,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    TopologySpreadConstraint,
)
from yuheng.model.prices import Price, PriceBook
from yuheng.model.selectors import LabelSelector

ANY = Terms(k=inf)
WEB = LabelSelector({"app": "web"})
HOST = "kubernetes.io/hostname"


def guarded(allowed, name="b"):
    return PodDisruptionBudget(name, "default", WEB, allowed)


def two_nodes(*pods, **fields):
    """Pods on node a; node b is dearer to keep them off it, and empty but for what must stay there."""
    return Snapshot(nodes=(node("a"), node("b", 8)), pods=(*pods, pod("anchor", "b", owner=None)), **fields)


def stay_of(cluster, terms=ANY, annotations=None):
    """Why node a stays; empty where it goes."""
    found = consolidate(cluster, priced(cluster), terms, annotations)
    return next((stay.reason for stay in found.stays if stay.node == "a"), "")


ANNOTATED = {
    "karpenter.sh/do-not-disrupt": ("true", "karpenter.sh/do-not-disrupt=true"),
    "karpenter.sh/do-not-evict": ("true", "karpenter.sh/do-not-evict=true"),
    "cluster-autoscaler.kubernetes.io/safe-to-evict": ("false", "safe-to-evict=false"),
}


@pytest.mark.parametrize("key", ANNOTATED)
def test_an_annotated_pod_keeps_its_node(key):
    value, told = ANNOTATED[key]
    cluster = two_nodes(pod("p", "a"))
    assert told in stay_of(cluster, annotations={"default/p": {key: value}})
    assert not stay_of(cluster, annotations={"default/p": {key: {"true": "false", "false": "true"}[value]}})


OBSTACLES = {
    "none": (two_nodes(pod("p", "a")), ""),
    "a bare pod": (two_nodes(pod("p", "a", owner=None)), "no controller"),
    "a pod of kube-system": (two_nodes(pod("p", "a", namespace="kube-system")), "no PodDisruptionBudget"),
    "a budget that allows none": (
        two_nodes(pod("p", "a", labels={"app": "web"}), budgets=(guarded(0),)),
        "PodDisruptionBudget default/b allows no disruption now",
    ),
    "a budget that allows one": (two_nodes(pod("p", "a", labels={"app": "web"}), budgets=(guarded(1),)), ""),
    "two budgets": (
        two_nodes(pod("p", "a", labels={"app": "web"}), budgets=(guarded(1), guarded(1, "c"))),
        "more than one PodDisruptionBudget",
    ),
    "a gang at its minimum": (
        two_nodes(pod("p", "a", job="default/g"), jobs=(Job(name="g", min_available=2, succeeded=1),)),
        "gang default/g has no pod above its minimum",
    ),
    "a gang above its minimum": (
        two_nodes(
            pod("p", "a", job="default/g"),
            pod("q", "b", job="default/g"),
            jobs=(Job(name="g", min_available=2, succeeded=1),),
        ),
        "",
    ),
    "a pod of a DaemonSet": (two_nodes(pod("p", "a", owner=OwnerReference("DaemonSet", "d", "", True))), ""),
    "a static pod": (two_nodes(pod("p", "a", owner=OwnerReference("Node", "a", "", True))), ""),
    "no room elsewhere": (two_nodes(pod("p", "a", 4), pod("q", "b", 6)), "Insufficient cpu"),
    "another node asked for": (
        two_nodes(pod("p", "a", spec=PodSpec(requests={"cpu": 1}, node_selector={HOST: "a"}))),
        "didn't match Pod's node affinity/selector",
    ),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_keeps_a_node_is_told(name):
    cluster, told = OBSTACLES[name]
    reason = stay_of(cluster)
    assert told in reason
    assert bool(told) == bool(reason)


def test_the_control_plane_stays():
    cluster = Snapshot(nodes=(node("a", **{"node-role.kubernetes.io/control-plane": ""}), node("b", 8)))
    assert "control plane" in stay_of(cluster)


def test_what_may_not_be_disturbed_today_may_be_within_a_month():
    cluster, _ = OBSTACLES["a budget that allows none"]
    assert not stay_of(cluster, Terms(k=inf, steady=True))


def test_bare_pods_move_where_that_is_asked_for():
    cluster, _ = OBSTACLES["a bare pod"]
    found = consolidate(cluster, priced(cluster), Terms(k=inf, bare=True))
    assert found.nodes_after == 1


def test_pods_of_a_budget_leave_in_rounds():
    pods = [pod(f"p{i}", "a", 0.5, labels={"app": "web"}) for i in range(5)]
    cluster = two_nodes(*pods, pod("q", "a", 0.25), budgets=(guarded(2),))
    (step,) = consolidate(cluster, priced(cluster), ANY).steps
    assert [one.round for one in step.evictions] == [1, 1, 2, 2, 3, 3]


def test_a_pod_that_follows_another_is_placed_behind_it():
    term = PodAffinityTerm(HOST, WEB)
    follower = PodSpec(requests={"cpu": 2000}, affinity=Affinity(pod_affinity=PodAffinity(required=(term,))))
    cluster = two_nodes(pod("follower", "a", spec=follower), pod("web", "a", 0.5, labels={"app": "web"}))
    (step,) = consolidate(cluster, priced(cluster), ANY).steps
    assert [(one.pod, one.node) for one in step.evictions] == [("default/web", "b"), ("default/follower", "b")]


def test_domains_that_are_gone_are_no_minimum_for_those_that_spread():
    rule = TopologySpreadConstraint(1, HOST, "DoNotSchedule", WEB)
    spec = PodSpec(requests={"cpu": 100}, spread=(rule,))
    nodes = tuple(node(name) for name in "abc")
    empty = Snapshot(nodes=nodes, pods=tuple(pod(f"p{name}", name, spec=spec, labels={"app": "web"}) for name in "ab"))
    found = consolidate(empty, priced(empty), ANY)
    # c is empty and goes; neither a nor b may, for while it is drained it is the minimum of 0.
    assert [step.node for step in found.steps] == ["c"]


def test_zones_that_are_gone_are_no_minimum_either():
    zone = "topology.kubernetes.io/zone"
    rule = TopologySpreadConstraint(1, zone, "DoNotSchedule", WEB)
    spec = PodSpec(requests={"cpu": 100}, spread=(rule,))
    nodes = (node("a1", **{zone: "a"}), node("a2", **{zone: "a"}), node("b", **{zone: "b"}), node("c", **{zone: "c"}))
    where = {"p1": "a1", "p2": "a2", "p3": "b", "p4": "b"}
    cluster = Snapshot(nodes=nodes, pods=tuple(pod(p, n, spec=spec, labels={"app": "web"}) for p, n in where.items()))
    found = consolidate(cluster, priced(cluster), ANY)
    # Zone c is empty and goes. Without it, a second pod of zone a may join the first.
    assert [step.node for step in found.steps] in (["c", "a1"], ["c", "a2"])


def test_pods_that_end_with_their_node_attract_nobody_any_more():
    zone = "topology.kubernetes.io/zone"
    follower = PodSpec(
        requests={"cpu": 100}, affinity=Affinity(pod_affinity=PodAffinity(required=(PodAffinityTerm(zone, WEB),)))
    )
    nodes = (node("a", **{zone: "x"}), node("b", **{zone: "x"}), node("c", **{zone: "y"}))
    pods = (
        pod("web", "a", 0.1, labels={"app": "web"}, owner=OwnerReference("DaemonSet", "d", "", True)),
        pod("anchor", "b", owner=None),
        pod("follower", "c", spec=follower),
    )
    cluster = Snapshot(nodes=nodes, pods=pods)
    assert [step.node for step in consolidate(cluster, priced(cluster), ANY).steps] == ["a"]


WORTH = {
    "half the money, half the disruption": (Worth(5, 5, 10, 10, 2), 1.0, True),
    "a tenth for a fifth": (Worth(1, 2, 10, 10, 2), 0.5, True),
    "a tenth for three tenths": (Worth(1, 3, 10, 10, 2), 1 / 3, False),
    "the same, with a larger k": (Worth(1, 3, 10, 10, 3), 1 / 3, True),
    "whatever saves": (Worth(0.001, 10, 10, 10, inf), 0.0001, True),
    "nothing": (Worth(0, 1, 10, 10, inf), 0.0, False),
}


@pytest.mark.parametrize("name", WORTH)
def test_savings_are_weighed_against_disruption(name):
    worth, score, approved = WORTH[name]
    assert (worth.score, worth.is_approved) == (pytest.approx(score), approved)


COSTS = {(0, 0): 1.0, (2**25, 0): 2.0, (0, 2**27): 2.0, (2_000_000_000, 0): 10.0, (-(2**31), 0): -10.0}


@pytest.mark.parametrize(("priority", "deletion"), COSTS)
def test_evictions_cost_what_karpenter_counts(priority, deletion):
    assert eviction_cost(priority, deletion) == pytest.approx(COSTS[priority, deletion])


def test_a_dear_node_with_few_pods_goes_and_a_cheap_one_with_many_stays():
    cluster = Snapshot(
        nodes=(node("cheap"), node("dear"), node("roomy", 32)),
        pods=(*(pod(f"p{i}", "cheap", 0.1) for i in range(9)), pod("q", "dear"), pod("r", "roomy", owner=None)),
    )
    found = consolidate(cluster, priced(cluster, {"cheap": 0.5, "dear": 4.0, "roomy": 4.0}), Terms(k=2))
    assert [step.node for step in found.steps] == ["dear"]
    assert "not worth it" in next(stay.reason for stay in found.stays if stay.node == "cheap")


def test_a_deletion_cost_that_is_no_number_is_told_with_its_pod():
    cluster = two_nodes(pod("p", "a"))
    notes = {"default/p": {"controller.kubernetes.io/pod-deletion-cost": "dear"}}
    with pytest.raises(InputError, match=r"Pod default/p.*pod-deletion-cost.*found 'dear', expected a whole number"):
        consolidate(cluster, priced(cluster), ANY, notes)


def test_pods_that_wait_keep_the_room_that_they_will_take():
    cluster = Snapshot(nodes=(node("a"), node("b")), pods=(pod("p", "a", 3), pod("new", None, 3)))
    found = consolidate(cluster, priced(cluster), ANY)
    assert (found.steps, [one.node for one in found.waiting]) == ((), ["b"])


def test_a_pod_that_waits_is_sent_elsewhere_without_an_eviction():
    cluster = Snapshot(nodes=(node("a"), node("b")), pods=(pod("p", "a", 1), pod("new", None, 1)))
    found = consolidate(cluster, priced(cluster), ANY)
    (step,) = found.steps
    (waiting,) = found.waiting
    assert (step.node, step.disruption, step.evictions, waiting.node) == ("b", 1.0, (), "a")


# Replacement.

TYPES = {"m5.large": (2, 8, 0.1), "m5.xlarge": (4, 16, 0.2), "m5.4xlarge": (16, 64, 0.8), "c5.large": (2, 4, 0.05)}
BOOK = PriceBook(
    Price(provider="aws", region="r", instance_type=kind, per_hour=price, cpu_milli=1000 * cores, memory=gib * GIB)
    for kind, (cores, gib, price) in TYPES.items()
)
LABELS = {
    "node.kubernetes.io/instance-type": "m5.4xlarge",
    "topology.kubernetes.io/region": "r",
    "topology.kubernetes.io/zone": "ra",
}


def replaced(*pods, k=inf):
    cluster = Snapshot(nodes=(node("a", 16, 60, **LABELS),), pods=pods)
    return consolidate(cluster, price_nodes(cluster.nodes, BOOK, time=0.0), Terms(k=k, book=BOOK))


def test_a_node_is_replaced_by_the_cheapest_of_its_family_that_holds_its_pods():
    (step,) = replaced(pod("p", "a", 1.5, 4), pod("q", "a", 1, 4)).steps
    assert (step.replacement, step.replacement_node, step.per_hour) == ("m5.xlarge", "a-m5.xlarge", pytest.approx(0.6))
    assert {one.node for one in step.evictions} == {"a-m5.xlarge"}


def test_what_the_machine_keeps_for_itself_counts():
    # Two cores are sold with an m5.large; pods cannot have all of them.
    (step,) = replaced(pod("p", "a", 2, 1)).steps
    assert step.replacement == "m5.xlarge"


def test_pods_of_daemonsets_need_room_on_the_new_node_too():
    daemon = OwnerReference("DaemonSet", "d", "", True)
    (step,) = replaced(pod("p", "a", 1), pod("d", "a", 2, owner=daemon)).steps
    assert (step.replacement, [one.pod for one in step.evictions]) == ("m5.xlarge", ["default/p"])


def test_nodes_are_replaced_only_where_that_is_worth_it():
    assert not replaced(pod("p", "a", 1), k=0.5).steps


def test_pods_with_rules_about_others_keep_their_node():
    term = PodAffinityTerm(HOST, WEB)
    spec = PodSpec(requests={"cpu": 100}, affinity=Affinity(pod_anti_affinity=PodAffinity(required=(term,))))
    assert not replaced(pod("p", "a", spec=spec, labels={"app": "web"})).steps


def test_a_node_without_a_price_of_its_own_is_not_replaced():
    cluster = Snapshot(nodes=(node("a", 16, 60),), pods=(pod("p", "a"),))
    assert not consolidate(cluster, priced(cluster), Terms(k=inf, book=BOOK)).steps


def test_no_more_nodes_go_than_were_asked_for():
    cluster = Snapshot(nodes=tuple(node(name) for name in "abcd"), pods=(pod("p", "a"),))
    found = consolidate(cluster, priced(cluster), Terms(k=inf, most=2))
    assert (len(found.steps), found.nodes_after) == (2, 2)


def test_money_adds_up():
    cluster = replace(two_nodes(pod("p", "a")), nodes=(node("a"), node("b", 8)))
    told = consolidate(cluster, priced(cluster, {"a": 2.0, "b": 3.0}), ANY).to_dict()
    assert told["before"]["perMonth"] == pytest.approx(3650.0)
    assert told["before"]["perMonth"] - told["savedPerMonth"] == pytest.approx(told["after"]["perMonth"])
    assert told["bound"]["gap"] >= 0
