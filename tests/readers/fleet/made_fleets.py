"""Fleets made for tests, as small as they can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from yuheng.model.fleet import Fleet, FleetWorkload
from yuheng.readers.fleet import read_fleet

POOL: dict[str, Any] = {
    "name": "p",
    "instanceType": "m5.large",
    "maximum": 3,
    "resources": {"cpu": 2, "memory": "8Gi"},
}
CONTAINER: dict[str, Any] = {"name": "c", "image": "shop/web:1", "resources": {"requests": {"cpu": 1}}}


def ours(kind: str, name: str, spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """An object of one of our kinds."""
    found = {"apiVersion": "yuheng.io/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}}
    return found if spec is None else {**found, "spec": spec}


def cluster(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A cluster of one pool in aws/eu-west-1, unless it says otherwise."""
    return ours("Cluster", name, {"provider": "aws", "region": "eu-west-1", "nodePools": [POOL], **spec})


def region(name: str = "eu-west-1", **spec: Any) -> dict[str, Any]:
    return ours("Region", name, {"provider": "aws", **spec})


def policy(name: str = "rules", **spec: Any) -> dict[str, Any]:
    return ours("PlacementPolicy", name, spec)


def settings(**spec: Any) -> dict[str, Any]:
    return ours("Fleet", "all", spec)


def deployment(name: str = "web", replicas: int = 2, **metadata: Any) -> dict[str, Any]:
    """A Deployment; what is given goes to its metadata."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}},
        },
    }


def volcano_job(name: str = "train", replicas: int = 4, **spec: Any) -> dict[str, Any]:
    task = {"name": "w", "replicas": replicas, "template": {"spec": {"containers": [CONTAINER]}}}
    return {
        "apiVersion": "batch.volcano.sh/v1alpha1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"minAvailable": replicas, "tasks": [task], **spec},
    }


def node(name: str = "n", **labels: str) -> dict[str, Any]:
    """A node of 4 cores and 8 GiB in eu-west-1a."""
    places = {"topology.kubernetes.io/zone": "eu-west-1a", "topology.kubernetes.io/region": "eu-west-1"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**places, **labels}},
        "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}},
    }


def pod(name: str, owner: tuple[str, str] | None = None, *, on: str = "", **metadata: Any) -> dict[str, Any]:
    """A pod, of an owner (kind and name), on a node."""
    owners = [{"apiVersion": "apps/v1", "kind": owner[0], "name": owner[1], "controller": True}] if owner else []
    spec = {"containers": [CONTAINER], **({"nodeName": on} if on else {})}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "ownerReferences": owners, **metadata},
        "spec": spec,
    }


def written(folder: Path, **files: Any) -> Path:
    """A folder of files: text as it is, anything else as JSON; ``__`` stands for a dot, ``_in_`` for a folder."""
    for name, content in files.items():
        path = folder / name.replace("_in_", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def fleet(*objects: dict[str, Any]) -> Fleet:
    """The fleet of these objects."""
    return read_fleet(list(objects))


def workload(*objects: dict[str, Any], key: str = "default/web") -> FleetWorkload:
    """One of its workloads, of a fleet with one cluster more."""
    return next(one for one in fleet(cluster(), *objects).workloads if one.key == key)


def annotated(**annotations: str) -> dict[str, Any]:
    """A Deployment with annotations of ours; ``_`` stands for a dash."""
    return deployment(annotations={f"yuheng.io/{name.replace('_', '-')}": text for name, text in annotations.items()})
