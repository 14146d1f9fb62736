"""Spread constraints: which pods and nodes count, what is allowed, and what is preferred."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.scheduling.made_by_hand import HOSTNAME, ZONE, app, cluster, homes, node, pod, scores_of, words, zoned
from yuheng.model.cluster import PodSelector
from yuheng.model.node import Taint
from yuheng.model.pod import OwnerReference, Pod, TopologySpreadConstraint
from yuheng.model.policy import Policy
from yuheng.model.selectors import LabelSelector, SelectorRequirement
from yuheng.scheduling.planner import plan

WEB = {"app": "web"}
SKEWED = "node(s) didn't match pod topology spread constraints"


WEBS = app("web")


def hard(key: str = ZONE, skew: int = 1, selector: LabelSelector | None = WEBS, **rest: Any) -> Any:
    return (TopologySpreadConstraint(skew, key, "DoNotSchedule", selector, **rest),)


def soft(key: str = ZONE, skew: int = 1, selector: LabelSelector | None = WEBS, **rest: Any) -> Any:
    return (TopologySpreadConstraint(skew, key, "ScheduleAnyway", selector, **rest),)


def webs(count: int, on: str, **rest: Any) -> list[Pod]:
    return [pod(f"{on}-{i}", on=on, labels=WEB, **rest) for i in range(count)]


# Hard constraints.


def test_pods_go_where_the_fewest_are_when_the_skew_is_used_up():
    new = [pod(f"p{i}", labels=WEB, spread=hard()) for i in range(4)]
    found = plan(cluster(zoned("a", "z1"), zoned("b", "z2"), *webs(2, "a"), *new))
    assert list(homes(found).values())[:2] == ["b", "b"]


def test_a_node_whose_domain_would_be_too_crowded_is_rejected():
    full = zoned("b", "z2", pods=0)
    found = plan(cluster(zoned("a", "z1"), full, *webs(1, "a"), pod("p", labels=WEB, spread=hard())))
    assert words(found) == {"p": f"0/2 nodes are available: 1 Too many pods, 1 {SKEWED}."}


def test_the_skew_may_be_reached_but_not_passed():
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    assert homes(plan(cluster(*nodes, *webs(1, "a"), pod("p", labels=WEB, spread=hard(skew=2))))) == {"p": "a"}
    assert homes(plan(cluster(*nodes, *webs(2, "a"), pod("p", labels=WEB, spread=hard(skew=2))))) == {}


def test_a_pod_that_its_own_selector_does_not_choose_adds_nothing():
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    assert homes(plan(cluster(*nodes, *webs(1, "a"), pod("p", spread=hard())))) == {"p": "a"}


def test_a_node_without_the_key_is_rejected_in_words_of_its_own():
    found = plan(cluster(node("a"), pod("p", labels=WEB, spread=hard())))
    assert words(found) == {"p": f"0/1 nodes are available: 1 {SKEWED} (missing required label)."}


def test_pods_on_nodes_that_lack_any_hard_key_do_not_count():
    both = (*hard(), *hard("rack"))
    lonely = zoned("a", "z1")
    nodes = lonely, *(node(n, labels={ZONE: z, "rack": r}) for n, z, r in [("b", "z1", "r1"), ("c", "z2", "r1")])
    found = plan(cluster(*nodes, *webs(5, "a"), pod("p", labels=WEB, spread=both)))
    assert homes(found) == {"p": "b"}


IGNORED = {
    "terminating": {"terminating": True},
    "of another namespace": {"namespace": "other"},
}


@pytest.mark.parametrize("difference", IGNORED.values(), ids=IGNORED.keys())
def test_pods_do_not_count_that_are(difference: dict[str, Any]):
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    found = plan(cluster(*nodes, *webs(3, "a", **difference), pod("p", labels=WEB, spread=hard())))
    assert homes(found) == {"p": "a"}


def test_an_empty_selector_counts_no_running_pod_but_the_pod_itself():
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    snapshot = cluster(*nodes, *webs(3, "a"), pod("p", labels=WEB, spread=hard(selector=LabelSelector())))
    assert homes(plan(snapshot)) == {"p": "a"}


def test_no_selector_counts_nothing_not_even_the_pod_itself():
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    rules = hard(selector=None), hard(skew=1, selector=None, min_domains=3)
    for rule in rules:
        assert homes(plan(cluster(*nodes, *webs(3, "a"), pod("p", labels=WEB, spread=rule)))) == {"p": "a"}


def test_too_few_domains_are_measured_from_zero():
    nodes = zoned("a", "z1"), zoned("b", "z2")
    running = *webs(1, "a"), *webs(1, "b")
    assert homes(plan(cluster(*nodes, *running, pod("p", labels=WEB, spread=hard(min_domains=2))))) == {"p": "a"}
    found = plan(cluster(*nodes, *running, pod("p", labels=WEB, spread=hard(min_domains=3))))
    assert words(found) == {"p": f"0/2 nodes are available: 2 {SKEWED}."}


def test_a_node_that_the_pods_selector_excludes_is_no_domain_unless_affinity_is_ignored():
    hdd = node("b", labels={ZONE: "z2", "disk": "hdd"})
    ssd = node("a", labels={ZONE: "z1", "disk": "ssd"})
    for policy, expected in (("Honor", {"p": "a"}), ("Ignore", {})):
        new = pod("p", labels=WEB, node_selector={"disk": "ssd"}, spread=hard(node_affinity_policy=policy))
        assert homes(plan(cluster(ssd, hdd, *webs(1, "a"), new))) == expected


def test_a_tainted_node_is_a_domain_unless_taints_are_honored():
    nodes = zoned("a", "z1"), zoned("b", "z2", taints=(Taint("x", "NoSchedule"),))
    for policy, expected in (("Ignore", {}), ("Honor", {"p": "a"})):
        new = pod("p", labels=WEB, spread=hard(node_taints_policy=policy))
        assert homes(plan(cluster(*nodes, *webs(1, "a"), new))) == expected


def test_match_label_keys_tell_revisions_apart():
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    old = [pod(f"old-{i}", on="a", labels={**WEB, "revision": "1"}) for i in range(3)]
    new = pod("p", labels={**WEB, "revision": "2"}, spread=hard(match_label_keys=("revision",)))
    assert homes(plan(cluster(*nodes, *old, new))) == {"p": "a"}
    assert homes(plan(cluster(*nodes, *old, pod("p", labels=WEB, spread=hard(match_label_keys=("revision",)))))) == {}


def test_expressions_choose_pods_too():
    selector = LabelSelector(match_expressions=(SelectorRequirement("app", "NotIn", ("db",)),))
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    new = pod("p", labels=WEB, spread=hard(selector=selector))
    assert homes(plan(cluster(*nodes, pod("r", on="a", labels={"app": "db"}), new))) == {"p": "a"}
    assert homes(plan(cluster(*nodes, pod("r", on="a"), new))) == {}


# Soft constraints.


def test_the_less_crowded_zone_scores_higher():
    nodes = zoned("a", "z1"), zoned("b", "z2")
    snapshot = cluster(*nodes, *webs(3, "a"), *webs(1, "b"), pod("new", labels=WEB, spread=soft()))
    weight = math.log(2 + 2)
    crowded, roomy = math.floor(3 * weight + 0.5), math.floor(1 * weight + 0.5)
    assert (crowded, roomy) == (4, 1)
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 100 * 1 // 4, "b": 100 * 4 // 4}


def test_max_skew_dampens_differences():
    nodes = zoned("a", "z1"), zoned("b", "z2")
    snapshot = cluster(*nodes, *webs(3, "a"), pod("new", labels=WEB, spread=soft(skew=5)))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 100 * 4 // 8, "b": 100}


def test_a_zone_without_any_matching_pod_scores_full():
    snapshot = cluster(zoned("a", "z1"), zoned("b", "z2"), pod("new", labels=WEB, spread=soft()))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 100, "b": 100}


def test_nodes_that_lack_a_soft_key_score_nothing():
    snapshot = cluster(zoned("a", "z1"), node("b"), pod("new", labels=WEB, spread=soft()))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 100, "b": 0}


def test_a_pod_without_constraints_is_spread_nowhere():
    snapshot = cluster(zoned("a", "z1"), *webs(3, "a"), pod("new", labels=WEB))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 0}


def test_by_hostname_every_feasible_node_is_a_domain():
    nodes = [node(name) for name in "abc"]
    snapshot = cluster(*nodes, *webs(2, "a"), *webs(1, "b"), pod("new", labels=WEB, spread=soft(HOSTNAME)))
    weight = math.log(3 + 2)
    assert [math.floor(count * weight + 0.5) for count in (2, 1)] == [3, 2]
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 0, "b": 33, "c": 100}


def test_by_hostname_pods_are_counted_on_each_node_even_where_two_share_the_label():
    nodes = node("a", labels={HOSTNAME: "same"}), node("b", labels={HOSTNAME: "same"})
    snapshot = cluster(*nodes, *webs(2, "a"), pod("new", labels=WEB, spread=soft(HOSTNAME)))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 0, "b": 100}


def test_by_hostname_pods_count_on_a_node_whose_taint_would_exclude_it():
    tainted = node("a", taints=(Taint("x", "NoSchedule"),))
    new = pod("new", labels=WEB, spread=soft(HOSTNAME, node_taints_policy="Honor"))
    snapshot = cluster(tainted, node("b"), *webs(2, "a"), new)
    assert scores_of(snapshot, "PodTopologySpread", filters=("NodeResourcesFit",)) == {"a": 0, "b": 100}


# The default constraints: hostname with a skew of 3, zone with 5, both soft.


SERVICE = PodSelector("Service", "web", "default", WEBS)


def test_a_pod_that_a_service_selects_is_spread_by_hostname_and_zone():
    snapshot = cluster(zoned("a", "z1"), zoned("b", "z2"), *webs(2, "a"), pod("new", labels=WEB), selectors=(SERVICE,))
    crowded, roomy = math.floor(4 * math.log(4) + 6 + 0.5), 6
    assert (crowded, roomy) == (12, 6)
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 50, "b": 100}


def test_without_a_zone_a_node_still_counts_by_hostname():
    snapshot = cluster(zoned("a", "z1"), node("b"), *webs(2, "a"), pod("new", labels=WEB), selectors=(SERVICE,))
    crowded, zoneless = math.floor(4 * math.log(4) + 6 + 0.5), 3 - 1
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 100 * zoneless // crowded, "b": 100}


OWNERS = {
    "a ReplicaSet": ("ReplicaSet", True),
    "a StatefulSet": ("StatefulSet", True),
    "a ReplicationController": ("ReplicationController", True),
    "a Job": ("Job", False),
}


@pytest.mark.parametrize(("kind", "spreads"), OWNERS.values(), ids=OWNERS.keys())
def test_a_pod_is_spread_by_default_when_its_owner_is(kind: str, spreads: bool):
    owner = OwnerReference(kind, "one")
    selectors = (PodSelector(kind, "one", "default", app("web")), PodSelector(kind, "two", "default", app("db")))
    snapshot = cluster(node("a"), node("b"), *webs(2, "a"), pod("new", labels=WEB, owner=owner), selectors=selectors)
    assert (scores_of(snapshot, "PodTopologySpread")["b"] == 100) == spreads


def test_a_service_of_another_namespace_spreads_nothing():
    other = PodSelector("Service", "web", "other", app("web"))
    snapshot = cluster(node("a"), *webs(2, "a"), pod("new", labels=WEB), selectors=(other,))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 0}


def test_a_pods_own_constraints_replace_the_default_ones():
    new = pod("new", labels=WEB, spread=hard())
    snapshot = cluster(zoned("a", "z1"), *webs(2, "a"), new, selectors=(SERVICE,))
    assert scores_of(snapshot, "PodTopologySpread") == {"a": 0}


def test_a_policys_own_default_constraints_may_forbid():
    policy = Policy(default_spread=(TopologySpreadConstraint(1, ZONE, "DoNotSchedule"),), system_defaulted=False)
    nodes = zoned("a", "z1"), zoned("b", "z2", pods=0)
    snapshot = cluster(*nodes, *webs(1, "a"), pod("p", labels=WEB), selectors=(SERVICE,))
    assert words(plan(snapshot, policy)) == {"p": f"0/2 nodes are available: 1 Too many pods, 1 {SKEWED}."}
