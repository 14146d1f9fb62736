"""The fields of workloads that decide how many pods there are, and the errors about them.

Templates stay plain dictionaries: what is in a pod is for the pod reader to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.pod import OwnerReference
from yuheng.model.selectors import LabelSelector
from yuheng.readers.attempts import forgiving
from yuheng.readers.decoding import below

__all__ = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "JobSpec",
    "Metadata",
    "ReplicaSet",
    "StatefulSet",
    "Template",
    "TemplateMetadata",
    "Workload",
    "read_part",
    "read_workload",
    "subject_in",
]

# Each of these pods is made and planned for itself; more of them is a slip of the finger.
MOST_PODS: Final = 1_000_000
OF_PODS: Final = frozenset(("replicas", "parallelism", "completions"))
T = TypeVar("T")
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


class Wire(msgspec.Struct, rename="camel"):
    """The base of all: camel case, as Kubernetes writes."""

    counts: ClassVar[tuple[str, ...]] = ()


class Metadata(Wire, kw_only=True):
    """``metadata`` of a workload."""

    name: str
    namespace: str = "default"
    uid: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None

    def __post_init__(self) -> None:
        self.namespace = self.namespace or "default"

    def controller(self) -> OwnerReference | None:
        """The owner that manages this object."""
        return next((owner for owner in self.owner_references if owner.controller), None)

    def created(self) -> str:
        """The creation time as Kubernetes writes it; empty when it is not known."""
        if self.creation_timestamp is None:
            return ""
        return self.creation_timestamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class TemplateMetadata(Wire, kw_only=True):
    """``metadata`` of a pod template."""

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Template(Wire, kw_only=True):
    """A pod template."""

    metadata: TemplateMetadata = msgspec.field(default_factory=TemplateMetadata)
    spec: dict[str, Any]


class Workload(Wire, kw_only=True):
    """What all workloads have."""

    kind: str
    api_version: str = ""
    metadata: Metadata

    @property
    def subject(self) -> str:
        """How error messages call it: ``Kind namespace/name``."""
        return f"{self.kind} {self.metadata.namespace}/{self.metadata.name}"


class ReplicaSetSpec(Wire, kw_only=True):
    """``spec`` of a Deployment or a ReplicaSet."""

    counts: ClassVar = ("replicas",)
    replicas: int = 1
    selector: LabelSelector | None = None
    template: Template

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected.

        The template's labels stand in for a selector that is absent; an empty one selects nothing, as the
        controllers refuse to work with it.
        """
        selector = self.selector or LabelSelector(match_labels=self.template.metadata.labels)
        return not selector.is_empty() and selector.matches(labels)


class Deployment(Workload, kw_only=True):
    """A Deployment."""

    spec: ReplicaSetSpec


class ReplicaSet(Workload, kw_only=True):
    """A ReplicaSet."""

    spec: ReplicaSetSpec


class Ordinals(Wire, kw_only=True):
    """Where the numbers of a StatefulSet's pods begin."""

    counts: ClassVar = ("start",)
    start: int = 0


class ClaimTemplate(Wire, kw_only=True):
    """A claim that every pod of a StatefulSet gets for itself."""

    metadata: Metadata


class StatefulSetSpec(Wire, kw_only=True):
    """``spec`` of a StatefulSet."""

    counts: ClassVar = ("replicas",)
    replicas: int = 1
    ordinals: Ordinals = msgspec.field(default_factory=Ordinals)
    volume_claim_templates: tuple[ClaimTemplate, ...] = ()
    template: Template


class StatefulSetStatus(Wire, kw_only=True):
    """``status`` of a StatefulSet."""

    update_revision: str = ""


class StatefulSet(Workload, kw_only=True):
    """A StatefulSet."""

    spec: StatefulSetSpec
    status: StatefulSetStatus = msgspec.field(default_factory=StatefulSetStatus)


class DaemonSetSpec(Wire, kw_only=True):
    """``spec`` of a DaemonSet."""

    template: Template


