"""The cycle of one pod: look at what changed, filter, score, pick, commit.

A pod's cost does not grow with the cluster. Each class keeps, for every group of nodes that are alike to it, a
tournament tree of its members' scores; when its turn comes, only the nodes that were touched since its last turn are
looked at again. What depends on other pods (spread, affinity) and what is normalised over the feasible nodes is the
same for all members of a group, so it is worked out once a group. Every feasible node is considered every time.
"""

from __future__ import annotations

from yuheng.scheduling.arrays import (
    BY_MAXIMUM,
    BY_MAXIMUM_REVERSED,
    I32,
    I64,
    PREFERENCE,
    SOFT_SPREAD,
    Cluster,
    Counters,
    Rules,
    Window,
)
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.registry import node_score
from yuheng.scheduling.room import occupy, room
from yuheng.scheduling.scores.gpu import choose_share
from yuheng.scheduling.topology import (
    count_pod,
    floors,
    has_kind,
    preference,
    skew_weights,
    soft_skew,
    topology_bits,
)

__all__ = ["breakdown", "commit", "diagnose", "place", "prepare", "rate"]

# A key is a score and, below it, how early the node stands in the order that breaks ties.
_RANKS = 2**31


@kernel
def _key(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """The member's place in the tournament: score, then rank; -1 when it has no room."""
    bits = room(cluster, window, rules, w, n)
    window.room[w, n] = bits
    if bits != 0:
        return -1
    score = window.base[w, n]
    for i in range(rules.plugins.shape[0]):
        score += rules.weights[i] * node_score(cluster, window, rules, rules.plugins[i], w, n)
    return (score << 32) | (_RANKS - cluster.rank[n])


@kernel
def prepare(cluster: Cluster, window: Window, rules: Rules, w: int) -> None:
    """Look at every member of class ``w`` once and build its trees."""
    for g in range(window.group_first[w], window.group_first[w + 1]):
        start = window.group_start[g]
        size = window.group_size[g]
        window.feasible[g] = 0
        for i in range(size):
            key = _key(cluster, window, rules, w, window.members[w, start + i])
            window.tree[w, 2 * start + size + i] = key
            window.feasible[g] += key >= 0
        for i in range(size - 1, 0, -1):
            left = window.tree[w, 2 * start + 2 * i]
            right = window.tree[w, 2 * start + 2 * i + 1]
            window.tree[w, 2 * start + i] = max(left, right)
    window.seen[w] = cluster.log_size[0]


@kernel
def _refresh(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> None:
    """Look at one node again and carry the news up its tree."""
    position = window.position[w, n]
    g = window.group_of[w, position]
    start = window.group_start[g]
    size = window.group_size[g]
    key = _key(cluster, window, rules, w, n)
    i = size + position - start
    old = window.tree[w, 2 * start + i]
    window.feasible[g] += (key >= 0) - (old >= 0)
    window.tree[w, 2 * start + i] = key
    while i > 1:
        i >>= 1
        best = max(window.tree[w, 2 * start + 2 * i], window.tree[w, 2 * start + 2 * i + 1])
        if window.tree[w, 2 * start + i] == best:
            break
        window.tree[w, 2 * start + i] = best


@kernel
def catch_up(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int) -> None:
    """Take in everything that was committed since class ``w`` last looked."""
    cluster.touched[-1] += 1
    now = cluster.touched[-1]
    counts = window.counter_first[w + 1] > window.counter_first[w]
    for i in range(window.seen[w], cluster.log_size[0]):
        n = cluster.log_node[i]
        if counts:
            count_pod(cluster, window, counters, w, n, cluster.log_kind[i])
        if cluster.touched[n] != now:
            cluster.touched[n] = now
            if window.position[w, n] >= 0:
                _refresh(cluster, window, rules, w, n)
    window.seen[w] = cluster.log_size[0]


@kernel
def _filter_groups(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int) -> int:
    """Apply the topology filters to every group that has room; how many nodes remain."""
    remaining = 0
    rules_apply = window.counter_first[w + 1] > window.counter_first[w]
    if rules_apply:
        floors(window, counters, w)
    for g in range(window.group_first[w], window.group_first[w + 1]):
        window.verdict[g] = 0
        if window.feasible[g] == 0:
            continue
        if rules_apply:
            n = window.members[w, window.group_start[g]]
            window.verdict[g] = topology_bits(cluster, window, counters, w, n) & rules.filters
        if window.verdict[g] == 0:
            remaining += window.feasible[g]
    return remaining


@kernel
def _open(window: Window, g: int) -> bool:
    return window.feasible[g] > 0 and window.verdict[g] == 0


@kernel
def _normalised(mode: int, value: int, least: int, most: int) -> int:
    """A raw score on the scale 0 to 100, as kube-scheduler's ``DefaultNormalizeScore`` (or by range) does."""
    if mode == BY_MAXIMUM:
        return 100 * value // most if most > 0 else 0
    if mode == BY_MAXIMUM_REVERSED:
        return 100 - 100 * value // most if most > 0 else 100
    return int(100.0 * ((value - least) / (most - least))) if most > least else 0


@kernel
def _add_nature(window: Window, rules: Rules, w: int, s: int) -> None:
    """Add the normalised score of one plugin that looks at what nodes are."""
    first = window.group_first[w]
    last = window.group_first[w + 1]
    least = 2**62
    most = -(2**62)
    for g in range(first, last):
        if _open(window, g):
            least = min(least, window.raw[g, s])
            most = max(most, window.raw[g, s])
    for g in range(first, last):
        if _open(window, g):
            score = rules.norm_weights[s] * _normalised(rules.norm_modes[s], window.raw[g, s], least, most)
            window.part[g, s] = score
            window.total[g] += score


@kernel
def _add_spread(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int, column: int) -> None:
    """Add PodTopologySpread's score: the less crowded the domains, the better."""
    skew_weights(cluster, window, counters, w)
    first = window.group_first[w]
    last = window.group_first[w + 1]
    least = 2**62
    most = 0
    for g in range(first, last):
        if _open(window, g):
            value = soft_skew(cluster, window, counters, w, window.members[w, window.group_start[g]])
            window.part[g, column] = value
            if value >= 0:
                least = min(least, value)
                most = max(most, value)
    for g in range(first, last):
        if _open(window, g):
            value = window.part[g, column]
            score = 0
            if value >= 0:
                score = 100 * (most + least - value) // most if most > 0 else 100
            window.part[g, column] = score * rules.spread_weight
            window.total[g] += score * rules.spread_weight


@kernel
def _add_affinity(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int, column: int) -> None:
    """Add InterPodAffinity's score: preferred weights, scaled between the worst and the best node."""
    first = window.group_first[w]
    last = window.group_first[w + 1]
    least = 2**62
    most = -(2**62)
    for g in range(first, last):
        if _open(window, g):
            value = preference(cluster, window, counters, w, window.members[w, window.group_start[g]])
            window.part[g, column] = value
            least = min(least, value)
            most = max(most, value)
    for g in range(first, last):
        if _open(window, g):
            score = int(100.0 * ((window.part[g, column] - least) / (most - least))) if most > least else 0
            window.part[g, column] = score * rules.affinity_weight
            window.total[g] += score * rules.affinity_weight


@kernel
def _score_groups(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int) -> None:
    """What every member of a group gets alike, plugin by plugin."""
    natures = rules.norm_modes.shape[0]
    for g in range(window.group_first[w], window.group_first[w + 1]):
        window.total[g] = 0
        for s in range(natures + 2):
            window.part[g, s] = 0
    for s in range(natures):
        _add_nature(window, rules, w, s)
    if rules.spread_weight > 0 and has_kind(window, counters, w, SOFT_SPREAD):
        _add_spread(cluster, window, counters, rules, w, natures)
    if rules.affinity_weight > 0 and has_kind(window, counters, w, PREFERENCE):
        _add_affinity(cluster, window, counters, rules, w, natures + 1)


@kernel
def _best(window: Window, w: int) -> int:
    """The node with the highest score, the earliest of equals."""
    best = -1
    node = -1
    for g in range(window.group_first[w], window.group_first[w + 1]):
        if _open(window, g):
            key = window.tree[w, 2 * window.group_start[g] + 1] + (window.total[g] << 32)
            if key > best:
                best = key
                node = g
    return _holder(window, w, node)


@kernel
def _holder(window: Window, w: int, g: int) -> int:
    """Which member of a group holds the key at the top of its tree."""
    start = window.group_start[g]
    size = window.group_size[g]
    top = window.tree[w, 2 * start + 1]
    i = 1
    while i < size:
        i = 2 * i if window.tree[w, 2 * start + 2 * i] == top else 2 * i + 1
    return window.members[w, start + i - size]


@kernel
def _drawn(window: Window, w: int, skip: int) -> int:
    """The feasible node after ``skip`` others, in order of position."""
    for g in range(window.group_first[w], window.group_first[w + 1]):
        if not _open(window, g):
            continue
        if skip >= window.feasible[g]:
            skip -= window.feasible[g]
            continue
        start = window.group_start[g]
        for i in range(window.group_size[g]):
            if window.tree[w, 2 * start + window.group_size[g] + i] >= 0:
                if skip == 0:
                    return window.members[w, start + i]
                skip -= 1
    return -1


@kernel
def _random(seed: int, number: int) -> int:
    """A non-negative number drawn from the seed for the pod with that number (splitmix64 on 63 bits)."""
    x = (seed * 0x1D8E4E27C47D124F + number * 0x1E3779B97F4A7C15 + 0x3C6EF372FE94F82B) & 0x7FFFFFFFFFFFFFFF
    x = ((x ^ (x >> 30)) * 0x3F58476D1CE4E5B9) & 0x7FFFFFFFFFFFFFFF
    x = ((x ^ (x >> 27)) * 0x14D049BB133111EB) & 0x7FFFFFFFFFFFFFFF
    return x ^ (x >> 31)


@kernel
def _take_devices(cluster: Cluster, window: Window, rules: Rules, w: int, n: int, draw: int) -> int:
    """Give the pod its devices on node ``n``; the devices as a bit mask."""
    if window.device_count[w] == 0:
        return 0
    if window.device_milli[w] < 1000:
        d = choose_share(cluster, window, rules, w, n, draw)
        cluster.device_free[n, d] -= window.device_milli[w]
        cluster.device_memory[n, d] -= window.device_memory[w]
        cluster.device_kinds[n, 0] += 1
        return 1 << d
    mask = 0
    left = window.device_count[w]
    for d in range(cluster.device_free.shape[1]):
        if left > 0 and cluster.device_free[n, d] == 1000 and cluster.device_memory[n, d] == cluster.device_size[n]:
            cluster.device_free[n, d] = 0
            cluster.device_memory[n, d] = 0
            mask |= 1 << d
            left -= 1
    cluster.device_kinds[n, window.device_count[w]] += 1
    return mask


@kernel
def rate(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int) -> int:
    """Bring class ``w`` up to date, filter and score its groups; how many nodes are feasible."""
    catch_up(cluster, window, counters, rules, w)
    remaining = _filter_groups(cluster, window, counters, rules, w)
    if remaining > 0:
        _score_groups(cluster, window, counters, rules, w)
    return remaining


@kernel
def place(cluster: Cluster, window: Window, counters: Counters, rules: Rules, queue: I32, first: int) -> int:
    """Place pods in queue order until one cannot be placed.

    Args:
        cluster: the nodes; changed by every placement, which its log records.
        window: the classes in hand.
        counters: their counters.
        rules: the policy.
        queue: (pods,) the class, as a row of the window, of each pod.
        first: which pod to begin with.

    Returns:
        The first pod that was refused, or the length of the queue. The class of a refused pod is left as it was
        decided on: ``verdict`` and ``room`` say why.
    """
    for i in range(first, queue.shape[0]):
        w = queue[i]
        remaining = rate(cluster, window, counters, rules, w)
        if remaining == 0:
            return i
        draw = _random(rules.seed, cluster.log_size[0])
        n = _drawn(window, w, draw % remaining) if rules.random_pick > 0 else _best(window, w)
        commit(cluster, window, rules, w, n, draw)
    return queue.shape[0]


@kernel
def commit(cluster: Cluster, window: Window, rules: Rules, w: int, n: int, draw: int) -> None:
    """Put one pod of class ``w`` on node ``n`` and write it in the log."""
    mask = _take_devices(cluster, window, rules, w, n, draw)
    occupy(cluster, window, w, n)
    size = cluster.log_size[0]
    cluster.log_node[size] = n
    cluster.log_kind[size] = window.kind[w]
    cluster.log_devices[size] = mask
    cluster.log_size[0] = size + 1


@kernel
def diagnose(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int, bits: I64) -> None:
    """Write, for every node, everything that keeps class ``w`` off it, by the same filters that decide.

    Args:
        cluster: the nodes.
        window: the classes.
        counters: their counters.
        rules: the policy.
        w: the class.
        bits: (N,) receives the rejection bits; 0 where the node is feasible.
    """
    rules_apply = window.counter_first[w + 1] > window.counter_first[w]
    if rules_apply:
        floors(window, counters, w)
    for n in range(bits.shape[0]):
        bits[n] = window.static[w, n] | room(cluster, window, rules, w, n)
        if rules_apply:
            bits[n] |= topology_bits(cluster, window, counters, w, n) & rules.filters


@kernel
def breakdown(cluster: Cluster, window: Window, rules: Rules, w: int, scores: I64) -> None:
    """Write what each dynamic plugin and what never changes give every node that has room, weights included.

    Args:
        cluster: the nodes.
        window: the classes, just rated.
        rules: the policy.
        w: the class.
        scores: (N, plugins + 1) receives the dynamic plugins' scores, then the base.
    """
    for n in range(scores.shape[0]):
        if window.position[w, n] < 0 or window.room[w, n] != 0:
            continue
        for i in range(rules.plugins.shape[0]):
            scores[n, i] = rules.weights[i] * node_score(cluster, window, rules, rules.plugins[i], w, n)
        scores[n, rules.plugins.shape[0]] = window.base[w, n]
