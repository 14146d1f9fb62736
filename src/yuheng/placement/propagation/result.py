"""What a policy decides for a workload."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from yuheng.model.propagation import PurgeMode

__all__ = ["Propagation"]


class Propagation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workload goes.

    Attributes:
        replicas: by cluster, sorted by name, each at least 1; empty when unschedulable.
        selected: the clusters that the placement selected, best first; those without a replica too.
        refused: the clusters that get no replica and why, sorted by name.
        affinity: the name of the cluster affinity that was used; empty when the policy names none.
        reason: why the workload is unschedulable; empty when it is not.
        moved: how many of the previous replicas leave each cluster, sorted by name.
        purge_mode: how those leave whose cluster has failed.
        grace_period: for how many seconds at the most the replicas of a failed cluster stay when they leave gracefully.
    """

    replicas: Mapping[str, int] = {}
    selected: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    affinity: str = ""
    reason: str = ""
    moved: Mapping[str, int] = {}
    purge_mode: PurgeMode = "Gracefully"
    grace_period: float = 600.0
