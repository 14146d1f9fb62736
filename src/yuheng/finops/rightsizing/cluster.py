"""All workloads of a cluster together: one price for all of them, what saves most first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, Protocol

import numpy as np

from yuheng.finops.rightsizing import vpa
from yuheng.finops.rightsizing.advising import Prepared, advise, cpu_of, prepare
from yuheng.finops.rightsizing.held_out import held_out_risk
from yuheng.finops.rightsizing.seasonal import PRICE, Trials, price_within
from yuheng.finops.rightsizing.sizing import FEWEST_SAMPLES, Rule
from yuheng.finops.rightsizing.targets import find_targets
from yuheng.model.estate import Estate
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import DEFAULT_RATES
from yuheng.model.rightsizing import ContainerAdvice, Rightsizing
from yuheng.model.units import HOURS_A_MONTH
from yuheng.model.usage_matrices import UsageMatrices

__all__ = ["Each", "fleet_price", "rightsize"]

DEFAULT_RULE: Final = Rule()
BUDGET: Final = 0.7
"""Of the minutes above request that VPA would have had on the same days: backtests are better than what follows."""
ASKED: Final = 500
"""Containers that the price is found on, evenly chosen."""


class Each(Protocol):
    """`map`, or that of a thread pool: kernels run without the lock."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]:
        """The results, in the order of the items."""
        ...


def rightsize(
    estate: Estate, usage: UsageMatrices, prices: Sequence[NodePrice] = (), rule: Rule = DEFAULT_RULE, each: Each = map
) -> Rightsizing:
    """What every container of a cluster should request.

    Args:
        estate: what there is.
        usage: what was used.
        prices: of the nodes; none for default rates.
        rule: what was asked for.
        each: applies a function to many, in order.
    """
    targets, strangers = find_targets(estate, usage.names, prices)
    prepared: list[Prepared] = list(each(partial(prepare, usage=usage, rule=rule), targets))
    price = _price(prepared, usage, rule)
    found: Iterable[list[ContainerAdvice]] = each(partial(advise, usage=usage, rule=rule, price=price), prepared)
    rows = sorted((row for rows in found for row in rows), key=_order)
    return Rightsizing(
        strategy=rule.strategy,
        price=price if rule.strategy == "seasonal" else None,
        risk=None if rule.risk >= 1.0 else rule.risk,
        limits=rule.limits,
        zone=rule.zone_name,
        start=float(usage.times[0]) if len(usage.times) else None,
        end=float(usage.times[-1]) if len(usage.times) else None,
        containers=tuple(rows),
        assumptions=tuple(_assumptions(usage, prices, rule, price)),
        warnings=tuple(_warnings(rows, strangers)),
    )


def _order(row: ContainerAdvice) -> tuple[float, str, str, str, str]:
    return (-round(row.saved, 6), row.namespace, row.workload, row.kind, row.container)


def _price(prepared: Sequence[Prepared], usage: UsageMatrices, rule: Rule) -> float:
    if rule.price is not None or rule.strategy != "seasonal":
        return rule.price or PRICE
    tried = [
        (trials, target)
        for item in prepared
        for trials, target in zip(item.trials, item.targets.containers, strict=True)
        if trials is not None and trials.asked.size
    ]
    chosen = tried[:: max(1, -(-len(tried) // ASKED))]
    risks = [held_out_risk(cpu_of(target, usage), _vpa_cpu, every=True) or 0.0 for _, target in chosen]
    return fleet_price([trials for trials, _ in chosen], risks, rule.risk)


def _vpa_cpu(pods: Sequence[Any]) -> float:
    return vpa.cpu(pods, 0.0).target


def fleet_price(trials: Sequence[Trials], risks: Sequence[float], risk: float = 1.0) -> float:
    """The price of a minute above request, for containers together: 3, or what keeps them clearly below VPA's minutes.

    Args:
        trials: of each container.
        risks: the share of held-out time above VPA's request, of each.
        risk: the largest share for a single container.
    """
    if not trials:
        return PRICE
    return max(PRICE, price_within(trials, BUDGET * float(np.mean(risks)), risk))


def _assumptions(usage: UsageMatrices, prices: Sequence[NodePrice], rule: Rule, price: float) -> Iterable[str]:
    yield f"a month is {HOURS_A_MONTH:g} hours; what is requested is paid for, whether or not a node goes away"
    unpriced = sum(node.price is None for node in prices)
    if not prices:
        yield f"no node has a price: ${DEFAULT_RATES.cpu} per core-hour, ${DEFAULT_RATES.memory} per GiB-hour"
    elif unpriced:
        yield f"{unpriced} of {len(prices)} nodes have no price of their own: default rates count there"
    yield "minutes above are those of the last week, with requests from what was known before it: no promise"
    if usage.step > usage.finest:
        yield f"samples are {usage.finest:g} s apart, cells {usage.step:g} s: the highest of a cell counts"
    if rule.strategy == "seasonal":
        yield f"a minute above request is worth {price:.3g} minutes of the container's peak; hours are {rule.zone_name}"


def _warnings(rows: Sequence[ContainerAdvice], strangers: int) -> Iterable[str]:
    if strangers:
        yield f"usage of {strangers:,} containers belongs to no workload of the input: it is left out"
    blind = sum(row.cpu.usage is None and row.memory.usage is None and not row.pods for row in rows)
    if blind:
        yield f"{blind:,} containers have no usage: they are left as they are"
    short = sum(row.pods > 0 and row.cpu.new is None and "at least" in row.cpu.why for row in rows)
    if short:
        yield f"{short:,} containers have fewer than {FEWEST_SAMPLES} samples: they are left as they are"
