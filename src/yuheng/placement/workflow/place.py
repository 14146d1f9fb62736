"""`place_workflow`: every task of a workflow on an option, all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from typing import Final

from yuheng.errors import InputError
from yuheng.model.workflow import Limits, Network, TaskOption, Weights, Workflow, WorkflowPlan
from yuheng.placement.workflow.admission import admitted
from yuheng.placement.workflow.problem import compiled
from yuheng.placement.workflow.result import planned
from yuheng.placement.workflow.solution import solved

__all__ = ["EXACT_LIMIT", "place_workflow"]

# Up to so many tasks the optimum is searched for.
EXACT_LIMIT: Final = 12
FASTEST: Final = Weights(money=0.0, time=1.0)


def place_workflow(
    workflow: Workflow,
    options: Mapping[str, Sequence[TaskOption]],
    network: Network,
    limits: Limits,
    weights: Weights,
    deadline: float | None = None,
    *,
    exact_limit: int = EXACT_LIMIT,
) -> WorkflowPlan:
    """Place all tasks of a workflow so that the weighted sum of money, time and carbon is as small as can be.

    Args:
        workflow: the tasks, and the data they hand on.
        options: by task, how it could run; a task without pods needs none.
        network: what moving data between regions takes. What tasks wait for without data takes nothing. Each edge is
            priced by itself: tiers of a month's sum are for the caller to know.
        limits: what may run at a time; the rest waits.
        weights: what is minimised; none below 0.
        deadline: seconds after the start within which all has to be done; None for none. It comes first: where it
            cannot be met there is no plan.
        exact_limit: up to so many tasks the optimum is searched for; beyond, a good plan with a bound.

    Returns:
        The plan. Without tasks, and with a reason, where a task has no option left or the deadline cannot be met (or,
        for a large workflow, was not met by anything that was tried).

    Raises:
        InputError: tasks wait for each other; an option or a weight is negative or no number.
    """
    _check(weights)
    until = inf if deadline is None else deadline
    admission = admitted(workflow, options, limits, until)
    if reason := admission.reason():
        workflow.order()
        return WorkflowPlan(workflow=workflow.key, refused=admission.refused(), reason=reason)
    problem = compiled(workflow, admission.options, network, limits, weights, until)
    found = solved(problem, exact_limit)
    if found.choice is not None:
        return planned(workflow, problem, found, network, admission.refused())
    reason = "no options of its tasks are left between which its data can move"
    if until < inf:
        fastest = place_workflow(workflow, options, network, limits, FASTEST, exact_limit=exact_limit)
        reason = fastest.reason or _too_late(fastest, until)
    return WorkflowPlan(workflow=workflow.key, refused=admission.refused(), reason=reason)


def _too_late(fastest: WorkflowPlan, deadline: float) -> str:
    """Why the deadline cannot be met, or was not."""
    if fastest.bound > deadline:
        return f"all is done after {fastest.bound:g} s at the earliest, and the deadline is after {deadline:g} s"
    found = f"the fastest plan that was found is done after {fastest.seconds:g} s"
    return f"{found}, and the deadline is after {deadline:g} s (none can be faster than {fastest.bound:g} s)"


def _check(weights: Weights) -> None:
    for field in weights.__struct_fields__:
        value = getattr(weights, field)
        if not (isfinite(value) and value >= 0):
            raise InputError(f"{value}", "a weight of 0 or more", field=field)
