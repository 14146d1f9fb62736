"""Karmada's objects among those of the input, checked against each other."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.labels import REGION, ZONE
from yuheng.model.node import Node
from yuheng.readers.attempts import forgiving
from yuheng.readers.fleet.assumptions import listed
from yuheng.readers.fleet.kinds import subject_of_fleet
from yuheng.readers.inventory import key_of
from yuheng.readers.karmada import (
    read_binding,
    read_karmada_cluster,
    read_override_policy,
    read_propagation_policy,
    read_rebalancer,
    stray_keys,
)
from yuheng.readers.objects.requests import amounts, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from yuheng.model.fleet import Cluster
    from yuheng.model.propagation import Binding, OverridePolicy, PropagationPolicy, ResourceSelector
    from yuheng.readers.sources.documents import Item

__all__ = ["Karmada"]

T = TypeVar("T")
# The number of an item of a list, in the path of a field.
_NUMBER: Final = re.compile(r"\[\d+\]")


class Karmada:
    """What Karmada's objects say.

    Args:
        items: the objects.

    Attributes:
        clusters: by name; the state is a single node that stands for all, where the status sums them up.
        summed: names of the clusters of which only such a sum is known.
        policies: sorted by namespace and name.
        overrides: sorted by namespace and name.
        rebalanced: workloads that are to be placed anew.
        warnings: what of them is not used.

    Raises:
        InputError: an object is not what Karmada defines, or is there twice.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self.warnings: list[str] = []
        self._by_kind: defaultdict[str, list[Item]] = defaultdict(list)
        for item in items:
            self._by_kind[item.kind].append(item)
        self._check_once()
        self.warnings += _stray(items)
        self.summed: list[str] = []
        self.clusters = {cluster.name: cluster for cluster in map(self._cluster, self._by_kind["Cluster"])}
        self.policies = self._policies()
        self.overrides = self._overrides()
        self._bindings = self._read_bindings()
        self.rebalanced = self._rebalancers()

    def binding(self, kind: str, key: str) -> Binding | None:
        """Where Karmada has placed a workload (``namespace/name``); None when nothing says so."""
        return self._bindings.get((kind, key))

    def strangers(self, clusters: Iterable[str]) -> list[str]:
        """One sentence for each binding to clusters that are not among these."""
        known = set(clusters)
        return [
            f"{binding.source}: the binding of {binding.kind} {key} names clusters that are not in the fleet:"
            f" {listed(gone)}"
            for (_, key), binding in self._bindings.items()
            if (gone := set(binding.clusters) - known)
        ]

    def is_rebalanced(self, kind: str, key: str) -> bool:
        """Whether a workload is to be placed anew."""
        return (kind, key) in self.rebalanced

    def _check_once(self) -> None:
        seen: dict[tuple[str, str], Item] = {}
        for items in self._by_kind.values():
            for item in items:
                first = seen.setdefault((item.kind, key_of(item)), item)
                if first is not item:
                    raise InputError(
                        f"a second {item.kind} of this name (the first: {first.place()})",
                        "one object of a name",
                        source=item.source,
                        subject=subject_of_fleet(item),
                    )

    def _cluster(self, item: Item) -> Cluster:
        if not key_of(item):
            found_none = InputError("nothing", "a name", field="metadata.name")
            raise found_none.at(source=item.source, subject=subject_of_fleet(item))
        found = msgspec.structs.replace(_converted(item, read_karmada_cluster), source=item.source)
        node = _converted(item, _summed_node)
        if node is None:
            return found
        self.summed.append(found.name)
        places = ((REGION, found.region), (ZONE, found.zones[0] if len(found.zones) == 1 else ""))
        labels = {key: value for key, value in places if value}
        node = msgspec.structs.replace(node, name=f"{found.name}-summary", labels=labels)
        return msgspec.structs.replace(found, snapshot=Snapshot(nodes=(node,)))

    def _policies(self) -> tuple[PropagationPolicy, ...]:
        found = []
        for item in (*self._by_kind["PropagationPolicy"], *self._by_kind["ClusterPropagationPolicy"]):
            reading = _converted(item, read_propagation_policy)
            self.warnings += (f"{item.source}: {warning}" for warning in reading.warnings)
            found.append(msgspec.structs.replace(reading.policy, source=item.source))
        return tuple(sorted(found, key=lambda policy: (policy.namespace, policy.name)))

    def _overrides(self) -> tuple[OverridePolicy, ...]:
        found = [
            msgspec.structs.replace(_converted(item, read_override_policy), source=item.source)
            for item in (*self._by_kind["OverridePolicy"], *self._by_kind["ClusterOverridePolicy"])
        ]
        return tuple(sorted(found, key=lambda policy: (policy.namespace, policy.name)))

    def _read_bindings(self) -> dict[tuple[str, str], Binding]:
        found: dict[tuple[str, str], Binding] = {}
        for item in (*self._by_kind["ResourceBinding"], *self._by_kind["ClusterResourceBinding"]):
            binding = msgspec.structs.replace(_converted(item, read_binding), source=item.source)
            found[_identity(binding)] = binding
        return found

    def _rebalancers(self) -> set[tuple[str, str]]:
        named = (_converted(item, read_rebalancer) for item in self._by_kind["WorkloadRebalancer"])
        return {_identity(selector) for selectors in named for selector in selectors}


