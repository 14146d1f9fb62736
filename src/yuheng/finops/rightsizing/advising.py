"""One workload: its containers, its autoscaler, its money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.rightsizing import replicas as scaling
from yuheng.finops.rightsizing.replicas import Autoscaled, Load, Scaler
from yuheng.finops.rightsizing.samples import Samples, total_of, worst_of
from yuheng.finops.rightsizing.saving import paid, paid_by_hour
from yuheng.finops.rightsizing.seasonal import Trials
from yuheng.finops.rightsizing.sizing import (
    FEWEST_SAMPLES,
    Rule,
    Sized,
    cpu_change,
    hours_of,
    left,
    memory_change,
    sized_cpu,
)
from yuheng.finops.rightsizing.targets import Target, Targets
from yuheng.finops.rightsizing.trying import try_out
from yuheng.model.rightsizing import AutoscalerEffect, Change, ContainerAdvice, HourlyReplicas, HourlyRequests
from yuheng.model.units import DAY, GIB, HOURS_A_MONTH
from yuheng.model.usage_matrices import UsageMatrices

__all__ = ["Prepared", "advise", "cpu_of", "prepare"]

_SCALED_FREELY = ("Deployment", "ReplicaSet")
_FEWEST_REPLICAS = 3
_WORTH_HOURS = 0.05
"""Replicas by the hour are told where they save at least this share more: they need something that scales."""


class Prepared(NamedTuple):
    """A workload, and what was tried for each of its containers; None for those with too little history."""

    targets: Targets
    trials: tuple[Trials | None, ...]


class _Context(NamedTuple):
    """What holds for all containers of a workload.

    Attributes:
        load: of all its pods, all containers together; None where none was measured.
        scaler: where an autoscaler steers by cpu.
        replicas: how many run, a mean.
    """

    targets: Targets
    load: Load | None
    scaler: Scaler | None
    replicas: float


class _Counts(NamedTuple):
    """How many replicas are paid for before and after; what an autoscaler did and would do, where there is one."""

    before: float
    after: float
    was: Autoscaled | None = None
    now: Autoscaled | None = None


class _Asked(NamedTuple):
    """What was asked for, the price that was found, and how many replicas are paid for."""

    rule: Rule
    price: float
    counts: _Counts


def prepare(targets: Targets, usage: UsageMatrices, rule: Rule) -> Prepared:
    """Try out `seasonal` on each container; other strategies have nothing to try."""
    if rule.strategy != "seasonal":
        return Prepared(targets, (None,) * len(targets.containers))
    return Prepared(targets, tuple(_trials(cpu_of(target, usage), rule) for target in targets.containers))


def _trials(pods: Sequence[Samples], rule: Rule) -> Trials | None:
    return try_out(worst_of(pods), rule.zone) if _count(pods) >= FEWEST_SAMPLES else None


def cpu_of(target: Target, usage: UsageMatrices) -> list[Samples]:
    """Cores that a container's pods used."""
    return _samples(target, usage, usage.cpu)


def _samples(target: Target, usage: UsageMatrices, matrix: NDArray[np.float32]) -> list[Samples]:
    """The measured cells of a container's rows, of those that have any."""
    found = []
    for row in target.rows:
        known = ~np.isnan(matrix[row])
        if known.any():
            found.append(Samples(usage.times[known], matrix[row][known].astype(np.float64)))
    return found


def _count(pods: Sequence[Samples]) -> int:
    return sum(len(pod.times) for pod in pods)


