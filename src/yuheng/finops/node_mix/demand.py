"""Which pods are to be held, sorted into kinds: pods of a kind are alike to every machine and to every other pod.

Pods that come and go with their node are not held but weighed: each machine gets its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from yuheng.finops.node_pods import daemons_of, is_static, of_the_node
from yuheng.model.cluster import Snapshot
from yuheng.model.labels import HOSTNAME, ZONE
from yuheng.model.pod import Pod, PodAffinityTerm, PodSpec
from yuheng.model.selectors import LabelSelector

__all__ = ["Demand", "Kind", "demand_of", "repels", "zones_asked"]

_encode = msgspec.msgpack.Encoder(order="sorted").encode


class Kind(NamedTuple):
    """Pods that are alike.

    Attributes:
        pods: by name.
        most: how many of them one machine may hold.
    """

    pods: tuple[Pod, ...]
    most: int

    @property
    def sample(self) -> Pod:
        """One of them."""
        return self.pods[0]


class Demand(NamedTuple):
    """What is to be held.

    Attributes:
        kinds: of pods, in the order of their first names.
        daemons: one pod of each DaemonSet, and of each static one.
        snapshot: where they come from: namespaces and volumes count.
        warnings: what had to be assumed.
    """

    kinds: tuple[Kind, ...]
    daemons: tuple[Pod, ...]
    snapshot: Snapshot
    warnings: tuple[str, ...] = ()


def demand_of(snapshot: Snapshot, daemons: Sequence[Pod] = ()) -> Demand:
    """The pods of a snapshot, running and pending, as kinds.

    Pods that are being deleted, and those that scheduling gates hold back, are not among them.

    Args:
        snapshot: the cluster.
        daemons: one pod of each DaemonSet that is written, as `daemons_of` gives them.
    """
    own = [pod for pod in snapshot.pods if not of_the_node(pod)]
    held = [pod for pod in own if not pod.terminating and not pod.spec.gates]
    rules = [term for pod in held for term in _terms(pod.spec)]
    groups: defaultdict[bytes, list[Pod]] = defaultdict(list)
    keys: dict[tuple[object, ...], bytes] = {}
    for pod in held:
        quick = (id(pod.spec), pod.namespace, *(sorted(pod.labels.items()) if rules else ()))
        if quick not in keys:
            keys[quick] = _key(pod, rules, snapshot)
        groups[keys[quick]].append(pod)
    kinds = tuple(Kind(tuple(pods), _most(pods[0], snapshot)) for pods in groups.values())
    known = {(pod.namespace, pod.owner.name) for pod in daemons if pod.owner}
    there = daemons_of(snapshot)
    seen = [pod for pod in there if pod.owner is not None and (pod.namespace, pod.owner.name) not in known]
    return Demand(kinds, (*daemons, *seen), snapshot, tuple(_told(snapshot, own, held, rules, seen)))


def _terms(spec: PodSpec) -> tuple[PodAffinityTerm, ...]:
    return (*spec.affinity.pod_anti_affinity.required, *spec.affinity.pod_affinity.required)


def _key(pod: Pod, rules: Sequence[PodAffinityTerm], snapshot: Snapshot) -> bytes:
    """What tells pods apart; labels count where a rule could speak of them."""
    spec = pod.spec
    peculiar = bool(_terms(spec) or _hard_spread(spec))
    chosen = any(term.label_selector is not None and term.label_selector.matches(pod.labels) for term in rules)
    labels = (pod.namespace, pod.labels) if peculiar or chosen else ()
    claims = [snapshot.volumes.get(f"{pod.namespace}/{claim}") for claim in spec.claims]
    told = (
        {name: amount for name, amount in spec.requests.items() if amount},
        spec.devices,
        spec.node_selector,
        spec.affinity.node_affinity.required,
        spec.tolerations,
        spec.host_ports,
        claims,
        labels,
        (spec.affinity.pod_affinity.required, spec.affinity.pod_anti_affinity.required, _hard_spread(spec)),
    )
    return _encode(told)


def _hard_spread(spec: PodSpec) -> tuple[object, ...]:
    return tuple(rule for rule in spec.spread if rule.when_unsatisfiable == "DoNotSchedule")


def _most(pod: Pod, snapshot: Snapshot) -> int:
    """How many pods like this one a machine may hold by their own rules.

    Pods that repel each other by hostname, and those that share a port of the host, are alone. Pods that spread over
    hostnames are at most `max_skew` on each: that meets the constraint whatever the other nodes hold.
    """
    most = 1 if pod.spec.host_ports or repels(pod, pod, snapshot) else 2**31
    for rule in pod.spec.spread:
        if rule.when_unsatisfiable == "DoNotSchedule" and rule.topology_key == HOSTNAME:
            selector = rule.label_selector
            most = min(most, rule.max_skew) if selector is not None and selector.matches(pod.labels) else most
    return most


def repels(pod: Pod, other: Pod, snapshot: Snapshot) -> bool:
    """Whether a pod's anti-affinity, or a port of the host, keeps another off its machine."""
    if any(_speaks_of(term, pod, other, snapshot) for term in pod.spec.affinity.pod_anti_affinity.required):
        return True
    ports = {(one.port, one.protocol) for one in pod.spec.host_ports}
    return any((one.port, one.protocol) in ports for one in other.spec.host_ports)


