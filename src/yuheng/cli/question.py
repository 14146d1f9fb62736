"""What is asked of a fleet: from options to a `Question`, and its long parts under a progress bar."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Self

from yuheng.cli import work
from yuheng.cli.meter import Meter
from yuheng.errors import ConfigError, InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet_plan import told_instant
from yuheng.model.plan import Plan

if TYPE_CHECKING:
    from yuheng.model.fleet import Fleet
    from yuheng.model.fleet_plan import Drill, FleetPlan, FleetState
    from yuheng.model.policy import Policy
    from yuheng.placement.planner import Question

__all__ = ["FleetOptions", "drilled", "fleet_of", "lacks", "planned_state", "surveyed"]

A_DEADLINE = "a duration such as 2h, or a time such as 2026-01-31T09:00:00Z"


class FleetOptions(NamedTuple):
    """The options that only a fleet has an answer to.

    Attributes:
        objective: what is minimised; None for the engine's default.
        deadline: as it was written; None for none.
        seconds, instant: what it means: seconds from the plan's time, or seconds since the epoch.
        without: what is taken away.
        rebalance: whether what runs may move.
        pareto: whether the plan of each objective is wanted beside it.
    """

    objective: str | None = None
    deadline: str | None = None
    seconds: float | None = None
    instant: float | None = None
    without: tuple[str, ...] = ()
    rebalance: bool = False
    pareto: bool = False

    @classmethod
    def of(
        cls,
        *,
        objective: str | None = None,
        deadline: str | None = None,
        without: Sequence[str] = (),
        rebalance: bool = False,
        pareto: bool = False,
    ) -> Self:
        """The options as they were written; those that cannot be read are told before the input is.

        Raises:
            ConfigError: the objective, the deadline or a loss cannot be read.
        """
        if objective is not None:
            from yuheng.model.objective import parse_objective

            parse_objective(objective)
        if without:
            from yuheng.placement.losses import parse_loss

            for text in without:
                parse_loss(text)
        seconds, instant = (None, None) if deadline is None else _deadline(deadline)
        return cls(objective, deadline, seconds, instant, tuple(without), rebalance, pareto)

    def given(self) -> list[str]:
        """The options that were given, as they are called."""
        is_given = {
            "--objective": self.objective is not None,
            "--deadline": self.deadline is not None,
            "--without": bool(self.without),
            "--rebalance": self.rebalance,
            "--pareto": self.pareto,
        }
        return [option for option, given in is_given.items() if given]

    def within(self, time: float | None) -> float | None:
        """Seconds from the plan's time until the deadline; None for no deadline.

        Args:
            time: the plan's, in seconds since the epoch; None where nothing tells it.

        Raises:
            ConfigError: the deadline is past, or there is no time to count from.
        """
        if self.instant is None:
            return self.seconds
        if time is None:
            raise ConfigError(
                f"--deadline: found {self.deadline!r} and no time in the input to count from, expected --now"
            )
        if self.instant <= time:
            raise ConfigError(
                f"--deadline: found {self.deadline!r}, expected a time after the plan's, {told_instant(time)}"
            )
        return self.instant - time


def _deadline(text: str) -> tuple[float | None, float | None]:
    """A deadline as seconds from the plan's time, or as seconds since the epoch.

    Raises:
        ConfigError: it is neither, or not ahead.
    """
    from yuheng.model.duration import parse_period

    try:
        seconds = parse_period(text)
    except InputError:
        return None, _instant(text)
    if seconds <= 0:
        raise ConfigError(f"--deadline: found {text!r}, expected more than no time at all")
    return seconds, None


def _instant(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigError(f"--deadline: found {text!r}, expected {A_DEADLINE}")
    return found.timestamp()


def fleet_of(inputs: Sequence[str]) -> Fleet:
    """Read the inputs as a fleet.

    Raises:
        ConfigError: they are the state of one cluster.
    """
    state = work.state_of(inputs)
    if isinstance(state, Snapshot):
        raise ConfigError(
            f"{', '.join(inputs)}: found no Cluster, expected a fleet: a Cluster of yuheng.io/v1alpha1, or Karmada's, "
            "for each of its clusters"
        )
    return state


def planned_state(
    state: Fleet | Snapshot, asked: FleetOptions, policy: Policy | None, seed: int, now: float | None
) -> FleetPlan | Plan:
    """Plan a fleet, or one cluster.

    Raises:
        ConfigError: something was asked of one cluster that only a fleet has an answer to.
    """
    if not isinstance(state, Snapshot):
        return _planned_fleet(state, asked, policy, seed, now)
    if asked.given():
        raise ConfigError(
            f"{' and '.join(asked.given())}: found the state of one cluster, expected a fleet: a Cluster of "
            "yuheng.io/v1alpha1, or Karmada's, for each of its clusters"
        )
    return work.planned(state, policy, seed, now)


def lacks(plan: FleetPlan | Plan) -> bool:
    """Whether a pod stays pending, or a workload or workflow has no place."""
    if isinstance(plan, Plan):
        return bool(plan.unschedulable)
    unplaced = any(workload.reason for workload in plan.workloads)
    return bool(plan.unschedulable) or unplaced or any(workflow.get("reason") for workflow in plan.workflows)


def _planned_fleet(fleet: Fleet, asked: FleetOptions, policy: Policy | None, seed: int, now: float | None) -> FleetPlan:
    """Plan a fleet; under each objective, where that was asked for."""
    question = _question(fleet, asked, policy, seed, now)
    with work.engine("planning") as meter:
        from yuheng.placement.pareto import pareto
        from yuheng.placement.planner import plan

        return (pareto if asked.pareto else plan)(fleet, question, meter.report)


def surveyed(fleet: Fleet, now: float | None) -> FleetState:
    """Look at a fleet."""
    with Meter("looking"):
        from yuheng.placement.survey import survey

        return survey(fleet, now)


def drilled(fleet: Fleet, asked: FleetOptions, policy: Policy | None, seed: int, now: float | None) -> Drill:
    """Lose each part of a fleet in turn."""
    question = _question(fleet, asked, policy, seed, now)
    with work.engine("losing one part after the other") as meter:
        from yuheng.placement.drill import drill

        return drill(fleet, question, meter.report)


def _question(fleet: Fleet, asked: FleetOptions, policy: Policy | None, seed: int, now: float | None) -> Question:
    from yuheng.placement.planner import Question

    return Question(
        policy=policy,
        objective=asked.objective,
        within=asked.within(fleet.time if now is None else now),
        without=asked.without,
        rebalance=asked.rebalance,
        seed=seed,
        now=now,
    )
