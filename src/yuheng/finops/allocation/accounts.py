"""Accounts: what each cluster is paid for, and by whom, over any stretches of time.

Clusters and their usage are looked at once; costs are entered for a few stretches of time at a time, so that a month
by the hour takes no more memory than a few hours do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.demand import Demand, demand_of
from yuheng.finops.allocation.division import Divided, divide, paid_for
from yuheng.finops.allocation.extras import balancers_of, storage_of
from yuheng.finops.allocation.holders import Holders, holders_of
from yuheng.finops.allocation.ledger import COLUMNS, NODE_COLUMNS, Ledger, Lines, Names
from yuheng.finops.allocation.question import Question
from yuheng.finops.allocation.subjects import Subject, told_cluster
from yuheng.model.estate import Estate
from yuheng.model.node_price import NodePrice
from yuheng.model.units import GIB, HOUR
from yuheng.model.usage import UsageSums, Window

__all__ = ["Account", "Accounts", "Holding"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


class Holding(NamedTuple):
    """A cluster, and what is known of its money.

    Attributes:
        estate: the cluster.
        prices: of its nodes, in their order.
        sums: what its containers used, summed over the same window with their own requests (see ``requests_of``);
            None where nothing tells.
    """

    estate: Estate
    prices: tuple[NodePrice, ...]
    sums: UsageSums | None = None


class _Cast:
    """Everybody in a cluster whom a cost can be told of.

    Attributes:
        subjects: all of them.
        pods: position by namespace and name.
        unmounted, unused: position by namespace, of volumes and load balancers that no pod uses.
        idle: position of what is left of nodes.
        nodes: position of each node by its name.
    """

    def __init__(self, estate: Estate, holders: Holders) -> None:
        self._estate = estate
        self._cluster = told_cluster(estate.cluster)
        self.subjects: list[Subject] = [Subject(kind="idle", cluster=self._cluster)]
        self.idle = 0
        self.nodes = {node.name: index for index, node in enumerate(estate.snapshot.nodes)}
        self.pods = {key: self._add(self._pod(*key)) for key in holders.pods}
        self.unmounted = {
            namespace: self._add(Subject(kind="unmounted", cluster=self._cluster, namespace=namespace))
            for namespace in dict.fromkeys(claim.namespace for claim in estate.claims)
        }
        self.unused = {
            namespace: self._add(Subject(kind="unused", cluster=self._cluster, namespace=namespace))
            for namespace in dict.fromkeys(balancer.namespace for balancer in estate.balancers)
        }

    def _add(self, subject: Subject) -> int:
        self.subjects.append(subject)
        return len(self.subjects) - 1

    def _pod(self, namespace: str, name: str) -> Subject:
        pod = self._estate.pods.get(f"{namespace}/{name}")
        if pod is None:
            return Subject(kind="gone", cluster=self._cluster, namespace=namespace, pod=name)
        return Subject(
            kind="pod",
            cluster=self._cluster,
            namespace=namespace,
            pod=name,
            owner=pod.owner,
            queue=pod.queue,
            labels=pod.labels,
            namespace_labels=self._estate.namespaces.get(namespace, {}),
            annotations=pod.annotations,
            namespace_annotations=self._estate.annotations.get(namespace, {}),
        )


class Account:
    """What one cluster is paid for, and by whom.

    Args:
        holding: the cluster.
        question: prices beside nodes.
        window: all of the time.

    Attributes:
        holding: the cluster.
        cast: whom its costs are told of.
        holders: who may hold something of its nodes.
        gone: (D,) whether a pod of the holders is not in the state.
        gone_cost: US dollars that these held of nodes, in what was entered so far.
        crowded: (N,) whether a node had more held of a resource than it has, in what was entered so far.
    """

    def __init__(self, holding: Holding, question: Question, window: Window) -> None:
        self.holding = holding
        estate = holding.estate
        self.holders = holders_of(estate, holding.sums, window)
        self.cast = _Cast(estate, self.holders)
        self._paid = paid_for(estate.snapshot.nodes, holding.prices)
        self._extras = (
            storage_of(estate, question, self.cast.pods, self.cast.unmounted, self.cast.nodes),
            balancers_of(estate, question, self.cast.pods, self.cast.unused, self.cast.nodes),
        )
        self._egress = question.egress / GIB
        self._subjects = np.array([self.cast.pods[key] for key in self.holders.pods], dtype=np.int64)
        self.gone = np.array([f"{space}/{name}" not in estate.pods for space, name in self.holders.pods], dtype=bool)
        self.gone_cost = 0.0
        self.crowded = np.zeros(len(estate.snapshot.nodes), dtype=bool)

    @property
    def lines(self) -> int:
        """How many lines it has for a stretch of time, at most."""
        measured = 0 if self.holders.measured is None else len(self.holders.measured.pod)
        return len(self.holders.standing.pod) + measured + sum(map(len, self._extras)) + len(self.crowded)

    def enter(self, window: Window, first: int) -> tuple[Lines, Divided]:
        """What it costs within some stretches of time.

        Args:
            window: the stretches.
            first: how many are before them.
        """
        hours = np.diff(window.edges()) / HOUR
        demand = demand_of(self.holders, window, first)
        divided = divide(demand, self._paid, hours)
        self.crowded |= divided.crowded
        if self.gone.any():
            self.gone_cost += float(divided.costs[self.gone[demand.pod]].sum())
        lines = [self._held(demand, divided), *(extras.lines(hours) for extras in self._extras)]
        return Lines(*(np.concatenate(columns) for columns in zip(*lines, strict=True))), divided

    def _held(self, demand: Demand, divided: Divided) -> Lines:
        """The lines of what containers held, and of what they sent."""
        costs = np.zeros((len(demand.pod), len(COLUMNS)))
        costs[:, NODE_COLUMNS] = divided.costs
        costs[:, COLUMNS.index("network")] = demand.egress * self._egress
        who = self._subjects[demand.pod]
        return Lines(who, demand.node, demand.container, demand.period, costs, divided.told, divided.used)


class Accounts:
    """The accounts of several clusters, told of together.

    Args:
        holdings: the clusters, at least one.
        question: prices beside nodes.
        window: all of the time.

    Attributes:
        each: cluster by cluster.
        names: whom, where and what their costs are told of.
    """

    def __init__(self, holdings: Sequence[Holding], question: Question, window: Window) -> None:
        self.each = [Account(holding, question, window) for holding in holdings]
        subjects: list[Subject] = []
        nodes: list[str] = []
        containers: list[str] = []
        clusters: list[Indices] = []
        self._shifts: list[tuple[int, int, int]] = []
        for account in self.each:
            self._shifts.append((len(subjects), len(nodes), len(containers)))
            clusters.append(np.full(len(account.cast.nodes), len(subjects) + account.cast.idle, dtype=np.int64))
            subjects += account.cast.subjects
            nodes += account.cast.nodes
            containers += account.holders.containers
        self.names = Names(subjects, nodes, containers)
        self._node_clusters = np.concatenate(clusters)

    @property
    def lines(self) -> int:
        """How many lines they have for a stretch of time, at most."""
        return sum(account.lines for account in self.each)

    def ledger(self, window: Window, first: int) -> tuple[Ledger, float]:
        """All costs within some stretches of time, and US dollars of nodes alone.

        Args:
            window: the stretches.
            first: how many are before them.
        """
        found = [account.enter(window, first) for account in self.each]
        moved = [_moved(lines, shifts) for (lines, _), shifts in zip(found, self._shifts, strict=True)]
        lines = Lines(*(np.concatenate(columns) for columns in zip(*moved, strict=True)))
        idle = np.concatenate([divided.idle for _, divided in found])
        return Ledger(self.names, lines, idle, self._node_clusters), sum(divided.total for _, divided in found)


def _moved(lines: Lines, shifts: tuple[int, int, int]) -> Lines:
    """Lines of one cluster with their positions among all clusters."""
    subject, node, container = (
        np.where(places >= 0, places + shift, -1) for places, shift in zip(lines[:3], shifts, strict=True)
    )
    return lines._replace(subject=subject, node=node, container=container)
