"""What was read, sorted by kind: known kinds for their readers, unknown ones counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.cluster import Skipped
from yuheng.readers.attempts import forgiving
from yuheng.readers.sources.documents import VOLCANO_CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from yuheng.readers.sources.documents import Item

__all__ = ["DOUBLE", "Inventory", "converted", "key_of", "subject_of"]

T = TypeVar("T")
# The kinds that are used, and the API groups that may define them.
GROUPS: Final = {
    "ClusterQueue": ("kueue.x-k8s.io",),
    "Cohort": ("kueue.x-k8s.io",),
    "ConfigMap": ("",),
    "CronJob": ("batch",),
    "DaemonSet": ("apps", "extensions"),
    "Deployment": ("apps", "extensions"),
    "HyperNode": ("topology.volcano.sh",),
    "Job": ("batch",),
    "Job.batch.volcano.sh": (),
    "LocalQueue": ("kueue.x-k8s.io",),
    "Namespace": ("",),
    "Node": ("",),
    "PersistentVolume": ("",),
    "PersistentVolumeClaim": ("",),
    "Pod": ("",),
    "PodDisruptionBudget": ("policy",),
    "PodGroup": ("scheduling.volcano.sh",),
    "PriorityClass": ("scheduling.k8s.io",),
    "Queue": ("scheduling.volcano.sh",),
    "ReplicaSet": ("apps", "extensions"),
    "ReplicationController": ("",),
    "Service": ("",),
    "StatefulSet": ("apps",),
    VOLCANO_CONFIGURATION: (),
}
CLUSTER_WIDE: Final = (
    "ClusterQueue",
    "Cohort",
    "HyperNode",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "Queue",
)
# Kinds whose name another group has taken: they are called by both.
DOUBLE: Final = frozenset(("Job.batch.volcano.sh",))


class Inventory:
    """The objects of the input."""

    def __init__(self) -> None:
        self._by_kind: dict[str, list[Item]] = {kind: [] for kind in GROUPS}
        self._skipped: Counter[str] = Counter()
        self._claimed: dict[tuple[str, str], Item] = {}
        self._captured: set[str] = set()
        self._is_written = False

    def add(self, items: Iterable[Item]) -> None:
        """Take objects in; those of a kind that is not used are only counted."""
        for item in items:
            if item.captured:
                self._captured.add(item.source)
            else:
                self._is_written = True
            groups = GROUPS.get(item.kind)
            group = item.api_version.rpartition("/")[0]
            if groups is None:
                self._skipped[item.kind] += 1
            elif (full := f"{item.kind}.{group}") in DOUBLE:
                self._by_kind[full].append(msgspec.structs.replace(item, kind=full))
            elif item.api_version and group not in groups:
                self._skipped[f"{item.kind}.{group}" if group else item.kind] += 1
            else:
                self._by_kind[item.kind].append(item)

    def skip(self, item: Item) -> None:
        """Count an object that turned out to be of no use."""
        self._skipped[item.kind] += 1

    def is_captured(self, source: str) -> bool:
        """Whether what is wrong there is a live cluster's, and not that of a file that somebody wrote.

        Args:
            source: of objects; empty where it is not known: then all of them have to be captured.
        """
        return source in self._captured if source else bool(self._captured) and not self._is_written

    def of(self, *kinds: str) -> list[Item]:
        """The objects of these kinds, in the order of the input."""
        return [item for kind in kinds for item in self._by_kind[kind]]

    def is_first(self, item: Item, key: str) -> bool:
        """Whether an object is the first of its name, or the same one once more.

        Args:
            item: the object.
            key: its name, with its namespace if it has one.

        Raises:
            InputError: another object has the same name.
        """
        first = self._claimed.setdefault((item.kind, key), item)
        if first is item:
            return True
        uid = _uid(item)
        if uid and uid == _uid(first):
            return False
        if item.captured and not first.captured:
            # Whoever wrote the other one is there to mend it.
            item, first = first, item
        raise InputError(
            f"a second {item.kind} of this name (the first: {first.place()})",
            "one object of a name",
            source=item.source,
            subject=f"{item.kind} {key}",
        )

    def skipped(self) -> tuple[Skipped, ...]:
        """The kinds that are not used, sorted, with how many objects there were of each."""
        return tuple(Skipped(kind, count) for kind, count in sorted(self._skipped.items()))


def converted(item: Item, convert: Callable[[bytes | msgspec.Raw], T]) -> T:
    """Convert an object; an error says which one it was.

    Raises:
        InputError: the object is not what it should be.
    """
    try:
        return forgiving(convert, item.text)
    except InputError as error:
        raise error.at(source=item.source, subject=subject_of(item)) from error.__cause__


def subject_of(item: Item) -> str:
    """The object in words: ``Pod default/web-0``, or ``Pod, item 3`` when it has no name."""
    key = key_of(item)
    return f"{item.kind} {key}" if key else f"{item.kind}, item {item.position}"


def key_of(item: Item) -> str:
    """``namespace/name`` of an object, or the name alone where a kind knows no namespaces; else empty."""
    metadata = _metadata(item)
    name, namespace = metadata.get("name"), metadata.get("namespace") or "default"
    if not isinstance(name, str) or not name:
        return ""
    return name if item.kind in CLUSTER_WIDE else f"{namespace}/{name}"


def _metadata(item: Item) -> dict[str, Any]:
    try:
        metadata = msgspec.json.decode(item.text).get("metadata")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _uid(item: Item) -> object:
    return _metadata(item).get("uid")
