"""What a class has to count: its spread constraints and every affinity term that concerns it, as counters.

Everything is turned into one shape: a topology key, the nodes where pods count, and what a pod of each kind adds. See
`arrays.Counters` for the arrays and `topology` for their reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.labels import HOSTNAME
from yuheng.model.pod import Pod, PodSpec, TopologySpreadConstraint
from yuheng.model.policy import Policy
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.arrays import (
    AFFINITY,
    ANTI_AFFINITY,
    EXISTING_ANTI_AFFINITY,
    HARD_SPREAD,
    PREFERENCE,
    SOFT_SPREAD,
)
from yuheng.scheduling.compile import EACH_NODE
from yuheng.scheduling.filters import required_nodes, taint_toleration
from yuheng.scheduling.machines import Machines, Mask
from yuheng.scheduling.peers import Kind, Peers, Term, constraint_selector

__all__ = ["Counter", "CounterBook"]


class Counter(NamedTuple):
    """One counter: see `arrays.Counters` for the fields; ``delta`` is by kind number."""

    kind: int
    key: str
    delta: NDArray[np.int32]
    eligible: Mask
    skew: int = 1
    min_domains: int = 1
    own: int = 0


class _Terms:
    """Terms of placed pods, each with the kind that has it and a weight, to be found by whom they may speak of."""

    def __init__(self, terms: Iterable[tuple[int, Term, int]]) -> None:
        self._found: dict[tuple[str | None, tuple[str, str] | None], list[tuple[int, Term, int]]] = {}
        for item in terms:
            self._found.setdefault((item[1].scope(), item[1].first_label()), []).append(item)

    def about(self, kind: Kind) -> Iterator[tuple[int, Term, int]]:
        """The terms that may speak of a kind: same namespace or several, and a first label that it has."""
        for scope in (None, kind.namespace):
            for pair in (None, *kind.labels.items()):
                yield from self._found.get((scope, pair), ())


class CounterBook:
    """Works out the counters of classes, for all kinds known when it is made."""

    def __init__(self, machines: Machines, peers: Peers, policy: Policy) -> None:
        self._machines = machines
        self._peers = peers
        self._policy = policy
        self._everywhere = machines.everywhere()

    def counters(self, pod: Pod, kind: int, default_selector: LabelSelector | None) -> list[Counter]:
        """The counters of the class that ``pod`` stands for.

        Args:
            pod: any pod of the class.
            kind: the number of its kind.
            default_selector: what the policy's default spread constraints count for it; None for no such constraints.
        """
        filters, scores = set(self._policy.filters), {score.plugin for score in self._policy.scores}
        found: list[Counter] = []
        if "PodTopologySpread" in filters:
            found += self._spread(pod, kind, HARD_SPREAD, default_selector)
        if "PodTopologySpread" in scores:
            found += self._spread(pod, kind, SOFT_SPREAD, default_selector)
        if "InterPodAffinity" in filters:
            found += self._required(kind)
        if "InterPodAffinity" in scores:
            found += self._preferred(kind)
        return found

    def _spread(self, pod: Pod, kind: int, role: int, default: LabelSelector | None) -> Iterable[Counter]:
        action = "DoNotSchedule" if role == HARD_SPREAD else "ScheduleAnyway"
        own = bool(pod.spec.spread)
        source = pod.spec.spread if own else (self._policy.default_spread if default else ())
        constraints = [constraint for constraint in source if constraint.when_unsatisfiable == action]
        need_keys = role == HARD_SPREAD or own or not self._policy.system_defaulted
        mask = self._with_keys(constraints) if need_keys else self._everywhere
        for constraint in constraints:
            selector = constraint_selector(constraint, pod.labels) if own else default
            each_node = role == SOFT_SPREAD and constraint.topology_key == HOSTNAME
            yield Counter(
                role,
                EACH_NODE if each_node else constraint.topology_key,
                self._ones(self._peers.counted(selector, pod.namespace)),
                self._everywhere if each_node else mask & self._included(constraint, pod.spec),
                constraint.max_skew,
                constraint.min_domains,
                int(selector is not None and selector.matches(self._peers.kinds[kind].labels)),
            )

    def _with_keys(self, constraints: Sequence[TopologySpreadConstraint]) -> Mask:
        mask = self._everywhere.copy()
        for constraint in constraints:
            mask &= self._machines.column(constraint.topology_key).ids >= 0
        return mask

    def _included(self, constraint: TopologySpreadConstraint, spec: PodSpec) -> Mask:
        """The nodes whose pods count, by the constraint's node inclusion policies."""
        mask = self._everywhere
        if constraint.node_affinity_policy == "Honor":
            mask = mask & required_nodes(self._machines, spec)
        if constraint.node_taints_policy == "Honor":
            mask = mask & ~taint_toleration(self._machines, spec, (), self._policy)
        return mask

    def _required(self, number: int) -> Iterable[Counter]:
        kind = self._peers.kinds[number]
        if kind.attracts:
            all_terms = self._matching_all(kind.attracts)
            for term in kind.attracts:
                yield self._plain(AFFINITY, term.rule.topology_key, all_terms)
        for term in kind.repels:
            yield self._plain(ANTI_AFFINITY, term.rule.topology_key, self._weighted([(term, 1)]))
        for key, delta in self._repelling(kind).items():
            yield self._plain(EXISTING_ANTI_AFFINITY, key, delta)

    def _plain(self, role: int, key: str, delta: NDArray[np.int32]) -> Counter:
        return Counter(role, key, delta, self._everywhere)

    def _matching_all(self, terms: Iterable[Term]) -> NDArray[np.int32]:
        """1 for kinds that every term speaks of."""
        delta = np.ones(len(self._peers.kinds), dtype=np.int32)
        for term in terms:
            delta *= self._weighted([(term, 1)])
        return delta

    def _ones(self, kinds: Sequence[int]) -> NDArray[np.int32]:
        delta = np.zeros(len(self._peers.kinds), dtype=np.int32)
        delta[kinds] = 1
        return delta

    def _weighted(self, terms: Iterable[tuple[Term, int]]) -> NDArray[np.int32]:
        delta = np.zeros(len(self._peers.kinds), dtype=np.int32)
        for term, weight in terms:
            delta[self._peers.matching(term)] += weight
        return delta

    @cached_property
    def _rejecters(self) -> _Terms:
        """Every required anti-affinity term, with the kind that has it."""
        return _Terms((i, term, 1) for i, kind in enumerate(self._peers.kinds) for term in kind.repels)

    @cached_property
    def _wishers(self) -> _Terms:
        """Every term of a placed pod that speaks for or against newcomers, with the kind that has it, and its weight.

        A required affinity counts too, with the policy's ``hardPodAffinityWeight``.
        """
        hard = self._policy.hard_pod_affinity_weight
        wishes: list[tuple[int, Term, int]] = []
        for i, kind in enumerate(self._peers.kinds):
            wishes += [(i, term, weight) for term, weight in kind.prefers]
            if hard > 0:
                wishes += [(i, term, hard) for term in kind.attracts]
        return _Terms(wishes)

    def _repelling(self, kind: Kind) -> dict[str, NDArray[np.int32]]:
        """By topology key, how many terms of each kind forbid newcomers of ``kind``."""
        found: dict[str, NDArray[np.int32]] = {}
        for i, term, count in self._rejecters.about(kind):
            if term.matches(kind, self._peers.namespaces):
                self._row(found, term.rule.topology_key)[i] += count
        return found

    def _preferred(self, number: int) -> Iterable[Counter]:
        kind = self._peers.kinds[number]
        if self._policy.ignore_preferred_terms and not kind.prefers:
            return
        found: dict[str, NDArray[np.int32]] = {}
        for term, weight in kind.prefers:
            row = self._row(found, term.rule.topology_key)
            row += self._weighted([(term, weight)])
        for i, term, weight in self._wishers.about(kind):
            if term.matches(kind, self._peers.namespaces):
                self._row(found, term.rule.topology_key)[i] += weight
        for key, delta in found.items():
            if delta.any():
                yield self._plain(PREFERENCE, key, delta)

    def _row(self, rows: dict[str, NDArray[np.int32]], key: str) -> NDArray[np.int32]:
        if key not in rows:
            rows[key] = np.zeros(len(self._peers.kinds), dtype=np.int32)
        return rows[key]
