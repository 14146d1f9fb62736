"""The typical workload, and how much of a node's idle GPUs it cannot use (FGD, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from yuheng.model.pod import Pod


class Kind(NamedTuple):
    """A class of the typical workload; its order settles which of equally frequent classes comes first."""

    cpu: int
    milli: int
    count: int
    models: tuple[str, ...]


def typical_workload(pods: Sequence[Pod]) -> list[tuple[Kind, float]]:
    """The most frequent classes until 95% of the pods are covered, with their shares of those."""
    counts = Counter(_kind(pod) for pod in pods)
    chosen: list[tuple[Kind, int]] = []
    covered = 0
    for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if covered >= 0.95 * len(pods):
            break
        chosen.append((kind, count))
        covered += count
    return [(kind, count / covered) for kind, count in chosen]


def _kind(pod: Pod) -> Kind:
    request = pod.spec.devices
    return Kind(pod.spec.requests.get("cpu", 0), request.milli if request.count else 0, request.count, request.models)


class Fragmentation:
    """F_n, worked out once for each state a node can be in: its model, free cpu, and what its devices have left."""

    def __init__(self, workload: list[tuple[Kind, float]]) -> None:
        self._workload = workload
        self._known: dict[tuple[str, int, tuple[int, ...]], float] = {}

    def of(self, model: str, cpu: int, left: Sequence[int]) -> float:
        """The idle milli that the typical workload cannot use, on average."""
        state = (model, cpu, tuple(sorted(left)))
        if state not in self._known:
            total = 0.0
            for kind, share in self._workload:  # one after the other: sum() of Python 3.12 rounds differently
                total += share * _unusable(kind, *state)
            self._known[state] = total
        return self._known[state]


def _unusable(kind: Kind, model: str, cpu: int, left: Sequence[int]) -> int:
    """All idle milli when the class needs no GPU or cannot run there; else those on devices too full for it."""
    able = [milli for milli in left if milli >= kind.milli]
    if kind.count == 0 or cpu < kind.cpu or len(able) < kind.count or (kind.models and model not in kind.models):
        return sum(left)
    return sum(left) - sum(able)
