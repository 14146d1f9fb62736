"""A fleet as it stands as one HTML file: its clusters by region, what is free and what it costs, its regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.fleet_plan import told_instant
from yuheng.reporting.fleet_cards import cards
from yuheng.reporting.fleet_facts import shown_resources
from yuheng.reporting.fleet_plan_page import FLEET_STYLE, FLEET_THEME
from yuheng.reporting.fleet_wording import money_text
from yuheng.reporting.page import asset, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.fleet_plan import FleetState, RegionReport

__all__ = ["fleet_page"]

_PAGE: Final = ("page/text.js",)
# More columns than these fit on no page.
_MATRIX_MOST: Final = 24
_BANDS: Final = 9


class _Pair(msgspec.Struct, frozen=True):
    """What a gigabyte from one region to another costs, and its colour: 0 for the cheapest, 9 for the dearest."""

    text: str
    band: int | None


def fleet_page(state: FleetState) -> str:
    """The state of a fleet as a self-contained HTML page.

    Args:
        state: what to show; the same state always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    return render(
        "fleet.html.j2",
        state=state,
        time=told_instant(state.time),
        groups=cards(state.clusters),
        resources=shown_resources([cluster.free for cluster in state.clusters]),
        matrix=_matrix(state.regions),
        nodes=sum(cluster.nodes for cluster in state.clusters),
        pods=sum(cluster.pods for cluster in state.clusters),
        pools=sum(cluster.pools for cluster in state.clusters),
        style=asset(*FLEET_STYLE),
        scripts={"theme": asset(*FLEET_THEME), "page": asset(*_PAGE)},
    )


def _matrix(regions: Sequence[RegionReport]) -> list[tuple[str, list[_Pair | None]]]:
    """Egress from each region to each other, by row; empty where nobody knows a price, or nobody could read it."""
    prices = [price for region in regions for price in region.egress.values()]
    if not prices or len(regions) > _MATRIX_MOST:
        return []
    low, high = min(prices), max(prices)

    def pair(price: float | None) -> _Pair:
        if price is None:
            return _Pair("-", None)
        return _Pair(money_text(price), round(_BANDS * (price - low) / (high - low)) if high > low else 0)

    return [
        (
            region.region,
            [None if other is region else pair(region.egress.get(other.region)) for other in regions],
        )
        for region in regions
    ]
