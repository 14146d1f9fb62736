"""Jobs and CronJobs: pods that come to an end.

Finished pods are not in a snapshot: how many have succeeded is what the Job's own status says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Final

from yuheng.errors import InputError
from yuheng.model.pod import Pod
from yuheng.readers.workloads.fields import CronJob, Job, JobSpec, Metadata, Workload
from yuheng.readers.workloads.scene import LONGEST_PREFIX, Scene, living
from yuheng.readers.workloads.template import Press, owner_reference

__all__ = ["cron_job_pods", "job_pods"]

COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
JOB_CONTROLLER: Final = "kubernetes.io/job-controller"
ENDING: Final = frozenset(("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"))


def job_pods(job: Job, scene: Scene) -> list[Pod]:
    """The pods a Job lacks to run as many at once as it may and still needs."""
    return _pods_of(job, job, "spec", scene)


def cron_job_pods(cron_job: CronJob, scene: Scene) -> list[Pod]:
    """The pods that the next run of a CronJob needs; none while a run is active or it is suspended."""
    if cron_job.spec.suspend or _is_running(cron_job, scene):
        return []
    metadata = cron_job.metadata
    run = Job(
        kind="Job",
        metadata=Metadata(
            name=f"{metadata.name}-{_next_minute(cron_job)}",
            namespace=metadata.namespace,
            creation_timestamp=metadata.creation_timestamp,
        ),
        spec=cron_job.spec.job_template.spec,
    )
    return _pods_of(run, cron_job, "spec.jobTemplate.spec", scene)


def _pods_of(job: Job, written: Workload, path: str, scene: Scene) -> list[Pod]:
    """The pods a Job lacks.

    Args:
        job: the Job.
        written: the object of the input that it comes from, for the errors.
        path: where in that object the Job's specification stands.
        scene: everything else.
    """
    spec, metadata = job.spec, job.metadata
    if spec.suspend or spec.managed_by not in ("", JOB_CONTROLLER) or _is_ending(job):
        return []
    try:
        numbers = _numbers(job, scene, path)
    except InputError as error:
        raise error.at(subject=written.subject) from None
    if not numbers:
        return []
    press = Press(
        written,
        f"{path}.template",
        spec.template,
        owner=owner_reference("Job", metadata.name, metadata.uid, "batch/v1"),
        labels=_labels(job),
        make_pod=scene.make_pod,
    )
    return [_pod(job, press, number, scene) for number in numbers]


def _pod(job: Job, press: Press, number: int, scene: Scene) -> Pod:
    name = job.metadata.name
    if not _is_indexed(job.spec):
        return press.pod(scene.generated_name(job.metadata, f"{name}-", number))
    ending = f"-{number}-"
    # A long name is cut before the index, never within it.
    prefix = name[: LONGEST_PREFIX - len(ending)] + ending
    return press.pod(scene.generated_name(job.metadata, prefix, number), {COMPLETION_INDEX: str(number)})


def _labels(job: Job) -> dict[str, str]:
    """What the API server writes into a Job's template, as far as the template does not say it itself."""
    if job.spec.manual_selector:
        return {}
    name, uid = job.metadata.name, job.metadata.uid
    labels = {"batch.kubernetes.io/job-name": name, "job-name": name}
    if uid:
        labels |= {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid}
    return labels | job.spec.template.metadata.labels


def _numbers(job: Job, scene: Scene, path: str) -> list[int]:
    """The numbers of the pods that are lacking: completion indexes where the Job has them."""
    spec, status = job.spec, job.status
    owned = scene.owned_by(job)
    active = living(owned)
    if not _is_indexed(spec):
        lacking = _lacking(spec, status.succeeded, len(active), len(owned))
        return list(islice(count(len(active)), lacking))
    if spec.completions is None:
        expected = "how many completions there are, since completionMode is Indexed"
        raise InputError("nothing", expected, field=f"{path}.completions")
    succeeded = _index_set(status.completed_indexes, spec.completions, "status.completedIndexes")
    failed = _index_set(status.failed_indexes, spec.completions, "status.failedIndexes")
    lacking = _lacking(spec, len(succeeded), len(active), len(owned))
    held = owned if _waits_for_the_terminating(spec) else active
    settled = succeeded | failed | set(_indexes_of(held, job.metadata.name))
    return list(islice((index for index in range(spec.completions) if index not in settled), lacking))


def _lacking(spec: JobSpec, succeeded: int, active: int, existing: int) -> int:
    """How many more pods are to run at once; ``existing`` are the active ones and those being deleted."""
    parallelism = 1 if spec.parallelism is None else spec.parallelism
    if spec.completions is None:
        # A work queue: once a pod has succeeded the work is done, and no new one is started.
        wanted = 0 if succeeded else parallelism
    else:
        wanted = min(parallelism, spec.completions - succeeded)
    return max(0, wanted - (existing if _waits_for_the_terminating(spec) else active))


def _waits_for_the_terminating(spec: JobSpec) -> bool:
    """Whether a pod is replaced only when it has ended: the default where there is a failure policy."""
    default = "TerminatingOrFailed" if spec.pod_failure_policy is None else "Failed"
    return (spec.pod_replacement_policy or default) == "Failed"


def _is_indexed(spec: JobSpec) -> bool:
    return spec.completion_mode == "Indexed"


def _is_ending(job: Job) -> bool:
    return any(one.type in ENDING and one.status == "True" for one in job.status.conditions)


def _index_set(text: str, completions: int, field: str) -> set[int]:
    """The indexes of a text such as ``0,3-5``."""
    indexes: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        if not (first.isdecimal() and (last or first).isdecimal()):
            raise InputError(repr(text), "indexes such as 0,3-5", field=field)
        indexes.update(range(int(first), min(int(last or first) + 1, completions)))
    return indexes


def _indexes_of(pods: Iterable[Pod], job_name: str) -> Iterator[int]:
    """The completion indexes of pods, from their label; Kubernetes before 1.28 told it by the name alone."""
    for pod in pods:
        in_name = pod.name.removeprefix(f"{job_name}-").partition("-")[0]
        text = pod.labels.get(COMPLETION_INDEX, in_name)
        if text.isdecimal():
            yield int(text)


def _is_running(cron_job: CronJob, scene: Scene) -> bool:
    """Whether a run is active: as told by the status, by a Job, or by the pods of a Job not in the input."""
    jobs = [child for child in scene.controlled_by(cron_job) if isinstance(child, Job)]
    if cron_job.status.active or any(not _is_ending(job) for job in jobs):
        return True
    metadata = cron_job.metadata
    known = {job.metadata.name for job in jobs}
    pods = living(scene.pods_below(metadata.namespace, "Job", metadata.name))
    return any(pod.owner is not None and pod.owner.name not in known for pod in pods)


def _next_minute(cron_job: CronJob) -> int:
    """The minute that the next run is named after, counted from 1970.

    The controller takes the scheduled one. Which that is depends on what time it is, so the first that is
    still free is taken: the minute after the last run.
    """
    last = cron_job.status.last_schedule_time or cron_job.metadata.creation_timestamp
    return 0 if last is None else int(last.timestamp()) // 60 + 1
