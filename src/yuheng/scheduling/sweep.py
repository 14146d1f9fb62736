"""All nodes in one go: what `cycle.prepare` asks of every node, for the pods and policies that most clusters have.

Node by node, a look at a class's nodes is mostly calls and branches. Where a class asks for nothing but amounts, and
the policy scores nothing but cpu and memory, one loop without branches does the same for several nodes at a time. The
scores are those of `registry.node_score`, to the last bit: their twin.
"""

from __future__ import annotations

import math

from yuheng.scheduling.arrays import BIT_PODS, CPU, MEMORY, Cluster, Rules, Window
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.registry import LEAST_ALLOCATED

__all__ = ["can_sweep", "sweep"]


@kernel
def can_sweep(cluster: Cluster, window: Window, rules: Rules, w: int) -> bool:
    """Whether `sweep` knows all that decides about class ``w``, and its nodes are most of the cluster's."""
    if rules.sweepable == 0 or window.device_count[w] > 0 or window.port_start[w + 1] > window.port_start[w]:
        return False
    members = 0
    for g in range(window.group_first[w], window.group_first[w + 1]):
        members += window.group_size[g]
    return bool(2 * members >= cluster.pods.shape[0])


@kernel
def sweep(cluster: Cluster, window: Window, rules: Rules, w: int) -> None:
    """Write to `Cluster.score` what each node gets whatever the others get, -1 where it has no room."""
    _score_all(cluster, window, rules, w)
    if window.based[w] > 0:
        for n in range(cluster.score.shape[0]):
            cluster.score[n] += window.base[w, n]
    full = rules.filters & (1 << BIT_PODS)
    for n in range(cluster.score.shape[0]):
        crowded = full != 0 and cluster.pods[n] >= cluster.pod_limit[n]
        if crowded or cluster.absent[n] != 0:
            cluster.score[n] = -1
    for i in range(window.need_start[w], window.need_start[w + 1]):
        column = window.needs[i]
        asked = window.request[w, column]
        for n in range(cluster.score.shape[0]):
            if asked > cluster.allocatable[n, column] - cluster.used[n, column]:
                cluster.score[n] = -1


@kernel
def _score_all(cluster: Cluster, window: Window, rules: Rules, w: int) -> None:
    """LeastAllocated and BalancedAllocation over cpu and memory, weighted."""
    least = 0.0
    balanced = 0.0
    for i in range(rules.plugins.shape[0]):
        if rules.plugins[i] == LEAST_ALLOCATED:
            least += rules.weights[i]
        else:
            balanced += rules.weights[i]
    weight_cpu = 0.0
    weight_memory = 0.0
    for i in range(rules.fit_columns.shape[0]):
        if rules.fit_columns[i] == CPU:
            weight_cpu += rules.fit_weights[i]
        else:
            weight_memory += rules.fit_weights[i]
    cpu = float(window.request[w, CPU])
    memory = float(window.request[w, MEMORY])
    if cpu + memory == 0.0:
        # A pod without requests is as balanced anywhere: its score is 0.
        balanced = 0.0
    score = cluster.score
    allocatable = cluster.allocatable
    used = cluster.used
    counted = cluster.scoring_used
    asked_cpu = float(window.scoring[w, CPU])
    asked_memory = float(window.scoring[w, MEMORY])
    for n in range(score.shape[0]):
        all_cpu = float(allocatable[n, CPU])
        all_memory = float(allocatable[n, MEMORY])
        has_cpu = 1.0 if all_cpu > 0.0 else 0.0
        has_memory = 1.0 if all_memory > 0.0 else 0.0
        all_cpu = max(all_cpu, 1.0)
        all_memory = max(all_memory, 1.0)
        left = all_cpu - (float(counted[n, CPU]) + asked_cpu)
        free = math.floor(max(left, 0.0) * 100.0 / all_cpu) * (weight_cpu * has_cpu)
        left = all_memory - (float(counted[n, MEMORY]) + asked_memory)
        free += math.floor(max(left, 0.0) * 100.0 / all_memory) * (weight_memory * has_memory)
        found = least * math.floor(free / max(weight_cpu * has_cpu + weight_memory * has_memory, 1.0))
        used_cpu = float(used[n, CPU])
        used_memory = float(used[n, MEMORY])
        apart = abs(min((used_cpu + cpu) / all_cpu, 1.0) - min((used_memory + memory) / all_memory, 1.0))
        after = math.floor((1.0 - apart / 2.0) * 100.0)
        apart = abs(min(used_cpu / all_cpu, 1.0) - min(used_memory / all_memory, 1.0))
        before = math.floor((1.0 - apart / 2.0) * 100.0)
        change = (after - before) * (has_cpu * has_memory)
        found += balanced * (50.0 + math.floor((50.0 + change) / 2.0))
        score[n] = int(found)
