"""The pods that a Volcano job lacks: those that its controller would create next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from yuheng.readers.batch.annotations import BUDGET_LEAST, BUDGET_MOST, PREEMPTABLE, REVOCABLE_ZONE
from yuheng.readers.batch.jobs import PARTITION
from yuheng.readers.batch.members import JOB_NAME, TASK_SPEC
from yuheng.readers.workloads.fields import Template, TemplateMetadata
from yuheng.readers.workloads.template import MakePod, Press, owner_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from yuheng.model.pod import Pod
    from yuheng.readers.batch.members import Members
    from yuheng.readers.batch.wire import JobSpec, Task, VolcanoJob

__all__ = ["Existing", "job_pods"]

GROUP_NAME: Final = "scheduling.k8s.io/group-name"
QUEUE_NAME: Final = "volcano.sh/queue-name"
TASK_INDEX: Final = "volcano.sh/task-index"
JOB_NAMESPACE: Final = "volcano.sh/job-namespace"
# What the controller hands down from the job to its pods.
HANDED_DOWN: Final = (PREEMPTABLE, REVOCABLE_ZONE, BUDGET_LEAST, BUDGET_MOST)


class Existing(NamedTuple):
    """What is there already.

    Attributes:
        names: of all pods, each with its namespace.
        counts: living pods by job and task.
        members: the pods that have ended.
    """

    names: set[tuple[str, str]]
    counts: dict[tuple[str, str], int]
    members: Members

    @classmethod
    def of(cls, pods: Iterable[Pod], jobs: Collection[str], members: Members) -> Existing:
        """What these pods say of these jobs."""
        names = set()
        counts: dict[tuple[str, str], int] = {}
        for pod in pods:
            if pod.job in jobs:
                counts[pod.job, pod.task] = counts.get((pod.job, pod.task), 0) + 1
            names.add((pod.namespace, pod.name))
        return cls(names, counts, members)


def job_pods(job: VolcanoJob, existing: Existing, make_pod: MakePod) -> list[Pod]:
    """The pods a job lacks, task by task; those that have ended are not created again.

    Raises:
        InputError: a template is not a pod's; the error names the job and the field in it.
    """
    return [
        pod
        for index, task in enumerate(job.spec.tasks)
        for pod in _task_pods(job, task, f"spec.tasks[{index}].template", existing, make_pod)
    ]


def _task_pods(job: VolcanoJob, task: Task, path: str, existing: Existing, make_pod: MakePod) -> list[Pod]:
    indexes = _open_indexes(job, task, existing)
    if not indexes:
        return []
    metadata = job.metadata
    press = Press(
        job,
        path,
        _template(job, task),
        owner=owner_reference("Job", metadata.name, metadata.uid, "batch.volcano.sh/v1alpha1"),
        labels={
            JOB_NAME: metadata.name,
            JOB_NAMESPACE: metadata.namespace,
            QUEUE_NAME: job.spec.queue,
            TASK_SPEC: task.name,
        },
        make_pod=make_pod,
    )
    return [press.pod(_name(job, task, index), _own_labels(task, index)) for index in indexes]


def _open_indexes(job: VolcanoJob, task: Task, existing: Existing) -> list[int]:
    """The indexes of the pods to create: the first ones that are free, as many as are lacking."""
    namespace = job.metadata.namespace
    ended = existing.members.ended(job.key, task.name)
    state = job.status.task_status_count.get(task.name)
    by_status = sum(state.phase.get(phase, 0) for phase in ("Succeeded", "Failed")) if state else 0
    there = existing.counts.get((job.key, task.name), 0) + max(len(ended), by_status)
    free = (
        index
        for index in range(task.replicas)
        if (name := _name(job, task, index)) not in ended and (namespace, name) not in existing.names
    )
    return [index for index, _ in zip(free, range(max(0, task.replicas - there)), strict=False)]


def _name(job: VolcanoJob, task: Task, index: int) -> str:
    return f"{job.metadata.name}-{task.name}-{index}"


def _own_labels(task: Task, index: int) -> dict[str, str]:
    labels = {TASK_INDEX: str(index)}
    if task.partition_policy is not None:
        labels[PARTITION] = str(index // task.partition_policy.partition_size)
    return labels


def _template(job: VolcanoJob, task: Task) -> Template:
    """The template of a task with what the controller adds to it."""
    metadata, own = job.metadata, task.template.metadata
    annotations = {
        JOB_NAME: metadata.name,
        TASK_SPEC: task.name,
        QUEUE_NAME: job.spec.queue,
        GROUP_NAME: f"{metadata.name}-{metadata.uid}" if metadata.uid else metadata.name,
    }
    handed_down = {name: metadata.annotations[name] for name in HANDED_DOWN if name in metadata.annotations}
    labels = {PREEMPTABLE: metadata.labels[PREEMPTABLE]} if PREEMPTABLE in metadata.labels else {}
    return Template(
        metadata=TemplateMetadata(labels=own.labels | labels, annotations=own.annotations | handed_down | annotations),
        spec=_pod_spec(job.spec, task.template.spec),
    )


def _pod_spec(spec: JobSpec, written: dict[str, Any]) -> dict[str, Any]:
    """The specification of a task's pods: the job's priority class and volumes are added."""
    added: dict[str, Any] = {}
    if spec.priority_class_name and not written.get("priorityClassName"):
        added["priorityClassName"] = spec.priority_class_name
    claims = dict.fromkeys(volume.volume_claim_name for volume in spec.volumes if volume.volume_claim_name)
    own = written.get("volumes", [])
    if claims and isinstance(own, list):
        mounted = [{"name": f"job-{name}", "persistentVolumeClaim": {"claimName": name}} for name in claims]
        added["volumes"] = own + mounted
    return {**written, **added}
