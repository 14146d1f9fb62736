"""What is paid for beside nodes: volumes and load balancers by the pods that use them, egress by its bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.ledger import Lines
from yuheng.finops.allocation.question import Question
from yuheng.model.estate import Claim, Estate, LoadBalancer, PodEstate
from yuheng.model.units import GIB, HOURS_A_MONTH

__all__ = ["Extras", "balancers_of", "claim_price", "storage_of"]

Numbers = NDArray[np.float64]
Places = dict[tuple[str, str], int]


def claim_price(claim: Claim, question: Question) -> float:
    """US dollars per hour of a volume, by its size and class."""
    per_month = question.storage.get(claim.storage_class, question.storage.get("", 0.0))
    return claim.size / GIB * per_month / HOURS_A_MONTH


def storage_of(
    estate: Estate, question: Question, pods: Places, unmounted: dict[str, int], nodes: dict[str, int]
) -> Extras:
    """The volumes: each paid for by the pods that mount it, in equal parts.

    Args:
        estate: the cluster.
        question: prices.
        pods: the subject of each pod.
        unmounted: by namespace, the subject of volumes that no pod mounts.
        nodes: positions by name.
    """
    users: defaultdict[tuple[str, str], list[PodEstate]] = defaultdict(list)
    for pod in estate.pods.values():
        if pod.node:
            for claim in dict.fromkeys(pod.claims):
                users[pod.namespace, claim].append(pod)
    parts = Extras("storage", nodes)
    for item in estate.claims:
        parts.add(
            claim_price(item, question), users.get((item.namespace, item.name), ()), pods, unmounted[item.namespace]
        )
    return parts


def balancers_of(
    estate: Estate, question: Question, pods: Places, unused: dict[str, int], nodes: dict[str, int]
) -> Extras:
    """The load balancers: each paid for by the pods behind it, in equal parts.

    Args:
        estate: the cluster.
        question: prices.
        pods: the subject of each pod.
        unused: by namespace, the subject of load balancers that have no pod behind them.
        nodes: positions by name.
    """
    by_namespace: defaultdict[str, list[PodEstate]] = defaultdict(list)
    for pod in estate.pods.values():
        if pod.node:
            by_namespace[pod.namespace].append(pod)
    parts = Extras("network", nodes)
    for item in estate.balancers:
        behind = [pod for pod in by_namespace[item.namespace] if _is_behind(pod, item)]
        parts.add(question.balancer, behind, pods, unused[item.namespace])
    return parts


def _is_behind(pod: PodEstate, balancer: LoadBalancer) -> bool:
    """Whether a Service selects a pod; one without a selector selects none."""
    return bool(balancer.selector) and all(pod.labels.get(key) == value for key, value in balancer.selector.items())


class Extras:
    """Costs by the hour, in equal parts for those who use something.

    Args:
        column: of the ledger.
        nodes: positions by name.
    """

    def __init__(self, column: str, nodes: dict[str, int]) -> None:
        self._column = column
        self._places = nodes
        self._subjects: list[int] = []
        self._nodes: list[int] = []
        self._prices: list[float] = []

    def add(self, per_hour: float, users: Sequence[PodEstate], pods: Places, nobody: int) -> None:
        """Something that costs so much, and the pods that use it; somebody else when there are none."""
        if not users:
            self._subjects.append(nobody)
            self._nodes.append(-1)
            self._prices.append(per_hour)
        for pod in users:
            self._subjects.append(pods[pod.namespace, pod.name])
            self._nodes.append(self._places.get(pod.node, -1))
            self._prices.append(per_hour / len(users))

    def __len__(self) -> int:
        """How many lines there are for each stretch of time."""
        return len(self._subjects)

    def lines(self, hours: Numbers) -> Lines:
        """All of them, for each of (P,) stretches of time of so many hours."""
        count, periods = len(self._subjects), len(hours)
        costs = np.outer(np.array(self._prices, dtype=np.float64), hours).reshape(-1)
        return Lines.of(
            np.repeat(np.array(self._subjects, dtype=np.int64), periods),
            np.tile(np.arange(periods, dtype=np.int64), count),
            self._column,
            costs,
            np.repeat(np.array(self._nodes, dtype=np.int64), periods),
        )
