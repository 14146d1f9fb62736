"""A consolidation as one HTML file: what it saves beside the bound, the steps with every eviction, and what stays.

Bars of money have one scale, that of the cluster as it is. Under each step stand the pods that leave it, in the order
of their eviction; on paper they are all open.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.words import count
from yuheng.reporting.consolidation_wording import bound_text, headline, rounds_of
from yuheng.reporting.fleet_plan_page import FLEET_STYLE, FLEET_THEME
from yuheng.reporting.page import asset, render
from yuheng.reporting.wording import month_text, share_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yuheng.model.consolidation import Consolidation, Relocation, Step

__all__ = ["consolidation_page"]

_STYLE: Final = (*FLEET_STYLE, "page/steps.css")
_PAGE: Final = ("page/text.js", "page/paper.js")
# Of what is left out the page tells how much, and `-o json` has it all.
_STEPS_SHOWN: Final = 1000
_EVICTIONS_SHOWN: Final = 10_000
_STAYS_SHOWN: Final = 500


class _Amount(msgspec.Struct, frozen=True):
    """A bar of money: what it is of, in words; its end in percent of what the cluster costs now."""

    name: str
    money: str
    note: str
    end: float


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A step.

    Attributes:
        number: from 1 on.
        kind: the machine, its replacement and its market, in words.
        money: US dollars a month that it saves.
        left, gone: what is left after it, and what it saves, in percent of what the cluster costs now.
        rounds: the pods of each round with where they go.
        hidden: how many pods are not told.
    """

    number: int
    step: Step
    kind: str
    money: str
    left: float
    gone: float
    rounds: tuple[tuple[int, tuple[Relocation, ...]], ...]
    hidden: int


def consolidation_page(result: Consolidation) -> str:
    """The consolidation as a self-contained HTML page.

    Args:
        result: what to show; the same consolidation always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    return render(
        "consolidation.html.j2",
        result=result,
        headline=headline(result),
        saved=month_text(result.saved),
        share=share_text(result.saved / result.per_hour) if result.per_hour > 0 else "",
        amounts=list(_amounts(result)),
        lines=list(_lines(result)),
        more_steps=len(result.steps) - _STEPS_SHOWN,
        evictions=sum(len(step.evictions) for step in result.steps),
        rounds=rounds_of(result),
        stays=[(stay, month_text(stay.per_hour)) for stay in result.stays[:_STAYS_SHOWN]],
        more_stays=len(result.stays) - _STAYS_SHOWN,
        unplaced=result.unplaced[:_STAYS_SHOWN],
        more_unplaced=len(result.unplaced) - _STAYS_SHOWN,
        style=asset(*_STYLE),
        scripts={"theme": asset(*FLEET_THEME), "page": asset(*_PAGE)},
    )


def _amounts(result: Consolidation) -> Iterator[_Amount]:
    full = max(result.per_hour, result.bound, 1e-9)
    told = (
        ("Now", result.per_hour, count(result.nodes, "node")),
        ("After", result.after, count(result.nodes_after, "node")),
        ("Bound", result.bound, f"{bound_text(result)}; gap {share_text(result.gap)}"),
    )
    for name, per_hour, note in told:
        yield _Amount(name, month_text(per_hour), note, round(100 * per_hour / full, 2))


def _lines(result: Consolidation) -> Iterator[_Line]:
    left, room = result.per_hour, _EVICTIONS_SHOWN
    for number, step in enumerate(result.steps[:_STEPS_SHOWN], 1):
        left -= step.per_hour
        shown = step.evictions[: max(room, 0)]
        room -= len(step.evictions)
        yield _Line(
            number=number,
            step=step,
            kind=_kind(step),
            money=month_text(step.per_hour),
            left=round(100 * max(left, 0.0) / max(result.per_hour, 1e-9), 2),
            gone=round(100 * step.per_hour / max(result.per_hour, 1e-9), 2),
            rounds=_rounds(shown),
            hidden=len(step.evictions) - len(shown),
        )


def _kind(step: Step) -> str:
    kind = step.instance_type or "unknown type"
    return f"{kind} → {step.replacement}, {step.market}" if step.replacement else f"{kind}, {step.market}"


def _rounds(evictions: Sequence[Relocation]) -> tuple[tuple[int, tuple[Relocation, ...]], ...]:
    return tuple((number, tuple(pods)) for number, pods in groupby(evictions, key=lambda one: one.round))
