"""One mean of rates: what rightsizing saves by it is what the price of a change counts."""

from __future__ import annotations

import pytest

from yuheng.finops.change.sides import sides_of
from yuheng.finops.mean_rates import mean_rates
from yuheng.finops.rightsizing.targets import find_targets
from yuheng.model.cluster import Snapshot
from yuheng.model.cost_change import ChangeRates
from yuheng.model.estate import Container, Estate, Owner, PodEstate, WorkloadEstate
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.units import GIB, HOURS_A_MONTH

NODES = (
    Node(name="large", allocatable={"cpu": 30000, "memory": 8 * GIB}),
    Node(name="small", allocatable={"cpu": 2000}),
)
PRICES = (
    NodePrice(node="large", per_hour=1.0, cpu=0.02, memory=0.05, gpu=0.0),
    NodePrice(node="small", per_hour=1.0, cpu=0.5, memory=9.0, gpu=0.0),
)
WEB = WorkloadEstate(
    kind="Deployment", namespace="a", name="web", replicas=1, containers=(Container(name="c", cpu=1000),)
)


def targets(*pods):
    estate = Estate(
        snapshot=Snapshot(nodes=NODES), pods={f"{one.namespace}/{one.name}": one for one in pods}, workloads=(WEB,)
    )
    return find_targets(estate, [], PRICES)[0][0], estate


def test_a_workload_that_does_not_run_yet_costs_the_same_in_rightsizing_and_in_a_change():
    found, estate = targets()
    rates = mean_rates(zip(NODES, PRICES, strict=True))
    assert (found.cpu, found.memory) == (rates.cpu, rates.memory)
    # 30 cores at 0.02 and 2 at 0.5; memory is of one node only.
    assert found.cpu == pytest.approx((30 * 0.02 + 2 * 0.5) / 32)
    assert found.memory == 0.05
    [priced] = sides_of(estate, ChangeRates(compute=rates)).items.values()
    assert priced.side.per_month.high == pytest.approx(found.cpu * HOURS_A_MONTH)


def test_a_workload_that_runs_costs_what_it_costs_there_pod_by_pod():
    places = ("large", "large", "small")
    pods = [
        PodEstate(namespace="a", name=f"p{i}", node=on, owner=Owner("Deployment", "web")) for i, on in enumerate(places)
    ]
    assert targets(*pods)[0].cpu == pytest.approx((0.02 + 0.02 + 0.5) / 3)
