"""What is paid for beside nodes: volumes and load balancers by the pods that use them, egress by its bytes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.ledger import Lines
from yuheng.finops.allocation.question import HOURS_A_MONTH, Question
from yuheng.model.estate import Claim, Estate, LoadBalancer, PodEstate

__all__ = ["balancer_lines", "claim_price", "storage_lines"]

Numbers = NDArray[np.float64]
Places = dict[tuple[str, str], int]

GIB: Final = 2.0**30


def claim_price(claim: Claim, question: Question) -> float:
    """US dollars per hour of a volume, by its size and class."""
    per_month = question.storage.get(claim.storage_class, question.storage.get("", 0.0))
    return claim.size / GIB * per_month / HOURS_A_MONTH


def storage_lines(
    estate: Estate, question: Question, hours: Numbers, pods: Places, unmounted: dict[str, int], nodes: dict[str, int]
) -> Lines:
    """The volumes: each paid for by the pods that mount it, in equal parts.

    Args:
        estate: the cluster.
        question: prices.
        hours: (P,) of each stretch of the window.
        pods: the subject of each pod.
        unmounted: by namespace, the subject of volumes that no pod mounts.
        nodes: positions by name.
    """
    users: defaultdict[tuple[str, str], list[PodEstate]] = defaultdict(list)
    for pod in estate.pods.values():
        if pod.node:
            for claim in dict.fromkeys(pod.claims):
                users[pod.namespace, claim].append(pod)
    parts = _Parts(hours, nodes)
    for item in estate.claims:
        parts.add(
            claim_price(item, question), users.get((item.namespace, item.name), ()), pods, unmounted[item.namespace]
        )
    return parts.lines("storage")


def balancer_lines(
    estate: Estate, question: Question, hours: Numbers, pods: Places, unused: dict[str, int], nodes: dict[str, int]
) -> Lines:
    """The load balancers: each paid for by the pods behind it, in equal parts.

    Args:
        estate: the cluster.
        question: prices.
        hours: (P,) of each stretch of the window.
        pods: the subject of each pod.
        unused: by namespace, the subject of load balancers that have no pod behind them.
        nodes: positions by name.
    """
    by_namespace: defaultdict[str, list[PodEstate]] = defaultdict(list)
    for pod in estate.pods.values():
        if pod.node:
            by_namespace[pod.namespace].append(pod)
    parts = _Parts(hours, nodes)
    for item in estate.balancers:
        behind = [pod for pod in by_namespace[item.namespace] if _is_behind(pod, item)]
        parts.add(question.balancer, behind, pods, unused[item.namespace])
    return parts.lines("network")


def _is_behind(pod: PodEstate, balancer: LoadBalancer) -> bool:
    """Whether a Service selects a pod; one without a selector selects none."""
    return bool(balancer.selector) and all(pod.labels.get(key) == value for key, value in balancer.selector.items())


class _Parts:
    """Costs by the hour, in equal parts for those who use something."""

    def __init__(self, hours: Numbers, nodes: dict[str, int]) -> None:
        self._hours = hours
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

    def lines(self, column: str) -> Lines:
        """All of them, for each stretch of the window."""
        count, periods = len(self._subjects), len(self._hours)
        costs = np.outer(np.array(self._prices, dtype=np.float64), self._hours).reshape(-1)
        return Lines.of(
            np.repeat(np.array(self._subjects, dtype=np.int64), periods),
            np.tile(np.arange(periods, dtype=np.int64), count),
            column,
            costs,
            np.repeat(np.array(self._nodes, dtype=np.int64), periods),
        )
