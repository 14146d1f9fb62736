"""All nodes in one go: what `cycle.prepare` asks of every node, for the pods and policies that most clusters have.

Node by node, a look at a class's nodes is mostly calls and branches. Where a class asks for nothing but amounts, and
the policy scores nothing but cpu and memory, one loop without branches does the same for several nodes at a time. The
scores are those of `registry.node_score`, to the last bit: their twin. Nodes are taken in blocks that the processor's
nearest memory holds, their amounts laid out column by column first: reading rows costs more than the arithmetic.
"""

from __future__ import annotations

import numpy as np

from yuheng.scheduling.arrays import BIT_PODS, CPU, F64, I32, I64, MEMORY, Cluster, Rules, Window
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
    score = cluster.score
    sheet = cluster.sheet
    # Compilers see that a loop can do several nodes at a time where its arrays are arguments.
    for first in range(0, score.shape[0], sheet.shape[1]):
        last = min(first + sheet.shape[1], score.shape[0])
        _lay_out(sheet[0], sheet[1], cluster.allocatable[first:last])
        _lay_out(sheet[2], sheet[3], cluster.used[first:last])
        _lay_out(sheet[4], sheet[5], cluster.scoring_used[first:last])
        _score_all(score[first:last], sheet, window, rules, w)
    if window.based[w] > 0:
        for n in range(score.shape[0]):
            score[n] += window.base[w, n]
    if rules.filters & (1 << BIT_PODS) != 0:
        _refuse_crowded(score, cluster.pods, cluster.pod_limit)
    for n in range(score.shape[0]):
        score[n] = -1 if cluster.absent[n] > 0 else score[n]
    for i in range(window.need_start[w], window.need_start[w + 1]):
        column = window.needs[i]
        _refuse_full(score, cluster.allocatable, cluster.used, column, window.request[w, column])


@kernel
def _lay_out(cpu: F64, memory: F64, rows: I64) -> None:
    """Cpu and memory of a block of nodes, each side by side."""
    for n in range(rows.shape[0]):
        cpu[n] = float(rows[n, CPU])
        memory[n] = float(rows[n, MEMORY])


@kernel
def _refuse_crowded(score: I32, pods: I64, limit: I64) -> None:
    """No room where a node holds as many pods as it may."""
    for n in range(score.shape[0]):
        score[n] = -1 if pods[n] >= limit[n] else score[n]


@kernel
def _refuse_full(score: I32, allocatable: I64, used: I64, column: int, asked: int) -> None:
    """No room where less of a resource is left than is asked for."""
    for n in range(score.shape[0]):
        score[n] = -1 if asked > allocatable[n, column] - used[n, column] else score[n]


@kernel
def _score_all(score: I32, sheet: F64, window: Window, rules: Rules, w: int) -> None:
    """LeastAllocated and BalancedAllocation over cpu and memory, weighted: of a block of nodes."""
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
    counted_cpu = float(window.scoring[w, CPU])
    counted_memory = float(window.scoring[w, MEMORY])
    for n in range(score.shape[0]):
        all_cpu = sheet[0, n]
        all_memory = sheet[1, n]
        # 1 where the node has any, else 0: amounts are whole.
        has_cpu = min(all_cpu, 1.0)
        has_memory = min(all_memory, 1.0)
        all_cpu = max(all_cpu, 1.0)
        all_memory = max(all_memory, 1.0)
        left = max(all_cpu - sheet[4, n] - counted_cpu, 0.0)
        free = np.floor(left * 100.0 / all_cpu) * (weight_cpu * has_cpu)
        left = max(all_memory - sheet[5, n] - counted_memory, 0.0)
        free += np.floor(left * 100.0 / all_memory) * (weight_memory * has_memory)
        found = least * np.floor(free / max(weight_cpu * has_cpu + weight_memory * has_memory, 1.0))
        used_cpu = sheet[2, n]
        used_memory = sheet[3, n]
        apart = abs(min((used_cpu + cpu) / all_cpu, 1.0) - min((used_memory + memory) / all_memory, 1.0))
        after = np.floor((1.0 - apart / 2.0) * 100.0)
        apart = abs(min(used_cpu / all_cpu, 1.0) - min(used_memory / all_memory, 1.0))
        before = np.floor((1.0 - apart / 2.0) * 100.0)
        change = (after - before) * (has_cpu * has_memory)
        score[n] = int(found + balanced * (50.0 + np.floor((50.0 + change) / 2.0)))
