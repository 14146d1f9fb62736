"""The queues as a tree of arrays: what each may use, deserves, uses and asks for.

Columns are the engine's resources, then the number of pods. What a queue uses counts for every queue above it.
Sources: Volcano's ``proportion`` and ``capacity`` plugins; Kueue's cohorts (see `yuheng.readers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.queue import DEFAULT_QUEUE, ROOT_QUEUE, Queue
from yuheng.scheduling.batch.filling import water_fill
from yuheng.scheduling.batch.roster import Roster
from yuheng.scheduling.batch.settings import Settings

__all__ = ["LEAST_WEIGHT", "NOBODY", "UNLIMITED", "Others", "Tree"]

Amounts = NDArray[np.int64]
# More than anything can be: far enough from 64 bits' end that sums of two stay below it.
UNLIMITED: Final = 2**61
# A queue of weight 0 (Kueue knows them) gets what nobody else wants.
LEAST_WEIGHT: Final = 1e-9


class Others(NamedTuple):
    """Pods that nobody looks at one by one.

    Attributes:
        held: by queue, (C,) what those that run hold.
        asked: by queue, (C,) what those that wait ask for.
    """

    held: Mapping[str, Amounts] = MappingProxyType({})
    asked: Mapping[str, Amounts] = MappingProxyType({})


NOBODY: Final = Others()


class Tree:
    """All queues; number 0 is the root of the tree.

    Attributes:
        queues: by number.
        parent: the number of the queue above; -1 for the root.
        children: by number.
        path: by number, the queue and all above it, the root last.
        names: of the columns.
        total: (C,) what the nodes offer.
        guarantee, capability: (Q, C) as written, those of inner queues at least what their children sum up to.
        quota: (Q, C) what it may not pass whatever the size of the cluster; ``UNLIMITED`` where only that limits it.
        real: (Q, C) the most a queue can get: its capability, and what is not guaranteed to others.
        deserved: (Q, C) what it may claim; ``UNLIMITED`` where nothing is said.
        written: (Q, C) whether its deserved amount says anything of a resource.
        entitled: (Q, C) its own part when everybody asks for everything: beyond it, it borrows.
        allocated: (Q, C) what its pods hold.
        request: (Q, C) what they hold and ask for.
        inqueue: (Q, C) what was promised to jobs that were let in, beyond what their pods hold.
        elastic: (Q, C) what its jobs hold beyond their minima.
        nominal: (Q, C) what is deserved as it is written; for inner queues at least what their children's sums up to.
        by_due: whether queues stay within what they deserve, or may use all that is not closed to them.
        job_allocated: (J, C) what each job's pods hold.
    """

    def __init__(
        self,
        queues: Sequence[Queue],
        roster: Roster,
        settings: Settings,
        others: Others = NOBODY,
    ) -> None:
        """Count what queues hold and ask for, and work out what they deserve.

        Args:
            queues: as they were written.
            roster: the jobs.
            settings: what is on.
            others: pods that are not in the roster, and count.
        """
        self.roster = roster
        self.settings = settings
        self.names = [*roster.engine.resources.names, "pods"]
        self.queues = _with_root(queues, {state.job.queue for state in roster.jobs}.union(others.held, others.asked))
        self.number = {queue.name: q for q, queue in enumerate(self.queues)}
        self._build()
        cluster = roster.engine.cluster
        there = cluster.absent == 0
        self.total: Amounts = np.append(cluster.allocatable[there].sum(axis=0), cluster.pod_limit[there].sum())
        self._limits()
        self._enlist()
        shape = (len(self.queues), len(self.names))
        self.allocated = np.zeros(shape, dtype=np.int64)
        self.request = np.zeros(shape, dtype=np.int64)
        self.inqueue = np.zeros(shape, dtype=np.int64)
        self.elastic = np.zeros(shape, dtype=np.int64)
        self.job_allocated = np.zeros((len(roster.jobs), len(self.names)), dtype=np.int64)
        self.by_due = settings.share_policy == "proportion"
        self._shares: dict[int, float] = {}
        self._asked: dict[int, float] = {}
        self.deserved: Amounts = self.real.copy()
        self.entitled: Amounts = np.full_like(self.real, UNLIMITED)
        self._count(others)
        self.deserve()

    def _build(self) -> None:
        flat = not self.settings.hierarchy
        parents = [-1 if q == 0 else 0 if flat else self._parent(queue) for q, queue in enumerate(self.queues)]
        self.parent = parents
        self.children: list[list[int]] = [[] for _ in parents]
        for q, above in enumerate(parents):
            if above >= 0:
                self.children[above].append(q)
        self.path = [self._path(q) for q in range(len(parents))]
        self.order = sorted(range(len(parents)), key=lambda q: len(self.path[q]))

    def _parent(self, queue: Queue) -> int:
        if queue.parent and queue.parent not in self.number:
            raise InputError(
                repr(queue.parent), "the name of a queue", subject=f"Queue {queue.name}", field="spec.parent"
            )
        return self.number[queue.parent or ROOT_QUEUE]

    def _path(self, q: int) -> list[int]:
        path = [q]
        while self.parent[path[-1]] >= 0:
            path.append(self.parent[path[-1]])
            if len(path) > len(self.parent):
                raise InputError("its own ancestor", "a tree", subject=f"Queue {self.queues[q].name}")
        return path

    def row(self, amounts: dict[str, int], missing: int) -> Amounts:
        """Amounts by resource name as a row; what is not named is ``missing``."""
        return np.array([amounts.get(name, missing) for name in self.names], dtype=np.int64)

    def _limits(self) -> None:
        self.guarantee = np.array([self.row(queue.guarantee, 0) for queue in self.queues])
        self.capability = np.array([self.row(queue.capability, UNLIMITED) for queue in self.queues])
        self.nominal = np.array([self.row(queue.deserved or {}, 0) for queue in self.queues])
        self.written = np.array([self._written(queue) for queue in self.queues])
        for q in reversed(self.order):
            below = self.children[q]
            if below:
                self.guarantee[q] = np.maximum(self.guarantee[q], self.guarantee[below].sum(axis=0))
                self._sum_up(q, below)
        # What no node offers is missed on the nodes; no queue is to blame.
        total = np.where(self.total > 0, self.total, UNLIMITED)
        self.real = self._top_down(total)
        self.quota = self._top_down(np.where(self.guarantee.any(axis=0), total, UNLIMITED))

    def _written(self, queue: Queue) -> NDArray[np.bool_]:
        return np.array([name in (queue.deserved or {}) for name in self.names])

    def _sum_up(self, q: int, below: list[int]) -> None:
        """An inner queue deserves what is written, or else what its children do; a cohort both together."""
        queue = self.queues[q]
        sums, anywhere = self.nominal[below].sum(axis=0), self.written[below].any(axis=0)
        if queue.kind == "Cohort":
            self.nominal[q] += sums
        else:
            self.nominal[q] = np.where(self.written[q], self.nominal[q], sums)
        self.written[q] |= anywhere
        if queue.kind == "Cohort" and self.parent[q] == 0:
            # What nobody in a cohort has a quota for, nobody in it can borrow.
            self.capability[q] = np.where(
                self.written[q], np.minimum(self.capability[q], self.nominal[q]), self.capability[q]
            )

    def _top_down(self, total: Amounts) -> Amounts:
        """(Q, C) limits: each queue's capability, and what its parent's limit leaves beside others' guarantees."""
        limits = np.zeros_like(self.capability)
        for q in self.order:
            above = self.parent[q]
            room = total
            if above >= 0:
                others = [sibling for sibling in self.children[above] if sibling != q]
                room = np.maximum(limits[above] - self.guarantee[others].sum(axis=0), 0)
            limits[q] = np.minimum(self.capability[q], room)
        return limits

    def _enlist(self) -> None:
        """Find every job's queue."""
        for state in self.roster.jobs:
            name = state.job.queue
            if name not in self.number:
                raise InputError(
                    repr(name), "the name of a queue of the input", subject=f"Job {state.key}", field="spec.queue"
                )
            state.queue = self.number[name]

    def _count(self, others: Others) -> None:
        roster = self.roster
        rows = roster.rows[roster.spec_of]
        running = roster.node_of >= 0
        np.add.at(self.job_allocated, roster.job_of[running], rows[running])
        asked = np.zeros_like(self.job_allocated)
        np.add.at(asked, roster.job_of, rows)
        queue_of = np.array([state.queue for state in roster.jobs], dtype=np.int64)
        np.add.at(self.allocated, queue_of, self.job_allocated)
        np.add.at(self.request, queue_of, asked)
        for name, held in others.held.items():
            self.allocated[self.number[name]] += held
            self.request[self.number[name]] += held
        for name, wanted in others.asked.items():
            self.request[self.number[name]] += wanted
        for q in reversed(self.order[1:]):
            self.allocated[self.parent[q]] += self.allocated[q]
            self.request[self.parent[q]] += self.request[q]

    def add(self, job: int, queue: int, row: Amounts, pods: int) -> None:
        """Count pods in (or, if negative, out)."""
        amount = row * pods
        self.job_allocated[job] += amount
        for q in self.path[queue]:
            self.allocated[q] += amount
            self._shares.pop(q, None)

    def deserve(self) -> None:
        """Work out what every queue deserves, from what is asked for now."""
        self._shares.clear()
        self._asked.clear()
        if self.settings.share_policy == "proportion":
            self._by_proportion()
            self.written = np.broadcast_to(self._shared_columns(), self.deserved.shape)
        elif self.settings.share_policy != "capacity":
            self.deserved = np.full_like(self.real, UNLIMITED)
            self.written = np.zeros_like(self.written)
        else:
            self.deserved = np.maximum(np.minimum(self.nominal, self.real), self.guarantee)
            self.deserved = np.where(self.written, self.deserved, self.guarantee)
            self.entitled = np.where(self.written, self.deserved, UNLIMITED)

    def _shared_columns(self) -> NDArray[np.bool_]:
        """What is shared out by weight: everything the nodes offer but places for pods."""
        shared: NDArray[np.bool_] = self.total > 0
        shared[-1] = False
        return shared

    def _by_proportion(self) -> None:
        shared = self._shared_columns()
        demand = np.minimum(self.request, self.real)
        for q in reversed(self.order):
            if self.children[q]:
                below = self.children[q]
                demand[q] = np.minimum(np.maximum(demand[below], self.guarantee[below]).sum(axis=0), self.real[q])
        self.deserved = np.full_like(self.real, UNLIMITED)
        self.entitled = np.full_like(self.real, UNLIMITED)
        self.deserved[0, shared] = self.total[shared]
        self.entitled[0, shared] = self.total[shared]
        for q in self.order:
            below = self.children[q]
            for column in np.flatnonzero(shared).tolist() if below else ():
                self.deserved[below, column] = self._fill(below, column, self.deserved[q, column], demand)
                self.entitled[below, column] = self._fill(below, column, self.entitled[q, column], self.real)

    def _fill(self, below: list[int], column: int, amount: int, ceilings: Amounts) -> Amounts:
        weights = np.maximum(np.array([self.queues[q].weight for q in below], dtype=np.float64), LEAST_WEIGHT)
        floors = self.guarantee[below, column].astype(np.float64)
        parts = water_fill(float(amount), weights, floors, ceilings[below, column].astype(np.float64))
        return np.floor(parts + 1e-6).astype(np.int64)

    def share(self, q: int) -> float:
        """The largest part of any resource it deserves that a queue has (1 where it deserves none of it)."""
        if q not in self._shares:
            self._shares[q] = self._share(q)
        return self._shares[q]

    def _share(self, q: int) -> float:
        deserved, allocated = self.deserved[q], self.allocated[q]
        counts = self.written[q] & (deserved < UNLIMITED)
        some = counts & (deserved > 0)
        parts = allocated[some] / deserved[some]
        nothing_due = counts & (deserved == 0) & (allocated > 0)
        return max(float(parts.max(initial=0.0)), float(nothing_due.any()))

    def dominant_share(self, amounts: Amounts) -> float:
        """The largest part of any resource of the cluster."""
        shared = self._shared_columns()
        parts = amounts[shared] / self.total[shared]
        return float(parts.max(initial=0.0))

    def asked_share(self, q: int) -> float:
        """The largest part of any resource of the cluster that a queue's pods hold and ask for."""
        if q not in self._asked:
            self._asked[q] = self.dominant_share(self.request[q])
        return self._asked[q]

    def is_overused(self, q: int) -> bool:
        """Whether a queue has all it deserves (proportion): its jobs wait."""
        if self.settings.share_policy != "proportion" or not self.by_due:
            return False
        counts = self.written[q]
        return bool((self.deserved[q][counts] <= self.allocated[q][counts]).all())

    def limit(self, q: int) -> Amounts:
        """(C,) the most a queue may hold at the moment: what it deserves, or all it can get."""
        if not self.settings.share_policy:
            return np.full_like(self.total, UNLIMITED)
        limit: Amounts = self.real[q]
        if self.by_due:
            limit = np.where(self.written[q], np.minimum(self.deserved[q], limit), limit)
        return limit

    def room_for(self, q: int, row: Amounts) -> int:
        """How many more pods a queue and those above it may hold."""
        asked = np.flatnonzero(row)
        fewest = UNLIMITED
        for above in self.path[q]:
            limit = self.limit(above)[asked]
            free = limit - self.allocated[above][asked]
            # Who may use all there is is held by the nodes, not by a quota.
            counts = np.where(limit < self.total[asked], free // row[asked], UNLIMITED)
            fewest = min(fewest, max(int(counts.min(initial=UNLIMITED)), 0))
        return fewest

    def borrowed(self, q: int) -> Amounts:
        """(C,) what a queue holds beyond its own entitlement."""
        found: Amounts = np.maximum(self.allocated[q] - self.entitled[q], 0)
        return found


def _with_root(queues: Sequence[Queue], used: set[str]) -> list[Queue]:
    """All queues with the root first; the default queue is one of them if it was written, or anybody is in it."""
    root = next((queue for queue in queues if queue.name == ROOT_QUEUE), Queue(name=ROOT_QUEUE))
    assumed = Queue(name=DEFAULT_QUEUE)
    others = [queue for queue in queues if queue.name != ROOT_QUEUE and (queue != assumed or DEFAULT_QUEUE in used)]
    if DEFAULT_QUEUE in used and all(queue.name != DEFAULT_QUEUE for queue in queues):
        others.append(assumed)
    return [root, *sorted(others, key=lambda queue: queue.name)]
