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
    DEVICES_A_WORD,
    I32,
    I64,
    PREFERENCE,
    SOFT_SPREAD,
    U8,
    Cluster,
    Counters,
    Rules,
    Window,
)
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.registry import node_score
from yuheng.scheduling.room import occupy, room
from yuheng.scheduling.scores.gpu import choose_share
from yuheng.scheduling.sweep import can_sweep, sweep
from yuheng.scheduling.topology import (
    count_pod,
    floors,
    has_kind,
    preference,
    skew_weights,
    soft_skew,
    topology_bits,
)

__all__ = ["breakdown", "commit", "diagnose", "has_room", "place", "place_each", "prepare", "rate", "score_at"]


@kernel
def deepest_of(size: int) -> int:
    """The first leaf of the deepest row of a tree of ``size`` leaves whose root is 1."""
    deepest = 1
    while deepest < size:
        deepest *= 2
    return deepest


@kernel
def leaf_of(size: int, deepest: int, i: int) -> int:
    """The leaf of the ``i``-th of ``size`` members, where leaves read from left to right.

    With a size that is no power of two the deepest leaves, which stand furthest left, have the highest numbers.
    """
    return deepest + i if deepest + i < 2 * size else deepest + i - size


@kernel
def member_at(size: int, leaf: int) -> int:
    """Which member's leaf it is: the inverse of `leaf_of`."""
    deepest = deepest_of(size)
    return leaf - deepest if leaf >= deepest else leaf - deepest + size


