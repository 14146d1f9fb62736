"""The filters, in the order in which kube-scheduler asks them. Each tells what a node lacks, in its words."""

from __future__ import annotations

from collections.abc import Callable

from tests.oracle.machine import Machine
from tests.oracle.matching import pod_allows, repelled, selects, term_allows, tolerated
from tests.oracle.turn import Turn
from tests.oracle.world import World
from yuheng.model.node import Taint
from yuheng.model.pod import HostPort, Pod

CONFLICT = "pod affinity terms conflict"
OUTSIDE = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
BETA_ZONE, BETA_REGION = "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"
TODAY = {BETA_ZONE: ZONE, BETA_REGION: REGION}

Words = list[str]


def named_nodes(pod: Pod) -> set[str] | None:
    """The nodes that required terms name by ``metadata.name In``, when every term does; None otherwise."""
    required = pod.spec.affinity.node_affinity.required
    if required is None or not required.node_selector_terms:
        return None
    named: set[str] = set()
    for term in required.node_selector_terms:
        of_term: set[str] | None = None
        for field in term.match_fields:
            if field.key == "metadata.name" and field.operator == "In":
                of_term = set(field.values) if of_term is None else of_term & set(field.values)
        if of_term is None:
            return None
        named |= of_term
    return named


def node_unschedulable(_: World, pod: Pod, machine: Machine) -> Words:
    cordon = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
    if machine.node.unschedulable and not tolerated(cordon, pod.spec.tolerations):
        return ["node(s) were unschedulable"]
    return []


def node_name(_: World, pod: Pod, machine: Machine) -> Words:
    if pod.spec.node_name not in ("", machine.node.name):
        return ["node(s) didn't match the requested node name"]
    return []


def taint_toleration(_: World, pod: Pod, machine: Machine) -> Words:
    return ["node(s) had untolerated taint(s)"] if repelled(pod.spec, machine.node) else []


def node_affinity(world: World, pod: Pod, machine: Machine) -> Words:
    added = world.policy.added_affinity.required
    if added is not None and not any(term_allows(term, machine.node) for term in added.node_selector_terms):
        return ["node(s) didn't match scheduler-enforced node affinity"]
    if not pod_allows(pod.spec, machine.node):
        return ["node(s) didn't match Pod's node affinity/selector"]
    return []


def node_ports(_: World, pod: Pod, machine: Machine) -> Words:
    taken = [port for other in machine.pods for port in other.spec.host_ports]
    if any(_clash(port, other) for port in pod.spec.host_ports for other in taken):
        return ["node(s) didn't have free ports for the requested pod ports"]
    return []


def _clash(one: HostPort, other: HostPort) -> bool:
    same = (one.port, one.protocol) == (other.port, other.protocol)
    return same and (one.ip == other.ip or "0.0.0.0" in (one.ip, other.ip))  # noqa: S104 -- compared with only


def node_resources_fit(world: World, pod: Pod, machine: Machine) -> Words:
    """Everything that is short, not only the first."""
    short = []
    if len(machine.pods) + 1 > machine.node.allocatable.get("pods", 0):
        short.append("Too many pods")
    for name, amount in pod.spec.requests.items():
        ignored = name in world.policy.ignored_resources or (
            "/" in name and name.split("/")[0] in world.policy.ignored_resource_groups
        )
        if amount > 0 and not ignored and amount > machine.free(name):
            short.append(f"Insufficient {name}")
    return short


def device_fit(_: World, pod: Pod, machine: Machine) -> Words:
    request = pod.spec.devices
    if not request.count:
        return []
    has_gpus = machine.node.devices.count > 0
    if request.models and not (has_gpus and machine.node.devices.model in request.models):
        return ["node(s) didn't have the requested GPU model"]
    if machine.has_devices_for(pod.spec):
        return []
    if request.is_share():
        return ["node(s) didn't have a GPU with enough left for the share"]
    return ["node(s) didn't have enough untouched GPUs"]


