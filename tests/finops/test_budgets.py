"""How budgets stand: what is counted, what is forecast, which thresholds are passed, and when spend has run away."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isclose

import numpy as np
import pytest

from yuheng.errors import InputError
from yuheng.finops.budgets import budget_report, rate_of
from yuheng.finops.budgets.runaway import is_runaway
from yuheng.finops.budgets.series import Series, matches, series_of
from yuheng.finops.budgets.spending import spend_of_costs
from yuheng.model.budget import Budget, RateRule
from yuheng.model.cost import CostRow, Costs
from yuheng.model.months import month_of
from yuheng.model.spend import Spend
from yuheng.model.units import DAY, HOUR

A, B = {"namespace": "shop", "label:team": "a"}, {"namespace": "shop-data", "label:team": "b"}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def spend(start, *costs, step=DAY, groups=(A,), end=None):
    """Costs of groups, one list each, from a time on."""
    count = len(costs[0])
    begins = at(start) + step * np.arange(count)
    return Spend(
        groups=groups,
        who=np.repeat(np.arange(len(costs)), count),
        start=np.tile(begins, len(costs)),
        cost=np.concatenate([np.asarray(cost, dtype=float) for cost in costs]),
        step=step,
        end=float(begins[-1] + step) if end is None else end,
    )


def status(given, budget=None, **parts):
    (found,) = budget_report([budget or Budget(name="b", limit=1000.0)], given, **parts).budgets
    return found


@pytest.mark.parametrize(
    ("time", "start", "end"),
    [
        ("2026-01-31T23:59:59", "2026-01-01", "2026-02-01"),
        ("2026-02-01", "2026-02-01", "2026-03-01"),
        ("2024-02-29T12:00", "2024-02-01", "2024-03-01"),
        ("2026-12-05", "2026-12-01", "2027-01-01"),
    ],
)
def test_a_month_is_that_of_the_calendar_in_utc(time, start, end):
    assert month_of(at(time)) == (at(start), at(end))


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({}, [True, True]),
        ({"namespace": ("shop",)}, [True, False]),
        ({"namespace": ("shop*",)}, [True, True]),
        ({"namespace": ("shop*",), "label:team": ("b", "c")}, [False, True]),
        ({"queue": ("gold",)}, [False, False]),
    ],
)
def test_a_group_is_counted_when_every_key_matches_one_of_its_patterns(selector, wanted):
    assert [matches(group, selector) for group in (A, B)] == wanted


def test_what_groups_cost_is_added_up_and_days_that_nobody_tells_of_are_unknown():
    given = spend("2026-01-01", [1, 2], [10, 20], groups=(A, B))
    later = Spend(
        groups=given.groups,
        who=np.append(given.who, 0),
        start=np.append(given.start, at("2026-01-04")),
        cost=np.append(given.cost, 5.0),
        step=DAY,
        end=at("2026-01-05"),
    )
    assert series_of(later, {}).cost.tolist()[:2] == [11, 22]
    assert np.isnan(series_of(later, {}).cost[2])
    assert series_of(later, {"label:team": ("b",)}).cost.tolist()[3] == 0


def test_spent_is_what_was_spent_since_the_month_began():
    found = status(spend("2026-01-20", [10.0] * 22))
    assert found.spent == 100.0
    assert found.groups == 1


def test_the_day_that_is_under_way_counts_as_far_as_it_is_told():
    given = spend("2026-01-20", [10.0] * 21 + [4.0], end=at("2026-02-10T10:00"))
    found = status(given)
    assert found.spent == 94.0
    assert isclose(found.forecast.expected, 94.0 + 10 * 14 / 24 + 180.0)


def test_the_month_ends_as_it_went_on():
    found = status(spend("2026-01-01", [10.0] * 41))
    assert isclose(found.forecast.expected, 280.0)
    assert (found.forecast.low, found.forecast.high) == pytest.approx((280.0, 280.0))
    assert (found.forecast.level, found.forecast.days) == (0.8, 41)
    assert found.forecast.held == found.forecast.tried > 0


def test_at_the_stroke_of_a_month_it_is_the_month_before_unless_a_time_is_given():
    given = spend("2026-01-01", [10.0] * 31)
    assert status(given).spent == 310.0
    found = status(given, time=at("2026-02-01"))
    assert (found.spent, found.forecast.expected) == (0.0, pytest.approx(280.0))


def test_hours_tell_how_a_day_is_spread():
    day = [0.0] * 12 + [2.0] * 12
    given = spend("2026-02-01", day * 10 + [0.0] * 12, step=HOUR)
    found = status(given)
    assert found.spent == 240.0
    assert isclose(found.forecast.expected, 28 * 24.0)


def test_the_first_hours_of_a_month_are_all_that_is_known():
    found = status(spend("2026-02-01", [1.0] * 6, step=HOUR))
    assert isclose(found.forecast.expected, 28 * 24.0)
    assert (found.forecast.low, found.forecast.days) == (None, 1)


def test_costs_that_end_before_now_are_forecast_from_there():
    report = budget_report([Budget(name="b", limit=1.0)], spend("2026-01-01", [10.0] * 41), time=at("2026-02-15"))
    assert isclose(report.budgets[0].forecast.expected, 280.0)
    assert any("costs end 4 days before now" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("limit", "state", "alerts"),
    [
        (1000.0, "within", []),
        (500.0, "within", [(0.5, "forecast")]),
        (250.0, "forecast", [(1.0, "forecast"), (0.8, "forecast"), (0.5, "spent")]),
        (300.0, "within", [(0.8, "forecast"), (0.5, "forecast")]),
        (240.0, "forecast", [(1.0, "forecast"), (0.8, "forecast"), (0.5, "spent")]),
        (100.0, "exceeded", [(1.0, "spent"), (0.8, "spent"), (0.5, "spent")]),
    ],
)
def test_thresholds_are_told_when_they_are_spent_and_when_they_will_be(limit, state, alerts):
    # 130 are spent on the 13th, 280 will be at the end.
    found = status(spend("2026-01-01", [10.0] * 44), Budget(name="b", limit=limit))
    assert (found.spent, found.state) == (130.0, state)
    assert [(alert.threshold, alert.kind) for alert in found.alerts] == alerts


def test_a_warned_budget_is_one_of_which_a_threshold_is_spent():
    assert status(spend("2026-01-01", [10.0] * 55), Budget(name="b", limit=290.0)).state == "warned"


def test_the_day_that_a_threshold_will_be_passed_is_told():
    found = status(spend("2026-01-01", [10.0] * 41), Budget(name="b", limit=200.0, thresholds=(1.0,)))
    (alert,) = found.alerts
    assert alert.time == pytest.approx(at("2026-02-21"), abs=1)
    assert alert.text == "100% of the limit will be spent on 2026-02-21, if it goes on like this"


def hours(costs):
    return Series(at("2026-02-01"), HOUR, np.asarray(costs, dtype=float), 1)


DAILY = [*[1.0] * 8, *[5.0] * 10, *[1.0] * 6]


def test_what_is_usual_is_that_of_the_same_hour_of_the_week_where_enough_weeks_are_known():
    found = rate_of(hours(DAILY * 28), 3)
    assert (found.now, found.usual, found.compared, found.like) == (1.0, 1.0, 3, "hour of the week")


@pytest.mark.parametrize(("days", "like"), [(10, "hour of the day"), (2, "any hour")])
def test_with_fewer_days_other_hours_are_compared(days, like):
    assert rate_of(hours(DAILY * days), 3).like == like


def test_nothing_is_usual_before_there_is_anything():
    assert rate_of(hours([1.0, 1.0, 1.0]), 3) is None
    assert rate_of(hours([]), 3) is None


def test_a_busy_hour_is_no_alarm_and_a_dear_one_is():
    rule = RateRule(factor=2.0, hours=3, least=1.0)
    busy = hours(DAILY * 28 + DAILY[:12])
    assert not is_runaway(rate_of(busy, 3), rule)
    dear = hours(DAILY * 28 + DAILY[:9] + [20.0] * 3)
    found = rate_of(dear, 3)
    assert (found.now, found.usual) == (20.0, 5.0)
    assert is_runaway(found, rule)
    assert not is_runaway(found, RateRule(factor=5.0))
    assert not is_runaway(found, RateRule(least=16.0))


def test_what_strays_anyway_has_to_stray_further():
    random = np.random.default_rng(3)
    wild = random.choice([1.0, 20.0, 40.0], 24 * 28)
    assert not is_runaway(rate_of(hours(np.append(wild, [45.0])), 1), RateRule(hours=1))


def test_an_alarm_says_when_the_limit_is_reached():
    given = spend("2026-01-20", DAILY * 22 + DAILY[:9] + [50.0] * 3, step=HOUR)
    found = status(given, Budget(name="b", limit=1500.0))
    assert found.alarm is not None
    left = 1500.0 - found.spent
    assert found.alarm.until == pytest.approx(at("2026-02-11T12:00") + left / 50 * HOUR)
    assert found.alarm.text.startswith("$50.00 an hour in the last 3 hours, 10.0 times the usual $5.00; at this rate")
    assert (found.rate, found.usual) == (50.0, 5.0)
    assert found.alarm.lasting == pytest.approx(found.spent + 50 * 24 * 17.5)
    assert status(given, Budget(name="b", limit=1500.0, alarm=None)).alarm is None


def test_a_day_that_ran_away_is_seen_in_days_as_well():
    found = status(spend("2026-01-01", [100.0] * 40 + [900.0]), Budget(name="b", limit=5000.0))
    assert found.alarm is not None
    assert (found.alarm.hours, found.alarm.like) == (24.0, "weekday")


def test_where_nothing_was_ever_spent_any_spend_is_an_alarm():
    found = status(spend("2026-01-20", [0.0] * 500 + [9.0] * 3, step=HOUR))
    assert found.alarm is not None
    assert "where nothing is usual" in found.alarm.text


def test_what_the_report_rests_on_is_told():
    given = spend("2026-02-03", [1.0] * 5)
    report = budget_report([Budget(name="b", limit=1.0, selector={"namespace": ("gone",)})], given, warnings=["first"])
    assert report.warnings == (
        "first",
        "budget b selects no group that has costs: nothing is counted",
        "costs are told only from 2 days after the month began: what was spent before is not known",
    )


def strayed(count, *later):
    """Hours of February 2026 at a dollar, and some at other times."""
    begins = [at("2026-02-01") + HOUR * i for i in range(count)] + [at(text) for text in later]
    return Spend(
        groups=(A,),
        who=np.zeros(len(begins), dtype=np.int64),
        start=np.array(begins),
        cost=np.array([1.0] * count + [5.0] * len(later)),
        step=HOUR,
        end=max(begins) + HOUR,
    )


def test_costs_of_a_wrong_clock_do_not_move_the_month():
    report = budget_report([Budget(name="b", limit=100.0)], strayed(222, "2029-02-10T06:00"))
    assert (report.start, report.time) == (at("2026-02-01"), at("2026-02-10T06:00"))
    assert report.budgets[0].spent == 222.0
    (warning,) = report.warnings
    assert warning == (
        "5.00 USD are left out: their times are more than 30 days from all others (2029-02-10 first); "
        "where they are right, --now tells what time it is"
    )


def test_costs_before_all_others_do_not_make_the_month_unknown():
    report = budget_report([Budget(name="b", limit=100.0)], strayed(222, "1970-01-01"))
    assert (report.since, report.budgets[0].spent) == (at("2026-02-01"), 222.0)


@pytest.mark.parametrize("later", [("2026-03-15T00:00", "2026-03-15T01:00", "2026-03-15T02:00"), ("2026-03-10T06:00",)])
def test_what_is_not_far_off_or_not_rare_is_right(later):
    count = 20 if len(later) > 1 else 222
    report = budget_report([Budget(name="b", limit=100.0)], strayed(count, *later))
    assert report.start == at("2026-03-01")
    assert not [text for text in report.warnings if "left out" in text]


def test_where_the_time_is_told_all_costs_count():
    report = budget_report([Budget(name="b", limit=100.0)], strayed(222, "2029-02-10T06:00"), time=at("2029-02-11"))
    assert (report.start, report.budgets[0].spent) == (at("2029-02-01"), 5.0)


def test_a_time_before_all_costs_is_refused():
    with pytest.raises(InputError) as error:
        status(spend("2026-02-01", [1.0] * 5), time=at("2020-01-01"))
    assert (
        str(error.value)
        == "--now: found 2020-01-01T00:00:00Z, expected a time after 2026-02-01T00:00:00Z, when costs begin"
    )


def test_days_that_are_missing_are_told_in_plain_numbers():
    report = budget_report([Budget(name="b", limit=1.0)], spend("2026-01-01", [1.0] * 5), time=at("2032-02-02T06:00"))
    assert report.warnings == ("costs end 2,218.2 days before now: what was spent since is part of the forecast",)


def test_a_forecast_that_goes_on_from_an_earlier_month_holds_the_days_of_this_one():
    found = status(spend("2026-01-01", [10.0] * 25), time=at("2026-02-03"))
    assert (found.spent, found.forecast.expected) == (0.0, pytest.approx(280.0))
    assert found.forecast.low == pytest.approx(280.0)


def test_a_threshold_that_was_passed_since_costs_end_is_told_so():
    found = status(
        spend("2026-02-01", [10.0] * 5), Budget(name="b", limit=100.0, thresholds=(0.8,)), time=at("2026-02-20")
    )
    assert [alert.text for alert in found.alerts] == [
        "80% of the limit was spent on 2026-02-09, if it went on like this"
    ]


def test_allocated_costs_become_spend():
    rows = [
        CostRow(group={"namespace": "a"}, start=at("2026-02-01"), cpu=1.0, idle=1.0),
        CostRow(group={"namespace": "b"}, start=at("2026-02-01"), memory=3.0),
        CostRow(group={"namespace": "a"}, start=at("2026-02-02"), cpu=5.0),
    ]
    costs = Costs(
        start=at("2026-02-01"), end=at("2026-02-02T06:00"), by=("namespace",), every="day", rows=tuple(rows),
        total=10.0, nodes=10.0, idle=1.0, assumptions=("x",),
    )  # fmt: skip
    found = spend_of_costs(costs)
    assert series_of(found, {"namespace": ("a",)}).cost.tolist() == [2.0, 5.0]
    assert (found.end, found.notes) == (costs.end, ("x",))
    assert spend_of_costs(costs, at("2026-02-02")).cost.tolist() == [5.0]
