"""Pods that want to be near others or away from them: required both ways, preferred both ways."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.made_by_hand import HOSTNAME, ZONE, app, cluster, homes, node, pod, scores_of, words, zoned
from yuheng.model.pod import Affinity, Pod, PodAffinity, PodAffinityTerm, WeightedPodAffinityTerm
from yuheng.model.policy import Policy
from yuheng.model.selectors import LabelSelector, SelectorRequirement
from yuheng.scheduling.planner import plan

WEB, DB = {"app": "web"}, {"app": "db"}
NOT_NEAR = "node(s) didn't match pod affinity rules"
NOT_AWAY = "node(s) didn't match pod anti-affinity rules"
UNWANTED = "node(s) didn't satisfy existing pods anti-affinity rules"


def term(name: str, key: str = ZONE, **rest: Any) -> PodAffinityTerm:
    return PodAffinityTerm(key, app(name), **rest)


def near(*terms: PodAffinityTerm) -> Affinity:
    return Affinity(pod_affinity=PodAffinity(required=terms))


def away(*terms: PodAffinityTerm) -> Affinity:
    return Affinity(pod_anti_affinity=PodAffinity(required=terms))


def rather(weight: int, wanted: PodAffinityTerm) -> Affinity:
    """Preferred: near for a positive weight, away for a negative one."""
    weighted = PodAffinity(preferred=(WeightedPodAffinityTerm(abs(weight), wanted),))
    return Affinity(pod_affinity=weighted) if weight > 0 else Affinity(pod_anti_affinity=weighted)


def told(*objects: Any, **rest: Any) -> str:
    """The words for the pod ``p`` on nodes that are all rejected alike; empty when it is placed."""
    message = words(plan(cluster(*objects, **rest))).get("p", "")
    return message.partition("nodes are available: ")[2].partition(" ")[2].removesuffix(".")


# Required.


def test_a_pod_goes_into_the_zone_of_its_friends():
    nodes = zoned("a", "z1"), zoned("b", "z2"), zoned("c", "z2")
    found = plan(cluster(*nodes, pod("r", on="c", labels=DB), pod("p", affinity=near(term("db")))))
    assert homes(found) == {"p": "b"}


def test_without_friends_it_stays_pending():
    assert told(zoned("a", "z1"), pod("p", affinity=near(term("db")))) == NOT_NEAR


def test_the_first_of_its_kind_may_start_anywhere():
    pods = [pod(f"p{i}", labels=WEB, created=i, affinity=near(term("web"))) for i in range(2)]
    assert homes(plan(cluster(zoned("a", "z1"), zoned("b", "z2", cpu=0), *pods))) == {"p0": "a", "p1": "a"}


def test_the_first_of_its_kind_needs_the_topology_keys_too():
    assert told(node("a"), pod("p", labels=WEB, affinity=near(term("web")))) == NOT_NEAR


def test_it_is_not_the_first_when_friends_are_elsewhere():
    nodes = zoned("a", "z1", pods=1), zoned("b", "z2")
    found = plan(cluster(*nodes, pod("r", on="a", labels=WEB), pod("p", labels=WEB, affinity=near(term("web")))))
    assert words(found) == {"p": f"0/2 nodes are available: 1 Too many pods, 1 {NOT_NEAR}."}


def test_friends_on_nodes_without_the_key_are_nowhere():
    nodes = node("a"), zoned("b", "z2")
    found = plan(cluster(*nodes, pod("r", on="a", labels=WEB), pod("p", labels=WEB, affinity=near(term("web")))))
    assert homes(found) == {"p": "b"}


def test_one_friend_must_satisfy_all_terms():
    both = near(term("web"), PodAffinityTerm(HOSTNAME, LabelSelector({"track": "canary"})))
    nodes = (zoned("a", "z1"),)
    split = pod("r", on="a", labels=WEB), pod("s", on="a", labels={"track": "canary"})
    assert told(*nodes, *split, pod("p", affinity=both)) == NOT_NEAR
    assert told(*nodes, pod("r", on="a", labels={**WEB, "track": "canary"}), pod("p", affinity=both)) == ""


def test_a_terminating_friend_is_a_friend():
    assert (
        told(zoned("a", "z1"), pod("r", on="a", labels=DB, terminating=True), pod("p", affinity=near(term("db")))) == ""
    )


def test_a_pod_keeps_away_from_those_it_shuns():
    nodes = zoned("a", "z1"), zoned("b", "z1"), zoned("c", "z2")
    found = plan(cluster(*nodes, pod("r", on="b", labels=DB), pod("p", affinity=away(term("db")))))
    assert homes(found) == {"p": "c"}
    assert told(zoned("a", "z1"), pod("r", on="a", labels=DB), pod("p", affinity=away(term("db")))) == NOT_AWAY


def test_a_node_without_the_key_is_away_from_everyone():
    assert told(node("a"), pod("r", on="a", labels=DB), pod("p", affinity=away(term("db")))) == ""


def test_those_who_run_may_shun_a_newcomer():
    shy = pod("r", on="a", affinity=away(term("web")))
    assert told(zoned("a", "z1"), shy, pod("p", labels=WEB)) == UNWANTED
    assert told(zoned("a", "z1"), shy, pod("p", labels=DB)) == ""


def test_those_who_were_placed_before_may_shun_a_newcomer():
    apart = [pod(f"p{i}", labels=WEB, created=i, affinity=away(term("web", HOSTNAME))) for i in range(3)]
    found = plan(cluster(node("a"), node("b"), *apart))
    assert homes(found) == {"p0": "a", "p1": "b"}
    assert words(found) == {"p2": f"0/2 nodes are available: 2 {NOT_AWAY}."}


def test_affinity_is_told_before_anti_affinity():
    both = Affinity(pod_affinity=PodAffinity((term("cache"),)), pod_anti_affinity=PodAffinity((term("db"),)))
    assert told(zoned("a", "z1"), pod("r", on="a", labels=DB), pod("p", affinity=both)) == NOT_NEAR


# Namespaces.

TEAMS = {"default": {}, "blue": {"team": "blue"}, "red": {"team": "red"}}


def of_team(operator: str, *teams: str) -> LabelSelector:
    return LabelSelector(match_expressions=(SelectorRequirement("team", operator, teams),))


NAMESPACES = {
    "its own only": (term("db"), {"default"}),
    "those listed": (term("db", namespaces=("blue",)), {"blue"}),
    "those selected": (term("db", namespace_selector=LabelSelector({"team": "red"})), {"red"}),
    "those listed and those selected": (
        term("db", namespaces=("default",), namespace_selector=LabelSelector({"team": "red"})),
        {"default", "red"},
    ),
    "all, for an empty selector": (term("db", namespace_selector=LabelSelector()), {"default", "blue", "red"}),
    "all, for NotIn: kube-scheduler's quirk": (
        term("db", namespace_selector=of_team("NotIn", "red")),
        {"default", "blue", "red"},
    ),
    "all, for DoesNotExist: the same quirk": (
        term("db", namespace_selector=of_team("DoesNotExist")),
        {"default", "blue", "red"},
    ),
}


@pytest.mark.parametrize(("wanted", "reached"), NAMESPACES.values(), ids=NAMESPACES.keys())
def test_a_newcomers_term_reaches(wanted: PodAffinityTerm, reached: set[str]):
    def finds(namespace: str) -> bool:
        friend = pod("r", on="a", labels=DB, namespace=namespace)
        return told(zoned("a", "z1"), friend, pod("p", affinity=near(wanted)), namespaces=TEAMS) == ""

    assert {namespace for namespace in TEAMS if finds(namespace)} == reached


def test_the_quirk_is_the_newcomers_alone():
    shy = pod("r", on="a", namespace="blue", affinity=away(term("web", namespace_selector=of_team("NotIn", "blue"))))

    def newcomer(namespace: str) -> Pod:
        return pod("p", labels=WEB, namespace=namespace)

    found = {
        namespace: len(plan(cluster(zoned("a", "z1"), shy, newcomer(namespace), namespaces=TEAMS)).placements)
        for namespace in TEAMS
    }
    assert found == {"default": 0, "blue": 1, "red": 0}


def test_label_keys_narrow_a_term_to_the_pods_own_values_or_to_others():
    same = near(term("web", match_label_keys=("revision",)))
    other = near(term("web", mismatch_label_keys=("revision",)))
    running = pod("r", on="a", labels={**WEB, "revision": "1"})
    for affinity, revision, expected in (
        (same, "1", ""),
        (same, "2", NOT_NEAR),
        (other, "1", NOT_NEAR),
        (other, "2", ""),
    ):
        new = pod("p", labels={"revision": revision}, affinity=affinity)
        assert told(zoned("a", "z1"), running, new) == expected


def test_a_term_without_selector_speaks_of_nobody():
    nobody = PodAffinityTerm(ZONE)
    assert told(zoned("a", "z1"), pod("r", on="a"), pod("p", affinity=away(nobody))) == ""
    assert told(zoned("a", "z1"), pod("r", on="a"), pod("p", affinity=near(nobody))) == NOT_NEAR


# Preferred.


def preference(*pods: Pod, **policy: Any) -> dict[str, int]:
    return scores_of(cluster(zoned("a", "z1"), zoned("b", "z2"), zoned("c", "z3"), *pods), "InterPodAffinity", **policy)


def test_the_domain_with_most_weight_scores_100_and_the_one_with_least_0():
    running = [pod(f"r{i}", on=name, labels=DB) for i, name in enumerate("aaab")]
    assert preference(*running, pod("new", affinity=rather(7, term("db")))) == {"a": 100, "b": 33, "c": 0}


def test_avoided_domains_score_less():
    running = [pod(f"r{i}", on=name, labels=DB) for i, name in enumerate("aab")]
    assert preference(*running, pod("new", affinity=rather(-7, term("db")))) == {"a": 0, "b": 50, "c": 100}


def test_the_preferences_of_those_who_run_count_as_well():
    fond = pod("r", on="a", affinity=rather(10, term("web")))
    shy = pod("s", on="b", affinity=rather(-10, term("web")))
    assert preference(fond, shy, pod("new", labels=WEB)) == {"a": 100, "b": 0, "c": 50}


@pytest.mark.parametrize(("weight", "expected"), [(1, 11), (0, 0), (9, 100)])
def test_a_required_affinity_of_those_who_run_counts_with_the_policys_weight(weight: int, expected: int):
    bound = pod("r", on="a", labels=WEB, affinity=near(term("web")))
    fond = pod("s", on="b", affinity=rather(9, term("web")))
    found = preference(bound, fond, pod("new", labels=WEB), hard_pod_affinity_weight=weight)
    assert found == {"a": expected, "b": 100, "c": 0}


def test_preferences_of_those_who_run_are_ignored_for_a_pod_that_has_none_when_the_policy_says_so():
    fond = pod("r", on="a", affinity=rather(10, term("web")))
    bound = pod("s", on="b", labels=WEB, affinity=near(term("web")))
    assert preference(fond, bound, pod("new", labels=WEB), ignore_preferred_terms=True) == {"a": 0, "b": 0, "c": 0}


def test_a_pod_that_has_preferences_of_its_own_is_judged_by_all_of_them():
    fond = pod("r", on="a", affinity=rather(10, term("web")))
    wishes = pod("new", labels=WEB, affinity=rather(5, term("db")))
    found = preference(fond, pod("s", on="b", labels=DB), wishes, ignore_preferred_terms=True)
    assert found == {"a": 100, "b": 50, "c": 0}


def test_no_preference_anywhere_scores_nothing():
    assert preference(pod("r", on="a"), pod("new")) == {"a": 0, "b": 0, "c": 0}


def test_without_the_filter_a_required_term_is_no_obstacle():
    policy = Policy(filters=("NodeResourcesFit",))
    assert homes(plan(cluster(node("a"), pod("p", affinity=near(term("db")))), policy)) == {"p": "a"}
