"""Which job a pod belongs to.

The jobs are known before the pods are read. A pod names its group (annotation), its job (annotation or label) or
its owner; what Kueue admits as a pod names its queue (label), and perhaps a group of such pods.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.job import Job
from yuheng.readers.batch.annotations import annotation_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.model.pod import OwnerReference
    from yuheng.readers.wire import Annotations

__all__ = ["GROUP_LABEL", "JOB_NAME", "NOWHERE", "QUEUE_LABEL", "TASK_SPEC", "Belonging", "Home", "Member", "Members"]

JOB_NAME: Final = "volcano.sh/job-name"
TASK_SPEC: Final = "volcano.sh/task-spec"
QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"
GROUP_LABEL: Final = "kueue.x-k8s.io/pod-group-name"
GROUP_TOTAL: Final = "kueue.x-k8s.io/pod-group-total-count"
# Gates that stand for admission by a queue; where the queues are in the input, admission is ours.
KUEUE_GATES: Final = frozenset(("kueue.x-k8s.io/admission", "kueue.x-k8s.io/topology"))
VOLCANO_GATES: Final = frozenset(("scheduling.volcano.sh/queue-allocation-gate",))


class Home(msgspec.Struct, frozen=True):
    """What a pod belongs to.

    Attributes:
        key: of its job; empty for one that is left out, as it has ended.
        queue: of the job.
        name: of the Volcano job, which the names of its pods begin with; empty for other jobs.
        estimate: how long its pods run, in seconds; None when unknown.
    """

    key: str
    queue: str = ""
    name: str = ""
    estimate: float | None = None


class Belonging(NamedTuple):
    """The job and the task of a pod, the queue where it has no job, and how long the job's pods run."""

    job: str = ""
    task: str = ""
    queue: str = ""
    estimate: float | None = None


NOWHERE: Final = Belonging()


class Member(msgspec.Struct, frozen=True, gc=False):
    """What of a pod tells where it belongs; for pods that are read before the jobs and the queues are known.

    Attributes:
        words: the annotations.
        owner: the controller.
        created: as of the `Pod`.
        ended: whether it has ended.
        well: whether it has ended well.
    """

    namespace: str
    name: str
    labels: dict[str, str]
    words: Annotations
    owner: OwnerReference | None
    created: float
    ended: bool = False
    well: bool = False

    def home(self, members: Members) -> Belonging:
        """Where the pod belongs.

        Raises:
            InputError: as `Members.belonging`; the subject is the pod.
        """
        try:
            return members.belonging((self.namespace, self.name), self.labels, self.words, self.owner, self.created)
        except InputError as error:
            raise error.at(subject=f"Pod {self.namespace}/{self.name}") from error.__cause__


