"""Costs as CSV: a row a group, and a stretch of time where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.fleet_plan import told_instant
from yuheng.reporting.rows_csv import rows_csv

if TYPE_CHECKING:
    from yuheng.model.cost import CostRow, Costs

__all__ = ["cost_csv"]

_AMOUNTS: Final = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle")


def cost_csv(costs: Costs) -> str:
    """The rows; idle that is hidden is in none of them."""
    amounts = (f"{name}_cost" for name in _AMOUNTS)
    titles = [*costs.by, "start", "end", "currency", *amounts, "total_cost", "efficiency"]
    return rows_csv(titles, (_cells(costs, row) for row in costs.rows))


def _cells(costs: Costs, row: CostRow) -> list[object]:
    start, end = costs.stretch(row)
    amounts = (round(getattr(row, name), 9) for name in _AMOUNTS)
    return [
        *(row.group[key] for key in costs.by),
        told_instant(start),
        told_instant(end),
        costs.currency,
        *amounts,
        round(row.total, 9),
        None if row.efficiency is None else round(row.efficiency, 6),
    ]