class DaemonSet(Workload, kw_only=True):
    """A DaemonSet."""

    spec: DaemonSetSpec


class JobSpec(Wire, kw_only=True):
    """``spec`` of a Job."""

    counts: ClassVar = ("parallelism", "completions")
    parallelism: int | None = None
    completions: int | None = None
    completion_mode: Literal["NonIndexed", "Indexed"] = "NonIndexed"
    suspend: bool = False
    manual_selector: bool = False
    managed_by: str = ""
    pod_failure_policy: dict[str, Any] | None = None
    pod_replacement_policy: Literal["", "Failed", "TerminatingOrFailed"] = ""
    template: Template


class Condition(Wire, kw_only=True):
    """A condition of a Job."""

    type: str = ""
    status: str = ""


class JobStatus(Wire, kw_only=True):
    """``status`` of a Job."""

    counts: ClassVar = ("succeeded",)
    succeeded: int = 0
    completed_indexes: str = ""
    failed_indexes: str = ""
    conditions: tuple[Condition, ...] = ()


class Job(Workload, kw_only=True):
    """A Job."""

    spec: JobSpec
    status: JobStatus = msgspec.field(default_factory=JobStatus)


class JobTemplate(Wire, kw_only=True):
    """The Job that a CronJob starts every time."""

    spec: JobSpec


class CronJobSpec(Wire, kw_only=True):
    """``spec`` of a CronJob."""

    suspend: bool = False
    job_template: JobTemplate


class CronJobStatus(Wire, kw_only=True):
    """``status`` of a CronJob."""

    active: tuple[dict[str, Any], ...] = ()
    last_schedule_time: Timestamp | None = None


class CronJob(Workload, kw_only=True):
    """A CronJob."""

    spec: CronJobSpec
    status: CronJobStatus = msgspec.field(default_factory=CronJobStatus)


KINDS: Final[Mapping[str, type[Workload]]] = {
    kind.__name__: kind for kind in (Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob)
}


def read_workload(document: Mapping[str, Any]) -> Workload | None:
    """The workload that a decoded object is, or ``None`` when it is of another kind.

    Raises:
        InputError: a field is missing, of the wrong type, or a count below 0.
    """
    kind = KINDS.get(str(document.get("kind")))
    if kind is None:
        return None
    try:
        workload = read_part(document, kind)
        _check_counts(workload, "")
    except InputError as error:
        raise error.at(subject=subject_in(document)) from None
    return workload


def read_part(document: Mapping[str, Any], kind: type[T], path: str = "") -> T:
    """A part of an object as a structure.

    Args:
        document: the part, decoded.
        kind: the structure.
        path: where the part stands in its object.

    Raises:
        InputError: it does not fit the structure.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError:
        text = msgspec.json.encode(document)
    try:
        return forgiving(lambda raw: msgspec.json.decode(raw, type=kind), text)
    except InputError as error:
        raise (below(path, error) if path else error) from None


def _check_counts(part: Wire, path: str) -> None:
    """Counts below 0 are refused here: the decoder's own words for that would not say what was found."""
    for name, written in zip(part.__struct_fields__, part.__struct_encode_fields__, strict=True):
        value = getattr(part, name)
        if name in part.counts and value is not None and value < 0:
            raise InputError(str(value), "a count of 0 or more", field=path + written)
        if name in OF_PODS and value is not None and value > MOST_PODS:
            raise InputError(f"{value}", f"at most {MOST_PODS} pods of one workload", field=path + written)
        if isinstance(value, Wire):
            _check_counts(value, f"{path}{written}.")


def subject_in(document: Mapping[str, Any]) -> str:
    """How errors call a decoded object, whatever its metadata are."""
    metadata = document.get("metadata")
    known = metadata if isinstance(metadata, dict) else {}
    return f"{document['kind']} {known.get('namespace') or 'default'}/{known.get('name') or '(unnamed)'}"
