"""What new nodes would have to hold: the pods of the inputs, and the DaemonSets that every node gets a pod of.

DaemonSets make pods for nodes that exist. Those that do not exist yet are shown to them as samples, one of each sort;
the pods that they would make tell which of the sorts they serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.model.labels import HOSTNAME, INSTANCE_TYPE
from yuheng.model.pod import NodeAffinity
from yuheng.model.quantity import format_amount
from yuheng.model.selectors import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from yuheng.readers.assembly import Assembly
from yuheng.readers.inventory import Inventory
from yuheng.readers.snapshot import inventory_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.model.cluster import Snapshot
    from yuheng.model.node import Node
    from yuheng.model.pod import Pod
    from yuheng.readers.snapshot import Source

__all__ = ["read_for_new_nodes"]

_KINDS: Final = ("DaemonSet", "PriorityClass", "Namespace")


def read_for_new_nodes(sources: Sequence[Source], samples: Sequence[Node]) -> tuple[Snapshot, tuple[Pod, ...]]:
    """The state of a cluster, and a pod of each DaemonSet as new nodes would get it.

    Args:
        sources: as `yuheng.readers.read` takes them.
        samples: one node of each sort that could be bought, told apart by instance type.

    Returns:
        The snapshot, and the pods, which are bound to instance types where they do not serve all of the samples.

    Raises:
        InputError: something that was read is not what it should be.
        NotFoundError: a path does not exist.
    """
    inventory, tables = inventory_of(*sources)
    snapshot = Assembly(inventory, tables).snapshot()
    if not inventory.of("DaemonSet"):
        return snapshot, ()
    shown = Inventory()
    shown.add(inventory.of(*_KINDS))
    numbered = {f"sample-{number}": node for number, node in enumerate(samples)}
    nodes, _ = inventory_of([_object(name, node) for name, node in numbered.items()])
    shown.add(nodes.of("Node"))
    made = Assembly(shown).snapshot().pods
    served: dict[tuple[str, str], list[tuple[Pod, str]]] = {}
    for pod in made:
        name = _node_name(pod)
        if pod.owner is not None and name in numbered:
            kind = numbered[name].labels.get(INSTANCE_TYPE, "")
            served.setdefault((pod.namespace, pod.owner.name), []).append((pod, kind))
    return snapshot, tuple(_daemon(pods, len(numbered)) for _, pods in sorted(served.items()))


def _object(name: str, node: Node) -> Mapping[str, Any]:
    amounts = {resource: format_amount(resource, amount) for resource, amount in node.allocatable.items()}
    metadata = {"name": name, "labels": {**node.labels, HOSTNAME: name}}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "status": {"allocatable": amounts}}


def _node_name(pod: Pod) -> str:
    required = pod.spec.affinity.node_affinity.required
    fields = (one for term in required.node_selector_terms for one in term.match_fields) if required else ()
    return pod.node or next((one.values[0] for one in fields if one.values), "")


def _daemon(pods: Sequence[tuple[Pod, str]], samples: int) -> Pod:
    """A pod as any node that it serves could have it."""
    pod = pods[0][0]
    required = None
    if len(pods) < samples:
        types = tuple(sorted({kind for _, kind in pods}))
        required = NodeSelector((NodeSelectorTerm((NodeSelectorRequirement(INSTANCE_TYPE, "In", types),)),))
    affinity = msgspec.structs.replace(pod.spec.affinity, node_affinity=NodeAffinity(required=required))
    spec = msgspec.structs.replace(pod.spec, affinity=affinity, node_name="")
    name = pod.owner.name if pod.owner is not None else pod.name
    found: Pod = msgspec.structs.replace(pod, name=name, spec=spec, node=None)
    return found
