"""From a snapshot to arrays: what every node offers, and what its pods hold already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.labels import HOSTNAME
from yuheng.model.node import Node
from yuheng.model.pod import HostPort, Pod, PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import CPU, DEVICES_A_WORD, I64, Cluster, empty
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.machines import Machines
from yuheng.scheduling.templates import Templates, first_of, numbered

__all__ = [
    "EACH_NODE",
    "Columns",
    "Holding",
    "HostPorts",
    "Resources",
    "compile_cluster",
    "device_milli",
    "held_requests",
]

# GPUs of one node, time slices included: each takes a cell of the arrays on every node.
MOST_DEVICES: Final = 4096
# The topology key of soft spreading over hostnames: kube-scheduler counts there node by node, whatever the label says.
EACH_NODE: Final = "kubernetes.io/hostname, each node"
# Nodes that are looked at together: what is laid out of them fits the processor's nearest memory.
BLOCK: Final = 256
ALWAYS: Final = ("cpu", "memory", "ephemeral-storage")
_devices_on = attrgetter("devices")


class Holding(NamedTuple):
    """What a running pod holds of the GPUs of its node.

    Attributes:
        node: the node's number.
        kind: the column of `Cluster.device_kinds` it counts in.
        parts: device, milli and bytes of memory.
    """

    node: int
    kind: int
    parts: tuple[tuple[int, int, int], ...]


class Resources:
    """The resource columns: cpu, memory, ephemeral storage, then extended resources by name."""

    def __init__(self, machines: Machines, specs: Iterable[PodSpec]) -> None:
        names: set[str] = set().union(*(node.allocatable for node in machines.nodes))
        for spec in specs:
            names.update(spec.requests)
        self.names = [*ALWAYS, *sorted(names.difference(ALWAYS, ("pods",)))]
        self.column = {name: i for i, name in enumerate(self.names)}

    def row(self, amounts: dict[str, int]) -> NDArray[np.int64]:
        """Amounts by resource name as a row."""
        row = np.zeros(len(self.names), dtype=np.int64)
        for name, amount in amounts.items():
            if name in self.column:
                row[self.column[name]] = amount
        return row


class HostPorts:
    """The host ports that pending pods ask for; a pod holds every one of them that its own ports clash with."""

    def __init__(self, pending: Iterable[PodSpec]) -> None:
        self.wanted = sorted({port for spec in pending for port in spec.host_ports}, key=_port_order)
        self.number = {port: i for i, port in enumerate(self.wanted)}

    def held_by(self, spec: PodSpec) -> list[int]:
        """The wanted ports that clash with the pod's."""
        if not spec.host_ports:
            return []
        return [i for i, wanted in enumerate(self.wanted) if any(_clash(wanted, port) for port in spec.host_ports)]


def _port_order(port: HostPort) -> tuple[int, str, str]:
    return (port.port, port.protocol, port.ip)


def _clash(one: HostPort, other: HostPort) -> bool:
    if (one.port, one.protocol) != (other.port, other.protocol):
        return False
    anywhere = "0.0.0.0"  # noqa: S104 -- compared with, not bound to
    return one.ip == other.ip or anywhere in (one.ip, other.ip)


class Columns(NamedTuple):
    """What the columns of the arrays stand for: resources, the host ports that matter, one row a topology key."""

    resources: Resources
    ports: HostPorts
    keys: Sequence[str]


