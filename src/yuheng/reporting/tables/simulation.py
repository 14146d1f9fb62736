"""A simulation for the terminal: the policies beside one another, and how far each is from the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.comparison import Comparison
from yuheng.reporting.measures import column_title, difference_text, measure_of, spread_text, value_text
from yuheng.reporting.refused import refused_jobs
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import number_text

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.simulation import Simulation
    from yuheng.reporting.refused import RefusedGroup

__all__ = ["write_simulation"]

_POLICY: Final = Column("POLICY")
_LISTED: Final = (Column("MEASURE"), Column("VALUE", number=True))
_BEST: Final = "*"
_NONE: Final = "-"
_REASONS_SHOWN: Final = 5
_JOBS_SHOWN: Final = 5


def write_simulation(simulation: Simulation, console: Console, *, wide: bool = False) -> None:
    """Write a simulation for people.

    Args:
        simulation: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every measure, also those that are the same for all policies, and every refused job that runs list.
    """
    sheet = Sheet(console, wide=wide)
    compared = Comparison(simulation)
    _write_head(sheet, compared)
    if len(compared.policies) == 1:
        _write_list(sheet, compared)
    elif compared.measures:
        _write_policies(sheet, compared)
        _write_differences(sheet, compared)
    _write_refused(sheet, simulation)
    sheet.warnings(simulation.warnings)


def _write_head(sheet: Sheet, compared: Comparison) -> None:
    what = f": {compared.tried}, {compared.repeated}, {count(compared.runs, 'run')}."
    sheet.line("Simulation ", (compared.name or "without a name", "bold"), what)
    if compared.several_seeds:
        share = number_text(compared.confidence * 100)
        sheet.line(f"Behind {_plus_minus(sheet)} stands half the width of the {share}% interval over {compared.unit}s.")
    elif compared.runs:
        sheet.line(f"One {compared.unit} shows no spread: run several for intervals.")


def _write_list(sheet: Sheet, compared: Comparison) -> None:
    """One policy has nobody to be compared with: its measures go below one another."""
    [policy] = compared.policies
    sheet.heading(f"Policy {policy}")
    rows = [(measure_of(name).label, _cell(sheet, compared, policy, name)) for name in compared.measures]
    sheet.table(_LISTED, rows, indent=2)


def _write_policies(sheet: Sheet, compared: Comparison) -> None:
    measures = compared.measures if sheet.wide else compared.varying
    if measures:
        sheet.heading("Policies")
        rows = [
            (policy, *(_marked(sheet, compared, policy, name) for name in measures)) for policy in compared.policies
        ]
        sheet.pages(_columns(measures), _trimmed(rows), indent=2)
        if any(cell.endswith(_BEST) for row in rows for cell in row[1:]):
            sheet.line((f"{_BEST} the best of its measure", "dim"), indent=2)
    same = [name for name in compared.measures if name not in measures]
    if same:
        words = (f"{measure_of(name).label} {_cell(sheet, compared, compared.policies[0], name)}" for name in same)
        sheet.line()
        sheet.line("; ".join(words), label="The same for all: ", indent=2)


def _write_differences(sheet: Sheet, compared: Comparison) -> None:
    policies = compared.compared
    measures = compared.measures if sheet.wide else compared.varying
    measures = [name for name in measures if any(compared.difference(policy, name) for policy in policies)]
    if not measures:
        return
    sheet.heading(f"Differences to {compared.baseline}, paired by {compared.unit}")
    rows = [(policy, *(_difference(sheet, compared, policy, name) for name in measures)) for policy in policies]
    sheet.pages(_columns(measures), _trimmed(rows), indent=2)
    notes = [
        f"{_sign(sheet, verdict)} {words}"
        for verdict, words in (("better", "better"), ("worse", "worse"), ("differs", "differs, neither is better"))
        if any(cell.endswith(_sign(sheet, verdict)) for row in rows for cell in row[1:])
    ]
    told = [f"the interval excludes 0: {', '.join(notes)}"] if notes else []
    told += ["pp: percentage points"] if any(" pp" in cell for row in rows for cell in row) else []
    if told:
        sheet.line(("; ".join(told), "dim"), indent=2)


def _write_refused(sheet: Sheet, simulation: Simulation) -> None:
    refused = refused_jobs(simulation.runs)
    if not refused.most:
        return
    each = " in each run" if len(simulation.runs) > 1 else ""
    noun = "job that fits" if refused.number == "1" else "jobs that fit"
    sheet.heading(f"Refused{each}: {refused.number} {noun} nowhere, ever")
    shown = refused.groups if sheet.wide else refused.groups[:_REASONS_SHOWN]
    for group in shown:
        _write_group(sheet, group)
    sheet.more(sum(len(group.jobs) for group in refused.groups[len(shown) :]), indent=2)
    if refused.unlisted:
        sheet.line((f"and {refused.unlisted:,} more that no run lists", "dim"), indent=2)


def _write_group(sheet: Sheet, group: RefusedGroup) -> None:
    shown = group.jobs if sheet.wide else group.jobs[:_JOBS_SHOWN]
    others = len(group.jobs) - len(shown)
    names = ", ".join(shown) + (f" {sheet.ellipsis} and {others:,} more" if others else "")
    sheet.line(group.reason, label=f"{count(len(group.jobs), 'job')}  ", indent=2)
    if group.hint:
        sheet.line(group.hint, label="hint  ", indent=4)
    sheet.line(names, label="jobs  ", indent=4)


def _columns(measures: list[str]) -> list[Column]:
    return [_POLICY, *(Column(column_title(name), number=True) for name in measures)]


def _marked(sheet: Sheet, compared: Comparison, policy: str, name: str) -> str:
    """The cell of a table whose numbers stand below one another, with or without a mark."""
    mark = _BEST if compared.best(policy, name) else " "
    return f"{_cell(sheet, compared, policy, name)} {mark}"


def _cell(sheet: Sheet, compared: Comparison, policy: str, name: str) -> str:
    row = compared.summary(policy, name)
    if row is None:
        return _NONE
    unit = measure_of(name).unit
    if row.low == row.high:
        return value_text(unit, row.mean)
    return spread_text(unit, row.mean, row.low, row.high, _plus_minus(sheet))


def _difference(sheet: Sheet, compared: Comparison, policy: str, name: str) -> str:
    row = compared.difference(policy, name)
    if row is None:
        return f"{_NONE}  "
    unit = measure_of(name).unit
    width = None if row.low == row.high else (row.high - row.low) / 2
    text = difference_text(unit, row.mean, width, _plus_minus(sheet))
    return f"{text} {_sign(sheet, compared.verdict(row)) or ' '}"


def _trimmed(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows without the room for marks in columns where nothing is marked."""
    columns = list(zip(*rows, strict=True))
    bare = [place > 0 and all(cell.endswith(" ") for cell in column) for place, column in enumerate(columns)]
    return [tuple(cell.rstrip() if plain else cell for cell, plain in zip(row, bare, strict=True)) for row in rows]


def _plus_minus(sheet: Sheet) -> str:
    return sheet.sign("±", "+-")


def _sign(sheet: Sheet, verdict: str) -> str:
    """The mark behind a difference whose interval excludes 0."""
    signs = {"better": ("▲", "^"), "worse": ("▼", "v"), "differs": ("◆", "#")}
    return sheet.sign(*signs[verdict]) if verdict else ""
