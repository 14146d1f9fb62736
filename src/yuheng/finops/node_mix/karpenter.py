"""Karpenter's rule for provisioning: first-fit decreasing over nodes whose type is left open, the baseline to beat.

As ``pkg/controllers/provisioning/scheduling`` of kubernetes-sigs/karpenter has it (``queue.go``, ``scheduler.go``,
``nodeclaim.go``), for pods that find no room on nodes that exist:

1. Pods are sorted by cpu, then by memory, the largest first.
2. Each goes to the first node-to-be that takes it, those with the fewest pods tried first; a node-to-be takes a pod
   when one instance type at least, of those that it may still become, has room for all of its pods and its DaemonSets.
   The types that have not are struck off.
3. A pod that none takes opens a new node-to-be, which may become any type that holds the pod.
4. In the end each node-to-be becomes the cheapest of the types that it may still become.

Left out is what works on clusters that exist: consolidation afterwards, limits of NodePools, ``minValues``, weights of
several NodePools. GPUs that pods share are packed best fit; Karpenter itself knows whole ones only.
"""

from __future__ import annotations

import numpy as np

from yuheng.finops.node_mix.problem import DEVICE, Amounts, Flags, Problem

__all__ = ["karpenter"]


class _Claims:
    """Nodes-to-be, as arrays that grow.

    Attributes:
        held: (B, I) pods on each.
        options: (B, M) what each may still become.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._asked: list[Amounts] = []
        self._whole: list[int] = []
        # Room left on each GPU that pods share, one list for each node-to-be.
        self._shared: list[list[int]] = []
        self.held: list[Amounts] = []
        self.options: list[Flags] = []
        self.pods: list[int] = []

    def open(self) -> None:
        """A new one, which may become anything."""
        problem = self._problem
        self._asked.append(np.zeros(len(problem.names), dtype=np.int64))
        self._whole.append(0)
        self._shared.append([])
        self.held.append(np.zeros(problem.kinds, dtype=np.int64))
        self.options.append(np.ones(problem.machines, dtype=np.bool_))
        self.pods.append(0)

    def drop(self) -> None:
        """Take the last one away again."""
        for column in (self._asked, self._whole, self._shared, self.held, self.options, self.pods):
            column.pop()

    def add(self, b: int, i: int) -> bool:
        """Put a pod of a kind on one; whether it takes it."""
        problem, held = self._problem, self.held[b]
        if held[i] >= problem.most[i] or (problem.clash[i] & (held > 0)).any():
            return False
        asked = self._asked[b] + problem.sizes[i]
        options = self.options[b] & problem.open[:, i] & (problem.room >= asked).all(axis=1)
        share, whole, shared = int(problem.share[i]), int(problem.whole[i]), self._shared[b]
        if share or whole:
            place = min((p for p, free in enumerate(shared) if free >= share), key=shared.__getitem__, default=None)
            opened = int(bool(share) and place is None)
            options &= problem.gpus >= self._whole[b] + whole + len(shared) + opened
        if not options.any():
            return False
        if share:
            if place is None:
                shared.append(DEVICE - share)
            else:
                shared[place] -= share
        self._asked[b], self.options[b] = asked, options
        self._whole[b] += whole
        held[i] += 1
        self.pods[b] += 1
        return True


def karpenter(problem: Problem) -> tuple[Amounts, Amounts]:
    """What Karpenter would buy.

    Args:
        problem: pods and machines; every kind is held by one machine at least.

    Returns:
        (B,) the machines, and (B, I) the pods on each.
    """
    claims = _Claims(problem)
    cpu, memory = (_column(problem, name) for name in ("cpu", "memory"))
    for i in np.lexsort((np.arange(problem.kinds), -memory, -cpu)).tolist():
        # What does not take a pod never will take another of its kind: nodes-to-be only fill up.
        willing = list(range(len(claims.pods)))
        for _ in range(int(problem.counts[i])):
            if not _placed(claims, willing, i):
                claims.open()
                if not claims.add(len(claims.pods) - 1, i):
                    claims.drop()
                    break
                willing.append(len(claims.pods) - 1)
    number = len(claims.pods)
    options = np.array(claims.options, dtype=np.bool_).reshape(number, problem.machines)
    dear = np.where(options, problem.prices[None, :], np.inf)
    return dear.argmin(axis=1), np.array(claims.held, dtype=np.int64).reshape(number, problem.kinds)


def _placed(claims: _Claims, willing: list[int], i: int) -> bool:
    """Put a pod on the first node-to-be that takes it, those with the fewest pods first."""
    while willing:
        first = min(willing, key=claims.pods.__getitem__)
        if claims.add(first, i):
            return True
        willing.remove(first)
    return False


def _column(problem: Problem, name: str) -> Amounts:
    if name not in problem.names:
        return np.zeros(problem.kinds, dtype=np.int64)
    return problem.sizes[:, problem.names.index(name)]
