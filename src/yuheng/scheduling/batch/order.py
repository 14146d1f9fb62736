"""Whose turn it is: queues by priority and share, down the tree; within a queue, jobs as the plugins order them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.roster import JobState, Roster
from yuheng.scheduling.batch.settings import Settings
from yuheng.scheduling.batch.tree import LEAST_WEIGHT, Tree

__all__ = ["Key", "Line", "Order"]

T = TypeVar("T")
Key = tuple[object, ...]


class Order:
    """The order of jobs within a queue, and of queues below one queue."""

    def __init__(self, roster: Roster, tree: Tree, settings: Settings) -> None:
        self._roster = roster
        self._tree = tree
        self._settings = settings
        self._by_demand = settings.batch.has("drf")
        self.hierarchy = HierarchicalShares(roster, tree) if settings.hdrf else None

    def waiting_time(self, state: JobState) -> float | None:
        """How long a job may wait, in seconds; None when nobody says."""
        if "sla" not in self._settings.job_order and not self._settings.batch.has("sla"):
            return None
        return self._settings.waiting_time if state.job.waiting_time is None else state.job.waiting_time

    def is_overdue(self, state: JobState) -> bool:
        """Whether a job waited longer than it may (SLA)."""
        waiting_time = self.waiting_time(state)
        return waiting_time is not None and self._roster.now - state.job.created >= waiting_time

    def job_key(self, state: JobState) -> Key:
        """Sorts jobs of one queue: those past their waiting time, then as the plugins say, then by age and name."""
        overdue = self.is_overdue(state) and not state.is_ready()
        parts = (self._job_part(plugin, state) for plugin in self._settings.job_order)
        return (not overdue, *parts, state.job.created, state.key)

    def _job_part(self, plugin: str, state: JobState) -> object:
        if plugin == "priority":
            return -state.priority
        if plugin == "gang":
            return state.is_ready()
        if plugin == "drf":
            held = self._tree.job_allocated[state.index]
            return self._tree.dominant_share(held) if held.any() else 0.0
        if plugin == "tdm":
            return bool(state.job.preemptable)
        waiting_time = self.waiting_time(state)
        return float("inf") if waiting_time is None else state.job.created + waiting_time

    def regroup(self) -> None:
        """Work hierarchical shares out anew, after jobs changed their queues."""
        if self.hierarchy is not None:
            self.hierarchy = HierarchicalShares(self._roster, self._tree)

    def queue_key(self, q: int) -> Key:
        """Sorts the queues below one queue: by priority, then by share, then by age and name."""
        queue = self._tree.queues[q]
        parts: list[object] = []
        # Of queues that have the same share, nothing say, the one that asks for less goes first (DRF).
        asked = self._tree.asked_share(q) if self._by_demand else 0.0
        for plugin in self._settings.queue_order:
            if plugin == "drf" and self.hierarchy is not None:
                parts += self.hierarchy.key(q)
            else:
                parts += (-queue.priority, self._tree.share(q))
        return (*parts, asked, queue.created, queue.name)


class Line:
    """Jobs that wait for their turn: the best queue below the root, the best below that, its best job.

    A turn changes the shares of the served queue and of those above it, and no others: these are put back in line
    with their new keys. Keys that changed otherwise are noticed when their turn comes.
    """

    def __init__(self, tree: Tree, order: Order, jobs: Iterable[JobState]) -> None:
        self._tree = tree
        self._order = order
        self._jobs: dict[int, list[tuple[Key, int, JobState]]] = {}
        self._queues: dict[int, list[tuple[Key, int]]] = {}
        self._listed: set[int] = set()
        for state in jobs:
            self.push(state)

    def push(self, state: JobState) -> None:
        """Put a job in line."""
        heap = self._jobs.setdefault(state.queue, [])
        heapq.heappush(heap, (self._order.job_key(state), state.index, state))
        if self._order.hierarchy is not None:
            self._order.hierarchy.refresh(state.queue)
        for q in self._tree.path[state.queue][:-1]:
            if q not in self._listed:
                self._listed.add(q)
                heapq.heappush(self._queues.setdefault(self._tree.parent[q], []), (self._order.queue_key(q), q))

    def pop(self) -> JobState | None:
        """Take the next job out of line; None when none waits."""
        q = 0
        while True:
            own = self._jobs.get(q)
            if own:
                return heapq.heappop(own)[2]
            found = self._best_below(q)
            if found >= 0:
                q = found
            elif q == 0:
                return None
            else:
                # Nobody waits here any more.
                q = 0

    def _best_below(self, q: int) -> int:
        """Take the best queue below one out of line, if anybody waits in it, and put it back as it stands now."""
        heap = self._queues.get(q, [])
        while heap:
            key, best = heap[0]
            now = self._order.queue_key(best)
            if not self._waits(best):
                heapq.heappop(heap)
                self._listed.discard(best)
            elif now != key:
                heapq.heapreplace(heap, (now, best))
            else:
                return best
        return -1

    def _waits(self, q: int) -> bool:
        return bool(self._jobs.get(q)) or any(self._waits(child) for _, child in self._queues.get(q, []))

    def close(self, q: int) -> list[JobState]:
        """Take all jobs of a queue out of line; those that were in it."""
        return [state for _, _, state in self._jobs.pop(q, [])]


class HierarchicalShares:
    """Weighted dominant shares of queues (H-DRF: Bhattacharya et al., SoCC'13; Volcano's ``drf`` with hierarchy).

    A queue's usage is the sum of its children's, those that can still take something scaled down to the smallest share
    among them, so that a child that nobody else competes with does not make its parent look greedy.
    """

    def __init__(self, roster: Roster, tree: Tree) -> None:
        self._roster = roster
        self._tree = tree
        self._members: dict[int, list[JobState]] = {}
        for state in roster.jobs:
            self._members.setdefault(state.queue, []).append(state)
        count = len(tree.queues)
        self._usage = np.zeros((count, len(tree.names)))
        self._share = np.zeros(count)
        self._saturated = np.zeros(count, dtype=np.bool_)
        self._open = self._open_columns()
        self._all()

    def key(self, q: int) -> tuple[bool, float]:
        """Sorts queues: those that can take nothing last, then by weighted share."""
        return bool(self._saturated[q]), float(self._share[q]) / max(self._tree.queues[q].weight, LEAST_WEIGHT)

    def refresh(self, q: int) -> None:
        """Work a queue and those above it out anew."""
        still_open = self._open_columns()
        if (still_open != self._open).any():
            self._open = still_open
            self._all()
            return
        for above in self._tree.path[q]:
            self._update(above)

    def _open_columns(self) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = np.less(self._tree.allocated[0], self._tree.total)
        found[-1] = False
        return found

    def _all(self) -> None:
        for q in reversed(self._tree.order):
            self._update(q)

    def _update(self, q: int) -> None:
        usage, share, saturated = self._parts(q)
        some = share > 0
        rising = some & ~saturated
        least = float(share[rising].min(initial=1.0))
        scale = np.where(rising, np.divide(least, share, out=np.ones_like(share), where=some), 1.0)
        self._usage[q] = (usage[some] * scale[some, None]).sum(axis=0)
        self._saturated[q] = bool(saturated.all())
        self._share[q] = self._dominant(self._usage[q : q + 1])[0]

    def _parts(self, q: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Usage, share and saturation of what is directly below: queues and jobs."""
        below = self._tree.children[q]
        members = [state.index for state in self._members.get(q, ())]
        held = self._tree.job_allocated[members].astype(np.float64)
        asked = np.array([self._asked(j) for j in members], dtype=np.float64).reshape(held.shape)
        full = ((held > 0) & (asked > 0) & (held >= asked)) | (~self._open & (asked > 0))
        full[:, -1] = False
        usage = np.concatenate([self._usage[below], held])
        share = np.concatenate([self._share[below], self._dominant(held)])
        return usage, share, np.concatenate([self._saturated[below], full.any(axis=1)])

    def _asked(self, j: int) -> NDArray[np.int64]:
        state = self._roster.jobs[j]
        asked: NDArray[np.int64] = self._tree.job_allocated[j].copy()
        for group in state.groups:
            asked += group.row * group.left
        return asked

    def _dominant(self, usage: NDArray[np.float64]) -> NDArray[np.float64]:
        total = self._tree.total
        parts = np.divide(usage, total, out=np.zeros_like(usage), where=total > 0)
        parts[:, -1] = 0
        found: NDArray[np.float64] = parts.max(axis=1, initial=0.0)
        return found
