"""Pod groups: pods that start together, with or without a Volcano job that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.job import Job, JobTask, TaskTopology
from yuheng.model.queue import DEFAULT_QUEUE
from yuheng.readers.batch.annotations import task_topology, wishes
from yuheng.readers.batch.queues import read_amounts
from yuheng.readers.batch.wire import PodGroupObject
from yuheng.readers.decoding import joined

if TYPE_CHECKING:
    from yuheng.readers.batch.lookups import Lookups
    from yuheng.readers.batch.wire import PodGroupSpec

__all__ = ["ADMITTED", "COMPLETED", "job_of_group", "min_resources", "read_group"]

ADMITTED: Final = frozenset(("Inqueue", "Running", "Unknown"))
COMPLETED: Final = "Completed"


def read_group(text: bytes | msgspec.Raw) -> PodGroupObject:
    """A pod group.

    Raises:
        InputError: a count is below 0.
        msgspec.ValidationError: the object is not what Volcano defines.
    """
    source = msgspec.json.decode(text, type=PodGroupObject)
    spec = source.spec
    if spec.min_member < 0:
        raise InputError(str(spec.min_member), "a count of 0 or more", field="spec.minMember")
    for name, count in spec.min_task_member.items():
        if count < 0:
            raise InputError(str(count), "a count of 0 or more", field=joined("spec.minTaskMember", name))
    return source


def job_of_group(text: bytes | msgspec.Raw, lookups: Lookups) -> Job:
    """The job that a pod group is, where no Volcano job owns it.

    Its tasks are those of which a minimum is written.

    Raises:
        InputError: a count, an amount or an annotation is not what it should be.
        msgspec.ValidationError: the object is not what Volcano defines.
    """
    source = read_group(text)
    metadata, spec = source.metadata, source.spec
    topology = task_topology(metadata.annotations)
    if topology is None:
        lookups.warn(f"PodGroup {metadata.key()}: its task topology names a task twice: it is not looked at")
    return Job(
        name=metadata.name,
        namespace=metadata.namespace or "default",
        kind="PodGroup",
        queue=spec.queue or DEFAULT_QUEUE,
        min_available=spec.min_member,
        tasks=tuple(JobTask(name=name, min_available=count) for name, count in spec.min_task_member.items()),
        min_resources=min_resources(spec),
        priority=lookups.priority(f"PodGroup {metadata.key()}", spec.priority_class_name),
        created=metadata.created(),
        admitted=source.status.phase in ADMITTED,
        topology=lookups.topology(spec.network_topology, "spec.networkTopology"),
        sub_groups=tuple(
            lookups.sub_group(policy, f"spec.subGroupPolicy[{index}]")
            for index, policy in enumerate(spec.sub_group_policy)
        ),
        task_topology=topology or TaskTopology(),
        **wishes(metadata.annotations, metadata.labels),
        succeeded=max(0, source.status.succeeded),
    )


def min_resources(spec: PodGroupSpec) -> dict[str, int] | None:
    """What admission counts for a group; None where nothing is written.

    Raises:
        InputError: an amount is malformed or negative.
    """
    return None if spec.min_resources is None else read_amounts(spec.min_resources, "spec.minResources")
