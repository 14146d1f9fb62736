"""One cluster in the engine's hands: the snapshot compiled, the queue, and the cycle that works it off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import cached_property
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import NearMiss, Reason
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import DEVICES_A_WORD, Bits, Counters, Rules, Window
from yuheng.scheduling.classes import OPEN, Classes, Fence, spread_selectors
from yuheng.scheduling.compile import EACH_NODE, Columns, Holding, HostPorts, Resources, compile_cluster
from yuheng.scheduling.cycle import diagnose, place, prepare, rate
from yuheng.scheduling.machines import Machines
from yuheng.scheduling.peers import Peers, topology_keys
from yuheng.scheduling.rules import compile_rules
from yuheng.scheduling.templates import Templates
from yuheng.scheduling.window import Compiler, Ground

__all__ = ["PLAIN", "Engine", "Hand", "Running", "Setting", "Told", "devices_of"]


# Bytes that a window of classes may take, and roughly what a class takes per node.
_BUDGET = 640 * 2**20
_BYTES_PER_NODE = 48
# Nodes that may be looked at again, over all what-ifs of one engine: trying hints out must not outlast the plan.
_WHAT_IF_VISITS = 3_000_000
# What a look costs at least, in nodes: much of it does not depend on their number.
_LEAST_LOOK = 2_000
# Pods between two reports of progress.
_STRETCH = 20_000


class Hand(NamedTuple):
    """A class in hand: its window, its counters, its row."""

    window: Window
    counters: Counters
    row: int


class Told(NamedTuple):
    """A hint as it was told to a class, and what it stands on.

    Attributes:
        text: the sentence; empty for none.
        node: the node the pod would go to; -1 when the hint does not stand on one.
        bits: that node's record.
        log_size: how many pods had been placed.
    """

    text: str
    node: int
    bits: int
    log_size: int


class Setting(NamedTuple):
    """What an engine is told beside snapshot and policy: how queues and jobs narrow the nodes down.

    Attributes:
        fences: given the nodes, gives the function from a pod to its fence.
        reserve: thousandths of what services leave of a node that pods of jobs may use; 0 for no limit.
        lines: how many lines the log has beyond one for every pending pod.
        typical: pods, and how many there are of each, that fragmentation is measured by; None for those of the
            snapshot, where a score asks for them.
    """

    fences: Callable[[Machines], Callable[[Pod], Fence]] | None = None
    reserve: int = 0
    lines: int = 0
    typical: Sequence[tuple[Pod, int]] | None = None


PLAIN: Final = Setting()
_node_of = attrgetter("node")


class Running(NamedTuple):
    """Pods that run.

    Attributes:
        pods: the pods.
        nodes: (pods,) the node of each.
        kinds: (pods,) the number of each among `Peers`.
        holdings: what those with GPUs hold of them, by place in ``pods``.
    """

    pods: Sequence[Pod]
    nodes: NDArray[np.int64]
    kinds: NDArray[np.int64]
    holdings: dict[int, Holding]


class Engine:
    """A snapshot and a policy, compiled.

    Args:
        snapshot: the cluster.
        policy: what decides.
        seed: of everything random.
        newcomers: pods that may be placed beside the snapshot's own pending ones.
        setting: what queues and jobs add.

    Raises:
        InputError: a pod is bound to a node that is not in the snapshot.
        ConfigError: the policy names a filter or score that does not exist.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        policy: Policy,
        seed: int = 0,
        newcomers: Sequence[Pod] = (),
        setting: Setting = PLAIN,
    ) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.seed = seed
        self._visits_left = _WHAT_IF_VISITS
        self.machines = Machines(snapshot.nodes)
        names = list(map(_node_of, snapshot.pods))
        some_wait = None in names
        self.queue = [*(snapshot.pending() if some_wait else ()), *newcomers]
        self.bound: Sequence[Pod] = (
            [pod for pod in snapshot.pods if pod.node is not None] if some_wait else snapshot.pods
        )
        bound = self.bound
        homes = self._homes([name for name in names if name is not None] if some_wait else names)
        templates = Templates.of(bound)
        specs = [*templates.specs, *{id(pod.spec): pod.spec for pod in self.queue}.values()]
        defaults = [item.selector for item in spread_selectors(snapshot, policy)]
        self.peers = Peers(snapshot, specs, defaults)
        kinds = self.peers.numbers(bound, templates)
        self._fence = setting.fences(self.machines) if setting.fences else None
        self.classes = Classes(snapshot, policy, self.peers)
        self.refused: list[int] = []
        self.hints: dict[tuple[int, int], Told] = {}
        self.told: dict[tuple[int, int, int], tuple[str, tuple[Reason, ...], tuple[NearMiss, ...], str]] = {}
        self.class_of = self._class_numbers()
        self.resources = Resources(self.machines, specs)
        self.ports = HostPorts([item.pod.spec for item in self.classes.all])
        typical = _typical(policy, bound, self.queue) if setting.typical is None else setting.typical
        keys = [*topology_keys(specs, policy, bool(defaults)), EACH_NODE]
        columns = Columns(self.resources, self.ports, keys)
        self.cluster, self.holdings = compile_cluster(
            self.machines,
            (bound, homes, templates),
            columns,
            policy,
            seed,
            len(self.queue) + setting.lines,
            reserve=setting.reserve > 0,
        )
        largest = int(self.cluster.allocatable.max(initial=0))
        self.rules: Rules = compile_rules(policy, self.machines, self.resources, typical, setting.reserve, largest)
        self.used_before = self.cluster.used.copy()
        self.devices_before = self.cluster.device_free.copy()
        self.placed_before = (homes, kinds)
        ground = Ground(self.machines, self.cluster, self.resources, self.ports, keys, self.peers, (homes, kinds))
        self.compiler = Compiler(ground, policy, self.rules)

    def seen(self, running: Running, queue: Sequence[Pod], classes: Sequence[int]) -> Engine:
        """The same compiled cluster, later: other pods run and wait by now.

        Args:
            running: the pods that run; the cluster's arrays count them already.
            queue: the pods that wait.
            classes: the class of each pod of ``queue``.
        """
        later = copy(self)
        later.__dict__.pop("running_on", None)
        later.bound, later.queue, later.class_of = list(running.pods), list(queue), list(classes)
        later.refused, later.hints, later.told = [], {}, {}
        later.placed_before = (running.nodes, running.kinds)
        later.holdings = running.holdings
        return later

    @cached_property
    def running_on(self) -> dict[str, list[Pod]]:
        """The pods that ran before, by the name of their node."""
        found: dict[str, list[Pod]] = {}
        for pod in self.snapshot.pods:
            if pod.node is not None:
                found.setdefault(pod.node, []).append(pod)
        return found

    def _class_numbers(self) -> list[int]:
        """The class of each pod of the queue; the copies of one pod are looked at once."""
        known: dict[int, int] = {}
        numbers = []
        for pod in self.queue:
            if id(pod) not in known:
                known[id(pod)] = self.class_number(pod)
            numbers.append(known[id(pod)])
        return numbers

    def class_number(self, pod: Pod) -> int:
        """The number of a pod's class, within its fence."""
        return self.classes.number(pod, OPEN if self._fence is None else self._fence(pod))

    @property
    def window_size(self) -> int:
        """How many classes may be in hand at once."""
        return max(1, _BUDGET // (_BYTES_PER_NODE * max(len(self.machines), 1)))

    def grant(self, looks: int) -> bool:
        """Ask to look at every node a number of times for a what-if; counted, so that a plan stays deterministic.

        More than one look means that the cluster is compiled anew, pods and all.
        """
        pods = len(self.snapshot.pods) if looks > 1 else 0
        self._visits_left -= looks * max(len(self.machines) + pods, _LEAST_LOOK)
        return self._visits_left >= 0

    @property
    def spent(self) -> bool:
        """Whether a what-if was refused because there had been too many."""
        return self._visits_left < 0

    def placed(self) -> Iterator[Pod]:
        """The pods that were placed so far, bound as they were placed, in order."""
        size = int(self.cluster.log_size[0])
        log = zip(self.cluster.log_node[:size].tolist(), self.cluster.log_devices[:size].tolist(), strict=True)
        refused = set(self.refused)
        decided = (pod for i, pod in enumerate(self.queue) if i not in refused)
        for (n, words), pod in zip(log, decided, strict=False):
            indices = devices_of(words) if pod.spec.devices.count else ()
            yield msgspec.structs.replace(pod, node=self.machines.nodes[n].name, device_indices=indices)

    def _homes(self, names: Sequence[Any]) -> NDArray[np.int64]:
        """(pods,) the node of each running pod, told by name."""
        found = np.fromiter(map(self.machines.index.get, names, repeat(-1)), dtype=np.int64, count=len(names))
        if (found < 0).any():
            pod = self.bound[int(found.argmin())]
            raise InputError(
                repr(pod.node), "the name of a node in the input", subject=f"Pod {pod.key}", field="spec.nodeName"
            )
        return found

    def hands(self, first: int, last: int) -> Iterator[tuple[int, int, dict[int, Hand]]]:
        """Cut ``queue[first:last]`` into stretches with few enough classes for one window, and take them in hand.

        Yields:
            The stretch as ``(first, last)``, and the hand of each class number in it.
        """
        limit = self.window_size
        while first < last:
            wanted: dict[int, int] = {}
            end = first
            while end < last and (self.class_of[end] in wanted or len(wanted) < limit):
                wanted.setdefault(self.class_of[end], len(wanted))
                end += 1
            yield first, end, self.take(list(wanted))
            first = end

    def grasp(self, number: int) -> Hand:
        """Compile one class without a look at the nodes: it is to be prepared before it is rated."""
        return Hand(*self.compiler.compile([self.classes.all[number]]), 0)

    def take(self, numbers: Sequence[int]) -> dict[int, Hand]:
        """Compile classes and look at every node once for each."""
        window, counters = self.compiler.compile([self.classes.all[number] for number in numbers])
        for row in range(len(numbers)):
            prepare(self.cluster, window, self.rules, row)
        return {number: Hand(window, counters, row) for row, number in enumerate(numbers)}

    def run(
        self, first: int, last: int, progress: Callable[[int, int], None] | None = None
    ) -> Iterator[tuple[int, Hand]]:
        """Work off ``queue[first:last]``; stops at each pod that is refused, and goes on when asked for the next.

        Yields:
            The place in the queue of a refused pod, and the class in hand as it was decided on.
        """
        for start, end, hands in self.hands(first, last):
            anyone = next(iter(hands.values()))
            rows = np.array([hands[self.class_of[i]].row for i in range(start, end)], dtype=np.int32)
            done = 0
            while done < len(rows):
                stretch = rows[: done + _STRETCH]
                done = place(self.cluster, anyone.window, anyone.counters, self.rules, stretch, done)
                if done < len(stretch):
                    self.refused.append(start + done)
                    yield start + done, hands[self.class_of[start + done]]
                    done += 1
                if progress is not None:
                    progress(start + done, last)

    def rate(self, hand: Hand) -> int:
        """Filter and score all nodes for one more pod of a class; how many are feasible."""
        return rate(self.cluster, hand.window, hand.counters, self.rules, hand.row)

    def place_one(self, hand: Hand) -> bool:
        """Place one more pod of a class; whether it fitted."""
        row = np.array([hand.row], dtype=np.int32)
        return place(self.cluster, hand.window, hand.counters, self.rules, row, 0) == 1

    def record(self, hand: Hand) -> Bits:
        """(N,) everything that keeps the class off each node, as rejection bits."""
        bits = np.zeros(len(self.machines), dtype=np.int64)
        diagnose(self.cluster, hand.window, hand.counters, self.rules, hand.row, bits)
        return bits


def _typical(policy: Policy, *pods: Sequence[Pod]) -> Sequence[tuple[Pod, int]]:
    """The pods of a snapshot as the typical workload, where a score of the policy asks for it."""
    needed = any(score.plugin == "FragmentationGradient" for score in policy.scores)
    return [(pod, 1) for pod in chain(*pods)] if needed else ()


def devices_of(words: list[int]) -> tuple[int, ...]:
    """The devices that a line of the log tells of."""
    return tuple(
        i * DEVICES_A_WORD + bit for i, word in enumerate(words) for bit in range(word.bit_length()) if word >> bit & 1
    )
