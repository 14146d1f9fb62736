"""A workflow: tasks that wait for each other and hand data on, placed as a whole; and the plan for one.

Times within a plan are seconds after its start. What a task needs of a machine is in its pods; where, on what and for
how much it could run is a `TaskOption`, which the fleet planner works out from clusters and prices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Literal

import msgspec

from yuheng.errors import InputError
from yuheng.model.pod import Pod
from yuheng.model.prices import Market
from yuheng.model.requirements import Requirements

__all__ = [
    "DataEdge",
    "Limits",
    "Network",
    "PlacedTask",
    "RefusedOptions",
    "RunnerUp",
    "Task",
    "TaskOption",
    "Transfer",
    "Weights",
    "Workflow",
    "WorkflowPlan",
]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a workflow.

    Attributes:
        name: unique in the workflow.
        pods: one for each replica, all of them pending; they start together. Empty for a step that needs no machine,
            such as one that only waits: it takes its run time (``*``; none is 0 s), and costs nothing.
        after: names of the tasks that have to be finished before it starts, sorted; those that data comes from as well.
        requirements: run time, data sets, regions and markets allowed.
    """

    name: str
    pods: tuple[Pod, ...] = ()
    after: tuple[str, ...] = ()
    requirements: Requirements = Requirements()


class DataEdge(msgspec.Struct, frozen=True, kw_only=True):
    """Data that one task leaves for another.

    Attributes:
        source, target: names of the tasks.
        gigabytes: how much is moved when they are in different regions (10^9 bytes each).
        may_live_in: the regions that the data may be in (names, ``provider/region`` or shell patterns): both tasks can
            run nowhere else. Empty for any.
    """

    source: str
    target: str
    gigabytes: float = 0.0
    may_live_in: tuple[str, ...] = ()


