"""DaemonSets: one pod for every node that takes it.

The controller chooses the node and leaves binding to the scheduler: it pins each pod by a node affinity on
the node's name. So a pod that the node has no room for is created all the same, and stays pending.
"""

from __future__ import annotations

from typing import Final

import msgspec

from yuheng.model.node import Node, Taint
from yuheng.model.pod import NodeAffinity, Pod, PodSpec
from yuheng.model.selectors import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from yuheng.readers.workloads.fields import DaemonSet
from yuheng.readers.workloads.scene import Scene, template_hash
from yuheng.readers.workloads.template import REVISION_HASH, Press, owner_reference

__all__ = ["daemon_set_pods"]

GENERATION: Final = "deprecated.daemonset.template.generation"
NODE_NAME: Final = "metadata.name"


def daemon_set_pods(daemon_set: DaemonSet, scene: Scene) -> list[Pod]:
    """The pods a DaemonSet lacks: one for each node that should run it and has none.

    A node whose pod is being deleted has one still: the controller waits until it is gone.
    """
    metadata = daemon_set.metadata
    press = Press(
        daemon_set,
        "spec.template",
        daemon_set.spec.template,
        owner=owner_reference("DaemonSet", metadata.name, metadata.uid),
        labels=_labels(daemon_set),
        make_pod=scene.make_pod,
        daemon=True,
    )
    model = press.pod(metadata.name)
    served = {_node_of(pod) for pod in scene.owned_by(daemon_set)}
    return [
        _pinned(model, scene.generated_name(metadata, f"{metadata.name}-", node.name), node)
        for node in scene.nodes
        if node.name not in served and _should_run(model, node)
    ]


def _labels(daemon_set: DaemonSet) -> dict[str, str]:
    labels = {REVISION_HASH: template_hash(daemon_set.spec.template)}
    generation = daemon_set.metadata.annotations.get(GENERATION)
    return labels | ({"pod-template-generation": generation} if generation else {})


def _should_run(model: Pod, node: Node) -> bool:
    """The controller's own test: name, selector, affinity and taints; neither room nor readiness counts."""
    return (
        model.node in (None, node.name)
        and _is_selected(model.spec, node)
        and all(_is_tolerated(model.spec, taint) for taint in node.taints)
    )


def _is_selected(spec: PodSpec, node: Node) -> bool:
    required = spec.affinity.node_affinity.required
    return all(node.labels.get(key) == value for key, value in spec.node_selector.items()) and (
        required is None or required.matches(node.labels, node.name)
    )


def _is_tolerated(spec: PodSpec, taint: Taint) -> bool:
    if taint.effect == "PreferNoSchedule":
        return True
    return any(toleration.tolerates(taint) for toleration in spec.tolerations)


def _pinned(model: Pod, name: str, node: Node) -> Pod:
    """The pod for one node. Its name replaces the required terms, which it is known to meet."""
    term = NodeSelectorTerm(match_fields=(NodeSelectorRequirement(NODE_NAME, "In", (node.name,)),))
    affinity = model.spec.affinity
    pinned = NodeAffinity(required=NodeSelector((term,)), preferred=affinity.node_affinity.preferred)
    spec = msgspec.structs.replace(model.spec, affinity=msgspec.structs.replace(affinity, node_affinity=pinned))
    return msgspec.structs.replace(model, name=name, spec=spec)


def _node_of(pod: Pod) -> str | None:
    """The node that a pod of a DaemonSet is on or meant for."""
    required = pod.spec.affinity.node_affinity.required
    if pod.node is not None or required is None:
        return pod.node
    fields = (field for term in required.node_selector_terms for field in term.match_fields)
    return next((field.values[0] for field in fields if field.key == NODE_NAME and field.values), None)
