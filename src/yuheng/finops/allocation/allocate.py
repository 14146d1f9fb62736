"""`allocate`: from clusters, prices and usage to rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from yuheng.finops.allocation.accounts import Accounts, Holding
from yuheng.finops.allocation.assumptions import assumed
from yuheng.finops.allocation.ledger import Ledger, Lines
from yuheng.finops.allocation.question import Filter, Question, Shared, Spread
from yuheng.finops.allocation.rows import Grouping, matching, rows_of
from yuheng.finops.allocation.spreading import share_costs, share_idle
from yuheng.model.cost import CostRow, Costs
from yuheng.model.usage import Window

__all__ = ["allocate"]

# Lines that are looked at together; each takes about half a kilobyte on the way.
MOST_LINES: Final = 500_000


def allocate(holdings: Sequence[Holding], question: Question, window: Window, most_lines: int = MOST_LINES) -> Costs:
    """Who caused what some clusters cost within a window.

    The totals of all rows, and what is hidden, add up to the price of all nodes, volumes, load balancers and egress.

    Args:
        holdings: the clusters, at least one.
        question: groups, filters, what is shared, prices beside nodes.
        window: the time, and its stretches.
        most_lines: of how many lines costs are looked at together; fewer take less memory, and more time. A stretch
            is never divided.

    Returns:
        The costs in US dollars.
    """
    accounts = Accounts(holdings, question, window)
    rows: list[CostRow] = []
    sums = _Sums()
    borne: set[Shared] = set()
    for first, part in _parts(window, max(most_lines // max(accounts.lines, 1), 1)):
        ledger, nodes = accounts.ledger(part, first)
        idle = float(ledger.idle.sum())
        lines, hidden = _with_idle(ledger, question)
        sums = sums.with_(_Sums(float(ledger.lines.costs.sum()) + idle, nodes, idle, hidden))
        lines, found = _with_shared(ledger, lines, question, part)
        borne |= found
        rows += rows_of(ledger.names, lines, question, part)
    unmatched = (
        f"no pod is shared by {one.key}={one.value}: nothing there costs anything"
        for one in question.shared
        if one not in borne
    )
    return Costs(
        start=window.start,
        end=window.end,
        by=question.by,
        every=question.every,
        idle_mode=question.idle,
        rows=tuple(rows),
        assumptions=(*assumed(accounts.each, question, window), *unmatched),
        **sums._asdict(),
    )


class _Sums(NamedTuple):
    """US dollars of everything, of nodes alone, of what is idle of them, and of what is hidden of that."""

    total: float = 0.0
    nodes: float = 0.0
    idle: float = 0.0
    hidden: float = 0.0

    def with_(self, other: _Sums) -> _Sums:
        """Both together."""
        return _Sums(*(mine + its for mine, its in zip(self, other, strict=True)))


def _parts(window: Window, stretches: int) -> Iterator[tuple[int, Window]]:
    """The window in parts of so many stretches each, and how many come before each part."""
    edges = window.edges()
    for first in range(0, len(edges) - 1, stretches):
        last = min(first + stretches, len(edges) - 1)
        yield first, msgspec.structs.replace(window, start=float(edges[first]), end=float(edges[last]))


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


def _with_shared(ledger: Ledger, lines: Lines, question: Question, window: Window) -> tuple[Lines, set[Shared]]:
    """The lines with what is shared borne by the others, and what there was to share."""
    if not question.shared:
        return lines, set()
    is_pod = ledger.names.is_pod[lines.subject]
    pools: list[tuple[np.ndarray, Spread]] = []
    found = set()
    for shared in question.shared:
        chosen = matching(ledger.names, lines, (Filter(shared.key, (shared.value,)),)) & is_pod
        pools.append((chosen, shared.spread))
        if chosen.any():
            found.add(shared)
    groups = Grouping(ledger.names, lines, question.by).of_line
    return share_costs(lines, groups, is_pod, pools, len(window.edges()) - 1), found
