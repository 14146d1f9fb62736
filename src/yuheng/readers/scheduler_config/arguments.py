"""The arguments of kube-scheduler's plugins, and what they make of a policy.

Each model has the name of its ``kind`` and the checks that kube-scheduler makes; `Arguments.settings` gives
the fields of `Policy` that it decides.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Final, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from yuheng.model.pod import NodeAffinity, TopologySpreadConstraint
from yuheng.model.policy import CPU_AND_MEMORY, ResourceWeight, ScoringStrategy, ShapePoint
from yuheng.readers.scheduler_config.affinity import AddedAffinity
from yuheng.readers.scheduler_config.names import LABEL_KEY, PLAIN_LABEL_KEY, one_of
from yuheng.readers.scheduler_config.refusals import refused
from yuheng.readers.scheduler_config.schema import Int32, Percentage, Strict, between

__all__ = ["ARGUMENTS", "GROUP", "Arguments"]

GROUP: Final = "kubescheduler.config.k8s.io"


class Arguments(Strict):
    """The arguments of a plugin."""

    api_version: str = ""
    kind: str = ""

    def settings(self) -> dict[str, Any]:
        """What they say about a policy: values by the name of its field."""
        return {}

    @model_validator(mode="after")
    def _check_type(self) -> Self:
        expected = type(self).__name__
        if self.kind not in ("", expected):
            raise refused(self.kind, expected, ".kind")
        if self.api_version and self.api_version.partition("/")[0] != GROUP:
            raise refused(self.api_version, f"{GROUP}/v1", ".apiVersion")
        return self


class Resource(Strict):
    """A resource and its weight; a weight of 0 stands for none given, which is 1."""

    name: str = ""
    weight: Annotated[int, AfterValidator(lambda weight: weight or 1), between(1, 100)] = 1


class Point(Strict):
    """A point of a function from utilization, in percent, to a score."""

    utilization: Annotated[int, between(0, 100)] = 0
    score: Annotated[int, between(0, 10)] = 0


def _check_order(points: list[Point]) -> list[Point]:
    if not points:
        raise refused(None, "at least one point")
    for index, (before, after) in enumerate(pairwise(points), 1):
        if after.utilization <= before.utilization:
            expected = f"more than {before.utilization}, as utilization increases from point to point"
            raise refused(after.utilization, expected, f"[{index}].utilization")
    return points


class Ratio(Strict):
    """The arguments of the strategy RequestedToCapacityRatio."""

    shape: Annotated[list[Point], AfterValidator(_check_order)] = Field(default_factory=list)


class Strategy(Strict):
    """How NodeResourcesFit scores."""

    type: Annotated[str, one_of("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")] = ""
    resources: list[Resource] = Field(default_factory=list)
    requested_to_capacity_ratio: Ratio | None = None

    @model_validator(mode="after")
    def _check_ratio(self) -> Self:
        at = ".requestedToCapacityRatio"
        if self.type != "RequestedToCapacityRatio" and self.requested_to_capacity_ratio is not None:
            raise refused({}, f"nothing, as type is {self.type}", at)
        if self.type == "RequestedToCapacityRatio" and self.requested_to_capacity_ratio is None:
            raise refused(None, "a shape, as type is RequestedToCapacityRatio", at)
        return self


class NodeResourcesFitArgs(Arguments):
    """What a pod asks for against what a node has."""

    ignored_resources: list[Annotated[str, LABEL_KEY]] = Field(default_factory=list)
    ignored_resource_groups: list[Annotated[str, PLAIN_LABEL_KEY]] = Field(default_factory=list)
    scoring_strategy: Strategy = Strategy(type="LeastAllocated")

    def settings(self) -> dict[str, Any]:
        """The strategy, and the resources that are not checked."""
        strategy = self.scoring_strategy
        ratio = strategy.requested_to_capacity_ratio
        return {
            "ignored_resources": tuple(self.ignored_resources),
            "ignored_resource_groups": tuple(self.ignored_resource_groups),
            "strategy": msgspec.convert(
                {
                    "type": strategy.type,
                    "resources": _weights(strategy.resources),
                    "shape": tuple(ShapePoint(**point.model_dump()) for point in (ratio.shape if ratio else ())),
                },
                ScoringStrategy,
            ),
        }


class NodeResourcesBalancedAllocationArgs(Arguments):
    """Which resources are to be used evenly."""

    resources: list[Resource] = Field(default_factory=list)

    def settings(self) -> dict[str, Any]:
        """The resources."""
        return {"balanced": _weights(self.resources)}

    @model_validator(mode="after")
    def _check_resources(self) -> Self:
        seen = set()
        for index, resource in enumerate(self.resources):
            if resource.name in seen:
                raise refused(resource.name, "each resource once", f".resources[{index}].name")
            if resource.weight != 1:
                raise refused(resource.weight, "a weight of 1", f".resources[{index}].weight")
            seen.add(resource.name)
        return self


class InterPodAffinityArgs(Arguments):
    """How the affinity of running pods counts."""

    hard_pod_affinity_weight: Annotated[int, between(0, 100)] = 1
    ignore_preferred_terms_of_existing_pods: bool = False

    def settings(self) -> dict[str, Any]:
        """Both, under our names."""
        return {
            "hard_pod_affinity_weight": self.hard_pod_affinity_weight,
            "ignore_preferred_terms": self.ignore_preferred_terms_of_existing_pods,
        }


class NodeAffinityArgs(Arguments):
    """Node affinity for every pod."""

    added_affinity: AddedAffinity = AddedAffinity()

    def settings(self) -> dict[str, Any]:
        """The affinity."""
        return {"added_affinity": msgspec.convert(self.added_affinity.model_dump(by_alias=True), NodeAffinity)}


class Constraint(Strict):
    """A spread constraint for pods that have none."""

    max_skew: Annotated[Int32, between(1)] = 0
    topology_key: Annotated[str, LABEL_KEY] = ""
    when_unsatisfiable: Annotated[str, one_of("DoNotSchedule", "ScheduleAnyway")] = ""
    label_selector: dict[str, Any] | None = None
    min_domains: Int32 = 1
    node_affinity_policy: Annotated[str, one_of("Honor", "Ignore")] = "Honor"
    node_taints_policy: Annotated[str, one_of("Honor", "Ignore")] = "Ignore"
    match_label_keys: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _check_selector(self) -> Self:
        if self.label_selector is not None:
            expected = "no selector, as it follows from each pod's services and controllers"
            raise refused(self.label_selector, expected, ".labelSelector")
        return self


class PodTopologySpreadArgs(Arguments):
    """How pods spread that do not say it themselves."""

    default_constraints: list[Constraint] = Field(default_factory=list)
    defaulting_type: Annotated[str, one_of("System", "List")] = "System"

    def settings(self) -> dict[str, Any]:
        """The constraints, where they are not kube-scheduler's own."""
        if self.defaulting_type == "System":
            return {}
        constraints = [constraint.model_dump(by_alias=True) for constraint in self.default_constraints]
        spread = msgspec.convert(constraints, tuple[TopologySpreadConstraint, ...])
        return {"default_spread": spread, "system_defaulted": False}

    @model_validator(mode="after")
    def _check_constraints(self) -> Self:
        if self.defaulting_type == "System" and self.default_constraints:
            raise refused("System", "List, as there are defaultConstraints", ".defaultingType")
        seen = set()
        for index, one in enumerate(self.default_constraints):
            key = (one.topology_key, one.when_unsatisfiable)
            if key in seen:
                expected = "each pair of topologyKey and whenUnsatisfiable once"
                raise refused(", ".join(key), expected, f".defaultConstraints[{index}]")
            seen.add(key)
        return self


