"""EASY backfill on one node, where the reserved start can be worked out in a line: nobody delays it."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import yuheng
from tests.scheduling.batch.written import Manifest, manifests
from tests.scheduling.searching import examples

NOON = 12 * 60
NOW = 1767268800.0
CORES = 12


class Line(NamedTuple):
    """A node of 12 cores: what runs (cores, minutes left), the gang that waits, what stands behind it.

    What runs ends on the hour and the others do not, so that nothing ends in the moment in which the gang starts.
    """

    running: list[tuple[int, int]]
    gang: int
    behind: list[tuple[int, int | None]]

    def start(self) -> int:
        """Minutes until the gang can start when nobody else does."""
        return next(at for at in sorted({left for _, left in self.running}) if self.free(at) >= self.gang)

    def free(self, at: int) -> int:
        """Cores that what runs now leaves free after so many minutes."""
        return CORES - sum(cores for cores, left in self.running if left > at)

    def manifests(self) -> list[Manifest]:
        jobs: list[Manifest] = [
            {
                "name": f"running{index}",
                "cpu": cores,
                "running": ["n"],
                "created": 0,
                "started": 0,
                "estimate": f"{NOON + left}m",
            }
            for index, (cores, left) in enumerate(self.running)
        ]
        jobs.append({"name": "gang", "replicas": self.gang, "priority": 10, "created": 1})
        for index, (cores, minutes) in enumerate(self.behind):
            estimate = {} if minutes is None else {"estimate": f"{minutes}m"}
            jobs.append({"name": f"behind{index}", "cpu": cores, "created": 2 + index, **estimate})
        document = {
            "nodes": [{"name": "n", "cpu": CORES}],
            "jobs": jobs,
            "actions": ["allocate", "backfill"],
            "tiers": [["priority", "gang"], ["predicates", "nodeorder"]],
        }
        return list(manifests(document))


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """What runs holds 8 to 12 cores, the gang asks more than is free."""
    rng: Random = draw(st.randoms(use_true_random=False))
    running: list[tuple[int, int]] = []
    while sum(cores for cores, _ in running) < 8:
        running.append((rng.choice((1, 2, 4)), 60 * rng.choice((1, 2, 3, 5))))
    gang = rng.randint(CORES - sum(cores for cores, _ in running) + 1, CORES)
    behind = [(rng.choice((1, 2, 3)), rng.choice((30, 90, 150, 330, None))) for _ in range(rng.choice((1, 2, 4, 6)))]
    return Line(running, gang, behind)


def planned(line: Line) -> tuple[dict[str, Any], list[tuple[int, int | None]], list[tuple[int, int | None]]]:
    """The gang's report, and of those behind it who starts and who waits."""
    plan = yuheng.plan(yuheng.read(line.manifests()), now=NOW).to_dict()
    placed = {placement["pod"].removeprefix("default/").removesuffix("-0") for placement in plan["placements"]}
    report = next(job for job in plan["jobs"] if job["job"] == "default/gang")
    starts = [each for index, each in enumerate(line.behind) if f"behind{index}" in placed]
    waits = [each for index, each in enumerate(line.behind) if f"behind{index}" not in placed]
    return report, starts, waits


@examples(60)
@given(line=lines())
def test_the_reserved_start_is_the_earliest_one(line: Line):
    report, _, _ = planned(line)
    assert report["ready"] == 0
    assert report["startsIn"] == pytest.approx(60 * line.start())


@examples(60)
@given(line=lines())
def test_who_starts_leaves_the_gang_its_room_at_its_start(line: Line):
    _, starts, _ = planned(line)
    at = line.start()
    held = sum(cores for cores, minutes in starts if minutes is None or minutes > at)
    assert line.free(at) - held >= line.gang


@examples(60)
@given(line=lines())
def test_who_waits_has_no_room_or_would_delay_the_gang(line: Line):
    _, starts, waits = planned(line)
    at = line.start()
    free = line.free(0) - sum(cores for cores, _ in starts)
    spare = line.free(at) - line.gang - sum(cores for cores, end in starts if end is None or end > at)
    for cores, minutes in waits:
        assert cores > free or ((minutes is None or minutes > at) and cores > spare)
