"""Whom a cost is told of: a pod that is there, one that is gone, a volume nobody mounts, a cluster's idle part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from yuheng.model.cost import GONE, IDLE, UNALLOCATED, UNMOUNTED
from yuheng.model.estate import Owner

__all__ = ["Subject", "told_cluster"]

# OpenCost's name for a cluster that has none.
_NAMELESS = "default-cluster"


def told_cluster(name: str) -> str:
    """The name of a cluster, also of one that nothing names."""
    return name or _NAMELESS


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a cost is told of.

    Attributes:
        kind: what it is. Gone: a pod that usage tells of and that is no longer in the state. Unmounted: a volume, and
            unused: a load balancer, that no pod uses. Idle: what is left of nodes.
        cluster: the name of its cluster.
        labels: its own, and those of its namespace where it has none of that key; annotations likewise.
    """

    kind: Literal["pod", "gone", "unmounted", "unused", "idle"]
    cluster: str
    namespace: str = ""
    pod: str = ""
    owner: Owner = Owner()
    queue: str = ""
    labels: Mapping[str, str] = {}
    namespace_labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    namespace_annotations: Mapping[str, str] = {}

    @property
    def is_pod(self) -> bool:
        """Whether it is somebody who can bear a part of shared costs."""
        return self.kind in ("pod", "gone")

    def value(self, key: str) -> str:
        """Its value of a key, all but ``node`` and ``container``, which a subject may have several of."""
        if key == "cluster":
            return self.cluster
        if self.kind == "idle":
            return IDLE
        if key == "namespace":
            return self.namespace
        if self.kind == "gone":
            return self.pod if key == "pod" else GONE
        if self.kind != "pod":
            return UNMOUNTED if self.kind == "unmounted" else UNALLOCATED
        return self._told(key) or UNALLOCATED

    def _told(self, key: str) -> str:
        """What a pod that is there says of itself; empty where it says nothing."""
        prefix, _, name = key.partition(":")
        if prefix == "label":
            return self.labels.get(name) or self.namespace_labels.get(name, "")
        if prefix == "annotation":
            return self.annotations.get(name) or self.namespace_annotations.get(name, "")
        if key == "controller":
            return f"{self.owner.kind}/{self.owner.name}" if self.owner.name else ""
        return {"pod": self.pod, "queue": self.queue, "controllerKind": self.owner.kind}.get(key, "")
