"""The workloads that are placed as a whole, each with its pods.

Their pods are made by the machinery that makes the missing pods of a single cluster, so that names, admission, jobs and
queues are the same; what is added here is which pods are whose.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.model.fleet import FleetWorkload
from yuheng.readers.assembly import Assembly
from yuheng.readers.attempts import forgiving
from yuheng.readers.decoding import without_nulls
from yuheng.readers.fleet.kinds import group_of
from yuheng.readers.fleet.owners import VOLCANO_JOB, Identity, Owners
from yuheng.readers.inventory import Inventory, converted, key_of
from yuheng.readers.objects.pods import PodReader
from yuheng.readers.objects.priorities import Priorities, read_class
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.cluster import Skipped, Snapshot
    from yuheng.model.job import Job
    from yuheng.model.pod import Pod
    from yuheng.readers.workloads.template import MakePod

__all__ = ["Templates", "WrittenWorkload", "pod_maker", "pods_of", "read_workloads"]

VOLCANO: Final = "batch.volcano.sh"
# What a workload is called where its object does not say its version.
VERSIONS: Final[Mapping[str, str]] = {
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "Job": "batch/v1",
    "Pod": "v1",
    "PodGroup": "scheduling.volcano.sh/v1beta1",
    VOLCANO_JOB: f"{VOLCANO}/v1alpha1",
}
# What is no workload of a fleet, and why.
NOT_PLACED: Final[Mapping[str, str]] = {
    "CronJob": "only their Jobs are placed, when they are there",
    "DaemonSet": "they run on every node of whichever cluster has them",
    "Node": "nodes belong to the manifests of a cluster",
}


class Metadata(msgspec.Struct, rename="camel"):
    """What is looked at in the metadata of a workload."""

    name: str = ""
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[dict[str, Any]] | None = None


class Head(msgspec.Struct, rename="camel"):
    """What is looked at in a workload before its pods are made."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: msgspec.Raw = msgspec.Raw()


