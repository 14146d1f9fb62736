"""The price of a change: worked by hand, and what holds for any two versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_changes import GIB, HOURS, RATES, REPLICA, balancer, change, claim, scaler, version, versions, workload
from msgspec.structs import replace

from yuheng.finops.change.rates import with_prices
from yuheng.finops.change.sides import Key
from yuheng.finops.mean_rates import mean_rates
from yuheng.model.cost_change import CostRange
from yuheng.model.estate import Requested
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.node_price import NodePrice

NONE = version()
WEB = version(workload())
DISK = 0.04 * 100
BALANCER = 0.025 * HOURS

WORKED = {
    "replicas": (WEB, version(workload(replicas=3)), (REPLICA, REPLICA)),
    "fewer replicas": (version(workload(replicas=3)), WEB, (-REPLICA, -REPLICA)),
    "cpu": (WEB, version(workload(cpu=1500)), (2 * HOURS * 0.031611, 2 * HOURS * 0.031611)),
    "memory": (WEB, version(workload(gib=3)), (4 * HOURS * 0.004237, 4 * HOURS * 0.004237)),
    "a share of a GPU": (WEB, version(workload(gpus=0.5)), (HOURS * 0.95, HOURS * 0.95)),
    # A core is set aside for the container already; the init container asks for two more.
    "an init container": (
        version(workload(cpu=1000)),
        version(workload(cpu=1000, least=Requested(cpu=3000))),
        (4 * HOURS * 0.031611, 4 * HOURS * 0.031611),
    ),
    "the overhead of a runtime class": (
        WEB,
        version(workload(overhead=Requested(cpu=250))),
        (0.5 * HOURS * 0.031611, 0.5 * HOURS * 0.031611),
    ),
    "a workload more": (NONE, WEB, (2 * REPLICA, 2 * REPLICA)),
    "a workload less": (WEB, NONE, (-2 * REPLICA, -2 * REPLICA)),
    "an autoscaler": (WEB, version(workload(), scalers=[scaler(2, 10)]), (0, 8 * REPLICA)),
    "an autoscaler below what was written": (WEB, version(workload(), scalers=[scaler(1, 3)]), (-REPLICA, REPLICA)),
    "a higher maximum": (
        version(workload(), scalers=[scaler(2, 10)]),
        version(workload(), scalers=[scaler(2, 20)]),
        (0, 10 * REPLICA),
    ),
    # At the least demand 3 replicas more; from 5 replicas wanted on, none more.
    "a higher minimum": (
        version(workload(), scalers=[scaler(2, 10)]),
        version(workload(), scalers=[scaler(5, 10)]),
        (0, 3 * REPLICA),
    ),
    # Replicas twice as dear, half as many at the most: where 10 are wanted 10 more, where 20 are none.
    "larger and fewer replicas": (
        version(workload(), scalers=[scaler(2, 20)]),
        version(workload(cpu=1000, gib=2), scalers=[scaler(2, 10)]),
        (0, 10 * REPLICA),
    ),
    "an autoscaler that is switched off by 0 replicas": (
        WEB,
        version(workload(replicas=0), scalers=[scaler(2, 10)]),
        (-2 * REPLICA, -2 * REPLICA),
    ),
    "an autoscaler that scales to 0": (
        NONE,
        version(workload(replicas=0), scalers=[scaler(0, 5)]),
        (0, 5 * REPLICA),
    ),
    "a claim more": (WEB, version(workload(), claims=[claim()]), (DISK, DISK)),
    "claims of each replica": (
        version(workload(kind="StatefulSet", replicas=1, claims=(claim(),))),
        version(workload(kind="StatefulSet", replicas=3, claims=(claim(),))),
        (2 * (REPLICA + DISK), 2 * (REPLICA + DISK)),
    ),
    "a load balancer": (WEB, version(workload(), balancers=[balancer()]), (BALANCER, BALANCER)),
    "another namespace": (WEB, version(workload(namespace="ops")), (0, 0)),
    "nothing": (WEB, WEB, (0, 0)),
}


@pytest.mark.parametrize(("base", "head", "expected"), WORKED.values(), ids=WORKED)
def test_a_change_costs_what_its_parts_cost(base, head, expected):
    found = change(base, head)
    assert (found.increase.low, found.increase.high) == pytest.approx(expected)


def test_what_happens_to_an_object_is_told():
    base = version(workload("same"), workload("grows"), workload("goes"), workload("moves"))
    head = version(workload("same"), workload("grows", 3), workload("comes"), workload("moves", namespace="ops"))
    found = change(base, head)
    assert found.unchanged == 1
    assert {(row.name, row.change, row.moved_from) for row in found.rows} == {
        ("grows", "changed", ""),
        ("goes", "removed", ""),
        ("comes", "added", ""),
        ("moves", "moved", "shop"),
    }


def test_a_move_is_told_only_where_there_is_one_origin_and_one_destination():
    base = version(workload(namespace="a"))
    head = version(workload(namespace="b"), workload(namespace="c"))
    assert sorted(row.change for row in change(base, head).rows) == ["added", "added", "removed"]


def test_rows_are_in_one_order_dearest_increase_first():
    base = version(workload("b"), workload("a"), workload("less", 5))
    head = version(workload("b", 3), workload("a", 3), workload("most", 9), workload("less", 4))
    assert [row.name for row in change(base, head).rows] == ["most", "a", "b", "less"]


def test_a_daemon_set_costs_a_pod_for_each_node():
    daemons = version(workload("agent", None, kind="DaemonSet"))
    unknown = change(NONE, daemons)
    assert (unknown.increase, unknown.rows[0].increase) == (CostRange(), None)
    assert any("--nodes" in text and "shop/agent" in text for text in unknown.assumptions)
    assert change(NONE, daemons, nodes=7).increase.high == pytest.approx(7 * REPLICA)
    counted = {Key("DaemonSet", "shop", "agent"): 4}
    assert change(NONE, daemons, nodes=7, daemons=counted).increase.high == pytest.approx(4 * REPLICA)


@pytest.mark.parametrize("kind", ["Job", "CronJob"])
def test_jobs_are_told_by_the_hour_and_not_counted(kind):
    found = change(NONE, version(workload("report", 2, kind=kind)))
    [row] = found.rows
    assert found.increase == CostRange()
    assert row.after.per_month is None
    assert row.after.per_hour == pytest.approx(2 * REPLICA / HOURS)
    assert any(f"{kind} shop/report" in text for text in found.assumptions)


def test_a_job_of_volcano_is_none_of_kubernetes():
    batch, volcano = workload("x", 1, kind="Job"), workload("x", 2, kind="Job.batch.volcano.sh")
    more = workload("x", 4, kind="Job.batch.volcano.sh")
    found = change(version(batch, volcano), version(batch, more))
    assert [(row.kind, row.change) for row in found.rows] == [("Job.batch.volcano.sh", "changed")]
    assert found.unchanged == 1
    # Volcano's ends by itself, too.
    assert found.rows[0].after.per_month is None


def test_what_costs_nothing_is_told():
    found = change(NONE, version(workload("bare", cpu=0, gib=0), scalers=[scaler(1, 2, "gone")]))
    assert any("requests nothing" in text and "shop/bare" in text for text in found.assumptions)
    assert any("autoscalers" in text and "shop/gone" in text for text in found.assumptions)


def test_storage_classes_have_prices_of_their_own():
    rates = with_prices(RATES, {"": 0.1, "fast": 0.2}, 0.5)
    head = version(claims=[claim("a", 10), claim("b", 10, storage_class="fast")], balancers=[balancer()])
    assert change(NONE, head, rates).increase.high == pytest.approx(1 + 2 + 0.5 * HOURS)


def test_another_storage_class_is_a_change_at_no_cost():
    found = change(version(claims=[claim()]), version(claims=[claim(storage_class="fast")]))
    assert [row.change for row in found.rows] == ["changed"]
    assert found.increase == CostRange()


def test_carbon_is_of_the_power_that_requests_draw():
    # Of Cloud Carbon Footprint: half used, a core draws (0.74 + 3.5) / 2 watts, a gigabyte 0.392.
    watts = 0.5 * (0.74 + 3.5) / 2 + GIB / 1e9 * 0.392
    found = change(WEB, version(workload(replicas=3)), replace(RATES, carbon=400.0))
    assert found.carbon.high == pytest.approx(watts / 1000 * HOURS * 400)
    assert change(WEB, NONE).carbon is None


BUDGETS = {"below": (1.0, True), "at it": (REPLICA, False), "above": (2 * REPLICA, False), "none": (None, False)}


@pytest.mark.parametrize(("budget", "over"), BUDGETS.values(), ids=BUDGETS)
def test_the_upper_end_of_the_increase_is_held_against_the_budget(budget, over):
    head = version(workload(), scalers=[scaler(1, 3)])
    assert change(WEB, head, budget=budget).over_budget == over


def test_mean_rates_of_nodes_cost_what_the_nodes_cost():
    nodes = [
        Node(name="a", allocatable={"cpu": 4000, "memory": 16 * GIB}),
        Node(name="b", allocatable={"cpu": 8000, "memory": 8 * GIB}, devices=DeviceInventory(count=2)),
    ]
    prices = [
        NodePrice(node="a", per_hour=0.36, cpu=0.05, memory=0.01, gpu=1.0),
        NodePrice(node="b", per_hour=6.88, cpu=0.1, memory=0.01, gpu=3.0),
    ]
    rates = mean_rates(zip(nodes, prices, strict=True))
    assert rates.of(12000, 24 * GIB, 2) == pytest.approx(0.36 + 6.88)
    assert rates.gpu == pytest.approx(3.0)
    assert mean_rates([(nodes[0], prices[0])]).gpu == pytest.approx(0.95)


@given(versions(), versions())
def test_a_change_and_its_reverse_cancel_each_other(base, head):
    there, back = change(base, head), change(head, base)
    assert (there.increase.low, there.increase.high) == pytest.approx((-back.increase.high, -back.increase.low))
    assert there.unchanged == back.unchanged
    assert len(there.rows) == len(back.rows)


@given(versions())
def test_the_same_twice_is_no_change(base):
    found = change(base, base)
    assert (found.rows, found.increase) == ((), CostRange())
    assert found.before == found.after


def counted(item, demand):
    """How many replicas run when so many are wanted."""
    return min(max(demand, item.minimum), item.maximum)


def money(item, demand):
    if item is None:
        return 0.0
    most = item.maximum or 1
    return counted(item, demand) * (item.per_month.high / most if item.maximum else 0.0)


@given(versions(), versions(), st.integers(0, 12))
def test_no_demand_that_a_version_can_meet_costs_more_or_less_than_told(base, head, demand):
    for row in change(base, head).rows:
        sides = [item for item in (row.before, row.after) if item is not None]
        if row.increase is None or not any(item.minimum <= demand <= item.maximum for item in sides):
            continue
        difference = money(row.after, demand) - money(row.before, demand)
        assert row.increase.low - 1e-6 <= difference <= row.increase.high + 1e-6


@given(versions(), versions())
def test_what_comes_after_is_what_was_before_and_the_increase(base, head):
    plain = [replace(one, autoscalers=()) for one in (base, head)]
    found = change(*plain)
    assert found.before.high + found.increase.high == pytest.approx(found.after.high, abs=1e-6)
    assert found.increase.exact
