"""What changes would cost as one HTML file: money after each as bars on one scale, then what each of them risks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.reporting.fleet_plan_page import FLEET_STYLE, FLEET_THEME
from yuheng.reporting.page import asset, render
from yuheng.reporting.wording import month_text, share_text

if TYPE_CHECKING:
    from yuheng.model.what_if import WhatIf, WhatIfChange

__all__ = ["what_if_page"]

_STYLE: Final = (*FLEET_STYLE, "page/steps.css")
_PAGE: Final = ("page/text.js", "page/paper.js")
_PODS_SHOWN: Final = 500


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A change.

    Attributes:
        nodes, money: before it and after it.
        saved: US dollars a month, in words; ``more`` where it costs more.
        left, gone, come: what it costs afterwards that it cost before, what it saves and what it costs more, in percent
            of the dearest state.
        risk: how much of it and what is counted; empty where nothing is.
        unplaced: pods without a place, the first of them; ``hidden`` are not told.
    """

    change: WhatIfChange
    nodes: tuple[int, int]
    money: tuple[str, str]
    saved: str
    is_dearer: bool
    left: float
    gone: float
    come: float
    risk: str
    unplaced: tuple[str, ...]
    hidden: int


def what_if_page(result: WhatIf) -> str:
    """The changes as a self-contained HTML page.

    Args:
        result: what to show; the same changes always give the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    last = result.changes[-1]
    return render(
        "what_if.html.j2",
        result=result,
        last=last,
        lines=[_line(result, place) for place in range(len(result.changes))],
        saved=month_text(abs(result.saved)),
        share=share_text(abs(result.saved) / result.per_hour) if result.per_hour > 0 else "",
        before=month_text(result.per_hour),
        after=month_text(last.per_hour),
        unplaced=len({pod for change in result.changes for pod in change.unplaced}),
        style=asset(*_STYLE),
        scripts={"theme": asset(*FLEET_THEME), "page": asset(*_PAGE)},
    )


def _line(result: WhatIf, place: int) -> _Line:
    change = result.changes[place]
    nodes, per_hour = result.before(place)
    full = max(result.per_hour, *(one.per_hour for one in result.changes), 1e-9)
    saved = per_hour - change.per_hour
    return _Line(
        change=change,
        nodes=(nodes, change.nodes),
        money=(month_text(per_hour), month_text(change.per_hour)),
        saved=month_text(abs(saved)),
        is_dearer=saved < 0,
        left=round(100 * min(per_hour, change.per_hour) / full, 2),
        gone=round(100 * max(saved, 0.0) / full, 2),
        come=round(100 * max(-saved, 0.0) / full, 2),
        risk=f"{change.risk.amount:,.1f}".removesuffix(".0") + f" {change.risk.unit}" if change.risk.unit else "",
        unplaced=change.unplaced[:_PODS_SHOWN],
        hidden=max(len(change.unplaced) - _PODS_SHOWN, 0),
    )
