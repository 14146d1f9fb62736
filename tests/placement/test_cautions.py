"""What a plan promises and does not know is said of the workload: latencies nobody measured, spot as it was seen."""

from __future__ import annotations

from typing import Any

import pytest
from small_fleets import GIB, HOUR, NOW, made_node, made_spec, made_workload

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool, Fleet, FleetWorkload, Link, Region, SpotTrace
from yuheng.model.fleet_plan import FleetPlan
from yuheng.model.prices import Price, PriceBook
from yuheng.model.requirements import LatencyObjective, RunTime
from yuheng.placement.planner import Question, plan

SMALL = made_spec(100, 1)


def planned(
    regions: tuple[Region, ...], *clusters: Cluster, workloads: tuple[FleetWorkload, ...], **more: Any
) -> FleetPlan:
    keyed = {region.key: region for region in regions}
    return plan(Fleet(clusters=clusters, workloads=workloads, regions=keyed, time=NOW, **more), Question())


def about(found: FleetPlan, words: str) -> list[str]:
    return [warning for warning in found.warnings if words in warning]


def site(name: str) -> Cluster:
    """A cluster in a region of its own name."""
    state = Snapshot(nodes=tuple(made_node(f"{name}-{i}", "large") for i in range(2)), namespaces={"default": {}})
    return Cluster(name=name, region=name, snapshot=state)


def served(name: str, users: tuple[str, ...], seconds: float = 0.085, **needs: Any) -> FleetWorkload:
    """A service that answers 95 of 100 requests of these regions in so many seconds."""
    level = LatencyObjective(quantile=0.95, seconds=seconds, users=users)
    return made_workload(name, 1, SMALL, latency=level, **needs)


EU, EDGE = Region(name="eu"), Region(name="edge")


def test_a_service_level_that_rests_on_a_latency_nobody_knows_is_told() -> None:
    web = served("web", ("eu",), run_time={"*": RunTime(0.005)})
    (said,) = about(planned((EU, EDGE), site("edge"), workloads=(web,)), "service level")
    assert said == (
        "default/web: its service level (p95 < 85 ms) rests on latencies that are not known and count as"
        " 0 s: eu to edge, where 40 ms are allowed"
    )


@pytest.mark.parametrize(
    "regions",
    [
        (Region(name="eu", links={"edge": Link(latency=0.01)}), EDGE),
        (EU, Region(name="edge", links={"eu": Link(latency=0.01)})),
    ],
)
def test_one_that_is_known_either_way_is_none(regions: tuple[Region, ...]) -> None:
    assert not about(planned(regions, site("edge"), workloads=(served("web", ("eu",)),)), "service level")


def test_nor_is_it_where_the_users_are_or_where_the_workload_has_no_place() -> None:
    near = served("near", ("edge",))
    nowhere = served("nowhere", ("eu",), regions=("mars",))
    assert not about(planned((EU, EDGE), site("edge"), workloads=(near, nowhere)), "service level")


def test_only_the_first_of_many_are_told_by_name() -> None:
    many = tuple(served(f"w{i:02}", ("eu",)) for i in range(22))
    said = about(planned((EU, EDGE), site("edge"), workloads=many), "service level")
    assert len(said) == 21
    assert said[-1] == "2 more workloads with service levels that rest on latencies that are not known"


def on_spot(trace: tuple[bool, ...], **needs: Any) -> FleetPlan:
    """The plan of a job of ten hours where spot costs a third, as it was seen, and where another cluster costs half."""
    machine = made_node("m", "large")
    pools = tuple(
        ClusterPool(name=market, node=machine, maximum=1, market=market)  # type: ignore[arg-type]
        for market in ("on-demand", "spot")
    )
    kind = machine.labels["node.kubernetes.io/instance-type"]
    book = PriceBook(
        Price(instance_type=kind, region=region, market=market, per_hour=price)  # type: ignore[arg-type]
        for region, market, price in (("us", "on-demand", 3.0), ("us", "spot", 1.0), ("eu", "on-demand", 1.5))
    )
    us = Cluster(name="us", region="us", pools=pools)
    eu = Cluster(name="eu", region="eu", pools=pools[:1])
    seen = SpotTrace(zone="us-a", gap=600.0, available=trace)
    cores = machine.allocatable["cpu"]
    job = made_workload(
        "job",
        1,
        made_spec(cores, machine.allocatable["memory"] // GIB),
        **{
            "run_time": {"*": RunTime(10 * HOUR)},
            "within": 20 * HOUR,
            "interruptible": True,
            "checkpoint": 600.0,
            **needs,
        },
    )
    return planned((Region(name="us", spot=(seen,)), Region(name="eu")), us, eu, workloads=(job,), prices=book)


# There for two hours of every ten.
SCARCE = ((True,) * 12 + (False,) * 48) * 20


def test_spot_that_would_cost_more_than_it_is_told_at_is_said_to_with_the_runner_up() -> None:
    found = on_spot(SCARCE)
    (one,) = found.workloads
    assert (one.market, one.total) == ("spot", pytest.approx(10.0))
    assert one.advice is not None
    assert one.advice.expected_cost > 15.0
    (said,) = about(found, "spot machines")
    expected = f"${one.advice.expected_cost:,.2f} on average (${one.advice.low:,.2f} to ${one.advice.high:,.2f})"
    assert said == (
        "default/job: its spot machines are told at $10.00 in all, as if none were ever taken away; as their market was"
        f" observed they would cost {expected}; the runner-up costs $15.00 in eu (on-demand)"
    )


def test_spot_that_was_always_there_is_taken_at_its_price() -> None:
    found = on_spot((True,) * 600, checkpoint=0.0)
    assert found.workloads[0].market == "spot"
    assert not about(found, "spot machines")


def test_nothing_is_said_of_machines_that_were_not_chosen() -> None:
    found = on_spot(SCARCE, markets=("on-demand",))
    assert found.workloads[0].market == "on-demand"
    assert not about(found, "spot machines")