def volume_zone(world: World, pod: Pod, machine: Machine) -> Words:
    """kube-scheduler's VolumeBinding (the volume's own node affinity), then its VolumeZone (the volume's labels)."""
    labels = machine.node.labels
    volumes = world.volumes_of(pod)
    for volume in volumes:
        affinity = volume.node_affinity
        if affinity and not any(term_allows(term, machine.node) for term in affinity.node_selector_terms):
            return ["node(s) didn't match PersistentVolume's node affinity"]
    if not any(key in labels for key in (ZONE, REGION, BETA_ZONE, BETA_REGION)):
        return []
    for volume in volumes:
        for key, values in volume.topology.items():
            if labels.get(key, labels.get(TODAY.get(key, key))) not in values:
                return ["node(s) had no available volume zone"]
    return []


def pod_topology_spread(turn: Turn, machine: Machine) -> Words:
    """The first hard constraint that the node breaks."""
    words = "node(s) didn't match pod topology spread constraints"
    for rule, counts in zip(turn.hard_rules, turn.hard_counts, strict=True):
        domain = machine.node.labels.get(rule.key)
        if domain is None:
            return [f"{words} (missing required label)"]
        few = len(counts) < rule.constraint.min_domains
        least = 0 if few or not counts else min(counts.values())
        itself = selects(rule.selector, turn.pod.labels)
        if counts[domain] + itself - least > rule.constraint.max_skew:
            return [words]
    return []


def inter_pod_affinity(turn: Turn, machine: Machine) -> Words:
    labels = machine.node.labels
    near = [term.topology_key for term in turn.spec.affinity.pod_affinity.required]
    if any(key not in labels for key in near):
        return ["node(s) didn't match pod affinity rules"]
    if any(turn.affinity_counts[key, labels[key]] == 0 for key in near):
        first = not turn.affinity_counts and turn.all_terms_speak_of(turn.pod)
        if not first:
            return ["node(s) didn't match pod affinity rules"]
    far = [term.topology_key for term in turn.spec.affinity.pod_anti_affinity.required]
    if any(key in labels and turn.anti_affinity_counts[key, labels[key]] for key in far):
        return ["node(s) didn't match pod anti-affinity rules"]
    if any(turn.existing_anti_affinity_counts[label] for label in labels.items()):
        return ["node(s) didn't satisfy existing pods anti-affinity rules"]
    return []


# What depends on the pod's spec and on one node only; the answer is remembered until the node changes.
LOCAL: dict[str, Callable[[World, Pod, Machine], Words]] = {
    "NodeUnschedulable": node_unschedulable,
    "NodeName": node_name,
    "TaintToleration": taint_toleration,
    "NodeAffinity": node_affinity,
    "NodePorts": node_ports,
    "NodeResourcesFit": node_resources_fit,
    "DeviceFit": device_fit,
    "VolumeZone": volume_zone,
}
# What depends on pods all over the cluster.
WIDE: dict[str, Callable[[Turn, Machine], Words]] = {
    "PodTopologySpread": pod_topology_spread,
    "InterPodAffinity": inter_pod_affinity,
}


def rejection(turn: Turn, machine: Machine) -> tuple[str, Words] | None:
    """The first filter that rejects the node, and its words; None when the node is feasible."""
    filters = turn.policy.filters
    if "NodeAffinity" in filters:
        named = named_nodes(turn.pod)
        if named is not None and machine.node.name not in named:
            return "NodeAffinity", [OUTSIDE]
    local = turn.world.remember(_first_local_rejection, turn.pod, machine)
    if local is not None:
        return local
    for name, ask in WIDE.items():
        if name in filters and (words := ask(turn, machine)):
            return name, words
    return None


def _first_local_rejection(world: World, pod: Pod, machine: Machine) -> tuple[str, Words] | None:
    for name, ask in LOCAL.items():
        if name in world.policy.filters and (words := ask(world, pod, machine)):
            return name, words
    return None
