"""What a cluster cost as one HTML file that needs nothing else: who, how much of it was waste, and how it goes on.

Money is drawn to scale. In the treemap an area is an amount, and of each group the part that was requested and not used
is hatched; idle room of nodes, which is nobody's, is hatched otherwise. Where nothing was measured nothing is hatched,
and the page says so.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.cost import IDLE, CostRow
from yuheng.model.units import HOURS_A_MONTH
from yuheng.reporting.cents import cents
from yuheng.reporting.cost_drawing import Moment, bars, treemap
from yuheng.reporting.cost_wording import MEANINGS, cost_text, group_text, stretch_text, window_text
from yuheng.reporting.fleet_plan_page import FLEET_THEME
from yuheng.reporting.page import asset, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yuheng.model.cost import Costs
    from yuheng.model.cost_trend import CostTrend

__all__ = ["cost_page"]

_STYLE: Final = tuple(
    f"page/{part}.css" for part in ("tokens", "palette", "page", "sections", "lists", "fleet", "cost", "phone")
)
_PAGE: Final = ("page/text.js", "page/cost.js")
_ROWS_SHOWN: Final = 300
_PARTS: Final = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle")


class _Figure(msgspec.Struct, frozen=True):
    """A number of the summary: its title, itself, a note, and whether it is good or a warning."""

    title: str
    text: str
    note: str
    mood: str = ""


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A group in the table.

    Attributes:
        name: in words.
        meaning: of a group that no object has; else empty.
        cells: each part's amount in words, and the amount to sort by.
        used, wasted, other: parts of its bar in percent of the dearest group: nodes' cost but waste, waste, the rest.
    """

    name: str
    meaning: str
    cells: tuple[tuple[str, float], ...]
    total: str
    amount: float
    share: float
    efficiency: float | None
    used: float
    wasted: float
    other: float
    idle: bool


def cost_page(costs: Costs, trend: CostTrend | None = None) -> str:
    """The costs as a self-contained HTML page.

    Args:
        costs: what to show; the same costs always give the same page.
        trend: costs by the day and their forecast; None where they are not told by the day.

    Returns:
        The whole document, to be written as UTF-8.
    """
    rows = _summed(costs.rows)
    parts = [part for part in _PARTS if any(getattr(row, part) > 0 for row in rows)]
    measured = sum(row.measured for row in rows)
    totals = cents([row.total for row in rows], sum(row.total for row in rows))
    return render(
        "cost.html.j2",
        costs=costs,
        window=window_text(costs.start, costs.end),
        figures=list(_figures(costs, rows, trend)),
        maps=treemap(rows, costs.currency, totals),
        parts=parts,
        more=len(rows) - _ROWS_SHOWN,
        **_table(rows, parts, costs, totals),
        hidden=cost_text(costs.hidden, costs.currency) if costs.hidden else "",
        measured=measured > 0,
        efficiency=sum(row.used for row in rows) / measured if measured > 0 else None,
        plots=bars(_moments(costs, trend), costs.every, costs.currency),
        outlook=_outlook(trend, costs.currency),
        style=asset(*_STYLE),
        scripts={"theme": asset(*FLEET_THEME), "page": asset(*_PAGE)},
    )


def _summed(rows: Iterable[CostRow]) -> list[CostRow]:
    """A row for each group over all stretches of time, dearest first, groups that no object has last."""
    amounts = (*_PARTS, "measured", "used")
    sums: dict[tuple[tuple[str, str], ...], list[float]] = {}
    for row in rows:
        known = sums.setdefault(tuple(row.group.items()), [0.0] * len(amounts))
        for i, name in enumerate(amounts):
            known[i] += getattr(row, name)
    found = [CostRow(group=dict(group), **dict(zip(amounts, known, strict=True))) for group, known in sums.items()]
    return sorted(found, key=lambda row: (_is_nobodys(row), -row.total, group_text(row.group)))


def _is_nobodys(row: CostRow) -> bool:
    return bool(row.group) and all(value in MEANINGS for value in row.group.values())


