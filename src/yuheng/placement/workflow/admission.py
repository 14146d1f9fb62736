"""Which options of a task can be taken at all, and why the others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from math import inf, isfinite

from yuheng.errors import InputError
from yuheng.model.workflow import DataEdge, Limits, RefusedOptions, Task, TaskOption, Workflow
from yuheng.placement.workflow.limits import all_limits, taken

__all__ = ["Admission", "admitted"]

# By task: the options that can be taken.
Options = dict[str, list[TaskOption]]


class Admission:
    """What can be taken.

    Attributes:
        options: by task; none where all were refused.
    """

    def __init__(self) -> None:
        self.options: Options = {}
        self._refused: dict[tuple[str, str], list[str]] = {}

    def refuse(self, task: str, option: TaskOption, reason: str) -> None:
        """Note that an option cannot be taken."""
        self._refused.setdefault((task, reason), []).append(option.name)

    def refused(self) -> tuple[RefusedOptions, ...]:
        """What cannot be taken, by task and reason."""
        return tuple(
            RefusedOptions(task=task, reason=reason, options=tuple(sorted(names)))
            for (task, reason), names in sorted(self._refused.items())
        )

    def reason(self) -> str:
        """Why the workflow cannot be placed: the first task without an option; empty when each has one."""
        for name, options in sorted(self.options.items()):
            if not options:
                reasons = [reason for task, reason in sorted(self._refused) if task == name]
                return f"task {name}: " + ("; ".join(reasons) or "there is no option")
        return ""


def admitted(
    workflow: Workflow, options: Mapping[str, Sequence[TaskOption]], limits: Limits, deadline: float
) -> Admission:
    """Sort out what cannot be taken.

    Args:
        workflow: the tasks.
        options: by task. A task without pods that is not in it needs no machine.
        limits: what may run at a time: what is more than a limit by itself can never run.
        deadline: seconds until all is done; infinite for none.

    Raises:
        InputError: a number of an option is negative, or none.
    """
    found = Admission()
    known = all_limits(workflow.parallelism, limits)
    for task in workflow.tasks:
        given = options.get(task.name, () if task.pods else (_stand_in(task),))
        edges = [edge for edge in workflow.edges if task.name in (edge.source, edge.target)]
        kept = found.options[task.name] = []
        for option in given:
            _check(task.name, option)
            reason = _reason(task, option, edges) or _over(option, known)
            if reason:
                found.refuse(task.name, option, reason)
            else:
                kept.append(option)
    if deadline < inf and not found.reason():
        _refuse_late(workflow, found, deadline)
    return found


def _stand_in(task: Task) -> TaskOption:
    """How a step runs that needs no machine: it only takes its time."""
    known = task.requirements.time_on("", "")
    return TaskOption(cluster="", seconds=known.mean if known else 0.0, slots=0, units=0)


def _check(task: str, option: TaskOption) -> None:
    for field in ("seconds", "money", "transfer", "carbon", "slots", "units", "earliest"):
        value = getattr(option, field)
        if not (isfinite(value) and value >= 0):
            raise InputError(f"{value}", "a number of 0 or more", subject=f"task {task}, {option.name}", field=field)


def _reason(task: Task, option: TaskOption, edges: Sequence[DataEdge]) -> str:
    """Why an option cannot be taken: where the task, or its data, may not be."""
    if not option.region:
        return ""
    if not _is_in(option.region, task.requirements.regions):
        return f"may run only in {', '.join(task.requirements.regions)}, not in {option.region}"
    for use in (*task.requirements.reads, *task.requirements.writes):
        if not _is_in(option.region, use.may_live_in):
            return f"data set {use.name} may be only in {', '.join(use.may_live_in)}, not in {option.region}"
    for edge in edges:
        if not _is_in(option.region, edge.may_live_in):
            allowed = ", ".join(edge.may_live_in)
            return f"data from {edge.source} to {edge.target} may be only in {allowed}, not in {option.region}"
    return ""


def _is_in(region: str, patterns: Sequence[str]) -> bool:
    """Whether patterns name a region: by its key, or by its name without the provider; none of them means any."""
    names = (region, region.rpartition("/")[2])
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _over(option: TaskOption, known: Mapping[tuple[str, ...], int]) -> str:
    """Why an option can never run: it takes more than there is."""
    for limit, capacity in sorted(known.items()):
        amount = taken(option, limit)
        if amount <= capacity:
            continue
        match limit:
            case ("region", region):
                return f"needs {amount} pods at a time in {region}, which allows {capacity}"
            case ("room", cluster, group):
                place = f"{group} of {cluster}" if group else cluster
                return f"needs {amount} units of {place}, which has {capacity}"
            case _:
                return f"needs {amount} pods at a time, and the workflow's parallelism is {capacity}"
    return ""


def _refuse_late(workflow: Workflow, found: Admission, deadline: float) -> None:
    """Refuse what is too slow even where all other tasks are as fast as they can be."""
    order = workflow.order()
    fastest = {name: min(option.seconds for option in given) for name, given in found.options.items()}
    soonest = {name: min(option.earliest for option in given) for name, given in found.options.items()}
    begin: dict[str, float] = {}
    for task in order:
        begin[task.name] = max([soonest[task.name], *(begin[source] + fastest[source] for source in task.after)])
    after: dict[str, float] = dict.fromkeys(begin, 0.0)
    for task in reversed(order):
        for source in task.after:
            after[source] = max(after[source], after[task.name] + fastest[task.name])
    for task in order:
        name = task.name
        kept = []
        for option in found.options[name]:
            finish = max(begin[name], option.earliest) + option.seconds + after[name]
            if finish > deadline:
                found.refuse(name, option, f"all would be done after {finish:g} s at the earliest, not {deadline:g} s")
            else:
                kept.append(option)
        found.options[name] = kept
