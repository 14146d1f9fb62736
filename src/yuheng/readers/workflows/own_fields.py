"""The keys of a ``yuheng.io/v1alpha1 Workflow``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from yuheng.readers.fleet.cluster_fields import as_list
from yuheng.readers.fleet.objects import Object
from yuheng.readers.fleet.requirement_fields import RequirementFields, Texts
from yuheng.readers.fleet.values import Gigabytes
from yuheng.readers.scenario.refusals import Fields, unfit
from yuheng.readers.scenario.values import Amounts, Name, within

__all__ = ["EdgeFields", "TaskFields", "WorkflowObject", "WorkflowSpecFields"]

# Pods of one task start together; more of them is a slip of the finger.
MOST_PODS = 100_000


class TaskFields(RequirementFields):
    """A task: what it runs, what it waits for, and what it needs beyond its pods."""

    name: Name = Field(description="Unique in the workflow.")
    depends_on: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Tasks that have to be finished before it starts; `after` means the same."
    )
    after: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Tasks that have to be finished before it starts; `dependsOn` means the same."
    )
    resources: Amounts = Field(
        default={}, description="What one of its pods requests, such as `{cpu: 4, memory: 16Gi, gpu: 1}`."
    )
    template: dict[str, Any] | None = Field(
        default=None, description="A pod template, as in a Job; in place of `resources`."
    )
    replicas: Annotated[int, within(1, MOST_PODS)] = Field(
        default=1, description="How many pods it has; they start together."
    )

    @model_validator(mode="after")
    def _check_task(self) -> TaskFields:
        if self.resources and self.template is not None:
            raise unfit("resources and template", "one of them", ".template")
        if self.depends_on and self.after:
            raise unfit("dependsOn and after, which mean the same", "one of them", ".after")
        return self


class EdgeFields(Fields):
    """Data that one task leaves for another, which waits for it."""

    source: Name = Field(alias="from", description="The task that writes it.")
    target: Name = Field(alias="to", description="The task that reads it.")
    size_gb: Gigabytes = Field(
        default=0.0, alias="sizeGB", description="How much is moved where they are in different regions."
    )
    may_live_in: Texts = Field(
        default=[], description="The regions the data may be in: both tasks can run nowhere else."
    )


class WorkflowSpecFields(RequirementFields):
    """What a workflow consists of.

    Deadline, earliest start and objective are those of the whole; everything else that tasks may need counts for each
    task that does not say it itself.
    """

    tasks: list[TaskFields] = Field(description="Its tasks; one or more.")
    edges: list[EdgeFields] = Field(default=[], description="Data between them.")
    parallelism: Annotated[int, within(1, MOST_PODS)] | None = Field(
        default=None, description="How many of its pods may run at a time; without it as many as fit."
    )

    @model_validator(mode="after")
    def _check_tasks(self) -> WorkflowSpecFields:
        if not self.tasks:
            raise unfit("no task", "one task or more", ".tasks")
        return self


class WorkflowObject(Object):
    """Tasks that wait for each other and hand data on; they are placed as a whole."""

    kind: Literal["Workflow"] = Field(description="`Workflow`.")
    spec: WorkflowSpecFields = Field(description="What it consists of.")
