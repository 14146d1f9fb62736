"""Pods come and go, and every step can be taken back.

A gang that does not become whole, a victim that turned out not to be needed, a forecast that ran ahead: all are
undone to a mark. Undoing writes new lines into the cluster's log rather than erasing old ones, so that classes which
saw the first step simply see the second as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.scheduling.batch.cycle import place_among
from yuheng.scheduling.batch.roster import Group, JobState, Roster
from yuheng.scheduling.batch.tree import Tree
from yuheng.scheduling.compile import Holding, device_milli
from yuheng.scheduling.cycle import place
from yuheng.scheduling.departures import Residents, revert
from yuheng.scheduling.engine import Engine, devices_of
from yuheng.scheduling.hands import Hands

__all__ = ["Moves", "Placed"]


class Placed(NamedTuple):
    """Pods of a group that were placed, the next ones in its order."""

    job: JobState
    group: Group
    pods: list[int]
    nodes: NDArray[np.int32]
    devices: NDArray[np.int64]


class _Noted(NamedTuple):
    """Something else that changed, and how it is taken back."""

    undo: Callable[[], None]


class _Gone(NamedTuple):
    """Running pods that left: evicted, or ended in a forecast."""

    pods: list[int]
    ended: bool


class Moves:
    """Places, evicts, undoes; keeps nodes, queues and jobs in step.

    Attributes:
        hands: the classes in hand.
        version: changes with every change of the state, and returns with it: equal versions mean equal states.
        evicted: the running pods that left, in order.
    """

    def __init__(self, engine: Engine, roster: Roster, tree: Tree, hands: Hands | None = None) -> None:
        self.engine = engine
        self.roster = roster
        self.tree = tree
        self.version = 0
        self.evicted: list[int] = []
        self._versions = 0
        self._journal: list[tuple[int, Placed | _Gone | _Noted]] = []
        self.hands = Hands(engine) if hands is None else hands
        waiting = [engine.classes.all[number].kind for number in engine.class_of]
        kinds = np.concatenate([engine.placed_before[1], waiting]).astype(np.int32)
        requests = roster.rows[roster.spec_of, :-1]
        self._residents = Residents(engine, roster.pods, roster.node_of.copy(), kinds, requests)
        self._in_job = np.array([state.is_batch for state in roster.jobs], dtype=np.bool_)[roster.job_of]
        if hands is None and engine.cluster.batch_used.shape[0]:
            mine = np.flatnonzero(self._in_job & (roster.node_of >= 0))
            np.add.at(engine.cluster.batch_used, roster.node_of[mine], roster.rows[roster.spec_of[mine], :-1])

    def place(
        self,
        job: JobState,
        group: Group,
        count: int,
        nodes: NDArray[np.int32] | None = None,
        bonus: NDArray[np.int64] | None = None,
    ) -> int:
        """Place the next pods of a group, as far as they fit.

        Args:
            job: their job.
            group: the group.
            count: how many, no more than are left.
            nodes: the only nodes that may be used; None for all.
            bonus: (nodes,) what is added to their scores.

        Returns:
            How many were placed.
        """
        self.hands.make_room(count)
        hand, cluster = self.hands.hand(group.number), self.engine.cluster
        first = int(cluster.log_size[0])
        if nodes is None:
            rows = np.full(count, hand.row, dtype=np.int32)
            placed = place(cluster, hand.window, hand.counters, self.engine.rules, rows, 0)
        else:
            extra = np.zeros(len(nodes), dtype=np.int64) if bonus is None else bonus
            placed = place_among(cluster, hand.window, hand.counters, self.engine.rules, hand.row, count, nodes, extra)
        if placed:
            self._note(job, group, placed, first)
        return placed

    def _note(self, job: JobState, group: Group, placed: int, first: int) -> None:
        cluster = self.engine.cluster
        lines = slice(first, first + placed)
        pods = group.pods[group.next : group.next + placed]
        step = Placed(job, group, pods, cluster.log_node[lines].copy(), cluster.log_devices[lines].copy())
        self.roster.node_of[pods] = step.nodes
        self._residents.homes[pods] = step.nodes
        if self.roster.pods[pods[0]].spec.devices.count:
            self._hold(step)
        group.next += placed
        job.count(group.task, placed)
        self.tree.add(job.index, job.queue, group.row, placed)
        self._push(step)

    def evict(self, pods: Sequence[int], *, ended: bool = False) -> None:
        """Take running pods off their nodes.

        Args:
            pods: their numbers.
            ended: they ended by themselves: their job counts them as done, and asks for them no more.
        """
        if not pods:
            return
        self.hands.make_room(len(pods))
        self._leave(pods, ended=ended, sign=-1)
        self._push(_Gone(list(pods), ended))

    def _leave(self, pods: Sequence[int], *, ended: bool, sign: int) -> None:
        """Take running pods off their nodes (sign -1), or put them back (1)."""
        roster = self.roster
        leaving = np.array(pods, dtype=np.int64)
        self._residents.shift(leaving, sign, self._in_job[leaving])
        for i in pods:
            state = roster.jobs[roster.job_of[i]]
            self.tree.add(state.index, state.queue, roster.row(i), sign)
            if ended:
                for q in self.tree.path[state.queue]:
                    self.tree.request[q] += sign * roster.row(i)
            elif not roster.pods[i].terminating:
                state.count(roster.pods[i].task, sign)
            if sign < 0:
                roster.node_of[i] = -1
                self.evicted.append(i)
            else:
                roster.node_of[i] = self._residents.homes[i]
                self.evicted.pop()

    def _hold(self, step: Placed) -> None:
        """Note the devices of pods that were placed, so that a forecast can see them end."""
        cluster, spec = self.engine.cluster, self.roster.pods[step.pods[0]].spec
        share = spec.devices.is_share()
        milli = device_milli(spec)
        for pod, n, words in zip(step.pods, step.nodes.tolist(), step.devices.tolist(), strict=True):
            memory = spec.devices.memory if share else int(cluster.device_size[n])
            parts = tuple((d, milli, memory) for d in devices_of(words))
            self._residents.holdings[pod] = Holding(n, 0 if share else spec.devices.count, parts)

    def note(self, undo: Callable[[], None]) -> None:
        """Remember a change of something else, to be taken back with the others."""
        self._push(_Noted(undo))

    def _push(self, step: Placed | _Gone | _Noted) -> None:
        self._journal.append((self.version, step))
        self._versions += 1
        self.version = self._versions

    def mark(self) -> int:
        """A point to return to."""
        return len(self._journal)

    def evicted_since(self, mark: int) -> list[int]:
        """The running pods that left since a mark."""
        return [pod for _, step in self._journal[mark:] if isinstance(step, _Gone) for pod in step.pods]

    def placed_since(self, mark: int) -> list[Placed]:
        """The pods that were placed since a mark, step by step."""
        return [step for _, step in self._journal[mark:] if isinstance(step, Placed)]

    def undo(self, mark: int) -> None:
        """Take back everything since a mark."""
        while len(self._journal) > mark:
            self.version, step = self._journal.pop()
            if isinstance(step, Placed):
                self._unplace(step)
            elif isinstance(step, _Noted):
                step.undo()
            else:
                self.hands.make_room(len(step.pods))
                self._leave(step.pods[::-1], ended=step.ended, sign=1)

    def _unplace(self, step: Placed) -> None:
        count = len(step.pods)
        self.hands.make_room(count)
        hand = self.hands.hand(step.group.number)
        rows = np.full(count, hand.row, dtype=np.int32)
        revert(self.engine.cluster, hand.window, rows, step.nodes, step.devices)
        self.roster.node_of[step.pods] = -1
        step.group.next -= count
        step.job.count(step.group.task, -count)
        self.tree.add(step.job.index, step.job.queue, step.group.row, -count)

    def placements(self) -> list[tuple[Pod, int, NDArray[np.int64]]]:
        """Every pod that was placed and stayed, in order: the pod, its node, its devices as bits."""
        return [
            (self.roster.pods[pod], int(node), words)
            for _, step in self._journal
            if isinstance(step, Placed)
            for pod, node, words in zip(step.pods, step.nodes, step.devices, strict=True)
        ]
