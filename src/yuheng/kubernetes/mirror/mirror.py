"""The mirror: the cluster as it was told of, from which snapshots are taken and changes are told.

Pods and nodes are turned into those of the model the moment they arrive, and only they are kept. Of other kinds the few
fields that are read are kept as text, and are put together with the same code that reads files: what a live decision
sees is what ``yuheng plan`` would see of the same objects.

What is decided here is known before the API server tells of it: a pod that a node was chosen for is *assumed* to be
there, until its binding is confirmed or has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from yuheng.errors import InputError
from yuheng.kubernetes.mirror.claims import with_places
from yuheng.kubernetes.mirror.known import Known, Marks, marks_of
from yuheng.kubernetes.mirror.sinks import SOURCE, Watched, item_of, key_of
from yuheng.kubernetes.watching.listed import Listed
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.live import Came, Change, Went
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.attempts import forgiving
from yuheng.readers.inventory import DOUBLE, subject_of
from yuheng.readers.live import assembled
from yuheng.readers.objects.nodes import NodeReader
from yuheng.readers.objects.pods import PodReader
from yuheng.readers.objects.priorities import Priorities
from yuheng.readers.objects.selecting import read_budget
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Kind

__all__ = ["Mirror"]

# Pods that one reader reads: what pods have in common it remembers for good, so it is replaced now and then.
READ_BY_ONE: Final = 200_000
_log = structlog.get_logger("yuheng.mirror")
BUDGET: Final = "PodDisruptionBudget"
GROUP: Final = "PodGroup"
# How kinds are called that are not of the core.
_OWN: Final = {
    "StorageClass": "StorageClass.storage.k8s.io",
    BUDGET: f"{BUDGET}.policy",
    GROUP: f"{GROUP}.scheduling.volcano.sh",
    # Those of the core's group are not watched.
    "Job": "Job.batch.volcano.sh",
}


class Mirror:
    """A cluster.

    Attributes:
        name: of the scheduler whose pods wait here.
        pods: all pods that exist, by ``namespace/name``.
        nodes: all nodes, by name.
        stale: why the cluster has to be compiled anew; empty while it has not.
        guarded: whether disruption budgets changed since they were taken.
        closed: nodes that were changed or taken away since: nothing may be placed there until then.
        problems: objects that cannot be read, and why.
    """

    def __init__(self, name: str, bell: Callable[[], object] = lambda: None) -> None:
        """Begin with nothing.

        Args:
            name: of the scheduler whose pods wait here.
            bell: is rung whenever something is told.
        """
        self.name = name
        self._bell = bell
        self.pods: dict[str, Known] = {}
        self.nodes: dict[str, Node] = {}
        self.stale: set[str] = {"start"}
        self.closed: set[str] = set()
        self.problems: dict[str, str] = {}
        self._waiting: set[str] = set()
        self._seated: dict[str, Pod] = {}
        self._assumed: dict[str, Pod] = {}
        self._changes: list[Change] = []
        self._items: dict[str, dict[str, Item]] = {}
        self._touched: set[str] = set()
        # Objects that cannot be used, as errors name them.
        self._excluded: set[str] = set()
        self.guarded = False
        self._renew_readers()

    def _renew_readers(self) -> None:
        self._read = 0
        self._pod_reader = PodReader(Priorities())
        self._node_reader = NodeReader()

    def sink(self, kind: Kind, watched: Watched | None = None) -> Listed:
        """Where what is told of a kind is put.

        Args:
            kind: the kind.
            watched: how it is kept, for all but pods and nodes.
        """
        if kind.name == "pods":
            return Listed(self.put_pod, self.drop_pod, key_of)
        if kind.name == "nodes":
            return Listed(self.put_node, self.drop_node, key_of)
        if watched is None:
            raise ValueError(f"{kind.name}: nothing says how it is kept")

        def take(raw: msgspec.Raw) -> str:
            key = key_of(raw)
            self.put_item(watched, key, item_of(raw, watched, kind.api_version))
            return key

        return Listed(take, lambda key: self.drop_item(watched, key), key_of)

    # Pods.

    def put_pod(self, raw: msgspec.Raw) -> str:
        """A pod is there; its key."""
        marks = marks_of(raw)
        key = marks.key
        known = self.pods.get(key)
        if known is not None and known.uid != marks.metadata.uid:
            self.drop_pod(key)
            known = None
        before, known = known, self._known(marks, raw)
        if before is not None and key in self._waiting:
            known.is_changed = before.is_changed or _sees(before) != _sees(known)
        self.pods[key] = known
        self._touched.add(key)
        self._sort_in(known, marks)
        self._bell()
        return key

    def _known(self, marks: Marks, raw: msgspec.Raw) -> Known:
        pod, problem = None, ""
        if not marks.is_over:
            try:
                pod = self._converted(raw)
            except InputError as error:
                problem = str(error)
        return Known(
            key=marks.key,
            uid=marks.metadata.uid,
            pod=pod,
            scheduler=marks.spec.scheduler_name,
            told=marks.told(),
            nominated=(marks.status.nominated_node_name or "") if marks.status else "",
            gated=bool(marks.spec.scheduling_gates),
            problem=problem,
            by_milli=marks.by_milli,
            group=marks.group,
            text=bytes(raw) if marks.belongs else b"",
        )

    def _converted(self, raw: msgspec.Raw) -> Pod | None:
        if self._read >= READ_BY_ONE:
            self._renew_readers()
        self._read += 1
        return forgiving(self._pod_reader.read, raw)

    def _sort_in(self, known: Known, marks: Marks) -> None:
        """See whether a pod is on a node, waits, or is of no concern."""
        key, pod = known.key, known.pod
        if pod is not None and pod.node is not None:
            self._waiting.discard(key)
            self._assumed.pop(key, None)
            known.pod = pod = _with_devices(pod, self._seated.get(key))
            self._seat(key, pod)
            return
        if known.problem and marks.spec.node_name:
            # What it holds is not known: nothing more is placed beside it.
            self._note_problem(f"Pod {key}", known.problem)
            self.closed.add(marks.spec.node_name)
        if pod is not None and key in self._assumed:
            return
        self._unseat(key)
        waits = not marks.is_over and known.scheduler == self.name
        (self._waiting.add if waits else self._waiting.discard)(key)

    def drop_pod(self, key: str) -> None:
        """A pod is there no longer."""
        self.pods.pop(key, None)
        self.problems.pop(f"Pod {key}", None)
        self._waiting.discard(key)
        self._assumed.pop(key, None)
        self._touched.add(key)
        self._unseat(key)
        self._bell()

    def _seat(self, key: str, pod: Pod) -> None:
        before = self._seated.get(key)
        self._seated[key] = pod
        if before is not None and _same_seat(before, pod):
            return
        if before is not None:
            self._changes.append(Went(key))
        self._changes.append(Came(pod))

    def _unseat(self, key: str) -> None:
        if self._seated.pop(key, None) is not None:
            self._changes.append(Went(key))

    def assume(self, key: str, pod: Pod) -> None:
        """A node was chosen for a pod by the engine, which counts it there already.

        Args:
            key: the pod.
            pod: the same, with its node and its devices.
        """
        self._assumed[key] = self._seated[key] = pod
        self._waiting.discard(key)

    def is_there(self, key: str, uid: str) -> bool:
        """Whether this very pod exists."""
        known = self.pods.get(key)
        return known is not None and known.uid == uid

    def forget(self, key: str, uid: str) -> None:
        """The binding of this very pod has failed: it waits again, if it is still there."""
        if not self.is_there(key, uid) or self._assumed.pop(key, None) is None:
            return
        self._unseat(key)
        known = self.pods.get(key)
        if known is not None and known.scheduler == self.name and (known.pod is not None or known.problem):
            self._waiting.add(key)
        self._touched.add(key)

    @property
    def assumed(self) -> int:
        """How many pods are assumed to be on nodes."""
        return len(self._assumed)

    def is_assumed(self, key: str) -> bool:
        """Whether a node was chosen for a pod whose binding nobody has confirmed yet."""
        return key in self._assumed

    def is_waiting(self, key: str) -> bool:
        """Whether a pod waits for this scheduler, and no node was chosen for it."""
        return key in self._waiting

    def running(self) -> Iterable[Known]:
        """The pods that are on nodes, or are assumed to be."""
        return (self.pods[key] for key in self._seated if key in self.pods)

    def waiting(self) -> Iterable[Known]:
        """The pods that wait for this scheduler."""
        return (self.pods[key] for key in self._waiting)

    def touched(self) -> set[str]:
        """The pods that something was told of since the last call."""
        found, self._touched = self._touched, set()
        return found

    # Nodes.

    def put_node(self, raw: msgspec.Raw) -> str:
        """A node is there; its name."""
        try:
            node = forgiving(self._node_reader.read, raw)
        except InputError as error:
            name = msgspec.json.decode(raw, type=_Named).metadata.name
            self._note_problem(f"Node {name}", str(error))
            self.drop_node(name)
            return name
        self.problems.pop(f"Node {node.name}", None)
        before = self.nodes.get(node.name)
        self.nodes[node.name] = node
        if before != node:
            self._include(f"Node {node.name}")
        if before is None:
            self.stale.add("a node came")
        elif _without_images(before) != _without_images(node):
            self.stale.add("a node changed")
            self.closed.add(node.name)
        if self.stale:
            self._bell()
        return node.name

    def drop_node(self, name: str) -> None:
        """A node is there no longer."""
        if self.nodes.pop(name, None) is not None:
            self.stale.add("a node went")
            self.closed.add(name)
            self._bell()

    # What is left.

    def put_item(self, watched: Watched, key: str, item: Item) -> None:
        """An object of another kind is there."""
        items = self._items.setdefault(_full_name(watched, item), {})
        before = items.get(key)
        items[key] = item
        if before is None or bytes(before.text) != bytes(item.text):
            self._include(_subject(item))
            self.guarded |= watched.kind == BUDGET
        if watched.counts and (before is None or bytes(before.text) != bytes(item.text)):
            self.stale.add(f"a {watched.kind} changed")
            self._bell()

    def drop_item(self, watched: Watched, key: str) -> None:
        """An object of another kind is there no longer."""
        for items in self._items.values():
            item = items.get(key)
            if item is not None and item.kind == watched.kind:
                del items[key]
                self.guarded |= watched.kind == BUDGET
                if watched.counts:
                    self.stale.add(f"a {watched.kind} went")
                    self._bell()

    def item(self, kind: str, key: str) -> Item | None:
        """An object of another kind, as far as it is kept.

        Args:
            kind: of Kubernetes' own, such as ``StorageClass``.
            key: ``namespace/name``; the name alone where it is in no namespace.
        """
        return self._items.get(_OWN.get(kind, f"{kind}."), {}).get(key)

    def lacks_group(self, known: Known) -> bool:
        """Whether a pod belongs to a PodGroup that nothing was told of."""
        return bool(known.group) and self.item(GROUP, known.group) is None

    def items(self, kind: str) -> list[Item]:
        """All objects of another kind, as `item`."""
        return list(self._items.get(_OWN.get(kind, f"{kind}."), {}).values())

    # What is taken.

    def changes(self) -> list[Change]:
        """What changed on nodes since the last call."""
        found, self._changes = self._changes, []
        return found

    def budgets(self) -> tuple[PodDisruptionBudget, ...]:
        """All disruption budgets as they are; those that cannot be read are among the `problems`."""
        self.guarded = False
        found = []
        for item in self.items(BUDGET):
            try:
                budget = forgiving(read_budget, item.text)
            except InputError as error:
                self.problems[f"{BUDGET} {error.subject}"] = str(error)
                continue
            if budget is not None:
                found.append(budget)
        return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))

    def snapshot(self) -> Snapshot:
        """The whole cluster as it is known: what changed before is in it, and is not told again.

        An object that contradicts others is left out, and told among the `problems`, until it changes.

        Raises:
            InputError: objects contradict each other, and it is no single one's fault.
        """
        self.stale.clear()
        self.closed.clear()
        self._changes.clear()
        self.guarded = False
        while True:
            try:
                return self._assembled()
            except InputError as error:
                if not self.leave_out(error):
                    raise

    def _note_problem(self, subject: str, problem: str) -> None:
        if self.problems.get(subject) != problem:
            self.problems[subject] = problem
            _log.error("an object cannot be read", object=subject, problem=problem)

    def leave_out(self, error: InputError) -> bool:
        """Leave out the object that an error is about, until it or what is beside the pods changes; whether it can be.

        A node that is left out takes its pods with it; a pod that runs still holds no room, and its node gets no other.
        """
        kind, _, key = error.subject.partition(" ")
        if not key or error.subject in self._excluded:
            return False
        if error.subject not in self.problems:
            self.problems[error.subject] = str(error)
            _log.error("an object cannot be used, and is left out", object=error.subject, problem=str(error))
        self._excluded.add(error.subject)
        known = self.pods.get(key) if kind == "Pod" else None
        if known is not None:
            known.problem = str(error)
            self._touched.add(key)
        return True

    def _include(self, subject: str = "") -> None:
        """An object changed: it may be in order by now, and so may pods that were not because of it."""
        for one in [one for one in self._excluded if one == subject or (subject and one.startswith("Pod "))]:
            self._excluded.discard(one)
            self.problems.pop(one, None)
            known = self.pods.get(one.removeprefix("Pod ")) if one.startswith("Pod ") else None
            if known is not None and known.pod is not None:
                known.problem, known.is_changed = "", True
                self._touched.add(known.key)

    def _assembled(self) -> Snapshot:
        wanted = self._waiting
        nodes = [node for name, node in self.nodes.items() if f"Node {name}" not in self._excluded]
        names = {node.name for node in nodes}
        out = self._excluded
        running = [pod for pod in self._seated.values() if pod.node in names and f"Pod {pod.key}" not in out]
        plain = [pod for pod in running if not self._text_of(pod.key)]
        belonging = [self._text_of(pod.key) for pod in running if self._text_of(pod.key)]
        for known in self.pods.values():
            if known.key not in wanted and (known.pod is not None or not known.text):
                continue
            if f"Pod {known.key}" in self._excluded:
                continue
            if known.text:
                belonging.append(known.text)
            elif known.pod is not None and not known.problem:
                plain.append(known.pod)
        items = [
            item
            for items in self._items.values()
            for item in items.values()
            if not (self._excluded and _subject(item) in self._excluded)
        ]
        items = with_places(items)
        items += [Item(SOURCE, 0, "Pod", "v1", msgspec.Raw(text)) for text in belonging]
        return assembled(items, nodes, plain, self._assumed)

    def _text_of(self, key: str) -> bytes:
        known = self.pods.get(key)
        return known.text if known is not None else b""


class _Metadata(msgspec.Struct):
    name: str = ""


class _Named(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def _subject(item: Item) -> str:
    """An object as errors name it."""
    full = _full_name_of(item.kind, item)
    return subject_of(msgspec.structs.replace(item, kind=full) if full in DOUBLE else item)


def _full_name(watched: Watched, item: Item) -> str:
    return _full_name_of(watched.kind, item)


def _full_name_of(kind: str, item: Item) -> str:
    return f"{kind}.{item.api_version.rpartition('/')[0]}"


def _with_devices(pod: Pod, before: Pod | None) -> Pod:
    """A running pod with the GPUs that were chosen for it, where its object does not tell of them."""
    if before is None or pod.device_indices or before.node != pod.node or not before.device_indices:
        return pod
    told: Pod = msgspec.structs.replace(pod, device_indices=before.device_indices)
    return told


def _same_seat(one: Pod, other: Pod) -> bool:
    """Whether two states of a running pod are the same to others."""
    return (
        one.node == other.node
        and one.spec == other.spec
        and one.labels == other.labels
        and one.priority == other.priority
        and one.terminating == other.terminating
        and one.device_indices == other.device_indices
        and one.owner == other.owner
    )


def _sees(known: Known) -> tuple[Pod | None, bool, str]:
    """What decisions on a pod that waits rest on."""
    return known.pod, known.gated, known.problem


def _without_images(node: Node) -> Node:
    """A node without the images it has: kubelets tell of each they pull, and it is little that they decide."""
    bare: Node = msgspec.structs.replace(node, images=())
    return bare
