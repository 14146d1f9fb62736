"""The parts of a snapshot, made from the objects that were read and checked against each other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from yuheng.errors import ConfigError, InputError
from yuheng.model.cluster import PersistentVolume, PodDisruptionBudget, PodSelector, Snapshot
from yuheng.model.selectors import LabelSelector
from yuheng.readers.attempts import forgiving
from yuheng.readers.batch import BatchReader
from yuheng.readers.batch.joining import check_whole
from yuheng.readers.captured import Leaving
from yuheng.readers.decoding import without_nulls
from yuheng.readers.inventory import Inventory, converted, key_of
from yuheng.readers.objects.namespaces import namespace_labels, read_namespace
from yuheng.readers.objects.nodes import NodeReader
from yuheng.readers.objects.pods import UNKNOWN_TIME, PodReader
from yuheng.readers.objects.priorities import Priorities, read_class
from yuheng.readers.objects.selecting import read_budget, read_controller, read_service
from yuheng.readers.objects.volumes import read_claim, read_volume
from yuheng.readers.refusing import Refuse, readable, strictly
from yuheng.readers.sources.documents import VOLCANO_CONFIGURATION
from yuheng.readers.workloads import WORKLOAD_KINDS, missing_pods, subject_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from yuheng.model.node import Node
    from yuheng.model.pod import Pod
    from yuheng.model.policy import Policy
    from yuheng.readers.batch.members import Members
    from yuheng.readers.openb import Table
    from yuheng.readers.sources.documents import Item

__all__ = ["Assembly"]

T = TypeVar("T")


class Assembly:
    """Everything that was read, on its way to a snapshot.

    Args:
        inventory: the Kubernetes objects.
        tables: the tables of traces.
        has_controllers: whether controllers make the pods that workloads lack, so that none are lacking here.
        refuse: is told of what cannot be used; see `yuheng.readers.refusing`. Of captured objects it is not told.
        joining: gives pods that were read before, once it is known where pods belong.

    Attributes:
        leaving: what of captured objects cannot be used.

    Raises:
        InputError: a priority class, a queue or a job is not what it should be.
    """

    def __init__(
        self,
        inventory: Inventory,
        tables: Sequence[Table] = (),
        *,
        has_controllers: bool = False,
        refuse: Refuse = strictly,
        joining: Callable[[Members], Iterable[Pod]] = lambda _: (),
    ) -> None:
        self._inventory = inventory
        self._tables = tables
        self._has_controllers = has_controllers
        self.leaving = Leaving(inventory, refuse)
        self._refuse = self.leaving.refuse
        self._joining = joining
        self._priorities = Priorities(self._readable("PriorityClass", read_class))
        self._batch = BatchReader(self._unique, self._priorities, self._refuse)
        self._pod_reader = PodReader(self._priorities, self._batch.members)
        self._node_reader = NodeReader()
        self._warnings: list[str] = []

    def snapshot(self) -> Snapshot:
        """The snapshot.

        Raises:
            InputError: an object is not what it should be, or contradicts another.
        """
        nodes = self._nodes()
        pods = self._pods({node.name: node for node in nodes})
        nodes = self.leaving.closed(nodes)
        lacking = [] if self._has_controllers else self._lacking_pods(pods, nodes)
        pods += lacking
        batch = self._batch.parts(nodes, pods)
        selectors = self._selectors()
        return Snapshot(
            nodes=tuple(sorted(nodes, key=lambda node: node.name)),
            pods=tuple(sorted(pods, key=lambda pod: (pod.namespace, pod.name))),
            namespaces=self._namespaces(pods),
            selectors=tuple(sorted(selectors + _replica_sets_to_be(lacking, selectors), key=_place)),
            budgets=tuple(sorted(self._budgets(), key=lambda budget: (budget.namespace, budget.name))),
            volumes=self._volumes(),
            queues=batch.queues,
            jobs=batch.jobs,
            hyper_nodes=batch.hyper_nodes,
            configuration=self._configuration(),
            time=self._time(pods),
            skipped=self._inventory.skipped(),
            warnings=(
                *self._priorities.warnings(),
                *self._pod_reader.warnings(),
                *self._warnings,
                *batch.warnings,
                *self.leaving.warnings(),
            ),
        )

    def _configuration(self) -> Policy | None:
        """The scheduler's configuration; ConfigMaps that hold none are counted as skipped."""
        written = self._inventory.of(VOLCANO_CONFIGURATION)
        found: list[tuple[Item, Mapping[str, Any], str]] = [
            (item, converted(item, _plain), item.place()) for item in written
        ]
        for item in self._inventory.of("ConfigMap"):
            try:
                config = _configuration_in(item)
            except InputError as error:
                if not item.captured:
                    raise
                self.leaving.overlook(error)
                continue
            if config is None:
                self._inventory.skip(item)
            elif self._inventory.is_first(item, key_of(item)):
                found.append((item, *config))
        if len(found) > 1:
            places = " and ".join(place for _, _, place in found)
            raise InputError(f"{len(found)} scheduler configurations: {places}", "one, or none")
        return self._policy(*found[0]) if found else None

    def _policy(self, item: Item, document: Mapping[str, Any], place: str) -> Policy | None:
        """A scheduler's configuration as a policy; None for a captured one that cannot be used."""
        try:
            return _policy(document, place)
        except ConfigError as error:
            if not item.captured:
                raise
            self.leaving.overlook(error)
            return None

    def _time(self, pods: Iterable[Pod]) -> float | None:
        """The latest time that anything tells of."""
        times = [time for time in (self._node_reader.latest, self._batch.latest) if time is not None]
        times += [pod.created for pod in pods if pod.created != UNKNOWN_TIME]
        times += [pod.started for pod in pods if pod.started is not None]
        return max(times, default=None)

    def _unique(self, *kinds: str) -> Iterator[Item]:
        """The objects of these kinds, each once."""
        for item in self._inventory.of(*kinds):
            try:
                is_first = self._inventory.is_first(item, key_of(item))
            except InputError as error:
                self._refuse(error)
                continue
            if is_first:
                yield item

    def _readable(self, kind: str, read: Callable[[bytes | msgspec.Raw], T]) -> Iterator[T]:
        """What is made of the objects of a kind, each once."""
        return (made for _, made in readable(self._unique(kind), read, self._refuse))

    def _nodes(self) -> list[Node]:
        found = readable(self._inventory.of("Node"), self._node_reader.read, self._refuse)
        rows = (row for table in self._tables for row in table.nodes)
        return [node for item, node in (*found, *rows) if self._inventory.is_first(item, node.name)]

    def _pods(self, nodes: Mapping[str, Node]) -> list[Pod]:
        """The pods of the input, without those that are on their way out with their node."""
        pods = []
        orphans = 0
        for item, pod in self._read_pods():
            try:
                is_orphan = nodes and pod.node is not None and not _stands(pod, nodes.get(pod.node), item)
            except InputError as error:
                self.leaving.misplaced(pod, error)
                continue
            if is_orphan:
                orphans += 1
            else:
                pods.append(pod)
        if orphans:
            self._warnings.append(f"{orphans} terminating pods are left out: their nodes are not in the input")
        rows = (row for table in self._tables for row in table.pods)
        pods += [pod for item, pod in rows if self._inventory.is_first(item, pod.key)]
        return [*pods, *self._joining(self._batch.members)]

    def _read_pods(self) -> Iterator[tuple[Item, Pod]]:
        """The pods of the input that have not ended, each once."""
        for item in self._inventory.of("Pod"):
            try:
                pod = converted(item, self._read_pod)
            except InputError as error:
                pod = self.leaving.salvaged(item, error, self._priorities, self._batch.members)
            if pod is None:
                continue
            try:
                is_first = self._inventory.is_first(item, pod.key)
            except InputError as error:
                self._refuse(error)
                continue
            if is_first:
                yield item, pod

    def _read_pod(self, text: bytes | msgspec.Raw) -> Pod | None:
        """A pod, unless what it belongs to was left out.

        Raises:
            InputError: it is not what it should be, or that is so.
            msgspec.ValidationError: it is not what Kubernetes defines.
        """
        if not self.leaving.errors:
            return self._pod_reader.read(text)
        pod, member = self._pod_reader.read_apart(text)
        if pod is not None and not pod.job:
            check_whole(member, self.leaving.errors)
        return pod

    def _lacking_pods(self, pods: Iterable[Pod], nodes: Sequence[Node]) -> list[Pod]:
        """The pods that the workloads of the input have not created yet."""
        found = list(readable(self._unique(*sorted(WORKLOAD_KINDS)), _plain, self._refuse))
        objects = [self._admitted(plain) for _, plain in found]
        known = [*pods, *self.leaving.pods]
        lacking = self._batch.missing_pods(known, self._made_pod)

        def refuse(error: InputError) -> None:
            sources = (item.source for item, plain in found if subject_in(plain) == error.subject)
            self._refuse(error.at(source=next(sources, "")))

        return lacking + missing_pods(objects, [*known, *lacking], nodes, self._made_pod, refuse)

    def _admitted(self, workload: dict[str, Any]) -> dict[str, Any]:
        """A workload; a Job that waits suspended for a queue of the input is read as if it were admitted."""
        metadata, spec = workload.get("metadata"), workload.get("spec")
        if workload.get("kind") != "Job" or not isinstance(metadata, dict) or not isinstance(spec, dict):
            return workload
        key = f"{metadata.get('namespace') or 'default'}/{metadata.get('name')}"
        return {**workload, "spec": {**spec, "suspend": False}} if self._batch.is_admitted_here(key) else workload

    def _made_pod(self, manifest: Mapping[str, Any]) -> Pod:
        pod = forgiving(self._read_pod, msgspec.json.encode(manifest))
        if pod is None:
            raise InputError("a pod that is finished or being deleted", "a pod to be created")
        return pod

    def _selectors(self) -> list[PodSelector]:
        readers = {
            "ReplicaSet": read_controller,
            "ReplicationController": read_service,
            "Service": read_service,
            "StatefulSet": read_controller,
        }
        found = (one for kind, read in readers.items() for one in self._readable(kind, partial(read, kind)))
        return [selector for selector in found if selector is not None]

    def _budgets(self) -> list[PodDisruptionBudget]:
        return [budget for budget in self._readable("PodDisruptionBudget", read_budget) if budget is not None]

    def _volumes(self) -> dict[str, PersistentVolume]:
        volumes = {volume.name: volume for volume in self._readable("PersistentVolume", read_volume)}
        claims = dict(claim for claim in self._readable("PersistentVolumeClaim", read_claim) if claim is not None)
        unknown = sum(name not in volumes for name in claims.values())
        if unknown:
            self._warnings.append(
                f"the volumes of {unknown} claims are not in the input: their zones are not looked at"
            )
        return {claim: volumes[name] for claim, name in sorted(claims.items()) if name in volumes}

    def _namespaces(self, pods: Iterable[Pod]) -> dict[str, dict[str, str]]:
        """Labels by namespace, also of those that only pods tell of: their names are labels of theirs."""
        known = dict(self._readable("Namespace", read_namespace))
        return known | {name: namespace_labels(name) for name in sorted({pod.namespace for pod in pods} - set(known))}


