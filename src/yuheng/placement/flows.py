"""Workflows on a fleet: each task's ways to run, from clusters and prices, and what the workflow's plan says then.

Workflows are placed on what the workloads leave. A task takes room only while it runs, so that it is counted as a part
of what a group of machines has room for, rather than put on nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil
from typing import Any, Final

import msgspec
import numpy as np

from yuheng.model.fleet import FleetWorkload
from yuheng.model.fleet_plan import told_instant
from yuheng.model.objective import Objective, Terms
from yuheng.model.pod import Pod
from yuheng.model.workflow import Limits, Network, Task, TaskOption, Weights, Workflow, WorkflowPlan
from yuheng.placement.assignment import Assignment
from yuheng.placement.quote import Quote
from yuheng.placement.quotes import Quotes
from yuheng.placement.slots import most_at_a_time
from yuheng.placement.workflow import place_workflow

__all__ = ["Taken", "flow"]

# The room of a group, in the units that tasks take of it.
WHOLE: Final = 1_000_000
MOST_COPIES: Final = 100_000


class Taken:
    """What workflows before take of machines and slots, at the most at a time: those after them do without it.

    Attributes:
        room: units of machine groups, by cluster and group.
        slots: pods, by region; ``by_workloads`` counts those of workloads alone.
        until: seconds after the plan's time by which all of them are done.
    """

    def __init__(self, assignment: Assignment) -> None:
        regions = assignment.terrain.regions
        self.room: Counter[tuple[str, str]] = Counter()
        self.by_workloads = Counter({key: assignment.slots_taken(r) for r, key in enumerate(regions)})
        self.slots = Counter(self.by_workloads)
        self.until = 0.0

    def add(self, plan: WorkflowPlan) -> None:
        """Take note of a workflow."""
        self.until = max(self.until, plan.seconds if plan.tasks else 0.0)
        room: dict[tuple[str, str], list[tuple[float, float, int]]] = {}
        slots: dict[str, list[tuple[float, float, int]]] = {}
        for one in plan.tasks:
            span = (one.start, one.finish)
            room.setdefault((one.option.cluster, one.option.group), []).append((*span, one.option.units))
            slots.setdefault(one.option.region, []).append((*span, one.option.slots))
        for place, spans in room.items():
            self.room[place] += most_at_a_time(spans)
        for key, spans in slots.items():
            self.slots[key] += most_at_a_time(spans)


def flow(
    workflow: Workflow,
    assignment: Assignment,
    quotes: Quotes,
    objective: Objective,
    within: float | None,
    taken: Taken,
) -> dict[str, Any]:
    """Place a workflow; the plan as it stands in the public format.

    Args:
        workflow: the workflow.
        assignment: who is where already.
        quotes: what tasks cost where.
        objective: what is minimised.
        within: seconds from the plan's time within which it has to be finished; None for no such limit.
        taken: by workloads and workflows before it; this one is added.
    """
    found = {task.name: quotes.quote(_as_workload(workflow, task)) for task in workflow.tasks if task.pods}
    options = {
        task.name: _options(task, found[task.name], assignment, quotes) if task.pods else () for task in workflow.tasks
    }
    terrain = assignment.terrain
    limits = [within, workflow.within, None if workflow.deadline is None else workflow.deadline - quotes.now]
    regions = {terrain.regions[r]: terrain.region_of(r).concurrency for r in range(len(terrain.regions))}
    factors = objective.factors(_reference(workflow, options))

    def placed(
        ways: Mapping[str, tuple[TaskOption, ...]], used: Counter[tuple[str, str]], busy: Counter[str]
    ) -> WorkflowPlan:
        places = {(one.cluster, one.group) for some in ways.values() for one in some}
        return place_workflow(
            workflow,
            ways,
            Network(quotes.network.cost, quotes.network.seconds),
            Limits(
                concurrency={key: max(limit - busy[key], 0) for key, limit in regions.items() if limit is not None},
                room={place: max(WHOLE - used[place], 0) for place in places},
            ),
            Weights(money=factors.cost, time=factors.time, carbon=factors.carbon),
            min((limit for limit in limits if limit is not None), default=None),
        )

    plan = placed(options, taken.room, taken.slots)
    if plan.reason and taken.until > 0:
        # Beside the workflows before it there is no room: it waits until they are done.
        plan = placed(_put_off(options, taken.until), Counter(), taken.by_workloads)
    taken.add(plan)
    refused = {name: _refused(quote, quotes) for name, quote in found.items() if not options[name]}
    return _told(plan, objective, quotes.now, refused)


def _put_off(options: Mapping[str, tuple[TaskOption, ...]], seconds: float) -> dict[str, tuple[TaskOption, ...]]:
    """The options of tasks that start no earlier than so many seconds after the plan's time."""
    return {
        name: tuple(msgspec.structs.replace(one, earliest=max(one.earliest, seconds)) for one in ways)
        for name, ways in options.items()
    }


def _as_workload(workflow: Workflow, task: Task) -> FleetWorkload:
    """A task as something that is placed as a whole; one that does not say how long it runs takes no time."""
    return FleetWorkload(
        key=f"{workflow.namespace}/{workflow.name}.{task.name}",
        kind="Task",
        pods=task.pods,
        divisible=False,
        requirements=task.requirements,
    )


