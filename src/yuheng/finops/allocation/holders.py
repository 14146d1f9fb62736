"""Who may hold something of a cluster's nodes: containers by what they request, and by what usage tells of them.

What is known here does not change with time: it is looked up once, and asked for stretches of time after that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.estate import NOTHING, Container, Estate, PodEstate, Requested
from yuheng.model.units import GIB
from yuheng.model.usage import ContainerKey, Requests, UsageSums, Window

__all__ = ["Holders", "Measured", "Standing", "holders_of", "requests_of"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Truths = NDArray[np.bool_]
Amounts = tuple[float, float, float]

NOWHERE: Final = -1
# The name of what is no container's own: a pod as a whole, and what is set aside for it beyond its containers.
WHOLE: Final = ""


class Standing(NamedTuple):
    """What pods that are bound to a node request: C containers, and what is set aside beyond them.

    Attributes:
        pod, container, node: (C,) positions.
        amounts: (C, 3) cores, GiB and devices.
        start: (C,) since when it is there, in seconds since the epoch.
        earlier: (C, 2) from when to when a pod of the same name was there before; the same twice where none was.
    """

    pod: Indices
    container: Indices
    node: Indices
    amounts: Numbers
    start: Numbers
    earlier: Numbers

    def hours(self, window: Window) -> Numbers:
        """(C, P) hours of each stretch of a window in which it is there."""
        found = window.overlaps(self.start)
        again = np.flatnonzero(self.earlier[:, 1] > self.earlier[:, 0])
        if len(again):
            first, until = self.earlier[again].T
            found[again] += window.overlaps(first) - window.overlaps(until)
        return found


class Measured(NamedTuple):
    """What usage tells of: K containers, and their rows by the stretch that they are of.

    Attributes:
        pod, container, node: (K,) positions; the node is -1 where it is not known, or is none of the cluster's.
        counts: (K,) whether what it holds counts: not of a pod as a whole whose containers are told.
        standing: (K,) the entry of `Standing` whose time it tells of; -1 for none.
        rows: (M,) the rows of the sums in the order of their stretches.
        stretches: (M,) the stretch of each of them.
    """

    pod: Indices
    container: Indices
    node: Indices
    counts: Truths
    standing: Indices
    rows: Indices
    stretches: Indices

    def within(self, first: int, end: int) -> Indices:
        """The rows of the sums of some stretches, those of ``end`` not among them."""
        low, high = np.searchsorted(self.stretches, (first, end))
        return self.rows[low:high]


class Holders(NamedTuple):
    """Who may hold something of a cluster's nodes.

    Attributes:
        pods: by namespace and name.
        containers: their names.
        standing: what is requested.
        measured: what usage tells of; None where nothing does.
        sums: the usage itself.
    """

    pods: tuple[tuple[str, str], ...]
    containers: tuple[str, ...]
    standing: Standing
    measured: Measured | None = None
    sums: UsageSums | None = None


def requests_of(estate: Estate) -> Requests:
    """What the containers of a cluster request, and what its pods do as a whole (with no name of a container)."""
    keys: list[ContainerKey] = []
    amounts: list[Amounts] = []
    for pod in estate.pods.values():
        keys += [ContainerKey(pod.namespace, pod.name, container.name) for container in pod.containers]
        keys.append(ContainerKey(pod.namespace, pod.name, WHOLE))
        amounts += [_amounts(container) for container in pod.containers]
        amounts.append(_amounts(pod.requested))
    table = np.array(amounts, dtype=np.float64).reshape(-1, 3)
    return Requests(keys=tuple(keys), cpu=table[:, 0], memory=table[:, 1], gpu=table[:, 2])


def holders_of(estate: Estate, sums: UsageSums | None, window: Window) -> Holders:
    """Who may hold something of a cluster's nodes.

    Args:
        estate: the cluster.
        sums: what was used, summed over the same window with the cluster's own requests; None where nothing tells.
        window: the time: who has no start, and was never measured, is there from its beginning.
    """
    places = _Places(estate)
    sampled = _Sampled(sums)
    standing = _Bound()
    for pod in estate.pods.values():
        if pod.node:
            standing.add(pod, places, sampled, window.start)
    measured = None if sums is None else _measured(places, sampled, sums, standing.of_key)
    return Holders(tuple(places.pods), tuple(places.containers), standing.columns(), measured, sums)


class _Places:
    """Pods, containers and nodes by their position."""

    def __init__(self, estate: Estate) -> None:
        self.nodes = {node.name: index for index, node in enumerate(estate.snapshot.nodes)}
        self.pods: dict[tuple[str, str], int] = {}
        self.containers: dict[str, int] = {}
        self._estate = estate

    def pod(self, namespace: str, name: str) -> int:
        """The position of a pod; it gets one when it has none."""
        return self.pods.setdefault((namespace, name), len(self.pods))

    def container(self, name: str) -> int:
        """The position of a container's name; it gets one when it has none."""
        return self.containers.setdefault(name, len(self.containers))

    def node(self, key: ContainerKey, told: str = "") -> int:
        """Where a container ran: as usage tells, and where that is no node of the state, where its pod is now."""
        pod = self._estate.pods.get(f"{key.namespace}/{key.pod}")
        return self.nodes.get(told, self.nodes.get(pod.node if pod else "", NOWHERE))


