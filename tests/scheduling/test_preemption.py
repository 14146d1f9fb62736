"""Room for pods that matter more: who has to go, and who never does."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.made_snapshots import snapshot
from tests.scheduling.searching import examples
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.live import Preemption
from yuheng.model.node import Node
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.ledger import Ledger
from yuheng.scheduling.planner import plan
from yuheng.scheduling.preemption import nominate
from yuheng.scheduling.presets import preset

KUBERNETES = preset("kubernetes")


def _without_devices(pod: Pod) -> Pod:
    plain: Pod = msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, devices=DeviceRequest()))
    return plain


def _fits(cluster: Snapshot, running: list[Pod], pod: Pod, node: str) -> bool:
    """Whether a plan would put a pod on a node, were it the only one."""
    only = tuple(one for one in cluster.nodes if one.name == node)
    others = tuple(msgspec.structs.replace(one, unschedulable=True) for one in cluster.nodes if one.name != node)
    alone: Snapshot = msgspec.structs.replace(cluster, nodes=(*only, *others), pods=(*running, pod))
    spec = msgspec.structs.replace(pod.spec, tolerations=pod.spec.tolerations)
    assert spec == pod.spec
    return [one.node for one in plan(alone, KUBERNETES).placements] == [node]


@examples(60)
@given(rng=st.randoms(use_true_random=False))
def test_victims_are_as_few_as_make_room_and_matter_less(rng: Random):
    made = snapshot(rng, rng.randint(1, 5), rng.randint(1, 8), 3)
    running = [_without_devices(pod) for pod in made.pods if pod.node is not None]
    waiting = _without_devices(next(pod for pod in made.pods if pod.node is None))
    # Cordons and tolerations of them are out of the way, for the oracle cordons.
    nodes = tuple(msgspec.structs.replace(node, unschedulable=False, taints=()) for node in made.nodes)
    spec = msgspec.structs.replace(waiting.spec, tolerations=(), gates=())
    pod: Pod = msgspec.structs.replace(waiting, priority=5, spec=spec, preempts=True)
    cluster: Snapshot = msgspec.structs.replace(made, nodes=nodes, pods=(*running, pod))
    verdicts, found, _ = nominate(Ledger(cluster, KUBERNETES), [pod], {}, (), may_evict=True)
    assert len(found) <= 1
    if verdicts[0].node:
        assert not found
    for room in found:
        gone = [one for one in running if one.key in room.victims]
        assert gone
        assert all(one.priority < pod.priority and one.node == room.node for one in gone)
        rest = [one for one in running if one.key not in room.victims]
        assert _fits(cluster, rest, pod, room.node)


def _node(name: str, cpu: int = 1000) -> Node:
    return Node(name=name, labels={"kubernetes.io/hostname": name}, allocatable={"cpu": cpu, "pods": 10})


def _pod(name: str, priority: int, node: str | None = None, cpu: int = 1000, **fields: object) -> Pod:
    return Pod(name=name, priority=priority, node=node, spec=PodSpec(requests={"cpu": cpu}), **fields)


def _asked(*pods: Pod, budgets: tuple[PodDisruptionBudget, ...] = (), nodes: int = 2, **given: str) -> list[Preemption]:
    """What is made room for, of pods on nodes a, b, ... of one core."""
    cluster = Snapshot(nodes=tuple(_node("abcd"[i]) for i in range(nodes)), pods=pods, namespaces={"default": {}})
    _, found, _ = nominate(Ledger(cluster, KUBERNETES), cluster.pending(), given, budgets, may_evict=True)
    return list(found)


def test_the_node_whose_pods_matter_least_is_cleared():
    found = _asked(_pod("one", 5, "a"), _pod("two", 3, "b"), _pod("new", 9))
    assert found == [Preemption("default/new", "b", ("default/two",))]


def test_nobody_goes_for_an_equal_or_for_one_that_does_not_preempt():
    assert _asked(_pod("one", 9, "a"), _pod("new", 9), nodes=1) == []
    assert _asked(_pod("one", 1, "a"), _pod("new", 9, preempts=False), nodes=1) == []


def test_what_a_budget_protects_stays():
    budget = PodDisruptionBudget("keep", "default", LabelSelector({"app": "x"}), 0)
    held = _pod("one", 1, "a", labels={"app": "x"})
    assert _asked(held, _pod("new", 9), nodes=1, budgets=(budget,)) == []
    one = PodDisruptionBudget("keep", "default", LabelSelector({"app": "x"}), 1)
    assert len(_asked(held, _pod("new", 9), nodes=1, budgets=(one,))) == 1
    other = _pod("two", 1, "b", labels={"app": "x"})
    assert len(_asked(held, other, _pod("new", 9), _pod("next", 9), budgets=(one,))) == 1


def test_the_system_stays():
    assert _asked(_pod("one", 1, "a", namespace="kube-system"), _pod("new", 9), nodes=1) == []


def test_two_pods_are_not_nominated_for_the_same_room():
    found = _asked(_pod("one", 1, "a"), _pod("two", 2, "b"), _pod("new", 9), _pod("next", 9))
    assert {(room.node, room.victims) for room in found} == {("a", ("default/one",)), ("b", ("default/two",))}


def test_room_that_is_kept_is_not_taken_by_those_that_matter_less():
    leaving = _pod("one", 1, "a", cpu=600, terminating=True)
    cluster = Snapshot(nodes=(_node("a"),), pods=(leaving, _pod("new", 9), _pod("small", 2, cpu=300)))
    ledger = Ledger(cluster, KUBERNETES)
    verdicts, found, _ = nominate(ledger, cluster.pending(), {"default/new": "a"}, (), may_evict=True)
    assert found == ()
    assert [one.node for one in verdicts] == ["", ""]
    alone, _, _ = nominate(Ledger(cluster, KUBERNETES), cluster.pending(), {}, (), may_evict=False)
    assert [one.node for one in alone] == ["", "a"]
