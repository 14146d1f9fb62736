"""`fleet_of`: from the objects of the input to the fleet."""

from __future__ import annotations

import gc
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.fleet import Cluster, Fleet, FleetWorkload, PowerModel
from yuheng.model.prices import DEFAULT_RATES
from yuheng.readers.fleet.assumptions import assumptions
from yuheng.readers.fleet.cluster_fields import ClusterObject
from yuheng.readers.fleet.clusters import WrittenCluster, cluster_of
from yuheng.readers.fleet.exchange import Exchange
from yuheng.readers.fleet.karmada import Karmada
from yuheng.readers.fleet.kinds import OURS, checked, group_of, is_karmada, passed_over
from yuheng.readers.fleet.objects import parsed
from yuheng.readers.fleet.owners import Owners
from yuheng.readers.fleet.placed import placed
from yuheng.readers.fleet.policy_fields import PlacementPolicyObject
from yuheng.readers.fleet.previous import running
from yuheng.readers.fleet.region_fields import RegionObject
from yuheng.readers.fleet.regions import Atlas, WrittenRegion
from yuheng.readers.fleet.requirements import Policies, WrittenPolicy, check_deadlines
from yuheng.readers.fleet.tables import Tables, WrittenSettings
from yuheng.readers.fleet.variants import idle_overrides, variants
from yuheng.readers.fleet.workloads import Templates, pod_maker, read_workloads
from yuheng.readers.inventory import subject_of
from yuheng.readers.workflows import is_workflow, read_workflows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from yuheng.model.cluster import Snapshot
    from yuheng.model.prices import PriceBook
    from yuheng.model.propagation import OverridePolicy
    from yuheng.model.requirements import Requirements
    from yuheng.readers.fleet.inputs import Inputs
    from yuheng.readers.sources.documents import Item

__all__ = ["Manifests", "carried_of", "fleet_of", "members_of"]


class Manifests(NamedTuple):
    """What of a fleet's input is written for its clusters, as it is written.

    Attributes:
        templates: the workloads.
        beside: the other objects at fleet level.
        overrides: what changes them on their way.
    """

    templates: Templates
    beside: tuple[Item, ...]
    overrides: tuple[OverridePolicy, ...]

    @classmethod
    def of(cls, items: Iterable[Item], templates: Templates, overrides: tuple[OverridePolicy, ...]) -> Manifests:
        """What is left of the objects at fleet level when the workloads are taken out of them."""
        placed = {id(one.item) for one in templates.workloads}
        beside = (item for item in items if id(item) not in placed and not _is_described(item))
        return cls(templates, tuple(item for item in beside if not is_workflow(item)), overrides)


def members_of(inputs: Inputs) -> tuple[str, list[WrittenCluster]]:
    """The name of the fleet, empty where no Fleet says one, and its clusters of ours, as they are written.

    Raises:
        InputError: an object of ours is not what it should be.
    """
    reading = _Reading(inputs)
    return reading.settings.name, reading.clusters


def carried_of(inputs: Inputs, states: Mapping[str, Snapshot]) -> tuple[Fleet, Manifests]:
    """The fleet of the input, and what is written for its clusters.

    Args:
        inputs: what was given.
        states: of clusters that somebody has read already, by name.

    Raises:
        InputError: something is not what it should be; the message says where.
        NotFoundError: a path does not exist.
    """
    with _collector_paused():
        reading = _Reading(inputs, states)
        return reading.fleet(), reading.manifests


def fleet_of(inputs: Inputs) -> Fleet:
    """The fleet of the input.

    Args:
        inputs: what was given.

    Raises:
        InputError: something is not what it should be; the message says where.
        NotFoundError: a path does not exist.
    """
    with _collector_paused():
        return _Reading(inputs).fleet()


