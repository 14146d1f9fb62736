"""All pods of a cluster in the engine's hands: a node is emptied, its pods get other places, and all that is undone.

The cluster is compiled once. A node that is emptied takes nothing any more; its pods are placed one after the other by
the filters and scores that decide anywhere else in Yuheng. Where one of them finds no place, everything is put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import AFFINITY, ANTI_AFFINITY, CLOSED, EXISTING_ANTI_AFFINITY, GONE, HARD_SPREAD
from yuheng.scheduling.batch.fences import Fences
from yuheng.scheduling.batch.planning import default_batch
from yuheng.scheduling.batch.roster import BATCH_OWNERS, job_keys
from yuheng.scheduling.batch.settings import settings_of
from yuheng.scheduling.compile import Holding, device_milli
from yuheng.scheduling.cycle import place
from yuheng.scheduling.departures import Residents
from yuheng.scheduling.engine import PLAIN, Engine, Hand, Setting, devices_of
from yuheng.scheduling.explain import reasons, sentence
from yuheng.scheduling.hands import Hands

__all__ = ["Housing", "Refused", "Rehoused"]

# Lines of the log beyond one for each pod: it is folded when they are full.
_LINES = 1 << 16


class Refused(NamedTuple):
    """A pod that found no place, and why, in kube-scheduler's words."""

    pod: int
    message: str


class Rehoused(NamedTuple):
    """What became of pods that were taken off their nodes.

    Attributes:
        placed: those that have another place, in the order in which they got it: all, or none.
        refused: one that has none; None where each has.
    """

    placed: tuple[int, ...] = ()
    refused: Refused | None = None


