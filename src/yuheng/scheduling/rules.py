"""From a policy to arrays: plugin codes, weights, and the typical workload that fragmentation is measured by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import ConfigError
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy, ResourceWeight
from yuheng.scheduling.arrays import ANY, BIT_RESOURCES, CPU, LEAST_FRAGMENTING, MEMORY, TIGHTEST, Rules
from yuheng.scheduling.compile import Resources, device_milli
from yuheng.scheduling.machines import Machines
from yuheng.scheduling.registry import (
    BALANCED,
    DYNAMIC_SCORES,
    FILTERS,
    LEAST_ALLOCATED,
    RESOURCE_FILTER,
    SCORES,
    STANDING_BITS,
    STRATEGIES,
    WORDS,
)
from yuheng.scheduling.scores.nature import NORMALISED

__all__ = ["compile_rules"]

# The typical workload is its most frequent classes until this share of the pods is covered (FGD, section 4).
TYPICAL_SHARE: Final = 0.95
# A weighted score must fit the trees' 32 bits with room to spare.
MOST_WEIGHT: Final = 1_000_000
# Cpu milli, device milli, devices, GPU models.
_Shape = tuple[int, int, int, tuple[str, ...]]
_DEVICE_CHOICES = {"tightest": TIGHTEST, "any": ANY, "fragmentation": LEAST_FRAGMENTING}


def compile_rules(
    policy: Policy,
    machines: Machines,
    resources: Resources,
    workload: Iterable[tuple[Pod, int]],
    reserve: int,
    largest: int,
) -> Rules:
    """The policy as arrays.

    Args:
        policy: the policy.
        machines: the nodes, for their GPU models.
        resources: the resource columns.
        workload: pods, and how many there are of each, whose most frequent classes are the typical workload.
        reserve: thousandths of what services leave of a node that jobs may use; 0 for no limit.
        largest: the largest amount of anything that a node has.

    Raises:
        ConfigError: the policy names a filter or a score that does not exist, or cannot be worked with.
    """
    _known(policy)
    _sound(policy)
    dynamic = [(_code(policy, score.plugin), score.weight) for score in policy.scores]
    dynamic = [(code, weight) for code, weight in dynamic if code >= 0]
    pack = _weights(policy.pack, resources)
    fit, balanced = _weights(policy.strategy.resources, resources), _weights(policy.balanced, resources)
    natures = [score for score in policy.scores if score.plugin in NORMALISED]
    weight = {score.plugin: score.weight for score in policy.scores}
    typical, share, sets = _typical(workload, machines)
    return Rules(
        plugins=_column([code for code, _ in dynamic]),
        weights=_column([weight for _, weight in dynamic]),
        fit_columns=_column([column for column, _ in fit]),
        fit_weights=_column([weight for _, weight in fit]),
        balanced_columns=_column([column for column, _ in balanced]),
        shape=_column([(point.utilization, point.score * 10) for point in policy.strategy.shape]).reshape(-1, 2),
        filters=_mask(policy),
        norm_modes=_column([NORMALISED[score.plugin][1] for score in natures]),
        norm_weights=_column([score.weight for score in natures]),
        spread_weight=weight.get("PodTopologySpread", 0),
        affinity_weight=weight.get("InterPodAffinity", 0),
        typical=typical,
        typical_share=share,
        model_sets=sets,
        device_choice=_DEVICE_CHOICES[policy.devices],
        pack_columns=_column([column for column, _ in pack]),
        pack_weights=_column([weight for _, weight in pack]),
        reserve=reserve,
        random_pick=int(policy.pick == "random"),
        # Floating point divides whole numbers below 2^53 exactly.
        sweepable=int(reserve == 0 and 100 * largest < 2**53 and _is_sweepable(dynamic, fit, balanced)),
    )


def _is_sweepable(
    dynamic: Sequence[tuple[int, int]],
    fit: Sequence[tuple[int, int]],
    balanced: Sequence[tuple[int, int]],
) -> bool:
    """Whether nodes are scored by nothing but their cpu and memory."""
    codes = {code for code, _ in dynamic}
    if not codes <= {LEAST_ALLOCATED, BALANCED} or not {column for column, _ in fit} <= {CPU, MEMORY}:
        return False
    return BALANCED not in codes or sorted(column for column, _ in balanced) == [CPU, MEMORY]


def _known(policy: Policy) -> None:
    for name in policy.filters:
        if name not in FILTERS:
            raise ConfigError(f"policy {policy.name}: found filter {name!r}, expected one of {sorted(FILTERS)}")
    for score in policy.scores:
        if score.plugin not in SCORES:
            raise ConfigError(f"policy {policy.name}: found score {score.plugin!r}, expected one of {sorted(SCORES)}")


def _sound(policy: Policy) -> None:
    """Refuse what would leave a kernel without an answer: a ratio without a shape, weights beyond all bounds."""
    if policy.strategy.type == "RequestedToCapacityRatio" and not policy.strategy.shape:
        raise ConfigError(f"policy {policy.name}: strategy.shape: found no points, expected at least one")
    for score in policy.scores:
        if not 0 <= score.weight <= MOST_WEIGHT:
            raise ConfigError(
                f"policy {policy.name}: weight of {score.plugin}: found {score.weight}, expected 0 to {MOST_WEIGHT}"
            )


def _column(values: Iterable[object]) -> NDArray[np.int64]:
    return np.array(list(values), dtype=np.int64)


def _code(policy: Policy, plugin: str) -> int:
    """The kernel's code for a dynamic score; -1 for the others."""
    if plugin == "NodeResourcesFit":
        return STRATEGIES[policy.strategy.type]
    return DYNAMIC_SCORES.get(plugin, -1)


