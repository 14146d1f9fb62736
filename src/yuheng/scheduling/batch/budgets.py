"""PodDisruptionBudgets: nobody is evicted beyond them, whatever the configuration says."""

from __future__ import annotations

from collections.abc import Sequence

from yuheng.model.cluster import PodDisruptionBudget
from yuheng.model.pod import Pod

__all__ = ["Budgets"]


class Budgets:
    """How many of the pods each budget selects may still be disrupted."""

    def __init__(self, budgets: Sequence[PodDisruptionBudget], running: Sequence[Pod]) -> None:
        self._left = [budget.disruptions_allowed for budget in budgets]
        self._of: dict[int, list[int]] = {}
        spaces = {budget.namespace for budget in budgets}
        for i, pod in enumerate(running):
            if pod.namespace not in spaces:
                continue
            found = [
                b
                for b, budget in enumerate(budgets)
                if budget.namespace == pod.namespace and budget.selector.matches(pod.labels)
            ]
            if found:
                self._of[i] = found

    def allow(self, i: int) -> bool:
        """Whether a pod may be disrupted."""
        return all(self._left[b] > 0 for b in self._of.get(i, ()))

    def spend(self, pods: Sequence[int], sign: int) -> None:
        """Count disruptions."""
        for i in pods:
            for b in self._of.get(i, ()):
                self._left[b] -= sign
