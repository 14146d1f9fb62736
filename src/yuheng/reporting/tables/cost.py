"""Costs for the terminal: what everything came to, and a row a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.model.fleet_plan import told_instant
from yuheng.model.words import count
from yuheng.reporting.cents import cents
from yuheng.reporting.tables.sheet import Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from yuheng.model.cost import CostRow, Costs

__all__ = ["write_costs"]

_AMOUNTS: Final = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle")
_ROWS_SHOWN: Final = 50
_NONE: Final = "-"
_SMALL: Final = 100.0
_CENTS: Final = 100
_FINER: Final = 10_000
# Of what is shown: less than this is what adding up in another order makes.
_SAME: Final = 1e-3


def write_costs(costs: Costs, console: Console, *, wide: bool = False) -> None:
    """Write costs for people; amounts are rounded so that they add up to what the total is rounded to.

    Args:
        costs: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every row, and columns that are empty, too.
    """
    sheet = Sheet(console, wide=wide)
    rounded = _Rounded.of(costs, wide=wide)
    _write_head(sheet, costs, rounded)
    shown = costs.rows if wide else costs.rows[:_ROWS_SHOWN]
    _write_rows(sheet, costs, shown, rounded)
    sheet.more(len(costs.rows) - len(shown), indent=2)
    if costs.assumptions:
        sheet.heading("What this rests on")
    for assumption in costs.assumptions:
        sheet.line(assumption, label="- ", indent=2)


class _Rounded(NamedTuple):
    """The amounts of all rows, as whole units of what is shown: cents, or hundredths of them.

    Attributes:
        unit: how many of them are one of the currency.
        names: the amounts that are shown.
        parts: of each row, in their order; they add up to its total.
        totals: of each row; they add up to the rounded total.
    """

    unit: int
    names: tuple[str, ...]
    parts: list[list[int]]
    totals: list[int]

    @classmethod
    def of(cls, costs: Costs, *, wide: bool) -> _Rounded:
        """Those of costs; with ``wide`` also the amounts that are nothing."""
        names = tuple(name for name in _AMOUNTS if wide or any(getattr(row, name) for row in costs.rows))
        unit = _CENTS if costs.total >= _SMALL or not costs.total else _FINER
        scale = unit / _CENTS
        totals = cents([row.total * scale for row in costs.rows], (costs.total - costs.hidden) * scale)
        parts = [
            cents([getattr(row, name) * scale for name in names], total / _CENTS)
            for row, total in zip(costs.rows, totals, strict=True)
        ]
        return cls(unit, names, parts, totals)

    def told(self, amount: int) -> str:
        """An amount as people read it."""
        return f"{amount / self.unit:,.{2 if self.unit == _CENTS else 4}f}"

    def sums(self) -> list[int]:
        """Of each amount over all rows, as it is shown."""
        return [sum(column) for column in zip(*self.parts, strict=True)] or [0] * len(self.names)

    def idle(self, costs: Costs) -> str:
        """What is idle: the sum of the column where that is all of it, so that the same amount reads the same."""
        whole = costs.idle * self.unit
        column = dict(zip(self.names, self.sums(), strict=True)).get("idle", 0)
        is_all = abs(sum(row.idle for row in costs.rows) * self.unit - whole) < _SAME
        return self.told(column if is_all else round(whole))


def _write_head(sheet: Sheet, costs: Costs, rounded: _Rounded) -> None:
    sheet.line(
        (f"{_money(costs.total, costs)} {costs.currency}", "bold"),
        f" from {told_instant(costs.start)} to {told_instant(costs.end)} ({costs.hours:,.4g} hours): "
        f"nodes {_money(costs.nodes, costs)}, everything else {_money(max(costs.total - costs.nodes, 0.0), costs)}.",
    )
    share = costs.idle / costs.nodes if costs.nodes else 0.0
    how = {"show": "", "share": ", shared among the groups", "hide": ", in no row"}[costs.idle_mode]
    sheet.line(f"Idle is {rounded.idle(costs)} of that, {share:.1%} of nodes{how}.")


def _write_rows(sheet: Sheet, costs: Costs, rows: Sequence[CostRow], rounded: _Rounded) -> None:
    sheet.heading(f"Cost by {', '.join(costs.by)}, {costs.currency}" + (f", each {costs.every}" if costs.every else ""))
    columns = [
        *([Column("START")] if costs.every else []),
        *(Column(key.upper()) for key in costs.by),
        *(Column(name.upper(), number=True) for name in rounded.names),
        Column("TOTAL", number=True),
        Column("EFFICIENCY", number=True),
    ]
    lines = [
        (
            *([told_instant(row.start) or ""] if costs.every else []),
            *row.group.values(),
            *map(rounded.told, part),
            rounded.told(total),
            _NONE if row.efficiency is None else f"{row.efficiency:.1%}",
        )
        for row, part, total in zip(rows, rounded.parts, rounded.totals, strict=False)
    ]
    blanks = [""] * (len(costs.by) - 1 + bool(costs.every))
    # Of what is shown: cents add up along every row and down every column.
    sums = (*map(rounded.told, rounded.sums()), rounded.told(sum(rounded.totals)))
    lines.append((f"{count(len(costs.rows), 'row')} in all", *blanks, *sums, ""))
    sheet.pages(columns, lines, indent=2)


def _money(amount: float, costs: Costs) -> str:
    """Cents; where everything is a few dollars, hundredths of them."""
    return f"{amount:,.2f}" if costs.total >= _SMALL else f"{amount:,.4f}"
