"""A cluster of the fleet in the engine's hands: how many more of a pod fit, put pods on nodes, take them off again.

The headroom of a cluster is what its own scheduler would find: where nothing but room decides, nodes are counted; where
pods look at other pods, at devices, volumes or ports, copies are placed one after the other and taken off again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster
from yuheng.model.plan import Placement, Refusal
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.placement.machines import Group, Stock
from yuheng.placement.shapes import Shapes
from yuheng.scheduling.alike import are_alike, place_alike
from yuheng.scheduling.arrays import BIT_NODE_GROUP
from yuheng.scheduling.classes import OPEN, Fence
from yuheng.scheduling.compile import held_requests
from yuheng.scheduling.cycle import place, prepare
from yuheng.scheduling.departures import revert, seat
from yuheng.scheduling.engine import Engine, Hand, Setting, devices_of
from yuheng.scheduling.filters import STATIC_FILTERS
from yuheng.scheduling.planner import refusal

__all__ = ["ANY", "EXISTING", "Batch", "Site", "on_node"]

# In place of a group's number: all groups, those of nodes that exist, or (from here down) one node.
ANY: Final = -1
EXISTING: Final = -2
NODES: Final = -3
LINES: Final = 1 << 14
# Bytes that classes in hand may take in one cluster; what a node takes of each.
HAND_BYTES: Final = 12 * 2**20
BYTES_PER_HAND: Final = 48
MOST_HANDS: Final = 256


def on_node(n: int) -> int:
    """What stands in place of a group's number to mean one node."""
    return NODES - n


class Batch(NamedTuple):
    """Copies of one pod that were placed together.

    Attributes:
        pods: the pods.
        group: the group they were placed in, or what stands in its place.
        nodes: (pods,) the node of each.
        devices: (pods, words) the devices of each, as the log tells them.
    """

    pods: Sequence[Pod]
    group: int
    nodes: NDArray[np.int32]
    devices: NDArray[np.int64]


# (R,) what a pod asks for, and its cpu and memory as scores count them, asked for and held.
Amounts = tuple[NDArray[np.int64], tuple[int, int], tuple[int, int]]


class _Held:
    """A class in hand.

    Attributes:
        hand: the hand.
        number: of the class.
        is_alike: whether its copies can be placed without trees (`yuheng.scheduling.alike`).
        is_ready: whether its trees are built.
        had_a_turn: whether copies of it were placed.
    """

    __slots__ = ("had_a_turn", "hand", "is_alike", "is_ready", "number")

    def __init__(self, hand: Hand, number: int, *, is_alike: bool) -> None:
        self.hand = hand
        self.number = number
        self.is_alike = is_alike
        self.is_ready = False
        self.had_a_turn = False


