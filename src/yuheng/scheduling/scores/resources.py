"""Scores of requested against allocatable amounts (kube-scheduler's ``noderesources`` plugins).

LeastAllocated, MostAllocated and RequestedToCapacityRatio count cpu and memory of containers without a request as
100m and 200 MiB; BalancedAllocation counts real requests. All arithmetic is kube-scheduler's, integer divisions and
truncations included.
"""

from __future__ import annotations

import math

from yuheng.scheduling.arrays import MEMORY, Cluster, Rules, Window
from yuheng.scheduling.kernel import kernel

__all__ = ["balanced_allocation", "bin_pack", "least_allocated", "most_allocated", "requested_to_capacity_ratio"]


@kernel
def _requested(cluster: Cluster, window: Window, w: int, n: int, column: int) -> int:
    """The amount requested on the node with the pod on it; -1 for an extended resource it does not ask for."""
    if column <= MEMORY:
        return cluster.scoring_used[n, column] + window.scoring[w, column]
    return _really_requested(cluster, window, w, n, column)


@kernel
def _really_requested(cluster: Cluster, window: Window, w: int, n: int, column: int) -> int:
    if column > MEMORY + 1 and window.request[w, column] == 0:
        return -1
    return cluster.used[n, column] + window.request[w, column]


@kernel
def least_allocated(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """Weighted mean of the free share, in percent: the emptier the better."""
    total = 0
    weights = 0
    for i in range(rules.fit_columns.shape[0]):
        column = rules.fit_columns[i]
        capacity = cluster.allocatable[n, column]
        requested = _requested(cluster, window, w, n, column)
        if capacity == 0 or requested < 0:
            continue
        if requested <= capacity:
            total += (capacity - requested) * 100 // capacity * rules.fit_weights[i]
        weights += rules.fit_weights[i]
    return total // weights if weights > 0 else 0


@kernel
def most_allocated(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """Weighted mean of the requested share, in percent: the fuller the better (bin packing)."""
    total = 0
    weights = 0
    for i in range(rules.fit_columns.shape[0]):
        column = rules.fit_columns[i]
        capacity = cluster.allocatable[n, column]
        requested = _requested(cluster, window, w, n, column)
        if capacity == 0 or requested < 0:
            continue
        total += min(requested, capacity) * 100 // capacity * rules.fit_weights[i]
        weights += rules.fit_weights[i]
    return total // weights if weights > 0 else 0


@kernel
def requested_to_capacity_ratio(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """Weighted mean of a piecewise linear function of the requested share; resources scoring 0 do not count."""
    total = 0
    weights = 0
    for i in range(rules.fit_columns.shape[0]):
        column = rules.fit_columns[i]
        capacity = cluster.allocatable[n, column]
        requested = _requested(cluster, window, w, n, column)
        if requested < 0 or capacity == 0:
            continue
        score = _shape_at(rules, 100 if requested > capacity else requested * 100 // capacity)
        if score > 0:
            total += score * rules.fit_weights[i]
            weights += rules.fit_weights[i]
    return math.floor(total / weights + 0.5) if weights > 0 else 0


@kernel
def _shape_at(rules: Rules, utilization: int) -> int:
    points = rules.shape
    for i in range(points.shape[0]):
        if utilization <= points[i, 0]:
            if i == 0:
                return points[0, 1]
            rise = (points[i, 1] - points[i - 1, 1]) * (utilization - points[i - 1, 0])
            run = points[i, 0] - points[i - 1, 0]
            # Go divides integers towards zero; Python towards minus infinity.
            step = rise // run if rise >= 0 else -(-rise // run)
            return points[i - 1, 1] + step
    return points[points.shape[0] - 1, 1]


@kernel
def balanced_allocation(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """How much more even the requested shares become: 75 for no change, 100 at best; 0 for best-effort pods.

    Evenness is 100 less the standard deviation of the shares in percent, truncated, with the pod and without it.
    """
    asks = 0
    for i in range(rules.balanced_columns.shape[0]):
        asks += window.request[w, rules.balanced_columns[i]]
    if asks == 0:
        return 0
    change = _evenness(cluster, window, rules, w, n, True) - _evenness(cluster, window, rules, w, n, False)
    return 50 + (50 + change) // 2


@kernel
def _evenness(cluster: Cluster, window: Window, rules: Rules, w: int, n: int, there: bool) -> int:
    """100 times (1 - standard deviation of the requested shares), truncated; ``there``: with the pod on the node."""
    count = 0
    total = 0.0
    low = 2.0
    high = -1.0
    for i in range(rules.balanced_columns.shape[0]):
        share = _share(cluster, window, w, n, rules.balanced_columns[i], there)
        if share >= 0.0:
            count += 1
            total += share
            low = min(low, share)
            high = max(high, share)
    if count < 2:
        return 100
    if count == 2:
        return int((1 - (high - low) / 2) * 100)
    mean = total / count
    squares = 0.0
    for i in range(rules.balanced_columns.shape[0]):
        share = _share(cluster, window, w, n, rules.balanced_columns[i], there)
        if share >= 0.0:
            squares += (share - mean) * (share - mean)
    return int((1 - math.sqrt(squares / count)) * 100)


@kernel
def _share(cluster: Cluster, window: Window, w: int, n: int, column: int, there: bool) -> float:
    """The requested share of a resource, at most 1; -1 where the resource does not count."""
    capacity = cluster.allocatable[n, column]
    requested = _really_requested(cluster, window, w, n, column)
    if capacity == 0 or requested < 0:
        return -1.0
    if not there:
        requested -= window.request[w, column]
    return min(requested / capacity, 1.0)


@kernel
def bin_pack(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """Weighted mean of the requested share of the resources the pod asks for (Volcano's ``binpack``)."""
    total = 0.0
    weights = 0
    for i in range(rules.pack_columns.shape[0]):
        column = rules.pack_columns[i]
        asked = window.request[w, column]
        capacity = cluster.allocatable[n, column]
        if asked == 0:
            continue
        if capacity > 0:
            total += (cluster.used[n, column] + asked) / capacity * rules.pack_weights[i]
        weights += rules.pack_weights[i]
    return int(100.0 * total / weights) if weights > 0 else 0
