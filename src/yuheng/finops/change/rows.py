"""Two versions matched, object by object, and what each difference costs.

Replicas follow the demand, within what each version allows. A difference is therefore looked at for every demand `d`:

    increase(d) = within(d, fewest of head, most of head) * replica of head - the same of base

which is straight between the ends of the two ranges, so that its least and its greatest value are at one of those four.
Versions whose ranges are single numbers have a single increase.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from yuheng.finops.change.sides import Key, Priced, Sides, told_together
from yuheng.model.cost_change import Change, ChangeFit, ChangeRates, ChangeRow, ChangeSide, CostChange, CostRange

__all__ = ["compare"]

NOTHING: Final = Priced(ChangeSide(minimum=0, maximum=0, per_month=CostRange(), carbon=CostRange()), 0.0, 0.0)
SAME_DEMAND: Final = (
    "an autoscaled workload runs as many replicas as the demand asks for and the version allows; an increase is taken "
    "at the same demand on both sides, from the least to the greatest there can be"
)


def compare(
    base: Sides,
    head: Sides,
    rates: ChangeRates,
    *,
    names: tuple[str, str],
    fits: tuple[ChangeFit, ...] = (),
    budget: float | None = None,
    assumptions: Iterable[str] = (),
) -> CostChange:
    """The price of going from one version to another.

    Args:
        base: what was.
        head: what is to be.
        rates: what both were priced by.
        names: where the two were read from.
        fits: whether the head fits on clusters.
        budget: US dollars a month that it may cost more; None for no limit.
        assumptions: what is told beside what the versions themselves had to assume.
    """
    moved = _moves(base.items, head.items)
    rows = [row for key in base.items.keys() | head.items.keys() if (row := _row(key, base, head, moved)) is not None]
    shared = base.items.keys() & head.items.keys()
    told = [*assumptions, *told_together(base, head)]
    if any(row.increase is not None and not row.increase.exact for row in rows):
        told.append(SAME_DEMAND)
    return CostChange(
        base=names[0],
        head=names[1],
        rates=rates,
        rows=tuple(sorted(rows, key=_order)),
        unchanged=sum(not _differ(base.items[key], head.items[key]) for key in shared),
        before=_total(item.side.per_month for item in base.items.values()),
        after=_total(item.side.per_month for item in head.items.values()),
        increase=_total(row.increase for row in rows),
        carbon=None if rates.carbon is None else _total(row.carbon for row in rows),
        fits=fits,
        budget=budget,
        assumptions=tuple(dict.fromkeys(told)),
    )


def _moves(base: Mapping[Key, Priced], head: Mapping[Key, Priced]) -> dict[Key, Key]:
    """By their keys in the head, what changed its namespace: the only one of its kind and name on each side."""
    gone, come = (_by_name(one.keys() - other.keys()) for one, other in ((base, head), (head, base)))
    return {keys[0]: gone[name][0] for name, keys in come.items() if len(keys) == 1 and len(gone.get(name, ())) == 1}


def _by_name(keys: Iterable[Key]) -> dict[tuple[str, str], list[Key]]:
    found: dict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in keys:
        found[key.kind, key.name].append(key)
    return found


def _row(key: Key, base: Sides, head: Sides, moved: Mapping[Key, Key]) -> ChangeRow | None:
    """What changes about an object; None where nothing does, or where another row tells it."""
    if key not in head.items and key in moved.values():
        return None
    origin = moved.get(key, key)
    before, after = base.items.get(origin), head.items.get(key)
    if before is not None and after is not None and origin == key and not _differ(before, after):
        return None
    change: Change = "added" if before is None else "removed" if after is None else "changed"
    return ChangeRow(
        kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        change="moved" if origin != key else change,
        moved_from=origin.namespace if origin != key else "",
        before=None if before is None else before.side,
        after=None if after is None else after.side,
        increase=_increase(before or NOTHING, after or NOTHING),
        carbon=_more_carbon(before or NOTHING, after or NOTHING),
    )


def _differ(before: Priced, after: Priced) -> bool:
    return before.side != after.side


def _increase(before: Priced, after: Priced) -> CostRange | None:
    if before.side.per_month is None or after.side.per_month is None:
        return None
    return _over_demands(before, after, before.replica, after.replica)


def _more_carbon(before: Priced, after: Priced) -> CostRange | None:
    if _increase(before, after) is None or before.grams is None or after.grams is None:
        return None
    return _over_demands(before, after, before.grams, after.grams)


def _over_demands(before: Priced, after: Priced, old: float, new: float) -> CostRange:
    """The least and the greatest difference there can be, given what a replica has of something in both versions."""
    (low, high), (least, most) = _bounds(before), _bounds(after)
    # Of what is in one version only, the demand is that version's.
    demands = [d for item in (before, after) if item is not NOTHING for d in _bounds(item)]
    values = [min(max(d, least), most) * new - min(max(d, low), high) * old for d in demands]
    return CostRange(min(values), max(values))


def _bounds(item: Priced) -> tuple[int, int]:
    return item.side.minimum or 0, item.side.maximum or 0


def _total(parts: Iterable[CostRange | None]) -> CostRange:
    return sum((part for part in parts if part is not None), CostRange())


def _order(row: ChangeRow) -> tuple[bool, float, str, str, str]:
    increase = row.increase or CostRange()
    return (row.increase is None, -round(increase.high, 6), row.kind, row.namespace, row.name)
