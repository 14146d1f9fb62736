"""What of a plan rests on less than it seems to.

Service levels rest on latencies that nobody measured, and the price of spot machines on their never being taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from yuheng.model.fleet import FleetWorkload
from yuheng.model.fleet_plan import SpotAdvice, WorkloadPlan
from yuheng.model.requirements import LatencyObjective
from yuheng.placement.decided import Told
from yuheng.placement.standing import Standing

__all__ = ["cautions"]

# Of each kind so many workloads are told.
MOST_TOLD: Final = 20
# An expected cost that is above the plan's by less is told by the advice alone.
NOTICEABLE: Final = 0.01


def cautions(
    decision: Told,
    standing: Standing,
    workloads: Sequence[WorkloadPlan],
    advices: Mapping[str, Mapping[int, SpotAdvice]],
) -> list[str]:
    """One sentence for each workload of which the plan may promise too much.

    Args:
        decision: what was decided.
        standing: where workloads are after it.
        workloads: their plans, as they are told.
        advices: by identity of a workload and spot group, what its machines would have cost as the market was observed.
    """
    levels: list[str] = []
    prices: list[str] = []
    for workload, told in zip(decision.fleet.workloads, workloads, strict=True):
        if not told.replicas and not told.kept:
            continue
        levels += _unmeasured(decision, standing, workload)
        prices += _dearer(standing, workload, told, advices.get(workload.identity, {}))
    return [
        *_cut(levels, "service levels that rest on latencies that are not known"),
        *_cut(prices, "that would cost more on spot machines than they are told at"),
    ]


def _cut(told: list[str], what: str) -> list[str]:
    more = len(told) - MOST_TOLD
    if more <= 0:
        return told
    return [*told[:MOST_TOLD], f"{more:,} more workload{'' if more == 1 else 's'} with {what}"]


def _unmeasured(decision: Told, standing: Standing, workload: FleetWorkload) -> Iterator[str]:
    """Whether a workload answers its users in time only as long as a latency that is not known is small."""
    level = workload.requirements.latency
    if level is None or not level.users:
        return
    network, terrain = decision.network, standing.terrain
    spare: dict[str, float] = {}
    for _, g, _ in standing.where(workload):
        here = terrain.regions[int(terrain.region[g])]
        run = workload.requirements.time_on(*terrain.machines[int(terrain.machine[g])])
        work = run.quantile(level.quantile) / float(terrain.speed[g]) if run is not None else 0.0
        for user in level.users:
            there = network.key_of(user, here)
            if network.latency(there, here) is None:
                pair = f"{there} to {here or 'a cluster without a region'}"
                left = max((level.seconds - work) / 2, 0.0)
                spare[pair] = min(spare.get(pair, left), left)
    if spare:
        pairs = "; ".join(f"{pair}, where {_milliseconds(left)} are allowed" for pair, left in sorted(spare.items()))
        told = f"its service level ({_level(level)}) rests on latencies that are not known and count as 0 s"
        yield f"{workload.key}: {told}: {pairs}"


def _dearer(
    standing: Standing, workload: FleetWorkload, told: WorkloadPlan, advices: Mapping[int, SpotAdvice]
) -> Iterator[str]:
    """Whether the spot machines that were chosen would cost more than is told, as their market was observed."""
    where = standing.where(workload)
    if told.total is None or not where or any(g not in advices for _, g, _ in where):
        return
    mean, low, high = _blended([(some, advices[g]) for _, g, some in where])
    if mean <= told.compute * (1 + NOTICEABLE):
        return
    beside = told.total - told.compute
    other = told.runner_up
    runner_up = ""
    if other is not None and other.total is not None:
        runner_up = f"; the runner-up costs {_money(told.total + other.total)} in {other.cluster} ({other.market})"
    yield (
        f"{workload.key}: its spot machines are told at {_money(told.total)} in all, as if none were ever taken away;"
        f" as their market was observed they would cost {_money(mean + beside)} on average"
        f" ({_money(low + beside)} to {_money(high + beside)}){runner_up}"
    )


def _blended(parts: Sequence[tuple[int, SpotAdvice]]) -> tuple[float, float, float]:
    """What a workload would cost whose pods are on machines of several advices: mean, low and high, by their pods."""
    pods = sum(some for some, _ in parts)
    told = [(some / pods, (one.expected_cost, one.low, one.high)) for some, one in parts]
    mean, low, high = (sum(share * amounts[i] for share, amounts in told) for i in range(3))
    return mean, low, high


def _level(level: LatencyObjective) -> str:
    return f"p{100 * level.quantile:.4g} < {_milliseconds(level.seconds)}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.4g} ms"


def _money(dollars: float) -> str:
    return f"${dollars:,.2f}"
