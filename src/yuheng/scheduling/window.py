"""The window: the classes in hand, compiled for the kernels.

A class costs some 30 to 60 bytes a node, so only so many are held at once; a class that returns in a later window is
worked out anew from the cluster as it is by then. Nothing is lost by that: all of it derives from the cluster and
the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import AFFINITY, GONE, MAX_NEEDS, Cluster, Counters, Rules, Window, empty
from yuheng.scheduling.classes import PodClass
from yuheng.scheduling.compile import EACH_NODE, HostPorts, Resources, device_milli, held_requests
from yuheng.scheduling.counters import Counter, CounterBook
from yuheng.scheduling.filters import STATIC_FILTERS
from yuheng.scheduling.machines import Machines
from yuheng.scheduling.peers import Peers
from yuheng.scheduling.scores.nature import NORMALISED, image_locality

__all__ = ["Compiler", "Ground", "normalised_scores"]

T = TypeVar("T", bound=np.generic)
_Holders = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def normalised_scores(policy: Policy) -> list[tuple[str, int]]:
    """The static scores of a policy that are normalised: name and weight, in the policy's order."""
    return [(score.plugin, score.weight) for score in policy.scores if score.plugin in NORMALISED]


class Ground(NamedTuple):
    """The compiled cluster, and what its columns mean.

    Attributes:
        machines: the nodes.
        cluster: the same as arrays.
        resources, ports, keys: the columns of those arrays.
        peers: all kinds of pods.
        placed: node and kind of each pod that ran before.
    """

    machines: Machines
    cluster: Cluster
    resources: Resources
    ports: HostPorts
    keys: Sequence[str]
    peers: Peers
    placed: tuple[NDArray[np.int64], NDArray[np.int64]]


class _Row(NamedTuple):
    """One class, worked out but not yet laid beside the others."""

    item: PodClass
    static: NDArray[np.int64]
    base: NDArray[np.int64]
    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    raw: NDArray[np.int64]
    counters: list[Counter]


