"""What to reserve, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import number_text, percent

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.commitments import Commitments, ReservationPlan, Reserved

__all__ = ["write_commitments"]

_PLANS: Final = (
    Column("TERM"),
    Column("COMMITTED $/HOUR", number=True),
    Column("$/MONTH NOW", number=True),
    Column("$/MONTH THEN", number=True),
    Column("SAVED", number=True),
    Column("COVERED", number=True),
    Column("USED", number=True),
    Column("SAVED AT -10%", number=True),
    Column("SAVED AT -20%", number=True),
)
_RESERVED: Final = (
    Column("REGION"),
    Column("FAMILY"),
    Column("RESERVE", number=True),
    Column("OF DEMAND", number=True),
    Column("BREAK-EVEN", number=True),
    Column("COVERED", number=True),
    Column("USED", number=True),
    Column("$/MONTH NOW", number=True),
    Column("$/MONTH THEN", number=True),
    Column("SAVED", number=True),
)
_SHOWN: Final = 20


def write_commitments(found: Commitments, console: Console, *, wide: bool = False) -> None:
    """Write what to reserve for people.

    Args:
        found: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every family, those of which nothing is worth reserving too.
    """
    sheet = Sheet(console, wide=wide)
    sheet.line(("Reservations", "bold"), f" for {number_text(found.hours)} hours of demand, by family and region.")
    sheet.line()
    sheet.table(_PLANS, [_plan_row(plan) for plan in found.plans], indent=2)
    for plan in found.plans:
        rows = [one for one in found.reservations if one.term == plan.term and (wide or one.amount)]
        if rows:
            sheet.heading(f"Reserve for {plan.term} ({rows[0].source})")
            shown = rows if wide else rows[:_SHOWN]
            sheet.table(_RESERVED, [_row(one) for one in shown], indent=2)
            sheet.more(len(rows) - len(shown), indent=2)
    sheet.warnings(found.warnings)


def _plan_row(plan: ReservationPlan) -> tuple[str, ...]:
    return (
        plan.term,
        f"{plan.per_hour:,.4f}",
        f"{plan.before:,.2f}",
        f"{plan.after:,.2f}",
        percent(plan.saving),
        percent(plan.coverage),
        percent(plan.utilization),
        *(percent(fall.saving) for fall in plan.falls),
    )


def _row(one: Reserved) -> tuple[str, ...]:
    demand = f"{number_text(one.lowest)} to {number_text(one.highest)}"
    unit = one.unit if one.amount == 1 else f"{one.unit}s"
    return (
        one.region or "-",
        one.family,
        f"{number_text(one.amount)} {unit}",
        demand,
        percent(one.break_even),
        percent(one.coverage),
        percent(one.utilization),
        f"{one.before:,.2f}",
        f"{one.after:,.2f}",
        percent(one.saving),
    )
