"""A consolidation for the terminal: the steps, the evictions of each, and why the other nodes stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.consolidation_wording import bound_text, headline, rounds_of
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import month_text, share_text

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.consolidation import Consolidation, Step

__all__ = ["write_consolidation"]

_STEPS: Final = (
    Column("STEP", number=True),
    Column("NODE"),
    Column("TYPE"),
    Column("$/MONTH", number=True),
    Column("SCORE", number=True),
    Column("EVICTIONS", number=True),
    Column("PODS"),
)
_EVICTIONS: Final = (Column("STEP", number=True), Column("ROUND", number=True), Column("POD"), Column("GOES TO"))
_STAYS: Final = (Column("NODE"), Column("$/MONTH", number=True), Column("WHY IT STAYS"))
_STEPS_SHOWN: Final = 20
_PODS_SHOWN: Final = 2
_STAYS_SHOWN: Final = 10


def write_consolidation(result: Consolidation, console: Console, *, wide: bool = False) -> None:
    """Write a consolidation for people.

    Args:
        result: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every step, every eviction and every node that stays.
    """
    sheet = Sheet(console, wide=wide)
    _write_summary(sheet, result)
    _write_steps(sheet, result)
    if wide and any(step.evictions for step in result.steps):
        sheet.heading("Evictions")
        sheet.table(
            _EVICTIONS,
            [
                (f"{number}", f"{one.round}", one.pod, one.node)
                for number, step in enumerate(result.steps, 1)
                for one in step.evictions
            ],
            indent=2,
        )
    _write_stays(sheet, result)
    if result.unplaced:
        sheet.heading(f"{count(len(result.unplaced), 'pod')} waiting without a place, before and after")
        shown = result.unplaced if wide else result.unplaced[:_STAYS_SHOWN]
        for pod in shown:
            sheet.line(pod, indent=2)
        sheet.more(len(result.unplaced) - len(shown), indent=2)
    sheet.heading("What this rests on")
    for sentence in result.assumptions:
        sheet.line(sentence, label="- ", indent=2)
    sheet.warnings(result.warnings)


def _write_summary(sheet: Sheet, result: Consolidation) -> None:
    sheet.line(
        (headline(result), "bold"),
        f": ${month_text(result.saved)} a month saved, policy {result.policy}, k = {result.k:g}.",
    )
    sheet.line(f"${month_text(result.per_hour)} a month for {count(result.nodes, 'node')}", label="before  ")
    sheet.line(f"${month_text(result.after)} a month for {count(result.nodes_after, 'node')}", label="after   ")
    gap = f"gap {share_text(result.gap)}"
    sheet.line(f"${month_text(result.bound)} a month: {bound_text(result)} ({gap})", label="bound   ")
    evictions = sum(len(step.evictions) for step in result.steps)
    if result.steps:
        sheet.line(f"{count(evictions, 'pod')} evicted, in {count(rounds_of(result), 'round')}", label="moves   ")


def _write_steps(sheet: Sheet, result: Consolidation) -> None:
    if not result.steps:
        return
    sheet.heading("Steps: cordon all of these nodes, then empty one after the other")
    shown = result.steps if sheet.wide else result.steps[:_STEPS_SHOWN]
    sheet.table(_STEPS, [_row(number, step) for number, step in enumerate(shown, 1)], indent=2)
    sheet.more(len(result.steps) - len(shown), indent=2)


def _row(number: int, step: Step) -> tuple[str, ...]:
    kind = f"{step.instance_type or '-'} > {step.replacement}" if step.replacement else step.instance_type or "-"
    told = [f"{one.pod} > {one.node}" for one in step.evictions[:_PODS_SHOWN]]
    if len(step.evictions) > _PODS_SHOWN:
        told.append(f"{len(step.evictions) - _PODS_SHOWN:,} more")
    score, money = f"{step.score:.2f}", month_text(step.per_hour)
    return (f"{number}", step.node, kind, money, score, f"{len(step.evictions):,}", ", ".join(told))


def _write_stays(sheet: Sheet, result: Consolidation) -> None:
    if not result.stays:
        return
    sheet.heading(f"{count(len(result.stays), 'node')} stay")
    shown = result.stays if sheet.wide else result.stays[:_STAYS_SHOWN]
    sheet.table(_STAYS, [(stay.node, month_text(stay.per_hour), stay.reason) for stay in shown], indent=2)
    sheet.more(len(result.stays) - len(shown), indent=2)
