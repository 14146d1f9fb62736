"""Label selectors and node selector terms: the predicates that Kubernetes objects are chosen by.

The structures decode directly from Kubernetes' own JSON (camel case), so that a selector is written once.
Semantics follow ``k8s.io/apimachinery/pkg/labels`` and ``component-helpers/scheduling/corev1/nodeaffinity``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

__all__ = [
    "LabelSelector",
    "NodeSelector",
    "NodeSelectorRequirement",
    "NodeSelectorTerm",
    "PreferredSchedulingTerm",
    "SelectorRequirement",
]

Labels = Mapping[str, str]
Weight = Annotated[int, msgspec.Meta(ge=1, le=100)]
_INT64: Final = range(-(2**63), 2**63)


class SelectorRequirement(msgspec.Struct, frozen=True, rename="camel"):
    """One requirement of a label selector: ``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether the labels meet the requirement; a missing key satisfies ``NotIn``."""
        return _meets(labels.get(self.key), self.operator, self.values)


class LabelSelector(msgspec.Struct, frozen=True, rename="camel"):
    """A label selector: every label and every requirement must hold; an empty selector matches everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[SelectorRequirement, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether an object with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )

    def is_empty(self) -> bool:
        """Whether the selector names no requirement at all, and so matches everything."""
        return not self.match_labels and not self.match_expressions

    def keys(self) -> set[str]:
        """The label keys that decide whether an object is selected."""
        return set(self.match_labels) | {requirement.key for requirement in self.match_expressions}


class NodeSelectorRequirement(msgspec.Struct, frozen=True, rename="camel"):
    """One requirement on a node's label (or field): the label operators, and ``Gt`` and ``Lt`` on integers."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: tuple[str, ...] = ()

    def matches(self, labels: Labels) -> bool:
        """Whether the labels meet the requirement; ``Gt`` and ``Lt`` never match what is not an integer."""
        found = labels.get(self.key)
        if self.operator in ("Gt", "Lt"):
            return self._compares(found)
        return _meets(found, self.operator, self.values)

    def _compares(self, found: str | None) -> bool:
        left = None if found is None else _integer(found)
        right = _integer(self.values[0]) if len(self.values) == 1 else None
        if left is None or right is None:
            return False
        return left > right if self.operator == "Gt" else left < right


class NodeSelectorTerm(msgspec.Struct, frozen=True, rename="camel"):
    """One term of a node selector: all its requirements must hold; a term without any matches no node."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()
    match_fields: tuple[NodeSelectorRequirement, ...] = ()

    def matches(self, labels: Labels, name: str) -> bool:
        """Whether a node with these labels and this name satisfies the term."""
        if not self.match_expressions and not self.match_fields:
            return False
        return all(requirement.matches(labels) for requirement in self.match_expressions) and all(
            requirement.matches({"metadata.name": name}) for requirement in self.match_fields
        )

    def named_nodes(self) -> frozenset[str] | None:
        """The node names the term allows by ``metadata.name In``; None when it does not name any."""
        names: frozenset[str] | None = None
        for requirement in self.match_fields:
            if requirement.key == "metadata.name" and requirement.operator == "In":
                values = frozenset(requirement.values)
                names = values if names is None else names & values
        return names


class NodeSelector(msgspec.Struct, frozen=True, rename="camel"):
    """The terms of a required node affinity: at least one must hold."""

    node_selector_terms: tuple[NodeSelectorTerm, ...]

    def matches(self, labels: Labels, name: str) -> bool:
        """Whether a node with these labels and this name satisfies any term."""
        return any(term.matches(labels, name) for term in self.node_selector_terms)


class PreferredSchedulingTerm(msgspec.Struct, frozen=True, rename="camel"):
    """A preferred node selector term and its weight (1 to 100)."""

    weight: Weight
    preference: NodeSelectorTerm


def _meets(found: str | None, operator: str, values: tuple[str, ...]) -> bool:
    """The operators that label selectors and node selectors share, on one label's value."""
    if operator == "In":
        return found is not None and found in values
    if operator == "NotIn":
        return found is None or found not in values
    return (found is not None) == (operator == "Exists")


def _integer(text: str) -> int | None:
    """A label value as Go's ``strconv.ParseInt(text, 10, 64)`` reads it; ``None`` where that fails."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        return None
    number = int(text)
    return number if number in _INT64 else None
