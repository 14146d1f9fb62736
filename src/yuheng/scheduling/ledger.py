"""The ledger of a live cluster: compiled once, and kept up to date as pods of all kinds come and go.

A `Scheduler` knows beforehand which pods there will ever be; nobody tells that of a live cluster. A ledger takes in
whatever pod it is shown, as long as its columns can tell of it: a pod that asks for a resource, or looks at a label or
a host port, that nothing in the cluster asked for before needs new columns, and then the cluster is compiled anew.
That, and when it happens, changes no decision: pods are decided on exactly as `planner.plan` would in the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Reason
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import CLOSED, DEVICES_A_WORD
from yuheng.scheduling.cycle import place_each
from yuheng.scheduling.departures import Residents, revert, seat
from yuheng.scheduling.engine import Engine, Hand, Setting, devices_of
from yuheng.scheduling.hands import Hands
from yuheng.scheduling.peers import topology_keys
from yuheng.scheduling.refusals import reasoned

__all__ = ["Ledger", "Verdict"]

# Lines of the log, which is folded when they are full, and pods that are decided on in one go.
LINES: Final = 1 << 15
STRETCH: Final = 1 << 12
# Specifications, classes and kinds that are met before those are forgotten that nobody has any more: 3 KiB each.
MOST_MET: Final = 5_000


class Verdict(NamedTuple):
    """What was decided on one pod.

    Attributes:
        pod: the pod.
        node: where it goes; empty when it was refused.
        devices: the GPUs it gets there.
        message: of a refused pod, kube-scheduler's sentence.
        reasons: the same, counted over nodes.
    """

    pod: Pod
    node: str = ""
    devices: tuple[int, ...] = ()
    message: str = ""
    reasons: tuple[Reason, ...] = ()


class _Seat(NamedTuple):
    """Where a pod is: its node, by number, and what it holds there.

    Attributes:
        pod: the pod.
        resident: its place among the pods that ran when the cluster was compiled; -1 for one that came later.
        number: its class; only of one that came later.
        node: the node.
        devices: (words,) its GPUs, as a line of the log tells them; only of one that came later.
    """

    pod: Pod
    resident: int
    number: int
    node: int
    devices: NDArray[np.int64]


_NO_DEVICES: Final = np.zeros(0, dtype=np.int64)


class Ledger:
    """One cluster, compiled, and who is where in it.

    Attributes:
        engine: the compiled cluster.
        policy: what decides.
    """

    def __init__(self, snapshot: Snapshot, policy: Policy, seed: int = 0) -> None:
        """Compile a cluster.

        Args:
            snapshot: its state. Pods that wait are not placed, but the columns are made to tell of them.
            policy: what decides; its batch side has no say here.
            seed: of everything random.

        Raises:
            InputError: a pod is bound to a node that is not in the snapshot.
            ConfigError: the policy names a filter or score that does not exist.
        """
        self.policy = policy
        running = tuple(pod for pod in snapshot.pods if pod.node is not None)
        models = {id(pod.spec): pod for pod in snapshot.pods if pod.node is None}
        alone: Snapshot = msgspec.structs.replace(snapshot, pods=running, jobs=(), queues=())
        self.engine = Engine(alone, policy, seed, list(models.values()), Setting(lines=LINES))
        self._cluster = self.engine.cluster
        self._keys = frozenset(topology_keys(self._specs(snapshot), policy, policy.default_spread != ()))
        self._hands = Hands(self.engine)
        self._kinds = len(self.engine.peers.kinds)
        # Classes and kinds of the cluster as it was compiled: however many there are, it has them.
        self._own = len(self.engine.classes.all), self._kinds
        self._telling: dict[tuple[int, bool], tuple[PodSpec, bool]] = {}
        # By class and line of the log: why it found no room.
        self._lacking: dict[tuple[int, int], tuple[str, tuple[Reason, ...]]] = {}
        self._residents = self._settled(running)
        homes = self.engine.placed_before[0].tolist()
        self._seats = {
            pod.key: _Seat(self._with_devices(pod, i), i, -1, home, _NO_DEVICES)
            for i, (pod, home) in enumerate(zip(running, homes, strict=True))
        }

    def _with_devices(self, pod: Pod, resident: int) -> Pod:
        """A running pod with the GPUs it was given, where it does not tell of them."""
        held = self.engine.holdings.get(resident)
        if held is None or pod.device_indices:
            return pod
        told: Pod = msgspec.structs.replace(pod, device_indices=tuple(sorted(part[0] for part in held.parts)))
        return told

    def renew(self, pod: Pod) -> None:
        """A running pod changed: it is counted as it is by now. `tells` is true of it."""
        before = self._seats[pod.key].pod
        if not pod.device_indices and before.node == pod.node:
            pod = msgspec.structs.replace(pod, device_indices=before.device_indices)
        self.leave(pod.key)
        self.seat(pod)

    @staticmethod
    def _specs(snapshot: Snapshot) -> list[PodSpec]:
        return list({id(pod.spec): pod.spec for pod in snapshot.pods}.values())

    def _settled(self, running: Sequence[Pod]) -> Residents:
        nodes, kinds = self.engine.placed_before
        rows = {id(pod.spec): self.engine.resources.row(pod.spec.requests) for pod in running}
        requests = np.array([rows[id(pod.spec)] for pod in running], dtype=np.int64)
        shape = (len(running), len(self.engine.resources.names))
        return Residents(self.engine, running, nodes, kinds.astype(np.int32), requests.reshape(shape))

    def __contains__(self, key: str) -> bool:
        """Whether a pod (``namespace/name``) is on a node."""
        return key in self._seats

    def node_of(self, key: str) -> str:
        """The name of the node that a pod is on; empty where it is on none."""
        seated = self._seats.get(key)
        return self.engine.machines.nodes[seated.node].name if seated else ""

    def running(self) -> Iterable[Pod]:
        """The pods that are on nodes."""
        return (seated.pod for seated in self._seats.values())

    def tells(self, pod: Pod) -> bool:
        """Whether the columns tell of all that a pod asks for and looks at; else the cluster is to be compiled anew.

        That is so, too, where nobody tells which GPUs a running pod holds: then all of them are handed out together,
        and it keeps those that it was given.
        """
        if pod.node is not None and pod.spec.devices.count and not pod.device_indices:
            seated = self._seats.get(pod.key)
            return seated is not None and seated.pod.node == pod.node and bool(seated.pod.device_indices)
        key = (id(pod.spec), pod.node is None)
        known = self._telling.get(key)
        if known is None:
            # The specification is held on to, so that no other takes its identity.
            known = self._telling[key] = (pod.spec, self._tells(pod.spec, waiting=pod.node is None))
        return known[1]

    @property
    def crowded(self) -> bool:
        """Whether so many were met since that the cluster had better be compiled anew, to forget some."""
        classes, kinds = self._own
        engine = self.engine
        met = len(self._telling), len(engine.classes.all) - classes, len(engine.peers.kinds) - kinds
        return max(met) > MOST_MET

    def _tells(self, spec: PodSpec, *, waiting: bool) -> bool:
        engine = self.engine
        resources = all(name in engine.resources.column or name == "pods" for name in spec.requests)
        ports = not waiting or all(port in engine.ports.number for port in spec.host_ports)
        keys = frozenset(topology_keys((spec,), engine.policy, default_spread=False)) <= self._keys
        return resources and ports and keys and engine.peers.tells(spec)

    def _hand(self, number: int) -> Hand:
        """A class in hand. Those that were taken when fewer kinds of pods were known cannot count the new ones."""
        kinds = len(self.engine.peers.kinds)
        if kinds != self._kinds:
            self._kinds = kinds
            self._hands.drop()
        return self._hands.hand(number)

    def _make_room(self, lines: int) -> None:
        """Fold the log when it has no room for more lines; what was said of its lines is forgotten then."""
        size = int(self._cluster.log_size[0])
        self._hands.make_room(lines)
        if int(self._cluster.log_size[0]) < size:
            self._lacking.clear()

    def seat(self, pod: Pod) -> None:
        """A pod is on a node by somebody else's decision.

        Args:
            pod: the pod, with a node of this cluster; `tells` is true of it.
        """
        number = self.engine.class_number(pod)
        hand = self._hand(number)
        words = np.zeros(self._cluster.log_devices.shape[1], dtype=np.int64)
        for d in pod.device_indices:
            words[d // DEVICES_A_WORD] |= 1 << (d % DEVICES_A_WORD)
        n = self.engine.machines.index[pod.node or ""]
        self._make_room(1)
        seat(self._cluster, hand.window, hand.row, n, words)
        self._seats[pod.key] = _Seat(pod, -1, number, n, words)

    def leave(self, key: str) -> None:
        """A pod (``namespace/name``) is on its node no longer; nothing happens when it was on none."""
        seated = self._seats.pop(key, None)
        if seated is None:
            return
        self._make_room(1)
        if seated.resident >= 0:
            self._residents.shift(np.array([seated.resident], dtype=np.int64), -1)
            return
        hand = self._hand(seated.number)
        row = np.array([hand.row], dtype=np.int32)
        node = np.array([seated.node], dtype=np.int32)
        revert(self._cluster, hand.window, row, node, seated.devices.reshape(1, -1))

    def close(self, nodes: Iterable[str]) -> None:
        """Nothing is placed on these nodes from now on; those that are not there are passed over."""
        self._mark(nodes, CLOSED)

    def open(self, nodes: Iterable[str]) -> None:
        """Pods may be placed on these nodes again."""
        self._mark(nodes, 0)

    def is_closed(self, node: str) -> bool:
        """Whether nothing may be placed on a node."""
        return bool(self._cluster.absent[self.engine.machines.index[node]])

    def _mark(self, nodes: Iterable[str], absent: int) -> None:
        index, cluster = self.engine.machines.index, self._cluster
        for name in nodes:
            if name in index:
                self._make_room(1)
                line = int(cluster.log_size[0])
                cluster.absent[index[name]] = absent
                # A line that counts nothing: it makes the classes look at the node again.
                cluster.log_node[line], cluster.log_kind[line], cluster.log_sign[line] = index[name], 0, 0
                cluster.log_size[0] = line + 1

    def number(self, pod: Pod) -> int:
        """The number of a pod's class."""
        return self.engine.class_number(pod)

    def hand_of(self, pod: Pod) -> Hand:
        """The class of a pod, in hand."""
        return self._hand(self.engine.class_number(pod))

    def fits(self, pod: Pod, node: str) -> bool:
        """Whether nothing keeps a pod off a node as it is now."""
        hand = self.hand_of(pod)
        self.engine.rate(hand)
        return int(self.engine.record(hand)[self.engine.machines.index[node]]) == 0

    def decide(self, pods: Sequence[Pod]) -> list[Verdict]:
        """Give pods their turn, one after the other, in the order they are given in.

        Args:
            pods: pods that wait; `tells` is true of each, and none has gates.

        Returns:
            A verdict for each, in the same order. Pods that got a node are on it from now on.
        """
        found: list[Verdict] = []
        for start in range(0, len(pods), STRETCH):
            stretch = pods[start : start + STRETCH]
            numbers = [self.engine.class_number(pod) for pod in stretch]
            for number, some in groupby(zip(numbers, stretch, strict=True), key=lambda pair: pair[0]):
                alike = [pod for _, pod in some]
                # Where pods look at other pods, each sees a different cluster, and may be refused in other words.
                size = 1 if self._looks_at_others(number) else len(alike)
                for i in range(0, len(alike), size):
                    found += self._decide(number, alike[i : i + size])
        return found

    def _looks_at_others(self, number: int) -> bool:
        hand = self._hand(number)
        first = hand.window.counter_first
        return bool(first[hand.row + 1] > first[hand.row])

    def _decide(self, number: int, pods: Sequence[Pod]) -> list[Verdict]:
        """Give pods of one class their turn: those that fit come first."""
        hand = self._hand(number)
        self._make_room(len(pods))
        first = int(self._cluster.log_size[0])
        nodes = np.full(len(pods), -1, dtype=np.int32)
        rows = np.full(len(pods), hand.row, dtype=np.int32)
        refused = np.zeros(len(hand.window.kind), dtype=np.uint8)
        if (number, first) not in self._lacking:
            place_each(self._cluster, hand.window, hand.counters, self.engine.rules, rows, refused, nodes, len(pods))
        words = self._cluster.log_devices[first : first + len(pods)].copy()
        fitted = int((nodes >= 0).sum())
        found = [
            self._seated(pod, number, n, words[i])
            for i, (pod, n) in enumerate(zip(pods[:fitted], nodes[:fitted].tolist(), strict=True))
        ]
        return found + [self._refused(hand, number, pod) for pod in pods[fitted:]]

    def _seated(self, pod: Pod, number: int, n: int, words: NDArray[np.int64]) -> Verdict:
        node = self.engine.machines.nodes[n].name
        devices = devices_of(words.tolist()) if pod.spec.devices.count else ()
        bound: Pod = msgspec.structs.replace(pod, node=node, device_indices=devices)
        self._seats[pod.key] = _Seat(bound, -1, number, n, words)
        return Verdict(pod, node, devices)

    def _refused(self, hand: Hand, number: int, pod: Pod) -> Verdict:
        """Why a pod was refused; pods of one class are told the same until the log has a new line."""
        line = int(self._cluster.log_size[0])
        key = (number, line)
        if key not in self._lacking:
            if self._lacking and next(reversed(self._lacking))[1] != line:
                self._lacking.clear()
            self.engine.rate(hand)
            self._lacking[key] = reasoned(self.engine, hand, pod, self.engine.record(hand))
        message, reasons = self._lacking[key]
        return Verdict(pod, "", (), message, reasons)
