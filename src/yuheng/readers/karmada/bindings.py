"""ResourceBinding and ClusterResourceBinding of ``work.karmada.io``, WorkloadRebalancer of ``apps.karmada.io``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.model.propagation import Binding, Eviction, ResourceSelector
from yuheng.readers.karmada.wire import BindingAnnotations, BindingObject, RebalancerObject, decoded

if TYPE_CHECKING:
    import msgspec

__all__ = ["read_binding", "read_rebalancer"]


def read_binding(text: bytes | msgspec.Raw) -> Binding:
    """Where Karmada has placed an object.

    Raises:
        InputError: a field is not what Karmada defines.
    """
    found = decoded(text, BindingObject)
    spec, status = found.spec, found.status
    asked, done = spec.reschedule_triggered_at, status.last_scheduled_time
    return Binding(
        api_version=spec.resource.api_version,
        kind=spec.resource.kind,
        namespace=spec.resource.namespace,
        name=spec.resource.name,
        clusters={cluster.name: cluster.replicas for cluster in spec.clusters},
        policy=_policy(found.metadata.annotations),
        affinity=status.affinity,
        evictions=tuple(
            Eviction(from_cluster=task.from_cluster, replicas=task.replicas or 0, reason=task.reason)
            for task in spec.graceful_eviction_tasks
        ),
        reschedule=asked is not None and done is not None and asked > done,
    )


def read_rebalancer(text: bytes | msgspec.Raw) -> tuple[ResourceSelector, ...]:
    """The workloads that are to be placed anew, each by its name; none when it has been done.

    Raises:
        InputError: a field is not what Karmada defines.
    """
    found = decoded(text, RebalancerObject)
    if found.status.finish_time is not None:
        return ()
    return tuple(
        ResourceSelector(api_version=each.api_version, kind=each.kind, namespace=each.namespace, name=each.name)
        for each in found.spec.workloads
    )


def _policy(annotations: BindingAnnotations) -> str:
    """The key of the policy that placed an object."""
    if annotations.policy:
        return f"{annotations.namespace or 'default'}/{annotations.policy}"
    return annotations.cluster_policy
