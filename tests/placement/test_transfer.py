"""What it costs to move data where the price is known, where another one stands in for it, and where none is."""

from __future__ import annotations

import pytest
from small_fleets import NOW, made_node, made_spec, made_workload

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, Fleet, Link, Region
from yuheng.model.fleet_plan import FleetPlan
from yuheng.model.prices import Tier
from yuheng.model.requirements import DataUse
from yuheng.placement.planner import Question, plan
from yuheng.placement.transfer import Network


def to(**prices: float) -> dict[str, Link]:
    """Links at these prices per gigabyte; ``_in_`` stands for the slash of a key."""
    return {name.replace("_in_", "/"): Link(egress=(Tier(0.0, price),)) for name, price in prices.items()}


def region(key: str, links: dict[str, Link] | None = None, internet: tuple[Tier, ...] = ()) -> Region:
    provider, _, name = key.rpartition("/")
    return Region(name=name, provider=provider, links=links or {}, internet=internet)


def network(*regions: Region) -> Network:
    return Network({one.key: one for one in regions})


# Two clouds: of aws some pairs are known, and what the internet costs from one of its regions; of gcp nothing.
KNOWN = (
    region("aws/a", to(aws_in_b=0.02, gcp_in_x=0.09)),
    region("aws/b", {"aws/a": Link(egress=(Tier(0.0, 0.05), Tier(100.0, 0.01))), "aws/c": Link(latency=0.1)}),
    region("aws/c", internet=(Tier(0.0, 0.0), Tier(5.0, 0.12))),
    region("gcp/x"),
    region("gcp/y"),
    region("edge"),
)


@pytest.mark.parametrize(
    ("source", "target", "price", "why"),
    [
        ("aws/a", "aws/b", 0.02, "the price of the pair"),
        ("aws/c", "aws/a", 0.06, "the internet's from that region: of 10 GB the first 5 are free"),
        ("aws/b", "aws/c", 0.05, "the dearest inside aws, whatever the tier"),
        ("aws/b", "gcp/x", 0.12, "the dearest out of aws, the internet included"),
        ("gcp/x", "gcp/y", 0.0, "nothing is known of gcp"),
        ("edge", "aws/a", 0.0, "nothing is known of the region, and it has no provider"),
        ("aws/a", "aws/a", 0.0, "data stay in a region for nothing"),
    ],
)
def test_a_pair_without_a_price_costs_the_dearest_that_is_known(
    source: str, target: str, price: float, why: str
) -> None:
    assert network(*KNOWN).cost(source, target, 10.0) == pytest.approx(10.0 * price), why


def test_what_stands_in_and_what_is_free_is_remembered() -> None:
    between = network(*KNOWN)
    for source, target in (("aws/a", "aws/b"), ("aws/b", "aws/c"), ("gcp/x", "gcp/y"), ("aws/c", "gcp/y")):
        between.cost(source, target, 10.0)
    assert between.assumed == {("aws/b", "aws/c"): 0.05}
    assert between.unpriced == {("gcp/x", "gcp/y")}


def test_a_provider_without_a_price_inside_costs_what_is_known_to_elsewhere() -> None:
    between = network(region("aws/a", to(gcp_in_x=0.09)), region("aws/b"), region("gcp/x"))
    assert between.cost("aws/b", "aws/a", 10.0) == pytest.approx(0.9)


def moving(*regions: Region) -> FleetPlan:
    """The plan of a job in aws/c that reads 10 GB of aws/b."""
    state = Snapshot(nodes=(made_node("n", "small"),), namespaces={"default": {}})
    cluster = Cluster(name="here", region="c", provider="aws", snapshot=state)
    use = DataUse(name="d", gigabytes=10.0, regions=("aws/b",))
    job = made_workload("job", 1, made_spec(1000, 1), reads=(use,))
    return plan(
        Fleet(clusters=(cluster,), workloads=(job,), regions={one.key: one for one in regions}, time=NOW), Question()
    )


def test_a_plan_charges_it_and_says_at_what_price() -> None:
    found = moving(*KNOWN)
    (one,) = found.workloads
    assert one.egress == pytest.approx(0.50)
    said = "egress has no price between 1 pair of regions, aws/b to aws/c first: the dearest that is known of aws"
    assert f"{said}, $0.05 per GB, is charged" in found.warnings


def test_where_nothing_is_known_it_is_free_and_said_to_be() -> None:
    found = moving(region("aws/b"), region("aws/c"))
    assert found.workloads[0].egress == 0
    said = "egress has no price between 1 pair of regions, aws/b to aws/c first: nothing is charged"
    assert said in found.warnings
