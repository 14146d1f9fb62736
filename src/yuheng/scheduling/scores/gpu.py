"""Scores of GPU sharing, as the study "Beware of Fragmentation" (USENIX ATC'23) compares them.

C is a node's free cpu (milli), G its free GPU milli summed over devices, c and g what the pod asks; the largest node's
cpu and GPU milli scale them. Scores are truncated to integers, and never below 0: a node may hold more than it has.
"""

from __future__ import annotations

import math

from yuheng.scheduling.arrays import ANY, CPU, LEAST_FRAGMENTING, Cluster, Rules, Window
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.room import share_fits, untouched

__all__ = [
    "best_fit",
    "choose_share",
    "dot_product",
    "fragment",
    "fragmentation_gradient",
    "gpu_clustering",
    "gpu_packing",
    "total_fragment",
    "worst_fit",
]

# The study counts a pod that asks for no cpu as asking for this much (milli).
LEAST_CPU = 100


@kernel
def _free_gpu(cluster: Cluster, n: int) -> int:
    total = 0
    for d in range(cluster.device_free.shape[1]):
        if cluster.device_free[n, d] > 0:
            total += cluster.device_free[n, d]
    return total


@kernel
def _free_cpu(cluster: Cluster, n: int) -> int:
    return cluster.allocatable[n, CPU] - cluster.used[n, CPU]


@kernel
def _asked_cpu(window: Window, w: int) -> int:
    asked = window.request[w, CPU]
    return asked if asked > 0 else LEAST_CPU


@kernel
def _asked_gpu(window: Window, w: int) -> int:
    return window.device_count[w] * window.device_milli[w]


@kernel
def _left(cluster: Cluster, window: Window, w: int, n: int) -> float:
    """The mean share of the largest node's cpu and GPU that would be left free, 0 to 1."""
    cpu = (_free_cpu(cluster, n) - _asked_cpu(window, w)) / max(cluster.largest[0], 1)
    gpu = (_free_gpu(cluster, n) - _asked_gpu(window, w)) / max(cluster.largest[1], 1)
    return 0.5 * (cpu + gpu)


@kernel
def best_fit(cluster: Cluster, window: Window, w: int, n: int) -> int:
    """The less is left the better."""
    return max(int(100.0 * (1.0 - _left(cluster, window, w, n))), 0)


@kernel
def worst_fit(cluster: Cluster, window: Window, w: int, n: int) -> int:
    """The more is left the better."""
    return max(int(100.0 * _left(cluster, window, w, n)), 0)


@kernel
def dot_product(cluster: Cluster, window: Window, w: int, n: int) -> int:
    """The smaller the product of what is free and what is asked, the better the two are aligned."""
    cpu = max(cluster.largest[0], 1)
    gpu = max(cluster.largest[1], 1)
    product = _free_cpu(cluster, n) / cpu * (_asked_cpu(window, w) / cpu)
    product += _free_gpu(cluster, n) / gpu * (_asked_gpu(window, w) / gpu)
    return max(int(100.0 * (1.0 - 0.5 * product)), 0)


