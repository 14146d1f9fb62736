"""Advice on requests for the terminal: what saves most first, old to new, money and minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.rightsizing import MINUTES_A_MONTH
from yuheng.model.words import count
from yuheng.reporting.fleet_wording import day_text, money_text
from yuheng.reporting.rightsizing_facts import change_text, headline, minutes_text, reasons, request_text
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from yuheng.model.rightsizing import Change, ContainerAdvice, Rightsizing

__all__ = ["write_rightsizing"]

_COLUMNS: Final = (
    Column("WORKLOAD"),
    Column("CONTAINER"),
    Column("REPLICAS", number=True),
    Column("CPU", number=True),
    Column("MEMORY", number=True),
    Column("$/MONTH SAVED", number=True),
    Column("MIN/MONTH ABOVE", number=True),
)
_WIDE: Final = (
    *_COLUMNS,
    Column("CPU LIMIT", number=True),
    Column("MEMORY LIMIT", number=True),
    Column("CPU P95", number=True),
    Column("CPU PEAK", number=True),
    Column("MEMORY PEAK", number=True),
    Column("MEMORY MIN ABOVE", number=True),
    Column("DAYS", number=True),
    Column("BY THE HOUR", number=True),
    Column("$ BY THE HOUR", number=True),
    Column("WHY"),
)
_HOURS: Final = (
    Column("WORKLOAD"),
    Column("CONTAINER"),
    Column("PATTERN"),
    Column("CPU MEAN", number=True),
    Column("CPU MOST", number=True),
    Column("CPU $/MONTH SAVED", number=True),
    Column("MIN/MONTH ABOVE", number=True),
)
_ROWS_SHOWN: Final = 50
_NONE: Final = "-"


def write_rightsizing(result: Rightsizing, console: Console, *, wide: bool = False) -> None:
    """Write advice for people.

    Args:
        result: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every container on a line with all there is.
    """
    sheet = Sheet(console, wide=wide)
    _write_head(sheet, result)
    shown = result.containers if wide else result.containers[:_ROWS_SHOWN]
    if shown:
        sheet.line()
        arrow = sheet.sign("→", "->")
        sheet.table(
            _WIDE if wide else _COLUMNS, [_row(row, arrow, wide=wide) for row in shown], indent=0 if wide else 2
        )
        sheet.more(len(result.containers) - len(shown), indent=2)
    if not wide:
        _write_hours(sheet, [row for row in result.containers if row.hours])
        _write_together(sheet, [row for row in result.containers if row.together])
        _write_reasons(sheet, shown)
    sheet.heading("Assumed")
    for text in result.assumptions:
        sheet.line(text, label="- ", indent=2)
    sheet.warnings(result.warnings)


def _write_head(sheet: Sheet, result: Rightsizing) -> None:
    changed, risk = headline(result)
    price = "" if result.price is None else f" at price {number_text(result.price)}"
    sheet.line(("Rightsizing", "bold"), f" by {result.strategy}{price}: {changed}.")
    by_hours = ""
    if any(row.hours for row in result.containers):
        by_hours = f", {money_text(result.saved_by_hours)} with cpu by the hour"
    sheet.line(f"Saves {money_text(result.saved)} a month{by_hours}; {risk}.")
    if result.start is not None:
        sheet.line(f"Usage from {day_text(result.start)} to {day_text(result.end)} UTC.")


def _row(row: ContainerAdvice, arrow: str, *, wide: bool) -> tuple[str, ...]:
    cells = (
        row.key,
        row.container + (" (sidecar)" if row.sidecar else ""),
        number_text(round(row.replicas, 1)),
        change_text("cpu", row.cpu, arrow),
        change_text("memory", row.memory, arrow),
        money_text(row.saved),
        minutes_text(row.cpu.minutes) if row.cpu.new is not None else _NONE,
    )
    if not wide:
        return cells
    cpu, memory = row.cpu.usage, row.memory.usage
    return (
        *cells,
        _limit("cpu", row.cpu, arrow),
        _limit("memory", row.memory, arrow),
        request_text("cpu", round(cpu.p95)) if cpu else _NONE,
        request_text("cpu", round(cpu.peak)) if cpu else _NONE,
        request_text("memory", round(memory.peak)) if memory else _NONE,
        minutes_text(row.memory.minutes) if row.memory.new is not None else _NONE,
        number_text(round(row.days, 1)),
        f"{request_text('cpu', round(row.hours.mean))}..{request_text('cpu', row.hours.most)}" if row.hours else _NONE,
        money_text(row.hours.saved) if row.hours else _NONE,
        "; ".join(reasons(row)) or _NONE,
    )


def _limit(resource: str, change: Change, arrow: str) -> str:
    old = request_text(resource, change.old_limit or 0)
    if change.new_limit == change.old_limit:
        return old
    return f"{old} {arrow} {request_text(resource, change.new_limit or 0)}"


def _write_hours(sheet: Sheet, rows: Sequence[ContainerAdvice]) -> None:
    if not rows:
        return
    shown = rows[:_ROWS_SHOWN]
    sheet.heading(f"CPU by the hour, resized in place: {count(len(rows), 'container')} (-o hours)")
    cells = [
        (
            row.key,
            row.container,
            row.hours.pattern,
            request_text("cpu", round(row.hours.mean)),
            request_text("cpu", row.hours.most),
            money_text(row.hours.saved),
            minutes_text(None if row.hours.risk is None else row.hours.risk * MINUTES_A_MONTH),
        )
        for row in shown
        if row.hours
    ]
    sheet.table(_HOURS, cells, indent=2)
    sheet.more(len(rows) - len(shown), indent=2)


def _write_together(sheet: Sheet, rows: Sequence[ContainerAdvice]) -> None:
    """Replicas by the hour, where nothing scales a workload yet."""
    if not rows:
        return
    sheet.heading(f"Request and replicas together: {count(len(rows), 'workload')} that nothing scales yet")
    for row in rows[:_ROWS_SHOWN]:
        if row.together:
            counts = [number for part in row.together.replicas for number in part]
            sheet.line(
                f"{min(counts)} to {max(counts)} replicas of {request_text('cpu', row.together.request)} by the hour "
                f"instead of {number_text(row.replicas)}: saves {money_text(row.together.saved)} a month",
                label=f"{row.key} {row.container}: ",
                indent=2,
            )
    sheet.more(len(rows) - _ROWS_SHOWN, indent=2)


def _write_reasons(sheet: Sheet, rows: Sequence[ContainerAdvice]) -> None:
    told = [(row, texts) for row in rows if (texts := reasons(row))]
    if not told:
        return
    sheet.heading("Why")
    for row, texts in told:
        sheet.line("; ".join(texts), label=f"{row.key} {row.container}: ", indent=2)
