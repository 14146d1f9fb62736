"""The mirror: the cluster as it was told of, from which snapshots are taken and changes are told.

Pods and nodes are turned into those of the model the moment they arrive, and only they are kept; to which jobs pods
belong is seen anew in each snapshot. Of other kinds the few fields that are read are kept as text, and are put together
with the same code that reads files: what a live decision sees is what ``yuheng plan`` would see of the same objects.

What is decided here is known before the API server tells of it: a pod that a node was chosen for is *assumed* to be
there, until its binding is confirmed or has failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.mirror.items import BUDGET, GROUP, Items, spoken
from yuheng.kubernetes.mirror.known import Known, Marks, marks_of
from yuheng.kubernetes.mirror.problems import Problems
from yuheng.kubernetes.mirror.sameness import offers_the_same, same_seat, says_the_same, sees_the_same, with_devices
from yuheng.kubernetes.mirror.sinks import Watched, item_of, key_of, tolerant
from yuheng.kubernetes.mirror.state import State
from yuheng.kubernetes.watching.listed import Listed
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.live import Came, Change, Went
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.attempts import forgiving
from yuheng.readers.batch.members import Member
from yuheng.readers.live import Assembled
from yuheng.readers.objects.nodes import NodeReader
from yuheng.readers.objects.pods import PodReader
from yuheng.readers.objects.priorities import Priorities
from yuheng.readers.objects.selecting import read_budget
from yuheng.readers.refusing import readable
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Kind

__all__ = ["Mirror"]

# Of what pods have in common so much is met, beside half as much as there are pods, before old things are forgotten.
MOST_MET: Final = 5_000


class Mirror:
    """A cluster.

    Attributes:
        name: of the scheduler whose pods wait here.
        pods: all pods that exist, by ``namespace/name``.
        nodes: all nodes, by name.
        stale: why the cluster has to be compiled anew; empty while it has not.
        guarded: whether disruption budgets changed since they were taken.
        closed: nodes that were changed or taken away since: nothing may be placed there until then.
        problems: objects that cannot be used, and why, as errors name them.
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
        self._waiting: set[str] = set()
        self._seated: dict[str, Pod] = {}
        self._assumed: dict[str, Pod] = {}
        self._changes: list[Change] = []
        self._items = Items()
        self._touched: set[str] = set()
        self._problems = Problems()
        # Objects that the engine could not use, and those that contradicted others in the last snapshot.
        self._excluded: set[str] = set()
        self._contradicting: set[str] = set()
        # The nodes of pods that run and cannot be read; and pods that have ended and belong to a job.
        self._unread: dict[str, str] = {}
        self._ended: dict[str, Member] = {}
        self.guarded = False
        self._pod_reader = PodReader(Priorities())
        self._node_reader = NodeReader()
        # How much the reader of pods remembered when it last forgot something.
        self._remembered = 0

    @property
    def problems(self) -> dict[str, str]:
        """Objects that cannot be used, and why, as errors name them."""
        return self._problems.found

    def unreadable(self) -> dict[str, int]:
        """How many objects cannot be used, by kind."""
        return self._problems.by_kind()

    def sink(self, kind: Kind, watched: Watched | None = None) -> Listed:
        """Where what is told of a kind is put.

        Args:
            kind: the kind.
            watched: how it is kept, for all but pods and nodes.
        """
        if kind.name == "pods":
            return Listed(tolerant("Pod", self.put_pod, self._problems.note), self.drop_pod, key_of)
        if kind.name == "nodes":
            return Listed(self.put_node, self.drop_node, key_of)
        if watched is None:
            raise ValueError(f"{kind.name}: nothing says how it is kept")

        def take(raw: msgspec.Raw) -> str:
            key = key_of(raw)
            self.put_item(watched, key, forgiving(lambda text: item_of(text, watched, kind.api_version), raw))
            return key

        passing_over = tolerant(spoken(watched, kind.api_version), take, self._problems.note)
        return Listed(passing_over, lambda key: self.drop_item(watched, key), key_of)

    # Pods.

    def put_pod(self, raw: msgspec.Raw) -> str:
        """A pod is there; its key."""
        marks = forgiving(marks_of, raw)
        key = marks.key
        known = self.pods.get(key)
        if known is not None and known.uid != marks.metadata.uid:
            self.drop_pod(key)
            known = None
        before, known = known, self._known(marks, raw)
        if before is not None and before.problem and before.pod is not None and says_the_same(before, known):
            # What it contradicts is known still.
            known.problem = before.problem
        elif not known.problem:
            self._excluded.discard(f"Pod {key}")
            self._problems.forget(f"Pod {key}")
        if before is not None and key in self._waiting:
            known.is_changed = before.is_changed or not sees_the_same(before, known)
        self.pods[key] = known
        self._touched.add(key)
        self._sort_in(known, marks)
        self._bell()
        return key

    def _known(self, marks: Marks, raw: msgspec.Raw) -> Known:
        pod, member, problem = None, None, ""
        if not marks.is_over or marks.belongs:
            try:
                pod, member = self._converted(raw, belongs=marks.belongs)
            except InputError as error:
                # What has ended need not be in order.
                problem = "" if marks.is_over else str(error)
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
            member=member,
        )

    def _converted(self, raw: msgspec.Raw, *, belongs: bool) -> tuple[Pod | None, Member | None]:
        if len(self._pod_reader) - self._remembered > MOST_MET + len(self.pods) // 2:
            self._pod_reader.forget({id(one.pod.spec) for one in self.pods.values() if one.pod is not None})
            self._remembered = len(self._pod_reader)
            self._node_reader = NodeReader()
        return forgiving(self._pod_reader.read_apart, raw) if belongs else (forgiving(self._pod_reader.read, raw), None)

    def _sort_in(self, known: Known, marks: Marks) -> None:
        """See whether a pod is on a node, waits, or is of no concern."""
        key, pod = known.key, known.pod
        self._note_reading(known, marks)
        if pod is not None and pod.node is not None:
            self._waiting.discard(key)
            self._assumed.pop(key, None)
            known.pod = pod = with_devices(pod, self._seated.get(key))
            self._seat(key, pod)
            return
        if pod is not None and key in self._assumed:
            return
        self._unseat(key)
        waits = not marks.is_over and not marks.spec.node_name and known.scheduler == self.name
        (self._waiting.add if waits else self._waiting.discard)(key)

    def _note_reading(self, known: Known, marks: Marks) -> None:
        """Keep what follows from whether a pod could be read, and whether it has ended."""
        key = known.key
        self._ended.pop(key, None)
        if known.member is not None and known.member.ended:
            self._ended[key] = known.member
        self._read_by_now(key)
        if known.problem and known.pod is None:
            self._problems.note(f"Pod {key}", known.problem)
            if marks.spec.node_name:
                # What it holds is not known: nothing more is placed beside it.
                self._unread[key] = marks.spec.node_name
                self.closed.add(marks.spec.node_name)

    def _read_by_now(self, key: str) -> None:
        """It is known what a pod holds, so that its node may be opened again."""
        if self._unread.pop(key, None) is not None:
            self.stale.add("a pod that could not be read changed")

    def drop_pod(self, key: str) -> None:
        """A pod is there no longer."""
        self.pods.pop(key, None)
        self._ended.pop(key, None)
        self._read_by_now(key)
        self._excluded.discard(f"Pod {key}")
        self._problems.forget(f"Pod {key}")
        self._waiting.discard(key)
        self._assumed.pop(key, None)
        self._touched.add(key)
        self._unseat(key)
        self._bell()

    def _seat(self, key: str, pod: Pod) -> None:
        before = self._seated.get(key)
        self._seated[key] = pod
        if before is not None and same_seat(before, pod):
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
            name = key_of(raw)
            self.drop_node(name)
            self._problems.note(f"Node {name}", str(error))
            return name
        before = self.nodes.get(node.name)
        self.nodes[node.name] = node
        if before != node:
            self._include("Node", node.name)
        if before is None:
            self.stale.add("a node came")
        elif not offers_the_same(before, node):
            self.stale.add("a node changed")
            self.closed.add(node.name)
        if self.stale:
            self._bell()
        return node.name

    def drop_node(self, name: str) -> None:
        """A node is there no longer."""
        self._excluded.discard(f"Node {name}")
        self._problems.forget(f"Node {name}")
        if self.nodes.pop(name, None) is not None:
            self.stale.add("a node went")
            self.closed.add(name)
            self._bell()

    # What is left.

    def put_item(self, watched: Watched, key: str, item: Item) -> None:
        """An object of another kind is there."""
        if self._items.put(watched, key, item):
            self._changed(watched, spoken(watched, item.api_version), key, "changed")

    def drop_item(self, watched: Watched, key: str) -> None:
        """An object of another kind is there no longer."""
        item = self._items.drop(watched, key)
        if item is not None:
            self._changed(watched, spoken(watched, item.api_version), key, "went")

    def _changed(self, watched: Watched, kind: str, key: str, how: str) -> None:
        self._include(kind, key)
        self.guarded |= watched.kind == BUDGET
        if watched.counts:
            self.stale.add(f"a {watched.kind} {how}")
        if watched.counts or self.guarded:
            self._bell()

    def item(self, kind: str, key: str) -> Item | None:
        """An object of another kind, as far as it is kept.

        Args:
            kind: of Kubernetes' own, such as ``StorageClass``.
            key: ``namespace/name``; the name alone where it is in no namespace.
        """
        return self._items.get(kind, key)

    def lacks_group(self, known: Known) -> bool:
        """Whether a pod belongs to a PodGroup that nothing was told of."""
        return bool(known.group) and self.item(GROUP, known.group) is None

    def problem_of_group(self, known: Known) -> str:
        """Why the PodGroup of a pod cannot be used; empty where it can, or there is none."""
        return self.problems.get(f"{GROUP} {known.group}", "") if known.group else ""

    def items(self, kind: str) -> list[Item]:
        """All objects of another kind, as `item`."""
        return self._items.of(kind)

    def version(self, kind: str) -> int:
        """A number that grows whenever an object of another kind changes, comes or goes."""
        return self._items.version(kind)

    # What is taken.

    def changes(self) -> list[Change]:
        """What changed on nodes since the last call."""
        found, self._changes = self._changes, []
        return found

    def budgets(self) -> tuple[PodDisruptionBudget, ...]:
        """All disruption budgets as they are; those that cannot be read are among the `problems`."""
        self.guarded = False

        def refuse(error: InputError) -> None:
            self._problems.note(error.subject, str(error))

        found = (budget for _, budget in readable(self.items(BUDGET), read_budget, refuse) if budget is not None)
        return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))

    async def snapshot(self) -> Snapshot:
        """The whole cluster as it is known now: what changed before is in it, and is not told again.

        It is put together in a thread of its own, so that the event loop does not stand still. Objects that contradict
        others are left out, and told among the `problems`, as long as they do.

        Raises:
            InputError: objects contradict each other, and it is no single one's fault.
        """
        state, waiting = self.state(), self._as_waiting()
        return self._taken(await asyncio.to_thread(state.put_together), waiting)

    def _as_waiting(self) -> dict[str, Known]:
        """The pods that wait, as they are now."""
        return {key: self.pods[key] for key in self._waiting}

    def state(self) -> State:
        """All that is known, to be put together: what changed before is in it, and is not told again."""
        self.stale.clear()
        self.closed.clear()
        self._changes.clear()
        self.guarded = False
        nodes = [node for name, node in self.nodes.items() if f"Node {name}" not in self._excluded]
        return State(
            nodes,
            self._closed_for_good(),
            self._all_pods({node.name for node in nodes}),
            self._items.without(self._excluded),
        )

    def _closed_for_good(self) -> frozenset[str]:
        """The nodes on which a pod runs of which it is not known what it holds."""
        excluded = (self._seated.get(one.removeprefix("Pod ")) for one in self._excluded if one.startswith("Pod "))
        return frozenset(self._unread.values()) | {pod.node for pod in excluded if pod is not None and pod.node}

    def _all_pods(self, nodes: set[str]) -> list[tuple[Pod | None, Member | None]]:
        """The pods that run or wait, those that have ended for their jobs, and what tells where they belong."""
        pods, out = self.pods, {one.removeprefix("Pod ") for one in self._excluded if one.startswith("Pod ")}
        found: list[tuple[Pod | None, Member | None]] = [
            (pod, pods[key].member if key in pods else None)
            for key, pod in self._seated.items()
            if pod.node in nodes and key not in out
        ]
        waiting = (pods[key] for key in self._waiting if key not in out)
        found += [(known.pod, known.member) for known in waiting if known.pod is not None]
        return found + [(None, member) for member in self._ended.values()]

    def _taken(self, assembled: Assembled, waiting: Mapping[str, Known]) -> Snapshot:
        """A snapshot was put together: what is not in it is noted, and what is in it again.

        Args:
            assembled: the snapshot.
            waiting: the pods that waited then: of one that has changed meanwhile, or is another, nothing is known yet.
        """
        refused = {error.subject: str(error) for error in assembled.refused}
        for subject in self._contradicting - refused.keys():
            self._include(*subject.partition(" ")[::2])
        for subject, problem in refused.items():
            if self._is_as_it_was(subject, waiting):
                self._note_contradiction(subject, problem)
        self._contradicting = set(refused)
        return assembled.snapshot

    def _is_as_it_was(self, subject: str, waiting: Mapping[str, Known]) -> bool:
        key = subject.removeprefix("Pod ")
        before, now = waiting.get(key), self.pods.get(key)
        if not subject.startswith("Pod ") or before is None or before is now:
            return True
        is_the_same = now is not None and now.uid == before.uid and says_the_same(before, now)
        if not is_the_same:
            self.stale.add("a pod changed while all was put together")
        return is_the_same

    def _note_contradiction(self, subject: str, problem: str) -> None:
        """An object cannot be used beside others; a pod that waits is told so."""
        self._problems.note(subject, problem)
        known = self.pods.get(subject.removeprefix("Pod ")) if subject.startswith("Pod ") else None
        if known is not None and known.problem != problem:
            known.problem = problem
            self._touched.add(known.key)
            self._bell()

    def leave_out(self, error: InputError) -> bool:
        """Leave out the object that an error is about, until it or what is beside the pods changes; whether it can be.

        A node that is left out takes its pods with it; of a pod that runs it is not known then what it holds, and its
        node gets no other.
        """
        if " " not in error.subject or error.subject in self._excluded:
            return False
        self._excluded.add(error.subject)
        self._note_contradiction(error.subject, str(error))
        return True

    def _include(self, kind: str, key: str) -> None:
        """An object changed: it may be in order by now, and so may pods that were left out because of it."""
        pods = {one.removeprefix("Pod ") for one in self._excluded if one.startswith("Pod ")}
        self._problems.forget(f"{kind} {key}")
        self._excluded.discard(f"{kind} {key}")
        for name in pods | {key} if kind == "Pod" else pods:
            self._excluded.discard(f"Pod {name}")
            known = self.pods.get(name)
            if known is not None and known.pod is not None and known.problem:
                self._problems.forget(f"Pod {name}")
                known.problem, known.is_changed = "", True
                self._touched.add(name)
                self._bell()
