"""The keys of a `PlacementPolicy`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from yuheng.model.selectors import LabelSelector, SelectorRequirement
from yuheng.readers.fleet.cluster_fields import as_list
from yuheng.readers.fleet.objects import Object
from yuheng.readers.fleet.requirement_fields import RequirementFields
from yuheng.readers.scenario.refusals import Fields
from yuheng.readers.scenario.values import Name

__all__ = ["PlacementPolicyObject", "PlacementPolicySpecFields", "WorkloadSelectorFields"]


class ExpressionFields(Fields):
    """A requirement on a label, as in Kubernetes."""

    key: Name = Field(description="Of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="What has to hold.")
    values: list[str] = Field(default=[], description="Of `In` and `NotIn`.")


class LabelSelectorFields(Fields):
    """A label selector, as in Kubernetes."""

    match_labels: dict[str, str] = Field(default={}, description="All of these labels.")
    match_expressions: list[ExpressionFields] = Field(default=[], description="All of these requirements.")

    def selector(self) -> LabelSelector:
        """The selector."""
        return LabelSelector(
            match_labels=self.match_labels,
            match_expressions=tuple(
                SelectorRequirement(one.key, one.operator, tuple(one.values)) for one in self.match_expressions
            ),
        )


class WorkloadSelectorFields(Fields):
    """Workloads of the policy's namespace; what is not written does not restrict."""

    kinds: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Of these kinds."
    )
    names: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="With these names."
    )
    label_selector: LabelSelectorFields | None = Field(default=None, description="With these labels.")


class PlacementPolicySpecFields(RequirementFields):
    """What the workloads it selects need. Of several that select one, by name beats by label beats all."""

    selector: WorkloadSelectorFields = Field(
        default=WorkloadSelectorFields(), description="Which workloads; without it all of the namespace."
    )


class PlacementPolicyObject(Object):
    """What workloads need beyond their pods; annotations of a workload win over it."""

    kind: Literal["PlacementPolicy"] = Field(description="`PlacementPolicy`.")
    spec: PlacementPolicySpecFields = Field(description="What it says.")
