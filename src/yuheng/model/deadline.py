"""A job with a deadline that may run on spot instances: what is known of it, and what a simulation of it needs."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.scenario import Output

__all__ = ["DEADLINE_POLICIES", "DeadlineJob", "DeadlineScenario", "SpotZone"]

# The policies there are, and what each does.
DEADLINE_POLICIES: Final[dict[str, str]] = {
    "on-demand": "on-demand from the start to the end",
    "greedy": "spot while it lasts, else waits; on-demand to the end when no time is left to wait",
    "time-sliced": "greedy within slices of the time, each with its share of the work",
    "uniform-progress": "on-demand when idle and behind uniform progress; spot whenever it is there (NSDI'24)",
    "yuheng": "what costs least by what was seen of the market so far: waiting, spot or on-demand (ours)",
    "omniscient": "a bound: no policy, whatever it knows of the future, costs less",
}


class DeadlineJob(msgspec.Struct, frozen=True):
    """Work that has to be done in time, in seconds.

    Attributes:
        work: what is to be done, as seconds on one instance.
        time: from the start until the deadline.
        change_over: from the start of an instance until it works: boot, image, restore of the checkpoint.
    """

    work: float
    time: float
    change_over: float

    @property
    def slack(self) -> float:
        """Seconds of the time in which nothing has to be done, change-overs not yet counted."""
        return self.time - self.work


class SpotZone(msgspec.Struct, frozen=True, kw_only=True):
    """A place to run: prices, and when its spot market has capacity.

    Attributes:
        name: unique.
        gap: seconds that each element of ``available`` stands for.
        available: (S,) whether a spot instance can be had, or goes on running; after the last element it starts anew.
        on_demand, spot: US dollars per hour of an instance.
        egress: US dollars to carry the job's state out of this zone into another.
    """

    name: str
    gap: float
    available: NDArray[np.bool_]
    on_demand: float
    spot: float
    egress: float = 0.0


class DeadlineScenario(msgspec.Struct, frozen=True, kw_only=True):
    """A job on spot markets, and the policies to compare.

    Attributes:
        name: what it is called in reports.
        jobs: one for each deadline.
        zones: where it may run.
        candidates: ``single`` for a run of each zone alone, ``all`` for runs that may move between all zones.
        policies: names of `DEADLINE_POLICIES`, unique; the others are compared with the first.
        starts: how many starts there are of each policy and deadline, spread evenly over the traces.
        seeds: starts are drawn from these seeds instead, ``starts`` from each; empty to spread them.
        history: seconds before its start for which the market was watched; only ``yuheng`` looks at it.
        measures: names of the measures that are compared; empty for all.
        confidence: of the intervals over starts.
        outputs: files to write.
        text: the scenario as it was written, for the report.
        warnings: what the reader had to assume, one sentence each.
    """

    name: str
    jobs: tuple[DeadlineJob, ...]
    zones: tuple[SpotZone, ...]
    candidates: Literal["single", "all"] = "single"
    policies: tuple[str, ...] = tuple(DEADLINE_POLICIES)
    starts: int = 200
    seeds: tuple[int, ...] = ()
    history: float = 0.0
    measures: tuple[str, ...] = ()
    confidence: float = 0.95
    outputs: tuple[Output, ...] = ()
    text: str = ""
    warnings: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """What a report says of it in a few words."""
        return {"name": self.name, "policies": list(self.policies), "seeds": list(self.seeds)}
