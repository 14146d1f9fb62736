"""Whose replicas an autoscaler sets: there the plan says where a workload runs, and the autoscaler how many there are.

The HorizontalPodAutoscalers and the ScaledObjects of KEDA in the folder name them; a workload whose autoscaler is not
in the folder says so by Karmada's label. How many were there is applied back as it is found: to leave the field out
would give it up, and a server may take that for the default, which is 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.readers.fleet.kinds import group_of

if TYPE_CHECKING:
    from yuheng.readers.sources.documents import Item

__all__ = ["RETAINED", "has_own_replicas", "scaled_by", "with_live_replicas"]

# Karmada's, on a workload.
RETAINED: Final = "resourcetemplate.karmada.io/retain-replicas"
_SCALERS: Final = frozenset((("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")))
Manifest = Mapping[str, Any]


class _Target(msgspec.Struct):
    kind: str = "Deployment"
    name: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    scale_target_ref: _Target = msgspec.field(default_factory=_Target)


class _Metadata(msgspec.Struct):
    namespace: str | None = None


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
            try:
                scaler = msgspec.json.decode(item.text, type=_Scaler)
            except msgspec.DecodeError:
                continue
            target = scaler.spec.scale_target_ref
            found.add((target.kind, f"{scaler.metadata.namespace or 'default'}/{target.name}"))
    return frozenset(found)


def has_own_replicas(manifest: Manifest) -> bool:
    """Whether a workload says that its replicas are set where it runs."""
    labels = (manifest.get("metadata") or {}).get("labels") or {}
    return str(labels.get(RETAINED, "")).lower() == "true"


def with_live_replicas(manifest: Manifest, live: Manifest) -> Manifest:
    """A workload with the replicas that it has already.

    Args:
        manifest: what is to be applied.
        live: what is there.
    """
    replicas = (live.get("spec") or {}).get("replicas")
    if replicas is None:
        return manifest
    return {**manifest, "spec": {**manifest["spec"], "replicas": replicas}}