def _weights(wanted: Iterable[ResourceWeight], resources: Resources) -> list[tuple[int, int]]:
    return [(resources.column[item.name], item.weight) for item in wanted if item.name in resources.column]


def _mask(policy: Policy) -> int:
    """The rejections in force, as bits. The resource bits stand or fall together."""
    mask = sum(1 << bit for bit, rejection in WORDS.items() if rejection.filter in policy.filters)
    if RESOURCE_FILTER in policy.filters:
        mask |= sum(1 << bit for bit in range(BIT_RESOURCES, 63))
    return mask | STANDING_BITS


def _typical(
    workload: Iterable[tuple[Pod, int]], machines: Machines
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.uint8]]:
    """The typical workload (see `Rules`)."""
    counts: Counter[_Shape] = Counter()
    for pod, count in workload:
        counts[_shape(pod)] += count
    total, covered, chosen = sum(counts.values()), 0, []
    for shape, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if covered >= TYPICAL_SHARE * total:
            break
        chosen.append((shape, count))
        covered += count
    names = sorted({models for (_, _, _, models), _ in chosen if models})
    rows = [(cpu, milli, count, names.index(models) if models else -1) for (cpu, milli, count, models), _ in chosen]
    share = np.array([count for _, count in chosen], dtype=np.float64) / max(covered, 1)
    return _column(rows).reshape(-1, 4), share, _sets(names, machines.device_models.values)


def _shape(pod: Pod) -> _Shape:
    request = pod.spec.devices
    milli = device_milli(pod.spec) if request.count else 0
    return pod.spec.requests.get("cpu", 0), milli, request.count, request.models


def _sets(names: Sequence[tuple[str, ...]], models: Sequence[str]) -> NDArray[np.uint8]:
    """Which GPU models are in which set; one spare column, which the number -1 of nodes without GPUs reaches."""
    sets = np.zeros((len(names), len(models) + 1), dtype=np.uint8)
    for i, wanted in enumerate(names):
        for j, model in enumerate(models):
            sets[i, j] = model in wanted
    return sets
