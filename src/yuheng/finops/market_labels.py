"""How a node tells by its labels how it was bought, as a new node would: the other direction of `market_of`.

Provisioners have labels of their own for it, and some only for one of the answers: GKE labels spot machines
``cloud.google.com/gke-spot=true`` and others not at all. A node that is bought otherwise than the one it is like loses
every such label of that one, and gets those of the services that labelled it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from yuheng.model.labels import CAPACITY_TYPE
from yuheng.model.prices import Market
from yuheng.placement.machines import CAPACITY_TYPES

__all__ = ["market_labels", "remarketed"]

# What is read and never written, for it says more than the market: the machine is one of another product.
_OTHER_PRODUCTS: Final = (
    ("cloud.google.com/gke-preemptible", "true"),
    ("cloud.google.com/gke-provisioning", "preemptible"),
    ("eks.amazonaws.com/capacityType", "CAPACITY_BLOCK"),
)


def market_labels(market: Market) -> dict[str, str]:
    """The labels of a node that was bought so, of every service that has one for it."""
    return {
        key: value
        for key, meanings in CAPACITY_TYPES.items()
        for value, meaning in meanings.items()
        if meaning == market and (key, value) not in _OTHER_PRODUCTS
    }


def remarketed(labels: Mapping[str, str], market: Market) -> dict[str, str]:
    """The labels of a node as they would be had it been bought otherwise.

    Args:
        labels: of the node.
        market: how it would be bought.

    Returns:
        Labels that say so: Karpenter's, and those of the services that have labelled the node.
    """
    services = {_service(key) for key in labels}
    kept = {key: value for key, value in labels.items() if key not in CAPACITY_TYPES}
    fresh = market_labels(market)
    return kept | {key: value for key, value in fresh.items() if key == CAPACITY_TYPE or _service(key) in services}


def _service(key: str) -> str:
    """``eks.amazonaws.com`` of ``eks.amazonaws.com/nodegroup``."""
    return key.partition("/")[0]
