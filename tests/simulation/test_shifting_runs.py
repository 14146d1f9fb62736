"""Jobs shifted by policies: what happened to them, what it cost, and how policies compare."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from yuheng.errors import InputError
from yuheng.model.objective import parse_objective
from yuheng.model.series import Series
from yuheng.model.shifting import ShiftableJob, ShiftingScenario, ShiftRule, ShiftWorkload
from yuheng.simulation.shifting import run_shifting, simulate_shifting

HOUR = 3600.0
# Monday, 5 January 2026.
MIDNIGHT = 1_767_571_200.0


def hourly(*values: float) -> Series:
    return Series(MIDNIGHT + HOUR * np.arange(float(len(values))), np.array(values, dtype=np.float64))


JOBS = (
    ShiftableJob(name="a", issued=MIDNIGHT, duration=2 * HOUR, weight=3.0),
    ShiftableJob(name="b", issued=MIDNIGHT + 2 * HOUR, duration=HOUR),
)
# Two kilowatts a machine; a day long, as what is shorter does not repeat.
SCENARIO = ShiftingScenario(
    name="night",
    jobs=JOBS,
    carbon=hourly(500, 400, 100, 600, 200, 700, *[900] * 18),
    price=hourly(1, 2, 3, 4, 5, 6, *[9] * 18),
    power=2.0,
    rule=ShiftRule(after=3 * HOUR),
    policies=("as-issued", "whole", "parts", "omniscient"),
)
DRAWN = msgspec.structs.replace(
    SCENARIO,
    jobs=(),
    workload=ShiftWorkload(start=MIDNIGHT, end=MIDNIGHT + 4 * 86400, daily=5, shortest=HOUR, longest=5 * HOUR),
    carbon=hourly(*np.random.default_rng(3).uniform(100, 500, 24 * 7)),
    rule=ShiftRule(after=9 * HOUR),
    error=0.3,
)


@pytest.mark.parametrize(
    ("policy", "carbon", "cost", "waited", "completed", "resumptions"),
    [
        # Three machines at 500 + 400, one at 100 grams per kWh, each of 2 kW.
        ("as-issued", 2 * (3 * 900 + 100), 3 * 3 + 3, 0.0, (2 + 1) / 2, 0),
        # The first job is cheapest from 1:00 to 3:00, the second where it is.
        ("whole", 2 * (3 * 500 + 100), 3 * 5 + 3, 0.5, (3 + 1) / 2, 0),
        # The first job in the hours from 2:00 and 4:00.
        ("parts", 2 * (3 * 300 + 100), 3 * 8 + 3, 1.0, (5 + 1) / 2, 1),
        ("omniscient", 2 * (3 * 300 + 100), 3 * 8 + 3, 1.0, (5 + 1) / 2, 1),
    ],
)
def test_totals_are_those_of_counting(
    policy: str, carbon: float, cost: float, waited: float, completed: float, resumptions: int
) -> None:
    totals = run_shifting(SCENARIO, policy, 1).totals
    assert totals["jobs"] == totals["finished"] == 2
    assert totals["carbon_kg"] == pytest.approx(carbon / 1000)
    assert totals["cost_usd"] == pytest.approx(cost)
    assert totals["pending_seconds_mean"] == pytest.approx(waited * HOUR)
    assert totals["completion_seconds_mean"] == pytest.approx(completed * HOUR)
    assert totals["resumptions"] == resumptions
    assert totals["carbon_saved_percent"] == pytest.approx(100 * (1 - carbon / 5600))
    assert totals["savings_percent"] == pytest.approx(100 * (1 - cost / 12))


@pytest.mark.parametrize(
    ("objective", "start"),
    [("cost", 0), ("carbon", 1), ("0.9*carbon+0.1*cost", 1), ("0.01*carbon+0.99*cost", 0)],
)
def test_what_is_minimised_is_the_objective(objective: str, start: int) -> None:
    scenario = msgspec.structs.replace(SCENARIO, jobs=JOBS[:1], objective=parse_objective(objective))
    assert run_shifting(scenario, "whole", 1).totals["pending_seconds_mean"] == start * HOUR


def test_weights_are_relative_to_the_mean_of_a_series() -> None:
    cents = msgspec.structs.replace(SCENARIO, price=Series(SCENARIO.price.times, 100 * SCENARIO.price.values))
    for weight in (0.2, 0.4, 0.6, 0.8):
        runs = [
            run_shifting(
                msgspec.structs.replace(one, objective=parse_objective(f"{weight}*carbon+{1 - weight}*cost")),
                "whole",
                1,
            )
            for one in (SCENARIO, cents)
        ]
        assert runs[0].totals["carbon_kg"] == runs[1].totals["carbon_kg"]


def test_only_what_is_known_is_told() -> None:
    totals = run_shifting(msgspec.structs.replace(SCENARIO, price=None), "whole", 1).totals
    assert "carbon_kg" in totals
    assert not {"cost_usd", "savings_percent"} & set(totals)


def test_over_time_jobs_run_wait_and_pause() -> None:
    points = {point["t"]: point for point in run_shifting(SCENARIO, "parts", 1).series}
    assert min(points) == 0.0
    assert max(points) == 5 * HOUR
    assert [
        points[min(points, key=lambda t: abs(t - hour * HOUR))]["running_jobs"] for hour in (0.5, 2.5, 3.5, 4.5)
    ] == [0, 2, 0, 1]
    assert [
        points[min(points, key=lambda t: abs(t - hour * HOUR))]["pending_jobs"] for hour in (0.5, 2.5, 3.5, 4.5)
    ] == [1, 0, 1, 0]
    assert list(points.values())[-1] == {"t": 5 * HOUR, "running_jobs": 0, "pending_jobs": 0}


def test_policies_see_the_same_jobs_and_are_compared_by_seed() -> None:
    scenario = msgspec.structs.replace(DRAWN, seeds=tuple(range(8)))
    done: list[tuple[int, int]] = []
    found = simulate_shifting(scenario, lambda *counts: done.append(counts))
    assert done == [(i, 32) for i in range(33)]
    assert [(run.policy, run.seed) for run in found.runs] == [(p, s) for p in scenario.policies for s in range(8)]
    mean = {one.policy: one.mean for one in found.summary if one.measure == "carbon_saved_percent"}
    assert mean["as-issued"] == 0.0
    assert 0 < mean["whole"] < mean["parts"] < mean["omniscient"]
    gain = {one.policy: one for one in found.differences if one.measure == "carbon_kg"}
    assert all(one.high < 0 for one in gain.values())
    assert {one.baseline for one in gain.values()} == {"as-issued"}


def test_a_run_is_that_of_its_seed() -> None:
    assert run_shifting(DRAWN, "parts", 5) == run_shifting(DRAWN, "parts", 5)
    assert run_shifting(DRAWN, "parts", 5).totals != run_shifting(DRAWN, "parts", 6).totals
    fixed = msgspec.structs.replace(SCENARIO, error=0.5)
    waits = {run_shifting(fixed, "whole", seed).totals["pending_seconds_mean"] for seed in range(20)}
    assert len(waits) > 1


def test_errors_of_price_and_carbon_are_independent() -> None:
    same = msgspec.structs.replace(DRAWN, price=DRAWN.carbon)
    alone = run_shifting(msgspec.structs.replace(same, objective=parse_objective("cost")), "parts", 1)
    assert alone.totals["carbon_kg"] != run_shifting(same, "parts", 1).totals["carbon_kg"]


def test_a_job_without_a_moment_to_start_is_told() -> None:
    closed = msgspec.structs.replace(SCENARIO, rule=ShiftRule(windows=((600, 660),)))
    with pytest.raises(InputError, match="a: found no moment to start"):
        run_shifting(closed, "whole", 1)


def test_a_job_may_start_before_it_was_issued() -> None:
    late = (ShiftableJob(name="a", issued=MIDNIGHT + 5 * HOUR, duration=HOUR),)
    scenario = msgspec.structs.replace(SCENARIO, jobs=late, rule=ShiftRule(before=5 * HOUR))
    run = run_shifting(scenario, "whole", 1)
    assert run.totals["pending_seconds_mean"] == -3 * HOUR
    assert {(point["running_jobs"], point["pending_jobs"]) for point in run.series[:-1]} == {(1, 0)}