class Housing:
    """The pods of a cluster, each on its node, and the nodes that may be taken from under them.

    Attributes:
        engine: the compiled cluster; its queue holds every pod, unbound, in the order of the snapshot.
        home: (pods,) the number of each pod's node.
        requests: (pods, R) what each asks for.
    """

    def __init__(self, snapshot: Snapshot, policy: Policy, seed: int, now: float | None) -> None:
        """Compile a cluster.

        Args:
            snapshot: the cluster; every pod is bound.
            policy: what decides where evicted pods go.
            seed: of everything random.
            now: what time it is, in seconds since the epoch; None for the latest time the snapshot tells of.

        Raises:
            InputError: a pod is bound to a node that is not in the snapshot.
            ConfigError: the policy names a filter or score that does not exist.
        """
        loose = [_loose(pod) for pod in snapshot.pods]
        setting, batch = _setting(snapshot, policy, now)
        self.engine = engine = Engine(snapshot, policy, seed, loose, setting._replace(lines=_LINES))
        self._hands = Hands(engine)
        self._classes = engine.class_of
        nodes, kinds = engine.placed_before
        self.requests = self._rows(snapshot.pods)
        self._residents = Residents(engine, snapshot.pods, nodes.copy(), kinds.astype(np.int32), self.requests)
        self.home: NDArray[np.int64] = self._residents.homes
        self._batch = batch
        if engine.cluster.batch_used.shape[0]:
            np.add.at(engine.cluster.batch_used, self.home[batch], self.requests[batch])
        self._take_all()

    def _rows(self, pods: Sequence[Pod]) -> NDArray[np.int64]:
        """(pods, R) what each asks for; pods of one template share a spec."""
        resources = self.engine.resources
        known: dict[int, NDArray[np.int64]] = {}
        for pod in pods:
            if id(pod.spec) not in known:
                known[id(pod.spec)] = resources.row(pod.spec.requests)
        rows = [known[id(pod.spec)] for pod in pods]
        return np.array(rows, dtype=np.int64).reshape(len(pods), len(resources.names))

    def _take_all(self) -> None:
        """Take all classes in hand in one window where they are few enough for that."""
        numbers = list(dict.fromkeys(self._classes))
        self._whole = 0 < len(numbers) <= self.engine.window_size
        if self._whole:
            self._hands.take(numbers)
            self._counters = self._hands.hand(numbers[0]).counters
            self._spreads = np.flatnonzero(self._counters.kind == HARD_SPREAD).tolist()

    def close(self, nodes: Sequence[int]) -> None:
        """Nodes take nothing new; as with a cordon, what runs on them still counts where pods spread."""
        self._mark(nodes, CLOSED)

    def open(self, nodes: Sequence[int]) -> None:
        """Nodes take pods again."""
        self._mark(nodes, 0)

    def remove(self, nodes: Sequence[int]) -> None:
        """Empty nodes are not there any more."""
        self._mark(nodes, GONE)
        if self._whole:
            self._forget_domains(nodes)
        else:
            # Classes that are taken in hand anew see the domains which are left.
            self._hands.drop()

    def _forget_domains(self, nodes: Sequence[int]) -> None:
        """Domains that are gone with their last node are no minimum any more from which a skew is measured."""
        cluster, counters = self.engine.cluster, self._counters
        for c in self._spreads:
            domain = np.where(counters.eligible[c] > 0, cluster.domain[counters.key[c]], -1)
            left = np.unique(domain[cluster.absent < GONE])
            for d in {int(domain[n]) for n in nodes} - {-1} - set(left.tolist()):
                counters.known[counters.start[c] + d] = 0

    def has_hard_rules(self, pod: int) -> bool:
        """Whether rules about other pods decide where a pod may be: its own, or those of others about it."""
        hand = self._hands.hand(self._classes[pod])
        first = hand.window.counter_first
        kinds = hand.counters.kind[first[hand.row] : first[hand.row + 1]]
        return bool(np.isin(kinds, (HARD_SPREAD, AFFINITY, ANTI_AFFINITY, EXISTING_ANTI_AFFINITY)).any())

    def is_removed(self, node: int) -> bool:
        """Whether a node is not there any more."""
        return bool(self.engine.cluster.absent[node] == GONE)

    def _mark(self, nodes: Sequence[int], absent: int) -> None:
        cluster, some = self.engine.cluster, list(nodes)
        self._hands.make_room(len(some))
        cluster.absent[some] = absent
        size = int(cluster.log_size[0])
        lines = slice(size, size + len(some))
        # Lines that count nothing: they make the classes look at the nodes again.
        cluster.log_node[lines], cluster.log_kind[lines], cluster.log_sign[lines] = some, 0, 0
        cluster.log_size[0] = size + len(some)

    def vacate(self, pods: Sequence[int]) -> None:
        """Pods leave their nodes for good: they end with them."""
        self._shift(list(pods), -1)

    def rehouse(self, pods: Sequence[int]) -> Rehoused:
        """Take pods off their nodes and place them anew: all of them, or none.

        They are placed in this order, but for a pod that looks for others: where those are among the pods that were
        taken off with it, it has its turn again behind them.

        Args:
            pods: their numbers; their nodes are closed.
        """
        leaving = list(pods)
        before = self.home[leaving].copy()
        holdings = {i: self._residents.holdings[i] for i in leaving if i in self._residents.holdings}
        self._shift(leaving, -1)
        placed: list[int] = []
        waiting, refused = leaving, None
        while waiting:
            deferred, refused = self._round(waiting, placed)
            if refused is not None or len(deferred) == len(waiting):
                break
            waiting = deferred
        if not waiting or (refused is None and len(placed) == len(leaving)):
            return Rehoused(tuple(placed))
        told = refused or self._asked_again(waiting[0])
        self._shift(placed, -1)
        self.home[leaving] = before
        for i in leaving:
            self._residents.holdings.pop(i, None)
        self._residents.holdings.update(holdings)
        self._shift(leaving, 1)
        return Rehoused(refused=told)

    def _round(self, pods: Sequence[int], placed: list[int]) -> tuple[list[int], Refused | None]:
        """Give each pod its turn once.

        Args:
            pods: those that wait.
            placed: receives those that were placed, in order.

        Returns:
            Those that may fit later, for they look at other pods; and one that never will, where there is one.
        """
        cluster, left = self.engine.cluster, list(pods)
        deferred: list[int] = []
        while left:
            self._hands.make_room(len(left))
            first = int(cluster.log_size[0])
            done, hand = self._place(left)
            lines = slice(first, first + done)
            self._note(left[:done], cluster.log_node[lines], cluster.log_devices[lines])
            placed += left[:done]
            if hand is None:
                break
            if not _looks_at_others(hand):
                return deferred, Refused(left[done], self._told(hand))
            deferred.append(left[done])
            left = left[done + 1 :]
        return deferred, None

    def _asked_again(self, pod: int) -> Refused:
        """Why a pod that looks at others has no place."""
        hand = self._hands.hand(self._classes[pod])
        self.engine.rate(hand)
        return Refused(pod, self._told(hand))

    def _place(self, pods: Sequence[int]) -> tuple[int, Hand | None]:
        """Place pods until one is refused: how many were placed, and the refused one's class in hand."""
        cluster, rules = self.engine.cluster, self.engine.rules
        if self._whole:
            hands = [self._hands.hand(self._classes[i]) for i in pods]
            rows = np.array([hand.row for hand in hands], dtype=np.int32)
            done = place(cluster, hands[0].window, hands[0].counters, rules, rows, 0)
            return done, hands[done] if done < len(hands) else None
        for done, i in enumerate(pods):
            hand = self._hands.hand(self._classes[i])
            if not self.engine.place_one(hand):
                return done, hand
        return len(pods), None

    def _note(self, pods: Sequence[int], nodes: NDArray[np.int32], words: NDArray[np.int64]) -> None:
        """Remember where pods were placed and which GPUs they got."""
        for i, n, line in zip(pods, nodes.tolist(), words.tolist(), strict=True):
            self.home[i] = n
            spec = self.engine.queue[i].spec
            self._residents.holdings.pop(i, None)
            if spec.devices.count:
                share = spec.devices.is_share()
                memory = spec.devices.memory if share else int(self.engine.cluster.device_size[n])
                parts = tuple((d, device_milli(spec), memory) for d in devices_of(line))
                self._residents.holdings[i] = Holding(n, 0 if share else spec.devices.count, parts)

    def devices(self, pod: int) -> tuple[int, ...]:
        """The GPUs that a pod holds, by index."""
        holding = self._residents.holdings.get(pod)
        return tuple(part[0] for part in holding.parts) if holding is not None else ()

    def _shift(self, pods: Sequence[int], sign: int) -> None:
        if pods:
            self._hands.make_room(len(pods))
            numbers = np.array(pods, dtype=np.int64)
            self._residents.shift(numbers, sign, self._batch[numbers])

    def _told(self, hand: Hand) -> str:
        """Why the class has no place on any node that is open."""
        record = self.engine.record(hand)
        record[self.engine.cluster.absent > 0] = 0
        left = int((self.engine.cluster.absent == 0).sum())
        return sentence(left, reasons(self.engine, hand, record))

    def admitted(self) -> tuple[list[int], NDArray[np.bool_]]:
        """The classes, and (classes, N) whether what a node is lets each onto it, however full it is."""
        numbers = list(dict.fromkeys(self._classes))
        rows = []
        for number in numbers:
            hand = self._hands.hand(number)
            rows.append(hand.window.static[hand.row] == 0)
        return numbers, np.array(rows, dtype=np.bool_).reshape(len(numbers), len(self.engine.machines))


