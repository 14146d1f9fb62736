"""Classes: pending pods that ask for the same, in the same surroundings, are decided on alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import PersistentVolume, PodSelector, Snapshot
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.selectors import LabelSelector, SelectorRequirement
from yuheng.scheduling.peers import Peers

__all__ = ["OPEN", "Classes", "Fence", "PodClass", "spread_selectors"]

_encode = msgspec.msgpack.Encoder(order="sorted").encode
_CONTROLLERS = ("ReplicaSet", "StatefulSet")


class Fence(NamedTuple):
    """Nodes that are closed to a pod, or dearer to it, for other reasons than its spec: its queue, its job.

    Attributes:
        key: equal for equal fences.
        closed: by rejection bit, the nodes that are closed.
        bonus: (N,) what is added to each node's score; None for nothing.
        batch: whether the pod has to leave room for services.
    """

    key: Hashable = None
    closed: tuple[tuple[int, NDArray[np.bool_]], ...] = ()
    bonus: NDArray[np.int64] | None = None
    batch: bool = False

    def bits(self, nodes: int) -> NDArray[np.int64]:
        """(N,) the fence as rejection bits."""
        found = np.zeros(nodes, dtype=np.int64)
        for bit, mask in self.closed:
            found |= mask.astype(np.int64) << bit
        return found


OPEN: Final = Fence()


class PodClass(NamedTuple):
    """A class: any pod of it stands for all.

    Attributes:
        pod: the first pod that was met.
        kind: its number among `Peers`.
        volumes: the bound volumes of its claims.
        default_selector: what the policy's default spread constraints count for it; None when it has none.
        fence: the nodes that are closed to it whatever its spec says.
    """

    pod: Pod
    kind: int
    volumes: tuple[PersistentVolume, ...]
    default_selector: LabelSelector | None
    fence: Fence = OPEN


class Classes:
    """The classes of the pods that were shown, numbered as they are met."""

    def __init__(self, snapshot: Snapshot, policy: Policy, peers: Peers) -> None:
        self.all: list[PodClass] = []
        self._snapshot = snapshot
        self._peers = peers
        self._numbers: dict[tuple[object, ...], int] = {}
        self._specs: dict[int, bytes] = {}
        self._selectors = _by_namespace(spread_selectors(snapshot, policy))

    def number(self, pod: Pod, fence: Fence = OPEN) -> int:
        """The number of the pod's class within a fence."""
        kind = self._peers.number(pod)
        spec = self._specs.get(id(pod.spec))
        if spec is None:
            spec = self._specs[id(pod.spec)] = _encode(pod.spec)
        default = self._default_selector(pod)
        claims = pod.namespace if pod.spec.claims else ""
        key = (kind, spec, claims, None if default is None else _encode(default), self._telling(pod), fence.key)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.all)
            self.all.append(PodClass(pod, kind, self._volumes(pod), default, fence))
        return number

    def _telling(self, pod: Pod) -> tuple[str | None, ...]:
        """Labels that matchLabelKeys take over from the pod itself."""
        return tuple(pod.labels.get(key) for constraint in pod.spec.spread for key in constraint.match_label_keys)

    def _volumes(self, pod: Pod) -> tuple[PersistentVolume, ...]:
        volumes = self._snapshot.volumes
        return tuple(volumes[key] for claim in pod.spec.claims if (key := f"{pod.namespace}/{claim}") in volumes)

    def _default_selector(self, pod: Pod) -> LabelSelector | None:
        """What kube-scheduler's default constraints select for a pod without its own.

        Services and ReplicationControllers that select the pod are joined into one selector, to which the owning
        ReplicaSet or StatefulSet adds its own (``helper.DefaultSelector``).
        """
        if pod.spec.spread or pod.namespace not in self._selectors:
            return None
        labels: dict[str, str] = {}
        extra: tuple[SelectorRequirement, ...] = ()
        for item in self._selectors[pod.namespace]:
            if item.kind == "Service" and item.selector.matches(pod.labels):
                labels.update(item.selector.match_labels)
        for item in self._selectors[pod.namespace]:
            if pod.owner is None or (item.kind, item.name) != (pod.owner.kind, pod.owner.name):
                continue
            if item.kind in _CONTROLLERS:
                pairs = item.selector.match_labels.items()
                extra += tuple(SelectorRequirement(key, "In", (value,)) for key, value in pairs)
                extra += item.selector.match_expressions
            elif item.kind == "ReplicationController":
                labels.update(item.selector.match_labels)
        selector = LabelSelector(labels, extra)
        return None if selector.is_empty() else selector


def spread_selectors(snapshot: Snapshot, policy: Policy) -> tuple[PodSelector, ...]:
    """The selectors that default spreading reads; none when the policy has no default constraints."""
    return snapshot.selectors if policy.default_spread else ()


def _by_namespace(selectors: Iterable[PodSelector]) -> dict[str, list[PodSelector]]:
    found: dict[str, list[PodSelector]] = {}
    for item in selectors:
        found.setdefault(item.namespace, []).append(item)
    return found
