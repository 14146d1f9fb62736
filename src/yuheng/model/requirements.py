"""What a workload needs beyond its pods: how long it runs, its data, and where, when and how it may be bought."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from yuheng.model.prices import Market

__all__ = ["DataUse", "LatencyObjective", "Requirements", "RunTime"]


class RunTime(msgspec.Struct, frozen=True):
    """How long a workload runs on a machine, from when all of its pods work until they are done.

    Attributes:
        mean: seconds.
        quantiles: (level, seconds) pairs, both ascending; empty when it always takes the mean.
    """

    mean: float
    quantiles: tuple[tuple[float, float], ...] = ()

    def quantile(self, level: float) -> float:
        """Seconds that so large a part of the runs do not exceed; between two known levels, interpolated.

        Below the lowest known level that level counts, above the highest the highest.
        """
        if not self.quantiles:
            return self.mean
        before = self.quantiles[0]
        for after in self.quantiles:
            if after[0] >= level:
                width = after[0] - before[0]
                part = (level - before[0]) / width if width > 0 else 1.0
                # Rounding must not take it beyond the two.
                return min(max(before[1] + (after[1] - before[1]) * part, before[1]), after[1])
            before = after
        return before[1]


class DataUse(msgspec.Struct, frozen=True, kw_only=True):
    """Data that a workload reads before it starts, or writes when it is done.

    Attributes:
        name: of the data set.
        gigabytes: how much is moved (10^9 bytes each).
        regions: where it lives; what is read comes from the one from which it is cheapest to have, what is written goes
            to all of them. Empty when it may stay where the workload runs.
        may_live_in: the regions it may be in: the workload can run nowhere else. Empty for any.
        copies: whether what is read is kept as a copy in the workload's region for as long as it runs, and stored there
            at the region's price.
    """

    name: str
    gigabytes: float
    regions: tuple[str, ...] = ()
    may_live_in: tuple[str, ...] = ()
    copies: bool = False


class LatencyObjective(msgspec.Struct, frozen=True, kw_only=True):
    """A service level: so many of the requests are answered in time.

    Attributes:
        quantile: of the requests, such as 0.95.
        seconds: the time within which they are answered: network both ways, and the run time of one request.
        users: the regions that the requests come from; each has to be served in time. Empty for no network.
    """

    quantile: float
    seconds: float
    users: tuple[str, ...] = ()


class Requirements(msgspec.Struct, frozen=True, kw_only=True):
    """What a workload needs, and what it may.

    Attributes:
        run_time: by machine: an instance type, a GPU model, or ``*`` for any other. Empty for a service, which never
            ends, unless the workload has a latency objective: then it is the time of one request.
        reads, writes: its data.
        regions: where it may run: names of regions, ``provider/region``, or shell patterns of them; empty for anywhere.
        markets: how its machines may be bought; empty for on-demand, reserved, and spot where it is interruptible.
        not_before: the earliest start, in seconds since the epoch.
        deadline: when it has to be finished, in seconds since the epoch; None for any time.
        within: seconds after the plan's time within which it has to be finished; None for no such limit.
        windows: the parts of a day in which it may start, as first and last minute (UTC); empty for any.
        latest_start: how long its start may be put off for a lower price or less carbon, in seconds.
        interruptible: whether it can go on from a checkpoint.
        checkpoint: seconds of work that an interruption, or a move, costs (change-over).
        latency: its service level; None for none.
        objective: what is minimised for it; empty for the plan's objective.
        policy: the name of the ``PlacementPolicy`` that says so, for messages; empty for annotations alone.
    """

    run_time: Mapping[str, RunTime] = {}
    reads: tuple[DataUse, ...] = ()
    writes: tuple[DataUse, ...] = ()
    regions: tuple[str, ...] = ()
    markets: tuple[Market, ...] = ()
    not_before: float | None = None
    deadline: float | None = None
    within: float | None = None
    windows: tuple[tuple[int, int], ...] = ()
    latest_start: float = 0.0
    interruptible: bool = False
    checkpoint: float = 0.0
    latency: LatencyObjective | None = None
    objective: str = ""
    policy: str = ""

    def time_on(self, instance_type: str, gpu_model: str) -> RunTime | None:
        """The run time on a machine; None when nothing is known of it."""
        for name in (instance_type, gpu_model, "*"):
            if name and name in self.run_time:
                return self.run_time[name]
        return None
