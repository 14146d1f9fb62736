"""Requests that fit: for each container old and new, what it saves, and what it risks."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from yuheng.model.fleet_plan import told_instant
from yuheng.model.plan import API_VERSION, listed
from yuheng.model.units import HOUR, HOURS_A_MONTH, MINUTE

__all__ = [
    "MINUTES_A_MONTH",
    "STRATEGIES",
    "AutoscalerEffect",
    "Change",
    "ContainerAdvice",
    "HourlyReplicas",
    "HourlyRequests",
    "LimitPolicy",
    "Rightsizing",
    "Strategy",
    "UsageLevels",
]

Strategy = Literal["seasonal", "vpa", "krr"]
STRATEGIES: Final[tuple[Strategy, ...]] = ("seasonal", "vpa", "krr")
LimitPolicy = Literal["ratio", "request"]
Hours = tuple[tuple[int, ...], tuple[int, ...]]
"""24 hours of a working day, 24 of a day of the weekend."""
MINUTES_A_MONTH: Final = HOURS_A_MONTH * HOUR / MINUTE


class UsageLevels(msgspec.Struct, frozen=True):
    """What the pod that used most at each moment used: milli-cores or bytes."""

    mean: float
    p50: float
    p95: float
    p99: float
    peak: float


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One resource of a container.

    Attributes:
        old: what is requested, in milli-cores or bytes; 0 where nothing is.
        new: what should be; None where it is left as it is.
        old_limit: None for none.
        new_limit: with the new request.
        saved: US dollars a month, over all replicas; less than 0 where it asks for more.
        risk: the share of the held-out time in which usage was above the new request; None where nothing was held out.
        risk_before: the same of the old request; None where there is none.
        usage: None where none was measured.
        why: why it is left, or what the new request was bound by; empty for usage alone.
    """

    old: int
    new: int | None = None
    old_limit: int | None = None
    new_limit: int | None = None
    saved: float = 0.0
    risk: float | None = None
    risk_before: float | None = None
    usage: UsageLevels | None = None
    why: str = ""

    @property
    def minutes(self) -> float | None:
        """Minutes a month above the new request that are to be expected."""
        return None if self.risk is None else self.risk * MINUTES_A_MONTH

    @property
    def minutes_before(self) -> float | None:
        """Minutes a month above the old request."""
        return None if self.risk_before is None else self.risk_before * MINUTES_A_MONTH

    def to_dict(self) -> dict[str, Any]:
        """The change in the public format; milli-cores or bytes."""
        return {
            "old": self.old,
            "new": self.new,
            "oldLimit": self.old_limit,
            "newLimit": self.new_limit,
            "savedPerMonth": _cents(self.saved),
            "minutesAbove": _tenths(self.minutes),
            "minutesAboveBefore": _tenths(self.minutes_before),
            "usage": None
            if self.usage is None
            else {name: round(value, 1) for name, value in msgspec.structs.asdict(self.usage).items()},
            "why": self.why,
        }


class HourlyRequests(msgspec.Struct, frozen=True, kw_only=True):
    """CPU requests by the hour, to be resized in place.

    Attributes:
        pattern: ``daily`` or ``weekly``.
        requests: milli-cores.
        mean: over a week.
        risk: the share of the held-out time above request; None where nothing was held out.
        saved: US dollars a month against the old request, over all replicas.
    """

    pattern: str
    requests: Hours
    mean: float
    risk: float | None
    saved: float

    @property
    def most(self) -> int:
        """The highest of them."""
        return max(map(max, self.requests))

    def to_dict(self) -> dict[str, Any]:
        """The hours in the public format."""
        return {
            "pattern": self.pattern,
            "workday": self.requests[0],
            "weekend": self.requests[1],
            "mean": round(self.mean, 1),
            "most": self.most,
            "minutesAbove": None if self.risk is None else _tenths(self.risk * MINUTES_A_MONTH),
            "savedPerMonth": _cents(self.saved),
        }


class AutoscalerEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a new CPU request makes of what a horizontal autoscaler does, worked out on the history.

    Attributes:
        name: of the autoscaler.
        minimum, maximum: replicas; they stay.
        utilization: the share of the request that it steers for.
        replicas_before: the mean number with the old request; None where there is none, as it then cannot scale.
        replicas: the mean number with the new one.
        most: the largest number with the new one.
        cpu_before: milli-cores requested by all replicas, the mean; None as above.
        cpu: the same with the new request.
    """

    name: str
    minimum: int
    maximum: int
    utilization: float
    replicas_before: float | None
    replicas: float
    most: int
    cpu_before: float | None
    cpu: float

    def to_dict(self) -> dict[str, Any]:
        """The effect in the public format."""
        return {
            "name": self.name,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "utilization": self.utilization,
            "replicasBefore": None if self.replicas_before is None else round(self.replicas_before, 2),
            "replicas": round(self.replicas, 2),
            "mostReplicas": self.most,
            "cpuBefore": None if self.cpu_before is None else round(self.cpu_before, 1),
            "cpu": round(self.cpu, 1),
        }


class HourlyReplicas(msgspec.Struct, frozen=True, kw_only=True):
    """Request and number of replicas chosen together, where nothing scales a workload yet.

    Attributes:
        request: milli-cores of a replica.
        replicas: by the hour.
        risk: the share of the held-out time above what all of them request; None where nothing was held out.
        saved: US dollars a month against the old requests of cpu and memory.
    """

    request: int
    replicas: Hours
    risk: float | None
    saved: float

    def to_dict(self) -> dict[str, Any]:
        """The replicas in the public format."""
        return {
            "request": self.request,
            "workday": self.replicas[0],
            "weekend": self.replicas[1],
            "minutesAbove": None if self.risk is None else _tenths(self.risk * MINUTES_A_MONTH),
            "savedPerMonth": _cents(self.saved),
        }


class ContainerAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """One container of a workload.

    Attributes:
        kind, namespace, workload: whose it is.
        container: its name.
        sidecar: whether it is an init container that runs on.
        replicas: how many of it run, a mean.
        pods: how many pods its history is of, gone ones included.
        days: length of the history.
        cpu: in milli-cores.
        memory: in bytes.
        hours: CPU by the hour; None where that is not worth it, or the strategy has no hours.
        autoscaler: None where none steers by cpu.
        together: None where it saves nothing, or something else scales the workload.
        notes: what has to be known, a sentence each.
    """

    kind: str
    namespace: str
    workload: str
    container: str
    sidecar: bool = False
    replicas: float = 0.0
    pods: int = 0
    days: float = 0.0
    cpu: Change
    memory: Change
    hours: HourlyRequests | None = None
    autoscaler: AutoscalerEffect | None = None
    together: HourlyReplicas | None = None
    notes: tuple[str, ...] = ()

    @property
    def saved(self) -> float:
        """US dollars a month, cpu and memory."""
        return self.cpu.saved + self.memory.saved

    @property
    def key(self) -> str:
        """``kind namespace/workload``."""
        return f"{self.kind} {self.namespace}/{self.workload}"

    @property
    def changes(self) -> bool:
        """Whether anything is to be changed."""
        return any(
            change.new is not None and (change.new, change.new_limit) != (change.old, change.old_limit)
            for change in (self.cpu, self.memory)
        )

    def to_dict(self) -> dict[str, Any]:
        """The container in the public format."""
        return {
            "kind": self.kind,
            "namespace": self.namespace,
            "workload": self.workload,
            "container": self.container,
            "sidecar": self.sidecar,
            "replicas": round(self.replicas, 2),
            "pods": self.pods,
            "days": round(self.days, 2),
            "cpu": self.cpu.to_dict(),
            "memory": self.memory.to_dict(),
            "savedPerMonth": _cents(self.saved),
            "hours": None if self.hours is None else self.hours.to_dict(),
            "autoscaler": None if self.autoscaler is None else self.autoscaler.to_dict(),
            "together": None if self.together is None else self.together.to_dict(),
            "notes": self.notes,
        }


class Rightsizing(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that fit, for a cluster.

    Attributes:
        strategy: whose rule.
        price: peaks' worth of request that a minute above it costs; None for strategies that have none.
        risk: the largest share of minutes above request that was allowed; None for as much as the price allows.
        limits: what becomes of memory limits.
        zone: the time zone of hours.
        start, end: of the history, in seconds since the epoch; None where there is no usage.
        containers: what saves most first.
        assumptions: what the numbers rest on.
        warnings: what could not be read or matched.
    """

    strategy: Strategy
    price: float | None = None
    risk: float | None = None
    limits: LimitPolicy = "ratio"
    zone: str = "UTC"
    start: float | None = None
    end: float | None = None
    containers: tuple[ContainerAdvice, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def saved(self) -> float:
        """US dollars a month, with requests that stay."""
        return sum(row.saved for row in self.containers)

    @property
    def saved_by_hours(self) -> float:
        """US dollars a month with requests by the hour where there are any; these may cost more and risk less."""
        return sum(row.memory.saved + (row.hours.saved if row.hours else row.cpu.saved) for row in self.containers)

    def minutes(self, *, before: bool = False) -> float:
        """CPU minutes a month above request, over all containers for which they are known both before and after."""
        pairs = [(row.cpu.minutes_before, row.cpu.minutes) for row in self.containers]
        return sum((old if before else new) for old, new in pairs if old is not None and new is not None)

    def to_dict(self) -> dict[str, Any]:
        """The result in the public format, whose keys are stable."""
        body: dict[str, Any] = {
            "strategy": self.strategy,
            "price": None if self.price is None else round(self.price, 3),
            "risk": self.risk,
            "limits": self.limits,
            "timeZone": self.zone,
            "window": {"start": told_instant(self.start), "end": told_instant(self.end)},
            "currency": "USD",
            "summary": {
                "containers": len(self.containers),
                "changed": sum(row.changes for row in self.containers),
                "savedPerMonth": _cents(self.saved),
                "savedPerMonthByHours": _cents(self.saved_by_hours),
                "minutesAbove": _tenths(self.minutes()),
                "minutesAboveBefore": _tenths(self.minutes(before=True)),
            },
            "containers": [row.to_dict() for row in self.containers],
            "assumptions": self.assumptions,
            "warnings": self.warnings,
        }
        return {"apiVersion": API_VERSION, "kind": "Rightsizing", **listed(body)}


def _cents(amount: float) -> float:
    return round(amount, 2) + 0.0


def _tenths(minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes, 1)
