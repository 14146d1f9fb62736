"""Costs by the day and the rest of the month: complete days alone, weekdays kept, the unknown told as such."""

from __future__ import annotations

import pytest

from yuheng.finops.cost_trend import cost_trend
from yuheng.model.cost import CostRow, Costs

DAY = 86400.0
MARCH = 1_772_323_200.0  # Sunday, 2026-03-01T00:00:00Z


def by_day(days, first=MARCH, last=None, every="day"):
    """Costs of these days, half of each by one group and half by another."""
    rows = tuple(
        CostRow(group={"namespace": name}, start=first + i * DAY, cpu=cost / 2)
        for i, cost in enumerate(days)
        for name in ("a", "b")
        if cost is not None
    )
    total = sum(row.total for row in rows)
    end = first + len(days) * DAY if last is None else last
    return Costs(start=first, end=end, by=("namespace",), every=every, rows=rows, total=total, nodes=total, idle=0.0)


def test_days_that_cost_the_same_go_on_so_to_the_end_of_the_month():
    found = cost_trend(by_day([100.0] * 20))
    assert [day.cost for day in found.days] == pytest.approx([100.0] * 20)
    assert [day.cost for day in found.coming] == pytest.approx([100.0] * 11)
    assert found.coming[0].start == MARCH + 20 * DAY
    assert (found.spent, found.expected) == pytest.approx((2000.0, 3100.0))
    assert found.low <= 3100.0 <= found.high


def test_weekdays_are_kept():
    found = cost_trend(by_day([50.0 if i % 7 in (0, 6) else 100.0 for i in range(21)]))
    assert found.coming[0].cost == pytest.approx(50.0, rel=0.15)
    assert found.coming[1].cost == pytest.approx(100.0, rel=0.1)


def test_a_month_that_is_over_has_nothing_to_come():
    found = cost_trend(by_day([10.0] * 31))
    assert (found.coming, found.expected, found.low, found.high) == ((), pytest.approx(310.0), 310.0, 310.0)


def test_the_end_of_a_month_whose_beginning_is_not_known_is_not_told():
    found = cost_trend(by_day([100.0] * 10, first=MARCH + 5 * DAY))
    assert (found.expected, found.low, found.high) == (None, None, None)
    assert found.spent == pytest.approx(1000.0)
    assert len(found.coming) == 16


def test_days_before_the_month_are_history_and_not_spent():
    found = cost_trend(by_day([100.0] * 15, first=MARCH - 5 * DAY))
    assert found.spent == pytest.approx(1000.0)
    assert found.expected == pytest.approx(3100.0)


def test_a_day_that_is_not_over_does_not_count():
    found = cost_trend(by_day([100.0, 100.0, 100.0, 100.0, 30.0], last=MARCH + 4.3 * DAY))
    assert len(found.days) == 4
    assert found.coming[0].start == MARCH + 4 * DAY


def test_few_days_have_no_interval():
    found = cost_trend(by_day([100.0, 90.0]))
    assert (found.low, found.high) == (None, None)
    assert found.expected > 0


@pytest.mark.parametrize("every", ["", "hour", "week"])
def test_only_days_have_a_forecast(every):
    assert cost_trend(by_day([100.0] * 5, every=every)) is None


def test_no_complete_day_is_no_trend():
    assert cost_trend(by_day([100.0], last=MARCH + 0.5 * DAY)) is None
