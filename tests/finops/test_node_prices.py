"""What an hour of a node costs: which row of the book is found, what is told where none is, and how it is split."""

from __future__ import annotations

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.finops.price_list import price_list
from yuheng.finops.pricing import price_cluster, price_nodes, price_of_node, provider_of
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, Fleet
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.prices import DEFAULT_RATES, Price, PriceBook, Rates

GIB = 2**30
TYPE = "node.kubernetes.io/instance-type"
BY = "by instance type m5.large (on-demand), region eu-west-1"
CHEAPEST = "the cheapest zone of eu-west-1, eu-west-1c: zone eu-west-1a has no price"
UNKNOWN = "as on-demand, since nothing is known of what was reserved: "
REGION = "topology.kubernetes.io/region"
ZONE = "topology.kubernetes.io/zone"
SPOT = {"karpenter.sh/capacity-type": "spot"}
RESERVED = {"yuheng.io/market": "reserved"}
HERE = {TYPE: "m5.large", REGION: "eu-west-1", ZONE: "eu-west-1a"}


def node(labels=HERE, *, cpu=2000, memory=8 * GIB, gpus=0, name="n"):
    amounts = {"cpu": cpu, "memory": memory}
    return Node(name=name, allocatable=amounts, labels=dict(labels), devices=DeviceInventory(count=gpus))


def row(per_hour, region="eu-west-1", **parts):
    return Price(**{"instance_type": "m5.large", "region": region, "per_hour": per_hour, **parts})


def found(labels, *rows, **parts):
    return price_of_node(node(labels), PriceBook(rows), **{"time": 100.0, **parts})


@pytest.mark.parametrize(
    ("labels", "rows", "per_hour", "why"),
    [
        (HERE, [row(0.1)], 0.1, BY),
        (HERE, [row(0.1), row(0.2, zone="eu-west-1a")], 0.2, "by instance type m5.large (on-demand), zone eu-west-1a"),
        (
            HERE,
            [row(0.3, zone="eu-west-1b"), row(0.2, zone="eu-west-1c")],
            0.2,
            f"by instance type m5.large (on-demand), {CHEAPEST}",
        ),
        (HERE, [row(0.1, region="")], 0.1, "by instance type m5.large (on-demand), for all regions"),
        ({**HERE, **SPOT}, [row(0.1), row(0.03, market="spot")], 0.03, BY.replace("on-demand", "spot")),
        (
            {**HERE, **RESERVED},
            [row(0.1)],
            0.1,
            UNKNOWN + BY,
        ),
        ({**HERE, **RESERVED}, [row(0.1), row(0.06, market="reserved")], 0.06, BY.replace("on-demand", "reserved")),
        (
            {
                "beta.kubernetes.io/instance-type": "m5.large",
                "failure-domain.beta.kubernetes.io/region": "eu-west-1",
                "failure-domain.beta.kubernetes.io/zone": "eu-west-1a",
            },
            [row(0.2, zone="eu-west-1a")],
            0.2,
            "by instance type m5.large (on-demand), zone eu-west-1a",
        ),
        (HERE, [row(0.1, since=0.0), row(0.4, since=50.0), row(0.9, since=101.0)], 0.4, BY),
    ],
)  # fmt: skip
def test_a_node_finds_its_row_by_its_labels(labels, rows, per_hour, why):
    price = found(labels, *rows)
    assert (price.per_hour, price.why, price.rivals) == (per_hour, why, ())


