"""Static filters: what a node *is* against what a pod demands. One function each, over all nodes at once.

Each returns the nodes it rejects. They run once a class, in no particular order: the record of a node has one bit for
each, and the lowest bit is the filter that kube-scheduler would have stopped at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import numpy as np

from yuheng.model.cluster import PersistentVolume
from yuheng.model.labels import OLD_REGION, OLD_ZONE, REGION, ZONE
from yuheng.model.node import Taint, Toleration
from yuheng.model.pod import PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling import arrays
from yuheng.scheduling.machines import Machines, Mask

__all__ = ["CORDON", "STATIC_FILTERS", "required_nodes", "tolerated", "untolerated_taints"]

# What a static filter gets: the nodes, the pod's spec, the volumes of its claims, the policy.
StaticFilter = Callable[[Machines, PodSpec, tuple[PersistentVolume, ...], Policy], Mask]

CORDON: Final = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
_ZONE_LABELS: Final = (ZONE, REGION, OLD_ZONE, OLD_REGION)
# An old label of a volume speaks of the new one of a node that has the new one only.
_SUCCESSORS: Final = {OLD_ZONE: ZONE, OLD_REGION: REGION}
_REPELLING: Final = frozenset(("NoSchedule", "NoExecute"))


def tolerated(taint: Taint, tolerations: tuple[Toleration, ...]) -> bool:
    """Whether any toleration covers the taint."""
    return any(toleration.tolerates(taint) for toleration in tolerations)


def untolerated_taints(taints: tuple[Taint, ...], tolerations: tuple[Toleration, ...]) -> list[Taint]:
    """The NoSchedule and NoExecute taints that no toleration covers."""
    return [taint for taint in taints if taint.effect in _REPELLING and not tolerated(taint, tolerations)]


def outside_named_nodes(machines: Machines, spec: PodSpec, _: object, __: object) -> Mask:
    """NodeAffinity's PreFilter: nodes not named, where every required term names nodes by ``matchFields``."""
    required = spec.affinity.node_affinity.required
    if required is None or not required.node_selector_terms:
        return ~machines.everywhere()
    named: set[str] = set()
    for term in required.node_selector_terms:
        names = term.named_nodes()
        if names is None:
            return ~machines.everywhere()
        named |= names
    mask = machines.everywhere()
    mask[[machines.index[name] for name in named if name in machines.index]] = False
    return mask


def node_unschedulable(machines: Machines, spec: PodSpec, _: object, __: object) -> Mask:
    """NodeUnschedulable: cordoned nodes, unless the pod tolerates the cordon's taint."""
    if tolerated(CORDON, spec.tolerations):
        return ~machines.everywhere()
    return machines.unschedulable


def node_name(machines: Machines, spec: PodSpec, _: object, __: object) -> Mask:
    """NodeName: every node but the one the pod asks for by name."""
    if not spec.node_name:
        return ~machines.everywhere()
    mask = machines.everywhere()
    if spec.node_name in machines.index:
        mask[machines.index[spec.node_name]] = False
    return mask


def taint_toleration(machines: Machines, spec: PodSpec, _: object, __: object) -> Mask:
    """TaintToleration: nodes with a NoSchedule or NoExecute taint the pod does not tolerate."""
    sets, ids = machines.taint_sets
    rejected = np.array([bool(untolerated_taints(taints, spec.tolerations)) for taints in sets], dtype=np.bool_)
    mask: Mask = rejected[ids]
    return mask


def required_nodes(machines: Machines, spec: PodSpec) -> Mask:
    """The nodes that the pod's own nodeSelector and required node affinity allow."""
    mask = machines.with_labels(spec.node_selector)
    required = spec.affinity.node_affinity.required
    return mask if required is None else mask & machines.selected(required)


def enforced_affinity(machines: Machines, _: object, __: object, policy: Policy) -> Mask:
    """NodeAffinity: nodes that the policy's added affinity excludes."""
    if policy.added_affinity.required is None:
        return ~machines.everywhere()
    return ~machines.selected(policy.added_affinity.required)


def node_affinity(machines: Machines, spec: PodSpec, _: object, __: object) -> Mask:
    """NodeAffinity: nodes that the pod's nodeSelector or required node affinity excludes."""
    return ~required_nodes(machines, spec)


def device_model(machines: Machines, spec: PodSpec, _: object, __: object) -> Mask:
    """DeviceFit: nodes whose GPU model is not among those the pod names."""
    if not spec.devices.count or not spec.devices.models:
        return ~machines.everywhere()
    column = machines.device_models
    wanted = [column.number[model] for model in spec.devices.models if model in column.number]
    return ~np.isin(column.ids, wanted)


def volume_zone(machines: Machines, _: object, volumes: tuple[PersistentVolume, ...], __: object) -> Mask:
    """VolumeZone: nodes in another zone or region than a bound volume, where nodes have zones at all."""
    rejected = ~machines.everywhere()
    if not volumes:
        return rejected
    for volume in volumes:
        for key, values in volume.topology.items():
            there = _has_one_of(machines, key, values)
            if key in _SUCCESSORS:
                silent = machines.column(key).ids < 0
                there |= silent & _has_one_of(machines, _SUCCESSORS[key], values)
            rejected |= ~there
    zoned = ~machines.everywhere()
    for key in _ZONE_LABELS:
        zoned |= machines.column(key).ids >= 0
    return rejected & zoned


def _has_one_of(machines: Machines, key: str, values: Iterable[str]) -> Mask:
    column = machines.column(key)
    return np.isin(column.ids, [column.number[value] for value in values if value in column.number])


def volume_affinity(machines: Machines, _: object, volumes: tuple[PersistentVolume, ...], __: object) -> Mask:
    """VolumeZone: nodes a bound volume's own node affinity excludes."""
    rejected = ~machines.everywhere()
    for volume in volumes:
        if volume.node_affinity is not None:
            rejected |= ~machines.selected(volume.node_affinity)
    return rejected


STATIC_FILTERS: Final[Mapping[int, StaticFilter]] = {
    arrays.BIT_OUTSIDE: outside_named_nodes,
    arrays.BIT_UNSCHEDULABLE: node_unschedulable,
    arrays.BIT_NODE_NAME: node_name,
    arrays.BIT_TAINT: taint_toleration,
    arrays.BIT_ENFORCED_AFFINITY: enforced_affinity,
    arrays.BIT_AFFINITY: node_affinity,
    arrays.BIT_DEVICE_MODEL: device_model,
    arrays.BIT_VOLUME_ZONE: volume_zone,
    arrays.BIT_VOLUME_AFFINITY: volume_affinity,
}