class Compiler:
    """Lays classes out as arrays.

    Args:
        ground: the cluster the classes stand on; its log is read to bring counters up to date.
        policy: what filters and scores are on.
        rules: the same as arrays.
    """

    def __init__(self, ground: Ground, policy: Policy, rules: Rules) -> None:
        self._machines = ground.machines
        self._cluster = ground.cluster
        self._resources = ground.resources
        self._ports = ground.ports
        self._keys = {key: i for i, key in enumerate(ground.keys)}
        self._policy = policy
        self._rules = rules
        nodes, kinds = ground.placed
        self._placed = (nodes, kinds, np.ones(len(nodes), dtype=np.int64))
        self._peers = ground.peers
        self._book = CounterBook(ground.machines, ground.peers, policy)
        self._image_weight = sum(score.weight for score in policy.scores if score.plugin == "ImageLocality")
        self._natures = [NORMALISED[name][0] for name, _ in normalised_scores(policy)]

    def compile(self, classes: Sequence[PodClass]) -> tuple[Window, Counters]:
        """The arrays of a window of classes; the caller has each row prepared before its first use."""
        rows = [self._row(item) for item in classes]
        counters, firsts = self._counters(rows)
        return self._window(rows, firsts), counters

    def _row(self, item: PodClass) -> _Row:
        spec = item.pod.spec
        static = self._static(item) | item.fence.bits(len(self._machines))
        raws = [score(self._machines, spec, self._policy) for score in self._natures]
        base = self._image_weight * image_locality(self._machines, spec) if self._image_weight else empty(len(static))
        if item.fence.bonus is not None:
            base = base + item.fence.bonus
        counters = self._book.counters(item.pod, item.kind, item.default_selector)
        telling = [*raws, *(self._cluster.domain[self._keys[key]] for key in {c.key: 0 for c in counters})]
        members, starts, sizes = _groups(np.flatnonzero(static == 0), telling, self._cluster.rank)
        firsts = members[starts]
        raw = np.array([values[firsts] for values in raws], dtype=np.int64).reshape(len(raws), len(starts)).T
        return _Row(item, static, base, members, starts, sizes, raw, counters)

    def _static(self, item: PodClass) -> NDArray[np.int64]:
        bits = empty(len(self._machines))
        for bit, rejects in STATIC_FILTERS.items():
            if self._rules.filters & (1 << bit):
                mask = rejects(self._machines, item.pod.spec, item.volumes, self._policy)
                bits |= mask.astype(np.int64) << bit
        return bits

    def _window(self, rows: Sequence[_Row], counter_first: NDArray[np.int64]) -> Window:
        count, size = len(rows), len(self._machines)
        specs = [row.item.pod.spec for row in rows]
        needs = [self._needs(row.item.pod) for row in rows]
        # Only pods that wait are checked, and their ports are all known.
        checks = [
            [self._ports.number[port] for port in spec.host_ports if port in self._ports.number] for spec in specs
        ]
        takes = [self._ports.held_by(spec) for spec in specs]
        groups = [len(row.starts) for row in rows]
        total = sum(groups)
        shares = [spec.devices for spec in specs]
        window = Window(
            request=np.array([self._resources.row(spec.requests) for spec in specs], dtype=np.int64),
            need_start=_offsets(needs),
            needs=_flat(needs),
            scoring=np.array([spec.scoring_requests for spec in specs], dtype=np.int64),
            held=np.array([held_requests(spec) for spec in specs], dtype=np.int64),
            device_count=np.array([share.count for share in shares], dtype=np.int64)
            * int("DeviceFit" in self._policy.filters),
            device_milli=np.array([device_milli(spec) for spec in specs], dtype=np.int64),
            device_memory=np.array([share.memory if share.is_share() else 0 for share in shares], dtype=np.int64),
            port_start=_offsets(checks),
            port_checks=_flat(checks),
            take_start=_offsets(takes),
            port_takes=_flat(takes),
            kind=np.array([row.item.kind for row in rows], dtype=np.int32),
            members=empty(count, size, dtype=np.int32),
            leaf=np.full((count, 2 * size), -1, dtype=np.int32),
            base=np.array([row.base for row in rows], dtype=np.int32),
            based=np.array([row.base.any() for row in rows], dtype=np.uint8),
            tree=np.full((count, 2 * size), -1, dtype=np.int32),
            group_start=np.concatenate([row.starts for row in rows]).astype(np.int64),
            group_size=np.concatenate([row.sizes for row in rows]).astype(np.int64),
            group_first=np.concatenate([[0], np.cumsum(groups)]).astype(np.int64),
            feasible=empty(total),
            raw=np.ascontiguousarray(np.concatenate([row.raw for row in rows])),
            total=empty(total),
            part=empty(total, len(self._natures) + 2),
            verdict=empty(total),
            counter_first=counter_first,
            seen=empty(count),
            own_affinity=np.array([_starts_itself(row) for row in rows], dtype=np.uint8),
            all_keys=np.array([self._needs_all_keys(spec) for spec in specs], dtype=np.uint8),
            static=np.array([row.static for row in rows], dtype=np.int32),
            batch=np.array([row.item.fence.batch for row in rows], dtype=np.uint8),
        )
        for w, row in enumerate(rows):
            window.members[w, : len(row.members)] = row.members
        return window

    def _needs(self, pod: Pod) -> list[int]:
        """The resource columns that NodeResourcesFit checks for the pod."""
        spec = pod.spec
        if "NodeResourcesFit" not in self._policy.filters:
            return []
        names = [name for name in self._resources.names if spec.requests.get(name, 0) > 0]
        needs = [self._resources.column[name] for name in names if not self._ignored(name)]
        if len(needs) > MAX_NEEDS:
            raise InputError(
                f"requests of {len(needs)} resources",
                f"at most {MAX_NEEDS}",
                subject=f"Pod {pod.key}",
                field="spec.containers[].resources.requests",
            )
        return needs

    def _ignored(self, name: str) -> bool:
        return name in self._policy.ignored_resources or (
            "/" in name and name.split("/", 1)[0] in self._policy.ignored_resource_groups
        )

    def _needs_all_keys(self, spec: PodSpec) -> bool:
        return bool(spec.spread) or not self._policy.system_defaulted

    def _counters(self, rows: Sequence[_Row]) -> tuple[Counters, NDArray[np.int64]]:
        every = [counter for row in rows for counter in row.counters]
        firsts = _offsets([row.counters for row in rows])
        domains = np.array([self._domains(counter.key) for counter in every], dtype=np.int64)
        starts = np.concatenate([[0], np.cumsum(domains)]).astype(np.int64)
        cells = int(starts[-1])
        counters = Counters(
            kind=np.array([counter.kind for counter in every], dtype=np.int8),
            key=np.array([self._keys[counter.key] for counter in every], dtype=np.int32),
            start=starts[:-1],
            domains=domains,
            count=empty(cells),
            known=empty(cells, dtype=np.uint8),
            skew=np.array([counter.skew for counter in every], dtype=np.int64),
            min_domains=np.array([counter.min_domains for counter in every], dtype=np.int64),
            own=np.array([counter.own for counter in every], dtype=np.int64),
            per_node=np.array([counter.key == EACH_NODE for counter in every], dtype=np.uint8),
            eligible=_stacked([counter.eligible for counter in every], len(self._machines), np.uint8),
            delta=_stacked([counter.delta for counter in every], len(self._peers.kinds), np.int32),
            sum=empty(len(every)),
            floor=empty(len(every)),
            weight=np.zeros(len(every), dtype=np.float64),
            seen_domains=empty(len(every)),
            missing=empty(len(every)),
            domain_seen=empty(cells),
            pass_number=empty(1),
        )
        if every:
            holders = self._holders_by_kind()
            for c, counter in enumerate(every):
                self._count(counters, c, counter, holders)
        return counters, firsts

    def _domains(self, key: str) -> int:
        return len(self._machines) if key == EACH_NODE else len(self._machines.column(key).values)

    def _holders_by_kind(self) -> _Holders:
        """The nodes of all pods that are placed by now, those of one kind side by side, and where each kind starts.

        Beside each node stands how many pods it tells of: one that left takes one away.
        """
        nodes, kinds, signs = self._lines()
        starts = np.concatenate([[0], np.cumsum(np.bincount(kinds, minlength=len(self._peers.kinds)))])
        order = np.argsort(kinds, kind="stable")
        return nodes[order], signs[order], starts

    def _lines(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Node, kind and sign of every pod that ran before, and of every line of the log."""
        size = int(self._cluster.log_size[0])
        signs = self._cluster.log_sign[:size]
        return (
            np.concatenate([self._placed[0], self._cluster.log_node[:size]]),
            np.concatenate([self._placed[1], self._cluster.log_kind[:size]]),
            np.concatenate([self._placed[2], signs]),
        )

    def fold(self) -> None:
        """Take the log in, so that it can start anew: what came and left again is forgotten."""
        nodes, kinds, signs = self._lines()
        count = len(self._peers.kinds)
        cells, where = np.unique(nodes * count + kinds, return_inverse=True)
        sums = np.bincount(where, weights=signs, minlength=len(cells)).astype(np.int64)
        self._placed = (cells[sums != 0] // count, cells[sums != 0] % count, sums[sums != 0])

    def _count(self, counters: Counters, c: int, counter: Counter, holders: _Holders) -> None:
        """Fill one counter from the pods that are placed by now."""
        nodes, signs, starts = holders
        domain = np.where(counter.eligible, self._cluster.domain[counters.key[c]], -1)
        view = counters.count[counters.start[c] : counters.start[c] + counters.domains[c]]
        for kind in np.flatnonzero(counter.delta).tolist():
            slot = slice(starts[kind], starts[kind + 1])
            there = domain[nodes[slot]]
            np.add.at(view, there[there >= 0], counter.delta[kind] * signs[slot][there >= 0])
        counters.sum[c] = view.sum()
        there = domain[(domain >= 0) & (self._cluster.absent < GONE)]
        counters.known[counters.start[c] + there] = 1


def _groups(
    nodes: NDArray[np.int64], telling: Sequence[NDArray[np.generic]], rank: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Nodes that agree on everything telling, side by side.

    Returns:
        The nodes in their new order (by rank within a group), the position each group starts at, and its size.
    """
    keys = [rank[nodes], *(values[nodes] for values in telling)]
    order = np.lexsort(keys)
    members = nodes[order]
    if not len(members):
        return members, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    changes = np.zeros(len(members), dtype=np.bool_)
    changes[0] = True
    for values in telling:
        ordered = values[members]
        changes[1:] |= ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(changes)
    return members, starts, np.diff(np.append(starts, len(members)))


def _starts_itself(row: _Row) -> bool:
    """Whether the class's own pods satisfy all its required affinity terms."""
    return any(counter.kind == AFFINITY and counter.delta[row.item.kind] > 0 for counter in row.counters)


def _offsets(lists: Sequence[Sequence[object]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([len(items) for items in lists])]).astype(np.int64)


def _flat(lists: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array([item for items in lists for item in items], dtype=np.int64)


def _stacked(rows: Sequence[NDArray[Any]], width: int, dtype: type[T]) -> NDArray[T]:
    if not rows:
        return np.zeros((0, width), dtype=dtype)
    return np.array(rows, dtype=dtype)
