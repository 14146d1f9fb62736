"""What a machine keeps for itself: from what is sold to what pods can have.

| rule | memory | cpu | source |
| --- | --- | --- | --- |
| ``eks`` | 7.5% that the virtual machine takes; 255 MiB + 11 MiB x pods; 100 MiB eviction | 6%, 1%, 0.5%, then 0.25% | Karpenter's AWS provider, EKS' bootstrap |
| ``gke`` | 25% of 4 GiB, 20% of the next 4, 10% of the next 8, 6% up to 128, then 2%; 100 MiB eviction | the same, and 400m with more than 110 pods | GKE, "Plan node sizes" |
| ``aks`` | 20 MiB x pods + 50 MiB, at most 25%; 100 MiB eviction | 60m, 100m, 140m at 1, 2, 4 cores, then 10m a core | AKS, "Resource reservations" |
| ``none`` | nothing | nothing | - |

The shares of cpu hold for the first core, the second, the third and fourth, and those after them. Checked against

- EKS: ``kubeReservedResources`` and ``evictionThreshold`` in aws/karpenter-provider-aws,
  pkg/providers/instancetype/types.go at commit 027ed241, and ``VM_MEMORY_OVERHEAD_PERCENT`` in pkg/operator/options.
  EKS counts the pods that a machine has network addresses for; here it is `pods`: with many the stricter rule.
- GKE: cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes. A node of 4 cores that is shown there has
  3,920m allocatable, as by this rule. Machines that share cores (e2-micro, e2-small, e2-medium) keep 1,060m there,
  which this rule does not know of: they are burstable, and bought only where they are named.
- AKS: learn.microsoft.com/azure/aks/node-resource-reservations, of version 1.29 and later: 60, 100, 140, 180, 260, 420
  and 740m at 1 to 64 cores. What is MB there is MiB here, 5 % more.
"""  # noqa: E501 -- a table

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from yuheng.model.units import GIB, MIB

__all__ = ["RESERVES", "RESERVE_OF", "allocatable"]

EVICTION: Final = 100 * MIB
VM_OVERHEAD: Final = 0.075
# Up to so many milli-cores, this share of each.
_CPU: Final = ((1000, 0.06), (2000, 0.01), (4000, 0.005), (float("inf"), 0.0025))
_GKE_MEMORY: Final = ((4 * GIB, 0.25), (8 * GIB, 0.20), (16 * GIB, 0.10), (128 * GIB, 0.06), (float("inf"), 0.02))
_AKS_CPU: Final = ((1000, 0.06), (2000, 0.04), (4000, 0.02), (float("inf"), 0.01))
_SMALL: Final = 255 * MIB
_MANY_PODS, _MANY_PODS_CPU = 110, 400


def _graded(amount: float, grades: tuple[tuple[float, float], ...]) -> float:
    """The sum of a share of each part of an amount; grades are (end of the part, share)."""
    total, start = 0.0, 0.0
    for end, share in grades:
        total += max(min(amount, end) - start, 0.0) * share
        start = end
    return total


def _eks(cpu: int, memory: int, pods: int) -> tuple[float, float]:
    return _graded(cpu, _CPU), memory * VM_OVERHEAD + (255 + 11 * pods) * MIB + EVICTION


def _gke(cpu: int, memory: int, pods: int) -> tuple[float, float]:
    more = _MANY_PODS_CPU if pods > _MANY_PODS else 0
    return _graded(cpu, _CPU) + more, (_SMALL if memory < GIB else _graded(memory, _GKE_MEMORY)) + EVICTION


def _aks(cpu: int, memory: int, pods: int) -> tuple[float, float]:
    return _graded(cpu, _AKS_CPU), min((20 * pods + 50) * MIB, 0.25 * memory) + EVICTION


def _none(cpu: int, memory: int, pods: int) -> tuple[float, float]:  # noqa: ARG001 -- one form for all
    return 0.0, 0.0


RESERVES: Final[Mapping[str, Callable[[int, int, int], tuple[float, float]]]] = {
    "eks": _eks,
    "gke": _gke,
    "aks": _aks,
    "none": _none,
}
# Whose machines follow which rule, where none is asked for.
RESERVE_OF: Final[Mapping[str, str]] = {"aws": "eks", "gcp": "gke", "azure": "aks"}


def allocatable(rule: str, cpu: int, memory: int, pods: int) -> tuple[int, int]:
    """What pods can have of a machine, in milli-cores and bytes; never below 0.

    Args:
        rule: one of `RESERVES`.
        cpu: milli-cores it is sold with.
        memory: bytes it is sold with.
        pods: how many pods it may hold.
    """
    less_cpu, less_memory = RESERVES[rule](cpu, memory, pods)
    return max(int(cpu - less_cpu), 0), max(int(memory - less_memory), 0)
