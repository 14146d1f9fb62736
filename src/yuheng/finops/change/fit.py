"""Whether the head of a change fits on a cluster: the production scheduler asked on a copied state.

Pods of workloads of which nothing changes stay where they are, as many as the head wants. The other pods that run now
and belong to a workload of either version go, and the head's pods come in their place. That is the state after the
rollout; the surge of a rolling update is not in it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from yuheng.finops.change.growth import Grown, NodeKind, grow
from yuheng.finops.change.sides import Key, key_of, replicas_of, scalers_of
from yuheng.finops.node_pods import DAEMON
from yuheng.model.cluster import Snapshot
from yuheng.model.cost_change import ChangeFit, NoPlace
from yuheng.model.estate import Estate, WorkloadEstate
from yuheng.model.plan import Refusal
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import plan

__all__ = ["controller_of", "daemon_counts", "fits", "owner_of"]

TEMPLATE_HASH: Final = "pod-template-hash"
# A CronJob names its Jobs by the minute they are due at, in minutes since the epoch.
_DUE: Final = re.compile(r"-\d{8,}$")
Replicas = Literal["fewest", "most"]


class _Step(NamedTuple):
    """What the change does to the pods of a cluster.

    Attributes:
        staying: pods that run and go on running; the others that ran belong to the change and go.
        coming: pods to be placed.
        kept, removed: how many pods of the change's workloads stay, and go.
    """

    staying: Sequence[Pod]
    coming: Sequence[Pod]
    kept: int
    removed: int


def controller_of(pod: Pod) -> Key:
    """The workload that people wrote: the Deployment of a ReplicaSet, the CronJob of a Job, the pod itself."""
    owner = pod.owner
    if owner is None:
        return Key("Pod", pod.namespace, pod.name)
    tail = f"-{pod.labels.get(TEMPLATE_HASH, '')}"
    if owner.kind == "ReplicaSet" and len(tail) > 1 and owner.name.endswith(tail):
        return Key("Deployment", pod.namespace, owner.name.removesuffix(tail))
    if owner.kind == "Job" and _DUE.search(owner.name):
        return Key("CronJob", pod.namespace, _DUE.sub("", owner.name))
    return Key(owner.kind, pod.namespace, owner.name)


def owner_of(workload: WorkloadEstate) -> Key:
    """What the pods of a workload name as their controller (see `controller_of`).

    References to owners have no group of the kind here, and a Volcano Job's tasks have one owner together.
    """
    kind, name = workload.kind.partition(".")[0], workload.name.partition("/")[0]
    return Key(kind, workload.namespace, name)


def daemon_counts(version: Estate) -> dict[Key, int]:
    """How many pods each DaemonSet has on the nodes that the version's pods were made for."""
    counts = Counter(controller_of(pod) for pod in version.snapshot.pods)
    daemons = (item for item in version.workloads if item.replicas is None)
    return {key_of(item): counts[owner_of(item)] for item in daemons}


def fits(
    snapshot: Snapshot,
    base: Estate,
    head: Estate,
    kinds: Sequence[NodeKind],
    asked: tuple[str, Policy | None, int] = ("", None, 0),
) -> tuple[ChangeFit, ...]:
    """Whether the head fits on a cluster, with the fewest and with the most replicas where they differ.

    Args:
        snapshot: the cluster as it is; what waits in it is left out.
        base: what was.
        head: what is to be.
        kinds: nodes that could be added.
        asked: the cluster's name, to be told; what decides, None for the cluster's own or else the default; and the
            seed of everything random.
    """
    ranges = _ranges(head)
    differ = any(low != high for low, high in ranges.values())
    ends: tuple[Replicas, ...] = ("fewest", "most") if differ else ("most",)
    return tuple(_fit(snapshot, base, head, kinds, asked, end) for end in ends)


def _fit(
    snapshot: Snapshot,
    base: Estate,
    head: Estate,
    kinds: Sequence[NodeKind],
    asked: tuple[str, Policy | None, int],
    replicas: Replicas,
) -> ChangeFit:
    cluster, policy, seed = asked
    step = _step(snapshot, base, head, replicas)
    namespaces = {**head.namespaces, **snapshot.namespaces}
    bare: Snapshot = msgspec.structs.replace(
        snapshot, pods=(*step.staying, *step.coming), namespaces=namespaces, jobs=(), queues=(), hyper_nodes=()
    )
    chosen = policy or snapshot.configuration
    if chosen is not None and chosen.batch is not None:
        # Queues decide whose turn it is, not whether there is room.
        chosen = msgspec.structs.replace(chosen, batch=None)
    bare = msgspec.structs.replace(bare, configuration=None)

    def schedule(wider: Snapshot) -> tuple[tuple[Pod, ...], tuple[Refusal, ...]]:
        return _scheduled(wider, chosen, seed)

    pods, refused = schedule(bare)
    grown = grow(msgspec.structs.replace(bare, pods=pods), refused, kinds, schedule) if refused else Grown()
    return ChangeFit(
        cluster=cluster,
        replicas=replicas,
        pods=len(step.coming),
        kept=step.kept,
        removed=step.removed,
        nodes=len(snapshot.nodes),
        more=grown.more,
        refused=_told(grown.refused, step.coming),
    )


