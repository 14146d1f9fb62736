"""Near to each other: jobs within one part of the network (Volcano's ``network-topology-aware``, HyperNodes).

Hard: a job runs within one HyperNode of at most the tier allowed; the lowest tier that takes it wins, of equals the one
that is fullest already. Soft: nodes that share a low tier with the job's pods are preferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yuheng.model.job import HyperNode, NetworkTopology
from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.machines import Machines

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["Network"]

Nodes = NDArray[np.int32]


class Network:
    """The parts of the network, lowest tier first."""

    def __init__(self, machines: Machines, hyper_nodes: Sequence[HyperNode]) -> None:
        self._size = len(machines)
        self._parts = [
            (part.tier, part.name, np.array(sorted(machines.index[name] for name in part.nodes), dtype=np.int32))
            for part in sorted(hyper_nodes, key=lambda part: (part.tier, part.name))
        ]
        self._tiers = sorted({tier for tier, _, _ in self._parts})
        self._members = np.concatenate([np.zeros(0, dtype=np.int32), *(members for _, _, members in self._parts)])
        self._counts = np.array([len(members) for _, _, members in self._parts], dtype=np.int64)
        self._ends = np.cumsum(self._counts)
        self._known: tuple[object, NDArray[np.int64]] = (None, np.zeros(0, dtype=np.int64))

    def is_soft(self, state: JobState) -> bool:
        """Whether a job would rather be near itself."""
        return bool(self._parts) and state.job.topology is not None and state.job.topology.mode == "soft"

    def is_hard(self, session: Session, state: JobState) -> bool:
        """Whether a job has to run within one part."""
        return state.job.topology is not None and state.job.topology.mode == "hard" and session.settings.network > 0

    def candidates(self, session: Session, state: JobState, *, claims: bool = False) -> Iterator[Nodes | None]:
        """The nodes a job may use, one set after the other to be tried; None for all nodes.

        Args:
            session: the state.
            state: the job.
            claims: parts without room count, too: others may leave it.
        """
        topology = state.job.topology
        if topology is None or not self.is_hard(session, state):
            yield None
            return
        held = session.roster.nodes_of(state)
        lacking = max(state.need - state.total_ready, 1)
        room = self._room(session, state.groups, claims=claims)
        yield from self._within(topology, held, room, lacking, None)

    def sub_candidates(
        self, session: Session, state: JobState, members: Sequence[Group], nodes: Nodes | None
    ) -> Iterator[Nodes | None]:
        """The nodes a subgroup may use, within those its job may use."""
        sub_group = members[0].sub_group
        topology = None if sub_group is None else state.job.sub_groups[sub_group.policy].topology
        if topology is None or topology.mode == "soft" or not session.settings.network:
            yield nodes
            return
        held = session.roster.nodes_of(state, sub_group)
        yield from self._within(topology, held, self._room(session, members), 1, nodes)

    def _within(
        self,
        topology: NetworkTopology,
        held: set[int],
        room: NDArray[np.int64],
        lacking: int,
        nodes: Nodes | None,
    ) -> Iterator[Nodes]:
        """Parts of a tier that is allowed, with all nodes the pods hold already; those without room left out."""
        if nodes is not None:
            outside = np.ones(self._size, dtype=np.bool_)
            outside[nodes] = False
            room = np.where(outside, 0, room)
        capacities = self._sums(room)
        tiers: dict[int, list[tuple[int, str, Nodes]]] = {}
        for p in np.flatnonzero(capacities >= lacking).tolist():
            tier, name, members = self._parts[p]
            if topology.highest_tier is not None and tier > topology.highest_tier:
                continue
            some = members if nodes is None else np.intersect1d(members, nodes).astype(np.int32)
            capacity = int(capacities[p])
            if not held or held <= set(members.tolist()):
                tiers.setdefault(tier, []).append((capacity, name, some))
        for tier in sorted(tiers):
            # The tightest part that may do it: wide ones stay for wide jobs.
            for _, _, some in sorted(tiers[tier], key=lambda part: part[:2]):
                yield some

    def _sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """(parts,) the sum over each part's nodes."""
        running = np.concatenate([[0], np.cumsum(values[self._members])])
        found: NDArray[np.int64] = running[self._ends] - running[self._ends - self._counts]
        return found

    def _room(self, session: Session, groups: Sequence[Group], *, claims: bool = False) -> NDArray[np.int64]:
        """(N,) no fewer pods of the groups than each node has room for, by resources alone; or would have, empty."""
        key = (session.moves.version, claims, *(group.number for group in groups if group.left))
        if self._known[0] != key:
            self._known = (key, self._count(session, groups, claims=claims))
        return self._known[1]

    def _count(self, session: Session, groups: Sequence[Group], *, claims: bool) -> NDArray[np.int64]:
        cluster = session.engine.cluster
        free = cluster.allocatable if claims else cluster.allocatable - cluster.used
        most = cluster.pod_limit if claims else np.maximum(cluster.pod_limit - cluster.pods, 0)
        found = np.zeros(self._size, dtype=np.int64)
        for group in groups:
            if not group.left:
                continue
            asked = np.flatnonzero(group.row[:-1] > 0)
            fits = most
            for column in asked.tolist():
                fits = np.minimum(fits, np.maximum(free[:, column], 0) // group.row[column])
            found = np.maximum(found, fits)
        return found

    def bonus(self, session: Session, state: JobState) -> NDArray[np.int64]:
        """(N,) the score of nodes that share a part of the network with the job's pods: more for a lower tier."""
        found = np.zeros(self._size, dtype=np.int64)
        if not self.is_soft(state) or not session.settings.network:
            return found
        held = session.roster.nodes_of(state)
        anchors = self._parts if held else self._best_start(session, state)
        for tier, _, members in anchors:
            if held and held.isdisjoint(members.tolist()):
                continue
            steps = len(self._tiers) - self._tiers.index(tier)
            worth = 100 * session.settings.network * steps // len(self._tiers)
            found[members] = np.maximum(found[members], worth)
        return found

    def _best_start(self, session: Session, state: JobState) -> list[tuple[int, str, Nodes]]:
        """Where a job without pods would best begin: the tightest part of the lowest tier that takes it whole."""
        room = self._room(session, state.groups)
        lacking = max(state.need - state.total_ready, 1)
        fitting = [(tier, int(room[m].sum()), name, m) for tier, name, m in self._parts if room[m].sum() >= lacking]
        if not fitting:
            return []
        tier, _, name, members = min(fitting, key=lambda part: part[:3])
        return [(tier, name, members)]
