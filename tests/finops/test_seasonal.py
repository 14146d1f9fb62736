"""The seasonal strategy: as defined, and what it promises whatever the usage."""

from __future__ import annotations

import numpy as np
import plain_rightsizing as plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuheng.finops.rightsizing.cluster import fleet_price
from yuheng.finops.rightsizing.samples import Samples
from yuheng.finops.rightsizing.seasonal import PRICE, over_origins, price_within, tried
from yuheng.finops.rightsizing.trying import try_out
from yuheng.model.units import DAY

MONDAY = 1767571200.0  # 2026-01-05
seeds = st.integers(0, 2**32 - 1)


def week(days=14.0, step=1800.0):
    return MONDAY + step * np.arange(int(days * DAY / step))


def made(seed, days=14.0, step=1800.0):
    """Usage of some shape: steady, by the hour, by the day of the week, in spikes."""
    draws = np.random.default_rng(seed)
    times = week(days, step)
    hour, weekday = times % DAY / 3600, (times // DAY + 3) % 7
    shape = np.ones(len(times))
    if draws.random() < 0.6:
        shape *= 1 + draws.random() * 4 * (np.abs(hour - 13) < 4)
    if draws.random() < 0.5:
        shape *= np.where(weekday < 5, 1.0, draws.random())
    values = shape * np.exp(draws.random() * draws.standard_normal(len(times)))
    if draws.random() < 0.3:
        values[draws.random(len(times)) < 0.02] *= 10
    kept = draws.random(len(times)) < draws.choice([1.0, 0.9, 0.5])
    kept[0] = True
    return Samples(times[kept], values[kept])


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(0.2, 12))
def test_what_is_tried_is_what_the_definition_says(seed, days):
    series = made(seed, days)
    levels, tried = plain.seasonal(*series)
    found = try_out(series)
    assert (found.levels == levels).mean() > 0.999  # ties of costs may fall either way
    if tried is None:
        assert not found.asked.size
    else:
        assert np.allclose(found.asked, tried[0], atol=1e-3)
        assert np.allclose(found.above, tried[1], atol=1e-3)


@given(seeds)
def test_no_request_is_above_the_peak_or_below_nothing(seed):
    series = made(seed)
    for schedule in (try_out(series).best(), try_out(series).best(static=True)):
        assert (schedule.requests > 0).all()
        assert (schedule.requests <= series.values.max() * (1 + 1e-12)).all()


@given(seeds)
def test_a_higher_price_never_has_more_minutes_above(seed):
    trials = try_out(made(seed))
    shares = [trials.share_above(price) for price in (0.5, 1, 2, 3, 5, 10, 100)]
    assert shares == sorted(shares, reverse=True)


@given(seeds, st.floats(0, 0.2))
def test_the_risk_allowed_is_kept_on_the_days_held_out_or_told(seed, risk):
    trials = try_out(made(seed))
    schedule = trials.best(risk=risk)
    assert schedule.risk <= risk or schedule.risk == trials.above.min()


@given(seeds, st.floats(0.01, 100))
def test_twice_the_usage_is_twice_the_request(seed, factor):
    series = made(seed)
    own, scaled = try_out(series).best(), try_out(Samples(series.times, series.values * factor)).best()
    assert np.allclose(own.requests * factor, scaled.requests, rtol=0.02)


@given(seeds, st.integers(1, 500))
def test_whole_weeks_later_it_asks_for_the_same(seed, weeks):
    series = made(seed)
    later = Samples(series.times + 7 * DAY * weeks, series.values)
    assert (try_out(series).best().requests == try_out(later).best().requests).all()


def test_hours_that_need_less_ask_for_less():
    times = week()
    busy = np.abs(times % DAY / 3600 - 12) < 3
    schedule = try_out(Samples(times, np.where(busy, 4.0, 1.0))).best()
    assert schedule.pattern == "daily"
    assert schedule.requests[0, 12] == pytest.approx(4.0)
    assert schedule.requests[0, 3] < 1.2
    assert schedule.mean() < 2.0


