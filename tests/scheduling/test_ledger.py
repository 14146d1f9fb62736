"""A ledger decides as a plan of the same state would, whatever came and went before."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.made_snapshots import snapshot
from tests.scheduling.searching import examples
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import DeviceRequest, HostPort, Pod, PodAffinity, PodAffinityTerm, PodSpec
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling import ledger as module
from yuheng.scheduling.ledger import Ledger, Verdict
from yuheng.scheduling.planner import plan
from yuheng.scheduling.presets import preset

KUBERNETES = preset("kubernetes")


class World:
    """The plain twin: lists of pods, and a plan of all of them at every turn."""

    def __init__(self, rng: Random, cluster: Snapshot) -> None:
        self.rng = rng
        pods = [self._plain(pod) for pod in cluster.pods]
        self.cluster: Snapshot = msgspec.structs.replace(cluster, pods=tuple(pods))
        self.running = {pod.key: pod for pod in pods if pod.node is not None}
        self.waiting = {pod.key: pod for pod in pods if pod.node is None and not pod.spec.gates}
        self.ledger = Ledger(self.cluster, KUBERNETES)

    @staticmethod
    def _plain(pod: Pod) -> Pod:
        """A running pod without GPUs, for nobody tells which ones it holds."""
        spec = msgspec.structs.replace(pod.spec, devices=DeviceRequest()) if pod.node is not None else pod.spec
        changed: Pod = msgspec.structs.replace(pod, spec=spec)
        return changed

    def state(self, waiting: list[Pod]) -> Snapshot:
        found: Snapshot = msgspec.structs.replace(self.cluster, pods=(*self.running.values(), *waiting))
        return found

    def step(self) -> None:
        act = self.rng.choice((self.end, self.bind_elsewhere, self.decide, self.decide))
        act()

    def end(self) -> None:
        if self.running:
            key = self.rng.choice(sorted(self.running))
            del self.running[key]
            self.ledger.leave(key)

    def bind_elsewhere(self) -> None:
        """Somebody else puts a pod on a node, whether it fits or not."""
        plain = sorted(key for key, pod in self.waiting.items() if not pod.spec.devices.count)
        if plain:
            pod = self.waiting.pop(self.rng.choice(plain))
            bound: Pod = msgspec.structs.replace(pod, node=self.rng.choice(self.cluster.nodes).name)
            self.running[pod.key] = bound
            assert self.ledger.tells(bound)
            self.ledger.seat(bound)

    def decide(self) -> None:
        some = self.rng.sample(sorted(self.waiting), self.rng.randint(0, len(self.waiting)))
        state = self.state([self.waiting[key] for key in some])
        expected = plan(state, KUBERNETES)
        verdicts = self.ledger.decide(state.pending())
        placed = {one.pod.key: (one.node, one.devices) for one in verdicts if one.node}
        assert placed == {one.pod: (one.node, one.devices) for one in expected.placements}
        told = {one.pod.key: one.message for one in verdicts if not one.node}
        assert told == {one.pod: one.message for one in expected.unschedulable}
        for one in verdicts:
            if one.node:
                pod = self.waiting.pop(one.pod.key)
                self.running[pod.key] = msgspec.structs.replace(pod, node=one.node, device_indices=one.devices)


@examples(120)
@given(rng=st.randoms(use_true_random=False), steps=st.integers(1, 12))
def test_a_ledger_decides_as_a_plan_of_the_same_state(rng: Random, steps: int):
    world = World(rng, snapshot(rng, rng.randint(1, 8), rng.randint(0, 8), rng.randint(1, 10)))
    for _ in range(steps):
        world.step()


def test_a_full_log_changes_no_decision(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LINES", 24)
    monkeypatch.setattr(module, "STRETCH", 4)
    for seed in range(15):
        rng = Random(seed)
        world = World(rng, snapshot(rng, 6, 8, 16))
        for _ in range(30):
            world.step()


def _node(name: str = "a") -> Node:
    return Node(name=name, labels={"kubernetes.io/hostname": name}, allocatable={"cpu": 4000, "pods": 10})


def _decided(ledger: Ledger, *pods: Pod) -> list[str]:
    return [verdict.node for verdict in ledger.decide(pods)]


def test_a_pod_that_nothing_prepared_for_is_told_apart():
    near = PodAffinity((PodAffinityTerm("zone", LabelSelector({"app": "x"})),))
    affinity = msgspec.structs.replace(PodSpec().affinity, pod_anti_affinity=near)
    strangers = (
        PodSpec(requests={"example.com/new": 1}),
        PodSpec(host_ports=(HostPort(80),)),
        PodSpec(affinity=affinity),
    )
    ledger = Ledger(Snapshot(nodes=(_node(),), namespaces={"default": {}}), KUBERNETES)
    assert ledger.tells(Pod(name="plain", spec=PodSpec(requests={"cpu": 100})))
    assert not any(ledger.tells(Pod(name="new", spec=spec)) for spec in strangers)


def test_a_running_pod_whose_gpus_are_unknown_is_told_apart():
    spec = PodSpec(devices=DeviceRequest(1))
    ledger = Ledger(Snapshot(nodes=(_node(),), namespaces={"default": {}}), KUBERNETES)
    assert not ledger.tells(Pod(name="g", node="a", spec=spec))
    assert ledger.tells(Pod(name="g", node="a", spec=spec, device_indices=(0,)))


def test_who_left_makes_room():
    spec = PodSpec(requests={"cpu": 3000})
    first, second = Pod(name="first", spec=spec), Pod(name="second", spec=spec)
    ledger = Ledger(Snapshot(nodes=(_node(),), pods=(first,), namespaces={"default": {}}), KUBERNETES)
    assert _decided(ledger, first, second) == ["a", ""]
    assert ledger.decide([second]) == [
        Verdict(
            second, message="0/1 nodes are available: 1 Insufficient cpu.", reasons=ledger.decide([second])[0].reasons
        )
    ]
    ledger.leave(first.key)
    assert first.key not in ledger
    assert _decided(ledger, second) == ["a"]
    assert ledger.node_of(second.key) == "a"
