"""Who may make way for whom: the rules of ``preempt`` (inside a queue) and ``reclaim`` (across queues).

A mask over all running pods says who could leave; what depends on those that left already (budgets, a gang's
minimum, what a queue deserves) is asked again for each victim, right before it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.scheduling.batch.roster import SYSTEM_CRITICAL, Group, JobState, sub_group_of

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["Rule", "Victims"]

Mask = NDArray[np.bool_]
Rule = Literal["preempt", "reclaim"]
# Shares that differ by less are equal (Volcano's shareDelta).
SHARE_DELTA: Final = 1e-6


class Victims:
    """The running pods that could make way for one job's pods, by one rule.

    Attributes:
        order: (running pods,) their numbers, those that leave first first: of the queue of lowest priority, then of the
            one furthest above its due, then of the job of lowest priority, the youngest, the last by name.
        anybody: whether there is any pod that may be evicted at all.
        place: (running pods,) the place of each in that order.
        by_node: (running pods,) their numbers by node, in that order on each.
    """

    def __init__(self, session: Session, rule: Rule) -> None:
        self._session = session
        self.rule = rule
        roster = session.roster
        count = roster.bound
        self._jobs = roster.job_of[:count]
        self._queues = np.array([state.queue for state in roster.jobs], dtype=np.int64)[self._jobs]
        self._job_priority = np.array([state.priority for state in roster.jobs], dtype=np.int64)[self._jobs]
        self._movable = np.array([self.is_movable(i) for i in range(count)], dtype=np.bool_)
        self.anybody = bool(self._movable.any())
        self._with_devices = np.array([pod.spec.devices.count > 0 for pod in roster.pods[:count]], dtype=np.bool_)
        self._budgets = session.budgets
        shares = np.array([session.tree.share(q) for q in range(len(session.tree.queues))])
        created = roster.created[:count]
        ranks = np.array([queue.priority for queue in session.tree.queues], dtype=np.int64)
        self._queue_priority = ranks[self._queues]
        keys = (-np.arange(count), -created, self._job_priority)
        self.order = np.lexsort((*keys, -shares[self._queues], self._queue_priority))
        self.place = np.empty(count, dtype=np.int64)
        self.place[self.order] = np.arange(count)
        homes = session.engine.placed_before[0]
        self.by_node = np.lexsort((self.place, homes))
        self._starts = np.searchsorted(homes[self.by_node], np.arange(len(session.engine.machines) + 1))

    def is_movable(self, i: int) -> bool:
        """Whether a pod may be evicted at all."""
        roster = self._session.roster
        pod, state = roster.pods[i], roster.jobs[roster.job_of[i]]
        willing = state.job.preemptable if pod.preemptable is None else pod.preemptable
        system = pod.namespace == "kube-system" or pod.priority >= SYSTEM_CRITICAL
        return willing is not False and not system and not pod.terminating

    def on_node(self, n: int) -> list[int]:
        """The pods that ran on a node before, those that leave first first."""
        found: list[int] = self.by_node[self._starts[n] : self._starts[n + 1]].tolist()
        return found

    def mask(self, state: JobState, group: Group) -> Mask:
        """(running pods,) who could make way for a pod of a group."""
        here = self._session.roster.node_of[: len(self._jobs)] >= 0
        mask: Mask = self._movable & here & (self._jobs != state.index) & self._helpful(group)
        if self.rule == "preempt":
            inside: Mask = mask & (self._queues == state.queue)
            return inside & self._weaker(state, group, inside) if inside.any() else inside
        across: Mask = mask & self._from_others(state, group)
        return across

    def _helpful(self, group: Group) -> Mask:
        """Who holds any of what is asked for: the others would leave for nothing."""
        roster = self._session.roster
        asked = np.flatnonzero(group.row[:-1])
        devices = roster.pods[group.pods[0]].spec.devices.count > 0
        if not len(asked) and not devices:
            return np.ones(len(self._jobs), dtype=np.bool_)
        holds: Mask = np.asarray((roster.rows[:, asked] > 0).any(axis=1))[roster.spec_of[: len(self._jobs)]]
        found: Mask = np.asarray(holds | self._with_devices if devices else holds)
        return found

    def _weaker(self, state: JobState, group: Group, inside: Mask) -> Mask:
        """Inside a queue: the first tier whose plugins leave anybody decides; nobody of higher priority ever."""
        batch = self._session.settings.batch
        never: Mask = self._job_priority > state.priority
        if self._session.tree.queues[state.queue].preempts == "Never":
            return np.zeros_like(never)
        judges = {"priority": self._by_priority, "drf": self._by_share, "tdm": self._by_zone}
        asked = False
        for tier in batch.tiers:
            speaking = [plugin.name for plugin in tier if plugin.name in judges and "preemptable" not in plugin.off]
            found = np.ones_like(never)
            for name in speaking:
                found &= judges[name](state, group)
            found &= ~never
            asked |= bool(speaking)
            if speaking and (found & inside).any():
                return found
        return np.zeros_like(never) if asked else self._by_priority(state, group)

    def _by_priority(self, state: JobState, _group: Group) -> Mask:
        found: Mask = self._job_priority < state.priority
        return found

    def _by_share(self, state: JobState, group: Group) -> Mask:
        """DRF: the claimant's share with the pod stays below the victim's share without its own."""
        tree, roster = self._session.tree, self._session.roster
        mine = tree.dominant_share(tree.job_allocated[state.index] + group.row)
        left = tree.job_allocated[self._jobs] - roster.rows[roster.spec_of[: len(self._jobs)]]
        shared = tree.total > 0
        shared[-1] = False
        shares = (left[:, shared] / tree.total[shared]).max(axis=1, initial=0.0)
        found: Mask = mine < shares - SHARE_DELTA
        return found

    def _by_zone(self, state: JobState, _group: Group) -> Mask:
        """tdm: work that gives way itself preempts nobody; the others may preempt such work, and no other."""
        if state.job.preemptable:
            return np.zeros(len(self._jobs), dtype=np.bool_)
        roster = self._session.roster
        return np.array([_gives_way(roster.jobs[j], roster.pods[i]) for i, j in enumerate(self._jobs.tolist())])

    def _from_others(self, state: JobState, group: Group) -> Mask:
        """Across queues: those of queues that have more than they deserve of something the pod asks for."""
        tree = self._session.tree
        claimant = tree.queues[state.queue]
        asked = group.row > 0
        eligible: Mask = np.asarray((tree.written & (tree.allocated > tree.deserved))[:, asked].any(axis=1))
        for q in np.flatnonzero(eligible).tolist():
            eligible[q] = self._queue_gives(q, state.queue, group)
        found: Mask = eligible[self._queues]
        if claimant.reclaims == "LowerPriority":
            found &= self._job_priority < state.priority
        return found if claimant.reclaims != "Never" else np.zeros_like(found)

    def may_claim(self, state: JobState, group: Group) -> bool:
        """Whether the claimant's own queue, with one more pod, stays within what it deserves."""
        return self.rule == "preempt" or self._within_due(state.queue, [state.queue], group)

    def _within_due(self, queue: int, path: Sequence[int], group: Group) -> bool:
        """Whether queues on the way up from one stay within their dues with one more pod.

        All that is written counts: a queue that claimed only what it deserves is never claimed from, so that no victim
        can take its place back in the same state.
        """
        tree = self._session.tree
        if not (tree.written[queue] & (group.row > 0)).any():
            return False
        for q in path:
            counts = tree.written[q] & (group.row > 0)
            if (tree.allocated[q] + group.row > tree.deserved[q])[counts].any():
                return False
        return True

    def _queue_gives(self, q: int, claimant: int, group: Group) -> bool:
        """Whether a queue, and each above it up to where both meet, has more than it deserves of what is asked for."""
        tree = self._session.tree
        if q == claimant or not tree.queues[q].reclaimable:
            return False
        if not self._within_due(claimant, self._below_meeting(claimant, q), group):
            return False
        for above in self._below_meeting(q, claimant):
            counts = tree.written[above] & (group.row > 0)
            if not (tree.allocated[above] > tree.deserved[above])[counts].any():
                return False
        return True

    def _below_meeting(self, q: int, other: int) -> list[int]:
        """The queues from one upwards that are not above the other, too."""
        shared = set(self._session.tree.path[other])
        return [above for above in self._session.tree.path[q] if above not in shared]

    def may_leave(self, i: int, state: JobState, group: Group, *, whole: bool) -> bool:
        """Whether a pod may still leave, after those that left already.

        Args:
            i: the pod.
            state: the claimant.
            group: the claimant's pods.
            whole: its whole job leaves with it.
        """
        roster = self._session.roster
        victim = roster.jobs[roster.job_of[i]]
        if not self._budgets.allow(i) or not (whole or self.is_surplus(i)):
            return False
        return self.rule == "preempt" or whole or self._queue_can_spare(i, victim, state, group)

    def within_budget(self, i: int) -> bool:
        """Whether every PodDisruptionBudget allows that a pod goes."""
        return self._budgets.allow(i)

    def is_surplus(self, i: int) -> bool:
        """Whether a pod's job has its minimum without it, or has no minimum to keep."""
        roster = self._session.roster
        victim = roster.jobs[roster.job_of[i]]
        if not victim.is_gang:
            return True
        if any(policy.minimum for policy in victim.job.sub_groups) and sub_group_of(victim.job, roster.pods[i]):
            # Its subgroup may be one of those that have to be whole.
            return False
        task = roster.pods[i].task
        spare = victim.ready.get(task, 0) > victim.minima.get(task, 0)
        return bool(spare and victim.total_ready > victim.need)

    def _queue_can_spare(self, i: int, victim: JobState, state: JobState, group: Group) -> bool:
        """Reclaim: the queue is above its due still, and keeps its guarantee without the pod."""
        return self._queue_gives(victim.queue, state.queue, group) and self.keeps_guarantee(
            victim.queue, state.queue, self._session.roster.row(i)
        )

    def keeps_guarantee(self, q: int, claimant: int, row: NDArray[np.int64]) -> bool:
        """Whether a queue and those above it keep what they are guaranteed when something leaves."""
        tree = self._session.tree
        return all(
            bool((tree.allocated[above] - row >= tree.guarantee[above])[row > 0].all())
            for above in self._below_meeting(q, claimant)
        )

    def gang_may_leave(self, gang: JobState, state: JobState, group: Group) -> bool:
        """Whether a whole job may leave: its queue is above its due, and keeps its guarantee without it."""
        if self.rule == "preempt":
            return True
        gone = self._session.tree.job_allocated[gang.index]
        return self._queue_gives(gang.queue, state.queue, group) and self.keeps_guarantee(gang.queue, state.queue, gone)

    def dearness(self, pods: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How dear each pod is: the priority of its queue, then that of its job."""
        return self._queue_priority[pods], self._job_priority[pods]

    def spend(self, pods: Sequence[int]) -> None:
        """Count evictions against budgets (negative when taken back)."""
        self._budgets.spend(pods, 1)

    def refund(self, pods: Sequence[int]) -> None:
        """Take evictions back from budgets."""
        self._budgets.spend(pods, -1)

    def gangs(self, mask: Mask) -> list[JobState]:
        """Jobs that could leave whole: those whose every running pod is among the victims, the cheapest first."""
        roster = self._session.roster
        inside = np.bincount(self._jobs[mask], minlength=len(roster.jobs))
        found = []
        for j in np.flatnonzero(inside).tolist():
            state = roster.jobs[j]
            here = [i for i in state.running if roster.node_of[i] >= 0]
            grows = any(group.next for group in state.groups)
            if state.is_gang and inside[j] == len(here) and not grows:
                found.append((state.priority, len(here), -state.job.created, -state.index, state))
        return [item[-1] for item in sorted(found, key=lambda item: item[:-1])]


def _gives_way(state: JobState, pod: Pod) -> bool:
    """Whether a pod, or its job, says that it may be preempted."""
    return bool(state.job.preemptable if pod.preemptable is None else pod.preemptable)
