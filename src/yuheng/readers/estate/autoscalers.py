"""How far autoscalers may take a workload: HorizontalPodAutoscalers and KEDA's ScaledObjects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.estate import Autoscaler, Owner
from yuheng.readers.estate.wire import AutoscalerObject, ScaledObject
from yuheng.readers.inventory import converted
from yuheng.readers.objects.selecting import named
from yuheng.readers.refusing import Refuse, strictly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.readers.estate.wire import AutoscalerSpecification, ResourceMetric, TargetReference
    from yuheng.readers.sources.documents import Item

__all__ = ["AUTOSCALERS", "read_autoscalers"]

Text = bytes | msgspec.Raw
HPA: Final = "HorizontalPodAutoscaler"
# The kinds, and the API group of each.
AUTOSCALERS: Final = {HPA: "autoscaling", "ScaledObject": "keda.sh"}
# Of an autoscaler that names no metric (autoscaling/v2 API reference).
USUAL: Final = {"cpu": 0.8}
# Of a ScaledObject that does not say (KEDA, "Scaling Deployments").
LEAST, MOST = 0, 100


def read_autoscalers(items: Iterable[Item], refuse: Refuse = strictly) -> tuple[Autoscaler, ...]:
    """The autoscalers among some objects, sorted; of one target a ScaledObject counts before the HPA that it makes.

    Args:
        items: the objects.
        refuse: is told of those that are not what their API defines.
    """
    found: dict[tuple[str, str, str], Autoscaler] = {}
    ordered = sorted(items, key=lambda item: item.kind == "ScaledObject")
    for item in ordered:
        try:
            one = converted(item, _read_hpa if item.kind == HPA else _read_scaled)
        except InputError as error:
            refuse(error)
            continue
        found[one.namespace, one.target.kind, one.target.name] = one
    return tuple(sorted(found.values(), key=lambda one: (one.namespace, one.name)))


def _read_hpa(text: Text) -> Autoscaler:
    source = msgspec.json.decode(text, type=AutoscalerObject)
    name, namespace = named(source.metadata)
    spec = source.spec
    minimum = 1 if spec.min_replicas is None else spec.min_replicas
    _check(minimum, spec.max_replicas, "spec.maxReplicas")
    return Autoscaler(
        namespace=namespace,
        name=name,
        target=_target(spec.scale_target_ref),
        minimum=minimum,
        maximum=spec.max_replicas,
        utilization=_utilization(spec),
    )


def _utilization(spec: AutoscalerSpecification) -> dict[str, float]:
    """By resource, the share of the request that is steered for."""
    if spec.target_cpu is not None:
        return {"cpu": spec.target_cpu / 100}
    if not spec.metrics:
        return dict(USUAL)
    parts = [part for one in spec.metrics for part in (one.resource, one.container_resource) if part is not None]
    shares = {part.name: _share(part) for part in parts}
    return {name: share for name, share in shares.items() if share is not None}


def _share(metric: ResourceMetric) -> float | None:
    percent = metric.target.average_utilization if metric.target else metric.target_average_utilization
    return None if percent is None else percent / 100


def _read_scaled(text: Text) -> Autoscaler:
    source = msgspec.json.decode(text, type=ScaledObject)
    name, namespace = named(source.metadata)
    spec = source.spec
    minimum = LEAST if spec.min_replica_count is None else spec.min_replica_count
    maximum = MOST if spec.max_replica_count is None else spec.max_replica_count
    _check(minimum, maximum, "spec.maxReplicaCount")
    found: dict[str, float] = {}
    for trigger in spec.triggers or ():
        words = trigger.metadata or {}
        steered = trigger.metric_type or words.get("type") or "Utilization"
        if trigger.type in ("cpu", "memory") and steered == "Utilization" and words.get("value", "").isdigit():
            found[trigger.type] = int(words["value"]) / 100
    return Autoscaler(
        namespace=namespace,
        name=name,
        target=_target(spec.scale_target_ref),
        minimum=minimum,
        maximum=maximum,
        utilization=found,
    )


def _target(reference: TargetReference) -> Owner:
    if not reference.name:
        raise InputError("nothing", "the name of what is scaled", field="spec.scaleTargetRef.name")
    return Owner(reference.kind, reference.name)


def _check(minimum: int, maximum: int, field: str) -> None:
    if maximum < minimum or minimum < 0:
        raise InputError(f"{minimum} to {maximum} replicas", "a maximum that is no less than the minimum", field=field)
