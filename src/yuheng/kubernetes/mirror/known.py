"""A pod as the API server tells of it: the pod of the model, and what only its binding needs."""

from __future__ import annotations

from typing import Final

import msgspec

from yuheng.model.pod import Pod
from yuheng.readers.batch.members import Member

__all__ = ["Known", "Marks", "marks_of"]

FINISHED: Final = ("Succeeded", "Failed")


class _Annotations(msgspec.Struct):
    """The annotations by which a pod belongs to a job or a queue, and the one by which it asks for a share of a GPU."""

    group: str = msgspec.field(default="", name="scheduling.k8s.io/group-name")
    volcano_group: str = msgspec.field(default="", name="scheduling.volcano.sh/group-name")
    job_name: str = msgspec.field(default="", name="volcano.sh/job-name")
    queue: str = msgspec.field(default="", name="scheduling.volcano.sh/queue-name")
    job_queue: str = msgspec.field(default="", name="volcano.sh/queue-name")
    gpu_milli: str = msgspec.field(default="", name="alibabacloud.com/gpu-milli")


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    annotations: _Annotations | None = None


class _Gate(msgspec.Struct):
    name: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    scheduler_name: str = ""
    node_name: str | None = None
    scheduling_gates: tuple[_Gate, ...] | None = None


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""
    reason: str | None = None
    message: str | None = None


class _Status(msgspec.Struct, rename="camel"):
    phase: str | None = None
    nominated_node_name: str | None = None
    conditions: tuple[_Condition, ...] | None = None


class Marks(msgspec.Struct):
    """The fields of a Pod that tell whose it is and how far it is."""

    metadata: _Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status | None = None

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.metadata.namespace or 'default'}/{self.metadata.name}"

    @property
    def is_over(self) -> bool:
        """Whether it is finished, or deleted before it had a node."""
        finished = self.status is not None and self.status.phase in FINISHED
        return finished or (self.metadata.deletion_timestamp is not None and not self.spec.node_name)

    @property
    def belongs(self) -> bool:
        """Whether it belongs to a group, a job or a queue, which have to be looked up with it."""
        words = self.metadata.annotations
        return words is not None and any(
            (words.group, words.volcano_group, words.job_name, words.queue, words.job_queue)
        )

    @property
    def group(self) -> str:
        """``namespace/name`` of the PodGroup it belongs to; empty for none."""
        words = self.metadata.annotations
        name = (words.group or words.volcano_group) if words is not None else ""
        return f"{self.metadata.namespace or 'default'}/{name}" if name else ""

    @property
    def by_milli(self) -> bool:
        """Whether it asks for a share of a GPU in Alibaba's way."""
        return self.metadata.annotations is not None and bool(self.metadata.annotations.gpu_milli)

    def told(self) -> str:
        """What its condition ``PodScheduled`` says when it is not true; empty where it says nothing."""
        conditions = (self.status.conditions or ()) if self.status else ()
        found = next((one for one in conditions if one.type == "PodScheduled" and one.status == "False"), None)
        return (found.message or "") if found else ""


_decode: Final = msgspec.json.Decoder(Marks).decode


def marks_of(raw: bytes | msgspec.Raw) -> Marks:
    """The marks of a Pod.

    Raises:
        msgspec.ValidationError: it is no object of Kubernetes.
    """
    return _decode(raw)


class Known(msgspec.Struct):
    """A pod that exists.

    Attributes:
        key: ``namespace/name``.
        uid: of this very pod; another of the same name has another.
        pod: as the engine sees it; None for one that cannot be read, or is over.
        scheduler: who is to schedule it.
        told: what its condition says; see `Marks.told`.
        nominated: the node that was cleared for it; empty for none.
        gated: whether something has to happen before it may be scheduled.
        problem: why it cannot be read; empty where it can.
        by_milli: whether it asks for a share of a GPU in Alibaba's way.
        group: the PodGroup it belongs to, ``namespace/name``; empty for none.
        member: of one that belongs to a job or a queue, what tells to which.
        is_changed: whether what the engine sees of it has changed since this was last set false.
    """

    key: str
    uid: str
    pod: Pod | None
    scheduler: str = ""
    told: str = ""
    nominated: str = ""
    gated: bool = False
    problem: str = ""
    by_milli: bool = False
    group: str = ""
    member: Member | None = None
    is_changed: bool = False