class DefaultPreemptionArgs(Arguments):
    """How many nodes preemption looks at."""

    min_candidate_nodes_percentage: Percentage = 10
    min_candidate_nodes_absolute: Annotated[Int32, between(0)] = 100

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if self.min_candidate_nodes_percentage == 0 and self.min_candidate_nodes_absolute == 0:
            raise refused(0, "more than 0, as minCandidateNodesAbsolute is 0", ".minCandidateNodesPercentage")
        return self


class VolumeBindingArgs(Arguments):
    """How long binding a volume may take, in seconds, and how full volumes score."""

    bind_timeout_seconds: Annotated[int, between(0)] = 600
    shape: list[Point] = Field(default_factory=list)


class DynamicResourcesArgs(Arguments):
    """How long the choice of devices may take."""

    filter_timeout: str = ""
    binding_timeout: str = ""


def _weights(resources: list[Resource]) -> tuple[ResourceWeight, ...]:
    """Cpu and memory alike where none is named."""
    return tuple(ResourceWeight(one.name, one.weight) for one in resources) or CPU_AND_MEMORY


ARGUMENTS: Final = {
    model.__name__.removesuffix("Args"): model
    for model in (
        DefaultPreemptionArgs,
        DynamicResourcesArgs,
        InterPodAffinityArgs,
        NodeAffinityArgs,
        NodeResourcesBalancedAllocationArgs,
        NodeResourcesFitArgs,
        PodTopologySpreadArgs,
        VolumeBindingArgs,
    )
}
