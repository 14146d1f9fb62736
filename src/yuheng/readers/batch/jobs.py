"""Volcano's jobs: ``Job`` of ``batch.volcano.sh``, whose tasks are pod templates with replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.duration import parse_duration
from yuheng.model.job import Job, JobTask, SubGroupPolicy, TaskTopology
from yuheng.model.queue import DEFAULT_QUEUE
from yuheng.model.selectors import LabelSelector
from yuheng.readers.batch.annotations import task_topology, wishes
from yuheng.readers.batch.members import TASK_SPEC
from yuheng.readers.batch.pod_groups import ADMITTED, min_resources
from yuheng.readers.batch.wire import PodGroupObject, VolcanoJob
from yuheng.readers.workloads.fields import MOST_PODS

if TYPE_CHECKING:
    from yuheng.readers.batch.lookups import Lookups
    from yuheng.readers.batch.wire import Task

__all__ = ["PARTITION", "estimate_of", "is_over", "job_of", "least_of_task", "read_job"]

PARTITION: Final = "volcano.sh/partition-id"
OVER: Final = frozenset(("Aborting", "Aborted", "Completing", "Completed", "Terminating", "Terminated", "Failed"))


def read_job(text: bytes | msgspec.Raw) -> VolcanoJob:
    """A Volcano job, its tasks named and checked.

    Raises:
        InputError: counts contradict each other, or tasks depend on what is not there or on each other.
        msgspec.ValidationError: the object is not what Volcano defines.
    """
    job = msgspec.json.decode(text, type=VolcanoJob)
    if not job.spec.tasks:
        raise InputError("nothing", "at least one task", field="spec.tasks")
    job.spec.queue = job.spec.queue or DEFAULT_QUEUE
    for index, task in enumerate(job.spec.tasks):
        # The name that Volcano's admission gives.
        task.name = task.name or f"default{index}"
        _check_counts(task, f"spec.tasks[{index}]")
    _check_minimum(job)
    _check_names(job)
    _check_dependencies(job)
    return job


def is_over(job: VolcanoJob) -> bool:
    """Whether a job has ended, or is about to: it starts no more pods."""
    return job.status.state.phase in OVER or job.metadata.deletion_timestamp is not None


def least_of_task(task: Task) -> int:
    """How many pods of a task start with the job: all of them, unless something less is written.

    Volcano holds a job to these numbers only where its own minimum is at least their sum; so does the engine.
    """
    if task.min_available is not None:
        return task.min_available
    partition = task.partition_policy
    if partition is not None and partition.min_partitions > 0:
        return partition.min_partitions * partition.partition_size
    return task.replicas


def estimate_of(job: VolcanoJob) -> float | None:
    """How long the pods of a job run, in seconds.

    Raises:
        InputError: it is not a duration.
    """
    if not job.spec.running_estimate:
        return None
    try:
        return parse_duration(job.spec.running_estimate)
    except InputError as error:
        raise error.at(field="spec.runningEstimate") from None


def job_of(source: VolcanoJob, group: PodGroupObject | None, lookups: Lookups) -> Job:
    """The job of the model.

    Args:
        source: the job.
        group: the pod group that Volcano made for it, which knows whether it was admitted.
        lookups: priority classes and tiers.

    Raises:
        InputError: an annotation or a topology is not what it should be.
    """
    spec, metadata = source.spec, source.metadata
    annotations = {**(group.metadata.annotations if group else {}), **metadata.annotations}
    labels = {**(group.metadata.labels if group else {}), **metadata.labels}
    names = [task.name for task in spec.tasks]
    together = task_topology(annotations, names)
    if together is None:
        lookups.warn(f"{source.subject}: its task topology names a task twice, or one it has not: it is not looked at")
    return Job(
        name=metadata.name,
        namespace=metadata.namespace,
        kind="Job",
        queue=spec.queue,
        min_available=spec.min_available or sum(map(least_of_task, spec.tasks)),
        tasks=tuple(map(_task, spec.tasks)),
        min_resources=min_resources(group.spec) if group else None,
        priority=lookups.priority(source.subject, spec.priority_class_name),
        created=metadata.creation_timestamp.timestamp() if metadata.creation_timestamp else float("inf"),
        admitted=source.status.state.phase == "Running" or (group is not None and group.status.phase in ADMITTED),
        topology=lookups.topology(spec.network_topology, "spec.networkTopology"),
        sub_groups=_partitions(source, lookups),
        task_topology=together or TaskTopology(),
        **wishes(annotations, labels),
    )


def _task(task: Task) -> JobTask:
    return JobTask(
        name=task.name,
        min_available=least_of_task(task),
        depends_on=task.depends_on.name,
        depends_on_any=task.depends_on.iteration == "any",
    )


def _partitions(job: VolcanoJob, lookups: Lookups) -> tuple[SubGroupPolicy, ...]:
    """The groups that the pods of a task form: the label of each pod says which one is its."""
    return tuple(
        SubGroupPolicy(
            name=task.name,
            selector=LabelSelector(match_labels={TASK_SPEC: task.name}),
            keys=(PARTITION,),
            size=partition.partition_size,
            minimum=partition.min_partitions,
            topology=lookups.topology(
                partition.network_topology, f"spec.tasks[{index}].partitionPolicy.networkTopology"
            ),
        )
        for index, task in enumerate(job.spec.tasks)
        if (partition := task.partition_policy) is not None
    )


def _check_counts(task: Task, path: str) -> None:
    for name, count in (("replicas", task.replicas), ("minAvailable", task.min_available or 0)):
        if count < 0:
            raise InputError(str(count), "a count of 0 or more", field=f"{path}.{name}")
    if task.replicas > MOST_PODS:
        raise InputError(str(task.replicas), f"at most {MOST_PODS} pods of one task", field=f"{path}.replicas")
    if task.min_available is not None and task.min_available > task.replicas:
        expected = f"no more than the {task.replicas} replicas of task {task.name}"
        raise InputError(str(task.min_available), expected, field=f"{path}.minAvailable")
    _check_partitions(task, f"{path}.partitionPolicy")


def _check_partitions(task: Task, path: str) -> None:
    policy = task.partition_policy
    if policy is None:
        return
    counts = (("totalPartitions", policy.total_partitions), ("partitionSize", policy.partition_size))
    for name, count in counts:
        if count < 1:
            raise InputError(str(count), "a count of 1 or more", field=f"{path}.{name}")
    if not 0 <= policy.min_partitions <= policy.total_partitions:
        expected = f"from 0 to the {policy.total_partitions} partitions that there are"
        raise InputError(str(policy.min_partitions), expected, field=f"{path}.minPartitions")
    if policy.total_partitions * policy.partition_size != task.replicas:
        expected = f"partitions of {task.replicas} pods together, the replicas of task {task.name}"
        found = f"{policy.total_partitions} partitions of {policy.partition_size}"
        raise InputError(found, expected, field=path)


def _check_minimum(job: VolcanoJob) -> None:
    least, total = job.spec.min_available, sum(task.replicas for task in job.spec.tasks)
    if least < 0:
        raise InputError(str(least), "a count of 0 or more", field="spec.minAvailable")
    if least > total:
        raise InputError(str(least), f"no more than the {total} replicas of all tasks", field="spec.minAvailable")


def _check_names(job: VolcanoJob) -> None:
    seen = set()
    for index, task in enumerate(job.spec.tasks):
        if task.name in seen:
            raise InputError(f"a second task {task.name!r}", "each name once", field=f"spec.tasks[{index}].name")
        seen.add(task.name)


def _check_dependencies(job: VolcanoJob) -> None:
    """Every task that is waited for exists, and none waits for itself, however many are between."""
    tasks = job.spec.tasks
    names = {task.name for task in tasks}
    for index, task in enumerate(tasks):
        unknown = next((name for name in task.depends_on.name if name not in names), None)
        if unknown is not None:
            field = f"spec.tasks[{index}].dependsOn.name"
            raise InputError(repr(unknown), f"a task of the job: {', '.join(sorted(names))}", field=field)
    open_tasks = {task.name: set(task.depends_on.name) for task in tasks}
    while free := [name for name, before in open_tasks.items() if not before & set(open_tasks)]:
        for name in free:
            del open_tasks[name]
    if open_tasks:
        index = next(index for index, task in enumerate(tasks) if task.name in open_tasks)
        circle = ", ".join(sorted(open_tasks))
        expected = "tasks that do not wait for each other"
        raise InputError(f"a circle of {circle}", expected, field=f"spec.tasks[{index}].dependsOn")
