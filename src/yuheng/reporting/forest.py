"""Differences as a forest plot: a dot with its interval for each policy, and the line that stands for no difference.

Positions are percent of the plot's width, so that the drawing needs no script and fits any page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec

from yuheng.reporting.comparison import Verdict
from yuheng.reporting.measures import difference_text, measure_of
from yuheng.reporting.scale import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.simulation import Difference
    from yuheng.reporting.comparison import Comparison

__all__ = ["Forest", "Mark", "Tick", "forests"]

_MARGIN: Final = 0.06
_EDGE: Final = 9.0
_TICKS: Final = 5


class Tick(msgspec.Struct, frozen=True):
    """A number below the plot; the text of one near an edge starts or ends there."""

    place: float
    text: str
    anchor: str


class Mark(msgspec.Struct, frozen=True):
    """The difference of one policy: in words, and where its dot and the ends of its interval stand.

    Attributes:
        interval: in words; empty where there is none.
        verdict: what the interval says; ``same`` where every seed found no difference, empty where it is not clear.
    """

    policy: str
    text: str
    interval: str
    verdict: Verdict | Literal["same"]
    place: float
    start: float
    end: float


class Forest(msgspec.Struct, frozen=True):
    """The differences of one measure, on one scale."""

    measure: str
    label: str
    zero: float
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]


def forests(compared: Comparison) -> list[Forest]:
    """A plot for every measure in which some policy is not exactly as the baseline, in the order of the measures."""
    found = []
    for measure in compared.measures:
        rows = [row for policy in compared.compared if (row := compared.difference(policy, measure)) is not None]
        if any(row.low or row.high for row in rows):
            found.append(_forest(compared, measure, rows))
    return found


def _forest(compared: Comparison, measure: str, rows: Sequence[Difference]) -> Forest:
    low = min(0.0, *(row.low for row in rows), *(row.mean for row in rows))
    high = max(0.0, *(row.high for row in rows), *(row.mean for row in rows))
    room = (high - low) * _MARGIN
    low, high = low - room, high + room
    unit = measure_of(measure).unit

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    return Forest(
        measure=measure,
        label=measure_of(measure).label,
        zero=place(0.0),
        ticks=tuple(_tick(unit, value, place(value)) for value in steps(low, high, _TICKS, unit)),
        marks=tuple(
            Mark(
                policy=row.policy,
                text=difference_text(unit, row.mean),
                interval=_interval(compared, row),
                verdict=compared.verdict(row) if row.low or row.high else "same",
                place=place(row.mean),
                start=place(row.low),
                end=place(row.high),
            )
            for row in rows
        ),
    )


def _interval(compared: Comparison, row: Difference) -> str:
    if not compared.has_interval(row.policy, row.measure, row.baseline):
        return ""
    unit = measure_of(row.measure).unit
    return f"{difference_text(unit, row.low)} to {difference_text(unit, row.high)}"


def _tick(unit: str, value: float, place: float) -> Tick:
    anchor = "start" if place < _EDGE else "end" if place > 100 - _EDGE else "middle"
    return Tick(place, _short(unit, value), anchor)


def _short(unit: str, value: float) -> str:
    """A round number without the decimals that it does not need."""
    if unit == "s" or not value:
        return difference_text(unit, value) if value else "0"
    text = f"{abs(value):,.6g}"
    money = "$" if unit == "USD" else ""
    return f"{'-' if value < 0 else '+'}{money}{text}{' pp' if unit == '%' else ''}"
