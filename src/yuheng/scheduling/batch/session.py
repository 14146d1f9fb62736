"""One batch cycle's state, and the attempt to start a job: all of its minimum, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.model.batch_plan import Eviction, Wait
from yuheng.model.cluster import Snapshot
from yuheng.model.job import TaskTopology
from yuheng.scheduling.batch.budgets import Budgets
from yuheng.scheduling.batch.group_limits import GroupLimits
from yuheng.scheduling.batch.holds import Hold
from yuheng.scheduling.batch.lending import Lender
from yuheng.scheduling.batch.moves import Moves
from yuheng.scheduling.batch.network import Network
from yuheng.scheduling.batch.order import Order
from yuheng.scheduling.batch.roster import Group, JobState, Roster
from yuheng.scheduling.batch.settings import Settings
from yuheng.scheduling.batch.together import Together
from yuheng.scheduling.batch.tree import NOBODY, Others, Tree
from yuheng.scheduling.engine import Engine
from yuheng.scheduling.hands import Hands

__all__ = ["Session"]

Nodes = NDArray[np.int32]
_NOWHERE = TaskTopology()


class Session:
    """Everything the actions work on.

    Attributes:
        snapshot, engine, settings, now: what was given; now in seconds since the epoch.
        is_configured: whether somebody chose the configuration, rather than nobody.
        roster, tree, moves, order: jobs, queues, changes, whose turn.
        network: the parts of the network.
        refused: why jobs were not let in, by job number.
        barred: jobs that no queue takes.
        evictions: who was evicted, for whom, by which rule.
        clock: the time that is decided for: now, or a moment of a forecast.
        hold: room kept for a waiting job; None while nobody has a reservation.
        lender: decides about loans while they are given; None otherwise.
        progress: called now and then with the pods placed so far and the pods to place.
        budgets: what PodDisruptionBudgets allow still.
        rename: told when a job changes its queue, so that its pods' nodes follow; None where no node depends on it.
        heads: waiting jobs that were asked when they could start.
        by_queue: the jobs of each queue.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        engine: Engine,
        settings: Settings,
        now: float,
        *,
        is_configured: bool,
        hands: Hands | None = None,
        others: Others = NOBODY,
    ) -> None:
        """Take a state in hand.

        Args:
            snapshot: the state.
            engine: the same, compiled.
            settings: what is on.
            now: in seconds since the epoch.
            is_configured: whether somebody chose the configuration, rather than nobody.
            hands: classes that are in hand already.
            others: pods that the snapshot leaves out, and that count in their queues.
        """
        self.snapshot = snapshot
        self.is_configured = is_configured
        self.engine = engine
        self.settings = settings
        self.now = self.clock = now
        self.roster = Roster(engine, snapshot, settings, now)
        self.tree = Tree(snapshot.queues, self.roster, settings, others)
        self.order = Order(self.roster, self.tree, settings)
        self.moves = Moves(engine, self.roster, self.tree, hands)
        self.network = Network(engine.machines, snapshot.hyper_nodes)
        self.together = Together(self.roster)
        self.group_limits = GroupLimits(self)
        self.refused: dict[int, list[Wait]] = {}
        self.evictions: list[Eviction] = []
        self.barred: set[int] = set()
        self.hold: Hold | None = None
        self.budgets = Budgets(snapshot.budgets, engine.bound)
        self.rename: Callable[[JobState, str], None] | None = None
        self.heads = 0
        self.lender: Lender | None = None
        self.progress: Callable[[int, int], None] | None = None
        self.by_queue: dict[int, list[JobState]] = {}
        for state in self.roster.jobs:
            self.by_queue.setdefault(state.queue, []).append(state)
        self._hopeless: dict[tuple[object, ...], int] = {}
        self._estimates: dict[int, float | None] = {}

    @property
    def lends(self) -> bool:
        """Whether idle capacity is lent beyond what queues deserve by weight: only where it can be reclaimed."""
        return self.settings.has("reclaim") and self.settings.share_policy == "proportion"

    def start(self, state: JobState) -> bool:
        """Place what a job needs to start: all of it, or nothing.

        Returns:
            Whether it is ready now.
        """
        key = self.likeness(state)
        if self._hopeless.get(key) == self.moves.version:
            return False
        mark = self.moves.mark()
        for nodes in self.network.candidates(self, state):
            self._fill_minimum(state, nodes)
            if self.is_ready(state):
                return True
            self.moves.undo(mark)
        self._hopeless[key] = self.moves.version
        return False

    def likeness(self, state: JobState) -> tuple[object, ...]:
        """Equal for jobs that would fare alike in the same state."""
        groups = tuple((group.number, group.task, group.left, group.sub_group) for group in state.groups)
        job = state.job
        special = job.topology or job.sub_groups or any(task.depends_on for task in job.tasks)
        own = state.index if state.total_ready or special or job.task_topology != _NOWHERE else -1
        estimate = self.estimate(state) if self.hold is not None else None
        serial = 0 if self.hold is None else self.hold.serial
        minima = tuple(state.minima.items())
        return groups, state.queue, state.need - state.total_ready, minima, own, estimate, serial, job.preemptable

    def forget(self) -> None:
        """Forget who was hopeless: the rules of the attempt changed."""
        self._hopeless.clear()

    def is_ready(self, state: JobState) -> bool:
        """Whether a job has its minimum: in all, of every task, and whole subgroups enough."""
        return state.is_ready() and not self.lacks_sub_groups(state)

    def lacks_sub_groups(self, state: JobState) -> int:
        """How many pods a job lacks for as many whole subgroups as it needs to start."""
        if not self.settings.gang or not any(policy.minimum for policy in state.job.sub_groups):
            return 0
        counts = self.roster.sub_group_counts(state)
        lacking = 0
        for number, policy in enumerate(state.job.sub_groups):
            sizes = [min(n, policy.size) for name, n in counts.items() if name is not None and name.policy == number]
            lacking += policy.minimum * policy.size - sum(sorted(sizes, reverse=True)[: policy.minimum])
        return lacking

    def lacking(self, state: JobState) -> int:
        """How many more pods a job needs to start, whole subgroups included."""
        return max(state.need - state.total_ready, self.lacks_sub_groups(state), 0)

    def blocked_tasks(self, state: JobState) -> set[str]:
        """Tasks whose pods have to wait for others of the job to run first (``dependsOn``).

        Where the minimum cannot be met without them they are placed at once, after those they depend on: the gang
        could never start otherwise.
        """
        if not any(task.depends_on for task in state.job.tasks):
            return set()
        running = {task.name: task.succeeded for task in state.job.tasks}
        for pod in state.running:
            name = self.roster.pods[pod].task
            running[name] = running.get(name, 0) + 1
        blocked = set()
        for task in state.job.tasks:
            met = [running.get(other, 0) >= max(state.minima.get(other, 0), 1) for other in task.depends_on]
            if met and not (any(met) if task.depends_on_any else all(met)):
                blocked.add(task.name)
        free = sum(group.left for group in state.groups if group.task not in blocked)
        needed = any(state.ready.get(name, 0) < state.minima.get(name, 0) for name in blocked)
        return set() if needed or state.total_ready + free < state.need else blocked

    def _fill_minimum(self, state: JobState, nodes: Nodes | None) -> None:
        """Place pods until the minimum is met: the tasks' own minima first, then whoever comes next."""
        blocked = self.blocked_tasks(state)
        groups = [group for group in state.groups if group.task not in blocked]
        if any(policy.minimum for policy in state.job.sub_groups):
            self._fill_sub_groups(state, groups, nodes)
        for group in groups:
            lacking = state.minima.get(group.task, 0) - state.ready.get(group.task, 0)
            if lacking > 0 and self.fill(state, group, lacking, nodes) < min(lacking, group.left):
                return
        for group in groups:
            lacking = state.need - state.total_ready
            if lacking <= 0:
                return
            if self._sub_group_size(state, group) > 1:
                self._complete(state, group, groups, nodes)
            else:
                self.fill(state, group, lacking, nodes)

    @staticmethod
    def _sub_group_size(state: JobState, group: Group) -> int:
        """How many pods make the group's subgroup whole; 0 when it is in none."""
        return 0 if group.sub_group is None else state.job.sub_groups[group.sub_group.policy].size

    def next_step(self, state: JobState, group: Group) -> int:
        """How many pods of a group a job that runs has to place at once: one, or what makes its subgroup whole."""
        size = self._sub_group_size(state, group)
        return max(size - self.roster.sub_group_counts(state).get(group.sub_group, 0), 1) if size > 1 else 1

    def _complete(self, state: JobState, group: Group, groups: Sequence[Group], nodes: Nodes | None) -> int:
        """Place what makes a group's subgroup whole, or, when it is whole already, one more of its pods."""
        members = [one for one in groups if one.sub_group == group.sub_group and one.left]
        if not members:
            return 0
        size = self._sub_group_size(state, group)
        have = self.roster.sub_group_counts(state).get(group.sub_group, 0)
        before = state.total_ready
        self._fill_sub_group(state, members, size if have < size else have + 1, nodes)
        return state.total_ready - before

    def _fill_sub_groups(self, state: JobState, groups: Sequence[Group], nodes: Nodes | None) -> None:
        """Place whole subgroups until every policy has enough of them; one that does not fit whole leaves nothing."""
        for number, policy in enumerate(state.job.sub_groups):
            names = dict.fromkeys(g.sub_group for g in groups if g.sub_group and g.sub_group.policy == number)
            whole = 0
            for name in names:
                if whole >= policy.minimum:
                    break
                members = [group for group in groups if group.sub_group == name]
                whole += self._fill_sub_group(state, members, policy.size, nodes)

    def _fill_sub_group(self, state: JobState, members: Sequence[Group], size: int, nodes: Nodes | None) -> bool:
        mark = self.moves.mark()
        lacking = size - self.roster.sub_group_counts(state).get(members[0].sub_group, 0)
        for part in self.network.sub_candidates(self, state, members, nodes):
            left = lacking
            for group in members:
                left -= self.fill(state, group, min(left, group.left), part) if left > 0 else 0
            if left <= 0:
                return True
            self.moves.undo(mark)
        return False

    def advance(self, state: JobState, most: int) -> int:
        """Place more pods of a job that has its minimum; how many."""
        blocked = self.blocked_tasks(state)
        placed = 0
        groups = [group for group in state.groups if group.task not in blocked]
        for group in groups:
            if group.left and placed < most:
                placed += self._add(state, group, groups, most - placed)
        return placed

    def _add(self, state: JobState, group: Group, groups: Sequence[Group], count: int) -> int:
        """Place pods of a group where the network allows them beside those that run; a subgroup only whole."""
        for nodes in self.network.candidates(self, state):
            if self._sub_group_size(state, group) > 1:
                placed = self._complete(state, group, groups, nodes)
            else:
                placed = self.fill(state, group, count, nodes)
            if placed:
                return placed
        return 0

    def fill(self, state: JobState, group: Group, wanted: int, nodes: Nodes | None) -> int:
        """Place pods of one group as far as quota, reservations and room allow.

        Args:
            state: the job.
            group: its group.
            wanted: how many.
            nodes: the only nodes that may be used; None for all.

        Returns:
            How many were placed.
        """
        wanted = min(wanted, group.left, self.quota(state, group))
        if wanted <= 0:
            return 0
        if self.lender is None:
            return self._fill_within_limits(state, group, wanted, nodes)
        return self._fill_as_loan(self.lender, state, group, wanted, nodes)

    def _fill_as_loan(self, lender: Lender, state: JobState, group: Group, wanted: int, nodes: Nodes | None) -> int:
        """Place pods beyond what their queue deserves, as far as that may be lent."""
        placed = 0
        while placed < wanted:
            count = min(lender.lends(state, group, wanted - placed), wanted - placed)
            done = self._fill_within_limits(state, group, count, nodes) if count else 0
            placed += done
            if done < max(count, 1):
                break
        return placed

    def _fill_within_limits(self, state: JobState, group: Group, wanted: int, nodes: Nodes | None) -> int:
        """Place pods; where the queue's use of node groups is limited, one by one on those it may use more of."""
        if not self.group_limits.concern(state):
            return self._fill_where_allowed(state, group, wanted, nodes)
        for placed in range(wanted):
            some = _among(self.group_limits.open_nodes(state, group), nodes)
            if not self._fill_where_allowed(state, group, 1, some):
                return placed
        return wanted

    def _fill_where_allowed(self, state: JobState, group: Group, wanted: int, nodes: Nodes | None) -> int:
        """Place pods on some nodes, beside what is kept for others, near to their job where that is asked for."""
        if self.hold is not None and not self.hold.lets_pass(self, state):
            return self._fill_beside(self.hold, state, group, wanted, nodes)
        if self.together.concerns(state, group) or self.network.is_soft(state):
            return self._fill_near(state, group, wanted, nodes)
        return self.moves.place(state, group, wanted, nodes)

    def quota(self, state: JobState, group: Group) -> int:
        """How many pods of a group the job's queues have room for."""
        return self.tree.room_for(state.queue, group.row)

    def _fill_near(self, state: JobState, group: Group, wanted: int, nodes: Nodes | None) -> int:
        """Place pods one by one, preferring nodes near to, or far from, those of their job."""
        some = self.every_node if nodes is None else nodes
        for placed in range(wanted):
            bonus = self.together.bonus(self, state, group)[some] + self.network.bonus(self, state)[some]
            if not self.moves.place(state, group, 1, some, bonus):
                return placed
        return wanted

    def _fill_beside(self, hold: Hold, state: JobState, group: Group, wanted: int, nodes: Nodes | None) -> int:
        """Place pods only where they take nothing of what is kept for another job."""
        for placed in range(wanted):
            some = _among(hold.free_nodes(group), nodes)
            if not hold.has_quota(self, state, group) or not self.moves.place(state, group, 1, some):
                return placed
            hold.take(self, state, group)
        return wanted

    @property
    def every_node(self) -> Nodes:
        """All nodes."""
        return np.arange(len(self.engine.machines), dtype=np.int32)

    def estimate(self, state: JobState) -> float | None:
        """How long a job that starts now runs, in seconds; None when a pod of it does not say."""
        if state.index not in self._estimates:
            told = [self.roster.pods[pod].estimate for group in state.groups for pod in group.pods]
            known = [estimate for estimate in told if estimate is not None]
            self._estimates[state.index] = max(known, default=0.0) if len(known) == len(told) else None
        return self._estimates[state.index]


def _among(some: Nodes, nodes: Nodes | None) -> Nodes:
    """Those of some nodes that are among others; None stands for all."""
    return some if nodes is None else np.intersect1d(some, nodes).astype(np.int32)