def _identity(named: Binding | ResourceSelector) -> tuple[str, str]:
    """The kind and the key of an object, as `yuheng.readers.fleet.owners` tells workloads."""
    group = named.api_version.rpartition("/")[0]
    kind = f"{named.kind}.{group}" if group == "batch.volcano.sh" else named.kind
    return kind, f"{named.namespace or 'default'}/{named.name}"


def _converted(item: Item, convert: Callable[[bytes | msgspec.Raw], T]) -> T:
    try:
        return forgiving(convert, item.text)
    except InputError as error:
        raise error.at(source=item.source, subject=subject_of_fleet(item)) from error.__cause__


def _stray(items: Iterable[Item]) -> list[str]:
    """One sentence for each key that Karmada does not define; the same one in many objects of a kind is told once."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in items:
        for stray in stray_keys(item.kind, msgspec.json.decode(item.text)):
            hint = f" (did you mean {stray.meant}?)" if stray.meant else ""
            told = f"{item.source}: {subject_of_fleet(item)}: {stray.path} is no field of Karmada's{hint}"
            found.setdefault((item.kind, _NUMBER.sub("", stray.path)), []).append(told)
    return [f"{told[0]}: it is not used{_again(len(told) - 1)}" for told in found.values()]


def _again(times: int) -> str:
    return f", there and {times} time{'' if times == 1 else 's'} more" if times else ""


class Summary(msgspec.Struct, rename="camel"):
    """``status.resourceSummary`` of a Cluster."""

    allocatable: dict[str, str | int | float] = {}
    allocated: dict[str, str | int | float] = {}
    allocating: dict[str, str | int | float] = {}


class Status(msgspec.Struct, rename="camel"):
    """``status`` of a Cluster, for its sum."""

    resource_summary: Summary | None = None


class Summed(msgspec.Struct):
    """A Cluster, for its sum."""

    status: Status | None = None


def _summed_node(text: bytes | msgspec.Raw) -> Node | None:
    """What is free in a cluster, as one node; None when its status does not say.

    Raises:
        InputError: an amount is malformed or negative.
    """
    status = msgspec.json.decode(text, type=Summed).status
    summary = status.resource_summary if status else None
    if summary is None or not summary.allocatable:
        return None
    place = "status.resourceSummary"
    total: dict[str, Any] = whole(amounts(summary.allocatable, f"{place}.allocatable"))
    for name, taken in (("allocated", summary.allocated), ("allocating", summary.allocating)):
        for resource, amount in whole(amounts(taken, f"{place}.{name}")).items():
            total[resource] = max(0, total.get(resource, 0) - amount)
    return Node(name="", allocatable=total)
