"""Why a pod or a job waits, runs or has to go, where queues decide."""

from __future__ import annotations

from yuheng.errors import NotFoundError
from yuheng.model.batch_plan import JobReport
from yuheng.model.plan import Explanation
from yuheng.scheduling.batch.planning import run
from yuheng.scheduling.batch.report import Report, queue_tree
from yuheng.scheduling.batch.roster import job_keys
from yuheng.scheduling.batch.session import Session

__all__ = ["explain_in_queue"]


def explain_in_queue(session: Session, name: str) -> Explanation:
    """Plan, and tell of one pod or job: its job, its queue as it stood before, who borrows.

    Args:
        session: opened, nothing decided yet.
        name: ``namespace/name`` of a pod, or of a job where no pod has that name.

    Raises:
        NotFoundError: there is neither.
    """
    keys = job_keys(session.snapshot)
    job = keys.get(name, name)
    if job not in session.roster.number:
        raise NotFoundError(f"pod: found no {name!r} in the input, expected the namespace/name of a pod or a job")
    before = queue_tree(session)
    run(session)
    report = Report(session)
    told = report.job(job)
    queue = next((one for one in before.queues if one.name == told.queue), None)
    borrowers = tuple((one.name, one.borrowed) for one in before.queues if one.borrowed)
    found = _pod(session, report, name) if name in keys else _job(told)
    return Explanation(
        pod=name,
        verdict=found.verdict,
        message=found.message,
        reasons=found.reasons,
        closest=found.closest,
        hint=found.hint,
        node=found.node,
        job=told,
        queue=queue,
        borrowers=borrowers,
        eviction=next((one for one in session.evictions if one.pod == name), None),
    )


def _job(told: JobReport) -> Explanation:
    """What is said of a job as a whole."""
    if not told.waiting_for and told.state == "running":
        text = f"has its minimum of {told.min_available}: {told.ready} of its {told.pods} pods are ready"
        return Explanation(told.job, "fits", text)
    reasons = "; ".join(wait.message.rstrip(".") for wait in told.waiting_for) or "nothing holds it"
    return Explanation(told.job, "pending", f"{told.ready} of {told.min_available} pods are ready: {reasons}.")


def _pod(session: Session, report: Report, name: str) -> Explanation:
    pod = next(one for one in session.snapshot.pods if one.key == name)
    if pod.node is not None:
        gone = next((one for one in session.evictions if one.pod == name), None)
        if gone is None:
            return Explanation(name, "bound", f"runs on {pod.node}", node=pod.node)
        return Explanation(name, "bound", f"has to go: {gone.reason}", node=pod.node)
    for placed, n, _ in session.moves.placements():
        if placed.key == name:
            node = session.engine.machines.nodes[n].name
            return Explanation(name, "fits", f"is placed on {node}", node=node)
    told = next((one for one in report.refusals() if one.pod == name), None)
    if told is None:
        return Explanation(name, "pending", "Scheduling is blocked due to non-empty scheduling gates.")
    return Explanation(name, "pending", told.message, told.reasons, told.closest, told.hint)
