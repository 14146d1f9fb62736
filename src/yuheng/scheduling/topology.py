"""Counting over topology domains: PodTopologySpread and InterPodAffinity, as filters and as scores.

Everything the two plugins know about other pods is in counters (see `arrays.Counters`): matching pods of a spread
constraint, pods that satisfy a required affinity term, pods that an anti-affinity term forbids, and the sum of
preferred weights. A decision only reads them; `count_pod` keeps them up to date, one committed pod at a time.
"""

from __future__ import annotations

import math

from yuheng.scheduling.arrays import (
    AFFINITY,
    ANTI_AFFINITY,
    BIT_EXISTING_ANTI_AFFINITY,
    BIT_POD_AFFINITY,
    BIT_POD_ANTI_AFFINITY,
    BIT_SPREAD_LABEL,
    BIT_SPREAD_SKEW,
    EXISTING_ANTI_AFFINITY,
    HARD_SPREAD,
    PREFERENCE,
    SOFT_SPREAD,
    Cluster,
    Counters,
    Window,
)
from yuheng.scheduling.kernel import kernel

__all__ = ["count_pod", "floors", "has_kind", "preference", "skew_weights", "soft_skew", "topology_bits"]


@kernel
def count_pod(cluster: Cluster, window: Window, counters: Counters, w: int, n: int, kind: int, sign: int) -> None:
    """Add a pod of a peer kind on node ``n`` to the counters of class ``w``, or with the sign -1 take it away."""
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        step = counters.delta[c, kind] * sign
        if step != 0 and counters.eligible[c, n] > 0:
            domain = cluster.domain[counters.key[c], n]
            if domain >= 0:
                counters.count[counters.start[c] + domain] += step
                counters.sum[c] += step


@kernel
def floors(window: Window, counters: Counters, w: int) -> None:
    """Find, for each hard spread constraint of class ``w``, the global minimum its skew is measured from.

    With fewer eligible domains than ``minDomains`` that minimum is 0.
    """
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        if counters.kind[c] != HARD_SPREAD:
            continue
        known = 0
        least = 2**31 - 1
        for i in range(counters.start[c], counters.start[c] + counters.domains[c]):
            if counters.known[i] > 0:
                known += 1
                least = min(least, counters.count[i])
        counters.floor[c] = 0 if known < counters.min_domains[c] else least


@kernel
def topology_bits(cluster: Cluster, window: Window, counters: Counters, w: int, n: int) -> int:
    """The first topology rule that keeps class ``w`` off node ``n``, as a rejection bit; 0 for none."""
    affinity_missing = False
    anti = False
    existing = False
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        kind = counters.kind[c]
        domain = cluster.domain[counters.key[c], n]
        count = counters.count[counters.start[c] + domain] if domain >= 0 else 0
        if kind == HARD_SPREAD:
            bits = _spread_bits(counters, c, domain, count)
            if bits != 0:
                return bits
        elif kind == AFFINITY:
            affinity_missing |= domain < 0 or (count <= 0 and not _first_of_its_kind(window, counters, w))
        elif kind == ANTI_AFFINITY:
            anti |= count > 0
        elif kind == EXISTING_ANTI_AFFINITY:
            existing |= count > 0
    if affinity_missing:
        return 1 << BIT_POD_AFFINITY
    if anti:
        return 1 << BIT_POD_ANTI_AFFINITY
    return 1 << BIT_EXISTING_ANTI_AFFINITY if existing else 0


@kernel
def _spread_bits(counters: Counters, c: int, domain: int, count: int) -> int:
    """What one hard spread constraint has against a domain."""
    if domain < 0:
        return 1 << BIT_SPREAD_LABEL
    if count + counters.own[c] - counters.floor[c] > counters.skew[c]:
        return 1 << BIT_SPREAD_SKEW
    return 0


@kernel
def _first_of_its_kind(window: Window, counters: Counters, w: int) -> bool:
    """Whether no pod satisfies the class's required affinity yet, but its own pods would: then it may start."""
    if window.own_affinity[w] == 0:
        return False
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        if counters.kind[c] == AFFINITY and counters.sum[c] != 0:
            return False
    return True


@kernel
def _lacks_a_key(cluster: Cluster, window: Window, counters: Counters, w: int, n: int) -> bool:
    """Whether soft spreading ignores the node: it lacks one of the constraints' topology keys."""
    if window.all_keys[w] == 0:
        return False
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        if counters.kind[c] == SOFT_SPREAD and cluster.domain[counters.key[c], n] < 0:
            return True
    return False


@kernel
def skew_weights(cluster: Cluster, window: Window, counters: Counters, w: int) -> None:
    """Weigh each soft constraint by ``log(domains + 2)`` over the feasible nodes, so that small topologies count.

    Nodes that lack a key are left out, except under the system's default constraints, where a missing label is a
    domain of its own.
    """
    first = window.counter_first[w]
    last = window.counter_first[w + 1]
    for c in range(first, last):
        counters.seen_domains[c] = 0
        counters.missing[c] = 0
    counters.pass_number[0] += 1
    for g in range(window.group_first[w], window.group_first[w + 1]):
        n = window.members[w, window.group_start[g]]
        if window.feasible[g] > 0 and window.verdict[g] == 0 and not _lacks_a_key(cluster, window, counters, w, n):
            for c in range(first, last):
                if counters.kind[c] == SOFT_SPREAD:
                    _see_domain(cluster, counters, c, n, window.feasible[g])
    for c in range(first, last):
        counters.weight[c] = math.log(counters.seen_domains[c] + counters.missing[c] + 2.0)


@kernel
def _see_domain(cluster: Cluster, counters: Counters, c: int, n: int, nodes: int) -> None:
    """Count the domain of node ``n``, which stands for some nodes, once in this pass."""
    domain = cluster.domain[counters.key[c], n]
    if counters.per_node[c] > 0:
        counters.seen_domains[c] += nodes
    elif domain < 0:
        counters.missing[c] = 1
    elif counters.domain_seen[counters.start[c] + domain] != counters.pass_number[0]:
        counters.domain_seen[counters.start[c] + domain] = counters.pass_number[0]
        counters.seen_domains[c] += 1


@kernel
def soft_skew(cluster: Cluster, window: Window, counters: Counters, w: int, n: int) -> int:
    """How crowded the node's domains are with matching pods, rounded; -1 for a node that soft spreading ignores."""
    if _lacks_a_key(cluster, window, counters, w, n):
        return -1
    score = 0.0
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        if counters.kind[c] != SOFT_SPREAD:
            continue
        domain = cluster.domain[counters.key[c], n]
        if domain >= 0:
            score += counters.count[counters.start[c] + domain] * counters.weight[c] + (counters.skew[c] - 1)
    return math.floor(score + 0.5)


@kernel
def preference(cluster: Cluster, window: Window, counters: Counters, w: int, n: int) -> int:
    """Sum of the preferred (anti-)affinity weights that speak for the node."""
    total = 0
    for c in range(window.counter_first[w], window.counter_first[w + 1]):
        if counters.kind[c] == PREFERENCE:
            domain = cluster.domain[counters.key[c], n]
            if domain >= 0:
                total += counters.count[counters.start[c] + domain]
    return total


@kernel
def has_kind(window: Window, counters: Counters, w: int, kind: int) -> bool:
    """Whether class ``w`` has a counter of a kind."""
    for c in range(window.counter_first[w], window.counter_first[w + 1]):  # noqa: SIM110 -- kernels have no generators
        if counters.kind[c] == kind:
            return True
    return False
