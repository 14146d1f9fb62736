"""From lines to rows: groups, filters, and the order they are told in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.ledger import COLUMNS, Lines, Names
from yuheng.finops.allocation.question import Filter, Question
from yuheng.model.cost import IDLE, OTHER, UNALLOCATED, UNMOUNTED, CostRow
from yuheng.model.usage import Window

__all__ = ["Grouping", "matching", "rows_of"]

Indices = NDArray[np.int64]
Truths = NDArray[np.bool_]

_OTHERS_LAST: Final = {UNALLOCATED: 1, UNMOUNTED: 2, OTHER: 3, IDLE: 4}


class Grouping:
    """The groups of lines.

    Args:
        names: whom, where and what costs are told of.
        lines: what is grouped.
        keys: the values that lines of a group have in common.

    Attributes:
        values: of each group, one for each key.
        of_line: (L,) the group of each line.
    """

    def __init__(self, names: Names, lines: Lines, keys: Sequence[str]) -> None:
        columns = [names.codes(lines, key) for key in keys]
        combined = np.zeros(len(lines.subject), dtype=np.int64)
        for codes, known in columns:
            # Each step is coded densely again, so that the product never leaves 64 bits.
            combined = np.unique(combined * len(known) + codes, return_inverse=True)[1].reshape(-1)
        _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
        self.of_line: Indices = inverse.reshape(-1)
        self.values = [tuple(known[codes[line]] for codes, known in columns) for line in first]


def matching(names: Names, lines: Lines, filters: Sequence[Filter]) -> Truths:
    """(L,) whether a line has a row of its own: idle has, but for filters by node or cluster."""
    found = np.ones(len(lines.subject), dtype=bool)
    is_idle = names.is_idle[lines.subject]
    for item in filters:
        codes, known = names.codes(lines, item.key)
        accepted = np.array([item.accepts(value) for value in known], dtype=bool)[codes]
        found &= accepted if item.key in ("node", "cluster") else accepted | is_idle
    return found


def rows_of(names: Names, lines: Lines, question: Question, window: Window) -> tuple[CostRow, ...]:
    """The rows of all lines; those that the filters do not accept are one, `OTHER`.

    Args:
        names: whom, where and what costs are told of.
        lines: with everything shared that is to be.
        question: groups and filters.
        window: its stretches.
    """
    grouping = Grouping(names, lines, question.by)
    values = [*grouping.values, (OTHER,) * len(question.by)]
    group = np.where(matching(names, lines, question.filters), grouping.of_line, len(values) - 1)
    edges = window.edges()
    periods = len(edges) - 1
    amounts = np.column_stack((lines.costs, lines.told, lines.used))
    table = np.zeros((len(values), periods, amounts.shape[1]))
    np.add.at(table, (group, lines.period), amounts)
    there = np.zeros((len(values), periods), dtype=bool)
    np.logical_or.at(there, (group, lines.period), amounts.any(axis=1) | _is_somebody(names, lines))
    parts = (*COLUMNS, "measured", "used")
    found = []
    for index, period in zip(*np.nonzero(there), strict=True):
        body = dict(zip(parts, table[index, period].tolist(), strict=True))
        start = float(edges[period]) if question.every else None
        row = CostRow(group=dict(zip(question.by, values[index], strict=True)), start=start, **body)
        found.append((int(period), _order(values[index]), -row.total, values[index], row))
    return tuple(item[-1] for item in sorted(found, key=lambda item: item[:-1]))


def _is_somebody(names: Names, lines: Lines) -> Truths:
    """(L,) whether a line is a pod's: a group that costs nothing is told, too."""
    found: Truths = names.is_pod[lines.subject] & (lines.container >= 0)
    return found


def _order(values: Sequence[str]) -> int:
    """Groups of pods first, then what has none of its own."""
    return max((_OTHERS_LAST.get(value, 0) for value in values), default=0)
