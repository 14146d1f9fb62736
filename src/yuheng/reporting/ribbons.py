"""Data between regions as ribbons: as thick as there is data, from where it leaves to where it goes.

Ribbons lie in a drawing that is 100 wide and is stretched to its place; heights are pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.reporting.fleet_wording import gigabytes_text, money_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from yuheng.reporting.fleet_facts import Flow

__all__ = ["End", "Ribbon", "Ribbons", "ribbons"]

FLOWS_SHOWN: Final = 16
_FULL: Final = 220.0
_SLOT: Final = 36.0
_GAP: Final = 8.0
_THINNEST: Final = 1.5
_THICKEST: Final = 60.0
_COLOURS: Final = 10


class Ribbon(msgspec.Struct, frozen=True):
    """The data of one pair of regions: its outline, its colour's place in the palette, and it in words."""

    path: str
    colour: int
    text: str


class End(msgspec.Struct, frozen=True):
    """A region on one side: its name, what leaves or arrives there, and its bar."""

    region: str
    text: str
    y: float
    height: float
    middle: float


class Ribbons(msgspec.Struct, frozen=True):
    """The whole drawing; ``hidden`` are the pairs with the least data, which are left out."""

    height: float
    sources: tuple[End, ...]
    destinations: tuple[End, ...]
    ribbons: tuple[Ribbon, ...]
    hidden: int


def ribbons(flows: Sequence[Flow]) -> Ribbons | None:
    """The drawing of what moves between regions, most data first; None where nothing does."""
    shown = [flow for flow in flows[:FLOWS_SHOWN] if flow.gigabytes > 0]
    if not shown:
        return None
    scale = min(_FULL, _THICKEST * len(shown)) / sum(flow.gigabytes for flow in shown)
    sources, left = _side(shown, lambda flow: flow.source, scale)
    destinations, right = _side(shown, lambda flow: flow.destination, scale)
    colours = {end.region: place % _COLOURS for place, end in enumerate(sources)}
    used_left, used_right = {end.region: end.y for end in sources}, {end.region: end.y for end in destinations}
    made = []
    for flow in shown:
        thick = max(flow.gigabytes * scale, _THINNEST)
        start, end = used_left[flow.source], used_right[flow.destination]
        used_left[flow.source] += thick
        used_right[flow.destination] += thick
        text = f"{flow.source} to {flow.destination}: {gigabytes_text(flow.gigabytes)}, {money_text(flow.cost)}"
        made.append(Ribbon(_outline(start, end, thick), colours[flow.source], text))
    return Ribbons(max(left, right), tuple(sources), tuple(destinations), tuple(made), len(flows) - len(shown))


def _side(flows: Iterable[Flow], region_of: Callable[[Flow], str], scale: float) -> tuple[list[End], float]:
    """The regions of one side from top to bottom, and how high they are together."""
    sums: dict[str, list[float]] = {}
    for flow in flows:
        amounts = sums.setdefault(region_of(flow), [0.0, 0.0, 0.0])
        amounts[0] += flow.gigabytes
        amounts[1] += flow.cost
        amounts[2] += max(flow.gigabytes * scale, _THINNEST)
    ends = []
    top = 0.0
    for region, (gigabytes, cost, height) in sums.items():
        slot = max(height, _SLOT)
        y = top + (slot - height) / 2
        text = f"{gigabytes_text(gigabytes)}, {money_text(cost)}"
        ends.append(End(region, text, round(y, 1), round(height, 1), round(top + slot / 2, 1)))
        top += slot + _GAP
    return ends, round(top - _GAP, 1)


def _outline(start: float, end: float, thick: float) -> str:
    a, b, c, d = (f"{value:.1f}" for value in (start, end, end + thick, start + thick))
    return f"M0,{a} C50,{a} 50,{b} 100,{b} L100,{c} C50,{c} 50,{d} 0,{d} Z"