@pytest.mark.parametrize(
    ("labels", "rows", "why"),
    [
        ({}, [row(0.1)], "by rates: the node has no label node.kubernetes.io/instance-type"),
        (HERE, [], "by rates: no price of m5.large on-demand in eu-west-1a: there is no price book"),
        ({TYPE: "m5.large"}, [row(0.1)], "by rates: no price of m5.large on-demand; the node has no label " + REGION),
        (
            HERE,
            [row(0.1, region="us-east-1"), row(0.2, region="us-east-2")],
            "by rates: no price of m5.large on-demand in eu-west-1a; it has some in us-east-1, us-east-2",
        ),
        ({**HERE, **SPOT}, [row(0.1)], "by rates: no price of m5.large spot in eu-west-1a; here it is on-demand"),
        (
            {**HERE, "eks.amazonaws.com/nodegroup": "x"},
            [row(0.1, provider="gcp")],
            "by rates: no price of m5.large on-demand in eu-west-1a; it is sold by gcp, and not by aws",
        ),
        (HERE, [row(0.1, instance_type="c5.large")], "by rates: no price of m5.large on-demand in eu-west-1a"),
    ],
)
def test_a_node_without_a_row_has_rates_and_says_why(labels, rows, why):
    price = found(labels, *rows)
    assert price.price is None
    assert price.why == why
    assert isclose(price.per_hour, 2 * DEFAULT_RATES.cpu + 8 * DEFAULT_RATES.memory)
    assert (price.cpu, price.memory, price.gpu) == (DEFAULT_RATES.cpu, DEFAULT_RATES.memory, DEFAULT_RATES.gpu)


def test_region_and_provider_of_the_cluster_count_for_nodes_that_do_not_tell_theirs():
    rows = [row(0.1, provider="aws"), row(0.3, provider="gcp"), row(0.5, region="us-east-1")]
    assert found({TYPE: "m5.large"}, *rows, region="eu-west-1", provider="gcp").per_hour == 0.3
    assert found({**HERE, "cloud.google.com/gke-nodepool": "x"}, *rows, provider="aws").per_hour == 0.3
    assert found(HERE, *rows, region="us-east-1", provider="aws").per_hour == 0.1


@pytest.mark.parametrize(
    ("label", "provider"),
    [
        ("eks.amazonaws.com/nodegroup", "aws"),
        ("k8s.io/cloud-provider-aws", "aws"),
        ("cloud.google.com/gke-nodepool", "gcp"),
        ("kubernetes.azure.com/mode", "azure"),
        ("example.com/eks.amazonaws.com", ""),
    ],
)
def test_a_provider_is_known_by_whose_services_labelled_the_node(label, provider):
    assert provider_of({"a": "b", label: "x"}) == provider


def test_two_rows_that_say_as_much_and_another_price_are_rivals():
    price = found(HERE, row(0.1, provider="aws"), row(0.2, provider="other"), row(0.3, market="spot"), row(0.1))
    assert sorted([price.per_hour, *(rival.per_hour for rival in price.rivals)]) in ([0.1, 0.2], [0.1, 0.1, 0.2])
    assert price.rivals
    assert not found(HERE, row(0.1), row(0.1, provider="aws")).rivals
    assert not found(HERE, row(0.1), row(0.2, zone="eu-west-1a")).rivals
    assert not found(HERE, row(0.1, provider="aws"), row(0.2, provider="gcp"), provider="aws").rivals


def test_a_price_that_has_been_replaced_since_is_no_rival():
    assert not found(HERE, row(0.1, since=1.0), row(0.2, since=2.0), row(0.3, since=200.0)).rivals
    assert found(HERE, row(0.1, since=2.0), row(0.2, since=2.0)).rivals


amounts = st.integers(0, 10**6)


@given(
    st.integers(0, 512_000), st.integers(0, 4 * 2**40), st.integers(0, 16), st.floats(0, 1000),
    st.builds(Rates, st.floats(0, 9), st.floats(0, 9), st.floats(0, 9)),
)  # fmt: skip
def test_the_resources_of_a_node_cost_what_the_node_costs(cpu, memory, gpus, per_hour, rates):
    machine = node(cpu=cpu, memory=memory, gpus=gpus)
    for book in (PriceBook([row(per_hour)]), PriceBook()):
        price = price_of_node(machine, book, time=0.0, rates=rates)
        parts = price.cpu * cpu / 1000 + price.memory * memory / GIB + price.gpu * gpus
        assert min(price.cpu, price.memory, price.gpu) >= 0
        if cpu or memory or gpus:
            assert isclose(parts, price.per_hour, rel_tol=1e-9, abs_tol=1e-12)


