"""Which column of a table of costs says what: ours, or FOCUS's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["TAGS", "CostColumns", "columns_of"]

# In lower case; the first that a table has counts.
STARTS: Final = ("start", "date", "day", "time", "timestamp", "chargeperiodstart")
ENDS: Final = ("end", "chargeperiodend")
EFFECTIVE: Final = "effectivecost"
COSTS: Final = ("cost", "total", "totalcost", "total_cost", EFFECTIVE, "billedcost")
CURRENCIES: Final = ("currency", "billingcurrency")
# FOCUS keeps the tags of a resource in one cell, as JSON.
TAGS: Final = "tags"
LABEL: Final = "label:"
EXPECTED: Final = (
    "a table of costs: a time (start, date or ChargePeriodStart) and a cost (cost, total or EffectiveCost)"
)


class CostColumns(NamedTuple):
    """Positions of columns.

    Attributes:
        start, cost: of the time and the amount.
        end, currency, tags: None where the table has none.
        billed, charge: of a bill in FOCUS: what was billed, and for what; None where the table has none.
        groups: by the key of a group, as budgets call it.
    """

    start: int
    cost: int
    end: int | None
    currency: int | None
    tags: int | None
    groups: dict[str, int]
    billed: int | None = None
    charge: int | None = None


def columns_of(names: Sequence[str], keys: Iterable[str], source: str) -> CostColumns:
    """Find the columns.

    Args:
        names: of the columns of the table.
        keys: of groups that somebody asks for.
        source: the file.

    Raises:
        InputError: there is no time, no cost, or no column of a key.
    """
    places = {name.strip().lower(): index for index, name in enumerate(names)}
    start, cost = _first(places, STARTS), _first(places, COSTS)
    if start is None or cost is None:
        raise InputError(f"the columns {', '.join(names)}"[:300], EXPECTED, source=source)
    tags = places.get(TAGS)
    groups = {}
    for key in sorted(keys):
        if key.lower() in places:
            groups[key] = places[key.lower()]
        elif not (key.startswith(LABEL) and tags is not None):
            expected = f"the column {key}, which a budget selects by"
            raise InputError(f"the columns {', '.join(names)}"[:300], expected, source=source)
    found = CostColumns(start, cost, _first(places, ENDS), _first(places, CURRENCIES), tags, groups)
    is_bill = names[cost].strip().lower() == EFFECTIVE
    return found._replace(billed=places.get("billedcost"), charge=places.get("chargecategory")) if is_bill else found


def _first(places: dict[str, int], names: Sequence[str]) -> int | None:
    return next((places[name] for name in names if name in places), None)
