"""A simulation as CSV, in long form: a row a value, so that any spreadsheet or data frame can turn it as it likes.

Names come from files that somebody else wrote. The csv module quotes them; a name that a spreadsheet would take
for a formula is written behind an apostrophe, and what cannot be seen in it as an escape, so that a row is one line.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from yuheng.reporting.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yuheng.model.simulation import Run, Simulation

__all__ = ["series_csv", "simulation_csv", "totals_csv"]

_FORMULA: Final = ("=", "+", "-", "@")
_EVERYTHING: Final = ("kind", "policy", "seed", "queue", "t", "measure", "value")
_TOTALS: Final = ("policy", "seed", "measure", "value")
_SERIES: Final = ("policy", "seed", "t", "measure", "value")


def simulation_csv(simulation: Simulation) -> str:
    """Everything the runs found, as one table.

    The column ``kind`` says what a row is: ``total`` (``queue`` and ``t`` are empty), ``series`` (a measure at
    ``t``), or ``queue`` (``allocated`` or ``deserved`` of a queue at ``t``).
    """
    return _text(_EVERYTHING, (row for run in simulation.runs for row in _everything(run)))


def totals_csv(simulation: Simulation) -> str:
    """The totals of every run: ``policy,seed,measure,value``."""
    return _text(_TOTALS, ((*_run(run), *pair) for run in simulation.runs for pair in run.totals.items()))


def series_csv(simulation: Simulation) -> str:
    """The measures of every run over time: ``policy,seed,t,measure,value``."""
    return _text(_SERIES, ((*_run(run), *triple) for run in simulation.runs for triple in _series(run)))


def _everything(run: Run) -> Iterator[tuple[object, ...]]:
    own = _run(run)
    for pair in run.totals.items():
        yield ("total", *own, "", "", *pair)
    for triple in _series(run):
        yield ("series", *own, "", *triple)
    for queue in run.queues:
        for measure, values in (("allocated", queue.allocated), ("deserved", queue.deserved)):
            for point, value in zip(run.series, values, strict=True):
                yield ("queue", *own, queue.queue, point["t"], measure, value)


def _run(run: Run) -> tuple[str, int]:
    return run.policy, run.seed


def _series(run: Run) -> Iterator[tuple[float, str, float]]:
    for point in run.series:
        for measure, value in point.items():
            if measure != "t":
                yield point["t"], measure, value


def _text(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(map(_cell, row) for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        shown = printable(value)
        return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
    return int(value) if isinstance(value, float) and value.is_integer() else value
