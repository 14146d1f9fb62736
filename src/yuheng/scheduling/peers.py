"""Pods as other pods see them: the kinds that spread constraints and pod affinity tell apart.

Two pods are of one *kind* when no selector of the snapshot and no affinity term can tell them apart: same namespace,
same values of the labels that any selector mentions, same pod affinity, both alive or both terminating. Matching is
done once between kinds; counting pods is then adding up arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod, PodAffinity, PodAffinityTerm, PodSpec, TopologySpreadConstraint
from yuheng.model.policy import Policy
from yuheng.model.selectors import LabelSelector, SelectorRequirement
from yuheng.scheduling.templates import Templates, first_of, told_apart

__all__ = ["Kind", "Peers", "Term", "topology_keys"]

Labels = Mapping[str, str]
_labels_of = attrgetter("labels")
_namespace_of = attrgetter("namespace")
_terminating_of = attrgetter("terminating")
_encode = msgspec.msgpack.Encoder(order="sorted").encode


class Term(NamedTuple):
    """A pod affinity term as it stands in a pod: the rule, and the pod's namespace and labels it is read with."""

    rule: PodAffinityTerm
    namespace: str
    selector: LabelSelector | None

    def scope(self) -> str | None:
        """The one namespace the term speaks of; None when it may be several."""
        return None if self.rule.namespaces or self.rule.namespace_selector is not None else self.namespace

    def first_label(self) -> tuple[str, str] | None:
        """A label that every pod it speaks of has; None where there is no such label."""
        return next(iter(self.selector.match_labels.items()), None) if self.selector is not None else None

    def selects(self, kind: Kind) -> bool:
        """Whether the term's label selector chooses pods of a kind, wherever they are."""
        return self.selector is not None and self.selector.matches(kind.labels)

    def matches(self, kind: Kind, namespaces: Mapping[str, Labels]) -> bool:
        """Whether pods of a kind are the ones the term speaks of."""
        if not self.selects(kind):
            return False
        rule = self.rule
        if not rule.namespaces and rule.namespace_selector is None:
            return kind.namespace == self.namespace
        if kind.namespace in rule.namespaces:
            return True
        chosen = rule.namespace_selector
        return chosen is not None and chosen.matches(namespaces.get(kind.namespace, {}))


class Kind(NamedTuple):
    """Pods that look alike to selectors. ``prefers`` holds (term, weight), avoided ones with negative weight."""

    namespace: str
    labels: Labels
    terminating: bool
    attracts: tuple[Term, ...]
    repels: tuple[Term, ...]
    prefers: tuple[tuple[Term, int], ...]


class Peers:
    """All kinds of a snapshot, numbered as they are met.

    Attributes:
        kinds: by number.
        namespaces: labels by namespace name.
    """

    def __init__(self, snapshot: Snapshot, specs: Iterable[PodSpec], defaults: Iterable[LabelSelector]) -> None:
        self.kinds: list[Kind] = []
        self.namespaces = snapshot.namespaces
        self._numbers: dict[bytes, int] = {}
        self._quick: dict[tuple[object, ...], int] = {}
        self._by_label: dict[tuple[str | None, tuple[str, str] | None], list[int]] = {}
        self._telling = _telling_labels(specs, defaults)
        self._keys = tuple(sorted(self._telling))
        self._specs: dict[int, PodSpec] = {}

    def tells(self, spec: PodSpec) -> bool:
        """Whether the kinds are told apart by all that the rules of a pod with this specification look at."""
        return _telling_labels((spec,), ()) <= self._telling

    def number(self, pod: Pod) -> int:
        """The number of the pod's kind."""
        quick = (id(pod.spec), pod.namespace, pod.terminating, *map(pod.labels.get, self._keys))
        number = self._quick.get(quick)
        if number is None:
            # Pods of one template share their spec; it is held on to, so that no other takes its identity.
            self._specs[id(pod.spec)] = pod.spec
            number = self._quick[quick] = self._number(pod)
        return number

    def numbers(self, pods: Sequence[Pod], templates: Templates) -> NDArray[np.int64]:
        """(pods,) the numbers of the kinds of many pods, whose templates are these."""
        labels = list(map(_labels_of, pods)) if self._keys else []
        columns = [[one.get(key) for one in labels] for key in self._keys]
        features = [list(map(_namespace_of, pods)), list(map(_terminating_of, pods)), *columns]
        rows = told_apart(templates.rows, features)
        first = first_of(rows)
        numbers = np.zeros(len(first), dtype=np.int64)
        for row in np.argsort(first).tolist():
            numbers[row] = self.number(pods[int(first[row])])
        return numbers[rows]

    def _number(self, pod: Pod) -> int:
        labels = {key: value for key, value in pod.labels.items() if key in self._telling}
        affinity = pod.spec.affinity
        key = _encode((pod.namespace, labels, pod.terminating, affinity.pod_affinity, affinity.pod_anti_affinity))
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.kinds)
            kind = _kind(pod, labels)
            self.kinds.append(kind)
            self._index(number, kind)
        return number

    def matching(self, term: Term) -> list[int]:
        """The kinds that a newcomer's own term speaks of.

        kube-scheduler 1.36 also holds the namespace selector of a newcomer's term against *no* labels at all, so that
        ``NotIn`` and ``DoesNotExist`` reach every namespace (see docs/decisions on fidelity). So do we.
        """
        if term.selector is None:
            return []
        chosen = term.rule.namespace_selector
        everywhere = chosen is not None and chosen.matches({})
        return [
            i
            for i in self._with_first_label(term.scope(), term.selector)
            if term.matches(self.kinds[i], self.namespaces) or (everywhere and term.selects(self.kinds[i]))
        ]

    def counted(self, selector: LabelSelector | None, namespace: str) -> list[int]:
        """The kinds that a spread constraint of a pod in ``namespace`` counts: alive ones of its namespace.

        kube-scheduler counts nothing for an empty selector.
        """
        if selector is None or selector.is_empty():
            return []
        found = self._with_first_label(namespace, selector)
        return [i for i in found if not self.kinds[i].terminating and selector.matches(self.kinds[i].labels)]

    def _with_first_label(self, scope: str | None, selector: LabelSelector) -> Sequence[int]:
        """The kinds of a namespace (of all: None) that have the first label a selector asks for: few, and quickly."""
        pair = next(iter(selector.match_labels.items()), None)
        return self._by_label.get((scope, pair), ())

    def _index(self, number: int, kind: Kind) -> None:
        for scope in (None, kind.namespace):
            for pair in (None, *kind.labels.items()):
                self._by_label.setdefault((scope, pair), []).append(number)


