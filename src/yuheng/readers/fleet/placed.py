"""What the rest of the input says of a workload: where it runs, what changes it, and which regions are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.fleet import FleetWorkload
    from yuheng.model.pod import Pod
    from yuheng.model.requirements import DataUse, Requirements
    from yuheng.readers.fleet.karmada import Karmada
    from yuheng.readers.fleet.regions import Atlas

__all__ = ["placed"]


def placed(
    workload: FleetWorkload,
    identity: tuple[str, str],
    karmada: Karmada,
    running: Mapping[str, tuple[str, ...]],
    variants: Mapping[str, tuple[Pod, ...]],
    atlas: Atlas,
) -> FleetWorkload:
    """A workload with all that is known of it.

    Args:
        workload: as it is written.
        identity: its kind and key.
        karmada: a binding's replicas by cluster count in place of those that run.
        running: the keys of its pods that have nodes, by cluster.
        variants: its pods as override policies make them, by cluster.
        atlas: the regions.
    """
    changed: dict[str, Any] = {}
    if running:
        changed |= {"previous": {name: len(keys) for name, keys in running.items()}, "running": running}
    if variants:
        changed["variants"] = variants
    if (binding := karmada.binding(*identity)) is not None:
        changed |= {
            "previous": {name: count for name, count in binding.clusters.items() if count},
            "policy_name": binding.policy,
            "affinity": binding.affinity,
            "leaving": tuple(sorted(eviction.from_cluster for eviction in binding.evictions)),
        }
    if (binding is not None and binding.reschedule) or karmada.is_rebalanced(*identity):
        changed["rebalance"] = True
    needs = _at_keys(workload.requirements, atlas)
    if needs is not None:
        changed["requirements"] = needs
    return msgspec.structs.replace(workload, **changed) if changed else workload


def _at_keys(needs: Requirements, atlas: Atlas) -> Requirements | None:
    """The requirements with the keys of regions where data and users are; None when they speak of none."""
    if not needs.reads and not needs.writes and needs.latency is None:
        return None
    latency = needs.latency
    if latency is not None:
        users = tuple(atlas.find(name) or name for name in latency.users)
        latency = msgspec.structs.replace(latency, users=users)
    return msgspec.structs.replace(
        needs,
        reads=tuple(_kept(use, atlas) for use in needs.reads),
        writes=tuple(_kept(use, atlas) for use in needs.writes),
        latency=latency,
    )


def _kept(use: DataUse, atlas: Atlas) -> DataUse:
    return msgspec.structs.replace(use, regions=tuple(atlas.find(name) or name for name in use.regions))
