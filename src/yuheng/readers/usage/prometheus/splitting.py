"""Series in groups that are small enough to be asked for at once: by namespace, and large ones by names of pods.

Names of pods end in what was drawn at random, or in a number: their last characters spread them evenly, and tell
which group a pod belongs to wherever it is asked. Groups are worked out from how many series each pod has, so that
each group is within the bound however pods are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final, NamedTuple

from yuheng.readers.usage.prometheus.promql import alternatives, equal, escaped

__all__ = ["NamespaceGroups", "namespace_groups", "pod_groups"]

# A query that nobody can read helps nobody, and Prometheus looks up lists of names faster than it matches patterns.
_MOST_NAMES: Final = 100


class NamespaceGroups(NamedTuple):
    """What is asked by namespace.

    Attributes:
        matchers: one condition a query.
        large: namespaces that are too large for one query.
    """

    matchers: tuple[str, ...]
    large: tuple[str, ...]


class _Leaf(NamedTuple):
    pattern: str
    series: int


def namespace_groups(series: Mapping[str, int], limit: int, label: str = "namespace") -> NamespaceGroups:
    """Namespaces that can be asked for together.

    Args:
        series: how many each has.
        limit: the most series of a query.
        label: that holds the namespace.
    """
    small = [_Leaf(name, count) for name, count in sorted(series.items()) if count <= limit]
    large = tuple(sorted(name for name, count in series.items() if count > limit))
    groups = [[leaf.pattern for leaf in group] for group in _packed(small, limit)]
    return NamespaceGroups(tuple(_of(label, group) for group in groups), large)


def _of(label: str, names: list[str]) -> str:
    return equal(label, names[0]) if len(names) == 1 else alternatives(label, map(escaped, names))


def pod_groups(series: Mapping[str, int], limit: int, label: str = "pod") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Pods of a namespace that can be asked for together, and those that are too large by themselves.

    Args:
        series: how many each pod has.
        limit: the most series of a query.
        label: that holds the pod's name.
    """
    large = tuple(sorted(name for name, count in series.items() if count > limit))
    names = sorted((name for name, count in series.items() if count <= limit), key=_backwards)
    leaves = list(_leaves(names, series, 0, limit)) if names else []
    without = (alternatives(label, map(escaped, large), negated=True),) if large else ()
    groups = [alternatives(label, (leaf.pattern for leaf in group)) for group in _packed(leaves, limit)]
    return tuple(",".join((group, *without)) for group in groups), large


def _backwards(name: str) -> str:
    return name[::-1]


def _leaves(names: list[str], series: Mapping[str, int], depth: int, limit: int) -> Iterator[_Leaf]:
    """Endings of names, each with the series of all pods that end so; names come sorted from their ends.

    Args:
        names: that end alike in ``depth`` characters.
        series: how many each pod has.
        depth: characters.
        limit: the most series of an ending.
    """
    total = sum(series[name] for name in names)
    if total <= limit:
        ending = names[0][len(names[0]) - depth :]
        yield _Leaf(escaped(names[0]) if len(names) == 1 else f".*{escaped(ending)}", total)
        return
    for _, group in groupby(names, key=lambda name: name[-depth - 1 : len(name) - depth]):
        alike = list(group)
        if len(alike[0]) == depth:
            yield _Leaf(escaped(alike[0]), series[alike[0]])
        else:
            yield from _leaves(alike, series, depth + 1, limit)


def _packed(leaves: list[_Leaf], limit: int) -> Iterator[list[_Leaf]]:
    """Neighbours together, as many as the limit allows."""
    group: list[_Leaf] = []
    for leaf in leaves:
        if group and (sum(item.series for item in group) + leaf.series > limit or len(group) == _MOST_NAMES):
            yield group
            group = []
        group.append(leaf)
    if group:
        yield group
