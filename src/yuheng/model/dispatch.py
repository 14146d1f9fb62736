"""What carrying a fleet plan out did to each cluster, or would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from yuheng.model.plan import API_VERSION

__all__ = ["Action", "Carried", "DispatchReport", "ShareReport", "Unplaced"]

Action = Literal["create", "change", "unchanged", "prune", "left", "failed"]


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one object in one cluster.

    Attributes:
        cluster: its name.
        kind: of the object, such as ``Deployment``.
        key: ``namespace/name``, or the name alone of an object of the whole cluster.
        action: what was done, or would be done. ``left``: it stays as it is although it should go or shrink.
        fields: the paths that change, never their values.
        reason: why it failed, or is left, in one line.
    """

    cluster: str
    kind: str
    key: str
    action: Action
    fields: tuple[str, ...] = ()
    reason: str = ""


class ShareReport(msgspec.Struct, frozen=True, kw_only=True):
    """The replicas of a workload in one cluster.

    Attributes:
        workload: ``namespace/name``.
        kind: such as ``Deployment``.
        cluster: where.
        replicas: that it was given.
        ready: that work, as the cluster last said; None where it does not say.
    """

    workload: str
    kind: str
    cluster: str
    replicas: int
    ready: int | None = None


class Unplaced(msgspec.Struct, frozen=True):
    """A workload that has no place, and why; what runs of it stays."""

    workload: str
    kind: str
    reason: str


class DispatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What carrying a plan out did, or would do.

    Attributes:
        fleet: its name.
        dry_run: whether nothing was written.
        objects: by cluster, in the order they were done.
        shares: by workload and cluster.
        failures: by cluster, what kept it from being done wholly, in one line.
        unplaced: workloads without a place.
        moved: workloads whose replicas moved, each in words.
        notes: what was left out, and why, a sentence each.
    """

    fleet: str
    dry_run: bool
    objects: tuple[Carried, ...] = ()
    shares: tuple[ShareReport, ...] = ()
    failures: Mapping[str, str] = {}
    unplaced: tuple[Unplaced, ...] = ()
    moved: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report in the public format (kind ``Dispatch``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Dispatch",
            "fleet": self.fleet,
            "dryRun": self.dry_run,
            "objects": [msgspec.to_builtins(one) for one in self.objects],
            "shares": [msgspec.to_builtins(one) for one in self.shares],
            "failures": dict(self.failures),
            "unplaced": [msgspec.to_builtins(one) for one in self.unplaced],
            "moved": list(self.moved),
            "notes": list(self.notes),
        }
