"""The turn of one pod: what its spread constraints and pod affinity count, before any node is judged.

kube-scheduler works these out once a pod (PreFilter); so does the oracle, over every node and every pod on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from tests.oracle.machine import Machine
from tests.oracle.matching import Labels, is_empty, narrowed, pod_allows, repelled, selects, speaks_of
from tests.oracle.world import World
from yuheng.model.pod import Pod, TopologySpreadConstraint
from yuheng.model.selectors import LabelSelector, SelectorRequirement

HOSTNAME = "kubernetes.io/hostname"
Domain = tuple[str, str]  # a topology key and a value of it


class SpreadRule(NamedTuple):
    """A spread constraint of the pod, with the selector it counts by."""

    constraint: TopologySpreadConstraint
    selector: LabelSelector | None

    @property
    def key(self) -> str:
        return self.constraint.topology_key


class Turn:
    """One pod at the head of the queue."""

    def __init__(self, world: World, pod: Pod) -> None:
        self.world = world
        self.pod = pod
        self.spec = pod.spec
        self.policy = world.policy
        self.machines = list(world.machines.values())
        self.namespaces: Mapping[str, Labels] = world.snapshot.namespaces

    # Spreading.

    @cached_property
    def hard_rules(self) -> list[SpreadRule]:
        return self._rules("DoNotSchedule")

    @cached_property
    def soft_rules(self) -> list[SpreadRule]:
        return self._rules("ScheduleAnyway")

    @property
    def must_have_all_keys(self) -> bool:
        """Whether soft spreading ignores nodes that lack a topology key: not under the system's own defaults."""
        return bool(self.spec.spread) or not self.policy.system_defaulted

    def _rules(self, action: str) -> list[SpreadRule]:
        if self.spec.spread:
            return [
                SpreadRule(rule, narrowed(rule.label_selector, rule.match_label_keys, self.pod.labels, "In"))
                for rule in self.spec.spread
                if rule.when_unsatisfiable == action
            ]
        selector = self._default_selector()
        if is_empty(selector):
            return []
        return [SpreadRule(rule, selector) for rule in self.policy.default_spread if rule.when_unsatisfiable == action]

    def _default_selector(self) -> LabelSelector:
        """What the Services that select the pod and the controller that owns it select, all together."""
        near = [item for item in self.world.snapshot.selectors if item.namespace == self.pod.namespace]
        labels: dict[str, str] = {}
        for item in near:
            if item.kind == "Service" and selects(item.selector, self.pod.labels):
                labels |= item.selector.match_labels
        demands: list[SelectorRequirement] = []
        owner = self.pod.owner
        for item in near:
            if owner is None or (owner.kind, owner.name) != (item.kind, item.name):
                continue
            if item.kind == "ReplicationController":
                labels |= item.selector.match_labels
            elif item.kind in ("ReplicaSet", "StatefulSet"):
                pairs = item.selector.match_labels.items()
                demands += [SelectorRequirement(key, "In", (value,)) for key, value in pairs]
                demands += item.selector.match_expressions
        return LabelSelector(labels, tuple(demands))

    def counts_on(self, rule: SpreadRule, machine: Machine) -> bool:
        """Whether the rule's node inclusion policies let pods on this node count."""
        node, constraint = machine.node, rule.constraint
        if constraint.node_affinity_policy == "Honor" and not pod_allows(self.spec, node):
            return False
        return constraint.node_taints_policy == "Ignore" or not repelled(self.spec, node)

    def matching_pods(self, rule: SpreadRule, machine: Machine) -> int:
        """Pods of the pod's own namespace, alive, that the rule selects; an empty selector counts none."""
        if is_empty(rule.selector):
            return 0
        return sum(
            pod.namespace == self.pod.namespace and not pod.terminating and selects(rule.selector, pod.labels)
            for pod in machine.pods
        )

    @cached_property
    def hard_counts(self) -> list[Counter[str]]:
        """For each hard rule, the matching pods in each domain; nodes that lack any hard key do not exist for it."""
        counts = []
        for rule in self.hard_rules:
            found: Counter[str] = Counter()
            for machine in self.machines:
                labels = machine.node.labels
                if all(other.key in labels for other in self.hard_rules) and self.counts_on(rule, machine):
                    found[labels[rule.key]] += self.matching_pods(rule, machine)
            counts.append(found)
        return counts

    # Other pods.

    def others(self) -> Iterator[tuple[Pod, Machine]]:
        """Every pod that is on a node, with its node."""
        return ((pod, machine) for machine in self.machines for pod in machine.pods)

    def all_terms_speak_of(self, other: Pod) -> bool:
        """Whether every required affinity term of the pod speaks of another pod."""
        terms = self.spec.affinity.pod_affinity.required
        return all(speaks_of(term, self.pod, other, self.namespaces, incoming=True) for term in terms)

    @cached_property
    def affinity_counts(self) -> Counter[Domain]:
        """Where the pods are that all required affinity terms speak of."""
        terms = self.spec.affinity.pod_affinity.required
        found: Counter[Domain] = Counter()
        for other, machine in self.others() if terms else ():
            if self.all_terms_speak_of(other):
                found.update(_domain(machine, term.topology_key) for term in terms)
        return _without_nowhere(found)

    @cached_property
    def anti_affinity_counts(self) -> Counter[Domain]:
        """Where the pods are that a required anti-affinity term of the pod speaks of."""
        found: Counter[Domain] = Counter()
        terms = self.spec.affinity.pod_anti_affinity.required
        for other, machine in self.others() if terms else ():
            for term in terms:
                if speaks_of(term, self.pod, other, self.namespaces, incoming=True):
                    found[_domain(machine, term.topology_key)] += 1
        return _without_nowhere(found)

    @cached_property
    def existing_anti_affinity_counts(self) -> Counter[Domain]:
        """Where the pods are whose own required anti-affinity speaks of the pod."""
        found: Counter[Domain] = Counter()
        for other, machine in self.others():
            for term in other.spec.affinity.pod_anti_affinity.required:
                if speaks_of(term, other, self.pod, self.namespaces, incoming=False):
                    found[_domain(machine, term.topology_key)] += 1
        return _without_nowhere(found)

    @cached_property
    def preferences(self) -> Counter[Domain] | None:
        """What preferred terms, the pod's and the others', speak for each domain; None when no term says anything.

        A required affinity of another pod that speaks of the pod counts with the policy's weight.
        """
        affinity = self.spec.affinity
        mine = [(item, 1) for item in affinity.pod_affinity.preferred]
        mine += [(item, -1) for item in affinity.pod_anti_affinity.preferred]
        if self.policy.ignore_preferred_terms and not mine:
            return None
        found: Counter[Domain] = Counter()
        for other, machine in self.others():
            for item, sign in mine:
                if speaks_of(item.pod_affinity_term, self.pod, other, self.namespaces, incoming=True):
                    found[_domain(machine, item.pod_affinity_term.topology_key)] += sign * item.weight
            for term, weight in self._wishes_of(other):
                if speaks_of(term, other, self.pod, self.namespaces, incoming=False):
                    found[_domain(machine, term.topology_key)] += weight
        return _without_nowhere(found) or None

    def _wishes_of(self, other: Pod) -> Iterator[tuple[object, int]]:
        affinity = other.spec.affinity
        for item in affinity.pod_affinity.preferred:
            yield item.pod_affinity_term, item.weight
        for item in affinity.pod_anti_affinity.preferred:
            yield item.pod_affinity_term, -item.weight
        if self.policy.hard_pod_affinity_weight > 0:
            for term in affinity.pod_affinity.required:
                yield term, self.policy.hard_pod_affinity_weight


def _domain(machine: Machine, key: str) -> Domain:
    return key, machine.node.labels.get(key, _NOWHERE)


_NOWHERE = "(the node lacks the label)"


def _without_nowhere(found: Counter[Domain]) -> Counter[Domain]:
    """Without what was counted on nodes that lack the topology key."""
    return Counter({domain: count for domain, count in found.items() if domain[1] != _NOWHERE})
