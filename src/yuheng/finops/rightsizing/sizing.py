"""One container: from what it used to what it should request, by each of the strategies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.rightsizing import krr, memory, vpa
from yuheng.finops.rightsizing.held_out import fixed_risk, held_out_risk
from yuheng.finops.rightsizing.samples import F64, Samples, worst_of
from yuheng.finops.rightsizing.seasonal import Schedule, Trials
from yuheng.model.estate import Container
from yuheng.model.rightsizing import Change, HourlyRequests, LimitPolicy, Strategy, UsageLevels
from yuheng.model.units import MIB

__all__ = ["FEWEST_SAMPLES", "Rule", "Sized", "cpu_change", "hours_of", "left", "memory_change", "sized_cpu"]

FEWEST_SAMPLES: Final = krr.FEWEST_SAMPLES
_LEAST_CPU: Final = 0.001
_WORTH_HOURS: Final = 0.02
"""Hours are told where they are worth at least this share of the request that stays: somebody has to resize by them."""


class Rule(NamedTuple):
    """What was asked for.

    Attributes:
        strategy: whose rule.
        price: peaks' worth of request that a minute above it costs; None to find it from what VPA would risk.
        risk: the largest share of minutes above request for a container; 1 for as much as the price allows.
        limits: what becomes of memory limits.
        zone: seconds that local time is ahead of UTC.
        zone_name: as people call it.
    """

    strategy: Strategy = "seasonal"
    price: float | None = None
    risk: float = 1.0
    limits: LimitPolicy = "ratio"
    zone: float = 0.0
    zone_name: str = "UTC"


class Sized(NamedTuple):
    """A request for cpu, in cores, and the share of the held-out time above it; None where nothing was held out."""

    request: float
    risk: float | None


def sized_cpu(pods: Sequence[Samples], rule: Rule, trials: Trials | None, price: float, containers: int) -> Sized:
    """The cpu request of a container that stays the same at all hours.

    Args:
        pods: cores used, per pod; at least one sample in all.
        rule: what was asked for.
        trials: of `seasonal`.
        price: of a minute above request.
        containers: of the pod, among which VPA divides its least request.
    """
    if trials is not None:
        best = trials.best(price, rule.risk, static=True)
        return Sized(max(float(best.requests.max()), _LEAST_CPU), None if math.isnan(best.lately) else best.lately)
    if rule.strategy == "vpa":
        least = vpa.MIN_CPU / max(containers, 1)
        return Sized(vpa.cpu(pods, least).target, held_out_risk(pods, lambda known: vpa.cpu(known, least).target))
    return Sized(krr.cpu(pods), held_out_risk(pods, krr.cpu))


def cpu_change(container: Container, worst: Samples, sized: Sized, why: str = "") -> Change:
    """Old to new for cpu; what it saves is not told yet.

    Args:
        container: as it is.
        worst: cores of the pod that used most.
        sized: what the strategy says.
        why: what else it was bound by.
    """
    new = max(math.ceil(round(1000 * sized.request, 6)), 1)
    if container.cpu_limit is not None and new > container.cpu_limit:
        new, why = container.cpu_limit, "not more than its cpu limit, which stays"
        sized = Sized(new / 1000, fixed_risk(worst, new / 1000))
    return Change(
        old=container.cpu,
        new=new,
        old_limit=container.cpu_limit,
        new_limit=container.cpu_limit,
        risk=sized.risk,
        risk_before=fixed_risk(worst, container.cpu / 1000) if container.cpu else None,
        usage=_levels(worst.values, 1000.0),
        why=why,
    )


def memory_change(container: Container, pods: Sequence[Samples], rule: Rule, containers: int) -> Change:
    """Old to new for memory; what it saves is not told yet."""
    worst = worst_of(pods)
    usage = _levels(worst.values, 1.0)
    bounds = memory.bounds_of(container, usage.peak)
    before = fixed_risk(worst, container.memory) if container.memory else None
    if bounds.left:
        return left(container.memory, container.memory_limit, bounds.left, usage, before)
    fitted = _memory_rule(container, rule, containers)
    raw = fitted(pods)
    request, why = max(raw, bounds.floor), bounds.why if bounds.floor >= raw or bounds.keeps else ""
    new = math.ceil(round(request / MIB, 6)) * MIB
    if bounds.keeps and not bounds.killed and container.memory_limit is not None and raw <= container.memory_limit:
        new = min(new, container.memory_limit)
    return Change(
        old=container.memory,
        new=new,
        old_limit=container.memory_limit,
        new_limit=memory.limit_for(container, new, rule.limits, bounds),
        risk=held_out_risk(pods, lambda known: max(fitted(known), bounds.floor)),
        risk_before=before,
        usage=usage,
        why=why,
    )


def _memory_rule(container: Container, rule: Rule, containers: int) -> partial[float]:
    """The strategy's request for memory, in bytes, from what pods used."""
    if rule.strategy == "vpa":
        return partial(_vpa_memory, minimum=vpa.MIN_MEMORY / max(containers, 1))
    if rule.strategy == "krr":
        return partial(krr.memory, oom=float(_killed_limit(container) or 0))
    return partial(memory.peak_and_growth)


def _killed_limit(container: Container) -> int | None:
    """The memory limit in bytes at which a container was killed: KRR looks at limits alone."""
    if container.out_of_memory is None:
        return None
    return container.memory_limit if container.killed_at is None else container.killed_limit


def _vpa_memory(pods: Sequence[Samples], minimum: float) -> float:
    return vpa.memory(pods, minimum).target


def left(
    old: int, limit: int | None, why: str, usage: UsageLevels | None = None, risk_before: float | None = None
) -> Change:
    """A resource that is left as it is, and why."""
    return Change(
        old=old, old_limit=limit, new_limit=limit, usage=usage, risk=risk_before, risk_before=risk_before, why=why
    )


def hours_of(trials: Trials, rule: Rule, price: float, static: Change) -> HourlyRequests | None:
    """The requests by the hour, where these are worth more than the one that stays: less money, fewer minutes, or both.

    What they save is not told yet.
    """
    schedule = trials.best(price, rule.risk)
    if schedule.pattern == "static" or static.new is None:
        return None
    requests = _milli(schedule, static.old_limit)
    mean = float((5 * np.mean(requests[0]) + 2 * np.mean(requests[1])) / 7)
    risk = None if math.isnan(schedule.lately) else schedule.lately
    worth = price * 1000 * trials.peak
    if (risk or 0.0) > max(rule.risk, static.risk or 0.0):
        return None
    if mean + worth * (risk or 0.0) > (1 - _WORTH_HOURS) * static.new + worth * (static.risk or 0.0):
        return None
    return HourlyRequests(pattern=schedule.pattern, requests=requests, mean=mean, risk=risk, saved=0.0)


def _milli(schedule: Schedule, limit: int | None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    most = math.inf if limit is None else limit
    rows = [tuple(int(min(max(math.ceil(1000 * x), 1), most)) for x in row) for row in schedule.requests]
    return rows[0], rows[1]


def _levels(values: F64, scale: float) -> UsageLevels:
    last = len(values) - 1
    places = [math.ceil(share * last) for share in (0.5, 0.95, 0.99, 1.0)]
    p50, p95, p99, peak = (scale * float(level) for level in np.partition(values, places)[places])
    return UsageLevels(scale * float(values.mean()), p50, p95, p99, peak)
