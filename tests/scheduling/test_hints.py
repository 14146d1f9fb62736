"""A hint is a promise: with the change made, the pod that was refused is placed."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scheduling.hinting import carried_out
from tests.scheduling.made_snapshots import snapshot as made
from tests.scheduling.made_snapshots import snapshots
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.node import DeviceInventory, Node, Taint
from yuheng.model.pod import DeviceRequest, OwnerReference, Pod, PodSpec, TopologySpreadConstraint
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.planner import plan

# Changes to the pod itself hold in the whole queue; the others help whoever comes first, so they are tried alone.
OF_THE_POD = ("ask for", "tolerate", "raise", "make its spread", "drop")


def _alone(snapshot: Snapshot, key: str) -> Snapshot:
    pods = tuple(pod for pod in snapshot.pods if pod.node is not None or pod.key == key)
    return msgspec.structs.replace(snapshot, pods=pods)


def _keeps_its_promise(snapshot: Snapshot, policy: str) -> int:
    """Follow every hint of a plan; how many there were."""
    followed = 0
    for refusal in plan(snapshot, policy).unschedulable:
        if not refusal.hint or refusal.hint.startswith("remove its scheduling gates"):
            continue
        state, hint = snapshot, refusal.hint
        if not hint.startswith(OF_THE_POD):
            state = _alone(snapshot, refusal.pod)
            alone = plan(state, policy).unschedulable
            hint = alone[0].hint if alone else ""
        if hint:
            after = plan(carried_out(state, refusal.pod, hint), policy)
            assert refusal.pod in {placement.pod for placement in after.placements}, hint
            followed += 1
    return followed


@settings(max_examples=150, deadline=None)
@given(snapshots(), st.sampled_from(["kubernetes", "fgd", "binpack"]))
def test_a_refused_pod_is_placed_once_its_hint_is_followed(snapshot: Snapshot, policy: str) -> None:
    _keeps_its_promise(snapshot, policy)


def test_hints_of_crowded_clusters_hold() -> None:
    assert sum(_keeps_its_promise(made(Random(seed), 10, 30, 40), "kubernetes") for seed in range(8)) > 20


def _node(name: str, **changes: object) -> Node:
    allocatable = {"cpu": 4000, "memory": 8 * 2**30, "pods": 10}
    labels = {"kubernetes.io/hostname": name, "zone": name[-1]}
    return msgspec.structs.replace(Node(name=name, allocatable=allocatable, labels=labels), **changes)


def _pod(name: str, cpu: int = 1000, **changes: object) -> Pod:
    spec = changes.pop("spec", None) or PodSpec(requests={"cpu": cpu})
    return msgspec.structs.replace(Pod(name=name, spec=spec), **changes)  # type: ignore[arg-type]


def _hint(*pods: Pod, nodes: tuple[Node, ...], **rest: object) -> str:
    snapshot = Snapshot(nodes=nodes, pods=pods, **rest)  # type: ignore[arg-type]
    refusals = {refusal.pod: refusal for refusal in plan(snapshot).unschedulable}
    return refusals["default/wanted"].hint


def test_asking_for_a_little_less_is_the_first_thing_to_try() -> None:
    nodes = (_node("a"), _node("b", taints=(Taint("spot", "NoSchedule"),)))
    hint = _hint(_pod("wanted", 4500), nodes=nodes)
    assert hint == "ask for 4 of cpu instead of 4500m: it fits on a"


def test_a_toleration_goes_before_asking_for_half() -> None:
    taint = (Taint("spot", "NoSchedule", "true"),)
    nodes = (_node("a"), _node("b", taints=taint, allocatable={"cpu": 16000, "pods": 10}))
    hint = _hint(_pod("wanted", 8000), nodes=nodes)
    assert hint == "tolerate the taint spot=true:NoSchedule: it fits on b"


def test_a_job_that_frees_enough_is_waited_for_before_anyone_is_evicted() -> None:
    job = _pod("batch", 4000, node="a", owner=OwnerReference("Job", "nightly", controller=True))
    low = _pod("low", 4000, node="b", priority=-10)
    hint = _hint(job, low, _pod("wanted", 3000), nodes=(_node("a"), _node("b")))
    assert hint == "wait for job default/nightly to end on a"


@pytest.mark.parametrize(
    ("victim", "expected"),
    [
        ({}, "evict default/low (priority -10) from a"),
        ({"namespace": "kube-system"}, "add one more node like a"),
        ({"priority": 0}, "add one more node like a"),
    ],
    ids=["lower priority", "kube-system", "equal priority"],
)
def test_only_pods_of_lower_priority_outside_the_system_are_named_as_victims(
    victim: dict[str, object], expected: str
) -> None:
    low = msgspec.structs.replace(_pod("low", 4000, node="a", priority=-10), **victim)
    assert _hint(low, _pod("wanted", 3000), nodes=(_node("a"),)) == expected


def test_a_pod_that_a_disruption_budget_protects_is_no_victim() -> None:
    low = _pod("low", 4000, node="a", priority=-10, labels={"app": "db"})
    budget = PodDisruptionBudget("db", "default", LabelSelector({"app": "db"}), 0)
    hint = _hint(low, _pod("wanted", 3000), nodes=(_node("a"),), budgets=(budget,))
    assert hint == "add one more node like a"


def test_a_skew_is_raised_by_as_little_as_helps() -> None:
    labels = {"app": "web"}
    constraint = TopologySpreadConstraint(1, "zone", "DoNotSchedule", LabelSelector(labels))
    held = tuple(_pod(f"held-{i}", 100, node="a", labels=labels) for i in range(2))
    full = _pod("full", 4000, node="b")
    wanted = _pod("wanted", labels=labels, spec=PodSpec(requests={"cpu": 500}, spread=(constraint,)))
    hint = _hint(*held, full, wanted, nodes=(_node("a"), _node("b")))
    assert hint == "raise maxSkew over zone from 1 to 3: it fits on a"


def test_fewer_gpus_are_proposed_where_some_are_untouched() -> None:
    gpus = {"cpu": 64000, "pods": 10, "nvidia.com/gpu": 4}
    node = _node("a", allocatable=gpus, devices=DeviceInventory(4))
    spec = PodSpec(requests={"nvidia.com/gpu": 4}, devices=DeviceRequest(4))
    taken = _pod("taken", node="a", spec=PodSpec(requests={"nvidia.com/gpu": 1}, devices=DeviceRequest(1)))
    hint = _hint(taken, _pod("wanted", spec=spec), nodes=(node,))
    assert hint == "ask for 3 GPUs instead of 4: it fits on a"


def test_a_cordoned_node_is_proposed_with_the_taint_its_cordon_brings() -> None:
    cordon = (Taint("node.kubernetes.io/unschedulable", "NoSchedule"),)
    nodes = (_node("a", unschedulable=True, taints=cordon),)
    assert _hint(_pod("wanted"), nodes=nodes) == "uncordon a: it fits there"


def test_less_memory_is_proposed_in_whole_mebibytes() -> None:
    spec = PodSpec(requests={"memory": 9 * 2**30})
    node = _node("a", allocatable={"memory": 8 * 2**30 + 12345, "pods": 10})
    assert _hint(_pod("wanted", spec=spec), nodes=(node,)) == "ask for 8Gi of memory instead of 9Gi: it fits on a"


def test_there_is_no_hint_where_no_single_change_helps() -> None:
    assert _hint(_pod("wanted", 100_000), nodes=(_node("a", unschedulable=True),)) == ""
