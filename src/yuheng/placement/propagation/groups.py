"""The choice of groups of clusters: which regions, zones, providers or labels a workload is spread over.

Karmada walks all sets of groups, from small groups to large, and closes a set as soon as it is sufficient; of those
closed sets it takes the one with the largest weight, then the most clusters, then the first it came to; and where a
part of that set, taken from its heaviest group on, is a closed set too, that part. Walking takes exponential time.
Here the same set is found by dynamic programming over (groups taken, clusters in them).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Group", "choose_groups"]


class Group(NamedTuple):
    """A group of clusters.

    Attributes:
        name: of the region, zone, provider or label value.
        sizes: what it holds: clusters, then groups of each finer kind that is asked for.
        weight: the larger, the better.
    """

    name: str
    sizes: tuple[int, ...]
    weight: float


class Path(NamedTuple):
    """A set of groups, as their places in the order in which they are walked."""

    weight: float
    clusters: int
    places: tuple[int, ...] = ()

    def beats(self, other: Path | None) -> bool:
        """Whether it is the better one: heavier, larger, or come to earlier."""
        if other is None or self[:2] > other[:2]:
            return True
        return self[:2] == other[:2] and self.places < other.places


Sizes = tuple[int, ...]


def choose_groups(groups: Sequence[Group], minimum: int, maximum: int, targets: Sizes) -> list[Group]:
    """The groups that a workload is spread over, heaviest first; none when no set is sufficient.

    Args:
        groups: all there are.
        minimum: of the number of groups, 1 or more.
        maximum: of the number of groups.
        targets: how much the groups together have to hold, by place in `Group.sizes`.
    """
    walked = sorted(groups, key=lambda group: (group.sizes[0], -group.weight, group.name))
    best = _best(walked, minimum, maximum, targets)
    if best is None:
        return []
    chosen = sorted((walked[place] for place in best.places), key=lambda group: (-group.weight, group.name))
    # The shortest part that suffices is a closed set: without its lightest group it does not, nor without its largest.
    lengths = range(minimum, len(chosen))
    return next((chosen[:length] for length in lengths if _suffices(chosen[:length], targets)), chosen)


def _best(walked: Sequence[Group], minimum: int, maximum: int, targets: Sizes) -> Path | None:
    """The best closed set: sufficient, and not so without its last group."""
    best: Path | None = None
    # The best set that is not sufficient yet, by how many groups it has and what they hold (as far as it matters).
    states: dict[tuple[int, Sizes], Path] = {(0, (0,) * len(targets)): Path(0, 0)}
    for place, group in enumerate(walked):
        longer: dict[tuple[int, Sizes], Path] = {}
        for (count, held), path in states.items():
            if count == maximum:
                continue
            sizes = tuple(min(have + more, want) for have, more, want in zip(held, group.sizes, targets, strict=True))
            found = Path(path.weight + group.weight, path.clusters + group.sizes[0], (*path.places, place))
            if count + 1 >= minimum and sizes == targets:
                best = found if found.beats(best) else best
            elif found.beats(longer.get((count + 1, sizes))):
                longer[count + 1, sizes] = found
        for key, found in longer.items():
            if found.beats(states.get(key)):
                states[key] = found
    return best


def _suffices(groups: Sequence[Group], targets: Sizes) -> bool:
    return all(sum(group.sizes[place] for group in groups) >= want for place, want in enumerate(targets))
