"""From the record of a decision to words: reasons, kube-scheduler's sentence, the closest nodes, the scores.

The record is one 64-bit number per node, written by the very kernels that decide (`cycle.diagnose`). Nothing here
decides anything: it counts bits and names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.plan import Candidate, NearMiss, Reason
from yuheng.model.quantity import format_amount
from yuheng.scheduling import arrays as a
from yuheng.scheduling.arrays import Bits
from yuheng.scheduling.cycle import breakdown, has_room
from yuheng.scheduling.engine import Engine, Hand
from yuheng.scheduling.registry import DYNAMIC_SCORES, RESOURCE_FILTER, STRATEGIES, WORDS
from yuheng.scheduling.room import untouched
from yuheng.scheduling.window import normalised_scores

__all__ = ["candidates", "closest", "first_filter", "lacks", "reasons", "sentence"]

NO_NODES: Final = "no nodes available to schedule pods"
CONFLICT: Final = "pod affinity terms conflict"
# Bits of filters that run one after the other; kube-scheduler stops at the first of these groups that rejects, and
# tells all bits of that group.
_RESOURCE_BITS: Final = (1 << a.BIT_PODS) | sum(1 << bit for bit in range(a.BIT_RESOURCES, 63))
# What `_shortfall` and `_device_shortfall` measure by amounts.
_ROOM_BITS: Final = (
    (1 << a.BIT_DEVICE_WHOLE) | (1 << a.BIT_DEVICE_SHARE) | sum(1 << bit for bit in range(a.BIT_RESOURCES, 63))
)
_STAGES: Final = (
    1 << a.BIT_OUTSIDE,
    1 << a.BIT_UNSCHEDULABLE,
    1 << a.BIT_NODE_NAME,
    1 << a.BIT_TAINT,
    1 << a.BIT_ENFORCED_AFFINITY,
    1 << a.BIT_AFFINITY,
    1 << a.BIT_NODE_GROUP,
    1 << a.BIT_ZONE,
    1 << a.BIT_PORTS,
    _RESOURCE_BITS,
    1 << a.BIT_RESERVE,
    1 << a.BIT_DEVICE_MODEL,
    (1 << a.BIT_DEVICE_WHOLE) | (1 << a.BIT_DEVICE_SHARE),
    1 << a.BIT_VOLUME_AFFINITY,
    1 << a.BIT_VOLUME_ZONE,
    (1 << a.BIT_SPREAD_LABEL) | (1 << a.BIT_SPREAD_SKEW),
    (1 << a.BIT_POD_AFFINITY) | (1 << a.BIT_POD_ANTI_AFFINITY) | (1 << a.BIT_EXISTING_ANTI_AFFINITY),
    # Of a node that is not there only that is told, unless it would not do anyway.
    1 << a.BIT_ABSENT,
)


def first_filter(record: Bits) -> Bits:
    """Of each node's rejections, those of the filter that kube-scheduler would have stopped at."""
    told = np.zeros_like(record)
    for stage in reversed(_STAGES):
        found = record & stage
        told = np.where(found != 0, found, told)
    return told


def reasons(engine: Engine, hand: Hand, record: Bits) -> tuple[Reason, ...]:
    """The rejections counted over nodes, most nodes first; a node short of two resources counts for both."""
    told = first_filter(record)
    found = []
    for bit in range(63):
        nodes = int(np.count_nonzero(told & (1 << bit)))
        if nodes:
            found.append(Reason(*wording(engine, hand, bit), nodes))
    return tuple(sorted(found, key=lambda reason: (-reason.nodes, reason.filter, reason.detail)))


def wording(engine: Engine, hand: Hand, bit: int) -> tuple[str, str]:
    """The filter a bit stands for, and what it says."""
    if bit in WORDS:
        return WORDS[bit]
    return RESOURCE_FILTER, f"Insufficient {resource_of(engine, hand, bit)}"


def resource_of(engine: Engine, hand: Hand, bit: int) -> str:
    """The resource that a resource bit of a class stands for."""
    window = hand.window
    return engine.resources.names[window.needs[window.need_start[hand.row] + bit - a.BIT_RESOURCES]]


def sentence(nodes: int, found: Iterable[Reason]) -> str:
    """kube-scheduler's own sentence: counted reasons, sorted as text."""
    if nodes == 0:
        return NO_NODES
    parts = sorted(f"{reason.nodes} {reason.detail}" for reason in found)
    return f"0/{nodes} nodes are available: {', '.join(parts)}."


def closest(engine: Engine, hand: Hand, record: Bits, most: int = 3) -> tuple[NearMiss, ...]:
    """The nodes that lack least, the first by name of equals.

    A broken rule counts 1; what is missing of a resource or of GPUs counts as its share of what is asked, so below 1.
    """
    distance = np.bitwise_count(record & ~_ROOM_BITS) + _shortfall(engine, hand) + _device_shortfall(engine, hand)
    order = np.lexsort((np.arange(len(record)), distance))[:most]
    return tuple(NearMiss(engine.machines.nodes[n].name, lacks(engine, hand, int(record[n]), n)) for n in order)


