"""Pods that come and go with their node, and which of them a node would get that does not exist yet.

One rule for every question that adds nodes: the price of a change, what-if, and the cheapest mix. A node that is like
one that exists gets the pods that one has, if its labels let them on: they are known to run there, so its taints are
tolerated. A node that is like none gets a pod of each DaemonSet that it would let on by its labels and its taints.

The affinity of a DaemonSet's pod does not tell the DaemonSet's own: Kubernetes' controller puts the name of the node in
its place (``pkg/controller/daemon/util``, ``ReplaceDaemonSetPodNodeNameNodeAffinity``). It counts without that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import NodeAffinity, Pod
from yuheng.model.selectors import NodeSelector, NodeSelectorTerm

__all__ = [
    "CONTROL_PLANE",
    "DAEMON",
    "daemons_of",
    "inherited",
    "is_static",
    "may_run",
    "of_the_node",
    "on_node",
    "served",
    "unbound",
]

DAEMON: Final = "DaemonSet"
# The owner of a static pod is its node.
STATIC: Final = "Node"
CONTROL_PLANE: Final = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


def is_static(pod: Pod) -> bool:
    """Whether the kubelet of a node started a pod from a file there."""
    return pod.owner is not None and pod.owner.kind == STATIC


def of_the_node(pod: Pod) -> bool:
    """Whether a pod comes and goes with its node: of a DaemonSet, or static."""
    return pod.owner is not None and pod.owner.kind in (DAEMON, STATIC)


def daemons_of(snapshot: Snapshot) -> tuple[Pod, ...]:
    """One pod of each DaemonSet and of each sort of static pods, by namespace and name, as any node could have it.

    A static pod is called after its node, as ``kube-proxy-node-1`` on GKE: what comes before that is its sort. Those of
    the control plane stay there.
    """
    masters = {node.name for node in snapshot.nodes if any(key in node.labels for key in CONTROL_PLANE)}
    found: dict[tuple[str, str], Pod] = {}
    for pod in snapshot.pods:
        if pod.owner is not None and of_the_node(pod) and not (is_static(pod) and pod.node in masters):
            name = pod.name.removesuffix(f"-{pod.owner.name}") if is_static(pod) else pod.owner.name
            found.setdefault((pod.namespace, name), pod)
    return tuple(unbound(found[key]) for key in sorted(found))


def unbound(pod: Pod) -> Pod:
    """A pod of a node as any node could have it."""
    required = _nameless(pod.spec.affinity.node_affinity.required)
    affinity = msgspec.structs.replace(pod.spec.affinity, node_affinity=NodeAffinity(required=required))
    spec = msgspec.structs.replace(pod.spec, affinity=affinity, node_name="")
    anywhere: Pod = msgspec.structs.replace(pod, spec=spec, node=None, device_indices=())
    return anywhere


def inherited(node: Node, pods: Iterable[Pod]) -> list[Pod]:
    """The pods that a new node gets, of those of the node that it is like.

    Args:
        node: the new one.
        pods: of the node that it is like, as `unbound` gives them.
    """
    return [pod for pod in pods if _is_wanted(pod, node)]


def served(node: Node, daemons: Iterable[Pod], snapshot: Snapshot) -> list[Pod]:
    """The pods that a new node gets which is like none that exists.

    Args:
        node: the new one.
        daemons: one of each, as `daemons_of` gives them.
        snapshot: where they come from: their volumes count.
    """
    return [pod for pod in daemons if may_run(pod, node, snapshot)]


def on_node(node: Node, pods: Sequence[Pod]) -> list[Pod]:
    """The pods as they are on a new node, under names of their own."""
    return [
        msgspec.structs.replace(pod, name=f"{pod.name}-{node.name}", node=node.name, device_indices=()) for pod in pods
    ]


def may_run(pod: Pod, node: Node, snapshot: Snapshot) -> bool:
    """Whether a node is one that a pod may be on: selector, affinity, taints, GPU model and volumes; room aside."""
    if not _is_wanted(pod, node):
        return False
    hard = [taint for taint in node.taints if taint.effect != "PreferNoSchedule"]
    if not all(any(one.tolerates(taint) for one in pod.spec.tolerations) for taint in hard):
        return False
    return all(_reaches(node, snapshot, f"{pod.namespace}/{claim}") for claim in pod.spec.claims)


def _is_wanted(pod: Pod, node: Node) -> bool:
    """Whether a node is as a pod wants it to be, by its labels, its name and the model of its GPUs."""
    spec = pod.spec
    if any(node.labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    required = spec.affinity.node_affinity.required
    if required is not None and not required.matches(node.labels, node.name):
        return False
    return not (spec.devices.count and spec.devices.models and node.devices.model not in spec.devices.models)


def _reaches(node: Node, snapshot: Snapshot, claim: str) -> bool:
    volume = snapshot.volumes.get(claim)
    if volume is None:
        return True
    if any(node.labels.get(key) not in values for key, values in volume.topology.items()):
        return False
    return volume.node_affinity is None or volume.node_affinity.matches(node.labels, node.name)


def _nameless(required: NodeSelector | None) -> NodeSelector | None:
    """A node selector without names of nodes; None where a term of it says nothing else, or there is none."""
    if required is None:
        return None
    terms = [NodeSelectorTerm(match_expressions=term.match_expressions) for term in required.node_selector_terms]
    return NodeSelector(tuple(terms)) if all(term.match_expressions for term in terms) else None