def _looks_at_others(hand: Hand) -> bool:
    """Whether a class's rules look at other pods."""
    first = hand.window.counter_first
    return bool(first[hand.row + 1] > first[hand.row])


def _loose(pod: Pod) -> Pod:
    loose: Pod = msgspec.structs.replace(pod, node=None, device_indices=())
    return loose


def _setting(snapshot: Snapshot, policy: Policy, now: float | None) -> tuple[Setting, NDArray[np.bool_]]:
    """How queues narrow the nodes down, and (pods,) which pods are work that ends."""
    nothing = np.zeros(len(snapshot.pods), dtype=np.bool_)
    if policy.batch is None and not snapshot.is_batch():
        return PLAIN, nothing
    settings = settings_of(policy.batch or default_batch(snapshot))
    if not settings.node_groups and settings.zones is None and not settings.reserve:
        return PLAIN, nothing
    jobs, keys = {job.key: job for job in snapshot.jobs}, job_keys(snapshot)
    queue, ends = {}, {}
    for pod in snapshot.pods:
        job = jobs.get(keys[pod.key])
        queue[pod.key] = job.queue if job is not None else pod.queue or "default"
        ends[pod.key] = job is not None or (pod.owner is not None and pod.owner.kind in BATCH_OWNERS)
    time = next((moment for moment in (now, snapshot.time) if moment is not None), 0.0)
    setting = Setting(
        fences=lambda machines: Fences(
            machines, snapshot, settings, lambda pod: queue[pod.key], lambda pod: ends[pod.key], time
        ),
        reserve=settings.reserve,
    )
    return setting, np.array([ends[pod.key] for pod in snapshot.pods], dtype=np.bool_)