def compile_cluster(
    machines: Machines,
    running: tuple[Sequence[Pod], NDArray[np.int64], Templates],
    columns: Columns,
    policy: Policy,
    seed: int,
    lines: int,
    *,
    reserve: bool = False,
) -> tuple[Cluster, dict[int, Holding]]:
    """The nodes and their running pods as arrays.

    Args:
        machines: the nodes.
        running: the running pods, the node of each, and their templates.
        columns: what the columns stand for.
        policy: says how ties are broken.
        seed: draws the order of nodes where ties are broken by chance.
        lines: how many lines the log may have.
        reserve: whether what pods of jobs hold is counted for itself.

    Returns:
        The arrays, and what each running pod with GPUs holds of them, by its place in ``running``.

    Raises:
        InputError: a node has more GPUs than can be known one by one.
    """
    resources, ports, keys = columns
    size = len(machines)
    amounts = [node.allocatable for node in machines.nodes]
    allocatable = empty(size, len(resources.names))
    for column, name in enumerate(resources.names):
        allocatable[:, column] = _amounts(amounts, name)
    counts, memory = _inventories(machines.nodes)
    # One column even where no node has a GPU: a node's devices can then always be asked for their largest.
    most = int(counts.max(initial=0)) or 1
    present = np.arange(most) < counts[:, None]
    cluster = Cluster(
        allocatable=allocatable,
        used=empty(size, len(resources.names)),
        scoring_used=empty(size, 2),
        pod_limit=_amounts(amounts, "pods"),
        pods=empty(size),
        device_free=np.where(present, 1000, -1).astype(np.int32).reshape(size, most),
        device_memory=np.where(present, memory[:, None], 0).reshape(size, most),
        device_size=memory,
        device_model=machines.device_models.ids,
        device_kinds=empty(size, most + 1, dtype=np.int32),
        ports=empty(size, len(ports.wanted), dtype=np.int32),
        rank=_ranks(size, policy, seed),
        domain=_domains(machines, keys),
        largest=_largest(allocatable, counts),
        absent=empty(size, dtype=np.uint8),
        batch_used=empty(size if reserve else 0, len(resources.names)),
        log_node=empty(lines, dtype=np.int32),
        log_kind=empty(lines, dtype=np.int32),
        log_sign=empty(lines, dtype=np.int8),
        log_devices=empty(lines, most // DEVICES_A_WORD + 1),
        log_size=empty(1),
        draws=_generator(seed).integers(0, 2**62, lines),
        touched=empty(size + 1),
        score=empty(size, dtype=np.int32),
        sheet=empty(6, BLOCK, dtype=np.float64),
    )
    return cluster, _fill(cluster, running, resources, ports)


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _ranks(size: int, policy: Policy, seed: int) -> NDArray[np.int32]:
    """The order that breaks ties: by name, or the permutation drawn from the seed."""
    if policy.ties == "name":
        return np.arange(size, dtype=np.int32)
    order = _generator(seed).permutation(size)
    ranks = np.empty(size, dtype=np.int32)
    ranks[order] = np.arange(size, dtype=np.int32)
    return ranks


def _domains(machines: Machines, keys: Sequence[str]) -> NDArray[np.int32]:
    if not keys:
        return np.zeros((0, len(machines)), dtype=np.int32)
    return np.array([_domain(machines, key) for key in keys], dtype=np.int32)


def _domain(machines: Machines, key: str) -> NDArray[np.int32]:
    if key != EACH_NODE:
        return machines.column(key).ids
    labelled = np.array([HOSTNAME in node.labels for node in machines.nodes], dtype=np.bool_)
    return np.where(labelled, np.arange(len(machines), dtype=np.int32), np.int32(-1))


def _largest(allocatable: NDArray[np.int64], devices: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([allocatable[:, CPU].max(initial=0), 1000 * devices.max(initial=0)], dtype=np.int64)


def _amounts(nodes: Sequence[dict[str, int]], name: str) -> NDArray[np.int64]:
    """(N,) how much nodes have of a resource."""
    return np.fromiter(map(dict.get, nodes, repeat(name), repeat(0)), dtype=np.int64, count=len(nodes))


def _fill(
    cluster: Cluster,
    running: tuple[Sequence[Pod], NDArray[np.int64], Templates],
    resources: Resources,
    ports: HostPorts,
) -> dict[int, Holding]:
    """Put the running pods on their nodes. Pods of one template share a spec, and so a row."""
    bound, nodes, (specs, rows) = running
    if not len(nodes):
        return {}
    add_up(cluster.used, nodes, rows, np.array([resources.row(spec.requests) for spec in specs]))
    add_up(cluster.scoring_used, nodes, rows, np.array([held_requests(spec) for spec in specs], dtype=np.int64))
    cluster.pods[:] = np.bincount(nodes, minlength=len(cluster.pods))
    for row, spec in enumerate(specs):
        for port in ports.held_by(spec):
            np.add.at(cluster.ports[:, port], nodes[rows == row], 1)
    holding = np.array([spec.devices.count > 0 for spec in specs], dtype=np.bool_)[rows]
    holders = [(i, bound[i], int(nodes[i])) for i in np.flatnonzero(holding).tolist()]
    return {i: _hold_devices(cluster, pod, n) for i, pod, n in sorted(holders, key=_device_order)}


@kernel
def add_up(totals: I64, nodes: I64, rows: I64, amounts: I64) -> None:
    """Add the amounts of each pod, which is of a template, to those of its node.

    Args:
        totals: (N, R) what is added to.
        nodes: (pods,) the node of each.
        rows: (pods,) the template of each.
        amounts: (templates, R) what each takes.
    """
    for i in range(nodes.shape[0]):
        for column in range(totals.shape[1]):
            totals[nodes[i], column] += amounts[rows[i], column]


def _device_order(holder: tuple[int, Pod, int]) -> tuple[bool, bool, str]:
    """First those whose indices are known, then whole devices, then shares."""
    pod = holder[1]
    return (not pod.device_indices, pod.spec.devices.is_share(), pod.key)


def _hold_devices(cluster: Cluster, pod: Pod, n: int) -> Holding:
    """Give a running pod its GPUs."""
    request = pod.spec.devices
    milli = device_milli(pod.spec)
    kind = 0 if request.is_share() else min(request.count, cluster.device_kinds.shape[1] - 1)
    cluster.device_kinds[n, kind] += 1
    parts = []
    for d in _devices_of(cluster, pod, n):
        free, memory = int(cluster.device_free[n, d]), int(cluster.device_memory[n, d])
        taken = min(milli, 1000, free)
        used = memory if milli >= 1000 else min(request.memory, memory)
        cluster.device_free[n, d] -= taken
        cluster.device_memory[n, d] -= used
        parts.append((d, taken, used))
    return Holding(n, kind, tuple(parts))


def _inventories(nodes: Sequence[Node]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N,) how many GPUs nodes have, and (N,) bytes of memory of one of them. Most nodes have none, or the same."""
    every = list(map(_devices_on, nodes))
    kinds = numbered(map(id, every), len(every))
    first = first_of(kinds).tolist()
    for i in first:
        if every[i].count > MOST_DEVICES:
            raise InputError(
                f"{every[i].count} GPUs",
                f"at most {MOST_DEVICES}, each of which is known by itself",
                subject=f"Node {nodes[i].name}",
                field="status.allocatable",
            )
    counts, memory = ([getattr(every[i], what) for i in first] for what in ("count", "memory"))
    return np.array(counts, dtype=np.int64)[kinds], np.array(memory, dtype=np.int64)[kinds]


def held_requests(spec: PodSpec) -> tuple[int, int]:
    """Cpu and memory that a running pod counts for in the LeastAllocated family."""
    return spec.scoring_requests if spec.held_requests is None else spec.held_requests


def device_milli(spec: PodSpec) -> int:
    """The milli a pod takes of each of its devices: 1000 for whole ones, below for a share."""
    return min(spec.devices.milli, 999) if spec.devices.is_share() else 1000


def _devices_of(cluster: Cluster, pod: Pod, n: int) -> list[int]:
    """The devices a running pod holds: as recorded, else the least free that suffice, else the freest there are.

    A node may hold more than it has (its device plugin restarted, say); then its devices are simply full.
    """
    free, memory = cluster.device_free[n], cluster.device_memory[n]
    existing = [d for d in range(len(free)) if free[d] >= 0]
    recorded = [d for d in pod.device_indices if d in existing]
    if recorded:
        return recorded
    if not pod.spec.devices.is_share():
        touched = {d for d in existing if free[d] < 1000 or memory[d] < cluster.device_size[n]}
        return sorted(existing, key=lambda d: (d in touched, d))[: pod.spec.devices.count]
    wanted = pod.spec.devices.memory
    fitting = [d for d in existing if free[d] >= device_milli(pod.spec) and memory[d] >= wanted]
    if fitting:
        return [min(fitting, key=lambda d: (free[d], d))]
    return sorted(existing, key=lambda d: (-free[d], d))[:1]