def test_weekends_that_need_less_ask_for_less():
    times = week(21)
    works = ((times // DAY + 3) % 7 < 5) & (np.abs(times % DAY / 3600 - 12) < 3)
    schedule = try_out(Samples(times, np.where(works, 4.0, 1.0))).best()
    assert schedule.pattern == "weekly"
    assert schedule.requests[1].max() < 1.2 < schedule.requests[0].max()


def test_hours_are_those_of_the_time_zone():
    times = week()
    busy = np.abs(times % DAY / 3600 - 12) < 3
    schedule = try_out(Samples(times, np.where(busy, 4.0, 1.0)), zone=8 * 3600.0).best()
    assert schedule.requests[0, 20] == pytest.approx(4.0)
    assert (schedule.at(times[busy]) >= 4.0 - 1e-9).all()


def test_steady_usage_has_no_hours():
    times = week()
    usage = np.random.default_rng(1).normal(1, 0.01, len(times))
    assert np.ptp(try_out(Samples(times, usage)).best().requests) < 0.03


def test_a_history_under_two_days_has_a_request_and_no_risk():
    schedule = try_out(Samples(week(1.0), np.linspace(1, 2, 48))).best()
    assert schedule.pattern == "static"
    assert np.isnan(schedule.risk)


@pytest.mark.parametrize("days", [1.0, 14.0])
def test_a_container_that_did_nothing_asks_for_ten_millicores(days):
    schedule = try_out(Samples(week(days), np.zeros(len(week(days))))).best()
    assert (schedule.requests == 0.010).all()


def test_a_trial_that_knew_more_counts_for_more():
    shares = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    assert over_origins(shares) == pytest.approx((6 * 0.1 + 5 * 0.2 + 4 * 0.3 + 3 * 0.4) / 25)
    assert over_origins(shares[:2]) == pytest.approx(6 * 0.1 / 13)


def test_what_was_switched_off_lately_is_given_up_on_sooner_than_its_whole_week_says():
    asked, above = np.ones((5, 3, 9, 7)), np.zeros((5, 3, 9, 7))
    # A small request that held of late costs 0.3 + 3 x 0.22 so, and would cost 0.3 + 3 x 0.26 if all trials were equal.
    asked[:, 2, 0, 0], above[:, 2, 0, 0] = 0.3, (0.0, 0.1, 0.4, 0.4, 0.4)
    assert tried(np.zeros((3, 9, 2, 24), np.int16), asked, above, 1.0, 0.0).best(3.0).pattern == "weekly"


WRONG = {
    "nothing": ([], []),
    "a negative amount": ([0, 1], [1, -1]),
    "no number": ([0, 1], [1, np.nan]),
    "times that go back": ([1, 0], [1, 1]),
}


@pytest.mark.parametrize(("times", "values"), WRONG.values(), ids=WRONG)
def test_what_would_lead_a_kernel_astray_is_refused(times, values):
    with pytest.raises(ValueError, match="expected none of these"):
        try_out(Samples(np.array(times, float), np.array(values, float)))


def trials_of(above):
    """One origin, where a price of 3.75 and more has that share above at a cost, 1.5 and less a half."""
    shares = np.full((1, 3, 9, 7), 0.5)
    shares[:, :, 4:] = above
    asked = np.full((1, 3, 9, 7), 0.1)
    asked[:, :, 4:] = 0.1 + 2.5 * (0.5 - above)
    return tried(np.zeros((3, 9, 2, 24), np.int16), asked, shares, 1.0, 0.0)


def test_the_price_is_the_lowest_that_keeps_the_budget():
    assert price_within([trials_of(0.1)], 0.6) == 1.5
    assert price_within([trials_of(0.1)], 0.2) == pytest.approx(2.5, rel=0.002)
    assert price_within([trials_of(0.1)], 0.01) == 10.0


def test_the_price_of_a_fleet_is_three_or_what_keeps_below_vpa():
    assert fleet_price([], []) == PRICE
    assert fleet_price([trials_of(0.1)], [0.2]) == PRICE
    assert fleet_price([trials_of(0.1)], [0.13]) == 10.0  # 70 % of it is less than any price leaves


def test_the_default_price_is_above_where_busy_hours_are_given_up():
    times = week()
    busy = np.random.default_rng(3).random(len(times)) < 0.5
    schedule = try_out(Samples(times, np.where(busy, 0.98, 0.1))).best(PRICE)
    assert (schedule.at(times) >= 0.98 - 1e-9).mean() > 0.9


def test_a_request_that_stays_does_not_give_up_working_days_after_a_sunday():
    times = week()  # two weeks, Monday to Sunday
    hour, works = times % DAY / 3600, (times // DAY + 3) % 7 < 5
    usage = np.where(works & (np.abs(hour - 12) < 7), 1.0, 0.1)
    assert (try_out(Samples(times, usage)).best(static=True).at(times) >= usage - 1e-9).all()
