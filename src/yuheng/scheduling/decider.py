"""The live engine: told what changes, asked who goes where, turn after turn.

It holds no clock and reads nothing: what it answers follows from what it was told, and in which order. So a record of
that reproduces every decision. Pod by pod it keeps a `Ledger`; where queues decide whose turn it is, each turn is a
plan of the state as it is by then, the very code that ``yuheng plan`` runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Came, Change, Closed, Decisions, Gang, Guarded, Lacking, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.plan import Placement, Plan
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.ledger import Ledger
from yuheng.scheduling.planner import chosen_policy, decides_by_queue, plan
from yuheng.scheduling.preemption import nominate

__all__ = ["Decider", "warm"]

_EMPTY: Final = Snapshot()


class Decider:
    """Decides on a live cluster.

    Attributes:
        by_queue: whether queues decide; then it is told the whole state before every turn.
    """

    def __init__(self, policy: str | Policy | None = None, seed: int = 0) -> None:
        """Begin with an empty cluster.

        Args:
            policy: a preset's name, or a policy; None for kube-scheduler's defaults, and Volcano's where there are
                queues.
            seed: of everything random.

        Raises:
            NotFoundError: there is no preset of that name.
        """
        self._asked = policy
        self._seed = seed
        self._snapshot = _EMPTY
        self._budgets = _EMPTY.budgets
        self._ledger = Ledger(_EMPTY, chosen_policy(_EMPTY, policy, seed), seed)
        self.by_queue = False
        self._compiled = 0

    @property
    def crowded(self) -> bool:
        """Whether the cluster had better be compiled anew, to forget pods that are long gone."""
        return self._ledger.crowded

    def tells(self, pod: Pod) -> bool:
        """Whether a pod can be told without compiling the cluster anew."""
        return self.by_queue or self._ledger.tells(pod)

    def take(self, changes: Iterable[Change]) -> None:
        """Take in what changed.

        Args:
            changes: in the order they came. Pods that came are such as `tells` is true of; those on nodes that are
                not known are passed over, for those nodes are about to come.

        Raises:
            InputError: the state contradicts itself.
        """
        for change in changes:
            match change:
                case Came(pod):
                    self._came(pod)
                case Went(key):
                    if not self.by_queue:
                        self._ledger.leave(key)
                case Closed(nodes):
                    if not self.by_queue:
                        self._ledger.close(nodes)
                case Guarded(budgets):
                    self._budgets = budgets
                case Renewed(snapshot):
                    self._renew(snapshot)

    def _came(self, pod: Pod) -> None:
        if self.by_queue or pod.node not in self._ledger.engine.machines.index:
            return
        if self._ledger.node_of(pod.key) == pod.node:
            self._ledger.renew(pod)
            return
        self._ledger.leave(pod.key)
        self._ledger.seat(pod)

    def _renew(self, snapshot: Snapshot) -> None:
        policy = chosen_policy(snapshot, self._asked, self._seed)
        self.by_queue = decides_by_queue(snapshot, policy)
        self._snapshot, self._budgets = snapshot, snapshot.budgets
        if not self.by_queue:
            self._ledger = Ledger(snapshot, policy, self._seed)
            self._compiled += 1

    def turn(self, told: Iterable[Change], pods: Sequence[Pod], asked: Asked) -> Decisions:
        """Take in what changed, and give pods their turn: what runs live, and what replays a record.

        Args:
            told: as for `take`.
            pods: as for `decide`; without any, nothing is decided but by queues.
            asked: what else `decide` is asked.

        Raises:
            InputError: the state contradicts itself.
        """
        self.take(told)
        if not pods and not self.by_queue:
            return Decisions()
        return self.decide(pods, asked.nominated, asked.time, may_evict=asked.may_evict)

    def decide(
        self, pods: Sequence[Pod], nominated: Mapping[str, str] = {}, now: float = 0.0, *, may_evict: bool = True
    ) -> Decisions:
        """Give pods their turn.

        Args:
            pods: those that wait, in the order of their turns, none with gates. Where queues decide, the state that
                was told last has them, and this is not looked at.
            nominated: the nodes that were cleared for some of them, by ``namespace/name``.
            now: what time it is, in seconds since the epoch.
            may_evict: whether running pods may be asked to go.

        Raises:
            InputError: the state contradicts itself, such as a job whose queue is not there.
        """
        if self.by_queue:
            found = plan(self._snapshot, self._asked, self._seed, now=now)
            return _told(found, self._snapshot, may_evict=may_evict)
        return self._decided(pods, nominated, may_evict=may_evict)

    def _decided(self, pods: Sequence[Pod], nominated: Mapping[str, str], *, may_evict: bool) -> Decisions:
        verdicts, room, later = nominate(self._ledger, pods, nominated, self._budgets, may_evict=may_evict)
        placed = tuple(Placement(one.pod.key, one.node, one.devices) for one in verdicts if one.node)
        lacking = tuple(Lacking(one.pod.key, one.message, one.reasons) for one in verdicts if not one.node)
        return Decisions(placed, lacking, room, later=later)

    def alike(self, pod: Pod) -> tuple[int, ...]:
        """What a pod that was decided on has in common with those that find no room when it finds none.

        Such pods are of one class, and others have to go for them alike, in a cluster as it was compiled last. Where
        queues decide, all are looked at together.
        """
        return () if self.by_queue else (self._compiled, self._ledger.number(pod), pod.priority, pod.preempts)

    def gangs(self) -> list[Gang]:
        """The jobs of the state that was told last that start with more than one pod."""
        members: dict[str, list[str]] = {}
        for pod in self._snapshot.pods:
            if pod.job:
                members.setdefault(pod.job, []).append(pod.key)
        return [
            Gang(job.key, job.min_available - job.succeeded, tuple(members.get(job.key, ())))
            for job in self._snapshot.jobs
            if job.min_available > 1
        ]


def _told(found: Plan, snapshot: Snapshot, *, may_evict: bool) -> Decisions:
    """A plan as the decisions of a turn: what rests on room that others have to leave first is only nominated."""
    leaving = {eviction.node for eviction in found.evictions}
    job_of = {pod.key: pod.job or pod.key for pod in snapshot.pods}
    held = {job_of[one.pod] for one in found.placements if one.node in leaving}
    later = {one.pod: one.node for one in found.placements if job_of[one.pod] in held}
    waiting = {job.key for job in snapshot.jobs if not job.admitted}
    return Decisions(
        placements=tuple(one for one in found.placements if one.pod not in later),
        lacking=tuple(Lacking(one.pod, one.message, one.reasons) for one in found.unschedulable),
        evictions=found.evictions if may_evict else (),
        nominated=later if may_evict else {},
        admitted=tuple(one.job for one in found.jobs if one.state != "waiting" and one.job in waiting),
    )


def warm() -> None:
    """Have the kernels compiled, or read from their cache, before anybody waits for a decision."""
    pods = tuple(Pod(name=name, spec=PodSpec(requests={"cpu": 1000})) for name in ("first", "second"))
    node = Node(name="node", allocatable={"cpu": 1000, "pods": 2})
    decider = Decider()
    decider.take([Renewed(Snapshot(nodes=(node,), pods=pods))])
    decider.decide(pods)
    decider.take([Went(pods[0].key), Came(msgspec.structs.replace(pods[1], node="node"))])
    decider.decide(pods[:1])
