"""The data that a simulation's page carries: for each run, a column of numbers a measure, over one axis for all.

Runs of one scenario mostly have their points at the same places. Where they do not (a run ends earlier under
another policy) their points are put on a common axis by straight lines between neighbours, so that a mean over
seeds means something; the page says so. Numbers are kept to six digits. The scripts read what is written here:

- ``policies``: names, in order; ``axis``: what is along the bottom, its unit, and the places of the points;
- ``measures``: name, label and unit of each; ``runs``: the place of the policy, the seed, and by measure a column
  as long as the axis, None where the run has no value there;
- ``queues``: names, and by run the axis, the allocated and the deserved column of each queue;
- ``rush``: the weeks as the template shows them, for the choice of a policy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from yuheng.reporting.measures import measure_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yuheng.model.simulation import QueueSeries, Run
    from yuheng.reporting.rush import RushHours

__all__ = ["Axis", "axis_of", "queue_data", "rush_data", "series_data", "series_measures"]

_ARRIVED: Final = "arrived_"
_QUEUES_SHOWN: Final = 10
_OTHERS: Final = "all other queues"


class Axis(msgspec.Struct, frozen=True):
    """What stands along the bottom of the plots.

    Attributes:
        measure: the key of a point that tells its place.
        label: for people.
        unit: ``%`` or ``s``.
        places: of the points of every run, ascending.
        moved: whether some run's points were put there from other places.
    """

    measure: str
    label: str
    unit: str
    places: tuple[float, ...]
    moved: bool

    @property
    def arrivals(self) -> bool:
        """Whether jobs come one after the other, without a clock."""
        return self.measure != "t"


def axis_of(runs: Sequence[Run]) -> Axis:
    """The axis that all runs share: percent that arrived where every point says it, else time."""
    drawn = [run for run in runs if run.series]
    common = [set(point) for run in drawn for point in run.series]
    arrived = sorted(name for name in set.intersection(*common) if name.startswith(_ARRIVED)) if common else []
    measure = arrived[0] if arrived else "t"
    own = [_places(run, measure) for run in drawn]
    label, unit = ("time since the start", "s") if not arrived else (_arrived_label(measure), "%")
    if all(places == own[0] for places in own):
        return Axis(measure, label, unit, own[0] if own else (), moved=False)
    return Axis(measure, label, unit, _merged(own), moved=True)


def series_measures(runs: Iterable[Run], axis: Axis) -> list[str]:
    """The measures that points tell of, in the order they are met."""
    found = dict.fromkeys(name for run in runs for point in run.series for name in point)
    return [name for name in found if name not in ("t", axis.measure)]


def series_data(runs: Sequence[Run], policies: Sequence[str], axis: Axis) -> dict[str, Any]:
    """The measures of every run over the axis."""
    measures = series_measures(runs, axis)
    place = {policy: number for number, policy in enumerate(policies)}
    return {
        "policies": list(policies),
        "axis": {"label": axis.label, "unit": axis.unit, "x": _short(axis.places)},
        "measures": [
            {"name": name, "label": measure_of(name).label, "unit": measure_of(name).unit} for name in measures
        ],
        "runs": [
            {"policy": place[run.policy], "seed": run.seed, "columns": [_column(run, name, axis) for name in measures]}
            for run in runs
            if run.series
        ],
    }


def queue_data(runs: Sequence[Run], axis: Axis) -> dict[str, Any]:
    """The queues of every run; beyond the largest, all others are added up."""
    names = _by_size(runs)
    shown = names if len(names) <= _QUEUES_SHOWN + 1 else names[:_QUEUES_SHOWN]
    rest = len(names) - len(shown)
    return {
        "names": [*shown, _OTHERS] if rest else shown,
        "rest": rest,
        "runs": [_queues(run, shown, axis, rest=rest > 0) if run.queues else None for run in runs if run.series],
    }


def rush_data(rush: RushHours | None) -> list[list[list[list[float] | None]]]:
    """By week, day and hour the value and its band."""
    weeks = rush.weeks if rush else ()
    return [[[[cell.value, cell.band] if cell else None for cell in day] for day in week.days] for week in weeks]


def _arrived_label(measure: str) -> str:
    what = measure.removeprefix(_ARRIVED).removesuffix("_percent")
    return f"{'GPUs' if what == 'gpu' else what} asked for so far"


def _places(run: Run, measure: str) -> tuple[float, ...]:
    return tuple(point[measure] for point in run.series)


def _merged(own: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """All places where they are few, else as many as the longest run has, evenly."""
    every = sorted({place for places in own for place in places})
    longest = max(map(len, own))
    if len(every) <= 2 * longest:
        return tuple(every)
    return tuple(float(place) for place in np.linspace(every[0], every[-1], longest))


def _column(run: Run, name: str, axis: Axis) -> list[float | None]:
    values = [point.get(name, math.nan) for point in run.series]
    if axis.moved:
        own = np.array(_places(run, axis.measure))
        known = ~np.isnan(np.array(values, dtype=float))
        if not known.any():
            return [None] * len(axis.places)
        moved = np.interp(axis.places, own[known], np.array(values)[known], left=math.nan, right=math.nan)
        values = moved.tolist()
    return _short(values)


def _by_size(runs: Iterable[Run]) -> list[str]:
    """The queues of all runs, those first that hold or deserve most."""
    size: dict[str, float] = {}
    for run in runs:
        for queue in run.queues:
            size[queue.queue] = size.get(queue.queue, 0.0) + sum(queue.allocated) + sum(queue.deserved)
    return sorted(size, key=lambda name: -size[name])


def _queues(run: Run, shown: Sequence[str], axis: Axis, *, rest: bool) -> dict[str, Any]:
    by_name = {queue.queue: queue for queue in run.queues}
    others = [queue for queue in run.queues if queue.queue not in shown]
    return {
        "x": _short(_places(run, axis.measure)),
        "allocated": [_shown(by_name.get(name), "allocated") for name in shown]
        + ([_sum([queue.allocated for queue in others], len(run.series))] if rest else []),
        "deserved": [_shown(by_name.get(name), "deserved") for name in shown]
        + ([_sum([queue.deserved for queue in others], len(run.series))] if rest else []),
    }


def _shown(queue: QueueSeries | None, what: str) -> list[float | None]:
    return _short(getattr(queue, what)) if queue else []


def _sum(columns: Sequence[Sequence[float]], points: int) -> list[float | None]:
    return _short([sum(column[place] for column in columns) for place in range(points)])


def _short(values: Iterable[float]) -> list[float | None]:
    """Numbers to six digits, whole ones without a point; None for what is no number."""
    return [_digits(value) if math.isfinite(value) else None for value in values]


def _digits(value: float) -> float:
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() else short
