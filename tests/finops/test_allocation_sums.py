"""Whatever is asked: the rows of an allocation add up to what was paid, and nothing is negative."""

from __future__ import annotations

from collections import defaultdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_estates import cases
from plain_allocation import plain_costs

from yuheng.finops.allocation import Question, allocate
from yuheng.model.cost import IDLE, UNALLOCATED, UNMOUNTED
from yuheng.model.units import GIB, HOURS_A_MONTH


def paid(holdings, question, hours):
    """What was paid, by plain sums over nodes, volumes, load balancers and bytes."""
    total = 0.0
    for holding in holdings:
        total += sum(price.per_hour * hours for price in holding.prices)
        for claim in holding.estate.claims:
            per_month = question.storage.get(claim.storage_class, question.storage[""])
            total += claim.size / GIB * per_month / HOURS_A_MONTH * hours
        total += len(holding.estate.balancers) * question.balancer * hours
        if holding.sums is not None:
            total += holding.sums.egress.sum() / GIB * question.egress
    return total


@settings(max_examples=300, deadline=None)
@given(cases())
def test_rows_add_up_to_what_was_paid(case):
    holdings, question, window = case
    found = allocate(holdings, question, window)
    expected = paid(holdings, question, window.hours)
    assert sum(row.total for row in found.rows) + found.hidden == pytest.approx(expected, abs=1e-6)
    assert found.total == pytest.approx(expected, abs=1e-6)
    assert found.nodes == pytest.approx(
        sum(price.per_hour for holding in holdings for price in holding.prices) * window.hours, abs=1e-9
    )


@settings(max_examples=200, deadline=None)
@given(cases())
def test_nothing_is_negative(case):
    holdings, question, window = case
    found = allocate(holdings, question, window)
    for row in found.rows:
        amounts = msgspec.structs.asdict(row)
        assert all(value >= 0 for value in amounts.values() if isinstance(value, float)), row
        assert row.efficiency is None or 0 <= row.efficiency <= 1 + 1e-9
    assert found.idle >= 0
    assert found.hidden == (pytest.approx(found.idle) if question.idle == "hide" else 0.0)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_a_filter_changes_no_row_that_it_accepts(case):
    """Costs are divided before they are filtered: what is shown of a group is the same with a filter and without."""
    holdings, question, window = case
    by_pod = msgspec.structs.replace(question, by=("cluster", "namespace", "pod", "node", "label:team"))
    everything = allocate(holdings, msgspec.structs.replace(by_pod, filters=()), window)
    known = {(row.start, tuple(row.group.values())): row.total for row in everything.rows}
    for row in allocate(holdings, by_pod, window).rows:
        values = tuple(row.group.values())
        if values[0] != "__other__":
            assert row.total == pytest.approx(known[row.start, values], abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_stretches_of_time_add_up_to_the_window(case):
    """Egress, storage and what nodes cost are the same in all, however finely time is divided."""
    holdings, question, window = case
    found = allocate(holdings, question, window)
    by_start = defaultdict(float)
    for row in found.rows:
        by_start[row.start] += row.total
    assert sum(by_start.values()) + found.hidden == pytest.approx(found.total, abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(cases(), st.sampled_from((1, 500_000)))
def test_each_pod_pays_what_plain_python_says(case, most_lines):
    """In every stretch, however few are looked at together: pods made again, samples before a start, whole pods."""
    holdings, question, window = case
    asked = Question(by=("cluster", "namespace", "pod"), every=question.every, egress=question.egress, balancer=0.0)
    rows = allocate(holdings, asked, window, most_lines).rows
    starts = window.edges().tolist()
    found = {
        (*row.group.values(), starts.index(row.start) if row.start else 0): row
        for row in rows
        if row.group["pod"] not in (IDLE, UNALLOCATED, UNMOUNTED)
    }
    expected = {
        (holding.estate.cluster or "default-cluster", *pod): costs
        for holding in holdings
        for pod, costs in plain_costs(holding, window, question.egress).items()
    }
    # A pod that is not there yet may have a disk already.
    assert expected.keys() <= found.keys()
    assert all(row.storage for key, row in found.items() if key not in expected)
    for key, costs in expected.items():
        row = found[key]
        assert (row.cpu, row.memory, row.gpu, row.network) == pytest.approx(tuple(costs), abs=1e-9), key