class _Reading:
    """One fleet, while it is read."""

    def __init__(self, inputs: Inputs, states: Mapping[str, Snapshot] | None = None) -> None:
        self._inputs = inputs
        self._states = states or {}
        self.manifests = Manifests(Templates([], Owners(()), [], (), []), (), ())
        self._warnings: list[str] = []
        self._ours: defaultdict[str, list[Item]] = defaultdict(list)
        for item in inputs.described():
            if group_of(item) == OURS:
                self._ours[checked(item).kind].append(item)
        self.settings = WrittenSettings.of(self._ours["Fleet"])
        self._exchange = Exchange(self.settings.spec.exchange_rates, self.settings.spec.currency)
        self.clusters = [WrittenCluster(parsed(item, ClusterObject), item.source) for item in self._ours["Cluster"]]
        self._regions = [WrittenRegion(parsed(item, RegionObject), item.source) for item in self._ours["Region"]]
        _check_once(self.clusters)

    def fleet(self) -> Fleet:
        """The fleet."""
        items, csv = self._inputs.others(self._used(), _is_described)
        self._warnings += passed_over([checked(item) for item in items])
        workflows = read_workflows(items, pod_maker(items))
        karmada = Karmada([item for item in items if is_karmada(item)])
        tables = Tables(self.settings, csv, self._exchange)
        book = tables.book()
        clusters = self._all_clusters(book, karmada)
        queues = {queue.name for cluster in clusters for queue in cluster.snapshot.queues}
        templates = read_workloads(
            [item for item in items if not _is_described(item) and not is_workflow(item)], queues
        )
        self.manifests = Manifests.of(items, templates, karmada.overrides)
        time = self._time(clusters)
        written = self._with_requirements(templates, time)
        check_deadlines(workflows.workflows, time)
        needs = [one.requirements for one in written.values()]
        needs += [task.requirements for workflow in workflows.workflows for task in workflow.tasks]
        atlas = Atlas(self._regions, clusters, _homes(needs), book)
        clusters, running_pods = running([atlas.placed(cluster) for cluster in clusters], templates.owners)
        changed = variants(templates, karmada.overrides, clusters, queues)
        fleet = Fleet(
            clusters=tuple(clusters),
            regions=atlas.regions(tables.egress(atlas), self._exchange),
            prices=book,
            rates=self.settings.rates(self._exchange) or DEFAULT_RATES,
            power=tuple(PowerModel(**one.model_dump()) for one in self.settings.spec.power),
            workloads=tuple(
                placed(one, identity, karmada, running_pods.get(identity, {}), changed.get(identity, {}), atlas)
                for identity, one in written.items()
            ),
            policies=karmada.policies,
            workflows=workflows.workflows,
            time=time,
            skipped=templates.skipped,
        )
        karmadas = [*karmada.warnings, *karmada.strangers(cluster.name for cluster in clusters)]
        karmadas += idle_overrides(karmada.overrides, fleet.workloads)
        own = (*tables.warnings, *karmadas, *templates.warnings, *workflows.warnings, *self._warnings)
        said = (*own, *assumptions(fleet, atlas.implied, karmada.summed))
        return msgspec.structs.replace(fleet, warnings=tuple(dict.fromkeys(said)))

    def _all_clusters(self, book: PriceBook, karmada: Karmada) -> list[Cluster]:
        """All clusters, sorted; what Karmada knows of one that is ours too is kept where ours says nothing."""
        known = karmada.clusters
        states = self._states
        found = {
            one.name: cluster_of(one, book, self._exchange, known.get(one.name), states.get(one.name))
            for one in self.clusters
        }
        return [(known | found)[name] for name in sorted(known | found)]

    def _used(self) -> set[Path]:
        """The files that are named by others, and so are no objects of the fleet."""
        named = [path for cluster in self.clusters for path in cluster.manifests()]
        named += [path for region in self._regions for path in region.files()]
        return {path.resolve() for path in (*named, *self.settings.files())}

    def _time(self, clusters: Iterable[Cluster]) -> float | None:
        if self.settings.spec.time is not None:
            return self.settings.spec.time
        return max((one.snapshot.time for one in clusters if one.snapshot.time is not None), default=None)

    def _with_requirements(self, templates: Templates, time: float | None) -> dict[tuple[str, str], FleetWorkload]:
        """The workloads by kind and key, with what they need."""
        written = [
            WrittenPolicy(parsed(item, PlacementPolicyObject, subject_of(item)), item.source)
            for item in self._ours["PlacementPolicy"]
        ]
        policies = Policies(written, time)
        found = {
            one.identity: msgspec.structs.replace(one.workload, requirements=policies.requirements(one))
            for one in templates.workloads
        }
        for policy in policies.idle():
            self._warnings.append(f"{policy.source}: {policy.subject} selects no workload")
        return found


def _is_described(item: Item) -> bool:
    """Whether an object speaks of the fleet itself, and is none of what is to be placed.

    Raises:
        InputError: it should, and is not written so.
    """
    return group_of(checked(item)) == OURS or is_karmada(item)


def _check_once(clusters: Iterable[WrittenCluster]) -> None:
    seen: dict[str, WrittenCluster] = {}
    for one in clusters:
        first = seen.setdefault(one.name, one)
        if first is not one:
            raise InputError(
                f"a second Cluster of this name (the first: {first.source})",
                "one cluster of a name",
                source=one.source,
                subject=one.subject,
            )


def _homes(requirements: Iterable[Requirements]) -> Iterator[str]:
    """The regions that data live in, and users."""
    for needs in requirements:
        for use in (*needs.reads, *needs.writes):
            yield from use.regions
        if needs.latency is not None:
            yield from needs.latency.users


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the garbage collector: none of the many new objects is garbage, and looking takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
