"""What a decision leaves for those who tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from yuheng.model.fleet import Fleet
from yuheng.model.objective import Objective, Terms
from yuheng.model.plan import Plan
from yuheng.model.policy import Policy
from yuheng.model.propagation import PropagationPolicy
from yuheng.placement.assignment import Assignment
from yuheng.placement.cases import Case
from yuheng.placement.exact import Bound
from yuheng.placement.propagation import Propagation
from yuheng.placement.transfer import Network

if TYPE_CHECKING:
    from yuheng.placement.planner import Question

__all__ = ["Told"]


class Told(NamedTuple):
    """A decision, ready to be told (see `yuheng.placement.planner.Decision`).

    Attributes:
        question: what was asked.
        objective: what was minimised.
        reference: what its terms are relative to.
        policy: what decided inside clusters.
        fleet: what is left of the fleet; ``whole`` is all of it, and ``lost`` names the clusters that are gone.
        now: the plan's time, in seconds since the epoch.
        flows: the plans of workflows.
        assignment: who is where.
        network: between the regions.
        cases: by identity of a workload, what was to be placed of it, and what it would cost where.
        bound: what was found when a small fleet was solved.
        left: the workloads that found no place.
        policies: Karmada's policy of each workload that has one; ``propagations`` what it decided, and ``shortfalls``
            how many pods found no node in each cluster that it chose.
        own: the plans of clusters for their own pending pods.
        idle: policies that are for no workload.
        warnings: what has to be known.
        started: when planning began, by the clock of `time.perf_counter`.
    """

    question: Question
    objective: Objective
    reference: Terms
    policy: Policy
    fleet: Fleet
    whole: Fleet
    lost: tuple[str, ...]
    now: float
    flows: tuple[dict[str, Any], ...]
    assignment: Assignment
    network: Network
    cases: Mapping[str, Case]
    bound: Bound | None
    left: frozenset[str]
    policies: Mapping[str, PropagationPolicy]
    propagations: Mapping[str, Propagation]
    shortfalls: Mapping[str, Mapping[int, int]]
    own: tuple[tuple[str, Plan], ...]
    idle: tuple[PropagationPolicy, ...]
    warnings: tuple[str, ...]
    started: float

    @property
    def homes(self) -> dict[str, int]:
        """The place of each cluster, by name."""
        return {cluster.name: s for s, cluster in enumerate(self.assignment.terrain.clusters)}
