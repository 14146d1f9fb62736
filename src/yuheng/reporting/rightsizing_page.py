"""Advice on requests as one HTML file: old and new as bars with the usage beside them, hours as strips of heat.

Everything is drawn here, as SVG: it needs no script, and the numbers stand beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.rightsizing import ContainerAdvice, HourlyRequests
from yuheng.reporting.fleet_wording import day_text
from yuheng.reporting.page import asset, render
from yuheng.reporting.rightsizing_facts import change_text, headline, minutes_text, reasons, request_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.rightsizing import Change, Rightsizing

__all__ = ["ROWS_SHOWN", "rightsizing_page"]

ROWS_SHOWN: Final = 500
"""Containers on a page, those that save or cost most: a browser draws no more of them with pleasure."""
_ARROW: Final = "→"
_THEME: Final = ("page/theme.js",)
_PAGE: Final = ("page/text.js", "page/rightsizing.js", "page/paper.js")
_STYLE: Final = tuple(f"page/{part}.css" for part in ("tokens", "page", "sections", "lists", "rightsizing", "phone"))
_BANDS: Final = 9
_DAYS: Final = ("Mon-Fri", "Sat-Sun")


class _Bar(msgspec.Struct, frozen=True):
    """A resource of a container: its words, and where they end on its bar, in percent of the bar's length.

    Attributes:
        text: old to new.
        usage: the quantiles in words; empty where none was measured.
        old, new: lengths; 0 for none.
        marks: where half, 95 % and all of the samples end.
    """

    text: str
    usage: str
    old: float
    new: float
    marks: tuple[tuple[str, float], ...]
    minutes: str


class _Strip(msgspec.Struct, frozen=True):
    """Requests by the hour: of each kind of day the band of each hour, and its request in words."""

    days: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    text: str


class _Row(msgspec.Struct, frozen=True):
    """A container as it stands on the page."""

    row: ContainerAdvice
    cpu: _Bar
    memory: _Bar
    strip: _Strip | None
    why: tuple[str, ...]


def rightsizing_page(result: Rightsizing) -> str:
    """Advice on requests as a self-contained HTML page.

    Args:
        result: what to show; the same advice always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    changed, risk = headline(result)
    shown = _weightiest(result.containers)
    return render(
        "rightsizing.html.j2",
        result=result,
        rows=[_row(row) for row in shown],
        hidden=len(result.containers) - len(shown),
        changed=changed,
        risk=risk,
        window="" if result.start is None else f"{day_text(result.start)} to {day_text(result.end)} UTC",
        before=minutes_text(result.minutes(before=True)),
        after=minutes_text(result.minutes()),
        has_hours=any(row.hours for row in result.containers),
        style=asset(*_STYLE),
        scripts={"theme": asset(*_THEME), "page": asset(*_PAGE)},
    )


def _weightiest(rows: Sequence[ContainerAdvice]) -> list[ContainerAdvice]:
    """Those that save or cost most, in their order."""
    places = sorted(range(len(rows)), key=lambda place: (-abs(rows[place].saved), place))[:ROWS_SHOWN]
    return [rows[place] for place in sorted(places)]


def _row(row: ContainerAdvice) -> _Row:
    return _Row(
        row,
        _bar("cpu", row.cpu),
        _bar("memory", row.memory),
        None if row.hours is None else _strip(row.hours),
        tuple(reasons(row)),
    )


def _bar(resource: str, change: Change) -> _Bar:
    new = 0 if change.new is None else change.new
    full = max(change.old, new, 0.0 if change.usage is None else change.usage.peak, 1e-9)

    def end(amount: float) -> float:
        return round(100 * amount / full, 2)

    marks: tuple[tuple[str, float], ...] = ()
    usage = ""
    if change.usage is not None:
        levels = (("half", change.usage.p50), ("most", change.usage.p95), ("peak", change.usage.peak))
        marks = tuple((name, end(amount)) for name, amount in levels)
        told = [request_text(resource, round(amount)) for _, amount in levels]
        usage = f"used {told[0]} half of the time, {told[1]} at P95, {told[2]} at most"
    minutes = "" if change.new is None else f"{minutes_text(change.minutes)} min above"
    return _Bar(change_text(resource, change, _ARROW), usage, end(change.old), end(new), marks, minutes)


def _strip(hours: HourlyRequests) -> _Strip:
    most = max(hours.most, 1)
    days = tuple(
        (days, tuple((round(_BANDS * request / most), request_text("cpu", request)) for request in requests))
        for days, requests in zip(_DAYS, hours.requests, strict=True)
    )
    mean, top = request_text("cpu", round(hours.mean)), request_text("cpu", hours.most)
    return _Strip(days, f"{hours.pattern}, {mean} in the mean, {top} at most")
