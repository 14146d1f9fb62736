"""Costs for the terminal: what everything came to, and a row a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.fleet_plan import told_instant
from yuheng.reporting.cents import cents
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from yuheng.model.cost import CostRow, Costs

__all__ = ["write_costs"]

_AMOUNTS: Final = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle")
_ROWS_SHOWN: Final = 50
_NONE: Final = "-"
_SMALL: Final = 100.0
_FINER: Final = 10_000.0


def write_costs(costs: Costs, console: Console, *, wide: bool = False) -> None:
    """Write costs for people; amounts are rounded so that they add up to what the total is rounded to.

    Args:
        costs: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every row, and columns that are empty, too.
    """
    sheet = Sheet(console, wide=wide)
    _write_head(sheet, costs)
    shown = costs.rows if wide else costs.rows[:_ROWS_SHOWN]
    _write_rows(sheet, costs, shown)
    sheet.more(len(costs.rows) - len(shown), indent=2)
    if costs.assumptions:
        sheet.heading("What this rests on")
    for assumption in costs.assumptions:
        sheet.line(assumption, label="- ", indent=2)


def _write_head(sheet: Sheet, costs: Costs) -> None:
    sheet.line(
        (f"{_money(costs.total, costs)} {costs.currency}", "bold"),
        f" from {told_instant(costs.start)} to {told_instant(costs.end)} ({costs.hours:,.4g} hours): "
        f"nodes {_money(costs.nodes, costs)}, everything else {_money(max(costs.total - costs.nodes, 0.0), costs)}.",
    )
    share = costs.idle / costs.nodes if costs.nodes else 0.0
    how = {"show": "", "share": ", shared among the groups", "hide": ", in no row"}[costs.idle_mode]
    sheet.line(f"Idle is {_money(costs.idle, costs)} of that, {share:.1%} of nodes{how}.")


def _write_rows(sheet: Sheet, costs: Costs, rows: Sequence[CostRow]) -> None:
    sheet.heading(f"Cost by {', '.join(costs.by)}, {costs.currency}" + (f", each {costs.every}" if costs.every else ""))
    amounts = [name for name in _AMOUNTS if sheet.wide or any(getattr(row, name) for row in costs.rows)]
    scale = 100 if costs.total >= _SMALL or not costs.total else _FINER
    totals = cents([row.total * scale / 100 for row in costs.rows], (costs.total - costs.hidden) * scale / 100)
    parts = [
        cents([getattr(row, name) * scale / 100 for name in amounts], total / 100)
        for row, total in zip(costs.rows, totals, strict=True)
    ]
    places = 2 if scale == 100 else 4
    columns = [
        *([Column("START")] if costs.every else []),
        *(Column(key.upper()) for key in costs.by),
        *(Column(name.upper(), number=True) for name in amounts),
        Column("TOTAL", number=True),
        Column("EFFICIENCY", number=True),
    ]
    lines = [
        (
            *([told_instant(row.start) or ""] if costs.every else []),
            *row.group.values(),
            *(f"{amount / scale:,.{places}f}" for amount in part),
            f"{total / scale:,.{places}f}",
            _NONE if row.efficiency is None else f"{row.efficiency:.1%}",
        )
        for row, part, total in zip(rows, parts, totals, strict=False)
    ]
    whole = sum(totals) / scale
    blanks = [""] * (len(costs.by) - 1 + bool(costs.every))
    # Of what is shown: cents add up along every row and down every column.
    sums = (f"{sum(part[i] for part in parts) / scale:,.{places}f}" for i in range(len(amounts)))
    lines.append((f"{count(len(costs.rows), 'row')} in all", *blanks, *sums, f"{whole:,.{places}f}", ""))
    sheet.pages(columns, lines, indent=2)


def _money(amount: float, costs: Costs) -> str:
    """Cents; where everything is a few dollars, hundredths of them."""
    return f"{amount:,.2f}" if costs.total >= _SMALL else f"{amount:,.4f}"