def advise(prepared: Prepared, usage: UsageMatrices, rule: Rule, price: float) -> list[ContainerAdvice]:
    """What each container of a workload should request, and what that saves.

    Args:
        prepared: the workload.
        usage: of all containers.
        rule: what was asked for.
        price: of a minute above request; for `seasonal` only.
    """
    targets = prepared.targets
    context = _context(targets, usage)
    pods = [cpu_of(target, usage) for target in targets.containers]
    rows = list(zip(targets.containers, pods, prepared.trials, strict=True))
    sized = [_sized(own, trials, rule, price, targets) for _, own, trials in rows]
    memories = [_memory(target, usage, rule, context) for target in targets.containers]
    if context.scaler and context.load and rule.strategy == "seasonal":
        sized = _for_autoscaler(context, context.load, context.scaler, sized, memories, price)
    elif context.scaler and context.load:
        sized = _met_by_autoscaler(context, context.load, context.scaler, sized)
    cpus = [_cpu(context, target, rule, one, own) for (target, own, _), one in zip(rows, sized, strict=True)]
    counts = _counts(context, cpus)
    replicas, least, overhead = (counts.before, counts.after), targets.least, targets.overhead
    cpus = paid(cpus, replicas, targets.cpu / 1000, least.cpu, overhead.cpu)
    memories = paid(memories, replicas, targets.memory / GIB, least.memory, overhead.memory)
    hours = [_hours(context, trials, cpu, rule, price) for (_, _, trials), cpu in zip(rows, cpus, strict=True)]
    hours = paid_by_hour(cpus, hours, context.replicas, targets.cpu / 1000, least.cpu)
    return [
        _advice(context, target, own, hourly, _Asked(rule, price, counts), (cpu, memory))
        for (target, own, _), hourly, cpu, memory in zip(rows, hours, cpus, memories, strict=True)
    ]


def _context(targets: Targets, usage: UsageMatrices) -> _Context:
    hpa = targets.autoscaler
    share = hpa.utilization.get("cpu") if hpa else None
    scaler = Scaler(hpa.minimum, max(hpa.maximum, hpa.minimum), share) if hpa and share else None
    load = _load(targets, usage) if scaler or _may_scale(targets) else None
    if targets.replicas is not None:
        count = float(targets.replicas)
    else:
        rows = max((target.rows for target in targets.containers), key=len, default=())
        count = float((~np.isnan(usage.cpu[list(rows)])).sum()) / max(len(usage.times), 1) if rows else 0.0
    return _Context(targets, load, scaler, count)


def _may_scale(targets: Targets) -> bool:
    """Whether hours could have replicas of their own: nothing else scales it, and it is one container."""
    several = (targets.replicas or 0) >= _FEWEST_REPLICAS and len(targets.containers) == 1
    return several and targets.autoscaler is None and targets.key.kind in _SCALED_FREELY


def _load(targets: Targets, usage: UsageMatrices) -> Load | None:
    """The load of all pods, each with all of its containers."""
    pods: dict[str, list[Samples]] = {}
    for target in targets.containers:
        for row in target.rows:
            known = ~np.isnan(usage.cpu[row])
            if known.any():
                found = Samples(usage.times[known], usage.cpu[row][known].astype(np.float64))
                pods.setdefault(usage.names[row].pod, []).append(found)
    return scaling.load_of([total_of(parts) for parts in pods.values()]) if pods else None


def _sized(pods: Sequence[Samples], trials: Trials | None, rule: Rule, price: float, targets: Targets) -> Sized | None:
    if _count(pods) < FEWEST_SAMPLES:
        return None
    return sized_cpu(pods, rule, trials, price, len(targets.containers))


def _for_autoscaler(
    context: _Context,
    load: Load,
    scaler: Scaler,
    sized: Sequence[Sized | None],
    memories: Sequence[Change],
    price: float,
) -> list[Sized | None]:
    """Requests chosen together with the replicas that the autoscaler makes of them.

    What the replica as a whole should ask for is divided among its containers as their own requests would be; those
    without history keep theirs.
    """
    targets = context.targets
    gib = sum((m.new if m.new is not None else m.old) for m in memories) / GIB
    beside = gib * targets.memory / targets.cpu if targets.cpu else 0.0
    fixed = sum(t.container.cpu for t, one in zip(targets.containers, sized, strict=True) if one is None) / 1000
    own = sum(one.request for one in sized if one is not None)
    whole = scaling.request_for(load, scaler, price, beside + fixed)
    if whole <= 0 or own <= 0:
        return list(sized)
    factor = max(whole - fixed, 0.1 * own) / own
    request = fixed + factor * own
    risk = scaling.scale(load, scaler, request).risk
    return [None if one is None else Sized(one.request * factor, risk) for one in sized]