def _configuration_in(item: Item) -> tuple[Mapping[str, Any], str] | None:
    """The scheduler configuration in a ConfigMap, and where it stands."""
    if not any(word in bytes(item.text) for word in (b"tiers", b"volcano-scheduler")):
        return None
    from yuheng.readers.scheduler_config import in_config_map  # noqa: PLC0415 -- pydantic takes 50 ms to import

    return in_config_map(converted(item, _plain), item.source)


def _policy(document: Mapping[str, Any], source: str) -> Policy:
    from yuheng.readers.scheduler_config import parse_volcano_config  # noqa: PLC0415 -- the same

    return parse_volcano_config(document, source)


def _plain(text: bytes | msgspec.Raw) -> dict[str, Any]:
    found: dict[str, Any] = without_nulls(msgspec.json.decode(text))
    return found


def _stands(pod: Pod, node: Node | None, item: Item) -> bool:
    """Whether a bound pod is on a node of the input.

    Raises:
        InputError: it is not, and is not being deleted either; or it holds a device the node does not have.
    """
    subject = f"Pod {pod.key}"
    if node is None:
        if pod.terminating:
            return False
        raise InputError(
            f"node {pod.node!r}, which is not in the input",
            "a node of the input, or none",
            source=item.source,
            subject=subject,
            field="spec.nodeName",
        )
    if pod.device_indices and pod.device_indices[-1] >= node.devices.count:
        raise InputError(
            f"device {pod.device_indices[-1]} of node {pod.node}, which has {node.devices.count}",
            "a device of the node",
            source=item.source,
            subject=subject,
        )
    return True


def _replica_sets_to_be(pods: Iterable[Pod], selectors: Iterable[PodSelector]) -> list[PodSelector]:
    """The ReplicaSets that Deployments are going to create, as what they select.

    The labels of their pods say the same as their selectors would: the template's hash is among them.
    """
    known = {_place(selector) for selector in selectors}
    found = (
        PodSelector(pod.owner.kind, pod.owner.name, pod.namespace, LabelSelector(match_labels=pod.labels))
        for pod in pods
        if pod.owner is not None and pod.owner.kind == "ReplicaSet"
    )
    return list({_place(selector): selector for selector in found if _place(selector) not in known}.values())


def _place(selector: PodSelector) -> tuple[str, str, str]:
    return selector.namespace, selector.kind, selector.name
