"""`BatchReader`: what the batch objects of the input say, before and after the pods are read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.queue import DEFAULT_QUEUE, Queue
from yuheng.readers.batch.hyper_nodes import HyperNodes
from yuheng.readers.batch.job_pods import Existing, job_pods
from yuheng.readers.batch.jobs import estimate_of, is_over, job_of, read_job
from yuheng.readers.batch.kueue_jobs import head_of, model_of
from yuheng.readers.batch.kueue_queues import read_cluster_queue, read_cohort, read_local_queue, with_cohorts
from yuheng.readers.batch.lookups import Lookups
from yuheng.readers.batch.members import Home, Members
from yuheng.readers.batch.pod_groups import COMPLETED, job_of_group, read_group
from yuheng.readers.batch.queues import read_queue, with_inner_queues
from yuheng.readers.batch.trees import check_guarantees, check_tree, with_default
from yuheng.readers.inventory import key_of, subject_of
from yuheng.readers.refusing import Refuse, readable, strictly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from yuheng.model.job import HyperNode, Job
    from yuheng.model.node import Node
    from yuheng.model.pod import Pod
    from yuheng.readers.batch.wire import PodGroupObject, VolcanoJob
    from yuheng.readers.objects.priorities import Priorities
    from yuheng.readers.sources.documents import Item
    from yuheng.readers.workloads.template import MakePod

__all__ = ["BatchParts", "BatchReader"]

VOLCANO_JOB: Final = "Job.batch.volcano.sh"
KUEUE_KINDS: Final = ("ClusterQueue", "Cohort", "LocalQueue")


class BatchParts(NamedTuple):
    """The batch side of a snapshot."""

    queues: tuple[Queue, ...]
    jobs: tuple[Job, ...]
    hyper_nodes: tuple[HyperNode, ...]
    warnings: tuple[str, ...]


class BatchReader:
    """Reads queues, jobs and parts of the network.

    Args:
        unique: gives the objects of a kind, each once, in the order of the input.
        priorities: the priority classes of the cluster.
        refuse: is told of what is not what it should be, or contradicts something else.
    """

    def __init__(
        self, unique: Callable[..., Iterator[Item]], priorities: Priorities, refuse: Refuse = strictly
    ) -> None:
        self.members = Members()
        self.latest: float | None = None
        self._unique = unique
        self._refuse = refuse
        self._warnings: list[str] = []
        self._jobs: dict[str, tuple[Job, Item | None]] = {}
        self._volcano: list[tuple[Item, VolcanoJob]] = []
        self._admitted: set[str] = set()
        self._queue_items: dict[str, Item] = {}
        self._hyper_nodes = HyperNodes(unique("HyperNode"), refuse)
        self._lookups = Lookups(priorities, self._hyper_nodes.tiers())
        queues = sorted(self._read_queues(), key=lambda queue: queue.name)
        self._queues = check_tree(queues, self._queue_items, refuse)
        self._queue_names = {queue.name for queue in with_default(self._queues)}
        self._read_local_queues()
        groups = self._read_volcano_jobs()
        self._read_groups(groups)
        self._read_batch_jobs()
        if self._is_batch():
            self.members.set_queues(self._queue_names)

    def is_admitted_here(self, key: str) -> bool:
        """Whether a Job of Kubernetes (``namespace/name``) is one that a queue of the input admits."""
        return key in self._admitted

    def missing_pods(self, pods: Iterable[Pod], make_pod: MakePod) -> list[Pod]:
        """The pods that the Volcano jobs of the input have not created yet.

        Raises:
            InputError: a template is not a pod's, and `refuse` raises it.
        """
        if not self._volcano:
            return []
        existing = Existing.of(pods, {job.key for _, job in self._volcano}, self.members)
        found: list[Pod] = []
        for item, job in self._volcano:
            try:
                found += job_pods(job, existing, make_pod)
            except InputError as error:
                self._refuse(error.at(source=item.source))
        return found

    def parts(self, nodes: Sequence[Node], pods: Sequence[Pod]) -> BatchParts:
        """The batch side of the snapshot, once all pods are known; what is guaranteed beyond what exists is refused."""
        alive = {pod.job for pod in pods}
        for group in self.members.pod_groups():
            if group.key in alive:
                self._add(group, None)
        jobs = [self._counted(job) for job, _ in self._jobs.values()]
        hyper_nodes = self._hyper_nodes.resolved(nodes)
        queues: tuple[Queue, ...] = ()
        if self._is_batch():
            queues = with_default(self._queues)
            check_guarantees(queues, nodes, self._queue_items, self._refuse)
            self._note_strangers()
        return BatchParts(
            queues,
            tuple(sorted(jobs, key=lambda job: (job.namespace, job.name))),
            hyper_nodes,
            tuple(sorted((*self._warnings, *self._lookups.warnings, *self._hyper_nodes.warnings))),
        )

    def _read_queues(self) -> list[Queue]:
        readings = []
        for item, reading in readable(self._unique("Queue"), read_queue, self._refuse):
            if self._claim(reading.queue.name, item, reading.queue.created):
                self._warnings += reading.warnings
                readings.append(reading)
        queues, warnings = with_inner_queues(readings)
        self._warnings += warnings
        found: dict[str, list[Queue]] = {"ClusterQueue": [], "Cohort": []}
        for kind, read in (("ClusterQueue", read_cluster_queue), ("Cohort", read_cohort)):
            for item, (queue, said) in readable(self._unique(kind), read, self._refuse):
                if kind == "Cohort" or self._claim(queue.name, item, queue.created):
                    self._warnings += said
                    found[kind].append(queue)
        return queues + with_cohorts(found["ClusterQueue"], found["Cohort"], {queue.name for queue in queues})

    def _claim(self, name: str, item: Item, created: float) -> bool:
        """Keep where a queue comes from; whether it is the only one of its name. If not, it is refused."""
        first = self._queue_items.setdefault(name, item)
        if first is item:
            self._note(created)
            return True
        found, expected = f"a {first.kind} of the same name ({first.place()})", "one queue of a name"
        self._refuse(InputError(found, expected, source=item.source, subject=subject_of(item)))
        return False

    def _read_local_queues(self) -> None:
        known = {queue.name for queue in self._queues if queue.kind == "ClusterQueue"}
        found: dict[str, str] = {}
        for item, (key, cluster_queue) in readable(self._unique("LocalQueue"), read_local_queue, self._refuse):
            if cluster_queue in known:
                found[key] = cluster_queue
                continue
            self._refuse(
                InputError(
                    repr(cluster_queue),
                    "a ClusterQueue of the input",
                    source=item.source,
                    subject=subject_of(item),
                    field="spec.clusterQueue",
                )
            )
        if found or any(queue.kind != "Queue" for queue in self._queues):
            self.members.set_local_queues(found)

    def _read_volcano_jobs(self) -> dict[str, tuple[Item, PodGroupObject]]:
        """Read Volcano's jobs; the pod groups that are not theirs are given back."""
        groups = {}
        for item, group in readable(self._unique("PodGroup"), read_group, self._refuse):
            groups[group.metadata.key()] = (item, group)
            self._note(group.metadata.created())
        owned = {group.metadata.owner_references[0].uid: key for key, (_, group) in groups.items() if _is_owned(group)}
        for item, job in readable(self._unique(VOLCANO_JOB), read_job, self._refuse):
            namespace, name, uid = job.metadata.namespace, job.metadata.name, job.metadata.uid
            candidates = (owned.get(uid) if uid else None, f"{namespace}/{name}-{uid}", f"{job.key}")
            key = next((one for one in candidates if one in groups and _may_own(job, groups[one][1])), "")
            group_of_job = groups.pop(key)[1] if key else None
            self._read_volcano_job(item, job, group_of_job)
        return groups

    def _read_volcano_job(self, item: Item, job: VolcanoJob, group: PodGroupObject | None) -> None:
        def convert(_: bytes | msgspec.Raw) -> tuple[Job, float | None]:
            return job_of(job, group, self._lookups), estimate_of(job)

        over = is_over(job)
        made = next((one for _, one in readable([item], convert, self._refuse)), None)
        if made is None or not (over or self._is_in_a_queue(made[0], item)):
            return
        model, estimate = made
        home = Home("" if over else model.key, model.queue, job.metadata.name, estimate)
        self.members.add_job(job.key, home)
        self.members.add_owner(job.key, job.metadata.uid, home)
        self.members.add_group(group.metadata.key() if group else f"{job.key}-{job.metadata.uid}", home)
        self._note(model.created)
        if not over:
            self._volcano.append((item, job))
            self._add(model, item)

    def _read_groups(self, groups: dict[str, tuple[Item, PodGroupObject]]) -> None:
        convert = partial(job_of_group, lookups=self._lookups)
        for item, model in readable((item for item, _ in groups.values()), convert, self._refuse):
            _, group = groups[key := key_of(item)]
            over = group.status.phase == COMPLETED or group.metadata.deletion_timestamp is not None
            if not (over or self._is_in_a_queue(model, item)):
                continue
            self.members.add_group(key, Home("" if over else model.key, model.queue))
            if not over:
                self._add(model, item)

    def _read_batch_jobs(self) -> None:
        """The Jobs of Kubernetes: how long their pods may run, and those that Kueue admits."""
        for item in self._unique("Job"):
            job = head_of(item)
            if job is None:
                continue
            key, queue = job.metadata.key(), job.local_queue()
            self._note(job.metadata.created())
            if job.spec.active_deadline_seconds is not None:
                self.members.set_deadline(key, float(job.spec.active_deadline_seconds))
            if not queue:
                continue
            try:
                cluster_queue = self.members.cluster_queue(job.metadata.namespace or "default", queue)
                model = model_of(job, cluster_queue)
            except InputError as error:
                self._refuse(error.at(source=item.source, subject=subject_of(item)))
                continue
            if cluster_queue and not job.is_over():
                self._admitted.add(key)
                self.members.add_owner(key, job.metadata.uid, Home(model.key, cluster_queue))
                self._add(model, item)

    def _add(self, job: Job, item: Item | None) -> None:
        """Keep a job; refused when another one has its name."""
        if job.key not in self._jobs:
            self._jobs[job.key] = (job, item)
            return
        first = self._jobs[job.key][1]
        self._refuse(
            InputError(
                f"another job of this name ({subject_of(first) if first else 'a group of pods'})",
                "one job of a name in a namespace, whatever its kind",
                source=item.source if item else "",
                subject=subject_of(item) if item else f"the group of pods {job.key}",
            )
        )

    def _counted(self, job: Job) -> Job:
        """A job with the pods that have ended well."""
        if job.key in self._admitted:
            return job
        tasks = tuple(
            msgspec.structs.replace(task, succeeded=self.members.succeeded(job.key, task.name)) for task in job.tasks
        )
        succeeded = max(job.succeeded, self.members.succeeded(job.key))
        return msgspec.structs.replace(job, tasks=tasks, succeeded=succeeded)

    def _is_batch(self) -> bool:
        return bool(self._queues or self._jobs)

    def _is_in_a_queue(self, job: Job, item: Item) -> bool:
        """Whether the queue of a job is there; refused when it is not."""
        if job.queue in self._queue_names:
            return True
        self._refuse(
            InputError(
                f"queue {job.queue!r}, which is not in the input",
                f"a queue of the input, or {DEFAULT_QUEUE}",
                source=item.source,
                subject=subject_of(item),
                field="spec.queue",
            )
        )
        return False

    def _note_strangers(self) -> None:
        if strangers := self.members.strangers():
            self._warnings.append(
                f"{strangers} PodGroups that pods name are not in the input: each of their pods is a job of its own"
            )

    def _note(self, created: float) -> None:
        if created != float("inf"):
            self.latest = created if self.latest is None else max(created, self.latest)


def _is_owned(group: PodGroupObject) -> bool:
    return bool(group.metadata.owner_references)


def _may_own(job: VolcanoJob, group: PodGroupObject) -> bool:
    """Whether a pod group may be the job's: nobody else owns it, and it is in the same namespace."""
    owners = group.metadata.owner_references
    uid = job.metadata.uid
    same = (group.metadata.namespace or "default") == job.metadata.namespace
    return same and (not owners or any(_refers(owner.kind, owner.name, owner.uid, job, uid) for owner in owners))


def _refers(kind: str, name: str, owner_uid: str, job: VolcanoJob, uid: str) -> bool:
    if uid and owner_uid:
        return uid == owner_uid
    return kind == "Job" and name == job.metadata.name
