"""Where runs begin, and what a plan is told."""

from __future__ import annotations

import numpy as np
import pytest
from made_markets import HOUR, zone

from yuheng.errors import InputError
from yuheng.placement.deadline import advise, starts

DAY = np.ones(144, dtype=np.bool_)


def test_starts_are_spread_over_every_hour_at_which_a_run_fits():
    long, short = zone("1" * 300, name="long"), zone("1" * 100, name="short")
    found = starts([long, short], 50 * 600.0, 300)
    by_zone = {name: [one.offset for one in found if one.zones[0].name == name] for name in ("long", "short")}
    # 250 gaps of one trace and 50 of the other.
    assert {name: len(offsets) for name, offsets in by_zone.items()} == {"long": 250, "short": 50}
    assert max(by_zone["long"]) + 50 * 600.0 <= 300 * 600.0
    assert max(by_zone["short"]) + 50 * 600.0 <= 100 * 600.0
    assert [one.number for one in found] == list(range(300))
    assert all(one.offset % 600.0 == 0 for one in found)


def test_a_trace_that_is_too_short_is_started_anywhere():
    found = starts([zone("10110")], 1e6, 5)
    assert [one.offset for one in found] == [0.0, 600.0, 1200.0, 1800.0, 2400.0]


def test_zones_that_a_job_may_move_between_start_together():
    zones = [zone("1" * 300, name="a"), zone("1" * 10, name="b")]
    found = starts(zones, 50 * 600.0, 4, together=True)
    assert all(one.zones == tuple(zones) for one in found)
    assert len({one.offset for one in found}) == 4


def test_the_same_seeds_give_the_same_starts():
    market = [zone("1" * 300)]
    drawn = [one.offset for one in starts(market, 6000.0, 5, seeds=(1, 2))]
    assert len(drawn) == 10
    assert drawn == [one.offset for one in starts(market, 6000.0, 5, seeds=(1, 2))]
    assert drawn[:5] == [one.offset for one in starts(market, 6000.0, 5, seeds=(1,))]


def test_where_spot_never_ends_a_job_costs_what_spot_costs():
    advice = advise(4 * HOUR, 6 * HOUR, 600.0, 3.0, 1.0, [("a", 600.0, DAY)], count=7)
    assert (advice.policy, advice.runs) == ("yuheng", 7)
    assert advice.expected_cost == pytest.approx(4 + 1 / 6)
    assert advice.on_demand_cost == pytest.approx(3 * (4 + 1 / 6))
    assert advice.savings == pytest.approx(2 / 3)
    assert advice.low == advice.high == pytest.approx(advice.expected_cost)


@pytest.mark.parametrize("history", [[], [("a", 600.0, ~DAY)]])
def test_without_spot_on_demand_is_advised(history):
    advice = advise(4 * HOUR, 6 * HOUR, 600.0, 3.0, 1.0, history)
    assert advice.policy == "on-demand"
    assert advice.expected_cost == advice.on_demand_cost
    assert advice.savings == 0


def test_with_more_zones_a_job_is_no_dearer():
    here, there = np.resize([True] * 9 + [False] * 9, 600), np.resize([False] * 9 + [True] * 9, 600)
    one = advise(9 * HOUR, 10 * HOUR, 300.0, 3.0, 1.0, [("a", 600.0, here)])
    two = advise(9 * HOUR, 10 * HOUR, 300.0, 3.0, 1.0, [("a", 600.0, here), ("b", 600.0, there)])
    assert one.low <= one.expected_cost <= one.high
    assert two.expected_cost < one.expected_cost


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time_left": HOUR}, "found a deadline after 3600 s, expected one after 15000 s or more"),
        ({"spot": -1.0}, "zone a: found -1, expected a price of 0 or more"),
        ({"history": [("a", 600.0, DAY[:0])]}, "zone a: found no elements, expected a trace"),
        ({"history": [("a", 0.0, DAY)]}, "zone a: found 0 s between elements, expected a trace"),
    ],
)
def test_what_cannot_be_is_refused(changed, message):
    asked = {"work": 4 * HOUR, "time_left": 6 * HOUR, "change_over": 600.0, "on_demand": 3.0, "spot": 1.0}
    with pytest.raises(InputError, match=message):
        advise(**{**asked, "history": [("a", 600.0, DAY)], **changed})
