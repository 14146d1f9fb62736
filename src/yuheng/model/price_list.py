"""The price list of a cluster or a fleet: what each node costs, by which row of the price book, and why."""

from __future__ import annotations

from math import fsum, isfinite
from typing import Any

import msgspec

from yuheng.model.fleet_plan import told_instant
from yuheng.model.node_price import NodePrice
from yuheng.model.plan import API_VERSION
from yuheng.model.prices import Price
from yuheng.model.units import HOURS_A_MONTH

__all__ = ["PriceList"]

# What providers mean by a month: 365 days of 24 hours, divided by 12.


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """What the nodes of a cluster or a fleet cost.

    Attributes:
        nodes: by cluster and name.
        time: when prices were looked up, in seconds since the epoch; None for the newest there are.
        prices: how many prices the book has.
        warnings: what had to be assumed.
    """

    nodes: tuple[NodePrice, ...] = ()
    time: float | None = None
    prices: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def per_hour(self) -> float:
        """US dollars per hour of all nodes."""
        return fsum(node.per_hour for node in self.nodes)

    @property
    def per_month(self) -> float:
        """US dollars per month of 730 hours."""
        return self.per_hour * HOURS_A_MONTH

    @property
    def unpriced(self) -> int:
        """How many nodes have no row in the book."""
        return sum(node.price is None for node in self.nodes)

    def to_dict(self) -> dict[str, Any]:
        """The price list in the public format."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Prices",
            "currency": "USD",
            "time": told_instant(self.time),
            "summary": {
                "nodes": len(self.nodes),
                "unpriced": self.unpriced,
                "ambiguous": sum(bool(node.rivals) for node in self.nodes),
                "prices": self.prices,
                "perHour": _told(self.per_hour),
                "perMonth": _told(self.per_month),
            },
            "nodes": [_node(node) for node in self.nodes],
            "warnings": list(self.warnings),
        }


def _node(node: NodePrice) -> dict[str, Any]:
    return {
        "node": node.node,
        "cluster": node.cluster,
        "instanceType": node.instance_type,
        "region": node.region,
        "zone": node.zone,
        "market": node.market,
        "perHour": _told(node.per_hour),
        "perMonth": _told(node.per_hour * HOURS_A_MONTH),
        "rates": {"cpu": _told(node.cpu), "memory": _told(node.memory), "gpu": _told(node.gpu)},
        "price": None if node.price is None else _price(node.price),
        "why": node.why,
        "rivals": [_price(rival) for rival in node.rivals],
    }


def _price(price: Price) -> dict[str, Any]:
    return {
        "provider": price.provider,
        "region": price.region,
        "zone": price.zone,
        "instanceType": price.instance_type,
        "market": price.market,
        "perHour": _told(price.per_hour),
        "since": told_instant(price.since) if isfinite(price.since) else None,
    }


def _told(value: float) -> float:
    """A number without the noise of binary fractions."""
    return float(f"{value:.12g}")