def _options(task: Task, quote: Quote, assignment: Assignment, quotes: Quotes) -> tuple[TaskOption, ...]:
    """The groups that a task may run on, and has room on."""
    terrain = assignment.terrain
    counts = np.array([count for _, count in quote.templates], dtype=np.float64)
    money, grams = quote.bills([count for _, count in quote.templates]), counts @ quote.grams
    found = []
    for g in np.flatnonzero(quote.open).tolist():
        units = sum(_units(assignment, pod, g, count) for pod, count in quote.templates)
        if units > WHOLE:
            continue
        group, r = terrain.groups[g], int(terrain.region[g])
        found.append(
            TaskOption(
                cluster=terrain.clusters[int(terrain.site[g])].name,
                group=group.name or f"group {g - int(terrain.first[int(terrain.site[g])])}",
                market=group.market,
                region=terrain.regions[r],
                seconds=float(quote.busy[g]) if quote.ends else float(quote.time[g]),
                money=float(money[g]) if quote.ends else 0.0,
                transfer=float(quote.fixed[r]),
                carbon=float(grams[g]) if quote.ends else 0.0,
                slots=len(task.pods),
                units=units,
                earliest=float(quote.start[g]) - quotes.now,
            )
        )
    return _told_apart(found)


def _told_apart(options: list[TaskOption]) -> tuple[TaskOption, ...]:
    """The options with names of their own: machines of one type may have several prices in a cluster."""
    seen: dict[str, int] = {}
    found = []
    for option in options:
        seen[option.name] = seen.get(option.name, 0) + 1
        number = seen[option.name]
        found.append(option if number == 1 else msgspec.structs.replace(option, group=f"{option.group} #{number}"))
    return tuple(found)


def _units(assignment: Assignment, pod: Pod, g: int, count: int) -> int:
    """What so many copies take of a group: their part of what would fit there."""
    room = assignment.room(pod, g, MOST_COPIES)
    return ceil(WHOLE * count / room) if room else WHOLE + 1


def _reference(workflow: Workflow, options: Mapping[str, tuple[TaskOption, ...]]) -> Terms:
    """The least of each term: every task's cheapest and cleanest, and the longest chain of the fastest."""
    cost = sum(min((one.money + one.transfer for one in ways), default=0.0) for ways in options.values())
    carbon = sum(min((one.carbon for one in ways), default=0.0) for ways in options.values())
    done: dict[str, float] = {}
    for task in workflow.order():
        before = max((done[one] for one in task.after), default=0.0)
        done[task.name] = before + min((one.seconds for one in options[task.name]), default=0.0)
    return Terms(cost, max(done.values(), default=0.0), carbon)


def _refused(quote: Quote, quotes: Quotes) -> dict[str, str]:
    """By cluster, why a task can run nowhere."""
    names = [cluster.name for cluster in quotes.terrain.clusters]
    reasons = {names[s]: why for s, why in quote.refused.items()}
    return {name: reasons.get(name, "too little room for all of its pods") for name in names}


def _told(
    plan: WorkflowPlan, objective: Objective, now: float, refused: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """The plan of a workflow in the public format."""
    return {
        "workflow": plan.workflow,
        "objective": objective.name,
        "method": plan.method,
        "value": plan.objective,
        "bound": plan.bound,
        "gap": plan.gap,
        "start": told_instant(now),
        "finish": told_instant(now + plan.seconds) if plan.tasks else None,
        "seconds": plan.seconds,
        "cost": {"total": plan.money, "compute": plan.compute, "transfer": plan.transfer},
        "carbonGrams": plan.carbon,
        "tasks": [
            {
                "task": one.name,
                "cluster": one.option.cluster,
                "machines": one.option.group,
                "market": one.option.market,
                "region": one.option.region,
                "start": told_instant(now + one.start),
                "finish": told_instant(now + one.finish),
                "waits": one.waits,
                "cost": one.option.money + one.option.transfer,
                "carbonGrams": one.option.carbon,
                "runnerUp": None
                if one.runner_up is None
                else {
                    "cluster": one.runner_up.option.cluster,
                    "machines": one.runner_up.option.group,
                    "market": one.runner_up.option.market,
                    "cost": one.runner_up.money,
                    "seconds": one.runner_up.seconds,
                    "carbonGrams": one.runner_up.carbon,
                },
            }
            for one in plan.tasks
        ],
        "transfers": [
            {
                "from": one.source,
                "to": one.target,
                "origin": one.origin,
                "destination": one.destination,
                "gigabytes": one.gigabytes,
                "cost": one.money,
                "seconds": one.seconds,
            }
            for one in plan.transfers
        ],
        "refused": [
            *({"task": one.task, "reason": one.reason, "options": list(one.options)} for one in plan.refused),
            *(
                {"task": name, "reason": f"{cluster}: {why}", "options": []}
                for name, reasons in refused.items()
                for cluster, why in reasons.items()
            ),
        ],
        "reason": plan.reason,
    }
