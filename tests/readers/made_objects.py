"""Kubernetes objects for tests, as small as they can be."""

from __future__ import annotations

from typing import Any

from yuheng.model.pod import Pod
from yuheng.readers import read


def named(kind: str, name: str, version: str = "v1", **parts: Any) -> dict[str, Any]:
    """An object; what is given as ``metadata`` is added to its name."""
    metadata = {"name": name, **parts.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **parts}


def container(name: str = "c", **parts: Any) -> dict[str, Any]:
    return {"name": name, "image": f"{name}:1", **parts}


def asking(requests: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    """A container with these requests."""
    limits = parts.pop("limits", None)
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value is not None}
    return container(**{"resources": resources, **parts})


def pod(name: str = "p", *, metadata: dict[str, Any] | None = None, status: Any = None, **spec: Any) -> dict[str, Any]:
    """A pod with one container, unless the specification says otherwise."""
    found = named("Pod", name, metadata=metadata or {}, spec={"containers": [container()], **spec})
    return found if status is None else {**found, "status": status}


def node(name: str = "n", **parts: Any) -> dict[str, Any]:
    """A node of 4 cores and 8 GiB, unless its status says otherwise."""
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    return named("Node", name, **{"status": {"allocatable": amounts}, **parts})


def read_one(manifest: dict[str, Any], *others: dict[str, Any]) -> Pod:
    """The pod that is read of this manifest, among others."""
    name, namespace = manifest["metadata"]["name"], manifest["metadata"].get("namespace", "default")
    return next(found for found in read(manifest, *others).pods if found.key == f"{namespace}/{name}")