@kernel
def score_at(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """What the node gets whatever the others get; -1 when it has no room."""
    if room(cluster, window, rules, w, n) != 0:
        return -1
    score = window.base[w, n] if window.based[w] > 0 else 0
    for i in range(rules.plugins.shape[0]):
        score += rules.weights[i] * node_score(cluster, window, rules, rules.plugins[i], w, n)
    return score


@kernel
def prepare(cluster: Cluster, window: Window, rules: Rules, w: int) -> None:
    """Look at every member of class ``w`` once and build its trees."""
    swept = can_sweep(cluster, window, rules, w)
    if swept:
        sweep(cluster, window, rules, w)
    for g in range(window.group_first[w], window.group_first[w + 1]):
        start = window.group_start[g]
        size = window.group_size[g]
        deepest = deepest_of(size)
        window.feasible[g] = 0
        for i in range(size):
            n = window.members[w, start + i]
            score = cluster.score[n] if swept else score_at(cluster, window, rules, w, n)
            leaf = leaf_of(size, deepest, i)
            window.leaf[w, 2 * n] = leaf
            window.leaf[w, 2 * n + 1] = g
            window.tree[w, 2 * start + leaf] = score
            window.feasible[g] += int(score >= 0)
        for i in range(size - 1, 0, -1):
            left = window.tree[w, 2 * start + 2 * i]
            right = window.tree[w, 2 * start + 2 * i + 1]
            window.tree[w, 2 * start + i] = max(left, right)
    window.seen[w] = cluster.log_size[0]


@kernel
def _refresh(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> None:
    """Look at one node again and carry the news up its tree."""
    i = window.leaf[w, 2 * n]
    g = window.leaf[w, 2 * n + 1]
    root = 2 * window.group_start[g]
    score = score_at(cluster, window, rules, w, n)
    old = window.tree[w, root + i]
    if score == old:
        return
    window.feasible[g] += int(score >= 0) - int(old >= 0)
    window.tree[w, root + i] = score
    while i > 1:
        i >>= 1
        best = max(window.tree[w, root + 2 * i], window.tree[w, root + 2 * i + 1])
        if window.tree[w, root + i] == best:
            break
        window.tree[w, root + i] = best


@kernel
def catch_up(cluster: Cluster, window: Window, counters: Counters, rules: Rules, w: int) -> None:
    """Take in everything that was committed since class ``w`` last looked."""
    cluster.touched[-1] += 1
    now = cluster.touched[-1]
    counts = window.counter_first[w + 1] > window.counter_first[w]
    for i in range(window.seen[w], cluster.log_size[0]):
        n = cluster.log_node[i]
        if counts:
            count_pod(cluster, window, counters, w, n, cluster.log_kind[i], cluster.log_sign[i])
        if cluster.touched[n] != now:
            cluster.touched[n] = now
            if window.leaf[w, 2 * n] >= 0:
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
def _best(cluster: Cluster, window: Window, w: int) -> int:
    """The node with the highest score, the earliest in rank of equals."""
    best = -1
    node = -1
    for g in range(window.group_first[w], window.group_first[w + 1]):
        if _open(window, g):
            score = window.tree[w, 2 * window.group_start[g] + 1] + window.total[g]
            if score > best:
                best = score
                node = _holder(window, w, g)
            elif score == best:
                other = _holder(window, w, g)
                if cluster.rank[other] < cluster.rank[node]:
                    node = other
    return node


@kernel
def _holder(window: Window, w: int, g: int) -> int:
    """Which member of a group holds the score at the top of its tree: the leftmost."""
    start = window.group_start[g]
    size = window.group_size[g]
    top = window.tree[w, 2 * start + 1]
    i = 1
    while i < size:
        i = 2 * i if window.tree[w, 2 * start + 2 * i] == top else 2 * i + 1
    return window.members[w, start + member_at(size, i)]


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
        size = window.group_size[g]
        for i in range(size):
            if window.tree[w, 2 * start + leaf_of(size, deepest_of(size), i)] >= 0:
                if skip == 0:
                    return window.members[w, start + i]
                skip -= 1
    return -1


@kernel
def _take_devices(cluster: Cluster, window: Window, rules: Rules, w: int, n: int, draw: int) -> None:
    """Give the pod its devices on node ``n``, and write them in the log's next line."""
    if window.device_count[w] == 0:
        return
    if window.device_milli[w] < 1000:
        d = choose_share(cluster, window, rules, w, n, draw)
        cluster.device_free[n, d] -= window.device_milli[w]
        cluster.device_memory[n, d] -= window.device_memory[w]
        cluster.device_kinds[n, 0] += 1
        _log_device(cluster, d)
        return
    left = window.device_count[w]
    for d in range(cluster.device_free.shape[1]):
        if left > 0 and cluster.device_free[n, d] == 1000 and cluster.device_memory[n, d] == cluster.device_size[n]:
            cluster.device_free[n, d] = 0
            cluster.device_memory[n, d] = 0
            _log_device(cluster, d)
            left -= 1
    cluster.device_kinds[n, window.device_count[w]] += 1


@kernel
def _log_device(cluster: Cluster, d: int) -> None:
    cluster.log_devices[cluster.log_size[0], d // DEVICES_A_WORD] |= 1 << (d % DEVICES_A_WORD)


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
        The first pod that was refused, or the length of the queue.
    """
    for i in range(first, queue.shape[0]):
        w = queue[i]
        remaining = rate(cluster, window, counters, rules, w)
        if remaining == 0:
            return i
        draw = cluster.draws[cluster.log_size[0]]
        n = _drawn(window, w, draw % remaining) if rules.random_pick > 0 else _best(cluster, window, w)
        commit(cluster, window, rules, w, n, draw)
    return queue.shape[0]


@kernel
def place_each(
    cluster: Cluster, window: Window, counters: Counters, rules: Rules, queue: I32, refused: U8, nodes: I32, most: int
) -> int:
    """Try pods in queue order, going on past those that cannot be placed.

    Args:
        cluster: the nodes; changed by every placement, which its log records.
        window: the classes in hand.
        counters: their counters.
        rules: the policy.
        queue: (pods,) the class, as a row of the window, of each pod.
        refused: (W,) receives 1 for a class that found no room; it is not asked again, for placing others never makes
            room. Classes whose rules look at other pods are always asked.
        nodes: (pods,) receives the node of each pod that was tried; -1 where it was refused.
        most: how many pods may be placed.

    Returns:
        How many pods were tried.
    """
    placed = 0
    for i in range(queue.shape[0]):
        w = queue[i]
        nodes[i] = -1
        if refused[w] > 0:
            continue
        remaining = rate(cluster, window, counters, rules, w)
        if remaining == 0:
            refused[w] = int(window.counter_first[w + 1] == window.counter_first[w])
            continue
        draw = cluster.draws[cluster.log_size[0]]
        n = _drawn(window, w, draw % remaining) if rules.random_pick > 0 else _best(cluster, window, w)
        commit(cluster, window, rules, w, n, draw)
        nodes[i] = n
        placed += 1
        if placed == most:
            return i + 1
    return queue.shape[0]


@kernel
def commit(cluster: Cluster, window: Window, rules: Rules, w: int, n: int, draw: int) -> None:
    """Put one pod of class ``w`` on node ``n`` and write it in the log."""
    _take_devices(cluster, window, rules, w, n, draw)
    occupy(cluster, window, w, n)
    size = cluster.log_size[0]
    cluster.log_node[size] = n
    cluster.log_kind[size] = window.kind[w]
    cluster.log_sign[size] = 1
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
        bits[n] = window.static[w, n]
        bits[n] |= room(cluster, window, rules, w, n)
        if rules_apply:
            bits[n] |= topology_bits(cluster, window, counters, w, n) & rules.filters


@kernel
def has_room(window: Window, w: int, n: int) -> bool:
    """Whether node ``n`` passed the static filters and had room for class ``w`` when the class last looked."""
    leaf = window.leaf[w, 2 * n]
    if leaf < 0:
        return False
    return window.tree[w, 2 * window.group_start[window.leaf[w, 2 * n + 1]] + leaf] >= 0


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
        if not has_room(window, w, n):
            continue
        for i in range(rules.plugins.shape[0]):
            scores[n, i] = rules.weights[i] * node_score(cluster, window, rules, rules.plugins[i], w, n)
        scores[n, rules.plugins.shape[0]] = window.base[w, n]
