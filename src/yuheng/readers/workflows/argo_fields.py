"""The fields of Argo's objects that say what runs, after what; nothing else is looked at."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Arguments", "Call", "Metadata", "Suspension", "Template", "WorkflowObject", "WorkflowSpec"]


class Wire(msgspec.Struct, rename="camel", kw_only=True):
    """The base of all: camel case, as Argo writes."""


class Metadata(Wire):
    """``metadata`` of an object or of a template."""

    name: str = ""
    generate_name: str = ""
    namespace: str = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Parameter(Wire):
    """A parameter, with its value or its default."""

    name: str
    value: Any = None
    default: Any = None


class Artifact(Wire):
    """An artifact; ``from`` names the one it is."""

    name: str
    source: str = msgspec.field(default="", name="from")


class Arguments(Wire):
    """``arguments``, ``inputs`` or ``outputs``."""

    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class Reference(Wire):
    """``templateRef`` or ``workflowTemplateRef``."""

    name: str
    template: str = ""
    cluster_scope: bool = False


class Sequence(Wire):
    """``withSequence``: numbers from the first to the last."""

    count: int | str | None = None
    start: int | str = 0
    end: int | str | None = None


class Call(Wire):
    """A task of a DAG or a step: a template, and after what it runs."""

    name: str = ""
    template: str = ""
    template_ref: Reference | None = None
    inline: Template | None = None
    arguments: Arguments = msgspec.field(default_factory=Arguments)
    dependencies: tuple[str, ...] = ()
    depends: str = ""
    with_items: list[Any] | None = None
    with_param: str = ""
    with_sequence: Sequence | None = None
    when: str = ""


class Dag(Wire):
    """``dag`` of a template."""

    tasks: tuple[Call, ...]
    target: str = ""


class Suspension(Wire):
    """``suspend`` of a template."""

    duration: str | int = ""


class ContainerSet(Wire):
    """``containerSet`` of a template: several containers of one pod."""

    containers: list[dict[str, Any]] = []


class Resource(Wire):
    """``resource`` of a template: an object that is created."""

    action: str = ""
    manifest: str = ""


class PodFields(Wire):
    """What a workflow says of all its pods, and a template of its own."""

    node_selector: dict[str, str] = {}
    affinity: dict[str, Any] | None = None
    tolerations: list[dict[str, Any]] = []
    scheduler_name: str = ""
    volumes: list[dict[str, Any]] = []
    host_network: bool | None = None


class Template(PodFields):
    """A template: of a pod, or of calls of other templates."""

    name: str = ""
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    inputs: Arguments = msgspec.field(default_factory=Arguments)
    outputs: Arguments = msgspec.field(default_factory=Arguments)
    dag: Dag | None = None
    steps: list[list[Call]] | None = None
    container: dict[str, Any] | None = None
    script: dict[str, Any] | None = None
    container_set: ContainerSet | None = None
    resource: Resource | None = None
    suspend: Suspension | None = None
    data: dict[str, Any] | None = None
    http: dict[str, Any] | None = None
    plugin: dict[str, Any] | None = None
    init_containers: list[dict[str, Any]] = []
    sidecars: list[dict[str, Any]] = []
    priority_class_name: str = ""
    priority: int | None = None
    active_deadline_seconds: int | str | None = None


class WorkflowSpec(PodFields):
    """``spec`` of a Workflow or a WorkflowTemplate."""

    entrypoint: str = ""
    templates: tuple[Template, ...] = ()
    template_defaults: Template | None = None
    workflow_template_ref: Reference | None = None
    arguments: Arguments = msgspec.field(default_factory=Arguments)
    parallelism: int | None = None
    active_deadline_seconds: int | None = None
    on_exit: str = ""
    pod_priority_class_name: str = ""
    pod_metadata: Metadata = msgspec.field(default_factory=Metadata)


class Status(Wire):
    """``status`` of a Workflow."""

    phase: str = ""


class WorkflowObject(Wire):
    """A Workflow, a WorkflowTemplate or a ClusterWorkflowTemplate."""

    kind: str
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: WorkflowSpec = msgspec.field(default_factory=WorkflowSpec)
    status: Status = msgspec.field(default_factory=Status)