class Workflow(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow: a directed graph of tasks without a cycle.

    Attributes:
        key: ``namespace/name``.
        kind, api_version: of the object it was read from.
        labels: of the object.
        tasks: sorted by name.
        edges: sorted by source and target; at most one of a pair, and the target is `Task.after` the source.
        parallelism: how many of its pods may run at a time; None for no limit.
        deadline: when it has to be finished, in seconds since the epoch; None for any time.
        within: seconds after its start within which it has to be finished; None for no such limit.
        not_before: the earliest start, in seconds since the epoch.
        objective: what is minimised for it; empty for the plan's objective.
        source: the file it was read from.
        warnings: what the reader had to assume, one sentence each.
    """

    key: str
    kind: str = "Workflow"
    api_version: str = ""
    labels: Mapping[str, str] = {}
    tasks: tuple[Task, ...]
    edges: tuple[DataEdge, ...] = ()
    parallelism: int | None = None
    deadline: float | None = None
    within: float | None = None
    not_before: float | None = None
    objective: str = ""
    source: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.key.split("/", 1)[0]

    @property
    def name(self) -> str:
        """Its name."""
        return self.key.split("/", 1)[1]

    def order(self) -> tuple[Task, ...]:
        """The tasks so that each comes behind those it waits for: by how many of them are in a row, then by name.

        Raises:
            InputError: tasks wait for each other; the message names them.
        """
        tasks = {task.name: task for task in self.tasks}
        sorter = TopologicalSorter({task.name: task.after for task in self.tasks})
        try:
            sorter.prepare()
        except CycleError as error:
            # The last of them is the first once more, and each comes before the one that waits for it.
            cycle = error.args[1][:-1]
            first = cycle.index(min(cycle))
            path = " -> ".join([*cycle[first:], *cycle[:first], cycle[first]])
            raise InputError(f"a cycle: {path}", "tasks that do not wait for themselves") from None
        found: list[Task] = []
        while sorter.is_active():
            level = sorted(sorter.get_ready())
            found += (tasks[name] for name in level)
            sorter.done(*level)
        return tuple(found)


class TaskOption(msgspec.Struct, frozen=True, kw_only=True):
    """One way to run a task: all of its replicas on one kind of machine of one cluster.

    Attributes:
        cluster: the cluster's name.
        group: the kind of machine: a node pool or an instance type; unique in the cluster.
        market: how the machines are bought.
        region: key of the cluster's region.
        seconds: from when its data is there and it is let start until it is done: start-up, reading of its data sets,
            run time, writing.
        money: US dollars for the machines over that time.
        transfer: US dollars for reading and writing its data sets; what edges cost comes on top.
        carbon: grams of CO2 equivalent.
        slots: pods that count against the region's concurrency limit while it runs.
        units: what it takes of the room of its cluster's machine group while it runs, in the unit of `Limits.room`.
        earliest: seconds after the plan's start before which it cannot start there.
    """

    cluster: str
    group: str = ""
    market: Market = "on-demand"
    region: str = ""
    seconds: float
    money: float = 0.0
    transfer: float = 0.0
    carbon: float = 0.0
    slots: int = 1
    units: int = 1
    earliest: float = 0.0

    @property
    def name(self) -> str:
        """``cluster/group (market)``: tells it from the others of a task, and breaks ties."""
        place = f"{self.cluster}/{self.group}" if self.group else self.cluster
        return f"{place} ({self.market})"


class Network(msgspec.Struct, frozen=True):
    """What it takes to move data between regions.

    Attributes:
        money: ``money(from, to, gigabytes)``: US dollars for so much from one region to another (keys of regions).
        seconds: ``seconds(from, to, gigabytes)``: how long that takes: latency, and size by bandwidth. Both may be
            infinite where data cannot go.
    """

    money: Callable[[str, str, float], float]
    seconds: Callable[[str, str, float], float]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much may run at a time; what exceeds a limit waits.

    Attributes:
        concurrency: pods by key of a region; absent for no limit.
        room: units by (cluster, machine group); absent for no limit.
    """

    concurrency: Mapping[str, int] = {}
    room: Mapping[tuple[str, str], int] = {}


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What is minimised: ``money * dollars + time * seconds until the last task is done + carbon * grams``.

    Attributes:
        money: per US dollar.
        time: per second.
        carbon: per gram of CO2 equivalent.
    """

    money: float = 1.0
    time: float = 0.0
    carbon: float = 0.0


class RunnerUp(msgspec.Struct, frozen=True, kw_only=True):
    """The next best option of a task, while all others stay where they are.

    Attributes:
        option: where it would run.
        money, seconds, carbon, objective: what the whole workflow would cost more (below 0: less), in US dollars,
            seconds until it is finished, grams, and in the objective.
    """

    option: TaskOption
    money: float
    seconds: float
    carbon: float
    objective: float


class PlacedTask(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when a task runs.

    Attributes:
        name: of the task.
        option: where, and on what.
        start, finish: seconds after the plan's start.
        waits: seconds that it waits for room or for a slot after its data has arrived.
        runner_up: the next best option; None where it has no other.
    """

    name: str
    option: TaskOption
    start: float
    finish: float
    waits: float = 0.0
    runner_up: RunnerUp | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """Data that crosses from one region to another.

    Attributes:
        source, target: names of the tasks.
        origin, destination: keys of the regions.
        gigabytes: how much.
        money: US dollars.
        seconds: how long it takes.
    """

    source: str
    target: str
    origin: str
    destination: str
    gigabytes: float
    money: float
    seconds: float


class RefusedOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options of a task that cannot be taken.

    Attributes:
        task: its name.
        reason: why, in words.
        options: names of the options, sorted.
    """

    task: str
    reason: str
    options: tuple[str, ...] = ()


class WorkflowPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when the tasks of a workflow run, what that costs, and how far from the best it can be.

    Attributes:
        workflow: its key.
        tasks: by start, then name; empty when it cannot be placed.
        transfers: data between regions, by source and target.
        compute: US dollars for machines.
        transfer: US dollars for moving data: edges and data sets.
        seconds: from the plan's start until the last task is done.
        carbon: grams of CO2 equivalent.
        objective: the weighted sum of the three.
        bound: no plan has a lower objective than this.
        gap: (objective - bound) / |objective|; 0 for a proven optimum. Never below the true distance to the optimum.
        method: ``exact`` when the optimum was searched for and proven; ``heuristic`` otherwise.
        refused: what could not be taken, by task.
        reason: why it cannot be placed; empty when it is.
    """

    workflow: str
    tasks: tuple[PlacedTask, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    compute: float = 0.0
    transfer: float = 0.0
    seconds: float = 0.0
    carbon: float = 0.0
    objective: float = 0.0
    bound: float = 0.0
    gap: float = 0.0
    method: Literal["exact", "heuristic"] = "exact"
    refused: tuple[RefusedOptions, ...] = ()
    reason: str = ""

    @property
    def money(self) -> float:
        """US dollars in all."""
        return self.compute + self.transfer