class Members:
    """Finds the jobs of pods, and remembers the pods that have ended."""

    def __init__(self) -> None:
        self._groups: dict[str, Home] = {}
        self._named: dict[str, Home] = {}
        self._owned: dict[str, Home] = {}
        self._by_uid: dict[str, Home] = {}
        self._local_queues: dict[str, str] | None = None
        self._deadlines: dict[str, float] = {}
        self._ended: defaultdict[str, defaultdict[str, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
        self._pod_groups: dict[str, Job] = {}
        self._strangers: set[str] = set()
        self._queues: frozenset[str] | None = None

    def add_group(self, key: str, home: Home) -> None:
        """Pods of this PodGroup (``namespace/name``) belong there."""
        self._groups[key] = home

    def add_job(self, key: str, home: Home) -> None:
        """Pods that name this Volcano job (``namespace/name``) belong there."""
        self._named[key] = home

    def add_owner(self, key: str, uid: str, home: Home) -> None:
        """Pods of this owner of kind ``Job`` (``namespace/name``) belong there."""
        self._owned.setdefault(key, home)
        if uid:
            self._by_uid[uid] = home

    def set_local_queues(self, queues: dict[str, str]) -> None:
        """ClusterQueues by LocalQueue (``namespace/name``); before that, Kueue's labels mean nothing."""
        self._local_queues = queues

    def set_queues(self, names: Iterable[str]) -> None:
        """The queues that there are; before that, a pod may name any."""
        self._queues = frozenset(names)

    def set_deadline(self, key: str, seconds: float) -> None:
        """Pods of this Job of Kubernetes (``namespace/name``) run no longer."""
        self._deadlines[key] = seconds

    def are_known(self) -> bool:
        """Whether there is anything a pod without annotations can belong to."""
        return bool(self._named or self._owned or self._groups or self._local_queues is not None)

    def ignored_gates(self) -> frozenset[str]:
        """The gates of pods that wait for admission by a queue of the input."""
        return VOLCANO_GATES if self._local_queues is None else VOLCANO_GATES | KUEUE_GATES

    def deadline(self, namespace: str, owner: OwnerReference | None) -> float | None:
        """How long a pod of this owner may run; None when it is not known."""
        if not self._deadlines or owner is None or owner.kind != "Job":
            return None
        return self._deadlines.get(f"{namespace}/{owner.name}")

    def cluster_queue(self, namespace: str, local_queue: str) -> str:
        """The ClusterQueue behind a LocalQueue; empty where Kueue is not in the input.

        Raises:
            InputError: there is no such LocalQueue.
        """
        if self._local_queues is None:
            return ""
        found = self._local_queues.get(f"{namespace}/{local_queue}")
        if found is None:
            raise InputError(
                repr(local_queue),
                f"a LocalQueue of the namespace {namespace} in the input",
                field=f"metadata.labels[{QUEUE_LABEL}]",
            )
        return found

    def belonging(
        self,
        pod: tuple[str, str],
        labels: Mapping[str, str],
        words: Annotations,
        owner: OwnerReference | None,
        created: float = float("inf"),
    ) -> Belonging:
        """Where a pod belongs.

        Args:
            pod: its namespace and name.
            labels: of the pod.
            words: its annotations.
            owner: its controller.
            created: when it was created.

        Raises:
            InputError: it names a queue that is not there, or a group whose size is not a number.
        """
        namespace, name = pod
        home = self._home(namespace, labels, words, owner)
        if home is not None:
            if not home.key:
                return Belonging(queue=home.queue if home.queue in (self._queues or ()) else "")
            task = words.task_spec or labels.get(TASK_SPEC, "") or _task_in(name, home.name)
            return Belonging(home.key, task, "", home.estimate)
        if self._local_queues is not None and QUEUE_LABEL in labels:
            return self._admitted_by_kueue(namespace, labels, words, created)
        if not words.queue and not words.job_queue:
            return NOWHERE
        return Belonging(queue=self._named_queue(words))

    def note_end(self, belonging: Belonging, name: str, *, well: bool) -> None:
        """Remember a pod that has ended."""
        if belonging.job:
            self._ended[belonging.job][belonging.task][name] = well

    def ended(self, job: str, task: str) -> set[str]:
        """Names of the pods of a task that have ended, well or not."""
        return set(self._ended[job][task]) if job in self._ended else set()

    def succeeded(self, job: str, task: str | None = None) -> int:
        """How many pods of a job, or of one task of it, have ended well."""
        if job not in self._ended:
            return 0
        of_tasks = self._ended[job]
        return sum(sum(pods.values()) for name, pods in of_tasks.items() if task is None or task == name)

    def pod_groups(self) -> list[Job]:
        """The jobs that groups of pods admitted by Kueue make."""
        return list(self._pod_groups.values())

    def strangers(self) -> int:
        """How many groups pods name that are not in the input."""
        return len(self._strangers)

    def _home(
        self, namespace: str, labels: Mapping[str, str], words: Annotations, owner: OwnerReference | None
    ) -> Home | None:
        if group := words.group or words.volcano_group:
            key = f"{namespace}/{group}"
            if key in self._groups:
                return self._groups[key]
            job = words.job_name or labels.get(JOB_NAME, "")
            if f"{namespace}/{job}" not in self._named:
                self._strangers.add(key)
        if not self._named and not self._owned:
            return None
        if job := words.job_name or labels.get(JOB_NAME, ""):
            return self._named.get(f"{namespace}/{job}")
        if owner is None or owner.kind != "Job":
            return None
        if owner.uid in self._by_uid:
            return self._by_uid[owner.uid]
        return None if owner.uid else self._owned.get(f"{namespace}/{owner.name}")

    def _named_queue(self, words: Annotations) -> str:
        """The queue that a pod names itself."""
        queue = words.queue or words.job_queue
        if self._queues is not None and queue not in self._queues:
            field = annotation_path("scheduling.volcano.sh/queue-name" if words.queue else "volcano.sh/queue-name")
            raise InputError(f"queue {queue!r}, which is not in the input", "a queue of the input", field=field)
        return queue

    def _admitted_by_kueue(
        self, namespace: str, labels: Mapping[str, str], words: Annotations, created: float
    ) -> Belonging:
        queue = self.cluster_queue(namespace, labels[QUEUE_LABEL])
        group = labels.get(GROUP_LABEL, "")
        if not group:
            return Belonging(queue=queue)
        total = words.pod_group_total
        if not (total.isascii() and total.isdigit() and len(total) <= 9 and int(total) > 0):
            found = repr(total) if total else "nothing"
            raise InputError(found, "how many pods the group has, 1 or more", field=annotation_path(GROUP_TOTAL))
        key = f"{namespace}/{group}"
        known = self._pod_groups.get(key)
        self._pod_groups[key] = Job(
            name=group,
            namespace=namespace,
            kind="PodGroup",
            queue=min(queue, known.queue) if known else queue,
            min_available=max(int(total), known.min_available) if known else int(total),
            created=min(created, known.created) if known else created,
        )
        return Belonging(key)


def _task_in(pod: str, job: str) -> str:
    """The task in the name of a Volcano job's pod: ``<job>-<task>-<index>``."""
    if not job or not pod.startswith(f"{job}-"):
        return ""
    return pod.removeprefix(f"{job}-").rpartition("-")[0]
