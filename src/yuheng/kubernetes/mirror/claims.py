"""Claims on volumes: which keep a pod waiting, which wait for a pod, and where their volumes can be.

A claim is bound at once, or when its first pod has a node (``WaitForFirstConsumer``). In the first case a pod waits for
its claim; in the second the claim waits for its pod, and what is known of its volume is where it may be: in the
topologies that its class allows, on the node that was selected for it before, or where one of those is that were made
beforehand. To the engine that is a volume like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.kubernetes.mirror.offers import Offers, Volume, Wanted, volume_of
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from yuheng.kubernetes.mirror.mirror import Mirror
    from yuheng.model.pod import Pod

__all__ = ["Claim", "Claims", "StorageClass", "with_places"]

CLAIM: Final = "PersistentVolumeClaim"
VOLUME: Final = "PersistentVolume"
CLASS: Final = "StorageClass"
NO_PROVISIONER: Final = "kubernetes.io/no-provisioner"
NO_VOLUME: Final = "node(s) didn't find available persistent volumes to bind"
_TO_BE: Final = "to be made for "


class _Annotations(msgspec.Struct, omit_defaults=True):
    """What is written on claims by those who bind them, and the name of a class as it was written once."""

    node: str = msgspec.field(default="", name="volume.kubernetes.io/selected-node")
    completed: str | None = msgspec.field(default=None, name="pv.kubernetes.io/bind-completed")
    old_class: str | None = msgspec.field(default=None, name="volume.beta.kubernetes.io/storage-class")


class _Metadata(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    deletion_timestamp: str | None = None
    annotations: _Annotations | None = None


class _ClaimStatus(msgspec.Struct, omit_defaults=True):
    phase: str | None = None


class Claim(msgspec.Struct, omit_defaults=True):
    """What is kept of a PersistentVolumeClaim."""

    metadata: _Metadata
    spec: Wanted = msgspec.field(default_factory=Wanted)
    status: _ClaimStatus | None = None

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.metadata.namespace or 'default'}/{self.metadata.name}"

    @property
    def _notes(self) -> _Annotations:
        return self.metadata.annotations or _Annotations()

    @property
    def is_bound(self) -> bool:
        """Whether it has its volume, and the volume has it."""
        return bool(self.spec.volume_name) and self._notes.completed is not None

    @property
    def selected_node(self) -> str:
        """The node that its volume is to be made for; empty for none."""
        return self._notes.node

    @property
    def class_name(self) -> str:
        """The class of its volume; empty for none."""
        return (self._notes.old_class if self._notes.old_class is not None else self.spec.storage_class_name) or ""


class _TopologyRequirement(msgspec.Struct):
    key: str
    values: tuple[str, ...] = ()


class _TopologyTerm(msgspec.Struct, rename="camel"):
    match_label_expressions: tuple[_TopologyRequirement, ...] | None = None


class StorageClass(msgspec.Struct, rename="camel", omit_defaults=True):
    """What is kept of a StorageClass."""

    metadata: _Metadata
    provisioner: str = ""
    volume_binding_mode: str | None = None
    allowed_topologies: tuple[_TopologyTerm, ...] | None = None

    @property
    def waits(self) -> bool:
        """Whether its claims wait for their first pod."""
        return self.volume_binding_mode == "WaitForFirstConsumer"


_claim_of: Final = msgspec.json.Decoder(Claim).decode
_class_of: Final = msgspec.json.Decoder(StorageClass).decode


class Claims:
    """The claims of a cluster's pods.

    Args:
        mirror: the cluster.
    """

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        # The volumes as they were when they were sorted last, and those that were read, by the identity of their item.
        self._version = -1
        self._sorted = Offers(())
        self._volumes: dict[int, tuple[Item, Volume]] = {}

    def of(self, pod: Pod) -> Iterator[Claim]:
        """The claims of a pod that exist."""
        return (one for name in pod.spec.claims if (one := self._claim(pod, name)) is not None)

    def _claim(self, pod: Pod, name: str) -> Claim | None:
        item = self._mirror.item(CLAIM, f"{pod.namespace}/{name}")
        return _claim_of(item.text) if item is not None else None

    def _class(self, claim: Claim) -> StorageClass | None:
        item = self._mirror.item(CLASS, claim.class_name)
        return _class_of(item.text) if item is not None else None

    def lacks(self, pod: Pod) -> str:
        """Why a pod cannot be placed before something becomes of its claims: kube-scheduler's sentence, or nothing."""
        nodes = len(self._mirror.nodes)
        why = self._lacks(pod) if pod.spec.claims and nodes else ""
        return f"0/{nodes} nodes are available: {why}." if why else ""

    def _lacks(self, pod: Pod) -> str:
        found: list[Claim] = []
        for name in pod.spec.claims:
            claim = self._claim(pod, name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found'
            if claim.metadata.deletion_timestamp is not None:
                return f'persistentvolumeclaim "{name}" is being deleted'
            if claim.status is not None and claim.status.phase == "Lost":
                volume = claim.spec.volume_name
                return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
            found.append(claim)
        unbound = [claim for claim in found if not claim.is_bound]
        if not all(self._waits(claim) for claim in unbound):
            return "pod has unbound immediate PersistentVolumeClaims"
        if any(self.is_made_beforehand(claim) and next(self._offers(claim), None) is None for claim in unbound):
            return f"{len(self._mirror.nodes)} {NO_VOLUME}"
        return ""

    def _waits(self, claim: Claim) -> bool:
        """Whether a claim that is not bound waits for a pod; one with a volume waits for that."""
        found = self._class(claim)
        return found is not None and found.waits and not claim.spec.volume_name

    def is_made_beforehand(self, claim: Claim) -> bool:
        """Whether nobody makes volumes for a claim: it gets one that is there."""
        found = self._class(claim)
        return found is not None and found.provisioner == NO_PROVISIONER

    def offers(self, claim: Claim) -> list[Volume]:
        """The volumes that are there and that a claim could have, the smallest first."""
        return list(self._offers(claim))

    def _offers(self, claim: Claim) -> Iterator[Volume]:
        version = self._mirror.version(VOLUME)
        if version != self._version:
            known = self._volumes
            items = self._mirror.items(VOLUME)
            self._volumes = {id(item): known.get(id(item)) or (item, volume_of(item.text)) for item in items}
            self._sorted = Offers(volume for _, volume in self._volumes.values())
            self._version = version
        return self._sorted.to(claim.key, claim.metadata.uid, claim.class_name, claim.spec)

    def unbound(self, pod: Pod) -> list[Claim]:
        """The claims that wait for a pod to have a node."""
        return [claim for claim in self.of(pod) if not claim.is_bound]

    def is_known(self, volume: Volume) -> bool:
        """Whether a volume is still as it was."""
        item = self._mirror.item(VOLUME, volume.metadata.name)
        return item is not None and volume_of(item.text).metadata.resource_version == volume.metadata.resource_version

    def is_reached(self, volume: Volume, node: str) -> bool:
        """Whether a volume can be reached from a node, as far as that is known."""
        found = self._mirror.nodes.get(node)
        return found is None or volume.affinity is None or volume.affinity.matches(found.labels, node)

    def reaches(self, pod: Pod, node: str) -> bool:
        """Whether the volumes of a pod can be reached from a node, as far as they are known."""
        items = (self._mirror.item(VOLUME, claim.spec.volume_name or "") for claim in self.of(pod))
        return all(self.is_reached(volume_of(item.text), node) for item in items if item is not None)


def with_places(items: Iterable[Item]) -> list[Item]:
    """Objects, with a volume for each claim that waits for a pod and cannot be bound everywhere."""
    listed = list(items)
    classes = {one.metadata.name: one for item in listed if item.kind == CLASS and (one := _class_of(item.text)).waits}
    local = any(one.provisioner == NO_PROVISIONER for one in classes.values())
    volumes = Offers(volume_of(item.text) for item in listed if item.kind == VOLUME and local)
    found: list[Item] = []
    for item in listed:
        if item.kind == CLAIM and classes:
            found += _with_place(item, classes, volumes)
        elif item.kind != CLASS:
            found.append(item)
    return found


def _with_place(item: Item, classes: Mapping[str, StorageClass], volumes: Offers) -> list[Item]:
    """A claim; where its volume is still to be made, with that one, if there is something to say of it."""
    claim = _claim_of(item.text)
    kind = classes.get(claim.class_name)
    terms = _terms(claim, kind, volumes) if kind is not None and not claim.spec.volume_name else None
    if terms is None:
        return [item]
    claim.spec.volume_name = name = _TO_BE + claim.key
    affinity = {"required": {"nodeSelectorTerms": terms}}
    volume = {"metadata": {"name": name}, "spec": {"nodeAffinity": affinity}}
    changed: Item = msgspec.structs.replace(item, text=msgspec.Raw(msgspec.json.encode(claim)))
    return [changed, Item(item.source, 0, VOLUME, "v1", msgspec.Raw(msgspec.json.encode(volume)))]


def _terms(claim: Claim, kind: StorageClass, volumes: Offers) -> Sequence[Any] | None:
    """Where the volume of a claim can be, as terms of a node selector; None for everywhere."""
    if kind.provisioner == NO_PROVISIONER:
        return volumes.places(claim.key, claim.metadata.uid, claim.class_name, claim.spec)
    if claim.selected_node:
        return [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [claim.selected_node]}]}]
    if not kind.allowed_topologies:
        return None
    return [
        {
            "matchExpressions": [
                {"key": one.key, "operator": "In", "values": one.values} for one in term.match_label_expressions or ()
            ]
        }
        for term in kind.allowed_topologies
    ]
