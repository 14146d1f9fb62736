"""What each container held of its node, and for how long: from requests, and from usage where there is any.

A container holds the greater of what it requested and what it used, sample by sample. Where no sample tells, it holds
its request as long as its pod is known to have been there: from its start (or its first sample, where the start is
not known) to the end of the window. A pod that only usage tells of held what it used, while it was sampled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.estate import Container, Estate, PodEstate
from yuheng.model.usage import ContainerKey, Requests, UsageSums, Window

__all__ = ["RESOURCES", "Demand", "demand_of", "requests_of"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

RESOURCES: Final = ("cpu", "memory", "gpu")
GIB: Final = 2.0**30
NOWHERE: Final = -1


class Demand(NamedTuple):
    """What containers held: E entries, each of one container on one node in one stretch of the window.

    Attributes:
        pods: D pods by namespace and name.
        pod: (E,) position in ``pods``.
        containers: names of containers.
        container: (E,) position in ``containers``.
        node: (E,) position among the nodes of the estate; -1 where it is not known, or is none of them.
        period: (E,) the stretch.
        held: (E, 3) core-hours, GiB-hours and device-hours.
        used: (E, 3) what was used of it, as far as usage tells.
        told: (E, 3) what was held while usage was told.
        egress: (E,) bytes that left for the internet.
    """

    pods: tuple[tuple[str, str], ...]
    pod: Indices
    containers: tuple[str, ...]
    container: Indices
    node: Indices
    period: Indices
    held: Numbers
    used: Numbers
    told: Numbers
    egress: Numbers


def requests_of(estate: Estate) -> Requests:
    """What the containers of a cluster request, and what its pods do as a whole (with no name of a container)."""
    keys: list[ContainerKey] = []
    amounts: list[tuple[float, float, float]] = []
    for pod in estate.pods.values():
        parts = [_request(container) for container in pod.containers]
        keys += [ContainerKey(pod.namespace, pod.name, container.name) for container in pod.containers]
        keys.append(ContainerKey(pod.namespace, pod.name))
        amounts += [*parts, _summed(parts)]
    table = np.array(amounts, dtype=np.float64).reshape(-1, 3)
    return Requests(keys=tuple(keys), cpu=table[:, 0], memory=table[:, 1], gpu=table[:, 2])


def demand_of(estate: Estate, sums: UsageSums | None, window: Window) -> Demand:
    """What the containers of a cluster held within a window.

    Args:
        estate: the cluster.
        sums: what was used, summed over the same window with the cluster's own requests; None where nothing tells.
        window: the time, and its stretches.
    """
    entries = _Entries(estate)
    parts = [_Part.empty()]
    sampled: Mapping[ContainerKey, Sequence[int]] = {}
    if sums is not None:
        parts.append(_measured(entries, sums))
        sampled = _rows_by_key(sums)
    parts.append(_requested(entries, estate, sums, sampled, window))
    joined = _Part(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return Demand(
        pods=tuple(entries.pods),
        containers=tuple(entries.containers),
        pod=joined.pod,
        container=joined.container,
        node=joined.node,
        period=joined.period,
        held=joined.held,
        used=joined.used,
        told=joined.told,
        egress=joined.egress,
    )


class _Part(NamedTuple):
    """Some entries: the columns of `Demand` that are arrays."""

    pod: Indices
    container: Indices
    node: Indices
    period: Indices
    held: Numbers
    used: Numbers
    told: Numbers
    egress: Numbers

    @classmethod
    def empty(cls) -> _Part:
        """None at all."""
        index, amount = np.zeros(0, dtype=np.int64), np.zeros((0, 3))
        return cls(index, index, index, index, amount, amount, amount, np.zeros(0))


class _Entries:
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


def _measured(entries: _Entries, sums: UsageSums) -> _Part:
    """The entries of samples.

    What a pod as a whole holds counts only where none of its containers is told; what it sends counts always.
    """
    named = {(key.namespace, key.pod) for key in sums.keys if key.container}
    counts = np.array([bool(key.container) or (key.namespace, key.pod) not in named for key in sums.keys], dtype=bool)
    rows = np.flatnonzero(counts[sums.who] | (sums.egress > 0)) if len(sums.keys) else np.zeros(0, dtype=np.int64)
    who = sums.who[rows]
    pods, containers, nodes = (
        np.array(values, dtype=np.int64)
        for values in (
            [entries.pod(key.namespace, key.pod) for key in sums.keys],
            [entries.container(key.container) for key in sums.keys],
            [entries.node(key, node) for key, node in zip(sums.keys, sums.nodes, strict=True)],
        )
    )
    held, used, told = (
        np.stack([getattr(sums, f"{name}{suffix}")[rows] for name in RESOURCES], axis=1) * counts[who][:, None]
        for suffix in ("", "_used", "_told")
    )
    return _Part(pods[who], containers[who], nodes[who], sums.period[rows], held, used, told, sums.egress[rows])


def _rows_by_key(sums: UsageSums) -> Mapping[ContainerKey, Sequence[int]]:
    """Where a container stands in ``sums.keys``: more than once where it ran on several nodes."""
    found: defaultdict[ContainerKey, list[int]] = defaultdict(list)
    for index, key in enumerate(sums.keys):
        found[key].append(index)
    return found


def _requested(
    entries: _Entries,
    estate: Estate,
    sums: UsageSums | None,
    sampled: Mapping[ContainerKey, Sequence[int]],
    window: Window,
) -> _Part:
    """The entries of the time that no sample tells of: pods that are bound to a node hold their requests."""
    known: list[tuple[int, int, int]] = []
    amounts: list[tuple[float, float, float]] = []
    starts: list[float] = []
    places: list[Sequence[int]] = []
    for pod in estate.pods.values():
        if not pod.node:
            continue
        index, node = entries.pod(pod.namespace, pod.name), entries.nodes.get(pod.node, NOWHERE)
        for key, amount in _asking(pod, sampled):
            rows = sampled.get(key, ())
            first = min((float(sums.first[row]) for row in rows), default=window.start) if sums else window.start
            known.append((index, entries.container(key.container), node))
            amounts.append(amount)
            # A pod of this name was measured before this one began: it was made again.
            starts.append(min(first, pod.started) if rows and pod.started is not None else pod.started or first)
            places.append(rows)
    hours = window.overlaps(np.array(starts, dtype=np.float64))
    if sums is not None:
        hours = np.clip(hours - _sampled_hours(sums, places, hours.shape), 0.0, None)
    return _held(np.array(known, dtype=np.int64).reshape(-1, 3), np.array(amounts).reshape(-1, 3), hours)


def _asking(
    pod: PodEstate, sampled: Mapping[ContainerKey, Sequence[int]]
) -> list[tuple[ContainerKey, tuple[float, float, float]]]:
    """What a pod requests: by container, or as a whole where usage is told so and of none of its containers."""
    whole = ContainerKey(pod.namespace, pod.name)
    parts = [(ContainerKey(pod.namespace, pod.name, item.name), _request(item)) for item in pod.containers]
    if whole in sampled and not any(key in sampled for key, _ in parts):
        return [(whole, _summed([amount for _, amount in parts]))]
    return parts


def _sampled_hours(sums: UsageSums, places: Sequence[Sequence[int]], shape: tuple[int, ...]) -> Numbers:
    """(C, P) hours that are sampled already, of each container in each stretch."""
    table = np.zeros((len(sums.keys), shape[1]))
    np.add.at(table, (sums.who, sums.period), sums.hours)
    found = np.zeros(shape)
    for index, rows in enumerate(places):
        for row in rows:
            found[index] += table[row]
    return found


def _held(known: Indices, amounts: Numbers, hours: Numbers) -> _Part:
    which, period = np.nonzero(hours > 0)
    held: Numbers = amounts[which] * hours[which, period][:, None]
    kept = held.any(axis=1)
    which, period, held = which[kept], period[kept], held[kept]
    nothing = np.zeros((len(which), 3))
    pod, container, node = (known[which, column] for column in range(3))
    return _Part(pod, container, node, period, held, nothing, nothing, np.zeros(len(which)))


def _request(container: Container) -> tuple[float, float, float]:
    """Cores, GiB, devices."""
    return container.cpu / 1000, container.memory / GIB, container.gpus


def _summed(parts: Sequence[tuple[float, float, float]]) -> tuple[float, float, float]:
    cpu, memory, gpu = (sum(part[index] for part in parts) for index in range(3))
    return cpu, memory, gpu
