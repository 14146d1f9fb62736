"""What holds for every policy on every market: the deadline, the books, the bound, and that nobody sees the future."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_markets import HOUR, jobs, zone, zones

from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob
from yuheng.placement.deadline import run

ONLINE = [name for name in DEADLINE_POLICIES if name != "omniscient"]
TINY = 1e-3
many = settings(max_examples=100, deadline=None)


@pytest.mark.parametrize("policy", ONLINE)
@given(job=jobs(), markets=zones(), offset=st.floats(0, 1e5), history=st.sampled_from([0.0, 1e4]))
@many
def test_the_deadline_is_kept_the_work_is_done_and_the_books_are_right(policy, job, markets, offset, history):
    outcome = run(policy, job, markets, offset, history=history)
    assert outcome.finish <= job.time + TINY
    assert outcome.work == pytest.approx(job.work, abs=TINY)
    assert outcome.spot + outcome.on_demand == pytest.approx(outcome.work + outcome.lost, abs=TINY)
    assert outcome.lost <= outcome.starts * job.change_over + TINY
    assert outcome.cost == pytest.approx(paid(outcome, markets), rel=1e-9, abs=1e-9)


def paid(outcome, markets):
    """What the course costs, added up anew."""
    total, at = 0.0, None
    for tick, (mode, zone_) in enumerate(zip(outcome.mode, outcome.zone, strict=True)):
        if mode == 0:
            continue
        if at is not None and zone_ != at:
            total += markets[at].egress
        at = int(zone_)
        held = min(outcome.gap, outcome.finish - tick * outcome.gap)
        total += held / HOUR * (markets[at].spot if mode == 1 else markets[at].on_demand)
    return total


@pytest.mark.parametrize("policy", ONLINE)
@given(job=jobs(), markets=zones(), offset=st.sampled_from([0.0, 3600.0]))
@many
def test_spot_is_held_only_where_there_is_capacity(policy, job, markets, offset):
    outcome = run(policy, job, markets, offset)
    for tick in np.flatnonzero(outcome.mode == 1):
        market = markets[outcome.zone[tick]]
        element = int((tick * outcome.gap + offset) / market.gap + 1e-9)
        assert market.available[element % len(market.available)]


@pytest.mark.parametrize("policy", ONLINE)
@given(job=jobs(), markets=zones(), offset=st.floats(0, 1e5))
@many
def test_nobody_does_better_than_the_bound(policy, job, markets, offset):
    bound = run("omniscient", job, markets, offset)
    assert bound.cost <= run(policy, job, markets, offset).cost + 1e-6
    assert bound.work == pytest.approx(job.work, rel=1e-6)
    prices = [(market.spot, market.on_demand) for market in markets]
    if len(prices) == 1:
        held = (bound.spot * prices[0][0] + bound.on_demand * prices[0][1]) / HOUR
        assert bound.cost == pytest.approx(held + bound.egress, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("policy", ONLINE)
@given(job=jobs(), markets=zones(most=2), data=st.data())
@many
def test_what_is_done_until_a_time_does_not_depend_on_what_comes_after_it(policy, job, markets, data):
    long = tuple(
        msgspec.structs.replace(market, available=np.resize(market.available, int(job.time / market.gap) + 2))
        for market in markets
    )
    first = run(policy, job, long)
    now = data.draw(st.integers(0, len(first.mode) - 1))
    changed = tuple(after(market, now * first.gap) for market in long)
    second = run(policy, job, changed)
    seen = min(now + 1, len(second.mode))
    assert list(first.mode[:seen]) == list(second.mode[:seen])
    assert list(first.zone[:seen]) == list(second.zone[:seen])


def after(market, time):
    """The market with everything after a time turned around."""
    element = int(time / market.gap + 1e-9)
    available = market.available.copy()
    available[element + 1 :] = ~available[element + 1 :]
    return msgspec.structs.replace(market, available=available)


@pytest.mark.parametrize("gap", [1000.0 / 3, 600.0, 7.0])
@pytest.mark.parametrize("spare", [0.0, 1e-9, 1e-6])
@pytest.mark.parametrize("change_over", [0.0, 600.0])
def test_the_bound_holds_where_there_is_no_time_to_spare(gap, spare, change_over):
    job, market = DeadlineJob(7200.0, 7200.0 + change_over + spare, change_over), zone("1", gap)
    bound = run("omniscient", job, [market]).cost
    # One who knows that spot does not end needs no time for a second start.
    assert bound == pytest.approx((7200.0 + change_over) / HOUR, rel=1e-6)
    assert all(bound <= run(policy, job, [market]).cost + 1e-6 for policy in ONLINE)


@pytest.mark.parametrize("bits", ["1100110", "0101101", "0011100", "1000001"])
@pytest.mark.parametrize("change_over", [0.0, 300.0, 600.0])
def test_the_bound_is_below_the_best_of_all_schedules_and_not_far(bits, change_over):
    job = DeadlineJob(2400.0, 4200.0, change_over)
    best = min(
        cost
        for plan in itertools.product((0, 1, 2), repeat=len(bits))
        if (cost := price_of(plan, bits, job)) is not None
    )
    bound = run("omniscient", job, [zone(bits)]).cost
    assert bound <= best + 1e-9
    assert bound >= best - 2.0 * 600.0 / HOUR - 3.0 * change_over / HOUR


def price_of(plan, bits, job):
    """What a schedule costs until the work is done; None where it is not, or takes spot that is not there."""
    done = cost = starting = 0.0
    before = 0
    for held, bit in zip(plan, bits, strict=True):
        if held == 1 and bit == "0":
            return None
        if held and held != before:
            starting = job.change_over
        before = held
        if held:
            lost = min(starting, 600.0)
            works = min(600.0 - lost, job.work - done)
            starting -= lost
            done += works
            cost += (lost + works) / HOUR * (1.0 if held == 1 else 3.0)
        if done >= job.work - 1e-9:
            return cost
    return None
