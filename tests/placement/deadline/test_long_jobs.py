"""However long a job is, its table of values has steps in which a spell can end: ours is not coarser for long jobs."""

from __future__ import annotations

import numpy as np
import pytest
from made_markets import HOUR, zone

from yuheng.model.deadline import DeadlineJob
from yuheng.placement.deadline import run
from yuheng.placement.deadline.arrays import fresh_table


def market(seed, hours=1200, gap=600.0):
    """Capacity in spells of two hours on average, and lack of it in spells of one."""
    draws = np.random.default_rng(seed).random(int(hours * HOUR / gap))
    there, bits = True, []
    for draw in draws:
        there = draw >= gap / (2 * HOUR) if there else draw < gap / HOUR
        bits.append(int(there))
    return zone(bits, gap, on_demand=3.06, spot=0.9731)


def test_a_job_of_three_weeks_costs_less_than_with_uniform_progress():
    job = DeadlineJob(480 * HOUR, 600 * HOUR, 720.0)
    runs = [(run("yuheng", job, [market(seed)]), run("uniform-progress", job, [market(seed)])) for seed in (1, 2)]
    assert sum(ours.cost for ours, _ in runs) < 0.98 * sum(theirs.cost for _, theirs in runs)
    assert all(ours.finish <= job.time for ours, _ in runs)


@pytest.mark.parametrize("hours", [1, 12, 48, 100, 480])
def test_steps_of_work_are_not_longer_than_spells(hours):
    table = fresh_table(hours * HOUR, hours * HOUR / 4, 720.0)
    assert table.steps[0] <= HOUR / 2
    # The table holds the whole of the work, and of the slack.
    assert table.steps[0] * (table.values.shape[1] - 2) == pytest.approx(hours * HOUR)
    assert table.steps[1] * (table.values.shape[2] - 2) == pytest.approx(hours * HOUR / 4)


def test_a_table_does_not_grow_without_end():
    shape = fresh_table(1e6 * HOUR, 1e6 * HOUR, 720.0).values.shape
    assert fresh_table(1e9 * HOUR, 1e9 * HOUR, 720.0).values.shape == shape
