"""From the state after a cycle to what is told: jobs, queues, pods that stay pending."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.model.batch_plan import JobCounts, JobReport, QueueReport, QueueTree, Wait, iso_time
from yuheng.model.batch_plan import JobState as Phase
from yuheng.model.plan import Refusal
from yuheng.scheduling.batch.forecast import forecast
from yuheng.scheduling.batch.order import Line
from yuheng.scheduling.batch.reasons import Reasons
from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.tree import UNLIMITED
from yuheng.scheduling.explain import closest, reasons, sentence

__all__ = ["Report", "phase_of", "queue_tree"]


def phase_of(session: Session, state: JobState) -> Phase:
    """Whether a job runs, is let in, or waits."""
    if session.is_ready(state) and state.total_ready > 0:
        return "running"
    return "admitted" if state.admitted else "waiting"


class Report:
    """What is told of the jobs after a plan."""

    def __init__(self, session: Session) -> None:
        self._session = session
        session.roster.readmit(i for i in session.moves.evicted if i < session.roster.bound)
        self._reasons = Reasons(session)
        explicit = len(session.snapshot.jobs)
        waiting = [
            state
            for state in session.roster.jobs
            if state.pending or state.gated or (state.index < explicit and not session.is_ready(state))
        ]
        self._waiting = _in_order(session, waiting)
        starting = [state for state in self._waiting if state.pending and not session.is_ready(state)]
        self._starts = forecast(session, starting)
        self._rooms: dict[tuple[int, int], Refusal] = {}
        self._by_class: dict[int, Refusal] = {}

    def jobs(self) -> tuple[JobReport, ...]:
        """The jobs: those that have all they need by name, then those that wait in their order.

        Pods that belong to no job are told of only when the plan had to decide about them.
        """
        session = self._session
        touched = {int(session.roster.job_of[i]) for i in session.moves.evicted}
        places = {state.index: place for place, state in enumerate(self._waiting, 1)}
        told = [
            state
            for state in session.roster.jobs
            if state.index < len(session.snapshot.jobs) or state.groups or state.gated or state.index in touched
        ]
        ordered = sorted(told, key=lambda state: (places.get(state.index, 0), state.key))
        return tuple(self._job(state, places.get(state.index, 0)) for state in ordered)

    def job(self, key: str) -> JobReport:
        """One job, by its key."""
        state = self._session.roster.jobs[self._session.roster.number[key]]
        places = {one.index: place for place, one in enumerate(self._waiting, 1)}
        return self._job(state, places.get(state.index, 0))

    def _job(self, state: JobState, place: int) -> JobReport:
        session = self._session
        start = self._starts.get(state.index)
        on_nodes = sum(1 for _ in session.roster.pods_on_nodes(state))
        return JobReport(
            job=state.key,
            queue=session.tree.queues[state.queue].name,
            state=phase_of(session, state),
            ready=state.total_ready,
            min_available=state.need,
            pods=on_nodes + state.pending + state.gated + state.job.succeeded,
            waiting_for=self._reasons.waits(state) if place else (),
            place=place,
            earliest_start=start if session.snapshot.time is not None or start is None else None,
            starts_in=None if start is None else round(start - session.now, 3),
        )

    def refusals(self) -> list[Refusal]:
        """The pods that stay pending, in the order of their jobs."""
        return [
            self._refusal(state, group, pod)
            for state in self._waiting
            for group in state.groups
            for pod in ([] if group.evicted else group.pods[group.next :])
        ]

    def _refusal(self, state: JobState, group: Group, pod: int) -> Refusal:
        key = (state.index, group.number)
        if key not in self._rooms:
            self._rooms[key] = self._told(state, group)
        told = self._rooms[key]
        return Refusal(self._session.roster.pods[pod].key, told.message, told.reasons, told.closest, told.hint)

    def _told(self, state: JobState, group: Group) -> Refusal:
        """Why a pod of a group waits: the nodes' own words when there is no room, and what holds its job."""
        waits = self._reasons.waits(state)
        nodes = self._nodes(group)
        parts = [wait.message for wait in waits if wait.kind != "resources" or not nodes.message]
        if nodes.message:
            parts.insert(0, nodes.message)
        message = "; ".join(dict.fromkeys(part.rstrip(".") for part in parts)) + "."
        return Refusal("", message, nodes.reasons, nodes.closest, self._hint(state, waits))

    def _nodes(self, group: Group) -> Refusal:
        """What the nodes say to one more pod of a class; nothing where one would take it."""
        if group.number not in self._by_class:
            session = self._session
            hand = session.moves.hands.hand(group.number)
            told = Refusal("", "")
            if not session.engine.rate(hand):
                record = session.engine.record(hand)
                found = reasons(session.engine, hand, record)
                text = sentence(len(session.engine.machines), found)
                told = Refusal("", text, found, closest(session.engine, hand, record))
            self._by_class[group.number] = told
        return self._by_class[group.number]

    def _hint(self, state: JobState, waits: Sequence[Wait]) -> str:
        start = self._starts.get(state.index)
        if start is not None:
            when = f"at {iso_time(start)}" if self._session.snapshot.time is not None else f"in {_span(start)}"
            return f"wait: job {state.key} starts {when} if nothing new arrives"
        if [wait.kind for wait in waits if wait.kind != "gang"] == ["quota"]:
            return "room is there: raise what its queue may hold"
        return ""


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if n) or "0s"


