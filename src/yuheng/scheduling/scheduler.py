"""A cluster that is decided on again and again: pods come and end, nodes go and return.

`planner.plan` compiles a snapshot, decides once and is done. A `Scheduler` keeps the compiled state from one cycle to
the next: what came and what left is written into the cluster's log, and classes take in only what changed since they
last looked. One cycle decides exactly as a plan of the same state would.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import CLOSED, DEVICES_A_WORD, GONE, Counters, Window
from yuheng.scheduling.backlog import Backlog
from yuheng.scheduling.compile import Holding, device_milli
from yuheng.scheduling.cycle import place_each
from yuheng.scheduling.departures import Residents, revert, seat
from yuheng.scheduling.engine import Engine, Setting, devices_of
from yuheng.scheduling.hands import Hands
from yuheng.scheduling.scores.gpu import total_fragment

__all__ = ["Kinds", "Scheduler"]

# Lines of the log: it is folded when they are full. Every class reads what was written since it last looked.
LINES: Final = 1 << 16
# Pods that are tried in one go.
STRETCH: Final = 1 << 14
# So few waiting pods are all tried; of more, only the first of each kind are, until one is placed.
FEW: Final = 32


class Kinds(NamedTuple):
    """Pods by number, as copies of a few models.

    Attributes:
        models: one pod of each kind; what its name is does not matter.
        kind: (P,) the kind of each pod; -1 for one that is never submitted.
        turn: (P,) its place, from 0 on, in the order of `Snapshot.pending` among all pods there will ever be.
        residents: how many of them, the first, are the pods that run in the snapshot, in its order.
        together: how many may be placed in one go at most.
    """

    models: Sequence[Pod]
    kind: NDArray[np.int32]
    turn: NDArray[np.int64]
    residents: int = 0
    together: int = 1


class Scheduler:
    """Schedules pods of known kinds on known nodes, cycle after cycle.

    Attributes:
        engine: the compiled cluster.
        hands: the classes in hand.
        backlog: the pods that wait.
        node_of: (P,) the node of each pod; -1 while it is on none.
    """

    def __init__(
        self, snapshot: Snapshot, policy: Policy, seed: int, kinds: Kinds, typical: Sequence[tuple[Pod, int]] = ()
    ) -> None:
        """Compile the nodes, what runs on them, and the kinds.

        Args:
            snapshot: the nodes, and what runs on them at the start; its pending pods are left out.
            policy: what decides.
            seed: of everything random.
            kinds: the pods that may be submitted.
            typical: pods, and how many of each, that fragmentation is measured by (see `Setting`).

        Raises:
            InputError: a pod is bound to a node that is not in the snapshot.
            ConfigError: the policy names a filter or score that does not exist.
        """
        running = tuple(pod for pod in snapshot.pods if pod.node is not None)
        alone: Snapshot = msgspec.structs.replace(snapshot, pods=running)
        lines = max(LINES, 4 * kinds.together)
        self.engine = Engine(alone, policy, seed, kinds.models, Setting(lines=lines, typical=typical))
        self._cluster = self.engine.cluster
        self.hands = Hands(self.engine)
        self._kind = kinds.kind
        # Pods that are never submitted need no class in hand.
        self._present = np.unique(kinds.kind[kinds.kind >= 0]).tolist()
        self._whole = self._take_all()
        self._row = self._rows()
        self._pod_at = np.argsort(kinds.turn)
        self.backlog = Backlog(kinds.kind.tolist(), kinds.turn.tolist(), self._rule_bound())
        self.node_of = np.full(len(kinds.kind), -1, dtype=np.int32)
        self._devices = np.zeros((len(kinds.kind), self._cluster.log_devices.shape[1]), dtype=np.int64)
        self._residents = self._settled(running)
        self.node_of[: kinds.residents] = self.engine.placed_before[0]
        self._at_home = set(range(kinds.residents))

    def _take_all(self) -> bool:
        """Take all classes in hand in one window; whether they are few enough for that."""
        classes = list(dict.fromkeys(self.engine.class_of[kind] for kind in self._present))
        if not classes or len(classes) > self.engine.window_size:
            return False
        self.hands.take(classes)
        return True

    def _take_anew(self) -> None:
        """Compile the classes anew: there are other zones to spread over."""
        self.hands.drop()
        self._whole = self._take_all()
        self._row = self._rows()

    def _rows(self) -> NDArray[np.int32]:
        """(kinds,) the row of each kind in the one window; zeros where there is more than one."""
        rows = np.zeros(len(self.engine.class_of), dtype=np.int32)
        for kind in self._present if self._whole else ():
            rows[kind] = self.hands.hand(self.engine.class_of[kind]).row
        return rows

    def _rule_bound(self) -> frozenset[int]:
        """The kinds whose rules look at other pods."""
        found = set()
        for kind in self._present:
            hand = self.hands.hand(self.engine.class_of[kind])
            first = hand.window.counter_first
            if first[hand.row + 1] > first[hand.row]:
                found.add(kind)
        return frozenset(found)

    def _settled(self, running: Sequence[Pod]) -> Residents:
        nodes, kinds = self.engine.placed_before
        rows = [self.engine.resources.row(pod.spec.requests) for pod in running]
        requests = np.array(rows, dtype=np.int64).reshape(len(running), len(self.engine.resources.names))
        return Residents(self.engine, running, nodes, kinds.astype(np.int32), requests)

    def submit(self, pod: int) -> None:
        """A pod waits for a node from now on."""
        self.backlog.add(pod)

    def first_waiting(self, most: int) -> list[int]:
        """The first so many pods that wait, in the order of their turns."""
        found: list[int] = self._pod_at[self.backlog.first(most)].tolist()
        return found

    def may_run_on(self, pod: int, node: int) -> bool:
        """Whether a node's labels, taints and kind suit a pod, however full it is."""
        hand = self.hands.hand(self.class_of(pod))
        return bool(hand.window.static[hand.row, node] == 0)

    def cycle(self) -> list[int]:
        """Give every waiting pod its turn; those that were placed, in order."""
        backlog = self.backlog
        if not backlog.is_open:
            return []
        # Others have their turns: those whose rules look at other pods have theirs among them.
        backlog.placed_some()
        kinds, waiting = backlog.open_kinds(), backlog.open_pods()
        many = waiting > FEW and waiting > 2 * backlog.fresh
        backlog.fresh = 0
        by_heads = many and backlog.rule_bound.isdisjoint(kinds)
        placed = self._try_heads(kinds) if by_heads else self._try_all()
        if placed:
            backlog.placed_some()
        return placed

    def _try_all(self) -> list[int]:
        """Every pod of the open kinds has its turn."""
        turns = np.array(self.backlog.turns(), dtype=np.int64)
        placed: list[int] = []
        left: dict[int, list[int]] = {}
        refused: set[int] = set()
        for start in range(0, len(turns), STRETCH):
            stretch = turns[start : start + STRETCH]
            pods = self._pod_at[stretch]
            nodes = self._try(pods, len(pods), refused)
            fitted = nodes >= 0
            placed += pods[fitted].tolist()
            for turn, kind in zip(stretch[~fitted].tolist(), self._kind[pods[~fitted]].tolist(), strict=True):
                left.setdefault(kind, []).append(turn)
        self.backlog.settle(left)
        return placed

    def _try_heads(self, kinds: Sequence[int]) -> list[int]:
        """The first pod of each open kind has its turn; when it is placed, the next of its kind.

        Tells the same as trying all of them, for who was refused stays refused.
        """
        backlog, placed = self.backlog, []
        heads = sorted((backlog.head(kind), kind) for kind in kinds)
        refused: set[int] = set()
        while heads:
            pods = self._pod_at[[turn for turn, _ in heads]]
            nodes = self._try(pods, 1, refused)
            tried = len(nodes)
            fitted = bool(tried and nodes[-1] >= 0)
            for _, kind in heads[: tried - fitted]:
                backlog.refuse(kind)
            if fitted:
                kind = heads[tried - 1][1]
                placed.append(int(pods[tried - 1]))
                backlog.pop(kind)
                following = backlog.head(kind)
                heads = heads[tried:]
                if following >= 0:
                    insort(heads, (following, kind))
            else:
                heads = heads[tried:]
        return placed

    def _try(self, pods: NDArray[np.int64], most: int, refused: set[int]) -> NDArray[np.int32]:
        """Try pods in order until so many are placed; (tried,) the node of each, or -1."""
        self.hands.make_room(len(pods))
        first = int(self._cluster.log_size[0])
        nodes = np.empty(len(pods), dtype=np.int32)
        if self._whole:
            hand = self.hands.hand(self.engine.class_of[self._present[0]])
            tried = self._tried(hand.window, hand.counters, self._row[self._kind[pods]], nodes, most)
        else:
            tried = self._one_by_one(pods, nodes, most, refused)
        nodes = nodes[:tried]
        fitted = pods[:tried][nodes >= 0]
        self.node_of[fitted] = nodes[nodes >= 0]
        self._devices[fitted] = self._cluster.log_devices[first : first + len(fitted)]
        return nodes

    def _tried(
        self, window: Window, counters: Counters, rows: NDArray[np.int32], nodes: NDArray[np.int32], most: int
    ) -> int:
        refused = np.zeros(len(window.kind), dtype=np.uint8)
        return place_each(self._cluster, window, counters, self.engine.rules, rows, refused, nodes, most)

    def _one_by_one(self, pods: NDArray[np.int64], nodes: NDArray[np.int32], most: int, refused: set[int]) -> int:
        """The same where the classes are too many for one window."""
        placed = 0
        for i, kind in enumerate(self._kind[pods].tolist()):
            nodes[i] = -1
            if kind in refused:
                continue
            hand = self.hands.hand(self.engine.class_of[kind])
            row = np.array([hand.row], dtype=np.int32)
            self._tried(hand.window, hand.counters, row, nodes[i : i + 1], 1)
            if nodes[i] < 0 and kind not in self.backlog.rule_bound:
                refused.add(kind)
            placed += int(nodes[i] >= 0)
            if placed == most:
                return i + 1
        return len(pods)

    def leave(self, pods: Sequence[int]) -> None:
        """Pods end, or are taken off their nodes."""
        for start in range(0, len(pods), STRETCH):
            self._take_off(pods[start : start + STRETCH])
        self.backlog.freed()

    def _take_off(self, pods: Sequence[int]) -> None:
        """Take pods off their nodes; they are no more than the log has lines."""
        self.hands.make_room(len(pods))
        if self._at_home:
            residents = [pod for pod in pods if pod in self._at_home]
            self._at_home.difference_update(residents)
            self._residents.shift(np.array(residents, dtype=np.int64), -1)
            gone = set(residents)
            self._revert([pod for pod in pods if pod not in gone] if residents else pods)
        else:
            self._revert(pods)
        self.node_of[list(pods)] = -1

    def _revert(self, pods: Sequence[int]) -> None:
        """Take pods off the nodes they were placed on."""
        if self._whole:
            hand = self.hands.hand(self.engine.class_of[self._present[0]])
            rows = self._row[self._kind[pods]]
            revert(self._cluster, hand.window, rows, self.node_of[pods], self._devices[pods])
            return
        for pod in pods:
            hand = self.hands.hand(self.engine.class_of[self._kind[pod]])
            one = slice(pod, pod + 1)
            row = np.array([hand.row], dtype=np.int32)
            revert(self._cluster, hand.window, row, self.node_of[one], self._devices[one])

    def settle(self, pod: int, node: int, devices: NDArray[np.int64]) -> None:
        """A pod was placed by somebody who works on the same arrays; it is known here from now on."""
        self.node_of[pod] = node
        self._devices[pod] = devices

    def seat(self, pod: int, node: int, devices: Sequence[int]) -> None:
        """Put a pod on a node that was decided on elsewhere, with these GPUs."""
        self.hands.make_room(1)
        words = np.zeros(self._devices.shape[1], dtype=np.int64)
        for d in devices:
            words[d // DEVICES_A_WORD] |= 1 << (d % DEVICES_A_WORD)
        hand = self.hands.hand(self.class_of(pod))
        seat(self._cluster, hand.window, hand.row, node, words)
        self.settle(pod, node, words)

    def unsettle(self, pods: Sequence[int]) -> None:
        """Pods were taken off their nodes by somebody who works on the same arrays."""
        self.node_of[list(pods)] = -1
        self._at_home.difference_update(pods)

    def class_of(self, pod: int) -> int:
        """The number of a pod's class."""
        return int(self.engine.class_of[self._kind[pod]])

    def holding(self, pod: int) -> Holding:
        """What a running pod holds of the GPUs of its node."""
        if pod in self._at_home:
            return self.engine.holdings[pod]
        spec, n = self.engine.queue[self._kind[pod]].spec, int(self.node_of[pod])
        share = spec.devices.is_share()
        memory = spec.devices.memory if share else int(self._cluster.device_size[n])
        parts = tuple((d, device_milli(spec), memory) for d in self.devices_of(pod))
        return Holding(n, 0 if share else spec.devices.count, parts)

    def close(self, nodes: Sequence[int], *, gone: bool) -> None:
        """Nodes take nothing new; what is on them stays until it is taken off.

        Args:
            nodes: their numbers.
            gone: they are not there at all; otherwise their zones still count where pods spread.
        """
        self._mark(nodes, GONE if gone else CLOSED)

    def open(self, nodes: Sequence[int]) -> None:
        """Nodes are there."""
        self._mark(nodes, 0)
        self.backlog.freed()

    def _mark(self, nodes: Sequence[int], absent: int) -> None:
        if not nodes:
            return
        cluster = self._cluster
        were_gone = (cluster.absent[list(nodes)] == GONE).any()
        cluster.absent[list(nodes)] = absent
        if self.backlog.rule_bound and (were_gone or absent == GONE):
            self._take_anew()
        for start in range(0, len(nodes), STRETCH):
            some = nodes[start : start + STRETCH]
            self.hands.make_room(len(some))
            size = int(cluster.log_size[0])
            lines = slice(size, size + len(some))
            # Lines that count nothing: they make the classes look at the nodes again.
            cluster.log_node[lines], cluster.log_kind[lines], cluster.log_sign[lines] = some, 0, 0
            cluster.log_size[0] = size + len(some)

    def is_closed(self, node: int) -> bool:
        """Whether nothing may be placed on a node at the moment."""
        return bool(self._cluster.absent[node])

    def devices_of(self, pod: int) -> tuple[int, ...]:
        """The GPUs that a placed pod holds."""
        return devices_of(self._devices[pod].tolist())

    def fragmented_milli(self) -> float:
        """Idle GPU milli of the nodes that are there which the typical workload cannot use (FGD's F, summed)."""
        return float(total_fragment(self._cluster, self.engine.rules))
