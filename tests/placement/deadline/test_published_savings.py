"""Savings on the traces of "Can't Be Late" (NSDI'24), nine zones: what its policies save there, and what ours does."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from yuheng.model.deadline import DeadlineJob, SpotZone
from yuheng.placement.deadline import run, starts
from yuheng.readers.traces import read_availability

pytestmark = pytest.mark.shared_data
WORK, CHANGE_OVER, STARTS = 48 * 3600.0, 720.0, 180
LONGEST = WORK / 0.7
PUBLISHED = {0.9: (27.7, 34.3), 0.8: (35.4, 40.8), 0.7: (41.3, 44.6)}


@cache
def nine_zones(folder: Path) -> tuple[SpotZone, ...]:
    found = []
    for path in sorted(folder.glob("*/*.json")):
        trace = read_availability(path)
        name = f"{path.parent.name}/{path.stem}"
        found.append(SpotZone(name=name, gap=trace.gap, available=trace.available, on_demand=3.06, spot=0.9731))
    assert len(found) == 9
    return tuple(found)


@cache
def saved(folder: Path, policy: str, fraction: float, candidates: str = "single") -> float:
    """Percent of what the work alone costs on-demand; no run is late."""
    job = DeadlineJob(WORK, WORK / fraction, CHANGE_OVER)
    costs = []
    for start in starts(nine_zones(folder), LONGEST, STARTS, together=candidates == "all"):
        outcome = run(policy, job, start.zones, start.offset)
        assert outcome.finish <= job.time
        costs.append(outcome.cost)
    return 100 * (1 - float(np.mean(costs)) / (48 * 3.06))


@pytest.fixture
def folder(shared):
    return shared / "data" / "spot"


@pytest.mark.parametrize("fraction", PUBLISHED)
def test_the_published_policies_save_what_they_save_there(folder, fraction):
    greedy, uniform = PUBLISHED[fraction]
    assert saved(folder, "greedy", fraction) == pytest.approx(greedy, abs=1.5)
    assert saved(folder, "uniform-progress", fraction) == pytest.approx(uniform, abs=1.5)


@pytest.mark.parametrize("fraction", PUBLISHED)
def test_ours_goes_a_good_part_of_the_way_from_uniform_progress_to_the_bound(folder, fraction):
    uniform, bound = saved(folder, "uniform-progress", fraction), saved(folder, "omniscient", fraction)
    assert saved(folder, "yuheng", fraction) - uniform > 0.2 * (bound - uniform)


@pytest.mark.parametrize("fraction", PUBLISHED)
def test_with_all_zones_ours_saves_far_more_than_uniform_progress_in_one(folder, fraction):
    several = saved(folder, "yuheng", fraction, "all")
    assert several > saved(folder, "uniform-progress", fraction) + 10
    assert several <= saved(folder, "omniscient", fraction, "all")
