"""A workflow with its options as numbers: tasks in an order in which they can run, what each option costs and takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

import msgspec

from yuheng.model.workflow import Limits, Network, TaskOption, Weights, Workflow
from yuheng.placement.workflow.limits import BindingLimits

__all__ = ["Arc", "Choice", "Mode", "Problem", "compiled"]

# The mode that each task takes, by its place in the problem.
Choice = list[int]
Table = tuple[tuple[float, ...], ...]


class Mode(msgspec.Struct, frozen=True):
    """An option of a task.

    Attributes:
        option: as it was given.
        region: its place in `Problem.regions`.
        cost: its money and carbon in the objective.
        seconds: how long the task takes.
        earliest: seconds before which it cannot start.
        uses: (limit, amount) pairs: what it takes of limits that can bind while it runs.
    """

    option: TaskOption
    region: int
    cost: float
    seconds: float
    earliest: float
    uses: tuple[tuple[int, int], ...] = ()

    def amount(self, limit: int) -> int:
        """What it takes of a limit."""
        return sum(amount for used, amount in self.uses if used == limit)


class Arc(msgspec.Struct, frozen=True):
    """One task waits for another, and gets data from it.

    Attributes:
        source, target: places of the tasks.
        gigabytes: how much data; 0 for none.
        cost: (R, R) of moving it, in the objective, by region of the source and of the target; infinite: it cannot.
        seconds: (R, R) of moving it.
    """

    source: int
    target: int
    gigabytes: float
    cost: Table
    seconds: Table


class Problem(msgspec.Struct, frozen=True):
    """What has to be decided: a mode for each task, and when it starts.

    Attributes:
        names: of the tasks, each behind those it waits for.
        modes: by task; none of them is worse than another of the same region in everything.
        dominated: by task, the others.
        arcs: by target, then source.
        incoming, outgoing: places of the arcs, by task.
        regions: keys.
        capacities: of the limits that can bind.
        weight: of a second until the last task is done.
        deadline: seconds until then; infinite for none.
        related: by task, the tasks before and behind it, as bits.
    """

    names: tuple[str, ...]
    modes: tuple[tuple[Mode, ...], ...]
    dominated: tuple[tuple[Mode, ...], ...]
    arcs: tuple[Arc, ...]
    incoming: tuple[tuple[int, ...], ...]
    outgoing: tuple[tuple[int, ...], ...]
    regions: tuple[str, ...]
    capacities: tuple[int, ...]
    weight: float
    deadline: float
    related: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def is_timed(self) -> bool:
        """Whether it matters when tasks run."""
        return self.weight > 0 or self.deadline < inf

    def cost(self, choice: Choice) -> float:
        """Money and carbon of a choice in the objective."""
        own = sum(modes[place].cost for modes, place in zip(self.modes, choice, strict=True))
        region = [modes[place].region for modes, place in zip(self.modes, choice, strict=True)]
        return own + sum(arc.cost[region[arc.source]][region[arc.target]] for arc in self.arcs if arc.gigabytes)


def compiled(
    workflow: Workflow,
    options: Mapping[str, Sequence[TaskOption]],
    network: Network,
    limits: Limits,
    weights: Weights,
    deadline: float,
) -> Problem:
    """The problem of a workflow whose options can all be taken.

    Args:
        workflow: the tasks.
        options: by task; at least one each.
        network: what moving data takes.
        limits: what may run at a time.
        weights: what is minimised.
        deadline: seconds until all is done; infinite for none.

    Raises:
        InputError: tasks wait for each other.
    """
    order = workflow.order()
    place = {task.name: i for i, task in enumerate(order)}
    regions = tuple(sorted({option.region for task in order for option in options[task.name]}))
    arcs = _arcs(workflow, place, _Tables(regions, network, weights.money))
    incoming: list[list[int]] = [[] for _ in order]
    outgoing: list[list[int]] = [[] for _ in order]
    for i, arc in enumerate(arcs):
        incoming[arc.target].append(i)
        outgoing[arc.source].append(i)
    related = _related(len(order), arcs)
    binding = BindingLimits(workflow.parallelism, limits, [options[task.name] for task in order], related)
    modes, dominated = (
        zip(
            *(_sorted_out(_mode(option, regions, weights, binding) for option in options[task.name]) for task in order),
            strict=True,
        )
        if order
        else ((), ())
    )
    return Problem(
        names=tuple(task.name for task in order),
        modes=modes,
        dominated=dominated,
        arcs=arcs,
        incoming=tuple(map(tuple, incoming)),
        outgoing=tuple(map(tuple, outgoing)),
        regions=regions,
        capacities=binding.capacities,
        weight=weights.time,
        deadline=deadline,
        related=related,
    )


class _Tables:
    """What moving data takes between all regions, by its size."""

    def __init__(self, regions: Sequence[str], network: Network, weight: float) -> None:
        self._regions = regions
        self._network = network
        self._weight = weight
        self._known: dict[float, tuple[Table, Table]] = {}

    def of(self, gigabytes: float) -> tuple[Table, Table]:
        """Cost and seconds; both are zero where nothing is moved."""
        if gigabytes not in self._known:
            self._known[gigabytes] = self._made(gigabytes)
        return self._known[gigabytes]

    def _made(self, gigabytes: float) -> tuple[Table, Table]:
        if not gigabytes:
            nothing = tuple((0.0,) * len(self._regions) for _ in self._regions)
            return nothing, nothing
        money = self._table(self._network.money, gigabytes)
        seconds = self._table(self._network.seconds, gigabytes)
        # Where either is infinite data cannot go, whatever is minimised.
        ways = [[m < inf and s < inf for m, s in zip(*rows, strict=True)] for rows in zip(money, seconds, strict=True)]
        return (
            tuple(
                tuple(self._weight * one if way else inf for one, way in zip(*rows, strict=True))
                for rows in zip(money, ways, strict=True)
            ),
            tuple(
                tuple(one if way else inf for one, way in zip(*rows, strict=True))
                for rows in zip(seconds, ways, strict=True)
            ),
        )

    def _table(self, of: Callable[[str, str, float], float], gigabytes: float) -> list[list[float]]:
        """A value by pair of regions; what needs no machine has no region, and nothing is moved to or from it."""
        return [[of(a, b, gigabytes) if a and b else 0.0 for b in self._regions] for a in self._regions]


def _arcs(workflow: Workflow, place: Mapping[str, int], tables: _Tables) -> tuple[Arc, ...]:
    size = {(edge.source, edge.target): edge.gigabytes for edge in workflow.edges}
    pairs = sorted((place[task.name], place[source]) for task in workflow.tasks for source in set(task.after))
    names = {i: name for name, i in place.items()}
    arcs = []
    for target, source in pairs:
        gigabytes = size.get((names[source], names[target]), 0.0)
        arcs.append(Arc(source, target, gigabytes, *tables.of(gigabytes)))
    return tuple(arcs)


def _related(count: int, arcs: Sequence[Arc]) -> tuple[int, ...]:
    """By task, the tasks before and behind it, as bits."""
    before = [0] * count
    for arc in arcs:
        before[arc.target] |= before[arc.source] | 1 << arc.source
    behind = [0] * count
    for arc in reversed(arcs):
        behind[arc.source] |= behind[arc.target] | 1 << arc.target
    return tuple(a | b for a, b in zip(before, behind, strict=True))


def _mode(option: TaskOption, regions: Sequence[str], weights: Weights, binding: BindingLimits) -> Mode:
    return Mode(
        option=option,
        region=regions.index(option.region),
        cost=weights.money * (option.money + option.transfer) + weights.carbon * option.carbon,
        seconds=option.seconds,
        earliest=option.earliest,
        # What takes no time takes no room.
        uses=binding.uses(option) if option.seconds else (),
    )


def _sorted_out(modes: Iterable[Mode]) -> tuple[tuple[Mode, ...], tuple[Mode, ...]]:
    """The modes that no other of the same region matches or beats in everything, and the rest; the cheapest first."""
    kept: list[Mode] = []
    rest: list[Mode] = []
    for mode in sorted(modes, key=_rank):
        (rest if any(_matches(better, mode) for better in kept) else kept).append(mode)
    return tuple(kept), tuple(rest)


def _rank(mode: Mode) -> tuple[object, ...]:
    """Orders modes whatever order they are given in: by cost, time and name, then by all that is left."""
    return (mode.cost, mode.seconds, mode.earliest, mode.option.name, *msgspec.structs.astuple(mode.option))


def _matches(better: Mode, mode: Mode) -> bool:
    """Whether a mode that costs no more takes no more of anything else."""
    return (
        better.region == mode.region
        and better.seconds <= mode.seconds
        and better.earliest <= mode.earliest
        and all(amount <= mode.amount(limit) for limit, amount in better.uses)
    )