def test_a_price_is_split_in_the_ratio_of_the_rates():
    price = price_of_node(node(cpu=4000, memory=16 * GIB, gpus=2), PriceBook([row(5.0)]), time=0.0)
    assert isclose(price.cpu / price.memory, DEFAULT_RATES.cpu / DEFAULT_RATES.memory)
    assert isclose(price.gpu / price.cpu, DEFAULT_RATES.gpu / DEFAULT_RATES.cpu)


def test_a_node_that_offers_nothing_has_a_price_and_no_rates():
    price = price_of_node(node(cpu=0, memory=0), PriceBook([row(5.0)]), time=0.0)
    assert (price.per_hour, price.cpu, price.memory, price.gpu) == (5.0, 0.0, 0.0, 0.0)


def test_nodes_come_back_in_their_order_with_their_cluster():
    nodes = [node(name=name) for name in ("b", "a", "c")]
    prices = price_nodes(nodes, PriceBook([row(1.0)]), time=0.0, cluster="east")
    assert [(price.node, price.cluster) for price in prices] == [("b", "east"), ("a", "east"), ("c", "east")]


def cluster(**parts):
    return Cluster(
        **{"name": "east", "provider": "aws", "region": "eu-west-1", "snapshot": Snapshot(nodes=(node(),)), **parts}
    )


def test_a_cluster_with_a_factor_pays_that_part_of_prices_and_of_rates():
    book = PriceBook([row(1.0)])
    (half,) = price_cluster(cluster(price_factor=0.5), book, time=0.0)
    assert (half.per_hour, half.why.endswith("; times 0.5, the price factor of its cluster")) == (0.5, True)
    (none,) = price_cluster(cluster(price_factor=0.0), PriceBook(), time=0.0)
    assert (none.per_hour, none.cpu) == (0.0, 0.0)


def test_a_cluster_with_rates_of_its_own_has_those_and_no_price_is_missed():
    state = Fleet(clusters=(cluster(rates=Rates(1.0, 0.5, 0.0)),), prices=PriceBook([row(1.0)]))
    prices = price_list(state)
    assert prices.nodes[0].per_hour == 2 * 1.0 + 8 * 0.5
    assert prices.warnings == ()


def test_a_fleet_has_a_book_of_its_own_unless_another_is_given():
    state = Fleet(clusters=(cluster(),), prices=PriceBook([row(1.0)]), time=5.0)
    assert price_list(state).per_hour == 1.0
    given_ = price_list(state, PriceBook([row(2.0)]))
    assert (given_.per_hour, given_.prices, given_.time) == (2.0, 1, 5.0)


def test_the_newest_prices_count_where_nothing_tells_the_time():
    book = PriceBook([row(1.0, since=0.0), row(2.0, since=9e9)])
    assert price_list(Snapshot(nodes=(node(),)), book).per_hour == 2.0


def test_doubtful_prices_are_told_once_for_all_nodes_that_have_them():
    nodes = (*(node(name=f"n{i}") for i in range(5)), node({}, name="x"))
    told = price_list(Snapshot(nodes=nodes), PriceBook([row(0.1, provider="a"), row(0.2, provider="b")]))
    assert told.warnings == (
        (
            "nodes n0, n1, n2 and 2 more: 2 prices match m5.large on-demand in eu-west-1: "
            "$0.2 an hour of b counts, not 0.1 of a"
        ),
        "node x: priced by rates: the node has no label node.kubernetes.io/instance-type",
    )
    assert (told.unpriced, told.to_dict()["summary"]["ambiguous"]) == (1, 5)
