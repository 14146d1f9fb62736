"""Which nodes are to go: one after the other is emptied onto the others, packed so that few of them are needed.

That is tried in several orders, and what saves most is chosen. Where the pods go in the end is decided afterwards, as
the cluster's own scheduler would (see `execution`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.finops.consolidation.ground import Ground
from yuheng.finops.consolidation.housing import Housing
from yuheng.model.policy import Policy, ResourceWeight, ScoreWeight, ScoringStrategy

__all__ = ["Trial", "chosen", "scoring", "trials"]

_NOTHING: Final = 1e-12
# A sum that is larger by less is the same, added up in another order.
_LEAST_GAIN: Final = 1e-9
_TRIALS: Final = 4


def _used(ground: Ground) -> NDArray[np.float64]:
    """(N,) what is asked for of each node, as shares of all there is; what is scarce in the cluster weighs most."""
    names = sorted({name for node in ground.snapshot.nodes for name in node.allocatable} - {"pods"})
    column = {name: place for place, name in enumerate(names)}
    whole = np.zeros(len(names))
    for node in ground.snapshot.nodes:
        for name in names:
            whole[column[name]] += node.allocatable.get(name, 0)
    asked = np.zeros((len(ground.pods_on), len(names)))
    for n, pods in enumerate(ground.pods_on):
        for i in pods:
            for name, amount in ground.snapshot.pods[i].spec.requests.items():
                if name in column:
                    asked[n, column[name]] += amount
    shares = asked / np.maximum(whole, _NOTHING)
    busy = shares.sum(axis=0)
    weighed: NDArray[np.float64] = shares @ (busy / max(busy.sum(), _NOTHING))
    return weighed


def scoring(policy: Policy, *, is_packed: bool) -> Policy:
    """The same filters, with scores that fill nodes one after the other, or all of them evenly."""
    strategy: Literal["MostAllocated", "LeastAllocated"] = "MostAllocated" if is_packed else "LeastAllocated"
    weights = (ResourceWeight("cpu"), ResourceWeight("memory"), ResourceWeight("nvidia.com/gpu", 3 if is_packed else 1))
    changed: Policy = msgspec.structs.replace(
        policy,
        scores=(ScoreWeight("NodeResourcesFit", 1), ScoreWeight("NodeResourcesBalancedAllocation", 1)),
        strategy=ScoringStrategy(strategy, weights),
        pick="best",
    )
    return changed


class Trial(NamedTuple):
    """One attempt to find the nodes that are to go.

    Attributes:
        order: in which they are tried.
        closed: how many of them, the first, take no pods from the start on.
        is_packed: whether pods are packed, rather than spread evenly.
    """

    order: list[int]
    closed: int = 0
    is_packed: bool = False


def trials(ground: Ground, candidates: Sequence[int], kept: NDArray[np.float64]) -> Iterator[Trial]:
    """The attempts.

    The first goes by savings for the disruption, the second by how little of a node's price is at work. The others
    begin with the nodes that the lower bound would rather not have: no pod is sent to one of those. The first of them
    packs; the last places as the policy does, which leaves some room everywhere.

    Args:
        ground: the cluster.
        candidates: the nodes.
        kept: (N,) to what part the lower bound buys each node.
    """
    names = [node.name for node in ground.snapshot.nodes]
    score = ground.per_hour / ground.disruption
    yield Trial(sorted(candidates, key=lambda n: (-score[n], names[n])))
    at_work = _used(ground) / np.maximum(ground.per_hour, _NOTHING)
    idle = sorted(candidates, key=lambda n: (at_work[n], names[n]))
    yield Trial(idle, is_packed=True)
    unwanted = _unwanted(idle, kept)
    order = [*unwanted, *(n for n in idle if n not in unwanted)]
    yield Trial(order)
    yield Trial(order, len(unwanted))


def _unwanted(nodes: Sequence[int], kept: NDArray[np.float64]) -> dict[int, None]:
    """Of nodes that are bought to the same part, as many as that leaves out: the first."""
    groups: dict[float, list[int]] = {}
    for n in nodes:
        groups.setdefault(round(float(kept[n]), 9), []).append(n)
    out = {part: some[: int((1 - part) * len(some))] for part, some in groups.items()}
    chosen_ones = {n for some in out.values() for n in some}
    return dict.fromkeys(n for n in nodes if n in chosen_ones)


def chosen(
    ground: Ground,
    tried: Iterable[Trial],
    most: int,
    opened: Callable[[bool], Housing],
    progress: Callable[[int, int], None] | None = None,
) -> list[int]:
    """The nodes that are to go: those of the attempt that saves most, in its order.

    Args:
        ground: the cluster.
        tried: the attempts.
        most: how many nodes may go.
        opened: compiles the cluster, packed or not.
        progress: called now and then with the nodes tried so far and all there are to try.
    """
    best: list[int] = []
    done = 0
    for order, closed, is_packed in tried:
        housing = opened(is_packed)
        housing.close(order[:closed])
        gone: list[int] = []
        for n in order:
            if len(gone) == most:
                break
            housing.close([n])
            if housing.rehouse(_in_order(ground, n, housing)).refused is None:
                gone.append(n)
            else:
                housing.open([n])
            done += 1
            if progress is not None:
                progress(done, _TRIALS * len(order))
        if _saved(ground, gone) > _saved(ground, best) + _LEAST_GAIN:
            best = gone
        if len(best) == len(order):
            break
    return best


def _in_order(ground: Ground, n: int, housing: Housing) -> list[int]:
    """The pods that are on a node by now and would have to move, its own first, in the order of their eviction."""
    here = np.flatnonzero(housing.home == n).tolist()
    own = {i: place for place, i in enumerate(ground.pods_on[n])}
    moving = [i for i in here if not ground.fates[i].vanishes]
    return sorted(moving, key=lambda i: (own.get(i, len(own)), i))


def _saved(ground: Ground, nodes: Sequence[int]) -> float:
    return float(ground.per_hour[nodes].sum()) if nodes else 0.0
