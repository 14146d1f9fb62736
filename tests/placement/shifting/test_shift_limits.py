"""When a job that somebody waits for has to be done."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from yuheng.model.shifting import ShiftableJob, ShiftLimit, ShiftRule
from yuheng.placement.shifting import limits

HOUR = 3600.0

# January 2026 begins on a Thursday; the 5th is a Monday.
CASES: dict[ShiftLimit, dict[str, str]] = {
    "flexible": {"2026-01-09T20:00": "2026-01-09T20:00"},
    "next-workday": {
        "2026-01-05T09:00": "2026-01-05T09:00",
        "2026-01-05T13:30": "2026-01-05T13:30",
        "2026-01-05T17:00": "2026-01-05T17:00",
        "2026-01-05T17:30": "2026-01-06T09:00",
        "2026-01-06T03:00": "2026-01-06T09:00",
        "2026-01-09T08:59": "2026-01-09T09:00",
        "2026-01-09T17:30": "2026-01-12T09:00",
        "2026-01-10T03:00": "2026-01-12T09:00",
        "2026-01-10T12:00": "2026-01-12T09:00",
        "2026-01-11T23:00": "2026-01-12T09:00",
    },
    "next-morning": {
        "2026-01-05T13:30": "2026-01-05T13:30",
        "2026-01-05T17:30": "2026-01-06T09:00",
        "2026-01-09T03:00": "2026-01-09T09:00",
        "2026-01-09T17:30": "2026-01-10T09:00",
        "2026-01-10T03:00": "2026-01-12T09:00",
        "2026-01-11T03:00": "2026-01-12T09:00",
    },
    "semi-weekly": {
        "2026-01-05T09:00": "2026-01-05T09:00",
        "2026-01-05T09:30": "2026-01-08T09:00",
        "2026-01-07T12:00": "2026-01-08T09:00",
        "2026-01-08T09:00": "2026-01-08T09:00",
        "2026-01-08T09:30": "2026-01-12T09:00",
        "2026-01-11T12:00": "2026-01-12T09:00",
    },
}


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("limit", "end", "by"), [(limit, end, by) for limit, cases in CASES.items() for end, by in cases.items()]
)
def test_by_when_a_job_is_done(limit: ShiftLimit, end: str, by: str) -> None:
    job = ShiftableJob(name="a", issued=seconds(end) - 5 * HOUR, duration=5 * HOUR)
    assert limits(ShiftRule(limit=limit), job) == (job.issued, seconds(by))


@pytest.mark.parametrize("limit", CASES)
def test_slack_comes_on_top(limit: ShiftLimit) -> None:
    job = ShiftableJob(name="a", issued=seconds("2026-01-09T12:00"), duration=9 * HOUR)
    earliest, deadline = limits(ShiftRule(limit=limit), job)
    assert limits(ShiftRule(limit=limit, before=60.0, after=120.0), job) == (earliest - 60.0, deadline + 120.0)


def test_working_hours_are_the_rules() -> None:
    rule = ShiftRule(limit="next-workday", opens=420, closes=900)
    job = ShiftableJob(name="a", issued=seconds("2026-01-05T12:00"), duration=4 * HOUR)
    assert limits(rule, job)[1] == seconds("2026-01-06T07:00")
