"""Nodes against a bill: who is found by what, and causes that add up whatever the bill says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.finops.reconcile import reconcile
from yuheng.model.bill import CAUSES, Bill, NodeIdentity, ResourceCharge, ServiceCharge
from yuheng.model.node_price import NodePrice

SET = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachineScaleSets/pool"


def priced(name, per_hour=1.0, cluster=""):
    return NodePrice(node=name, cluster=cluster, per_hour=per_hour, cpu=0.0, memory=0.0, gpu=0.0)


def charged(resource="", *, amount=1.0, **more):
    amounts = dict.fromkeys(("listed", "contracted", "billed", "effective"), amount)
    return ResourceCharge(provider="AWS", service="EC2", resource=resource, **{**amounts, **more})


def bill_of(*charges, others=0.0):
    """A bill of compute, and another service."""
    sums = {
        name: sum(getattr(one, name) for one in charges) for name in ("listed", "contracted", "billed", "effective")
    }
    services = [ServiceCharge(provider="AWS", category="Compute", service="EC2", charges=len(charges), **sums)]
    amounts = dict.fromkeys(("listed", "contracted", "billed", "effective"), others)
    services += (
        [ServiceCharge(provider="AWS", category="Storage", service="S3", charges=1, **amounts)] if others else []
    )
    return Bill(sources=("bill.csv",), start=0.0, end=3600.0, services=tuple(services), resources=charges)


def steps(found):
    return {step.cause: round(step.amount, 9) for step in found.steps if step.amount}


PLACES = {
    "an instance of AWS": ("aws:///eu-west-1a/i-0abc", charged("i-0abc"), "providerID"),
    "its ARN": ("aws:///eu-west-1a/i-0abc", charged("arn:aws:ec2:eu-west-1:1:instance/i-0abc"), "providerID"),
    "a machine of Google": (
        "gce://shop/europe-west1-b/gke-1",
        charged("//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/gke-1"),
        "providerID",
    ),
    "a machine of Azure, in other letters": (
        "azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-1",
        charged("/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachines/VM-1"),
        "providerID",
    ),
    "a scale set": (f"azure://{SET}/virtualMachines/3", charged(SET.lower()), "providerID"),
    "a name": ("", charged("", name="node-a"), "name"),
    "a host's name": ("", charged("host-a"), "name"),
    "a tag": ("", charged("i-77", tags={"Name": "node-a"}), "tag"),
    "a tag with a prefix": ("", charged("i-77", tags={"k8s.io/node": "NODE-A"}), "tag"),
    "another machine": ("aws:///eu-west-1a/i-0abc", charged("i-0abd"), ""),
    "a tag of something else": ("", charged("i-77", tags={"team": "node-a"}), ""),
    "no name at all": ("", charged(""), ""),
}


@pytest.mark.parametrize(("provider_id", "charge", "by"), PLACES.values(), ids=PLACES)
def test_nodes_are_found_by(provider_id, charge, by):
    found = reconcile([priced("node-a")], 1.0, [NodeIdentity("node-a", provider_id, "host-a")], bill_of(charge))
    assert found.nodes[0].by == by
    assert found.effective == (1.0 if by else 0.0)


def test_a_scale_set_is_shared_by_its_nodes_as_they_cost():
    identities = [NodeIdentity(f"n{number}", f"azure://{SET}/virtualMachines/{number}") for number in range(2)]
    found = reconcile([priced("n0", 1.0), priced("n1", 3.0)], 1.0, identities, bill_of(charged(SET, amount=8.0)))
    assert {node.node: node.billed for node in found.nodes} == {"n0": 2.0, "n1": 6.0}


CASES = {
    "as expected": (charged("a", amount=10.0), {}),
    "a discount": (charged("a", amount=8.0, listed=10.0, contracted=8.0), {"discounts": -2.0}),
    "a credit": (charged("a", amount=0.0, listed=10.0, contracted=10.0), {"discounts": -10.0}),
    "another price": (charged("a", amount=12.0), {"prices": 2.0}),
    "a commitment": (
        charged("a", listed=10.0, contracted=9.0, effective=6.0, billed=0.0, is_committed=True),
        {"discounts": -1.0, "commitments": -3.0, "prepaid": -6.0},
    ),
    "traffic": (charged("a", amount=2.0, is_machine=False), {"prices": -10.0, "otherUsage": 2.0}),
    "another machine": (charged("z", amount=4.0), {"unmatchedNodes": -10.0, "unmatchedCompute": 4.0}),
}


@pytest.mark.parametrize(("charge", "expected"), CASES.values(), ids=CASES)
def test_each_cause_is_told_for_what_it_is(charge, expected):
    assert steps(reconcile([priced("a", 5.0)], 2.0, [], bill_of(charge))) == expected


def test_other_services_are_told():
    found = reconcile([priced("a")], 1.0, [], bill_of(charged("a"), others=7.0))
    assert steps(found) == {"otherServices": 7.0}
    assert found.total == 8.0


AMOUNT = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 2))
CHARGES = st.lists(
    st.builds(
        charged,
        st.sampled_from(["a", "b", "c", "x", "y", ""]),
        listed=AMOUNT,
        contracted=AMOUNT,
        billed=AMOUNT,
        effective=AMOUNT,
        is_machine=st.booleans(),
        is_committed=st.booleans(),
    ),
    max_size=12,
)


@given(CHARGES, st.lists(st.floats(0, 1e4), min_size=3, max_size=3), AMOUNT, st.floats(0.01, 1000))
def test_causes_lead_from_prices_to_the_bill_whatever_it_says(charges, rates, others, hours):
    prices = [priced(name, rate) for name, rate in zip("abc", rates, strict=True)]
    found = reconcile(prices, hours, [], bill_of(*charges, others=others))
    assert [step.cause for step in found.steps] == list(CAUSES)
    running = found.expected
    sums = {}
    for step in found.steps:
        running += step.amount
        sums[step.cause] = running
    near = pytest.approx
    assert sums["otherUsage"] == near(found.effective, abs=1e-3)
    assert sums["prepaid"] == near(found.billed, abs=1e-3)
    assert sums["otherServices"] == near(found.total, abs=1e-3)
    assert sum(node.effective for node in found.nodes) == near(found.effective, abs=1e-3)
    assert found.total == near(sum(one.billed for one in charges) + others, abs=1e-3)


def test_another_currency_scales_everything():
    found = reconcile([priced("a", 5.0)], 2.0, [], bill_of(charged("a", amount=8.0), charged("z"), others=3.0))
    scaled = found.within("EUR", 0.5)
    assert scaled.currency == "EUR"
    assert scaled.total == found.total / 2
    assert scaled.nodes[0].billed == found.nodes[0].billed / 2
    assert scaled.unmatched[0].billed == 0.5
    assert [step.amount for step in scaled.steps] == [step.amount / 2 for step in found.steps]
