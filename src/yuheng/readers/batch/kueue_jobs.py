"""Jobs of Kubernetes, as far as queues look at them: which queue admits them, how many pods at once, how long.

Kueue keeps a Job suspended until its queue admits it. Here admission is the plan's, so the Job is read as if it ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from yuheng.errors import InputError
from yuheng.model.job import Job
from yuheng.readers.attempts import forgiving
from yuheng.readers.batch.members import QUEUE_LABEL
from yuheng.readers.batch.wire import Named

if TYPE_CHECKING:
    from yuheng.readers.sources.documents import Item

__all__ = ["BatchJob", "head_of", "model_of"]

ENDED = frozenset(("Complete", "Failed"))


class Wire(msgspec.Struct, rename="camel"):
    """The base of all: camel case, as Kubernetes writes."""


class Specification(Wire):
    """``spec`` of a Job."""

    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None
    active_deadline_seconds: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | None = None


class Condition(Wire):
    """A condition of a Job."""

    type: str = ""
    status: str = ""


class Status(Wire):
    """``status`` of a Job."""

    succeeded: int | None = None
    conditions: tuple[Condition, ...] | None = None


class BatchJob(Wire):
    """A Job of Kubernetes."""

    metadata: Named
    spec: Specification = msgspec.field(default_factory=Specification)
    status: Status | None = None

    def local_queue(self) -> str:
        """The LocalQueue that admits it; empty where it names none."""
        return self.metadata.labels.get(QUEUE_LABEL, "")

    def is_over(self) -> bool:
        """Whether it has ended or is being deleted."""
        conditions = (self.status and self.status.conditions) or ()
        ended = any(one.type in ENDED and one.status == "True" for one in conditions)
        return ended or self.metadata.deletion_timestamp is not None


_decoder = msgspec.json.Decoder(BatchJob)


def head_of(item: Item) -> BatchJob | None:
    """A Job; None where it is malformed, which the reader of workloads says in words."""
    try:
        return forgiving(_decoder.decode, item.text)
    except InputError:
        return None


def model_of(job: BatchJob, queue: str) -> Job:
    """The job of the model: as many pods start together as may run at once and are still needed.

    Raises:
        InputError: a count is below 0.
    """
    spec = job.spec
    for name, count in (("parallelism", spec.parallelism), ("completions", spec.completions)):
        if count is not None and count < 0:
            raise InputError(str(count), "a count of 0 or more", field=f"spec.{name}")
    at_once = 1 if spec.parallelism is None else spec.parallelism
    if spec.completions is not None:
        succeeded = (job.status and job.status.succeeded) or 0
        at_once = max(0, min(at_once, spec.completions - succeeded))
    return Job(
        name=job.metadata.name,
        namespace=job.metadata.namespace or "default",
        kind="Job",
        queue=queue,
        min_available=at_once,
        created=job.metadata.created(),
        admitted=not spec.suspend,
    )
