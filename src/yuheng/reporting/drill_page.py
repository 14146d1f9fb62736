"""A drill as one HTML file: for each loss what moves, what finds no place and why, and what it costs."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.fleet_plan import DrillRow
from yuheng.reporting.fleet_facts import verdict
from yuheng.reporting.fleet_plan_page import FLEET_STYLE, FLEET_THEME
from yuheng.reporting.page import asset, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yuheng.model.fleet_plan import Drill

__all__ = ["drill_page"]

_PAGE: Final = ("page/text.js",)
_REASONS_SHOWN: Final = 20


class _Loss(msgspec.Struct, frozen=True):
    """One loss: its name without its kind, where the parts of its bar end in percent, and what finds no place.

    Attributes:
        moved, unplaced, stranded: in percent of what is lost in the largest loss.
        told: names, numbers and reasons of the first that find no place; ``more`` are not told.
    """

    name: str
    row: DrillRow
    lacking: int
    moved: float
    unplaced: float
    stranded: float
    told: tuple[tuple[str, int, str], ...]
    more: int


def drill_page(drill: Drill) -> str:
    """The drill as a self-contained HTML page.

    Args:
        drill: what to show; the same drill always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    return render(
        "drill.html.j2",
        drill=drill,
        kinds=list(_kinds(drill)),
        verdict=verdict(drill),
        worst=max(drill.rows, key=_harm, default=None),
        dearest=max((row for row in drill.rows if not row.unplaced), key=lambda row: row.per_hour, default=None),
        style=asset(*FLEET_STYLE),
        scripts={"theme": asset(*FLEET_THEME), "page": asset(*_PAGE)},
    )


def _kinds(drill: Drill) -> Iterator[tuple[str, list[_Loss]]]:
    """The losses by what is lost: clusters, zones, regions, providers."""
    full = max([1, *(row.moved + _harm(row) for row in drill.rows)])
    for kind, rows in groupby(drill.rows, key=lambda row: row.lost.partition("=")[0]):
        yield kind, [_loss(row, full) for row in rows]


def _harm(row: DrillRow) -> int:
    return sum(row.unplaced.values()) + row.stranded


def _loss(row: DrillRow, full: int) -> _Loss:
    lacking = sum(row.unplaced.values())
    moved, unplaced, stranded = (round(100 * part / full, 2) for part in (row.moved, lacking, row.stranded))
    names = list(row.unplaced)
    return _Loss(
        name=row.lost.partition("=")[2],
        row=row,
        lacking=lacking,
        moved=moved,
        unplaced=unplaced,
        stranded=stranded,
        told=tuple((name, row.unplaced[name], row.reasons.get(name, "")) for name in names[:_REASONS_SHOWN]),
        more=len(names) - _REASONS_SHOWN,
    )