@kernel
def gpu_packing(cluster: Cluster, window: Window, w: int, n: int) -> int:
    """Devices in use first, then untouched devices of nodes in use, then untouched nodes."""
    if window.device_count[w] == 0:
        return 0
    devices = 0
    for d in range(cluster.device_free.shape[1]):
        devices += cluster.device_free[n, d] >= 0
    fresh = untouched(cluster, n)
    if fresh == devices:
        return max(33 - fresh, fresh)
    if window.device_milli[w] < 1000:
        d = _tightest(cluster, window, w, n)
        if cluster.device_free[n, d] < 1000 or cluster.device_memory[n, d] < cluster.device_size[n]:
            return max(100 - cluster.device_free[n, d] * 100 // 1000 // 10, 50)
        return max(50 - 1, 33)
    return max(50 - window.device_count[w], 33)


@kernel
def _tightest(cluster: Cluster, window: Window, w: int, n: int) -> int:
    """The device with the least left that the share fits on; the first of equals; -1 when it fits on none."""
    best = -1
    for d in range(cluster.device_free.shape[1]):
        if share_fits(cluster, window, w, n, d) and (
            best < 0 or cluster.device_free[n, d] < cluster.device_free[n, best]
        ):
            best = d
    return best


@kernel
def gpu_clustering(cluster: Cluster, window: Window, w: int, n: int) -> int:
    """Pods of one kind together: shares with shares, n whole devices with n whole devices."""
    if window.device_count[w] == 0:
        return 0
    kind = 0 if window.device_milli[w] < 1000 else window.device_count[w]
    same = cluster.device_kinds[n, kind]
    others = -same
    for i in range(cluster.device_kinds.shape[1]):
        others += cluster.device_kinds[n, i]
    largest = max(cluster.largest[1], 1)
    score = 25 * (largest - _free_gpu(cluster, n)) // largest
    if same > 0:
        return score + (75 if others == 0 else 50)
    return score + 25 if others == 0 else score


@kernel
def fragment(cluster: Cluster, rules: Rules, n: int, cpu: int, device: int, taken: int, whole: int) -> float:
    """F_n: how much of the node's idle GPU milli the typical workload cannot use.

    Args:
        cluster: the nodes.
        rules: holds the typical workload.
        n: the node.
        cpu: its free cpu, milli.
        device: a device to look at as if ``taken`` milli more of it were held; -1 for none.
        taken: those milli.
        whole: how many untouched devices, first ones first, to look at as if they were held.

    Returns:
        Expected unusable milli over the typical workload's classes.
    """
    idle = _idle(cluster, n, device, taken, whole)
    total = 0.0
    for m in range(rules.typical.shape[0]):
        usable = rules.typical[m, 2] > 0 and cpu >= rules.typical[m, 0]
        if usable and rules.typical[m, 3] >= 0:
            usable = _has_model(rules, cluster, n, rules.typical[m, 3])
        lost = _unusable(cluster, rules, n, m, idle, device, taken, whole) if usable else idle
        total += rules.typical_share[m] * lost
    return total


@kernel
def total_fragment(cluster: Cluster, rules: Rules) -> float:
    """The fragments of all nodes that are there, summed: idle GPU milli that the typical workload cannot use."""
    total = 0.0
    for n in range(cluster.absent.shape[0]):
        if cluster.absent[n] == 0:
            total += fragment(cluster, rules, n, _free_cpu(cluster, n), -1, 0, 0)
    return total


@kernel
def _as_if(left: int, d: int, device: int, taken: int, whole: int) -> int:
    """What would be left of a device (arguments as those of `fragment`, ``whole`` counted down to it)."""
    if d == device:
        return left - taken
    return 0 if left == 1000 and whole >= 0 else left


@kernel
def _idle(cluster: Cluster, n: int, device: int, taken: int, whole: int) -> int:
    """Idle milli of the node (arguments as those of `fragment`)."""
    idle = 0
    for d in range(cluster.device_free.shape[1]):
        left = cluster.device_free[n, d]
        if left < 0:
            # The node has no more devices.
            break
        whole -= int(left == 1000 and d != device)
        left = _as_if(left, d, device, taken, whole)
        idle += left
    return idle


@kernel
def _unusable(cluster: Cluster, rules: Rules, n: int, m: int, idle: int, device: int, taken: int, whole: int) -> int:
    """Of a node's idle milli, those on devices too full for typical class ``m``; all, where too few are left for it."""
    asked = rules.typical[m, 1]
    unusable = 0
    fitting = 0
    for d in range(cluster.device_free.shape[1]):
        left = cluster.device_free[n, d]
        if left < 0:
            break
        whole -= int(left == 1000 and d != device)
        left = _as_if(left, d, device, taken, whole)
        if left >= asked:
            fitting += 1
        else:
            unusable += left
    return unusable if fitting >= rules.typical[m, 2] else idle


@kernel
def _has_model(rules: Rules, cluster: Cluster, n: int, model: int) -> bool:
    """Whether the node's GPU model is in set ``model`` of the typical workload's model sets."""
    return rules.model_sets[model, cluster.device_model[n]] > 0


@kernel
def _gradient(before: float, after: float) -> int:
    return int(100.0 / (1.0 + math.exp(-(before - after) / 1000.0)))


@kernel
def fragmentation_gradient(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """FGD: the drop of fragmentation the placement causes, on the best device for a share."""
    free = _free_cpu(cluster, n)
    before = fragment(cluster, rules, n, free, -1, 0, 0)
    left = free - window.request[w, CPU]
    if window.device_count[w] == 0 or window.device_milli[w] >= 1000:
        after = fragment(cluster, rules, n, left, -1, 0, window.device_count[w])
        return _gradient(before, after)
    best = 0
    for d in range(cluster.device_free.shape[1]):
        if share_fits(cluster, window, w, n, d) and not _is_like_the_one_before(cluster, window, w, n, d):
            after = fragment(cluster, rules, n, left, d, window.device_milli[w], 0)
            best = max(best, _gradient(before, after))
    return best


@kernel
def _is_like_the_one_before(cluster: Cluster, window: Window, w: int, n: int, d: int) -> bool:
    """Whether the device before would leave the same fragments: the first of equals is taken, so one is enough."""
    return (
        d > 0
        and cluster.device_free[n, d] == cluster.device_free[n, d - 1]
        and share_fits(cluster, window, w, n, d - 1)
    )


@kernel
def choose_share(cluster: Cluster, window: Window, rules: Rules, w: int, n: int, draw: int) -> int:
    """The device that a share of class ``w`` takes on node ``n``.

    Args:
        cluster: the nodes.
        window: the classes.
        rules: says which choice is in force.
        w: the class.
        n: a node it fits on.
        draw: a non-negative random number, for the choice ``ANY``.

    Returns:
        The index of the device.
    """
    if rules.device_choice == LEAST_FRAGMENTING:
        return _least_fragmenting(cluster, window, rules, w, n)
    if rules.device_choice == ANY:
        fitting = 0
        for d in range(cluster.device_free.shape[1]):
            fitting += share_fits(cluster, window, w, n, d)
        skip = draw % max(fitting, 1)
        for d in range(cluster.device_free.shape[1]):
            if share_fits(cluster, window, w, n, d):
                if skip == 0:
                    return d
                skip -= 1
    return _tightest(cluster, window, w, n)


@kernel
def _least_fragmenting(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    free = _free_cpu(cluster, n)
    before = fragment(cluster, rules, n, free, -1, 0, 0)
    best = -1
    score = -1
    for d in range(cluster.device_free.shape[1]):
        if share_fits(cluster, window, w, n, d) and not _is_like_the_one_before(cluster, window, w, n, d):
            after = fragment(cluster, rules, n, free - window.request[w, CPU], d, window.device_milli[w], 0)
            gradient = _gradient(before, after)
            if gradient > score:
                best, score = d, gradient
    return best