class _Sampled:
    """When containers were measured.

    Attributes:
        spans: by container, the time of its first sample and when its last one ends; on all nodes that it ran on.
        pods: the same of pods that have a container which is measured.
    """

    def __init__(self, sums: UsageSums | None) -> None:
        self.spans: dict[ContainerKey, tuple[float, float]] = {}
        self.pods: dict[tuple[str, str], tuple[float, float]] = {}
        if sums is None:
            return
        for key, first, last in zip(sums.keys, sums.first.tolist(), (sums.last + sums.step).tolist(), strict=True):
            self.spans[key] = _widest(self.spans.get(key), first, last)
            if key.container:
                pod = key.namespace, key.pod
                self.pods[pod] = _widest(self.pods.get(pod), first, last)

    def told_as_a_whole(self, pod: PodEstate) -> bool:
        """Whether usage tells of a pod, and of none of its containers."""
        key = pod.namespace, pod.name
        return key not in self.pods and ContainerKey(*key, WHOLE) in self.spans


def _widest(known: tuple[float, float] | None, first: float, last: float) -> tuple[float, float]:
    return (first, last) if known is None else (min(known[0], first), max(known[1], last))


class _Bound:
    """The columns of `Standing` while they grow, and which entry each container is."""

    def __init__(self) -> None:
        self.of_key: dict[ContainerKey, int] = {}
        self._places: list[tuple[int, int, int]] = []
        self._amounts: list[Amounts] = []
        self._times: list[tuple[float, float, float]] = []

    def add(self, pod: PodEstate, places: _Places, sampled: _Sampled, beginning: float) -> None:
        """A pod that is bound to a node."""
        name, node = places.pod(pod.namespace, pod.name), places.nodes.get(pod.node, NOWHERE)
        for key, amounts, is_measured in _parts(pod, sampled):
            # What nothing measures is there when the containers are that something does.
            span = sampled.spans.get(key) if is_measured else None
            span = span or sampled.pods.get((pod.namespace, pod.name))
            if is_measured:
                self.of_key[key] = len(self._places)
            self._places.append((name, places.container(key.container), node))
            self._amounts.append(amounts)
            self._times.append(_there(pod.started, span, beginning))

    def columns(self) -> Standing:
        """All of them."""
        places = np.array(self._places, dtype=np.int64).reshape(-1, 3)
        times = np.array(self._times, dtype=np.float64).reshape(-1, 3)
        amounts = np.array(self._amounts, dtype=np.float64).reshape(-1, 3)
        return Standing(places[:, 0], places[:, 1], places[:, 2], amounts, times[:, 0], times[:, 1:])


def _parts(pod: PodEstate, sampled: _Sampled) -> list[tuple[ContainerKey, Amounts, bool]]:
    """What a pod requests, and whether usage tells of it: its containers, and what is set aside beyond them.

    As a whole where usage is told so. A pod that requests nothing at all is one part, too.
    """
    whole = ContainerKey(pod.namespace, pod.name, WHOLE)
    if sampled.told_as_a_whole(pod):
        return [(whole, _amounts(pod.requested), True)]
    parts = [(ContainerKey(pod.namespace, pod.name, one.name), _amounts(one), True) for one in pod.containers]
    beyond = _beyond(pod)
    return [*parts, (whole, beyond, False)] if any(beyond) or not parts else parts


def _beyond(pod: PodEstate) -> Amounts:
    """What is set aside for a pod beyond what its containers request."""
    if pod.least == NOTHING and pod.overhead == NOTHING:
        return 0.0, 0.0, 0.0
    requested = pod.requested
    return (
        (requested.cpu - sum(one.cpu for one in pod.containers)) / 1000,
        (requested.memory - sum(one.memory for one in pod.containers)) / GIB,
        requested.gpus - sum(one.gpus for one in pod.containers),
    )


def _there(started: float | None, span: tuple[float, float] | None, beginning: float) -> tuple[float, float, float]:
    """Since when a container is there; and from when to when it was before, under the same name."""
    if started is None:
        start = beginning if span is None else span[0]
        return start, start, start
    if span is None or span[0] >= started:
        return started, started, started
    # It was measured before it began: a pod of this name was there before, until its samples end.
    return started, span[0], min(span[1], started)


def _measured(places: _Places, sampled: _Sampled, sums: UsageSums, standing: Mapping[ContainerKey, int]) -> Measured:
    keys = sums.keys
    order = np.argsort(sums.period, kind="stable")
    return Measured(
        pod=_indices([places.pod(key.namespace, key.pod) for key in keys]),
        container=_indices([places.container(key.container) for key in keys]),
        node=_indices([places.node(key, node) for key, node in zip(keys, sums.nodes, strict=True)]),
        counts=np.array([bool(key.container) or (key.namespace, key.pod) not in sampled.pods for key in keys], bool),
        standing=_indices([standing.get(key, NOWHERE) for key in keys]),
        rows=order,
        stretches=sums.period[order],
    )


def _indices(values: Sequence[int]) -> Indices:
    return np.array(values, dtype=np.int64)


def _amounts(of: Container | Requested) -> Amounts:
    """Cores, GiB, devices."""
    return of.cpu / 1000, of.memory / GIB, of.gpus
