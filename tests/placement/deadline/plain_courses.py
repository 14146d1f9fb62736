"""Runs and bounds as JSON, for a process in which nothing is compiled: ``python plain_courses.py``."""

from __future__ import annotations

import json

import numpy as np

from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob, SpotZone
from yuheng.placement.deadline import run


def told() -> list[list[object]]:
    """Every policy on one zone and on three."""
    random = np.random.default_rng(7)
    zones = []
    for number in range(3):
        bits = np.repeat(np.arange(60) % 2, random.geometric(0.1, 60)).astype(np.bool_)
        zones.append(SpotZone(name=f"z{number}", gap=300.0, available=bits, on_demand=3.0, spot=0.9 + number / 10))
    job = DeadlineJob(4 * 3600.0, 5.5 * 3600.0, 420.0)
    found: list[list[object]] = []
    for policy in DEADLINE_POLICIES:
        for candidates in (zones[:1], zones):
            outcome = run(policy, job, candidates, 3600.0, history=3600.0)
            found.append([policy, *outcome[:9], outcome.mode.tolist(), outcome.zone.tolist()])
    return found


if __name__ == "__main__":
    print(json.dumps(told()))  # noqa: T201 -- what the test reads
