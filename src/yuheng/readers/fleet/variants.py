"""The pods of workloads as override policies make them, cluster by cluster."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.readers.decoding import without_nulls
from yuheng.readers.fleet.workloads import pods_of
from yuheng.readers.karmada.overriding import applied, overrides_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.fleet import Cluster, FleetWorkload
    from yuheng.model.pod import Pod
    from yuheng.model.propagation import OverridePolicy
    from yuheng.readers.fleet.workloads import Templates, WrittenWorkload
    from yuheng.readers.karmada.overriding import Override
    from yuheng.readers.sources.documents import Item

__all__ = ["idle_overrides", "variants"]

# How many pods there are is decided by placement, and not by a cluster.
COUNTS: Final = ("replicas", "parallelism", "completions")


def variants(
    templates: Templates, overrides: Sequence[OverridePolicy], clusters: Sequence[Cluster], queues: Iterable[str]
) -> dict[tuple[str, str], dict[str, tuple[Pod, ...]]]:
    """The pods of each workload (kind and key) by cluster, where a policy changes them.

    Clusters with the same rules get the same pods, so that what they share stays shared.

    Args:
        templates: the workloads.
        overrides: the override policies.
        clusters: where workloads may go.
        queues: names of queues that clusters have.

    Raises:
        InputError: a rule cannot be applied to a workload, or what it makes is none.
    """
    changed = {one.identity: found for one in templates.workloads if (found := _of(one, overrides, clusters))}
    made: defaultdict[tuple[str, str], dict[str, tuple[Pod, ...]]] = defaultdict(dict)
    # An object can be there only once, so that the first variants of all workloads are read together, then the second.
    for number in range(max(map(len, changed.values()), default=0)):
        items = [found[number][0] for found in changed.values() if number < len(found)]
        pods = pods_of([*items, *templates.shared], templates.owners, queues)
        for identity, found in changed.items():
            if number < len(found):
                made[identity] |= dict.fromkeys(found[number][1], tuple(pods.get(identity, ())))
    return dict(made)


def idle_overrides(overrides: Iterable[OverridePolicy], workloads: Sequence[FleetWorkload]) -> list[str]:
    """One sentence for each override policy that selects no workload."""
    return [
        f"{policy.source}: {policy.kind} {policy.key} selects no workload"
        for policy in overrides
        if not any(_is_meant(policy, workload) for workload in workloads)
    ]


def _is_meant(policy: OverridePolicy, workload: FleetWorkload) -> bool:
    if policy.namespace not in ("", workload.namespace):
        return False
    return not policy.resource_selectors or any(one.precision(workload) for one in policy.resource_selectors)


def _of(
    written: WrittenWorkload, overrides: Sequence[OverridePolicy], clusters: Sequence[Cluster]
) -> list[tuple[Item, tuple[str, ...]]]:
    """The objects that policies make of a workload, each with the clusters that get it."""
    workload = written.workload
    meant = [policy for policy in overrides if _is_meant(policy, workload)]
    if not meant:
        return []
    manifest = _manifest(written)
    by_rules: defaultdict[tuple[tuple[int, int], ...], list[str]] = defaultdict(list)
    rules: dict[tuple[tuple[int, int], ...], tuple[Override, ...]] = {}
    for cluster in clusters:
        found = overrides_of(manifest, meant, cluster)
        if found:
            key = tuple((id(one.policy), one.number) for one in found)
            rules[key] = found
            by_rules[key].append(cluster.name)
    return [(_item(written, manifest, applied(manifest, rules[key])), tuple(names)) for key, names in by_rules.items()]


def _manifest(written: WrittenWorkload) -> dict[str, Any]:
    found: dict[str, Any] = without_nulls(msgspec.json.decode(written.item.text))
    return {**found, "apiVersion": written.workload.api_version, "kind": written.workload.kind}


def _item(written: WrittenWorkload, before: Mapping[str, Any], after: dict[str, Any]) -> Item:
    spec, own = after.get("spec"), before.get("spec")
    if isinstance(spec, dict) and isinstance(own, dict):
        for name in COUNTS:
            spec.pop(name, None)
            if name in own:
                spec[name] = own[name]
    return msgspec.structs.replace(written.item, text=msgspec.Raw(msgspec.json.encode(after)))
