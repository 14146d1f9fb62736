"""Is there room? The filters that depend on what a node holds: NodePorts, NodeResourcesFit, DeviceFit.

`room` is asked again for every node on which something changed since a class last looked, and for no other.
"""

from __future__ import annotations

from yuheng.scheduling.arrays import (
    BIT_ABSENT,
    BIT_DEVICE_SHARE,
    BIT_DEVICE_WHOLE,
    BIT_PODS,
    BIT_PORTS,
    BIT_RESERVE,
    BIT_RESOURCES,
    CPU,
    MEMORY,
    Cluster,
    Rules,
    Window,
)
from yuheng.scheduling.kernel import kernel

__all__ = ["leave", "occupy", "room", "share_fits", "untouched"]


@kernel
def room(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> int:
    """All that node ``n`` lacks for one more pod of class ``w``, as rejection bits; 0 when it has room."""
    bits = 0 if cluster.absent[n] == 0 else 1 << BIT_ABSENT
    for i in range(window.port_start[w], window.port_start[w + 1]):
        if cluster.ports[n, window.port_checks[i]] > 0:
            bits |= 1 << BIT_PORTS
    if cluster.pods[n] + 1 > cluster.pod_limit[n]:
        bits |= 1 << BIT_PODS
    bit = BIT_RESOURCES
    for i in range(window.need_start[w], window.need_start[w + 1]):
        column = window.needs[i]
        if window.request[w, column] > cluster.allocatable[n, column] - cluster.used[n, column]:
            bits |= 1 << bit
        bit += 1
    if window.device_count[w] > 0:
        bits |= _devices_missing(cluster, window, w, n)
    if rules.reserve > 0 and window.batch[w] > 0 and _takes_reserve(cluster, window, rules, w, n):
        bits |= 1 << BIT_RESERVE
    return bits & rules.filters


@kernel
def _takes_reserve(cluster: Cluster, window: Window, rules: Rules, w: int, n: int) -> bool:
    """Whether jobs would use more than ``(T - C) * factor`` of the node: T allocatable, C what services hold (ING)."""
    for i in range(window.need_start[w], window.need_start[w + 1]):
        column = window.needs[i]
        jobs = cluster.batch_used[n, column]
        services = cluster.used[n, column] - jobs
        spare = cluster.allocatable[n, column] - services
        # In floating point: bytes times a thousand are close to what 64 bits hold.
        if jobs + window.request[w, column] > spare * (rules.reserve / 1000.0):
            return True
    return False


@kernel
def _devices_missing(cluster: Cluster, window: Window, w: int, n: int) -> int:
    if window.device_milli[w] >= 1000:
        return 0 if untouched(cluster, n) >= window.device_count[w] else 1 << BIT_DEVICE_WHOLE
    for d in range(cluster.device_free.shape[1]):
        if share_fits(cluster, window, w, n, d):
            return 0
    return 1 << BIT_DEVICE_SHARE


@kernel
def untouched(cluster: Cluster, n: int) -> int:
    """How many devices of node ``n`` nobody holds any part of."""
    count = 0
    for d in range(cluster.device_free.shape[1]):
        if cluster.device_free[n, d] == 1000 and cluster.device_memory[n, d] == cluster.device_size[n]:
            count += 1
    return count


@kernel
def share_fits(cluster: Cluster, window: Window, w: int, n: int, d: int) -> bool:
    """Whether the share that class ``w`` asks for fits on device ``d`` of node ``n``."""
    return (
        cluster.device_free[n, d] >= 0
        and cluster.device_free[n, d] >= window.device_milli[w]
        and cluster.device_memory[n, d] >= window.device_memory[w]
    )


@kernel
def leave(cluster: Cluster, window: Window, w: int, n: int) -> None:
    """Take one pod of class ``w`` off node ``n`` again: everything but its devices."""
    for i in range(cluster.used.shape[1]):
        cluster.used[n, i] -= window.request[w, i]
    if window.batch[w] > 0 and cluster.batch_used.shape[0] > 0:
        for i in range(cluster.used.shape[1]):
            cluster.batch_used[n, i] -= window.request[w, i]
    cluster.scoring_used[n, CPU] -= window.held[w, CPU]
    cluster.scoring_used[n, MEMORY] -= window.held[w, MEMORY]
    cluster.pods[n] -= 1
    for i in range(window.take_start[w], window.take_start[w + 1]):
        cluster.ports[n, window.port_takes[i]] -= 1


@kernel
def occupy(cluster: Cluster, window: Window, w: int, n: int) -> None:
    """Put one pod of class ``w`` on node ``n``: everything but its devices."""
    for i in range(cluster.used.shape[1]):
        cluster.used[n, i] += window.request[w, i]
    if window.batch[w] > 0 and cluster.batch_used.shape[0] > 0:
        for i in range(cluster.used.shape[1]):
            cluster.batch_used[n, i] += window.request[w, i]
    cluster.scoring_used[n, CPU] += window.held[w, CPU]
    cluster.scoring_used[n, MEMORY] += window.held[w, MEMORY]
    cluster.pods[n] += 1
    for i in range(window.take_start[w], window.take_start[w + 1]):
        cluster.ports[n, window.port_takes[i]] += 1
