"""Selectors, tolerations and namespaces, spelled out from Kubernetes' documentation.

The model has methods for the same questions. They are not used here: what decides must not judge itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from yuheng.model.node import Node, Taint, Toleration
from yuheng.model.pod import Pod, PodAffinityTerm, PodSpec
from yuheng.model.selectors import (
    LabelSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    SelectorRequirement,
)

Labels = Mapping[str, str]


def holds(requirement: SelectorRequirement | NodeSelectorRequirement, labels: Labels) -> bool:
    """One requirement of a label selector or of a node selector term."""
    value = labels.get(requirement.key)
    if requirement.operator == "In":
        return value is not None and value in requirement.values
    if requirement.operator == "NotIn":
        return value is None or value not in requirement.values
    if requirement.operator == "Exists":
        return value is not None
    if requirement.operator == "DoesNotExist":
        return value is None
    left, right = int64(value), int64(requirement.values[0])
    if left is None or right is None:
        return False
    return left > right if requirement.operator == "Gt" else left < right


def int64(text: str | None) -> int | None:
    """A decimal number of 64 bits, or None."""
    if text is None or not re.fullmatch("[+-]?[0-9]+", text):
        return None
    number = int(text)
    return number if -(2**63) <= number < 2**63 else None


def selects(selector: LabelSelector | None, labels: Labels) -> bool:
    """No selector chooses nothing; an empty one chooses everything."""
    if selector is None:
        return False
    equal = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return equal and all(holds(requirement, labels) for requirement in selector.match_expressions)


def is_empty(selector: LabelSelector | None) -> bool:
    """Whether there is a selector, and it demands nothing."""
    return selector is not None and not selector.match_labels and not selector.match_expressions


def narrowed(
    selector: LabelSelector | None, keys: Iterable[str], labels: Labels, operator: str
) -> LabelSelector | None:
    """The selector and, for each of the keys that the labels have, ``key operator (the label's value)``."""
    if selector is None:
        return None
    more = [SelectorRequirement(key, operator, (labels[key],)) for key in keys if key in labels]
    return LabelSelector(selector.match_labels, (*selector.match_expressions, *more))


def term_allows(term: NodeSelectorTerm, node: Node) -> bool:
    """Whether the node satisfies a node selector term; a term without requirements is satisfied by none."""
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node.name}
    return all(holds(requirement, node.labels) for requirement in term.match_expressions) and all(
        holds(requirement, fields) for requirement in term.match_fields
    )


def pod_allows(spec: PodSpec, node: Node) -> bool:
    """The pod's nodeSelector and required node affinity."""
    if any(node.labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    required = spec.affinity.node_affinity.required
    return required is None or any(term_allows(term, node) for term in required.node_selector_terms)


def tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Whether any toleration covers the taint."""
    return any(
        toleration.effect in ("", taint.effect)
        and toleration.key in ("", taint.key)
        and (
            toleration.operator == "Exists"
            or (toleration.operator in ("", "Equal") and toleration.value == taint.value)
        )
        for toleration in tolerations
    )


def repelled(spec: PodSpec, node: Node) -> bool:
    """Whether the node has a NoSchedule or NoExecute taint that the pod does not tolerate."""
    return any(
        taint.effect in ("NoSchedule", "NoExecute") and not tolerated(taint, spec.tolerations) for taint in node.taints
    )


def speaks_of(
    term: PodAffinityTerm, owner: Pod, other: Pod, namespaces: Mapping[str, Labels], *, incoming: bool
) -> bool:
    """Whether a pod affinity term of ``owner`` speaks of the pod ``other``.

    A term of the pod that is being placed (``incoming``) has a quirk in kube-scheduler 1.36: its namespace selector
    is also held against no labels at all, so that ``NotIn`` and ``DoesNotExist`` reach every namespace.
    """
    selector = narrowed(term.label_selector, term.match_label_keys, owner.labels, "In")
    selector = narrowed(selector, term.mismatch_label_keys, owner.labels, "NotIn")
    if not selects(selector, other.labels):
        return False
    if not term.namespaces and term.namespace_selector is None:
        return other.namespace == owner.namespace
    if other.namespace in term.namespaces or selects(term.namespace_selector, namespaces.get(other.namespace, {})):
        return True
    return incoming and selects(term.namespace_selector, {})
