"""The ledger: every cost once, by whom it is told of, where and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.subjects import Subject

__all__ = ["COLUMNS", "IDLE_COLUMN", "NODE_COLUMNS", "SHARED_COLUMN", "Ledger", "Lines", "joined"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

COLUMNS: Final = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle")
NODE_COLUMNS: Final = slice(0, 3)
SHARED_COLUMN: Final = COLUMNS.index("shared")
IDLE_COLUMN: Final = COLUMNS.index("idle")


class Lines(NamedTuple):
    """Lines of a ledger.

    Attributes:
        subject: (L,) whom each is told of, a position among the subjects.
        node: (L,) position among the nodes; -1 for none.
        container: (L,) position among the names of containers; -1 for none.
        period: (L,) the stretch of the window.
        costs: (L, 7) US dollars by `COLUMNS`.
        told: (L,) US dollars of what was held on nodes while usage was told.
        used: (L,) US dollars of what was used of that.
    """

    subject: Indices
    node: Indices
    container: Indices
    period: Indices
    costs: Numbers
    told: Numbers
    used: Numbers

    @classmethod
    def of(
        cls, subject: Sequence[int] | Indices, period: Indices, column: str, costs: Numbers, node: Indices | None = None
    ) -> Lines:
        """Lines that are costs of one kind."""
        who = np.asarray(subject, dtype=np.int64)
        table = np.zeros((len(who), len(COLUMNS)))
        table[:, COLUMNS.index(column)] = costs
        nothing, nowhere = np.zeros(len(who)), np.full(len(who), -1, dtype=np.int64)
        return cls(who, nowhere if node is None else node, nowhere, period, table, nothing, nothing)

    def where(self, kept: NDArray[np.bool_]) -> Lines:
        """Those of (L,) lines that are kept."""
        return Lines(
            subject=self.subject[kept],
            node=self.node[kept],
            container=self.container[kept],
            period=self.period[kept],
            costs=self.costs[kept],
            told=self.told[kept],
            used=self.used[kept],
        )


class Ledger(NamedTuple):
    """All costs of some clusters.

    Attributes:
        subjects: whom costs are told of.
        nodes: names of nodes.
        containers: names of containers.
        lines: the costs.
        idle: (N, P, 3) US dollars of nodes that nobody held; in no line.
        node_clusters: (N,) the subject that stands for the idle part of each node's cluster.
    """

    subjects: tuple[Subject, ...]
    nodes: tuple[str, ...]
    containers: tuple[str, ...]
    lines: Lines
    idle: Numbers
    node_clusters: Indices


def joined(ledgers: Sequence[Ledger]) -> Ledger:
    """One ledger of several; all have the same stretches of time."""
    subjects: list[Subject] = []
    nodes: list[str] = []
    containers: list[str] = []
    lines, clusters = [], []
    for ledger in ledgers:
        shifts = (len(subjects), len(nodes), len(containers))
        subject, node, container = (
            np.where(places >= 0, places + shift, -1) for places, shift in zip(ledger.lines[:3], shifts, strict=True)
        )
        lines.append(ledger.lines._replace(subject=subject, node=node, container=container))
        clusters.append(ledger.node_clusters + shifts[0])
        subjects += ledger.subjects
        nodes += ledger.nodes
        containers += ledger.containers
    return Ledger(
        tuple(subjects),
        tuple(nodes),
        tuple(containers),
        Lines(*(np.concatenate(columns) for columns in zip(*lines, strict=True))),
        np.concatenate([ledger.idle for ledger in ledgers]),
        np.concatenate(clusters),
    )