def _speaks_of(term: PodAffinityTerm, owner: Pod, other: Pod, snapshot: Snapshot) -> bool:
    """Whether a term about hostnames, of one pod, matches another."""
    if term.topology_key != HOSTNAME or term.label_selector is None:
        return False
    if not term.label_selector.matches(other.labels) or not _same_keys(term, owner, other):
        return False
    if not term.namespaces and term.namespace_selector is None:
        return owner.namespace == other.namespace
    chosen: LabelSelector | None = term.namespace_selector
    labels: Mapping[str, str] = snapshot.namespaces.get(other.namespace, {})
    return other.namespace in term.namespaces or (chosen is not None and chosen.matches(labels))


def _same_keys(term: PodAffinityTerm, owner: Pod, other: Pod) -> bool:
    """``matchLabelKeys`` and ``mismatchLabelKeys``: labels that the owner has, equal or different."""
    equal = all(owner.labels[key] == other.labels.get(key) for key in term.match_label_keys if key in owner.labels)
    keys = [key for key in term.mismatch_label_keys if key in owner.labels]
    return equal and all(key in other.labels and owner.labels[key] != other.labels[key] for key in keys)


def zones_asked(demand: Demand) -> tuple[str, ...]:
    """The zones to choose from where any pod cares for its zone; empty where none does."""
    zones = {node.labels[ZONE] for node in demand.snapshot.nodes if ZONE in node.labels}
    named: set[str] = set()
    cares = False
    for kind in demand.kinds:
        spec = kind.sample.spec
        required = spec.affinity.node_affinity.required
        terms = required.node_selector_terms if required is not None else ()
        values = {value for term in terms for one in term.match_expressions if one.key == ZONE for value in one.values}
        values |= {spec.node_selector[ZONE]} if ZONE in spec.node_selector else set()
        volumes = (demand.snapshot.volumes.get(f"{kind.sample.namespace}/{claim}") for claim in spec.claims)
        values |= {value for volume in volumes if volume for value in volume.topology.get(ZONE, ())}
        spreads = any(rule.topology_key == ZONE for rule in spec.spread if rule.when_unsatisfiable == "DoNotSchedule")
        repelled = any(term.topology_key == ZONE for term in _terms(spec))
        cares = cares or bool(values) or spreads or repelled
        named |= values
    return tuple(sorted(zones | named)) if cares else ()


def _told(
    snapshot: Snapshot, own: Sequence[Pod], held: Sequence[Pod], rules: Sequence[PodAffinityTerm], seen: Sequence[Pod]
) -> Iterable[str]:
    gated = sum(bool(pod.spec.gates) and not pod.terminating for pod in own)
    if gated:
        yield f"{gated} pods are left out: their scheduling gates hold them back"
    if any(term.topology_key != HOSTNAME for term in rules) or any(
        pod.spec.affinity.pod_affinity.required for pod in held
    ):
        yield "pods have rules about others beyond those of one node: the engine holds them when the nodes are tried"
    spread = any(
        rule.topology_key == HOSTNAME and rule.when_unsatisfiable == "DoNotSchedule"
        for pod in held
        for rule in pod.spec.spread
    )
    if spread:
        yield "pods that spread over hostnames are held to maxSkew on each node, which always meets the constraint"
    if seen and snapshot.nodes:
        names = ", ".join(sorted({pod.name if is_static(pod) else pod.owner.name for pod in seen if pod.owner}))
        yield f"DaemonSets of which only pods are known ({names}) count on every node that their node selector allows"