def _scheduled(snapshot: Snapshot, policy: Policy | None, seed: int) -> tuple[tuple[Pod, ...], tuple[Refusal, ...]]:
    """The pods of a snapshot after a plan, and the refusals."""
    found = plan(snapshot, policy, seed)
    placed = {item.pod: item for item in found.placements}
    pods = tuple(
        msgspec.structs.replace(pod, node=placed[pod.key].node, device_indices=placed[pod.key].devices)
        if pod.key in placed
        else pod
        for pod in snapshot.pods
    )
    return pods, found.unschedulable


def _step(snapshot: Snapshot, base: Estate, head: Estate, replicas: Replicas) -> _Step:
    written = set(map(owner_of, (*base.workloads, *head.workloads)))
    running: dict[Key, list[Pod]] = defaultdict(list)
    staying: list[Pod] = []
    for pod in snapshot.pods:
        if pod.node is not None:
            key = controller_of(pod)
            (running[key] if key in written else staying).append(pod)
    was, wanted = _by_controller(base.snapshot.pods), _by_controller(head.snapshot.pods)
    counts = {key: ends[replicas == "most"] for key, ends in _ranges(head).items()}
    coming: list[Pod] = []
    kept = 0
    for key, pods in wanted.items():
        count = counts.get(key, len(pods))
        same = _same(was.get(key, ()), pods)
        stays = running[key][:count] if same and key in running else []
        kept += len(stays)
        staying += stays
        # A DaemonSet's pods belong to their nodes: those that are lacking now are lacking for a reason.
        is_settled = bool(stays) and key.kind == DAEMON
        coming += [] if is_settled or count <= len(stays) else _copies(pods, count)[len(stays) :]
    removed = sum(map(len, running.values())) - kept
    taken = {pod.key for pod in staying}
    return _Step(staying, [_loose(pod, taken) for pod in coming], kept, removed)


def _ranges(estate: Estate) -> dict[Key, tuple[int, int]]:
    """The fewest and the most replicas of each controller whose number of pods is written."""
    scalers = scalers_of(estate)
    found: dict[Key, tuple[int, int]] = {}
    for item in estate.workloads:
        low, high = replicas_of(scalers.get(key_of(item)), item.replicas)
        if low is not None and high is not None:
            fewest, most = found.get(owner_of(item), (0, 0))
            found[owner_of(item)] = (fewest + low, most + high)
    return found


def _by_controller(pods: Iterable[Pod]) -> dict[Key, list[Pod]]:
    found: dict[Key, list[Pod]] = defaultdict(list)
    for pod in pods:
        found[controller_of(pod)].append(pod)
    return found


def _same(before: Sequence[Pod], after: Sequence[Pod]) -> bool:
    """Whether pods of two versions are alike, so that a rollout leaves them where they are."""
    return bool(before) and bool(after) and (before[0].spec, before[0].labels) == (after[0].spec, after[0].labels)


def _copies(pods: Sequence[Pod], count: int) -> list[Pod]:
    """So many of these pods; where there are fewer, more like the last one."""
    more = range(len(pods), count)
    return [*pods[:count], *(msgspec.structs.replace(pods[-1], name=f"{pods[-1].name}-{i}") for i in more)]


def _loose(pod: Pod, taken: set[str]) -> Pod:
    """A pod to be placed, under a name that no other has, and in no gang: only room is asked for."""
    name = pod.name
    while f"{pod.namespace}/{name}" in taken:
        name += "-new"
    taken.add(f"{pod.namespace}/{name}")
    loose: Pod = msgspec.structs.replace(pod, name=name, node=None, job="", task="", queue="", device_indices=())
    return loose


def _told(refused: Sequence[Refusal], pods: Sequence[Pod]) -> tuple[NoPlace, ...]:
    """Refusals by workload and reason, most pods first."""
    owners = {pod.key: controller_of(pod) for pod in pods}
    counts = Counter((owners[item.pod], item.message) for item in refused)
    found = [NoPlace(f"{key.kind} {key.namespace}/{key.name}", count, text) for (key, text), count in counts.items()]
    return tuple(sorted(found, key=lambda item: (-item.pods, item.workload, item.reason)))
