"""How reports word the price of a change: what differs about an object, ranges of money, room on clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.units import HOURS_A_MONTH
from yuheng.model.words import count
from yuheng.reporting.fleet_wording import NONE, carbon_text, money_text
from yuheng.reporting.wording import amount_text, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from yuheng.model.cost_change import ChangeFit, ChangeRates, ChangeRow, ChangeSide, CostChange, CostRange

__all__ = [
    "budget_text",
    "carbon_range_text",
    "differences",
    "fit_text",
    "increase_text",
    "object_text",
    "range_text",
    "rates_text",
    "side_money_text",
]

SERVICE: Final = "Service"
CLAIM: Final = "PersistentVolumeClaim"
EVERY_NODE: Final = "one a node"


def object_text(row: ChangeRow) -> str:
    """``Deployment shop/web``."""
    return f"{row.kind} {row.key}"


def increase_text(increase: CostRange | None) -> str:
    """A difference a month: ``+$12.00``, ``-$3.00 to +$40.00``; a dash where it is not known."""
    return _range(increase, _more_money)


def range_text(found: CostRange) -> str:
    """US dollars a month: ``$12.00``, ``$12.00 to $40.00``."""
    return _range(found, _money)


def side_money_text(side: ChangeSide | None) -> str:
    """What an object costs a month in one version; of a job, what an hour of a run costs."""
    if side is None:
        return NONE
    if side.per_month is None:
        return f"{money_text(side.per_hour)}/h {'a node' if side.minimum is None else 'of a run'}"
    return _range(side.per_month, _money)


def carbon_range_text(carbon: CostRange | None) -> str:
    """A difference of grams of CO2 equivalent a month, with its sign; a dash where it is not known."""
    return _range(carbon, _more_carbon)


def differences(row: ChangeRow, arrow: str = "→") -> str:
    """What differs about an object, or what it is where it is in one version only.

    Args:
        row: the object.
        arrow: what stands between before and after.
    """
    before, after = row.before, row.after
    if before is None or after is None:
        side = after or before
        return "" if side is None else _shape(row.kind, side)
    parts = [f"from namespace {row.moved_from}"] if row.moved_from else []
    parts += [f"{name} {old} {arrow} {new}" for name, old, new in _facts(before, after) if old != new]
    return ", ".join(parts)


def fit_text(fit: ChangeFit) -> str:
    """Whether the head fits on a cluster, as a sentence."""
    if not fit.fits:
        unplaced = sum(item.pods for item in fit.refused)
        beside = f", with {_more_nodes(fit)} added" if fit.more else ""
        return f"{count(unplaced, 'pod')} of {fit.pods + fit.kept:,} find no place{beside}"
    if fit.more:
        return f"fits with {_more_nodes(fit)}"
    return f"fits on the {count(fit.nodes, 'node')} there {'is' if fit.nodes == 1 else 'are'}"


def budget_text(change: CostChange) -> str:
    """Whether the change keeps to its budget, as a sentence; nothing where there is none."""
    if change.budget is None:
        return ""
    verb = "passes" if change.over_budget else "keeps to"
    return f"{verb} the budget of {money_text(change.budget)} a month more"


def rates_text(rates: ChangeRates) -> str:
    """What resources cost, in a sentence."""
    compute = rates.compute
    classes = "".join(f"{money_text(price)} of {name}, " for name, price in sorted(rates.classes.items()))
    text = (
        f"{rates.source}: {money_text(compute.cpu)} a core and hour, {money_text(compute.memory)} a GiB and hour, "
        f"{money_text(compute.gpu)} a GPU and hour; storage {money_text(rates.storage)} a GiB and month, "
        f"{classes}load balancers {money_text(rates.balancer)} an hour; a month has {HOURS_A_MONTH:g} hours"
    )
    return text if rates.carbon is None else f"{text}; {number_text(rates.carbon)} g of CO2 equivalent a kWh"


def _range(found: CostRange | None, worded: Callable[[float], str]) -> str:
    if found is None:
        return NONE
    low, high = worded(found.low), worded(found.high)
    return low if low == high else f"{low} to {high}"


def _money(amount: float) -> str:
    """US dollars to the cent: what is less than half of one is nothing in a month's bill."""
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}" if abs(amount) >= 0.005 else "$0"


def _more_money(amount: float) -> str:
    text = _money(amount)
    return f"+{text}" if amount > 0 and text != "$0" else text


def _more_carbon(grams: float) -> str:
    text = carbon_text(grams)
    return f"+{text}" if grams > 0 and not text.startswith("0 ") else text


def _shape(kind: str, side: ChangeSide) -> str:
    """What an object of one version is."""
    if kind == SERVICE:
        return "load balancer"
    if kind == CLAIM:
        return f"{amount_text('memory', side.storage)}{f' of {side.storage_class}' if side.storage_class else ''}"
    needs = [f"{name} {text}" for name, text in _needs(side) if text != "0"]
    return f"{_replicas(side)} x {', '.join(needs) if needs else 'nothing requested'}"


def _facts(before: ChangeSide, after: ChangeSide) -> Iterator[tuple[str, str, str]]:
    """What is told of an object, in both versions."""
    yield "replicas", _replicas(before), _replicas(after)
    for (name, old), (_, new) in zip(_needs(before), _needs(after), strict=True):
        yield name, old, new
    yield "class", before.storage_class or "default", after.storage_class or "default"
    yield "autoscaler", before.scaled or "none", after.scaled or "none"


def _needs(side: ChangeSide) -> Iterator[tuple[str, str]]:
    yield "cpu", amount_text("cpu", side.cpu)
    yield "memory", amount_text("memory", side.memory)
    yield "GPUs", number_text(side.gpus)
    yield "storage", amount_text("memory", side.storage)


def _replicas(side: ChangeSide) -> str:
    if side.minimum is None or side.maximum is None:
        return EVERY_NODE
    return f"{side.minimum:,}" if side.minimum == side.maximum else f"{side.minimum:,} to {side.maximum:,}"


def _more_nodes(fit: ChangeFit) -> str:
    """``2 more m5.large ($140.16 a month)``, kinds joined."""
    return " and ".join(
        f"{item.nodes:,} more {item.like} "
        f"({'of unknown price' if item.per_month is None else f'{_money(item.per_month)} a month'})"
        for item in fit.more
    )
