"""What of an object has to change for anybody to be told: most of what kubelets report changes no decision."""

from __future__ import annotations

import msgspec

from yuheng.kubernetes.mirror.known import Known
from yuheng.model.node import Node
from yuheng.model.pod import Pod

__all__ = ["offers_the_same", "same_seat", "says_the_same", "sees_the_same", "with_devices"]


def with_devices(pod: Pod, before: Pod | None) -> Pod:
    """A running pod with the GPUs that were chosen for it, where its object does not tell of them."""
    if before is None or pod.device_indices or before.node != pod.node or not before.device_indices:
        return pod
    told: Pod = msgspec.structs.replace(pod, device_indices=before.device_indices)
    return told


def same_seat(one: Pod, other: Pod) -> bool:
    """Whether two states of a running pod are the same to others."""
    return (
        one.node == other.node
        and one.spec == other.spec
        and one.labels == other.labels
        and one.priority == other.priority
        and one.terminating == other.terminating
        and one.device_indices == other.device_indices
        and one.owner == other.owner
    )


def says_the_same(one: Known, other: Known) -> bool:
    """Whether two states of a pod are the same, and belong to the same."""
    return one.pod == other.pod and one.member == other.member


def sees_the_same(one: Known, other: Known) -> bool:
    """Whether decisions on a pod that waits rest on the same."""
    return (one.pod, one.gated, one.problem) == (other.pod, other.gated, other.problem)


def offers_the_same(one: Node, other: Node) -> bool:
    """Whether two states of a node differ in images at most: kubelets tell of each, and it is little they decide."""
    bare: Node = msgspec.structs.replace(one, images=other.images)
    return bare == other