def _figures(costs: Costs, rows: Sequence[CostRow], trend: CostTrend | None) -> Iterator[_Figure]:
    currency, hours = costs.currency, costs.hours
    monthly = costs.total / hours * HOURS_A_MONTH if hours else 0.0
    yield _Figure("In all", cost_text(costs.total, currency), f"at this rate {cost_text(monthly, currency)} a month")
    share = costs.idle / costs.nodes if costs.nodes else 0.0
    mood = "warn" if share >= 0.3 else ""
    yield _Figure(
        "Idle", cost_text(costs.idle, currency), f"{share:.1%} of the nodes' {cost_text(costs.nodes, currency)}", mood
    )
    measured, used = sum(row.measured for row in rows), sum(row.used for row in rows)
    if measured > 0:
        waste = sum(row.waste for row in rows)
        yield _Figure(
            "Waste", cost_text(waste, currency), "requested and not used", "warn" if waste > measured / 2 else ""
        )
        yield _Figure("Efficiency", f"{used / measured:.0%}", "used of what was requested and measured")
    if trend is not None and trend.expected is not None:
        held = "too few days for an interval"
        if trend.low is not None and trend.high is not None:
            held = f"{trend.level:.0%} between {cost_text(trend.low, currency)} and {cost_text(trend.high, currency)}"
        yield _Figure("At the end of the month", cost_text(trend.expected, currency), held)


def _table(rows: Sequence[CostRow], parts: Sequence[str], costs: Costs, totals: Sequence[int]) -> dict[str, object]:
    """The table of groups, in cents that add up along every row and down every column."""
    table = [
        cents([getattr(row, part) for part in parts], total / 100) for row, total in zip(rows, totals, strict=True)
    ]
    dearest = max((row.total for row in rows), default=0.0) or 1.0
    shown = zip(rows[:_ROWS_SHOWN], table, totals, strict=False)
    return {
        "lines": [_line(row, amounts, total, costs, dearest) for row, amounts, total in shown],
        "more_cost": cost_text(sum(totals[_ROWS_SHOWN:]) / 100, costs.currency),
        "sums": [cost_text(sum(column) / 100, costs.currency) for column in zip(*table, strict=True)],
        "whole": cost_text(sum(totals) / 100, costs.currency),
    }


def _line(row: CostRow, amounts: Sequence[int], total: int, costs: Costs, dearest: float) -> _Line:
    waste = min(row.waste, row.total)
    kept = max(row.cpu + row.memory + row.gpu - waste, 0.0)
    scale = 100 / dearest
    return _Line(
        name=group_text(row.group),
        meaning=MEANINGS[next(iter(row.group.values()))][1] if _is_nobodys(row) else "",
        cells=tuple((cost_text(amount / 100, costs.currency), amount / 100) for amount in amounts),
        total=cost_text(total / 100, costs.currency),
        amount=row.total,
        share=row.total / costs.total if costs.total else 0.0,
        efficiency=row.efficiency,
        used=round(kept * scale, 2),
        wasted=round(waste * scale, 2),
        other=round(max(row.total - kept - waste, 0.0) * scale, 2),
        idle=IDLE in row.group.values(),
    )


def _moments(costs: Costs, trend: CostTrend | None) -> list[Moment]:
    """What the plot over time shows: every stretch of the rows, and the days that are to come."""
    if not costs.every:
        return []
    sums: defaultdict[float, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in costs.rows:
        if row.start is not None:
            sums[row.start][0] += row.total
            sums[row.start][1] += row.idle
    past = [Moment(start, cost, idle) for start, (cost, idle) in sorted(sums.items())]
    coming = () if trend is None else trend.coming
    known = past[-1].start if past else 0.0
    return [*past, *(Moment(day.start, day.cost, coming=True) for day in coming if day.start > known)]


def _outlook(trend: CostTrend | None, currency: str) -> str:
    """What the forecast says, in words."""
    if trend is None:
        return ""
    since = stretch_text(trend.month, "day")
    known = f"{cost_text(trend.spent, currency)} on the known days of the month from {since}"
    if trend.expected is None:
        return f"{known}; its first days are not in the window, so that it is not known as a whole"
    ahead = f"{known}; {cost_text(trend.expected, currency)} expected at its end"
    if trend.low is None or trend.high is None:
        return f"{ahead}, of too few days to say how sure that is"
    ends = f"{cost_text(trend.low, currency)} and {cost_text(trend.high, currency)}"
    return f"{ahead}, between {ends} with a probability of {trend.level:.0%}"