def _met_by_autoscaler(
    context: _Context, load: Load, scaler: Scaler, sized: Sequence[Sized | None]
) -> list[Sized | None]:
    """The same requests, with the minutes above that are left when the autoscaler has acted on them."""
    containers = context.targets.containers
    pairs = zip(containers, sized, strict=True)
    whole = sum(target.container.cpu / 1000 if one is None else one.request for target, one in pairs)
    if whole <= 0 or not load.total.values.any():
        return list(sized)
    risk = scaling.scale(load, scaler, whole).risk
    return [None if one is None else Sized(one.request, risk) for one in sized]


def _memory(target: Target, usage: UsageMatrices, rule: Rule, context: _Context) -> Change:
    item = target.container
    pods = _samples(target, usage, usage.memory)
    hpa = context.targets.autoscaler
    if hpa and "memory" in hpa.utilization:
        why = f"autoscaler {hpa.name} steers by the memory request: another one would change how many replicas run"
        return left(item.memory, item.memory_limit, why)
    if _count(pods) < FEWEST_SAMPLES:
        return left(item.memory, item.memory_limit, _too_short(pods))
    return memory_change(item, pods, rule, len(context.targets.containers))


def _too_short(pods: Sequence[Samples]) -> str:
    count = _count(pods)
    return f"only {count} of at least {FEWEST_SAMPLES} samples" if count else "no usage is known"


def _advice(
    context: _Context,
    target: Target,
    pods: Sequence[Samples],
    hours: HourlyRequests | None,
    asked: _Asked,
    changes: tuple[Change, Change],
) -> ContainerAdvice:
    item, targets = target.container, context.targets
    cpu, memory = changes
    return ContainerAdvice(
        kind=targets.key.kind,
        namespace=targets.key.namespace,
        workload=targets.key.name,
        container=item.name,
        sidecar=item.sidecar,
        replicas=context.replicas,
        pods=len(target.rows),
        days=_days(pods),
        cpu=cpu,
        memory=memory,
        hours=hours,
        autoscaler=_effect(context, cpu, asked.counts),
        together=_together(context, cpu, memory, asked),
        notes=_notes(context, (cpu, memory), asked.rule),
    )


def _days(pods: Sequence[Samples]) -> float:
    if not pods:
        return 0.0
    return float(max(pod.times[-1] for pod in pods) - min(pod.times[0] for pod in pods)) / DAY


def _hours(context: _Context, trials: Trials | None, cpu: Change, rule: Rule, price: float) -> HourlyRequests | None:
    """Requests by the hour, where they are worth it; nothing that comes and goes, or that an autoscaler steers."""
    if trials is None or context.scaler is not None or context.targets.replicas is None:
        return None
    return hours_of(trials, rule, price, cpu)


def _cpu(context: _Context, target: Target, rule: Rule, sized: Sized | None, pods: Sequence[Samples]) -> Change:
    item, hpa = target.container, context.targets.autoscaler
    if sized is None:
        return left(item.cpu, item.cpu_limit, _too_short(pods))
    if hpa and context.scaler and rule.strategy == "krr":
        return left(item.cpu, item.cpu_limit, f"autoscaler {hpa.name} steers by cpu: KRR gives no advice")
    why = ""
    if hpa and context.scaler and rule.strategy == "seasonal":
        why = f"chosen with the replicas that autoscaler {hpa.name} makes of it"
    return cpu_change(item, worst_of(pods), sized, why)


def _counts(context: _Context, cpus: Sequence[Change]) -> _Counts:
    """How many replicas are paid for with the old and with the new requests of all containers of a pod."""
    scaler, load, same = context.scaler, context.load, context.replicas
    if scaler is None or load is None or not load.total.values.any() or all(cpu.new is None for cpu in cpus):
        return _Counts(same, same)
    old = sum(cpu.old for cpu in cpus) / 1000
    new = sum(cpu.old if cpu.new is None else cpu.new for cpu in cpus) / 1000
    # With a container that requests none the autoscaler knows no share of the request, and does nothing.
    was = scaling.scale(load, scaler, old) if all(cpu.old for cpu in cpus) else None
    now = scaling.scale(load, scaler, new)
    return _Counts(was.replicas if was else same, now.replicas, was, now)


