"""From a plan to what each cluster is to have.

A workload goes where the plan gives it replicas. What is written beside the workloads follows them: an object of a
namespace goes to every cluster that has a workload of that namespace, an object of the whole cluster to every cluster
that has any; where a Karmada policy selects it, the policy says where instead. Each comes in a rank: namespaces before
what lives in them, definitions before what they define, what pods need before the workloads that make them.

A workload that has no place is left alone where it is: an answer of "no room" takes nothing away. One that asks for
no replicas is paused, not gone: it stays where it was, with none. Where an autoscaler has the say, the plan says where.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.dispatching.decision import Decision, decided
from yuheng.kubernetes.dispatching.manifests import Manifest, made_for, paused, stamped, with_share
from yuheng.kubernetes.dispatching.runs import print_of
from yuheng.kubernetes.dispatching.scaled import has_own_replicas, scaled_by
from yuheng.model.fleet import FleetWorkload
from yuheng.model.propagation import PropagationPolicy
from yuheng.placement.propagation import PolicyIndex, Propagator
from yuheng.readers.fleet.kinds import ARGO, KARMADA, OURS, group_of
from yuheng.readers.inventory import CLUSTER_WIDE, key_of

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.catalog import Catalog
    from yuheng.model.fleet import Cluster, Fleet
    from yuheng.model.fleet_plan import WorkloadPlan
    from yuheng.readers.fleet.reader import Manifests
    from yuheng.readers.sources.documents import Item

__all__ = ["RANKS", "Identity", "Targets", "Wanted", "identity_of", "targets_of"]

# Kind and ``namespace/name``, as a plan tells workloads.
Identity = tuple[str, str]
NAMESPACES, DEFINITIONS, NEEDED, WORKLOADS = range(4)
RANKS: Final = (NAMESPACES, DEFINITIONS, NEEDED, WORKLOADS)
# What belongs to one cluster's state, and is nobody's to carry to another.
_STATE: Final = frozenset(
    (
        "ComponentStatus",
        "ControllerRevision",
        "Endpoints",
        "EndpointSlice",
        "Event",
        "Lease",
        "Node",
        "PersistentVolume",
    )
)
_GROUP_NAME: Final = "scheduling.k8s.io/group-name"


class Wanted(NamedTuple):
    """An object that a cluster is to have.

    Attributes:
        manifest: what is applied.
        rank: when.
        workload: which one it is a share of; None for what is none.
        shrinks: whether it has fewer replicas than it was given before.
        replicas: of a share; 0 for what is none.
        is_scaled: whether an autoscaler says how many replicas it has once it is there.
        takes_replicas: whether its replicas are taken over from whoever sets them: it is paused, or has its autoscaler
            no more.
        written: what tells whether something that runs to an end is written as before; empty for what runs on.
    """

    manifest: Manifest
    rank: int
    workload: Identity | None = None
    shrinks: bool = False
    replicas: int = 0
    is_scaled: bool = False
    written: str = ""
    takes_replicas: bool = False

    @property
    def api_version(self) -> str:
        """Such as ``apps/v1``."""
        return str(self.manifest["apiVersion"])

    @property
    def kind(self) -> str:
        """Such as ``Deployment``."""
        return str(self.manifest["kind"])

    @property
    def namespace(self) -> str:
        """As it is written; empty where it is not."""
        return str(self.manifest["metadata"].get("namespace") or "")

    @property
    def name(self) -> str:
        """Of the object."""
        return str(self.manifest["metadata"].get("name") or "")


class Targets(NamedTuple):
    """What the clusters are to have.

    Attributes:
        wanted: by cluster.
        decisions: on the workloads that have a place.
        alone: workloads that are left alone, since they have none.
        notes: what goes nowhere, and why, a sentence each.
    """

    wanted: dict[str, list[Wanted]]
    decisions: dict[Identity, Decision]
    alone: frozenset[Identity]
    notes: list[str]


class _Head(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[dict[str, Any]] | None = None


class _Headed(msgspec.Struct):
    metadata: _Head = msgspec.field(default_factory=_Head)


def identity_of(workload: FleetWorkload) -> Identity:
    """As a plan tells a workload."""
    return workload.kind, workload.key


def targets_of(
    fleet: Fleet,
    written: Manifests,
    plans: Iterable[WorkloadPlan],
    last: Mapping[Identity, Decision],
    catalogs: Iterable[Catalog],
    *,
    name: str,
    lost: Iterable[str] = (),
    held: Iterable[Identity] = (),
) -> Targets:
    """What the clusters are to have.

    Args:
        fleet: the clusters and policies.
        written: what is written for it.
        plans: of the workloads.
        last: the decisions before.
        catalogs: tell which kinds live in namespaces.
        name: of the fleet.
        lost: clusters that are given up.
        held: workloads that are left alone, whatever the plan says of them.

    Raises:
        InputError: an override cannot be applied; an object has no name, or that of another one.
    """
    making = _Making(fleet, written, last, tuple(catalogs), name, frozenset(lost))
    return making.targets(plans, frozenset(held))


class _Making:
    """Targets in the making."""

    def __init__(
        self,
        fleet: Fleet,
        written: Manifests,
        last: Mapping[Identity, Decision],
        catalogs: tuple[Catalog, ...],
        name: str,
        lost: frozenset[str],
    ) -> None:
        self._fleet = fleet
        self._clusters = {cluster.name: cluster for cluster in fleet.clusters if cluster.name not in lost}
        self._written = written
        self._last = last
        self._catalogs = catalogs
        self._name = name
        self._lost = lost
        self._index = PolicyIndex(fleet.policies)
        self._propagator = Propagator(tuple(self._clusters.values()))
        self._notes: dict[str, None] = {}
        self._scaled = scaled_by(written.beside)
        self._seen: dict[tuple[str, str, str], Item] = {}

    def targets(self, plans: Iterable[WorkloadPlan], held: frozenset[Identity]) -> Targets:
        """The workloads first, then what follows them."""
        wanted: dict[str, list[Wanted]] = {name: [] for name in self._clusters}
        decisions: dict[Identity, Decision] = {}
        alone: set[Identity] = set()
        found = {(plan.kind, plan.workload): plan for plan in plans}
        for one in self._written.templates.workloads:
            identity = identity_of(one.workload)
            plan = found.get(identity)
            replicas = dict(plan.replicas) if plan is not None else {}
            if identity in held or (plan is not None and plan.reason):
                alone.add(identity)
            elif not one.workload.pods:
                decisions |= self._paused(one.item, one.workload, wanted)
            elif replicas:
                decisions[identity] = decided(self._last.get(identity), replicas, self._lost)
                for name, share in self._shares(one.item, one.workload, replicas, decisions[identity]):
                    wanted[name].append(share)
        # Those that are left alone need what they need still.
        homes = _homes(decisions, {one: self._last[one] for one in alone if one in self._last})
        for item in self._written.beside:
            for cluster in self._followers(item, homes):
                wanted[cluster.name].append(self._beside(item, cluster))
        return Targets(wanted, decisions, frozenset(alone), list(self._notes))

    def _shares(
        self, item: Item, workload: FleetWorkload, replicas: Mapping[str, int], decision: Decision
    ) -> Iterator[tuple[str, Wanted]]:
        before = self._last.get(identity_of(workload))
        for name, count in replicas.items():
            manifest = made_for(item, workload.api_version, self._written.overrides, self._clusters[name])
            shared = with_share(manifest, name, replicas, len(workload.pods))
            shrinks = before is not None and before.replicas.get(name, 0) > count
            made = stamped(shared, self._name, decision)
            is_scaled = identity_of(workload) in self._scaled or has_own_replicas(manifest)
            yield name, Wanted(made, WORKLOADS, identity_of(workload), shrinks, count, is_scaled, print_of(manifest))

    def _paused(
        self, item: Item, workload: FleetWorkload, wanted: Mapping[str, list[Wanted]]
    ) -> dict[Identity, Decision]:
        """A workload that asks for no replicas: it stays where it was, and so does the decision on it."""
        identity = identity_of(workload)
        last = self._last.get(identity)
        if last is None:
            self._notes[f"{item.source}: {item.kind} {key_of(item)} goes nowhere: it asks for no replicas"] = None
            return {}
        for name in last.replicas:
            if name in self._clusters:
                manifest = made_for(item, workload.api_version, self._written.overrides, self._clusters[name])
                is_scaled = identity in self._scaled or has_own_replicas(manifest)
                made = stamped(paused(manifest, is_scaled=is_scaled), self._name, last)
                wanted[name].append(Wanted(made, WORKLOADS, identity, is_scaled=is_scaled, takes_replicas=is_scaled))
        return {identity: last}

    def _beside(self, item: Item, cluster: Cluster) -> Wanted:
        made = stamped(made_for(item, "", self._written.overrides, cluster), self._name, None)
        rank = {"Namespace": NAMESPACES, "CustomResourceDefinition": DEFINITIONS}.get(item.kind, NEEDED)
        return Wanted(made, WORKLOADS if item.kind == "DaemonSet" else rank)

    def _followers(self, item: Item, homes: Mapping[str, set[str]]) -> list[Cluster]:
        """The clusters that what is written beside the workloads goes to."""
        if _is_nobodys(item):
            return []
        head = msgspec.json.decode(item.text, type=_Headed).metadata
        if head.owner_references:
            return []
        self._check_once(item, head)
        policy = self._policy(item, head)
        if policy is not None:
            return self._by_policy(item, head, policy)
        if item.kind == "CronJob":
            self._notes[f"{item.source}: CronJob {key_of(item)} goes nowhere: no Karmada policy says where"] = None
            return []
        if item.kind == "ReplicaSet":
            return []
        if item.kind == "Pod":
            group = (head.annotations or {}).get(_GROUP_NAME, "")
            names = homes.get(f"PodGroup {head.namespace or 'default'}/{group}", set())
        elif item.kind == "Namespace":
            names = homes.get(head.name, set())
        elif self._is_wide(item):
            names = {name for one in homes.values() for name in one}
        else:
            names = homes.get(head.namespace or "default", set())
        return [self._clusters[name] for name in sorted(names) if name in self._clusters]

    def _check_once(self, item: Item, head: _Head) -> None:
        """See that an object can be applied: which of two of one name would last is up to chance."""
        if not head.name:
            raise InputError("no metadata.name", "one: what is applied again has to be found", source=item.place())
        # Who writes no namespace means that of the context, which is the default one here.
        key = f"{group_of(item)}/{item.kind}", head.namespace or "default", head.name
        first = self._seen.setdefault(key, item)
        if first is not item:
            raise InputError(
                f"a second {item.kind} of this name (the first: {first.place()})",
                "one object of a name",
                source=item.place(),
                subject=f"{item.kind} {key_of(item)}",
            )

    def _policy(self, item: Item, head: _Head) -> PropagationPolicy | None:
        return self._index.policy_for(_as_workload(item, head)) if self._fleet.policies else None

    def _by_policy(self, item: Item, head: _Head, policy: PropagationPolicy) -> list[Cluster]:
        found = self._propagator.propagate(_as_workload(item, head), policy, lambda _: 2**31 - 1)
        if found.reason:
            self._notes[f"{item.source}: {item.kind} {key_of(item)} goes nowhere: {found.reason}"] = None
        return [self._clusters[name] for name in sorted(found.selected)]

    def _is_wide(self, item: Item) -> bool:
        known = (catalog.find(item.api_version, item.kind) for catalog in self._catalogs)
        kind = next((one for one in known if one is not None), None)
        return not kind.namespaced if kind is not None else item.kind in CLUSTER_WIDE


def _as_workload(item: Item, head: _Head) -> FleetWorkload:
    """An object as policies look at it; it has no replicas."""
    return FleetWorkload(
        key=f"{head.namespace or 'default'}/{head.name}",
        kind=item.kind,
        api_version=item.api_version,
        labels=head.labels or {},
        pods=(),
    )


def _is_nobodys(item: Item) -> bool:
    """Whether an object speaks of the fleet, or belongs to the state of one cluster."""
    group = group_of(item)
    return item.kind in _STATE or group in (OURS, ARGO) or group.endswith(KARMADA)


def _homes(*decisions: Mapping[Identity, Decision]) -> dict[str, set[str]]:
    """The clusters of each namespace, and of each PodGroup by kind and key."""
    homes: dict[str, set[str]] = {}
    for some in decisions:
        for (kind, key), decision in some.items():
            homes.setdefault(key.partition("/")[0], set()).update(decision.replicas)
            if kind == "PodGroup":
                homes.setdefault(f"PodGroup {key}", set()).update(decision.replicas)
    return homes