def _shortfall(engine: Engine, hand: Hand) -> NDArray[np.float64]:
    """(N,) the sum over resources of what is missing, as shares of what is asked."""
    window, w = hand.window, hand.row
    total = np.zeros(len(engine.machines), dtype=np.float64)
    for column in window.needs[window.need_start[w] : window.need_start[w + 1]]:
        asked = window.request[w, column]
        free = engine.cluster.allocatable[:, column] - engine.cluster.used[:, column]
        total += np.clip((asked - free) / asked, 0, 1)
    return total


def _device_shortfall(engine: Engine, hand: Hand) -> NDArray[np.float64]:
    """(N,) what is missing of GPUs, as a share of what is asked."""
    count, milli = int(hand.window.device_count[hand.row]), int(hand.window.device_milli[hand.row])
    free = engine.cluster.device_free
    if not count:
        return np.zeros(len(free))
    if milli >= 1000:
        asked, left = count, (free == 1000).sum(axis=1)
    else:
        asked, left = max(milli, 1), free.max(axis=1)
    missing_share: NDArray[np.float64] = np.clip((asked - left) / asked, 0, 1)
    return missing_share


def lacks(engine: Engine, hand: Hand, bits: int, n: int) -> dict[str, str]:
    """What one node lacks: amounts by resource name, devices in words, other rules by filter."""
    found: dict[str, str] = {}
    for bit in range(63):
        if not bits & (1 << bit):
            continue
        if bit >= a.BIT_RESOURCES:
            name = resource_of(engine, hand, bit)
            found[name] = format_amount(name, missing(engine, hand, name, n))
        elif bit == a.BIT_PODS:
            found["pods"] = str(int(engine.cluster.pods[n] + 1 - engine.cluster.pod_limit[n]))
        elif bit == a.BIT_DEVICE_WHOLE:
            short = int(hand.window.device_count[hand.row]) - untouched(engine.cluster, n)
            found["gpu"] = f"{short} untouched"
        elif bit == a.BIT_DEVICE_SHARE:
            found["gpu"] = _share_lack(engine, hand, n)
        else:
            found[WORDS[bit].filter] = WORDS[bit].words
    return found


def missing(engine: Engine, hand: Hand, name: str, n: int) -> int:
    """How much more of a resource node ``n`` would need, in the resource's unit."""
    column = engine.resources.column[name]
    cluster = engine.cluster
    return int(hand.window.request[hand.row, column] - (cluster.allocatable[n, column] - cluster.used[n, column]))


def _share_lack(engine: Engine, hand: Hand, n: int) -> str:
    free = engine.cluster.device_free[n]
    most = int(free.max())
    asked = int(hand.window.device_milli[hand.row])
    if max(most, 0) < asked:
        return f"{asked - max(most, 0)}m of one GPU"
    wanted = int(hand.window.device_memory[hand.row])
    left = int(engine.cluster.device_memory[n].max())
    if left < wanted:
        return f"{format_amount('memory', wanted - left)} of GPU memory"
    return "a GPU with enough left of both" if most >= 0 else "a GPU"


def candidates(engine: Engine, hand: Hand) -> tuple[Candidate, ...]:
    """Every feasible node with its score plugin by plugin, best first, ties by name. The class was just rated."""
    rules, window, w = engine.rules, hand.window, hand.row
    dynamic = np.zeros((len(engine.machines), len(rules.plugins) + 1), dtype=np.int64)
    breakdown(engine.cluster, window, rules, w, dynamic)
    names = _dynamic_names(engine)
    found = []
    for g in range(int(window.group_first[w]), int(window.group_first[w + 1])):
        if window.feasible[g] == 0 or window.verdict[g] != 0:
            continue
        shared = _group_scores(engine, hand, g)
        start = int(window.group_start[g])
        for n in window.members[w, start : start + int(window.group_size[g])].tolist():
            if has_room(window, w, n):
                plugins = shared | dict(zip(names, dynamic[n].tolist(), strict=True))
                plugins = {score.plugin: plugins[score.plugin] for score in engine.policy.scores}
                found.append(Candidate(engine.machines.nodes[n].name, sum(plugins.values()), plugins))
    return tuple(sorted(found, key=lambda candidate: (-candidate.total, candidate.node)))


def _group_scores(engine: Engine, hand: Hand, g: int) -> dict[str, int]:
    names = [name for name, _ in normalised_scores(engine.policy)]
    return dict(zip([*names, "PodTopologySpread", "InterPodAffinity"], hand.window.part[g].tolist(), strict=True))


def _dynamic_names(engine: Engine) -> Sequence[str]:
    """The plugins of `breakdown`'s columns; what never changes is ImageLocality alone."""
    codes = {code: name for name, code in DYNAMIC_SCORES.items()}
    codes |= dict.fromkeys(STRATEGIES.values(), "NodeResourcesFit")
    return [*(codes[code] for code in engine.rules.plugins.tolist()), "ImageLocality"]
