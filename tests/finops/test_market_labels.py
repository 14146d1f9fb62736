"""How a node says how it was bought: whatever is written is read so, and nothing else is left."""

from __future__ import annotations

import pytest

from yuheng.finops.market_labels import market_labels, remarketed
from yuheng.placement.machines import CAPACITY_TYPES, market_of

MARKETS = ("on-demand", "spot", "reserved")


@pytest.mark.parametrize("market", MARKETS)
def test_every_label_that_is_written_is_read_as_written(market):
    written = market_labels(market)
    assert written
    assert all(market_of({key: value}) == market for key, value in written.items())


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("key", CAPACITY_TYPES)
def test_a_node_that_is_bought_otherwise_says_so(key, market):
    for value in CAPACITY_TYPES[key]:
        assert market_of(remarketed({key: value, "pool": "a"}, market)) == market


CASES = {
    "a GKE node becomes spot": (
        {"cloud.google.com/gke-nodepool": "p"},
        "spot",
        {"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-provisioning": "spot"},
    ),
    "a spot node of GKE becomes on-demand": (
        {"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-provisioning": "spot"},
        "on-demand",
        {"cloud.google.com/gke-provisioning": "standard"},
    ),
    "a preemptible one becomes spot": (
        {"cloud.google.com/gke-preemptible": "true"},
        "spot",
        {"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-provisioning": "spot"},
    ),
    "a node of no service has Karpenter's label alone": ({"pool": "a"}, "spot", {"pool": "a"}),
}


@pytest.mark.parametrize("name", CASES)
def test_labels_are_those_of_the_services_that_label_the_node(name):
    labels, market, expected = CASES[name]
    pool = {key: value for key, value in labels.items() if key not in CAPACITY_TYPES}
    assert remarketed(labels, market) == pool | expected | {"karpenter.sh/capacity-type": market}


def test_machines_of_another_product_are_read_and_never_written():
    assert "cloud.google.com/gke-preemptible" not in market_labels("spot")
    assert "eks.amazonaws.com/capacityType" not in market_labels("reserved")
