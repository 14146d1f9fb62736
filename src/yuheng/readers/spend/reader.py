"""`read_spend`: tables and documents of costs, as one `Spend`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from yuheng.errors import InputError
from yuheng.model.spend import Spend
from yuheng.model.units import DAY, HOUR
from yuheng.readers.fleet.values import parse_time
from yuheng.readers.sources.files import check_once, contents
from yuheng.readers.spend.tables import CostRow, cost_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.readers.fleet.exchange import Exchange

__all__ = ["read_spend", "spend_of_rows"]

_DOCUMENTS: Final = (".json", ".json.gz")
_STEPS: Final = {"hour": HOUR, "day": DAY}


class _Row(msgspec.Struct, rename="camel"):
    """A row of a document of costs."""

    group: dict[str, str]
    total_cost: float
    start: str | None = None


class _Window(msgspec.Struct):
    """Its window."""

    start: str
    end: str


class _Document(msgspec.Struct):
    """What ``yuheng cost -o json`` prints, as far as it matters here."""

    kind: str
    currency: str
    window: _Window
    rows: list[_Row]
    every: str | None = None


def read_spend(paths: Sequence[Path], keys: Iterable[str], exchange: Exchange) -> Spend:
    """Read costs over time.

    Args:
        paths: tables in CSV or Parquet with a column for the time, one for the cost and one for each key of groups,
            among them FOCUS; or documents of ``yuheng cost --every hour|day -o json``.
        keys: of groups that somebody asks for.
        exchange: rates of currencies.

    Raises:
        InputError: a file holds no costs over time, or none by one of the keys; or no rate of a currency is known.
        NotFoundError: a path does not exist.
    """
    check_once(paths, "each file of costs once")
    wanted = tuple(keys)
    rows: list[CostRow] = []
    notes: list[str] = []
    for path in paths:
        if path.name.lower().endswith(_DOCUMENTS):
            found = _document(path, wanted, exchange)
            told: list[str] = []
        else:
            found, told = cost_table(path, wanted, exchange)
        rows += found
        notes += told
    if not rows:
        raise InputError("no costs", "rows with a time and a cost", source=", ".join(map(str, paths)))
    return spend_of_rows(rows, notes)


def spend_of_rows(rows: Sequence[CostRow], notes: Sequence[str] = ()) -> Spend:
    """Costs on one grid: of hours where all of them are told by the hour, else of days.

    What is told for longer (a commitment, a month's fee) is spread evenly over its days.

    Args:
        rows: at least one.
        notes: what they rest on.
    """
    is_hourly = all(row.end is None or row.end - row.start <= HOUR for row in rows) and any(
        row.start % DAY >= HOUR for row in rows
    )
    step = HOUR if is_hourly else DAY
    sums: defaultdict[tuple[tuple[tuple[str, str], ...], float], float] = defaultdict(float)
    for row in rows:
        for start, share in _stretches(row, step):
            sums[row.group, start] += row.cost * share
    short = [row for row in rows if row.end is None or row.end - row.start <= DAY] or rows
    # A day that is told in part ends there: what comes after it is forecast.
    end = max(row.end if row.end is not None and row.end > row.start else row.start + step for row in short)
    groups = {group: number for number, group in enumerate(dict.fromkeys(group for group, _ in sums))}
    return Spend(
        groups=tuple(dict(group) for group in groups),
        who=np.array([groups[group] for group, _ in sums], dtype=np.int64),
        start=np.array([start for _, start in sums]),
        cost=np.array(list(sums.values())),
        step=step,
        end=end,
        notes=tuple(notes),
    )


def _stretches(row: CostRow, step: float) -> list[tuple[float, float]]:
    """The stretches that a row is spread over: when each begins, and its share of the cost."""
    first = row.start // step * step
    if row.end is None or row.end <= first + step:
        return [(first, 1.0)]
    starts = np.arange(first, row.end, step)
    parts = np.minimum(starts + step, row.end) - np.maximum(starts, row.start)
    return [(float(start), float(part / parts.sum())) for start, part in zip(starts, parts, strict=True)]


def _document(path: Path, keys: Sequence[str], exchange: Exchange) -> list[CostRow]:
    source = str(path)
    (content,) = contents(path)
    expected = "what `yuheng cost --every day -o json` prints"
    try:
        found = msgspec.json.decode(content.data, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"another document ({error})", expected, source=source) from error
    if found.kind != "Cost":
        raise InputError(f"kind {found.kind}", expected, source=source)
    if found.every not in _STEPS:
        told = f"costs for every {found.every}" if found.every else "costs for the whole window"
        raise InputError(told, "costs for every hour or day (--every)", source=source)
    rate, step = exchange.rate(found.currency), _STEPS[found.every]
    last = parse_time(found.window.end)
    rows = []
    for row in found.rows:
        _check(row.group, keys, source)
        start = parse_time(row.start or found.window.start)
        end = min(start // step * step + step, last)
        rows.append(CostRow(start, end, tuple(sorted(row.group.items())), row.total_cost * rate))
    return rows


def _check(group: Mapping[str, str], keys: Sequence[str], source: str) -> None:
    missing = next((key for key in keys if key not in group), None)
    if missing is not None:
        found = f"costs by {', '.join(group) or 'nothing'}"
        raise InputError(found, f"costs by {missing} as well, which a budget selects by", source=source)
