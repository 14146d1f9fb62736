"""What batch scheduling answers: evictions, the state of jobs, the tree of queues."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from yuheng.model.quantity import Quantity, format_amount

__all__ = ["Eviction", "JobCounts", "JobReport", "QueueReport", "QueueTree", "Wait", "iso_time", "quantities"]

JobState = Literal["running", "admitted", "waiting"]
Amounts = dict[str, int]
# The last second that a time can be written of: the end of the year 9999.
LAST_SECOND: Final = 253_402_300_800.0


class Eviction(msgspec.Struct, frozen=True):
    """A running pod that has to go.

    Attributes:
        pod: ``namespace/name``.
        by: the job that takes its place; empty when nobody does (a zone that closes).
        rule: ``preempt``, ``reclaim`` or ``tdm``.
        reason: why this pod, in a sentence.
        node: where it ran.
    """

    pod: str
    by: str
    rule: Literal["preempt", "reclaim", "tdm"]
    reason: str = ""
    node: str = ""


class Wait(msgspec.Struct, frozen=True):
    """One thing a job waits for.

    Attributes:
        kind: which rule holds it: its own minimum (``gang``), what its queue or one above may use (``quota``), room
            on nodes (``resources``), where its pods may run together (``topology``), a job before it (``order``), the
            room kept for another job (``reservation``), its own tasks' order (``dependsOn``), a queue that is closed
            (``queue``), scheduling gates (``gates``), its priority (``priority``).
        message: in words, with the numbers.
    """

    kind: Literal[
        "gang",
        "quota",
        "resources",
        "topology",
        "order",
        "reservation",
        "dependsOn",
        "queue",
        "gates",
        "priority",
    ]
    message: str


class JobReport(msgspec.Struct, frozen=True):
    """A job after the plan.

    Attributes:
        job: ``namespace/name``.
        queue: the queue it is in.
        state: ``running`` (its minimum runs, or is placed by this plan), ``admitted`` (let into scheduling, and not
            started), ``waiting`` (not let in).
        ready: pods that run, are placed by this plan, or ended well.
        min_available: how many of them it needs to start.
        pods: its pods, running and pending.
        waiting_for: everything that holds it; empty when nothing does.
        place: its place in the order of the jobs that wait, from 1; 0 when it does not wait.
        earliest_start: seconds since the epoch at which it could start if nothing new arrives; None when unknown.
        starts_in: the same in seconds from now.
    """

    job: str
    queue: str
    state: JobState
    ready: int
    min_available: int
    pods: int = 0
    waiting_for: tuple[Wait, ...] = ()
    place: int = 0
    earliest_start: float | None = None
    starts_in: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The job in the public format; times as ISO 8601, seconds from now beside them."""
        return {
            "job": self.job,
            "queue": self.queue,
            "state": self.state,
            "ready": self.ready,
            "minAvailable": self.min_available,
            "pods": self.pods,
            "waitingFor": list(dict.fromkeys(wait.kind for wait in self.waiting_for)),
            "reasons": [msgspec.to_builtins(wait) for wait in self.waiting_for],
            "place": self.place,
            "earliestStart": _told_time(self.earliest_start),
            "startsIn": self.starts_in,
        }


class JobCounts(msgspec.Struct, frozen=True):
    """Jobs of a queue and of the queues below it, by state."""

    running: int = 0
    admitted: int = 0
    waiting: int = 0


class QueueReport(msgspec.Struct, frozen=True, kw_only=True):
    """One queue: what it may use, uses and asks for. Amounts by resource name, in the units of `Node.allocatable`.

    Attributes:
        name, parent, weight: of the queue; the parent is empty at the top.
        deserved: what it may claim: filled in by demand and weight (proportion), or as written (capacity).
        guarantee: what nobody else may use.
        capability: the most it may use, as far as there is a limit.
        allocated: what its running pods hold, with those of the queues below it.
        requested: the same with its pending pods.
        share: how much of its due it has: the number its order depends on; see the concept page on queues.
        dominant_share: the largest share of any resource of the cluster that it asks for (DRF).
        borrowed: what it uses beyond its own entitlement, out of what others leave idle.
        jobs: by state.
        overused: it has all it deserves: its jobs wait.
        closed, reclaimable: of the queue.
    """

    name: str
    parent: str = ""
    weight: float = 1
    deserved: Amounts = {}
    guarantee: Amounts = {}
    capability: Amounts = {}
    allocated: Amounts = {}
    requested: Amounts = {}
    share: float = 0.0
    dominant_share: float = 0.0
    borrowed: Amounts = {}
    jobs: JobCounts = JobCounts()
    overused: bool = False
    closed: bool = False
    reclaimable: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The queue in the public format: amounts as Kubernetes quantities."""
        return {
            "name": self.name,
            "parent": self.parent,
            "weight": int(self.weight) if self.weight == int(self.weight) else self.weight,
            "deserved": quantities(self.deserved),
            "guarantee": quantities(self.guarantee),
            "capability": quantities(self.capability),
            "allocated": quantities(self.allocated),
            "requested": quantities(self.requested),
            "share": round(self.share, 4),
            "dominantShare": round(self.dominant_share, 4),
            "borrowed": quantities(self.borrowed),
            "jobs": msgspec.to_builtins(self.jobs),
            "overused": self.overused,
            "closed": self.closed,
            "reclaimable": self.reclaimable,
        }


class QueueTree(msgspec.Struct, frozen=True):
    """All queues, parents before their children.

    Attributes:
        total: what the cluster's nodes offer.
        policy: ``proportion`` or ``capacity``: where the deserved amounts come from.
        warnings: what had to be assumed, one sentence each.
    """

    queues: tuple[QueueReport, ...]
    total: Amounts = {}
    policy: str = "proportion"
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The tree in the public format (kind ``Queues``): amounts as Kubernetes quantities."""
        return {
            "apiVersion": "yuheng.io/v1alpha1",
            "kind": "Queues",
            "policy": self.policy,
            "total": quantities(self.total),
            "queues": [report.to_dict() for report in self.queues],
            "warnings": list(self.warnings),
        }


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as Kubernetes writes times: ``2026-01-31T09:00:00Z``; after its last year, in words."""
    if seconds >= LAST_SECOND:
        return "after the year 9999"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def quantities(amounts: Amounts) -> dict[str, str]:
    """Amounts by resource name as Kubernetes writes them: bytes in powers of ten where that is shorter."""
    return {name: min(format_amount(name, amount), _decimal(name, amount), key=len) for name, amount in amounts.items()}


def _told_time(seconds: float | None) -> str | None:
    return None if seconds is None or seconds >= LAST_SECOND else iso_time(seconds)


def _decimal(name: str, amount: int) -> str:
    return format_amount(name, amount) if name == "cpu" else str(Quantity(amount * 10**9))
