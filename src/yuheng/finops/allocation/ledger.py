"""The ledger: every cost once, by whom it is told of, where and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.subjects import Subject
from yuheng.model.cost import UNALLOCATED

__all__ = ["COLUMNS", "IDLE_COLUMN", "NODE_COLUMNS", "SHARED_COLUMN", "Ledger", "Lines", "Names"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Truths = NDArray[np.bool_]

_PLACES: Final = ("node", "container")

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


class Names:
    """Whom, where and what costs are told of, by position; what is asked of them at every stretch is found once.

    Args:
        subjects: whom.
        nodes: names of nodes.
        containers: names of containers; empty for what is no container's own.
    """

    def __init__(self, subjects: Sequence[Subject], nodes: Sequence[str], containers: Sequence[str]) -> None:
        self._subjects = subjects
        self._names = dict(zip(_PLACES, (nodes, containers), strict=True))
        self._coded: dict[str, tuple[Indices, Indices, list[str]]] = {}

    def __len__(self) -> int:
        """How many subjects there are."""
        return len(self._subjects)

    @cached_property
    def is_pod(self) -> Truths:
        """(S,) whether a subject is somebody who can bear a part of shared costs."""
        return self._told(lambda subject: subject.is_pod, bool)

    @cached_property
    def is_idle(self) -> Truths:
        """(S,) whether a subject stands for what is idle of a cluster."""
        return self._told(lambda subject: subject.kind == "idle", bool)

    @cached_property
    def clusters(self) -> Indices:
        """(S,) the subject that stands for what is idle of each subject's cluster."""
        idle = {subject.cluster: index for index, subject in enumerate(self._subjects) if subject.kind == "idle"}
        return self._told(lambda subject: idle[subject.cluster], np.int64)

    def codes(self, lines: Lines, key: str) -> tuple[Indices, list[str]]:
        """(L,) positions in the values that a key has, and those."""
        if key not in self._coded:
            self._coded[key] = self._code(key)
        by_subject, by_name, known = self._coded[key]
        codes: Indices = by_subject[lines.subject]
        if key in _PLACES:
            places = lines.node if key == "node" else lines.container
            codes = np.where(places >= 0, by_name[places], codes)
        return codes, known

    def _code(self, key: str) -> tuple[Indices, Indices, list[str]]:
        known: dict[str, int] = {}
        by_subject = self._told(lambda subject: known.setdefault(subject.value(key), len(known)), np.int64)
        names = (*self._names.get(key, ()), UNALLOCATED)
        by_name = np.array([known.setdefault(name or UNALLOCATED, len(known)) for name in names], dtype=np.int64)
        return by_subject, by_name, list(known)

    def _told(self, value: Callable[[Subject], object], kind: type) -> NDArray[Any]:
        return np.array([value(subject) for subject in self._subjects], dtype=kind)


class Ledger(NamedTuple):
    """All costs of some clusters, in some stretches of time.

    Attributes:
        names: whom, where and what they are told of.
        lines: the costs.
        idle: (N, P, 3) US dollars of nodes that nobody held; in no line.
        node_clusters: (N,) the subject that stands for the idle part of each node's cluster.
    """

    names: Names
    lines: Lines
    idle: Numbers
    node_clusters: Indices
