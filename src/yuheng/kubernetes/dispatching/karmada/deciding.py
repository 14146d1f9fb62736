"""A decision on one binding, and how it is written down: ``spec.clusters``, and what ``status`` says of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.dispatching.karmada.bindings import APPLIED, Binding, Condition
from yuheng.kubernetes.dispatching.karmada.room import MemberStatus
from yuheng.model.fleet import FleetWorkload
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.propagation import PropagationPolicy
from yuheng.placement.propagation import Propagator
from yuheng.readers.karmada import read_propagation_policy
from yuheng.readers.objects.requests import amounts, whole

__all__ = ["ERROR", "NO_FIT", "SUCCESS", "Verdict", "decide", "decided_before", "spec_patch", "status_patch"]

SUCCESS: Final = "Success"
NO_FIT: Final = "NoClusterFit"
UNSCHEDULABLE: Final = "Unschedulable"
ERROR: Final = "SchedulerError"
_DONE: Final = "Binding has been scheduled successfully."
# What an API server takes as the message of a condition.
_LONGEST: Final = 32768
_NO_KIND: Final = "of a missing API resource"


class Verdict(NamedTuple):
    """What was decided on a binding.

    Attributes:
        reason: of the condition ``Scheduled``; `SUCCESS` where it has clusters.
        message: in words.
        clusters: and replicas; None to leave those it has.
        affinity: the name of the cluster affinity that was used.
    """

    reason: str
    message: str
    clusters: Mapping[str, int] | None
    affinity: str = ""


def decide(
    binding: Binding, members: Sequence[MemberStatus], blind: Mapping[str, str] = {}, gone: Collection[str] = ()
) -> Verdict:
    """Decide on a binding.

    Args:
        binding: what is asked.
        members: the clusters.
        blind: clusters that cannot be read, and why.
        gone: clusters that are gone for certain; what a binding has elsewhere, and nobody knows, it keeps.
    """
    try:
        policy, request = _policy(binding), _request(binding)
    except (InputError, msgspec.DecodeError) as error:
        return Verdict(ERROR, str(error), None)
    spec = binding.spec
    previous = {one.name: one.replicas for one in spec.clusters or ()}
    if unknown := _unknown(previous, members, blind, gone):
        return Verdict(ERROR, unknown, None)
    # Who is not ready loses nothing by that here: it gets nothing new, and evictions are the taint manager's.
    open_to = [one.as_ready() if one.cluster.name in previous else one for one in members if not one.is_leaving]
    closed = {
        one.cluster.name: _NO_KIND
        for one in open_to
        if not one.knows(spec.resource.api_version, spec.resource.kind) and one.cluster.name not in previous
    }
    rooms = {one.cluster.name: one for one in open_to}
    found = Propagator([one.cluster for one in open_to]).propagate(
        _workload(binding, previous),
        policy,
        lambda name: rooms[name].room(request),
        leaving=frozenset(task.from_cluster for task in spec.graceful_eviction_tasks or ()),
        rebalance=binding.wants_all_anew,
        closed=closed,
    )
    if not found.reason:
        clusters = dict(found.replicas) or dict.fromkeys(sorted(found.selected), spec.replicas)
        return Verdict(SUCCESS, _DONE, clusters, found.affinity)
    if found.reason.startswith("0/"):
        # Nothing holds it any more: what it has is taken back, as karmada-scheduler does.
        return Verdict(NO_FIT, found.reason, {}, found.affinity)
    return Verdict(UNSCHEDULABLE, found.reason, None, found.affinity)


def _unknown(
    previous: Collection[str], members: Sequence[MemberStatus], blind: Mapping[str, str], gone: Collection[str]
) -> str:
    """What is not known of the clusters, so that to decide could take away what runs there; empty where all is."""
    if unread := sorted(blind.keys() & set(previous)):
        return f"cluster {unread[0]} cannot be read: {blind[unread[0]]}"
    if not members:
        return "no clusters available to schedule: no cluster is known, and what is there stays"
    names = {one.cluster.name for one in members}
    lost = sorted(set(previous) - names - set(gone))
    return f"cluster {lost[0]} is not in the list, and was not seen to be deleted: what is there stays" if lost else ""


def decided_before(binding: Binding) -> Verdict | None:
    """The verdict on a binding that has its clusters and does not say so; None where it has to be decided on."""
    if not binding.is_untold:
        return None
    clusters = {one.name: one.replicas for one in binding.spec.clusters or ()}
    return Verdict(SUCCESS, _DONE, clusters, binding.status.affinity)


def _policy(binding: Binding) -> PropagationPolicy:
    """The placement of a binding as the policy that it was copied from."""
    resource = binding.spec.resource
    selector = {"apiVersion": resource.api_version, "kind": resource.kind, "name": resource.name}
    spec: dict[str, Any] = {"resourceSelectors": [selector], "placement": binding.spec.placement}
    if bytes(binding.spec.failover):
        spec["failover"] = binding.spec.failover
    metadata = {"name": binding.metadata.name}
    text = msgspec.json.encode({"kind": "ClusterPropagationPolicy", "metadata": metadata, "spec": spec})
    return read_propagation_policy(text).policy


def _request(binding: Binding) -> dict[str, int]:
    needs = binding.spec.replica_requirements
    return whole(amounts(needs.resource_request, "spec.replicaRequirements.resourceRequest")) if needs else {}


def _workload(binding: Binding, previous: Mapping[str, int]) -> FleetWorkload:
    resource = binding.spec.resource
    pod = Pod(name=resource.name, spec=PodSpec(requests={}))
    return FleetWorkload(
        key=f"{resource.namespace}/{resource.name}",
        kind=resource.kind,
        api_version=resource.api_version,
        pods=(pod,) * binding.spec.replicas,
        previous={name: max(count, 1) if not binding.spec.replicas else count for name, count in previous.items()},
        affinity=binding.status.affinity,
    )


def spec_patch(binding: Binding, verdict: Verdict) -> bytes | None:
    """The merge patch of a binding's specification, for the version that was decided on; None where it says so already.

    Args:
        binding: as it was decided on.
        verdict: what was decided.
    """
    if verdict.clusters is None:
        return None
    clusters = [
        {"name": name, "replicas": count} if binding.spec.replicas else {"name": name}
        for name, count in sorted(verdict.clusters.items())
    ]
    now = {one.name: one.replicas for one in binding.spec.clusters or ()}
    is_same = now == dict(verdict.clusters)
    annotation = (binding.metadata.annotations or {}).get(APPLIED)
    if is_same and annotation == binding.applied:
        return None
    metadata = {"resourceVersion": binding.metadata.resource_version, "annotations": {APPLIED: binding.applied}}
    spec: dict[str, Any] = {} if is_same else {"spec": {"clusters": clusters or None}}
    return msgspec.json.encode({"metadata": metadata, **spec})


def status_patch(binding: Binding, verdict: Verdict, wall: float) -> bytes | None:
    """The merge patch of a binding's status; None where it says so already.

    Args:
        binding: as it is after its specification was written.
        verdict: what was decided.
        wall: seconds since the epoch.
    """
    now, asked = _stamp(wall), binding.spec.reschedule_triggered_at
    is_done = verdict.reason == SUCCESS
    conditions = list(binding.status.conditions or ())
    old = next((one for one in conditions if one.type == "Scheduled"), None)
    status = "True" if is_done else "False"
    since = old.last_transition_time if old is not None and old.status == status else now
    new = Condition("Scheduled", status, verdict.reason, verdict.message[:_LONGEST], since)
    changed: dict[str, Any] = {}
    if old != new:
        changed["conditions"] = [*(one for one in conditions if one.type != "Scheduled"), new]
    if is_done and binding.status.affinity != verdict.affinity:
        changed["schedulerObservingAffinityName"] = verdict.affinity
    if is_done and binding.status.scheduler_observed_generation != binding.metadata.generation:
        changed["schedulerObservedGeneration"] = binding.metadata.generation
    if is_done and (changed or binding.wants_all_anew):
        # What was asked for ahead of our clock was done then, or it would be done again and again.
        changed["lastScheduledTime"] = _stamp(max(wall, math.ceil(asked.timestamp()) if asked is not None else wall))
    if not changed:
        return None
    # Others write conditions of theirs, and the list is written whole.
    return msgspec.json.encode({"metadata": {"resourceVersion": binding.metadata.resource_version}, "status": changed})


def _stamp(wall: float) -> str:
    """A time as Kubernetes writes it."""
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