class Template(msgspec.Struct):
    """A pod template, for its annotations."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)


class TemplateSpec(msgspec.Struct):
    """``spec`` of a workload, for its template."""

    template: Template | None = None


class WrittenWorkload(NamedTuple):
    """A workload, and what was written.

    Attributes:
        workload: with its pods.
        annotations: of the object, and of its template where the object does not have them.
        item: the object.
    """

    workload: FleetWorkload
    annotations: Mapping[str, str]
    item: Item

    @property
    def identity(self) -> Identity:
        """Its kind, with the group where two groups use the name, and its key."""
        return _kind(self.item), self.workload.key


class Templates(NamedTuple):
    """The workloads, and what else the objects at fleet level say.

    Attributes:
        workloads: sorted by key and kind.
        owners: finds the workload of any pod.
        shared: objects that workloads refer to: priority classes, queues and the like.
        skipped: kinds that are not used.
        warnings: what had to be assumed.
    """

    workloads: list[WrittenWorkload]
    owners: Owners
    shared: list[Item]
    skipped: tuple[Skipped, ...]
    warnings: list[str]


def read_workloads(items: Sequence[Item], queues: Iterable[str]) -> Templates:
    """The workloads among these objects.

    Args:
        items: the objects at fleet level.
        queues: names of queues that clusters have, which workloads may name.

    Raises:
        InputError: an object is not what it should be, or a workload is there twice.
    """
    left_out = Counter(item.kind for item in items if item.kind in NOT_PLACED)
    warnings = [
        f"{count} {kind}{'' if count == 1 else 's'} not placed: {NOT_PLACED[kind]}"
        for kind, count in sorted(left_out.items())
    ]
    items = [item for item in items if item.kind not in NOT_PLACED]
    heads = {(kind, key_of(item)): (item, _head(item)) for item in items if (kind := _kind(item)) in VERSIONS}
    snapshot = snapshot_of(items, queues)
    _fold(heads, snapshot)
    owners = Owners(heads)
    pods, strangers = _by_owner(snapshot, owners)
    if strangers:
        warnings.append(f"{strangers} pods with a node are not in the manifests of a cluster: they are not placed")
    jobs = {job.key: job for job in snapshot.jobs}
    found = [
        WrittenWorkload(_workload(kind, key, item, head, pods.get((kind, key), ()), jobs), _annotations(head), item)
        for (kind, key), (item, head) in sorted(heads.items(), key=lambda entry: (entry[0][1], entry[0][0]))
    ]
    shared = [item for item in items if _kind(item) not in VERSIONS]
    return Templates(found, owners, shared, snapshot.skipped, [*warnings, *snapshot.warnings])


def snapshot_of(items: Iterable[Item], queues: Iterable[str]) -> Snapshot:
    """Objects as the state of a cluster that has nothing but these queues.

    Raises:
        InputError: an object is not what it should be.
    """
    inventory = Inventory()
    inventory.add(items)
    known = {key_of(item) for item in inventory.of("Queue", "ClusterQueue")}
    inventory.add(_queue(name) for name in sorted(set(queues) - known))
    return Assembly(inventory).snapshot()


def pods_of(items: Iterable[Item], owners: Owners, queues: Iterable[str]) -> dict[Identity, list[Pod]]:
    """The pending pods of these workloads, by kind and key.

    Args:
        items: the workloads, and what they refer to.
        owners: finds the workload of a pod.
        queues: names of queues that clusters have.

    Raises:
        InputError: an object is not what it should be.
    """
    return _by_owner(snapshot_of(items, queues), owners)[0]


def pod_maker(items: Iterable[Item]) -> MakePod:
    """What makes pods of manifests, with the priority classes among these objects.

    Raises:
        InputError: a priority class is not what it should be.
    """
    classes = (item for item in items if item.kind == "PriorityClass")
    reader = PodReader(Priorities(converted(item, read_class) for item in classes))

    def made(manifest: Mapping[str, Any]) -> Pod:
        return forgiving(reader.read_manifest, msgspec.json.encode(manifest))

    return made


def _queue(name: str) -> Item:
    version = "scheduling.volcano.sh/v1beta1"
    text = {"apiVersion": version, "kind": "Queue", "metadata": {"name": name}, "spec": {}}
    return Item("<fleet>", 1, "Queue", version, msgspec.Raw(msgspec.json.encode(text)))


def _kind(item: Item) -> str:
    """The kind of an object, with its group where two groups use the name."""
    return VOLCANO_JOB if item.kind == "Job" and group_of(item) == VOLCANO else item.kind


def _head(item: Item) -> Head:
    """The metadata of a workload.

    Raises:
        InputError: they are not what they should be, such as an annotation that is no text.
    """
    try:
        return msgspec.json.decode(item.text, type=Head)
    except msgspec.ValidationError:
        return converted(item, _head_without_nulls)


def _head_without_nulls(text: bytes | msgspec.Raw) -> Head:
    return msgspec.convert(without_nulls(msgspec.json.decode(text)), Head)


def _fold(heads: dict[Identity, tuple[Item, Head]], snapshot: Snapshot) -> None:
    """Leave out what is part of another workload, or not to be placed: what remains has pods of its own."""
    groups = {job.key for job in snapshot.jobs if job.kind == "PodGroup"}
    # A group whose pods have controllers is no workload, but what binds theirs together.
    alone = {pod.job for pod in snapshot.pods if pod.owner is None and pod.job in groups}
    for kind, key in list(heads):
        owners = heads[kind, key][1].metadata.owner_references or ()
        if kind == "ReplicaSet":
            parents = (("Deployment", f"{key.partition('/')[0]}/{owner.get('name')}") for owner in owners)
            is_part = any(parent in heads for parent in parents)
        else:
            is_part = kind == "PodGroup" and key not in alone
        if is_part:
            del heads[kind, key]
    controllers = Owners(identity for identity in heads if identity[0] != "Pod")
    pods = {pod.key: pod for pod in snapshot.pods}
    for identity in [identity for identity in heads if identity[0] == "Pod"]:
        pod = pods.get(identity[1])
        if pod is None or pod.node is not None or controllers.of(pod) is not None:
            del heads[identity]


def _by_owner(snapshot: Snapshot, owners: Owners) -> tuple[dict[Identity, list[Pod]], int]:
    """The pending pods of each workload, and how many pods have a node."""
    found: defaultdict[Identity, list[Pod]] = defaultdict(list)
    strangers = 0
    for pod in snapshot.pods:
        if pod.node is not None:
            strangers += 1
        elif (identity := owners.of(pod)) is not None:
            found[identity].append(pod)
    return found, strangers


def _workload(
    kind: str, key: str, item: Item, head: Head, pods: Sequence[Pod], jobs: Mapping[str, Job]
) -> FleetWorkload:
    job = next((jobs[pod.job] for pod in pods if pod.job in jobs), None)
    is_gang = kind in (VOLCANO_JOB, "PodGroup") or (job is not None and job.kind == "PodGroup")
    return FleetWorkload(
        key=key,
        kind=item.kind.partition(".")[0],
        api_version=item.api_version or VERSIONS[kind],
        labels=head.metadata.labels or {},
        pods=tuple(pods),
        divisible=not is_gang,
        job=job,
        source=item.source,
    )


def _annotations(head: Head) -> dict[str, str]:
    """Annotations of the template, and of the object, which win."""
    own = head.metadata.annotations or {}
    try:
        spec = msgspec.json.decode(head.spec, type=TemplateSpec) if head.spec else TemplateSpec()
    except msgspec.ValidationError:
        return own
    template = spec.template.metadata.annotations if spec.template else None
    return {**(template or {}), **own}
