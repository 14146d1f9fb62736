"""A scenario: a cluster, a workload, what goes wrong, and the policies to compare on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.workload import Workload

__all__ = [
    "ArrivalProcess",
    "ArrivalSequence",
    "Distribution",
    "Failures",
    "Generator",
    "JobClass",
    "Market",
    "NodeChange",
    "NodePool",
    "Output",
    "PriceSeries",
    "Pricing",
    "Scenario",
]

INFINITE = float("inf")


class PriceSeries(msgspec.Struct, frozen=True):
    """A price over time.

    Attributes:
        times: seconds since the start, ascending, the first 0.
        values: US dollars per hour, each from its time on.
    """

    times: tuple[float, ...]
    values: tuple[float, ...]


class NodePool(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes of one kind that come when pods need them, and go when nobody does.

    Attributes:
        name: unique; its nodes are called ``name-0``, ``name-1`` and so on.
        node: what each of its nodes looks like.
        minimum, maximum: how many there are at least and at most.
        initial: how many there are at the start.
        delay: seconds from asking for a node until it is ready.
        idle: seconds without pods after which a node goes; infinite for never.
        price: of one node; None when unknown.
    """

    name: str
    node: Node
    minimum: int = 0
    maximum: int = 1
    initial: int = 0
    delay: float = 0.0
    idle: float = INFINITE
    price: PriceSeries | None = None


class Pricing(msgspec.Struct, frozen=True):
    """The price of nodes that have all these labels (any node, where there are none); the first that fits counts."""

    labels: Mapping[str, str]
    price: PriceSeries


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes that fail and are repaired, both after exponentially distributed times.

    Attributes:
        labels: the nodes it speaks of have all of them; empty for all nodes.
        mtbf: mean seconds between the repair of a node and its next failure.
        mttr: mean seconds until a failed node is back.
    """

    labels: Mapping[str, str] = {}
    mtbf: float
    mttr: float


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes that are there only while their market has capacity (spot), by a trace of its availability.

    Attributes:
        name: of the market, for messages.
        labels: its nodes have all of them.
        gap: seconds that each element of the trace stands for.
        available: (S,) whether an instance can be had; after the last element the trace starts anew.
        offset: seconds into the trace at which the simulation starts; None to draw it from the seed.
    """

    name: str
    labels: Mapping[str, str]
    gap: float
    available: NDArray[np.bool_]
    offset: float | None = 0.0


class NodeChange(msgspec.Struct, frozen=True):
    """What happens to nodes at a time that is known.

    Attributes:
        time: seconds since the start.
        kind: ``add`` and ``remove`` a node; ``fail`` and ``recover``; ``drain`` (nothing new starts there, what runs is
            evicted and waits again) and ``uncordon``. A node whose first change is ``add`` is not there before it.
        nodes: their names.
    """

    time: float
    kind: Literal["add", "remove", "fail", "recover", "drain", "uncordon"]
    nodes: tuple[str, ...]


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """How a quantity is distributed; draws below ``least`` and above ``most`` are moved there.

    Attributes:
        kind: ``constant`` (a: the value), ``uniform`` (a to b), ``exponential`` (a: the mean), ``lognormal`` (a: the
            median, b: standard deviation of the logarithm), ``pareto`` (a: the smallest value, b: tail index),
            ``weibull`` (a: scale, b: shape), ``empirical`` (values: equally likely quantiles, interpolated).
        a, b: its parameters.
        values: of an empirical one, ascending.
    """

    kind: Literal["constant", "uniform", "exponential", "lognormal", "pareto", "weibull", "empirical"]
    a: float = 0.0
    b: float = 0.0
    values: tuple[float, ...] = ()
    least: float = 0.0
    most: float = INFINITE


class ArrivalProcess(msgspec.Struct, frozen=True, kw_only=True):
    """When jobs arrive: a renewal process whose rate follows the hour of the day and the day of the week.

    Attributes:
        rate: jobs per hour on average over a week.
        daily: 24 factors of the rate, hour 0 first; their mean counts as 1.
        weekly: 7 factors of the rate, Monday first; their mean counts as 1.
        variation: coefficient of variation of the times between arrivals where the rate does not change; 1 is Poisson,
            more comes in bursts (gamma renewals).
    """

    rate: float
    daily: tuple[float, ...] = (1.0,) * 24
    weekly: tuple[float, ...] = (1.0,) * 7
    variation: float = 1.0