def _effect(context: _Context, cpu: Change, counts: _Counts) -> AutoscalerEffect | None:
    """What the new request makes of the autoscaler's replicas, where there is one that steers by cpu."""
    hpa, scaler, now = context.targets.autoscaler, context.scaler, counts.now
    if hpa is None or scaler is None or now is None or cpu.new is None:
        return None
    return AutoscalerEffect(
        name=hpa.name,
        minimum=hpa.minimum,
        maximum=hpa.maximum,
        utilization=scaler.utilization,
        replicas_before=counts.was.replicas if counts.was else None,
        replicas=now.replicas,
        most=now.most,
        cpu_before=counts.was.replicas * cpu.old if counts.was else None,
        cpu=now.replicas * cpu.new,
    )


def _together(context: _Context, cpu: Change, memory: Change, asked: _Asked) -> HourlyReplicas | None:
    """Replicas by the hour, where they save clearly more than requests that stay."""
    targets, load = context.targets, context.load
    if asked.rule.strategy != "seasonal" or load is None or cpu.new is None or not _may_scale(targets):
        return None
    total = Samples(load.total.times, load.total.values * load.skew)
    if len(total.times) < FEWEST_SAMPLES or not total.values.any():
        return None
    schedule = try_out(total, asked.rule.zone).best(asked.price, asked.rule.risk)
    size = memory.new if memory.new is not None else memory.old
    gib = (max(size, targets.least.memory) + targets.overhead.memory) / GIB
    beside = targets.overhead.cpu / 1000 + (gib * targets.memory / targets.cpu if targets.cpu else 0.0)
    request, counts = scaling.hourly_replicas(schedule, targets.replicas or 0, beside)
    mean = float((5 * np.mean(counts[0]) + 2 * np.mean(counts[1])) / 7)
    milli = int(np.ceil(round(1000 * request, 6)))
    was = context.replicas * _replica(targets, cpu.old, memory.old) * HOURS_A_MONTH
    found = was - mean * _replica(targets, milli, size) * HOURS_A_MONTH
    if found - (cpu.saved + memory.saved) <= _WORTH_HOURS * was:
        return None
    risk = None if np.isnan(schedule.lately) else schedule.lately
    return HourlyReplicas(request=milli, replicas=(counts[0], counts[1]), risk=risk, saved=found)


def _replica(targets: Targets, cpu: int, memory: int) -> float:
    """US dollars per hour of all that is set aside for a pod with one container of so many milli-cores and bytes."""
    cores = (max(cpu, targets.least.cpu) + targets.overhead.cpu) / 1000
    gib = (max(memory, targets.least.memory) + targets.overhead.memory) / GIB
    return cores * targets.cpu + gib * targets.memory


def _notes(context: _Context, changes: tuple[Change, Change], rule: Rule) -> tuple[str, ...]:
    hpa, notes = context.targets.autoscaler, []
    if changes[0].new is not None and changes[0].risk is None:
        notes.append("less than two days before any day held out: the risk is not known")
    if hpa and context.scaler is None:
        notes.append(f"autoscaler {hpa.name} steers by something else than cpu: replicas are taken as they are")
    if hpa and context.scaler and any(not t.container.cpu for t in context.targets.containers):
        notes.append(f"autoscaler {hpa.name} cannot steer by cpu: a container requests none")
    if hpa and context.scaler and rule.strategy == "vpa":
        notes.append(f"autoscaler {hpa.name} steers by cpu too: VPA does not know of it")
    unstated = [name for name, one in zip(("cpu", "memory"), changes, strict=True) if not one.old and one.new]
    if unstated:
        notes.append(f"requests no {' and no '.join(unstated)} now: what it uses unasked counts as free")
    if context.targets.key.kind == "Job":
        notes.append("the template of a Job cannot be changed: take it over where the Job is made")
    return tuple(notes)