def _in_order(session: Session, waiting: Sequence[JobState]) -> list[JobState]:
    """Jobs in the order in which their turns come."""
    line = Line(session.tree, session.order, waiting)
    ordered = []
    while (state := line.pop()) is not None:
        ordered.append(state)
    return ordered


def queue_tree(session: Session, warnings: Sequence[str] = ()) -> QueueTree:
    """All queues as they stand, parents before their children."""
    tree = session.tree
    counts = _counts(session)
    shown = [q for q in _depth_first(session) if q or _is_real_root(session)]
    return QueueTree(
        queues=tuple(_queue(session, q, counts[q]) for q in shown),
        total=_amounts(session, tree.total),
        policy=session.settings.share_policy or "none",
        warnings=tuple(warnings),
    )


def _is_real_root(session: Session) -> bool:
    """Whether the root was in the input: otherwise it is only where the tree hangs."""
    return any(queue.name == session.tree.queues[0].name for queue in session.snapshot.queues)


def _depth_first(session: Session) -> list[int]:
    found: list[int] = []
    stack = [0]
    while stack:
        q = stack.pop()
        found.append(q)
        stack += reversed(session.tree.children[q])
    return found


def _counts(session: Session) -> list[JobCounts]:
    tree = session.tree
    sums = np.zeros((len(tree.queues), 3), dtype=np.int64)
    column = {"running": 0, "admitted": 1, "waiting": 2}
    for state in session.roster.jobs:
        if state.running or state.pending or state.gated:
            sums[tree.path[state.queue], column[phase_of(session, state)]] += 1
    return [JobCounts(*(int(n) for n in row)) for row in sums]


def _queue(session: Session, q: int, counts: JobCounts) -> QueueReport:
    tree = session.tree
    queue = tree.queues[q]
    dominant = tree.dominant_share(tree.request[q])
    parent = tree.queues[tree.parent[q]].name if tree.parent[q] > 0 or _has_shown_root(session, q) else ""
    return QueueReport(
        name=queue.name,
        parent=parent,
        weight=queue.weight,
        deserved=_amounts(session, tree.deserved[q], written=tree.written[q]),
        guarantee=_amounts(session, tree.guarantee[q]),
        capability=_amounts(session, tree.capability[q], limits=True),
        allocated=_amounts(session, tree.allocated[q]),
        requested=_amounts(session, tree.request[q]),
        share=tree.share(q) if session.is_configured and session.settings.share_policy else dominant,
        dominant_share=dominant,
        borrowed=_amounts(session, tree.borrowed(q)),
        jobs=counts,
        overused=bool(tree.request[q].any()) and (tree.is_overused(q) or tree.share(q) > 1),
        closed=queue.closed,
        reclaimable=queue.reclaimable,
    )


def _has_shown_root(session: Session, q: int) -> bool:
    return q > 0 and session.tree.parent[q] == 0 and _is_real_root(session)


def _amounts(
    session: Session,
    row: NDArray[np.int64],
    *,
    written: NDArray[np.bool_] | None = None,
    limits: bool = False,
) -> dict[str, int]:
    """A row by resource name: what is nothing, or without a limit, left out."""
    tree = session.tree
    return {
        name: int(row[c])
        for c, name in enumerate(tree.names)
        if row[c] < UNLIMITED // 2
        and (
            row[c] or limits or (written is not None and written[c] and tree.total[c] > 0 and name in ("cpu", "memory"))
        )
        and (name != "pods" or limits or written is not None)
    }