class Site:
    """One cluster, compiled.

    Attributes:
        cluster: the cluster.
        groups: what it can offer.
        engine: its compiled state.
        repelled: whether a pod that runs in it, or was placed in it, keeps others away.
    """

    def __init__(
        self, cluster: Cluster, stock: Stock, policy: Policy, seed: int, peculiar: Iterable[Pod], shapes: Shapes
    ) -> None:
        """Compile a cluster.

        Args:
            cluster: the cluster; no pod of it waits.
            stock: its nodes, in groups.
            policy: what decides inside it.
            seed: of everything random.
            peculiar: pods that may come, one of each specification: their resources, ports and rules are known then.
            shapes: of pods, for all clusters.
        """
        self.cluster = cluster
        self._shapes = shapes
        self.groups: tuple[Group, ...] = stock.groups
        self.group_of = stock.group_of
        snapshot: Snapshot = msgspec.structs.replace(cluster.snapshot, nodes=stock.nodes, jobs=(), queues=())
        self.engine = Engine(snapshot, policy, seed, list(peculiar), Setting(lines=LINES))
        self._hands: OrderedDict[tuple[object, ...], _Held] = OrderedDict()
        self._open: dict[int, NDArray[np.uint8]] = {}
        # Of classes that another one in hand can be made into: what they have in common, and the amounts of each.
        self._moulds: dict[int, tuple[object, ...]] = {}
        self._amounts: dict[int, Amounts] = {}
        self._tried: dict[int, tuple[int, int, bool]] = {}
        self._changes = 0
        self._most_hands = min(MOST_HANDS, max(2, HAND_BYTES // (BYTES_PER_HAND * max(len(stock.nodes), 1))))
        self._repelling = (0, False)
        running = np.flatnonzero(np.bincount(self.engine.placed_before[1])).tolist()
        self.repelled = any(self.engine.peers.kinds[kind].repels for kind in running)
        self._fences = {ANY: OPEN, EXISTING: self._fence("exists", [not group.exists for group in self.groups])}

    def _fence(self, key: str, closed: Sequence[bool]) -> Fence:
        mask = np.array(closed, dtype=np.bool_)[self.group_of] if len(self.group_of) else np.zeros(0, dtype=np.bool_)
        return Fence((key,), ((BIT_NODE_GROUP, mask),)) if mask.any() else OPEN

    def _fence_of(self, group: int) -> Fence:
        if group <= NODES:
            closed = np.arange(len(self.group_of)) != NODES - group
            return Fence(("node", group), ((BIT_NODE_GROUP, closed),))
        if group not in self._fences:
            self._fences[group] = self._fence(f"group {group}", [i != group for i in range(len(self.groups))])
        return self._fences[group]

    def _number(self, pod: Pod, group: int) -> int:
        return self.engine.classes.number(pod, self._fence_of(group))

    def _hand(self, number: int) -> Hand:
        """A class in hand, ready to be rated."""
        held = self._held(number)
        if not held.is_ready:
            prepare(self.engine.cluster, held.hand.window, self.engine.rules, held.hand.row)
            held.is_ready = True
        return held.hand

    def _held(self, number: int) -> _Held:
        """A class in hand, whose trees may be those of another.

        One that was taken when fewer kinds of pods were known cannot count the new ones. But half of what it takes to
        take a class in hand is the same for all plain pods that may go to the same nodes: of those there is one.
        """
        mould = self._mould(number)
        held = self._hands.get(mould) if mould is not None else None
        if held is not None and mould is not None:
            self._hands.move_to_end(mould)
            if held.number != number:
                self._cast(held, number)
            return held
        key = (number, len(self.engine.peers.kinds))
        held = self._hands.get(key)
        if held is not None:
            self._hands.move_to_end(key)
            return held
        hand = self.engine.grasp(number)
        counts = hand.window.counter_first[-1] > 0
        alike = are_alike(self.engine.cluster, hand.window, self.engine.rules, hand.row)
        held = _Held(hand, number, is_alike=alike)
        self._hands[key if counts or mould is None else mould] = held
        if len(self._hands) > self._most_hands:
            self._hands.popitem(last=False)
        return held

    def _mould(self, number: int) -> tuple[object, ...] | None:
        """What a class has in common with those that differ from it in nothing but amounts; None for its own rules."""
        if self._knows_repelling():
            return None
        if number not in self._moulds:
            self._moulds[number] = self._moulded(number)
        return self._moulds[number] or None

    def _moulded(self, number: int) -> tuple[object, ...]:
        item = self.engine.classes.all[number]
        spec = item.pod.spec
        shape = self._shapes.of(item.pod)
        if not shape.plain or item.default_selector is not None or spec.spread:
            return ()
        needs = tuple(sorted(name for name, amount in spec.requests.items() if amount))
        images = spec.images if self.engine.machines.image_sizes else ()
        return item.kind, item.fence.key, shape.places, needs, images

    def _cast(self, held: _Held, number: int) -> None:
        """Make a class in hand another one of the same mould."""
        if number not in self._amounts:
            spec = self.engine.classes.all[number].pod.spec
            self._amounts[number] = self.engine.resources.row(spec.requests), spec.scoring_requests, held_requests(spec)
        window, row = held.hand.window, held.hand.row
        window.request[row], window.scoring[row], window.held[row] = self._amounts[number]
        held.number, held.is_ready, held.had_a_turn = number, False, False

    def is_plain(self, pod: Pod) -> bool:
        """Whether nothing but room, and what nodes are, decides about a pod."""
        return self._shapes.of(pod).plain and not self.repelled

    def is_countable(self, pod: Pod) -> bool:
        """The same, whole GPUs being counted like other resources."""
        return self._shapes.of(pod).countable and not self.repelled

    def open_to(self, pod: Pod) -> NDArray[np.uint8]:
        """(N,) 1 where nothing but room can keep a plain pod away."""
        places = self._shapes.of(pod).places
        if places not in self._open:
            self._open[places] = self._open_to(pod)
        return self._open[places]

    def _knows_repelling(self) -> bool:
        """Whether any kind of pod that the cluster knows of would keep others away."""
        kinds = self.engine.peers.kinds
        if self._repelling[0] < len(kinds):
            found = self._repelling[1] or any(kind.repels for kind in kinds[self._repelling[0] :])
            self._repelling = (len(kinds), found)
        return self._repelling[1]

    def _open_to(self, pod: Pod) -> NDArray[np.uint8]:
        """(N,) 1 where a node is one that the pod may be on."""
        engine = self.engine
        closed = np.zeros(len(engine.machines), dtype=np.bool_)
        for bit, rejects in STATIC_FILTERS.items():
            if engine.rules.filters & (1 << bit):
                closed |= rejects(engine.machines, pod.spec, (), engine.policy)
        return (~closed).astype(np.uint8)

    def tried_room(self, pod: Pod, group: int, most: int) -> int:
        """How many more of a pod fit, whatever decides: copies are placed until one is refused, and taken off again.

        Args:
            pod: the pod.
            group: the number of a group, or what stands in its place.
            most: more than so many need not be told apart.
        """
        if not self.groups:
            return 0
        number = self._number(pod, group)
        changes, found, refused = self._tried.get(number, (-1, 0, False))
        if changes == self._changes and (refused or found >= most):
            return found
        batch = self._placed([pod] * most, group)
        found = len(batch.nodes)
        self._take_off(batch)
        self._tried[number] = (self._changes, found, found < most)
        return found

    def place(self, pods: Sequence[Pod], group: int, order: Sequence[int] = ()) -> Batch | None:
        """Put copies of one pod on nodes, all of them or none; None when they do not all fit.

        Args:
            pods: the copies.
            group: the number of a group, or what stands in its place.
            order: nodes of a pool that are filled first, in that order.
        """
        batch = self._placed(pods, group, order)
        if len(batch.nodes) == len(pods):
            self._changes += 1
            self._note_repelling(pods)
            return batch
        self._take_off(batch)
        return None

    def _note_repelling(self, pods: Sequence[Pod]) -> None:
        affinity = pods[0].spec.affinity if pods else None
        if affinity is not None and affinity.pod_anti_affinity.required:
            self.repelled = True

    def _placed(self, pods: Sequence[Pod], group: int, order: Sequence[int] = ()) -> Batch:
        """Put as many of them on nodes as fit."""
        if group >= 0 and not self.groups[group].exists and len(pods):
            return self._packed(pods, group, order)
        return self._spread(pods, group)

    def _packed(self, pods: Sequence[Pod], group: int, first: Sequence[int]) -> Batch:
        """Put them on nodes of a pool, one node after the other, those in use first, so that few are opened."""
        cluster = self.engine.cluster
        members = np.setdiff1d(np.flatnonzero(self.group_of == group), first)
        order = members[np.lexsort((members, cluster.pods[members] == 0))]
        done: list[Batch] = []
        left = len(pods)
        for n in (*first, *order.tolist()):
            is_empty = cluster.pods[n] == 0
            batch = self._spread(pods[len(pods) - left :], on_node(n))
            left -= len(batch.nodes)
            done.append(batch)
            # All empty nodes of a pool are alike.
            if left == 0 or (is_empty and not len(batch.nodes)):
                break
        nodes = np.concatenate([batch.nodes for batch in done])
        return Batch(pods[: len(pods) - left], group, nodes, np.concatenate([batch.devices for batch in done]))

    def _spread(self, pods: Sequence[Pod], group: int) -> Batch:
        """Put as many of them on nodes as fit, as the scheduler chooses."""
        cluster = self.engine.cluster
        done, nodes, devices = 0, [], []
        while done < len(pods):
            some = min(len(pods) - done, LINES // 2)
            self._make_room(some)
            first = int(cluster.log_size[0])
            count = self._put(self._number(pods[0], group), some)
            nodes.append(cluster.log_node[first : first + count].copy())
            devices.append(cluster.log_devices[first : first + count].copy())
            done += count
            if count < some:
                break
        words = cluster.log_devices.shape[1]
        return Batch(
            pods[:done],
            group,
            np.concatenate(nodes) if nodes else np.zeros(0, dtype=np.int32),
            np.concatenate(devices) if devices else np.zeros((0, words), dtype=np.int64),
        )

    def _put(self, number: int, pods: int) -> int:
        """Place copies of a class until one is refused; how many were placed."""
        held, cluster, rules = self._held(number), self.engine.cluster, self.engine.rules
        # Trees pay from the second turn on.
        if held.is_alike and not held.is_ready and not held.had_a_turn:
            held.had_a_turn = True
            return place_alike(cluster, held.hand.window, rules, held.hand.row, pods)
        hand = self._hand(number)
        rows = np.full(pods, hand.row, dtype=np.int32)
        return place(cluster, hand.window, hand.counters, rules, rows, 0)

    def leave(self, batch: Batch) -> None:
        """Take copies off their nodes again."""
        self._changes += 1
        self._take_off(batch)

    def _take_off(self, batch: Batch) -> None:
        for start in range(0, len(batch.nodes), LINES // 2):
            part = slice(start, start + LINES // 2)
            nodes = batch.nodes[part]
            self._make_room(len(nodes))
            hand = self._held(self._number(batch.pods[0], batch.group)).hand
            rows = np.full(len(nodes), hand.row, dtype=np.int32)
            revert(self.engine.cluster, hand.window, rows, nodes, batch.devices[part])

    def put_back(self, batch: Batch) -> None:
        """Put copies on the very nodes and devices that they were taken off."""
        self._changes += 1
        for i, n in enumerate(batch.nodes.tolist()):
            self._make_room(1)
            hand = self._held(self._number(batch.pods[0], batch.group)).hand
            seat(self.engine.cluster, hand.window, hand.row, n, batch.devices[i])

    def _make_room(self, lines: int) -> None:
        """Fold the log when it has no room for more lines."""
        cluster = self.engine.cluster
        if int(cluster.log_size[0]) + lines <= len(cluster.log_node):
            return
        self.engine.compiler.fold()
        cluster.log_devices[:] = 0
        cluster.log_size[0] = 0
        self._hands.clear()

    def refusal(self, pod: Pod) -> Refusal:
        """Why one more of a pod does not fit, in its scheduler's words."""
        hand = self._hand(self._number(pod, ANY))
        self.engine.rate(hand)
        return refusal(self.engine, hand, pod)

    def placements(self, batch: Batch) -> list[Placement]:
        """The pods of a batch with their nodes."""
        machines = self.engine.machines.nodes
        return [
            Placement(pod.key, machines[n].name, devices_of(words) if pod.spec.devices.count else ())
            for pod, n, words in zip(batch.pods, batch.nodes.tolist(), batch.devices.tolist(), strict=True)
        ]
