"""The nodes of a snapshot as columns: labels, taints, names, devices.

Static filters and scores ask the same few questions of every node ("which have ``disk=ssd``?"). Here each label key is
a column of small integers, so that an answer is one comparison over an array; nodes with equal taints share a row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import count
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from yuheng.model.node import Node, Taint
from yuheng.model.selectors import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm

__all__ = ["Column", "Machines", "Mask"]

Mask = NDArray[np.bool_]
_name_of = attrgetter("name")


class Column:
    """One label over all nodes: ``ids`` (N,) numbers the values, -1 where the label is missing."""

    def __init__(self, values: Sequence[str | None]) -> None:
        distinct = sorted({value for value in values if value is not None})
        self.values: list[str] = distinct
        self.number = {value: i for i, value in enumerate(distinct)}
        self.ids = np.array([-1 if value is None else self.number[value] for value in values], dtype=np.int32)

    def matching(self, requirement: NodeSelectorRequirement) -> Mask:
        """The nodes whose label meets the requirement."""
        key = requirement.key
        accepted = np.zeros(len(self.values) + 1, dtype=np.bool_)
        for i, value in enumerate(self.values):
            accepted[i] = requirement.matches({key: value})
        accepted[-1] = requirement.matches({})
        result: Mask = accepted[self.ids]
        return result


class Machines:
    """The nodes, sorted by name, as columns.

    Attributes:
        nodes: sorted by name; every array over nodes is in this order.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = sorted(nodes, key=_name_of)
        self.index = dict(zip(map(_name_of, self.nodes), count()))
        self._columns: dict[str, Column] = {}

    def __len__(self) -> int:
        return len(self.nodes)

    def column(self, key: str) -> Column:
        """The values of a label key."""
        if key not in self._columns:
            self._columns[key] = Column([node.labels.get(key) for node in self.nodes])
        return self._columns[key]

    @cached_property
    def image_sizes(self) -> Mapping[str, Mapping[int, int]]:
        """By image name, by node index: its size in bytes, scaled by the share of nodes that have it.

        kube-scheduler takes an image to be as large as the first node that has it says.
        """
        sizes: dict[str, int] = {}
        holders: dict[str, set[int]] = {}
        for i, node in enumerate(self.nodes):
            for image in node.images:
                for name in image.names:
                    sizes.setdefault(name, image.size_bytes)
                    holders.setdefault(name, set()).add(i)
        return {
            name: dict.fromkeys(sorted(nodes), int(sizes[name] * (len(nodes) / len(self.nodes))))
            for name, nodes in holders.items()
        }

    @cached_property
    def names(self) -> Column:
        """The nodes' names, for ``matchFields``."""
        return Column([node.name for node in self.nodes])

    @cached_property
    def taint_sets(self) -> tuple[list[tuple[Taint, ...]], NDArray[np.int32]]:
        """The distinct sets of taints, and (N,) which of them each node has."""
        number: dict[tuple[Taint, ...], int] = {}
        ids = [number.setdefault(node.taints, len(number)) for node in self.nodes]
        return list(number), np.array(ids, dtype=np.int32)

    @cached_property
    def kinds(self) -> NDArray[np.int64]:
        """(N,) a number for each kind of node: same size, taints and devices."""
        number: dict[object, int] = {}
        keys = ((tuple(sorted(node.allocatable.items())), node.taints, node.devices) for node in self.nodes)
        return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)

    @cached_property
    def unschedulable(self) -> Mask:
        """The cordoned nodes."""
        return np.array([node.unschedulable for node in self.nodes], dtype=np.bool_)

    @cached_property
    def device_models(self) -> Column:
        """GPU models; missing where a node has no devices."""
        return Column([node.devices.model if node.devices.count else None for node in self.nodes])

    def everywhere(self) -> Mask:
        """All nodes."""
        return np.ones(len(self.nodes), dtype=np.bool_)

    def with_labels(self, labels: dict[str, str]) -> Mask:
        """The nodes that have all these labels."""
        mask = self.everywhere()
        for key, value in labels.items():
            column = self.column(key)
            mask &= column.ids == column.number.get(value, -2)
        return mask

    def satisfying(self, term: NodeSelectorTerm) -> Mask:
        """The nodes that satisfy a node selector term; none for a term without requirements."""
        if not term.match_expressions and not term.match_fields:
            return ~self.everywhere()
        mask = self.everywhere()
        for requirement in term.match_expressions:
            mask &= self.column(requirement.key).matching(requirement)
        for requirement in term.match_fields:
            if requirement.key == "metadata.name":
                mask &= self._named(requirement)
            else:
                mask &= requirement.matches({})
        return mask

    def _named(self, requirement: NodeSelectorRequirement) -> Mask:
        if requirement.operator != "In":
            return self.names.matching(requirement)
        mask = ~self.everywhere()
        mask[[self.index[name] for name in requirement.values if name in self.index]] = True
        return mask

    def selected(self, selector: NodeSelector) -> Mask:
        """The nodes that satisfy any term of a node selector."""
        mask = ~self.everywhere()
        for term in selector.node_selector_terms:
            mask |= self.satisfying(term)
        return mask