def merged(
    selector: LabelSelector | None, keys: Iterable[str], labels: Labels, operator: Literal["In", "NotIn"]
) -> LabelSelector | None:
    """A selector with ``matchLabelKeys`` (``In``) or ``mismatchLabelKeys`` (``NotIn``) taken from a pod's labels."""
    if selector is None:
        return None
    extra = tuple(SelectorRequirement(key, operator, (labels[key],)) for key in keys if key in labels)
    return LabelSelector(selector.match_labels, (*selector.match_expressions, *extra)) if extra else selector


def constraint_selector(constraint: TopologySpreadConstraint, labels: Labels) -> LabelSelector | None:
    """What a spread constraint of a pod with these labels counts."""
    return merged(constraint.label_selector, constraint.match_label_keys, labels, "In")


def _term(rule: PodAffinityTerm, pod: Pod) -> Term:
    selector = merged(rule.label_selector, rule.match_label_keys, pod.labels, "In")
    selector = merged(selector, rule.mismatch_label_keys, pod.labels, "NotIn")
    return Term(rule, pod.namespace, selector)


def _kind(pod: Pod, labels: Labels) -> Kind:
    near, far = pod.spec.affinity.pod_affinity, pod.spec.affinity.pod_anti_affinity
    prefers = [(_term(item.pod_affinity_term, pod), item.weight) for item in near.preferred]
    prefers += [(_term(item.pod_affinity_term, pod), -item.weight) for item in far.preferred]
    return Kind(
        pod.namespace,
        labels,
        pod.terminating,
        tuple(_term(rule, pod) for rule in near.required),
        tuple(_term(rule, pod) for rule in far.required),
        tuple(prefers),
    )


def _telling_labels(specs: Iterable[PodSpec], defaults: Iterable[LabelSelector]) -> frozenset[str]:
    """The label keys that any selector mentions."""
    keys: set[str] = set()
    for selector in defaults:
        keys |= selector.keys()
    for spec in specs:
        for constraint in spec.spread:
            keys.update(constraint.match_label_keys)
            keys |= constraint.label_selector.keys() if constraint.label_selector else set()
        for rule in (*_rules(spec.affinity.pod_affinity), *_rules(spec.affinity.pod_anti_affinity)):
            keys.update(rule.match_label_keys, rule.mismatch_label_keys)
            keys |= rule.label_selector.keys() if rule.label_selector else set()
    return frozenset(keys)


def topology_keys(specs: Iterable[PodSpec], policy: Policy, default_spread: bool) -> list[str]:
    """Every topology key that a spread constraint or an affinity term mentions, sorted."""
    keys = {constraint.topology_key for constraint in policy.default_spread} if default_spread else set()
    for spec in specs:
        keys.update(constraint.topology_key for constraint in spec.spread)
        for rule in (*_rules(spec.affinity.pod_affinity), *_rules(spec.affinity.pod_anti_affinity)):
            keys.add(rule.topology_key)
    return sorted(keys)


def _rules(affinity: PodAffinity) -> Iterable[PodAffinityTerm]:
    yield from affinity.required
    for item in affinity.preferred:
        yield item.pod_affinity_term
