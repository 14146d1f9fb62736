"""Costs as drawings that need no script: a treemap of groups, and bars over time with what is expected to come.

Each drawing is made twice, for wide and for narrow pages, because text in a drawing shrinks with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.model.cost import IDLE
from yuheng.reporting.cost_wording import cost_text, group_text, round_cost_text, stretch_text
from yuheng.reporting.scale import steps
from yuheng.reporting.treemap import Box, squarified

if TYPE_CHECKING:
    from yuheng.model.cost import CostRow

__all__ = ["Bar", "Bars", "Map", "Moment", "Tile", "bars", "treemap"]

# Pixels that a character of a label takes, about; less than this many of them say nothing.
_CHARACTER: Final = 7.4
_FEWEST: Final = 6
_LINE: Final = 16.0
_GAP: Final = 1.0
_TILES: Final = 120
_WIDE: Final = Box(0.0, 0.0, 1240.0, 440.0)
_NARROW: Final = Box(0.0, 0.0, 340.0, 520.0)
_TICKS: Final = 4
_BARS_WIDE: Final = (1240.0, 240.0)
_BARS_NARROW: Final = (340.0, 220.0)
_LABEL_ROOM: Final = 64.0
_FOOT: Final = 22.0
_HEAD: Final = 8.0


class Tile(NamedTuple):
    """A group in the treemap.

    Attributes:
        box: where it is.
        waste: width of its hatched part: what was requested and not used.
        idle: whether all of it is idle.
        lines: what is written on it; as much as there is room for.
        title: all of it, in words.
    """

    box: Box
    waste: float
    idle: bool
    lines: tuple[str, ...]
    title: str


class Map(NamedTuple):
    """A treemap: its size, and its tiles."""

    name: str
    width: float
    height: float
    tiles: tuple[Tile, ...]


class Moment(NamedTuple):
    """What one stretch of time cost, or is expected to.

    Attributes:
        start: when it begins, in seconds since the epoch.
        cost: in all.
        idle: the part of it that is idle.
        coming: whether it is expected, and has not been.
    """

    start: float
    cost: float
    idle: float = 0.0
    coming: bool = False


class Bar(NamedTuple):
    """A stretch of time: where its bar stands, how high it is, how much of it is idle, and what it says."""

    x: float
    width: float
    top: float
    height: float
    idle: float
    coming: bool
    title: str


class Bars(NamedTuple):
    """Bars over time: the size of the drawing, round amounts up the side, days along the bottom, and the bars."""

    name: str
    width: float
    height: float
    foot: float
    left: float
    amounts: tuple[tuple[float, str], ...]
    days: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...]


def treemap(rows: Sequence[CostRow], currency: str, totals: Sequence[int] | None = None) -> tuple[Map, ...]:
    """The groups as rectangles, once for wide and once for narrow pages; none where nothing costs anything.

    Args:
        rows: one for each group, dearest first.
        currency: of the amounts.
        totals: what is told of each, in cents, where it was rounded so that all add up; else each is rounded itself.
    """
    told = [row.total * 100 for row in rows] if totals is None else totals
    drawn = [(row, cents / 100) for row, cents in zip(rows, told, strict=True) if row.total > 0]
    shown, rest = drawn[:_TILES], drawn[_TILES:]
    shown.sort(key=lambda item: -item[0].total)
    amounts = [row.total for row, _ in shown]
    if rest:
        amounts.append(min(sum(row.total for row, _ in rest), amounts[-1]))
    if not amounts:
        return ()
    whole = sum(row.total for row in rows)
    return tuple(
        Map(
            name, area.width, area.height, tuple(_tiles(shown, squarified(amounts, area), (whole, currency), len(rest)))
        )
        for name, area in (("wide", _WIDE), ("narrow", _NARROW))
    )


def _tiles(rows: Sequence[tuple[CostRow, float]], boxes: Sequence[Box], of: tuple[float, str], rest: int) -> list[Tile]:
    tiles = [_tile(row, total, box.inside(_GAP), of) for (row, total), box in zip(rows, boxes, strict=False)]
    if rest:
        box = boxes[-1].inside(_GAP)
        words = f"{rest:,} more"
        tiles.append(Tile(box, 0.0, False, _fitting(box, (words,)), f"{words} groups, not drawn to scale"))
    return tiles


def _tile(row: CostRow, total: float, box: Box, of: tuple[float, str]) -> Tile:
    whole, currency = of
    name, cost = group_text(row.group), cost_text(total, currency)
    idle = _is_idle(row)
    facts = [f"{name}: {cost}, {row.total / whole:.1%} of all"]
    if not idle and row.efficiency is not None:
        facts.append(f"{row.efficiency:.0%} of what it requested was used; {cost_text(row.waste, currency)} was not")
    waste = 0.0 if idle else round(box.width * min(row.waste / row.total, 1.0), 2)
    return Tile(box, waste, idle, _fitting(box, (name, cost)), "; ".join(facts))


def _is_idle(row: CostRow) -> bool:
    return IDLE in row.group.values()


def _fitting(box: Box, lines: Sequence[str]) -> tuple[str, ...]:
    """As many of the lines as there is room for: a name may be cut, an amount may not."""
    most, count = int((box.width - 10) / _CHARACTER), max(int((box.height - 6) / _LINE), 0)
    name, *others = lines[:count] or ("",)
    if not name or (len(name) > most and most < _FEWEST):
        return ()
    return (name if len(name) <= most else f"{name[: most - 1]}…", *(line for line in others if len(line) <= most))


def bars(moments: Sequence[Moment], every: str, currency: str) -> tuple[Bars, ...]:
    """Costs over time as bars, once for wide and once for narrow pages; none of fewer than two.

    Args:
        moments: oldest first.
        every: how long each is: ``day``, ``hour``, ``week``.
        currency: of the amounts.
    """
    if len(moments) < 2 or not any(moment.cost > 0 for moment in moments):
        return ()
    return tuple(
        _bars(name, size, moments, every, currency) for name, size in (("wide", _BARS_WIDE), ("narrow", _BARS_NARROW))
    )


def _bars(name: str, size: tuple[float, float], moments: Sequence[Moment], every: str, currency: str) -> Bars:
    width, height = size
    most = max(moment.cost for moment in moments)
    numbers = steps(0.0, most, _TICKS)
    step = numbers[1] - numbers[0] if len(numbers) > 1 else most
    top = step * -(-most // step)
    numbers = steps(0.0, top, _TICKS + 1)
    foot = height - _FOOT

    def place(amount: float) -> float:
        return round(foot - (foot - _HEAD) * amount / top, 2)

    wide = (width - _LABEL_ROOM) / len(moments)
    gap = min(2.0, wide / 5)
    found = []
    for i, moment in enumerate(moments):
        y = place(moment.cost)
        title = f"{stretch_text(moment.start, every)}: {cost_text(moment.cost, currency)}"
        if moment.coming:
            title += ", expected"
        elif moment.idle > 0:
            title += f", of it idle {cost_text(moment.idle, currency)}"
        found.append(
            Bar(
                round(_LABEL_ROOM + i * wide + gap / 2, 2),
                round(wide - gap, 2),
                y,
                round(foot - y, 2),
                round(foot - place(moment.idle), 2),
                moment.coming,
                title,
            )
        )
    return Bars(
        name,
        width,
        height,
        foot,
        _LABEL_ROOM,
        tuple((place(number), round_cost_text(number, currency)) for number in numbers),
        tuple(_days(moments, wide, width, every)),
        tuple(found),
    )


def _days(moments: Sequence[Moment], wide: float, width: float, every: str) -> list[tuple[float, str]]:
    """Which moments are named along the bottom: as many as there is room for."""
    room = _CHARACTER * (17 if every == "hour" else 11)
    every_so = max(1, -(-int(room) // max(int(wide), 1)))
    places = range(0, len(moments), every_so)
    return [
        (round(_LABEL_ROOM + i * wide, 2), stretch_text(moments[i].start, every))
        for i in places
        if _LABEL_ROOM + i * wide + room <= width + _CHARACTER
    ]
