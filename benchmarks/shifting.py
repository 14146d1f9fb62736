"""What shifting in time saves, against what was published, and how fast it is decided.

    python benchmarks/shifting.py --json [--carbon FOLDER] [--repetitions 5]

- ``decisions``: milliseconds for one best start, and one best set of slots, within a day and a week of a year of hourly
  values.
- ``training``: scenario II of Wiesner et al., "Let's Wait Awhile" (Middleware '21): 3,387 jobs of 4 to 89.5 hours
issued
  in working hours of 2020, decided on a forecast with an error of 5 %, for each limit, in one go and in parts.
- ``nightly``: their scenario I: a job of half an hour at 1:00 of each night, shifted by up to 8 hours either way.

The last two need the carbon intensity of Germany and Great Britain (``--carbon``: the folder with ``ger_ci.csv`` and
``gb_ci.csv`` of github.com/dos-group/lets-wait-awhile); without it they are left out.

``published`` are the savings in the notebook that comes with the paper. ``as_published`` takes over all that its code
has and the name of its rule, next workday, does not tell: Friday evening's jobs are due on Saturday (``next-morning``),
every job may end half an hour after its limit (the forecast's last value counts), and German values count at whole half
hours only. ``draws`` has other jobs in each repetition, ``errors`` other forecast errors, each with the other one
fixed.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from yuheng.model.series import Series
from yuheng.model.shifting import ShiftRule, ShiftWorkload
from yuheng.placement.shifting import best_slots, best_start, draw_jobs, shift

HOUR = 3600.0
DAY = 24 * HOUR
HALF_HOUR = 1800.0
YEAR = (datetime(2020, 1, 1, tzinfo=UTC).timestamp(), datetime(2020, 12, 31, tzinfo=UTC).timestamp())
TRAINING = ShiftWorkload(start=YEAR[0], end=YEAR[1], count=3387, shortest=4 * HOUR, longest=89.5 * HOUR)
NIGHTLY = ShiftWorkload(
    start=YEAR[0], end=YEAR[1] - DAY, workdays=False, opens=60, closes=90, shortest=HALF_HOUR, longest=HALF_HOUR
)
PUBLISHED = {"ger": {"whole": 5.91, "parts": 7.93}, "gb": {"whole": 6.56, "parts": 9.03}}


def decisions() -> dict[str, float]:
    """Milliseconds of a decision, the mean of many."""
    draws = np.random.default_rng(42)
    series = Series(YEAR[0] + HOUR * np.arange(8760.0), draws.uniform(50, 500, 8760))
    starts = draws.uniform(YEAR[0], YEAR[1] - 8 * DAY, 200)
    cases = {
        "start_in_a_day": lambda at: best_start(series, 5.5 * HOUR, at, at + DAY),
        "start_in_a_week": lambda at: best_start(series, 5.5 * HOUR, at, at + 7 * DAY),
        "start_in_nights_of_a_week": lambda at: best_start(series, 5.5 * HOUR, at, at + 7 * DAY, ((1320, 360),)),
        "slots_in_a_day": lambda at: best_slots(series, 5.5 * HOUR, at, at + DAY),
        "slots_in_a_week": lambda at: best_slots(series, 5.5 * HOUR, at, at + 7 * DAY),
        "slots_with_restarts_in_a_day": lambda at: best_slots(series, 5.5 * HOUR, at, at + DAY, restart=300.0),
        "slots_with_restarts_in_a_week": lambda at: best_slots(series, 5.5 * HOUR, at, at + 7 * DAY, restart=300.0),
    }
    found = {}
    for name, case in cases.items():
        case(float(starts[0]))
        began = time.perf_counter()
        for start in starts:
            case(float(start))
        found[name] = round(1000 * (time.perf_counter() - began) / len(starts), 3)
    return found


def carbon(folder: Path, country: str) -> Series:
    """The series of a country as the published code takes it: from 2020 on, its values at whole half hours."""
    times, values = [], []
    with (folder / f"{country}_ci.csv").open(newline="") as lines:
        for moment, value in list(csv.reader(lines))[1:]:
            at = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
            if at >= YEAR[0] and at % HALF_HOUR == 0:
                times.append(at)
                values.append(float(value))
    return Series(np.array(times), np.array(values))


def training(folder: Path, repetitions: int) -> dict[str, object]:
    """Percent of emissions saved, by country, limit, and whether jobs may be split."""
    rules = {
        "as_published": ShiftRule(limit="next-morning", after=HALF_HOUR),
        "next_morning": ShiftRule(limit="next-morning"),
        "next_workday": ShiftRule(limit="next-workday"),
        "semi_weekly": ShiftRule(limit="semi-weekly"),
    }
    found: dict[str, object] = {"published": PUBLISHED}
    for country in PUBLISHED:
        series = carbon(folder, country)
        found[country] = {
            name: {
                "whole": savings(series, rule, repetitions),
                "parts": savings(series, parts_of(rule), repetitions),
            }
            for name, rule in rules.items()
        }
    return found


def parts_of(rule: ShiftRule) -> ShiftRule:
    """The same rule for jobs that may be split."""
    return ShiftRule(limit=rule.limit, before=rule.before, after=rule.after, interruptible=True)


def savings(series: Series, rule: ShiftRule, repetitions: int) -> dict[str, object]:
    """Savings with no, 5 and 10 % of error, and how they spread over errors and over jobs."""
    jobs = draw_jobs(TRAINING, 0)
    seeds = range(repetitions)
    errors = [shift(jobs, series, rule, error=0.05, seed=seed).saved_percent for seed in seeds]
    draws = [shift(draw_jobs(TRAINING, seed), series, rule, error=0.05, seed=0).saved_percent for seed in seeds]
    return {
        "no_error": round(shift(jobs, series, rule).saved_percent, 2),
        "error_5": round(statistics.mean(errors), 2),
        "error_10": round(shift(jobs, series, rule, error=0.1).saved_percent, 2),
        "errors": spread(errors),
        "draws": spread(draws),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Where the values lie."""
    return {"mean": round(statistics.mean(values), 2), "low": round(min(values), 2), "high": round(max(values), 2)}


def nightly(folder: Path, repetitions: int) -> dict[str, object]:
    """Percent of emissions saved, by country and hours either way."""
    jobs = draw_jobs(NIGHTLY, 0)
    found: dict[str, object] = {}
    for country in PUBLISHED:
        series = carbon(folder, country)
        found[country] = {
            f"{hours}h": round(
                statistics.mean(
                    shift(
                        jobs, series, ShiftRule(before=hours * HOUR, after=hours * HOUR), error=0.05, seed=seed
                    ).saved_percent
                    for seed in range(repetitions)
                ),
                2,
            )
            for hours in (2, 4, 6, 8)
        }
    return found


def main() -> None:
    """Print every case as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="accepted for company: nothing else is printed")
    parser.add_argument("--carbon", type=Path, help="the folder of ger_ci.csv and gb_ci.csv")
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    found: dict[str, object] = {"decisions": decisions()}
    if arguments.carbon:
        found["training"] = training(arguments.carbon, arguments.repetitions)
        found["nightly"] = nightly(arguments.carbon, arguments.repetitions)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
