"""Whose replicas an autoscaler sets: there the plan says where a workload runs, and the autoscaler how many there are.

The HorizontalPodAutoscalers and the ScaledObjects of KEDA in the folder name them; a workload whose autoscaler is not
in the folder says so by Karmada's label. How many were there is applied back as it is found: to leave the field out
would give it up, and a server may take that for the default, which is 1. What moves begins with as many as there were
where it leaves: the number in its file may be far less than what it needs by now.

One that loses its autoscaler has its replicas taken over in the same round, before that goes.

``replicas: 0`` is a pause there too, which autoscalers respect. It is marked, since they may have set 0 themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.placement.propagation.apportion import webster
from yuheng.readers.fleet.kinds import group_of

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.decision import Decision
    from yuheng.kubernetes.dispatching.owned import Owned
    from yuheng.kubernetes.dispatching.targets import Identity, Wanted
    from yuheng.readers.sources.documents import Item

__all__ = [
    "PAUSED",
    "RETAINED",
    "has_own_replicas",
    "live_replicas",
    "moved_as_they_are",
    "scaled_by",
    "target_of",
    "unwanted",
    "with_live_replicas",
]

# Karmada's, on a workload.
RETAINED: Final = "resourcetemplate.karmada.io/retain-replicas"
# Ours, on a workload of an autoscaler that is paused.
PAUSED: Final = "yuheng.io/paused"
_SCALERS: Final = frozenset((("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")))
Manifest = Mapping[str, Any]


class _Target(msgspec.Struct):
    kind: str = "Deployment"
    name: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    scale_target_ref: _Target = msgspec.field(default_factory=_Target)


class _Metadata(msgspec.Struct):
    namespace: str | None = None


class _Replicas(msgspec.Struct):
    replicas: int | None = None


class _Live(msgspec.Struct):
    spec: _Replicas = msgspec.field(default_factory=_Replicas)


class _Scaler(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Spec = msgspec.field(default_factory=_Spec)


def scaled_by(items: Iterable[Item]) -> frozenset[tuple[str, str]]:
    """The workloads that autoscalers among objects name: kind and ``namespace/name``.

    Args:
        items: the objects; an autoscaler that cannot be read names none, its server will say why.
    """
    found = set()
    for item in items:
        if (group_of(item), item.kind) in _SCALERS:
            with suppress(msgspec.DecodeError):
                found.add(target_of(item.text))
    return frozenset(found)


def target_of(text: bytes | msgspec.Raw) -> tuple[str, str]:
    """The workload that an autoscaler names: kind and ``namespace/name``.

    Raises:
        msgspec.DecodeError: it names none.
    """
    scaler = msgspec.json.decode(text, type=_Scaler)
    target = scaler.spec.scale_target_ref
    return target.kind, f"{scaler.metadata.namespace or 'default'}/{target.name}"


def unwanted(owned: Iterable[Owned], wanted: Iterable[Wanted]) -> list[Owned]:
    """The autoscalers that a cluster has of us and is not to have any more.

    Args:
        owned: what it has.
        wanted: what it is to have.
    """
    named = {(one.kind, one.namespace or "default", one.name) for one in wanted}
    return [
        one
        for one in owned
        if (one.kind.group, one.kind.kind) in _SCALERS and (one.kind.kind, one.namespace, one.name) not in named
    ]


def has_own_replicas(manifest: Manifest) -> bool:
    """Whether a workload says that its replicas are set where it runs."""
    labels = (manifest.get("metadata") or {}).get("labels") or {}
    return str(labels.get(RETAINED, "")).lower() == "true"


def live_replicas(text: bytes) -> int:
    """The replicas that a workload is to have; 0 where it does not say."""
    found = msgspec.json.decode(text, type=_Live).spec.replicas
    return found or 0


def with_live_replicas(manifest: Manifest, live: Manifest) -> Manifest:
    """A workload with the replicas that it has already; one that we paused begins anew.

    Args:
        manifest: what is to be applied.
        live: what is there.
    """
    replicas = (live.get("spec") or {}).get("replicas")
    annotations = (live.get("metadata") or {}).get("annotations") or {}
    if replicas is None or (replicas == 0 and PAUSED in annotations):
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}


async def moved_as_they_are(
    wanted: Mapping[str, list[Wanted]],
    before: Mapping[Identity, Decision],
    now: Mapping[Identity, Decision],
    live: Callable[[str, Wanted], Awaitable[int]],
) -> dict[str, list[Wanted]]:
    """What clusters are to have, with as many replicas in new homes as there were where workloads leave.

    Args:
        wanted: by cluster.
        before: the decisions before.
        now: the decisions.
        live: how many replicas of a workload a cluster has now; 0 where that is not known.
    """
    found = {name: list(some) for name, some in wanted.items()}
    for identity, decision in now.items():
        last = before.get(identity)
        new = {} if last is None else {one: n for one, n in decision.replicas.items() if one not in last.replicas}
        left = {} if last is None else {one: n for one, n in last.replicas.items() if one not in decision.replicas}
        shares = {name: one for name in new for one in found.get(name, ()) if one.workload == identity}
        some = next(iter(shares.values()), None)
        if not left or some is None or not some.is_scaled or "replicas" not in (some.manifest.get("spec") or {}):
            continue
        count = sum([await live(name, some) for name in left])
        if count > sum(left.values()):
            for name, share in webster(new, count).items():
                found[name] = [_with(one, share) if one is shares[name] else one for one in found[name]]
    return found


def _with(one: Wanted, replicas: int) -> Wanted:
    manifest = {**one.manifest, "spec": {**one.manifest["spec"], "replicas": replicas}}
    return one._replace(manifest=manifest, replicas=replicas)
