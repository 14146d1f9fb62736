"""``colocate``: batch pods run in the idle room of the nodes that services run on, and their own nodes go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.node_pods import of_the_node
from yuheng.finops.what_if.question import Ask
from yuheng.finops.what_if.state import Changed, Known, State, is_batch
from yuheng.model.node import Taint, Toleration
from yuheng.model.pod import NodeAffinity, PodSpec
from yuheng.model.selectors import NodeSelector, NodeSelectorTerm
from yuheng.model.what_if import Risk
from yuheng.model.words import count

__all__ = ["colocate"]

# What a machine is, and where it stands: a pod that asks for that needs it. Other labels say whose a node is.
_NATURE: Final = (
    "kubernetes.io/",
    "beta.kubernetes.io/",
    "topology.kubernetes.io/",
    "failure-domain.beta.kubernetes.io/",
    "node.kubernetes.io/",
    "nvidia.com/",
    "amd.com/",
    "topology.",
)
# Taints that are no matter of who shares a node with whom.
_NOT_FOR_ALL: Final = ("node-role.kubernetes.io/", "node.kubernetes.io/", "nvidia.com/", "amd.com/")


def colocate(state: State, _known: Known, _ask: Ask) -> Changed:
    """Let batch pods run wherever services do.

    Raises:
        ConfigError: no pod is work that ends.
    """
    pods = state.snapshot.pods
    batch = [pod for pod in pods if is_batch(pod) and not of_the_node(pod)]
    if not batch:
        raise ConfigError("--what-if colocate: found no pods of Jobs in the input, expected batch work beside services")
    served = {pod.node for pod in pods if not is_batch(pod) and not of_the_node(pod)}
    taints = {taint for node in state.snapshot.nodes if node.name in served for taint in node.taints}
    tolerated = tuple(_tolerations(taints))
    specs: dict[int, PodSpec] = {}
    for pod in batch:
        if id(pod.spec) not in specs:
            specs[id(pod.spec)] = _anywhere(pod.spec, tolerated)
    mixed = tuple(
        msgspec.structs.replace(pod, spec=specs[id(pod.spec)]) if is_batch(pod) and not of_the_node(pod) else pod
        for pod in pods
    )
    snapshot = msgspec.structs.replace(state.snapshot, pods=mixed)
    return Changed(
        State(snapshot, state.prices),
        f"{count(len(batch), 'batch pod')} may run on the nodes of services",
        _risk,
        (),
        (
            (
                "node selectors and affinity of batch pods to their own pools are dropped, those to architecture, "
                "zone, instance type and GPUs are kept; taints of service nodes are tolerated, those of GPUs, of the "
                "control plane and of unhealthy nodes are not"
            ),
            "room is what nobody requests: usage below requests is not given away",
        ),
    )


def _risk(state: State) -> Risk:
    """How many batch pods share a node with services."""
    served = {pod.node for pod in state.snapshot.pods if not is_batch(pod) and not of_the_node(pod)}
    beside = sum(pod.node in served and is_batch(pod) for pod in state.snapshot.pods)
    text = (
        f"{beside} batch pods share nodes with services: requests hold, but caches, memory bandwidth, disks and the "
        "network are shared"
    )
    return Risk(text, float(beside), "batch pods beside services")


def _tolerations(taints: Iterable[Taint]) -> Iterable[Toleration]:
    for taint in sorted(taints, key=lambda one: (one.key, one.value, one.effect)):
        if not taint.key.startswith(_NOT_FOR_ALL):
            yield Toleration(taint.key, "Equal", taint.value, taint.effect)


def _anywhere(spec: PodSpec, tolerated: tuple[Toleration, ...]) -> PodSpec:
    """A spec without what ties it to a pool, with tolerations."""
    selector = {key: value for key, value in spec.node_selector.items() if key.startswith(_NATURE)}
    required = _of_nature(spec.affinity.node_affinity.required)
    nodes: NodeAffinity = msgspec.structs.replace(spec.affinity.node_affinity, required=required)
    affinity = msgspec.structs.replace(spec.affinity, node_affinity=nodes)
    changed: PodSpec = msgspec.structs.replace(
        spec, node_selector=selector, affinity=affinity, tolerations=(*spec.tolerations, *tolerated)
    )
    return changed


def _of_nature(required: NodeSelector | None) -> NodeSelector | None:
    """The terms with what they say of the nature of nodes alone; None where one of them says nothing else."""
    if required is None:
        return None
    terms = []
    for term in required.node_selector_terms:
        kept = tuple(one for one in term.match_expressions if one.key.startswith(_NATURE))
        if not kept and not term.match_fields:
            return None
        terms.append(NodeSelectorTerm(kept, term.match_fields))
    return NodeSelector(tuple(terms))
