"""A simulation as one HTML file that needs nothing else: policies compared, over time, with what to make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from markupsafe import Markup

from yuheng.reporting.comparison import Comparison
from yuheng.reporting.forest import forests
from yuheng.reporting.measures import meaning, measure_of, spread_text, value_text
from yuheng.reporting.page import asset, render
from yuheng.reporting.payload import embedded
from yuheng.reporting.refused import refused_jobs
from yuheng.reporting.rush import DAYS, rush_hours
from yuheng.reporting.simulation_payload import axis_of, queue_data, rush_data, series_data, series_measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yuheng.model.simulation import Simulation
    from yuheng.reporting.forest import Forest
    from yuheng.reporting.simulation_payload import Axis

__all__ = ["simulation_page"]

_THEME: Final = ("page/theme.js",)
_CHARTS: Final = ("echarts.min.js",)
_PARTS: Final = ("text", "units", "axes", "plots", "series", "shares", "rush", "simulation")
_PAGE: Final = tuple(f"page/{part}.js" for part in _PARTS)
_STYLE: Final = tuple(
    f"page/{part}.css" for part in ("tokens", "palette", "page", "sections", "lists", "simulation", "plots", "phone")
)
_JOBS_SHOWN: Final = 12
# What a reader looks at first, where it is there: of jobs that arrive one after the other, and of those over time.
_FIRST_OF_ARRIVALS: Final = ("unallocated_gpu_percent", "unallocated_cpu_percent", "allocated_cpu_percent")
_FIRST_OVER_TIME: Final = ("pending_seconds_mean", "allocated_gpu_percent", "allocated_cpu_percent", "pending_jobs")


class _Cell(msgspec.Struct, frozen=True):
    """A measure of a policy in words."""

    policy: str
    text: str
    best: bool


class _Row(msgspec.Struct, frozen=True):
    """A measure: its name, which way is better, whether all policies have the same, and a cell a policy."""

    label: str
    better: str
    same: bool
    cells: tuple[_Cell, ...]


def simulation_page(simulation: Simulation) -> str:
    """The simulation as a self-contained HTML page.

    Args:
        simulation: what to show; the same simulation always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    compared = Comparison(simulation)
    axis = axis_of(simulation.runs)
    rush = rush_hours(simulation.runs)
    series = series_data(simulation.runs, compared.policies, axis)
    queues = queue_data(simulation.runs, axis)
    data = {**series, "queues": queues, "rush": rush_data(rush)}
    return render(
        "simulation.html.j2",
        compared=compared,
        rows=_rows(compared),
        refused=refused_jobs(simulation.runs),
        jobs_shown=_JOBS_SHOWN,
        warnings=simulation.warnings,
        text=str(simulation.scenario.get("text") or ""),
        rush=rush,
        weekdays=DAYS,
        axis=axis,
        meanings=_meanings([*compared.measures, *series_measures(simulation.runs, axis)]),
        **_choices(forests(compared), series, queues, axis),
        style=asset(*_STYLE),
        scripts={"theme": asset(*_THEME), "charts": asset(*_CHARTS), "page": asset(*_PAGE)},
        data=Markup(embedded(data)),  # noqa: S704 -- JSON with every <, > and & escaped
    )


def _choices(plots: Sequence[Forest], series: dict[str, Any], queues: dict[str, Any], axis: Axis) -> dict[str, Any]:
    """What can be chosen for the plots, and what is chosen for a start."""
    first = _FIRST_OF_ARRIVALS if axis.arrivals else _FIRST_OVER_TIME
    return {
        "plots": plots,
        "plotted": [(measure["name"], measure["label"]) for measure in series["measures"]],
        "first_plotted": _start([measure["name"] for measure in series["measures"]], first),
        "first_difference": _start([plot.measure for plot in plots], first),
        "queues": queues["names"],
        "rest_of_queues": queues["rest"],
        "points": len(axis.places),
    }


def _start(names: Sequence[str], first: Sequence[str]) -> str:
    """The measure to start with: the first of those that people look at first, else of all."""
    return next((name for name in first if name in names), names[0] if names else "")


def _rows(compared: Comparison) -> list[_Row]:
    return [
        _Row(
            label=measure_of(measure).label,
            better=measure_of(measure).better,
            same=measure not in compared.varying,
            cells=tuple(
                _Cell(policy, _text(compared, policy, measure), compared.best(policy, measure))
                for policy in compared.policies
            ),
        )
        for measure in compared.measures
    ]


def _text(compared: Comparison, policy: str, measure: str) -> str:
    row = compared.summary(policy, measure)
    if row is None:
        return "-"
    unit = measure_of(measure).unit
    if row.low == row.high:
        return value_text(unit, row.mean)
    return spread_text(unit, row.mean, row.low, row.high)


def _meanings(measures: Iterable[str]) -> list[tuple[str, str]]:
    """How to read each measure that the page shows, once."""
    return [(measure_of(name).label, meaning(name)) for name in dict.fromkeys(measures) if meaning(name)]
