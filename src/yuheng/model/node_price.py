"""What one node costs, and which price said so."""

from __future__ import annotations

import msgspec

from yuheng.model.prices import Market, Price

__all__ = ["NodePrice"]


class NodePrice(msgspec.Struct, frozen=True, kw_only=True):
    """What an hour of a node costs, split over its resources.

    A node's price is split in the ratio of the default rates, scaled so that all of its allocatable cpu, memory and
    GPUs together cost what the node costs (OpenCost specification).

    Attributes:
        node: its name.
        cluster: its cluster's name; empty when there is only one.
        instance_type, region, zone, market: what it says of itself; empty when it does not.
        per_hour: US dollars per hour of the node.
        cpu: US dollars per hour of one core.
        memory: US dollars per hour of one GiB.
        gpu: US dollars per hour of one GPU.
        price: the row of the price book; None where there is none and rates count.
        why: in words, which row it is and by what it was found, or why there is none.
        rivals: other rows that fit as well, with another price.
    """

    node: str
    cluster: str = ""
    instance_type: str = ""
    region: str = ""
    zone: str = ""
    market: Market = "on-demand"
    per_hour: float
    cpu: float
    memory: float
    gpu: float
    price: Price | None = None
    why: str = ""
    rivals: tuple[Price, ...] = ()
