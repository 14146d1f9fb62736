"""Costs that are shared out: what is idle, and what all groups need together. Sums stay what they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.ledger import IDLE_COLUMN, NODE_COLUMNS, SHARED_COLUMN, Ledger, Lines
from yuheng.finops.allocation.question import Spread

__all__ = ["share_costs", "share_idle"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]
Truths = NDArray[np.bool_]

NOBODY: Final = -1


def share_idle(ledger: Ledger) -> tuple[Lines, Numbers]:
    """Idle as a cost of those who have the rest of their node, in proportion to what they pay for the same resource.

    What is idle of a node or resource that nobody holds is borne by all of its cluster, in proportion to what they pay
    for nodes; where nobody pays for any, it stays idle.

    Returns:
        The lines with their part, and (N, P, 3) what stays idle.
    """
    lines, idle = ledger.lines, ledger.idle
    costs = lines.costs.copy()
    placed = lines.node >= 0
    at = (lines.node[placed], lines.period[placed])
    paid = np.zeros_like(idle)
    np.add.at(paid, at, costs[placed][:, NODE_COLUMNS])
    shares = np.divide(idle, paid, out=np.zeros_like(idle), where=paid > 0)
    costs[placed, IDLE_COLUMN] += (costs[placed][:, NODE_COLUMNS] * shares[at]).sum(axis=1)
    left = np.where(paid > 0, 0.0, idle)

    clusters: Indices = ledger.names.clusters[lines.subject]
    count, periods = len(ledger.names), idle.shape[1]
    pool = np.zeros((count, periods))
    np.add.at(pool, ledger.node_clusters, left.sum(axis=2))
    weight = costs[:, NODE_COLUMNS].sum(axis=1)
    payers = np.zeros((count, periods))
    np.add.at(payers, (clusters, lines.period), weight)
    rate = np.divide(pool, payers, out=np.zeros_like(pool), where=payers > 0)
    costs[:, IDLE_COLUMN] += weight * rate[clusters, lines.period]
    stays = (payers <= 0)[ledger.node_clusters]
    return lines._replace(costs=costs), left * stays[:, :, None]


def share_costs(
    lines: Lines, groups: Indices, bearers: Truths, pools: Sequence[tuple[Truths, Spread]], periods: int
) -> Lines:
    """Costs of some lines borne by the groups of all others, by each stretch of time.

    Args:
        lines: all of them.
        groups: (L,) the group of each.
        bearers: (L,) whether it is somebody's who can bear a part; lines of a pool never do.
        pools: which lines are shared, and how: evenly over the groups, or by what each group costs.
        periods: the number of stretches.

    Returns:
        The lines of the groups that bear something, and what nobody can bear.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    totals = lines.costs.sum(axis=1)
    shared = np.zeros(len(totals), dtype=bool)
    for chosen, _ in pools:
        shared |= chosen
    bearing = bearers & ~shared
    worth, members = np.zeros((count, periods)), np.zeros((count, periods))
    np.add.at(worth, (groups[bearing], lines.period[bearing]), totals[bearing])
    np.add.at(members, (groups[bearing], lines.period[bearing]), 1.0)
    there: Truths = np.asarray(members.any(axis=0), dtype=bool)
    costs = lines.costs.copy()
    taken = np.zeros(len(totals), dtype=bool)
    for chosen, spread in pools:
        own = chosen & ~taken & there[lines.period]
        taken |= own
        pool = np.bincount(lines.period[own], weights=totals[own], minlength=periods)
        parts = _parts(worth, members, spread) * pool[None, :]
        costs[bearing, SHARED_COLUMN] += _within(parts, worth, members, (groups, lines.period), totals)[bearing]
    return lines._replace(costs=costs).where(~taken)


def _parts(worth: Numbers, members: Numbers, spread: Spread) -> Numbers:
    """(G, P) which part of a pool each group bears; evenly also where nobody costs anything."""
    there = (members > 0).astype(np.float64)
    even: Numbers = there / np.maximum(there.sum(axis=0), 1.0)[None, :]
    if spread == "even":
        return even
    whole = worth.sum(axis=0)[None, :]
    found: Numbers = np.divide(worth, whole, out=even.copy(), where=whole > 0)
    return found


def _within(parts: Numbers, worth: Numbers, members: Numbers, at: tuple[Indices, Indices], totals: Numbers) -> Numbers:
    """(L,) what each line bears of its group's part: by what it costs, or the same where none costs anything."""
    group_worth, group_members = worth[at], members[at]
    by_cost = np.divide(totals, group_worth, out=np.zeros_like(totals), where=group_worth > 0)
    by_count = np.divide(1.0, group_members, out=np.zeros_like(totals), where=group_members > 0)
    found: Numbers = parts[at] * np.where(group_worth > 0, by_cost, by_count)
    return found
