"""Plans under several objectives as points: cost against time against carbon, two at a time.

Places along the bottom are percent of a plot's width, so that the drawing needs no script and fits any page; those up
the side are pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.reporting.fleet_wording import carbon_text, money_text
from yuheng.reporting.scale import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from yuheng.model.fleet_plan import ParetoRow

__all__ = ["Panel", "Point", "panels"]

HEIGHT: Final = 230
_TOP: Final = 14.0
_BOTTOM: Final = 194.0
_LEFT: Final = 17.0
_RIGHT: Final = 96.0
_TICKS: Final = 5
_MARGIN: Final = 0.12
# Labels this near to one another, in percent and pixels, would stand on each other.
_LABEL_WIDE: Final = 40.0
_LABEL_HIGH: Final = 15.0
_COLOURS: Final = 10


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One plan: where it stands, what its label says and where that stands.

    Attributes:
        names: the objectives that lead there.
        colour: the place of the first of them in the palette.
        anchor: whether its label starts or ends beside it.
    """

    names: tuple[str, ...]
    colour: int
    x: float
    y: float
    label_y: float
    anchor: str
    chosen: bool
    dominated: bool


class Panel(msgspec.Struct, frozen=True):
    """Two amounts against each other: their titles, round numbers along both sides, and the points."""

    across: str
    up: str
    across_ticks: tuple[tuple[float, str], ...]
    up_ticks: tuple[tuple[float, str], ...]
    points: tuple[Point, ...]


class _Axis(msgspec.Struct, frozen=True):
    """An amount of a plan: its title, its value, and round numbers of it in words."""

    title: str
    value: Callable[[ParetoRow], float]
    text: Callable[[float], str]

    def range(self, rows: Sequence[ParetoRow]) -> tuple[float, float]:
        """From where to where it is drawn; from 0 unless the values are far from it."""
        values = [self.value(row) for row in rows]
        low, high = min(values), max(values)
        room = (high - low) * _MARGIN
        if room <= 1e-6 * max(abs(low), abs(high)):
            return (0.0, 2 * high) if high > 0 else (0.0, 1.0)
        return (0.0 if 0 <= low < 0.5 * high else low - room, high + room)


def _round_money(value: float) -> str:
    size = abs(value)
    scale, letter = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e4 else (1.0, "")
    return money_text(value) if 0 < size < 1 else f"${value / scale:,.6g}{letter}"


def _round_carbon(value: float) -> str:
    return carbon_text(value).replace(".0 ", " ")


_COST: Final = _Axis("cost", lambda row: row.cost, _round_money)
_HOURS: Final = _Axis("hours", lambda row: row.hours, lambda value: f"{value:,.4g} h")
_CARBON: Final = _Axis("CO2", lambda row: row.carbon_grams, _round_carbon)


def panels(rows: Sequence[ParetoRow]) -> list[Panel]:
    """The plans of all objectives in three plots; none where there is nothing to compare."""
    if len(rows) < 2:
        return []
    return [_panel(rows, *axes) for axes in ((_COST, _HOURS), (_COST, _CARBON), (_HOURS, _CARBON))]


def _panel(rows: Sequence[ParetoRow], across: _Axis, up: _Axis) -> Panel:
    x, x_ticks = _placer(across, rows, _LEFT, _RIGHT)
    y, y_ticks = _placer(up, rows, _BOTTOM, _TOP)
    places: dict[tuple[float, float], list[int]] = {}
    for index, row in enumerate(rows):
        places.setdefault((x(across.value(row)), y(up.value(row))), []).append(index)
    points = [_point(place, [rows[i] for i in indices], indices[0]) for place, indices in places.items()]
    return Panel(across.title, up.title, x_ticks, y_ticks, tuple(_apart(points)))


def _placer(
    axis: _Axis, rows: Sequence[ParetoRow], start: float, end: float
) -> tuple[Callable[[float], float], tuple[tuple[float, str], ...]]:
    low, high = axis.range(rows)

    def place(value: float) -> float:
        return round(start + (end - start) * (value - low) / (high - low), 1)

    return place, tuple((place(value), axis.text(value)) for value in steps(low, high, _TICKS))


def _point(place: tuple[float, float], rows: Sequence[ParetoRow], index: int) -> Point:
    x, y = place
    return Point(
        names=tuple(row.objective for row in rows),
        colour=index % _COLOURS,
        x=x,
        y=y,
        label_y=y + 4,
        anchor="start" if x < (_LEFT + _RIGHT) / 2 else "end",
        chosen=any(row.chosen for row in rows),
        dominated=all(row.dominated for row in rows),
    )


def _apart(points: Sequence[Point]) -> list[Point]:
    """The points with labels that do not stand on one another: each goes below those in its way, else above."""
    ordered = sorted(points, key=lambda one: (one.y, one.x))
    lowered = _pushed(ordered, down=True)
    return _pushed(list(reversed(lowered)), down=False)[::-1]


def _pushed(points: Sequence[Point], *, down: bool) -> list[Point]:
    """The points, each label pushed away from those before it; upwards they start from the bottom of the plot."""
    settled: list[Point] = []
    for point in points:
        label_y = point.label_y if down else min(point.label_y, _BOTTOM + _LABEL_HIGH / 2)
        for other in settled:
            if abs(other.x - point.x) < _LABEL_WIDE:
                edge = other.label_y + (_LABEL_HIGH if down else -_LABEL_HIGH)
                label_y = max(label_y, edge) if down else min(label_y, edge)
        settled.append(msgspec.structs.replace(point, label_y=round(label_y, 1)))
    return settled
