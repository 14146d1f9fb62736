"""The shapes inside the engine: structs of arrays that kernels take, and the codes they exchange.

Letters used for sizes below: N nodes, R resources, D devices of the largest node, P host ports that matter, K topology
keys, W classes in the window, G groups of a class, C counters, S normalised static scores.

A *class* is a set of pending pods with the same needs. A *group* of a class is a set of nodes between which the class
sees no difference but their remaining room: they pass the same static filters, have the same raw static scores and
lie in the same topology domains. A *counter* of a class holds a number for each domain of one topology key: how many
pods match a spread constraint there, what pod affinity adds there.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.structs import Struct

__all__ = ["Bits", "Cluster", "Counters", "Rules", "Window"]

I8 = NDArray[np.int8]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

# Columns of the resource arrays that are always there; extended resources follow, sorted by name.
CPU: Final = 0
MEMORY: Final = 1
EPHEMERAL: Final = 2

# What a node is rejected for, as bits of one 64-bit record per node, lowest bit = first filter to speak.
BIT_OUTSIDE: Final = 0  # NodeAffinity's PreFilter: not among the nodes named by matchFields
BIT_UNSCHEDULABLE: Final = 1
BIT_NODE_NAME: Final = 2
BIT_TAINT: Final = 3
BIT_AFFINITY: Final = 4
BIT_PORTS: Final = 5
BIT_PODS: Final = 6
BIT_DEVICE_MODEL: Final = 7
BIT_DEVICE_WHOLE: Final = 8
BIT_DEVICE_SHARE: Final = 9
BIT_VOLUME_ZONE: Final = 10
BIT_VOLUME_AFFINITY: Final = 11
BIT_SPREAD_LABEL: Final = 12
BIT_SPREAD_SKEW: Final = 13
BIT_POD_AFFINITY: Final = 14
BIT_POD_ANTI_AFFINITY: Final = 15
BIT_EXISTING_ANTI_AFFINITY: Final = 16
BIT_ENFORCED_AFFINITY: Final = 17  # the policy's own node affinity; it is told before the pod's
BIT_NODE_GROUP: Final = 18  # the queue's node groups
BIT_ZONE: Final = 19  # a revocable zone that is closed, or closed to the pod
BIT_RESERVE: Final = 20  # what is kept free for services
BIT_ABSENT: Final = 21  # not there at the moment: failed, removed, or still to come
BIT_RESOURCES: Final = 22  # one bit for each resource the class asks for, in the order of its needs
MAX_NEEDS: Final = 63 - BIT_RESOURCES

Bits = I64

# Why a node takes nothing (`Cluster.absent`).
CLOSED: Final = 1
GONE: Final = 2

# Kinds of counters.
HARD_SPREAD: Final = 0
SOFT_SPREAD: Final = 1
AFFINITY: Final = 2
ANTI_AFFINITY: Final = 3
EXISTING_ANTI_AFFINITY: Final = 4
PREFERENCE: Final = 5

# How raw static scores are normalised over the feasible nodes.
BY_MAXIMUM: Final = 0
BY_MAXIMUM_REVERSED: Final = 1
BY_RANGE: Final = 2


# How many devices one word of the log tells of; the sign bit stays out of it.
DEVICES_A_WORD: Final = 62

# Which device a share takes.
TIGHTEST: Final = 0
ANY: Final = 1
LEAST_FRAGMENTING: Final = 2


class Cluster(Struct):
    """The nodes as arrays; what pods take changes in place.

    Attributes:
        allocatable: (N, R) whole amounts.
        used: (N, R) sum of requests.
        scoring_used: (N, 2) cpu and memory as the LeastAllocated family counts them.
        pod_limit: (N,) pods a node may hold.
        pods: (N,) pods it holds.
        device_free: (N, D) milli left on each device; -1 where there is no such device.
        device_memory: (N, D) bytes left on each device.
        device_size: (N,) bytes of memory of one device of the node.
        device_model: (N,) number of the GPU model.
        device_kinds: (N, D + 1) pods holding GPUs by kind: column 0 shares, column n those with n whole devices.
        ports: (N, P) pods holding each host port.
        rank: (N,) place in the order that breaks ties; lower wins.
        domain: (K, N) number of the domain of each topology key; -1 where the node lacks the label.
        largest: (2,) cpu milli and GPU milli of the largest node.
        absent: (N,) 1 where a node takes nothing at the moment, 2 where it is not there at all.
        batch_used: (N, R) what pods of jobs hold of ``used``; (0, R) when nothing is reserved for services.
        log_node, log_kind: (lines,) where pods were committed, and their peer kind, in order.
        log_sign: (lines,) 1 where a pod came, -1 where one left.
        log_devices: (lines, words) their devices as bits, ``DEVICES_A_WORD`` to a word.
        log_size: (1,) how many lines are written.
        draws: (lines,) a non-negative random number for each placement, drawn from the seed.
        touched: (N + 1,) scratch: in which pass a node was last looked at; the last cell counts passes.
        score: (N,) scratch: what a class gives each node.
        sheet: (6, nodes of a block) scratch: cpu and memory that nodes offer, that is used, and that scores count.
    """

    allocatable: I64
    used: I64
    scoring_used: I64
    pod_limit: I64
    pods: I64
    device_free: I32
    device_memory: I64
    device_size: I64
    device_model: I32
    device_kinds: I32
    ports: I32
    rank: I32
    domain: I32
    largest: I64
    absent: U8
    batch_used: I64
    log_node: I32
    log_kind: I32
    log_sign: I8
    log_devices: I64
    log_size: I64
    draws: I64
    touched: I64
    score: I32
    sheet: F64


class Counters(Struct):
    """The counters of all classes of a window, one row each; ``Window.counter_start`` says whose they are.

    Attributes:
        kind: what the counter serves (``HARD_SPREAD`` ...).
        key: row of `Cluster.domain`.
        start, domains: its slice of ``count``.
        count: all counts, end to end.
        known: 1 for domains that exist for the counter, parallel to ``count``.
        skew, min_domains, own: of a spread constraint: maxSkew, minDomains, whether the pod matches its own selector.
        per_node: 1 when the key is ``kubernetes.io/hostname`` (kube-scheduler counts those per node).
        eligible: (C, N) 1 where pods on the node count.
        delta: (C, peer kinds) what a pod of each kind adds.
        sum: (C,) what was ever added to ``count``.
        floor: (C,) scratch: the minimum a hard constraint's skew is measured from.
        weight: (C,) scratch: how much a soft constraint weighs; ``seen_domains`` and ``missing`` are its parts.
        domain_seen: scratch, parallel to ``count``: in which pass a domain was last seen.
        pass_number: (1,) counts those passes.
    """

    kind: I8
    key: I32
    start: I64
    domains: I64
    count: I64
    known: U8
    skew: I64
    min_domains: I64
    own: I64
    per_node: U8
    eligible: U8
    delta: I32
    sum: I64
    floor: I64
    weight: F64
    seen_domains: I64
    missing: I64
    domain_seen: I64
    pass_number: I64


class Window(Struct):
    """The classes in hand, as arrays. Positions are places in a class's list of members, groups end to end.

    Attributes:
        request: (W, R) what one pod asks for.
        need_start, needs: the resource columns NodeResourcesFit checks for a class.
        scoring: (W, 2) cpu and memory as the LeastAllocated family counts them.
        held: (W, 2) the same once the pod runs.
        device_count, device_milli, device_memory: (W,) the device request; count 0 for none.
        port_start, port_checks: a class's host ports that must be free on a node.
        take_start, port_takes: the host ports it then holds.
        kind: (W,) its peer kind.
        members: (W, N) node at each position.
        leaf: (W, 2 N) of each node, side by side: its leaf in its group's tree, and its group; -1 where a static
            filter rejects it.
        base: (W, N) score by node that never changes and needs no normalisation; ``based`` is 1 where there is any.
        tree: (W, 2 N) one tournament tree a group, at twice the group's first position: the best score among its
            members that have room, -1 for none. Ties go to the left, which is the order of rank.
        group_start: (sum of G,) first position of each group; ``group_size`` how many members.
        group_first: (W + 1,) a class's slice of the group arrays.
        feasible: (sum of G,) members that fit at the moment.
        raw: (sum of G, S) raw static scores.
        total: (sum of G,) scratch: what every member gets from the plugins that normalise.
        part: (sum of G, S + 2) scratch: the same plugin by plugin, then PodTopologySpread, InterPodAffinity.
        verdict: (sum of G,) topology rejections of the last decision.
        counter_first: (W + 1,) a class's slice of the counters.
        seen: (W,) how much of the log the class knows.
        own_affinity: (W,) 1 when the class matches its own required affinity terms.
        all_keys: (W,) 1 when soft spreading ignores nodes that lack one of its topology keys.
        static: (W, N) record of static rejections by node.
        batch: (W,) 1 for pods of jobs, which leave room for services (see ``Rules.reserve``).
    """

    request: I64
    need_start: I64
    needs: I64
    scoring: I64
    held: I64
    device_count: I64
    device_milli: I64
    device_memory: I64
    port_start: I64
    port_checks: I64
    take_start: I64
    port_takes: I64
    kind: I32
    members: I32
    leaf: I32
    base: I32
    based: U8
    tree: I32
    group_start: I64
    group_size: I64
    group_first: I64
    feasible: I64
    raw: I64
    total: I64
    part: I64
    verdict: I64
    counter_first: I64
    seen: I64
    own_affinity: U8
    all_keys: U8
    static: I32
    batch: U8


class Rules(Struct):
    """The policy as arrays.

    Attributes:
        plugins, weights: dynamic score plugins (codes of `registry`) and their weights.
        fit_columns, fit_weights: resources of NodeResourcesFit's strategy.
        balanced_columns: resources of NodeResourcesBalancedAllocation.
        shape: (points, 2) of RequestedToCapacityRatio: utilization, score 0-100.
        filters: bit mask of the rejections that are in force.
        norm_modes, norm_weights: (S,) of the normalised static scores.
        spread_weight, affinity_weight: of PodTopologySpread and InterPodAffinity.
        typical: (classes, 4) typical workload: cpu milli, device milli, devices, row of ``model_sets`` (-1 any).
        typical_share: (classes,) its weights, summing to 1.
        model_sets: (sets, GPU models) 1 where the model is in the set.
        device_choice: which device a share takes (``TIGHTEST`` ...).
        pack_columns, pack_weights: resources of BinPack.
        reserve: thousandths of what services leave of a node that jobs may use; 0 for no limit.
        random_pick: 1 to take any feasible node, drawn from the seed, whatever the scores.
        sweepable: 1 where `sweep` knows all that the policy scores and filters by.
    """

    plugins: I64
    weights: I64
    fit_columns: I64
    fit_weights: I64
    balanced_columns: I64
    shape: I64
    filters: int
    norm_modes: I64
    norm_weights: I64
    spread_weight: int
    affinity_weight: int
    typical: I64
    typical_share: F64
    model_sets: U8
    device_choice: int
    pack_columns: I64
    pack_weights: I64
    reserve: int
    random_pick: int
    sweepable: int


def empty(*shape: int, dtype: Any = np.int64) -> Any:  # noqa: ANN401 -- numpy's dtype arguments are untyped
    """A zeroed array; named here so that call sites read as the documentation above."""
    return np.zeros(shape, dtype=dtype)
