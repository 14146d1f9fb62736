"""Batch objects for tests, as small as they can be."""

from __future__ import annotations

from typing import Any

from yuheng.model.job import Job
from yuheng.model.queue import Queue
from yuheng.readers import read

VOLCANO = "scheduling.volcano.sh/v1beta1"
KUEUE = "kueue.x-k8s.io/v1beta1"


def named(kind: str, name: str, version: str, **parts: Any) -> dict[str, Any]:
    metadata = {"name": name, **parts.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def queue(
    name: str = "q", *, annotations: dict[str, str] | None = None, state: str = "", **spec: Any
) -> dict[str, Any]:
    return named(
        "Queue", name, VOLCANO, metadata={"annotations": annotations or {}}, spec=spec, status={"state": state}
    )


def template(cpu: str = "1", **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": cpu}}}], **spec}}


def task(name: str = "worker", replicas: int = 2, **parts: Any) -> dict[str, Any]:
    return {"name": name, "replicas": replicas, "template": template(), **parts}


def vcjob(
    name: str = "train",
    *tasks: dict[str, Any],
    metadata: dict[str, Any] | None = None,
    phase: str = "",
    **spec: Any,
) -> dict[str, Any]:
    """A Volcano job with the uid ``u-<name>``, and with one task of two pods unless tasks are given."""
    return named(
        "Job",
        name,
        "batch.volcano.sh/v1alpha1",
        metadata={"uid": f"u-{name}", **(metadata or {})},
        spec={"tasks": list(tasks) or [task()], **spec},
        status={"state": {"phase": phase}},
    )


def group(name: str = "g", *, metadata: dict[str, Any] | None = None, phase: str = "", **spec: Any) -> dict[str, Any]:
    return named("PodGroup", name, VOLCANO, metadata=metadata or {}, spec=spec, status={"phase": phase})


def pod(name: str = "p", *, metadata: dict[str, Any] | None = None, phase: str = "", **spec: Any) -> dict[str, Any]:
    return named(
        "Pod",
        name,
        "v1",
        metadata=metadata or {},
        spec={"containers": [{"name": "c"}], **spec},
        status={"phase": phase},
    )


def node(name: str = "n", labels: dict[str, str] | None = None) -> dict[str, Any]:
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    return named("Node", name, "v1", metadata={"labels": labels or {}}, status={"allocatable": amounts})


def hyper_node(name: str, tier: int, *members: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return named(
        "HyperNode", name, "topology.volcano.sh/v1alpha1", spec={"tier": tier, "members": list(members), **spec}
    )


def cluster_queue(name: str = "cq", *quotas: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A ClusterQueue with these quotas, each in a flavor of its own."""
    flavors = [{"name": f"f{index}", "resources": [quota]} for index, quota in enumerate(quotas)]
    return named("ClusterQueue", name, KUEUE, spec={"resourceGroups": [{"flavors": flavors}], **spec})


def local_queue(name: str = "lq", cluster_queue: str = "cq", namespace: str = "default") -> dict[str, Any]:
    return named("LocalQueue", name, KUEUE, metadata={"namespace": namespace}, spec={"clusterQueue": cluster_queue})


def quota(resource: str, nominal: str | int, **parts: Any) -> dict[str, Any]:
    return {"name": resource, "nominalQuota": nominal, **parts}


def read_queue(*objects: dict[str, Any], name: str = "q") -> Queue:
    return next(one for one in read(list(objects)).queues if one.name == name)


def read_job(*objects: dict[str, Any]) -> Job:
    """The only job of the input."""
    (job,) = read(list(objects)).jobs
    return job
