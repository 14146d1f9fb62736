"""Prices of nodes as CSV: a row a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.units import HOURS_A_MONTH
from yuheng.reporting.rows_csv import rows_csv

if TYPE_CHECKING:
    from yuheng.model.node_price import NodePrice
    from yuheng.model.price_list import PriceList

__all__ = ["price_list_csv"]

_TITLES: Final = (
    "cluster",
    "node",
    "instance_type",
    "region",
    "zone",
    "market",
    "usd_per_hour",
    "usd_per_month",
    "usd_per_core_hour",
    "usd_per_gib_hour",
    "usd_per_gpu_hour",
    "has_price",
    "why",
    "rivals",
)


def price_list_csv(prices: PriceList) -> str:
    """What each node costs; ``has_price`` is 1 where the book has a row for it, ``rivals`` counts others that fit."""
    return rows_csv(_TITLES, (_row(node) for node in prices.nodes))


def _row(node: NodePrice) -> tuple[object, ...]:
    return (
        node.cluster,
        node.node,
        node.instance_type,
        node.region,
        node.zone,
        node.market,
        node.per_hour,
        node.per_hour * HOURS_A_MONTH,
        node.cpu,
        node.memory,
        node.gpu,
        int(node.price is not None),
        node.why,
        len(node.rivals),
    )
