"""`allocate`: from clusters, prices and usage to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.allocation.assumptions import assumed
from yuheng.finops.allocation.demand import Demand, demand_of
from yuheng.finops.allocation.division import Divided, divide
from yuheng.finops.allocation.extras import balancer_lines, storage_lines
from yuheng.finops.allocation.ledger import COLUMNS, NODE_COLUMNS, Ledger, Lines, joined
from yuheng.finops.allocation.question import Filter, Question, Spread
from yuheng.finops.allocation.rows import Grouping, matching, rows_of
from yuheng.finops.allocation.spreading import share_costs, share_idle
from yuheng.finops.allocation.subjects import Subject, told_cluster
from yuheng.model.cost import Costs
from yuheng.model.estate import Estate
from yuheng.model.node_price import NodePrice
from yuheng.model.usage import HOUR, UsageSums, Window

__all__ = ["Holding", "allocate"]

GIB: Final = 2.0**30


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


def allocate(holdings: Sequence[Holding], question: Question, window: Window) -> Costs:
    """Who caused what some clusters cost within a window.

    The totals of all rows, and what is hidden, add up to the price of all nodes, volumes, load balancers and egress.

    Args:
        holdings: the clusters, at least one.
        question: groups, filters, what is shared, prices beside nodes.
        window: the time, and its stretches.

    Returns:
        The costs in US dollars.
    """
    accounts = [_account(holding, question, window) for holding in holdings]
    ledger = joined([account.ledger for account in accounts])
    total = float(ledger.lines.costs.sum() + ledger.idle.sum())
    lines, hidden = _with_idle(ledger, question)
    unmatched: list[str] = []
    if question.shared:
        lines, unmatched = _with_shared(ledger, lines, question, window)
    return Costs(
        start=window.start,
        end=window.end,
        by=question.by,
        every=question.every,
        idle_mode=question.idle,
        rows=rows_of(ledger, lines, question, window),
        total=total,
        nodes=sum(account.divided.total for account in accounts),
        idle=float(ledger.idle.sum()),
        hidden=hidden,
        assumptions=(
            *assumed(
                [(one, account.demand, account.divided) for one, account in zip(holdings, accounts, strict=True)],
                question,
                window,
            ),
            *unmatched,
        ),
    )


class _Account(NamedTuple):
    """A cluster's costs, and how they came about."""

    ledger: Ledger
    demand: Demand
    divided: Divided


def _account(holding: Holding, question: Question, window: Window) -> _Account:
    estate = holding.estate
    demand = demand_of(estate, holding.sums, window)
    divided = divide(demand, estate.snapshot.nodes, holding.prices, window)
    cast = _Cast(estate, demand)
    hours = np.diff(window.edges()) / HOUR
    lines = [_held(demand, divided, cast, question)]
    lines.append(storage_lines(estate, question, hours, cast.pods, cast.unmounted, cast.nodes))
    lines.append(balancer_lines(estate, question, hours, cast.pods, cast.unused, cast.nodes))
    ledger = Ledger(
        tuple(cast.subjects),
        tuple(cast.nodes),
        demand.containers,
        Lines(*(np.concatenate(columns) for columns in zip(*lines, strict=True))),
        divided.idle,
        np.full(len(cast.nodes), cast.idle, dtype=np.int64),
    )
    return _Account(ledger, demand, divided)


class _Cast:
    """Everybody in a cluster whom a cost can be told of.

    Attributes:
        subjects: all of them.
        pods: position by namespace and name.
        unmounted, unused: position by namespace, of volumes and load balancers that no pod uses.
        idle: position of what is left of nodes.
        nodes: position of each node by its name.
    """

    def __init__(self, estate: Estate, demand: Demand) -> None:
        self._estate = estate
        self._cluster = told_cluster(estate.cluster)
        self.subjects: list[Subject] = [Subject(kind="idle", cluster=self._cluster)]
        self.idle = 0
        self.nodes = {node.name: index for index, node in enumerate(estate.snapshot.nodes)}
        here = [(pod.namespace, pod.name) for pod in estate.pods.values() if pod.node]
        self.pods = {key: self._add(self._pod(*key)) for key in dict.fromkeys((*demand.pods, *here))}
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


def _held(demand: Demand, divided: Divided, cast: _Cast, question: Question) -> Lines:
    """The lines of what containers held, and of what they sent."""
    costs = np.zeros((len(demand.pod), len(COLUMNS)))
    costs[:, NODE_COLUMNS] = divided.costs
    costs[:, COLUMNS.index("network")] = demand.egress / GIB * question.egress
    subjects = np.array([cast.pods[key] for key in demand.pods], dtype=np.int64)
    who = subjects[demand.pod] if len(subjects) else demand.pod
    return Lines(who, demand.node, demand.container, demand.period, costs, divided.told, divided.used)


def _with_idle(ledger: Ledger, question: Question) -> tuple[Lines, float]:
    """The lines with idle as it is wanted, and what of it is in none of them."""
    lines, idle = ledger.lines, ledger.idle
    if question.idle == "hide":
        return lines, float(idle.sum())
    if question.idle == "share":
        lines, idle = share_idle(ledger)
    node, period = np.nonzero(idle.sum(axis=2) > 0)
    more = Lines.of(ledger.node_clusters[node], period, "idle", idle.sum(axis=2)[node, period], node)
    return Lines(*(np.concatenate(columns) for columns in zip(lines, more, strict=True))), 0.0


def _with_shared(ledger: Ledger, lines: Lines, question: Question, window: Window) -> tuple[Lines, list[str]]:
    """The lines with what is shared borne by the others, and what was to be shared and is nobody's."""
    is_pod = np.array([subject.is_pod for subject in ledger.subjects], dtype=bool)[lines.subject]
    pools: list[tuple[np.ndarray, Spread]] = []
    for shared in question.shared:
        chosen = matching(ledger, lines, (Filter(shared.key, (shared.value,)),)) & is_pod
        pools.append((chosen, shared.spread))
    groups = Grouping(ledger, lines, question.by).of_line
    unmatched = [
        f"no pod is shared by {one.key}={one.value}: nothing there costs anything"
        for one, (chosen, _) in zip(question.shared, pools, strict=True)
        if not chosen.any()
    ]
    return share_costs(lines, groups, is_pod, pools, len(window.edges()) - 1), unmatched