class JobClass(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one kind.

    Attributes:
        name: of the class, for messages.
        share: how many of all jobs are of it, relative to the other classes' shares.
        template: the pod to copy.
        duration: seconds that each pod works.
        pods: how many pods a job has, rounded to whole ones, 1 at least.
        gang: whether all of them have to start together.
    """

    name: str
    share: float
    template: Pod
    duration: Distribution
    pods: Distribution = Distribution(kind="constant", a=1.0)
    gang: bool = True


class Generator(msgspec.Struct, frozen=True, kw_only=True):
    """A workload that is drawn from a seed.

    Attributes:
        arrivals: when jobs arrive.
        classes: what they are.
        length: seconds during which they arrive; infinite when ``jobs`` says how many there are.
        jobs: how many there are; None when ``length`` says.
    """

    arrivals: ArrivalProcess
    classes: tuple[JobClass, ...]
    length: float = INFINITE
    jobs: int | None = None


class ArrivalSequence(msgspec.Struct, frozen=True):
    """Jobs of a trace one after the other, without a clock: none ever ends.

    They are drawn from the seed, with replacement, until the next job would pass ``inflate`` times what the cluster has
    of GPUs (of cpu, where no job asks for GPUs). This is how the FGD study (USENIX ATC'23) fills a cluster.

    Attributes:
        inflate: what is asked for in the end, relative to what there is.
    """

    inflate: float = 1.3


class Output(msgspec.Struct, frozen=True):
    """A result to write: its format and its path."""

    format: Literal["json", "csv", "html"]
    path: str


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a simulation needs; times in seconds since its start.

    Attributes:
        name: what it is called in reports.
        snapshot: the cluster at the start: nodes, pods that run and wait, queues, configuration.
        pools: nodes that come and go beside those of the snapshot.
        workload: jobs of a trace; None when there is none, or it is generated.
        generator: draws a workload from each seed.
        sequence: the workload's jobs come one after the other, without a clock.
        policies: what to compare, names unique; the first is what the others are compared with.
        seeds: one run of every policy each.
        cycle: seconds between two scheduling cycles; 0 to decide whenever something changed.
        startup: seconds from the decision until a pod works (images, volumes, start of the container).
        checkpoint: seconds of work between two checkpoints of a pod; infinite when work is lost with its pod.
        until: when it ends, whatever still runs; infinite for when all that can end has ended.
        sample: seconds between two points of the time series; None for about 200 of them.
        epoch: what second 0 is in seconds since the epoch; None for a Monday at midnight (UTC).
        failures, markets, changes: what happens to nodes.
        prices: of the nodes of the snapshot.
        measures: names of the measures that are compared; empty for all.
        confidence: of the intervals over seeds.
        outputs: files to write.
        text: the scenario as it was written, for the report.
        warnings: what the reader had to assume, one sentence each.
    """

    name: str
    snapshot: Snapshot
    pools: tuple[NodePool, ...] = ()
    workload: Workload | None = None
    generator: Generator | None = None
    sequence: ArrivalSequence | None = None
    policies: tuple[Policy, ...]
    seeds: tuple[int, ...] = (42,)
    cycle: float = 0.0
    startup: float = 0.0
    checkpoint: float = INFINITE
    until: float = INFINITE
    sample: float | None = None
    epoch: float | None = None
    failures: tuple[Failures, ...] = ()
    markets: tuple[Market, ...] = ()
    changes: tuple[NodeChange, ...] = ()
    prices: tuple[Pricing, ...] = ()
    measures: tuple[str, ...] = ()
    confidence: float = 0.95
    outputs: tuple[Output, ...] = ()
    text: str = ""
    warnings: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """What a report says of it in a few words."""
        return {"name": self.name, "policies": [policy.name for policy in self.policies], "seeds": list(self.seeds)}
