"""Scenarios as they are written down, and the Kubernetes objects they stand for.

A file holds YAML documents. One with ``expect`` opens a scenario; those after it, up to the next, are its cluster:
Kubernetes objects as they are (they have a ``kind``), and shorthand, which says only what matters:

    nodes: [{name: a, cpu: 8, memory: 32Gi, gpu: 0, labels: {}}]
    queues: [{name: q, weight: 1, deserved: {cpu: 4}, guarantee: {}, capability: {}, parent: p, annotations: {}}]
    jobs: [{name: j, queue: q, replicas: 4, min: 4, cpu: 1, priority: 0, created: 3, running: [a, a]}]
    actions: [enqueue, allocate]
    tiers: [[priority, {name: sla, arguments: {sla-waiting-time: 1h}}]]

A job is a PodGroup and its pods ``name-0`` and so on; the first of them run on the nodes of ``running``. Times are
minutes after the first of January 2026, 00:00 UTC; a job without ``created`` is a minute younger than the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
NOON = "2026-01-01T12:00:00Z"
FOLDER = Path(__file__).parent / "scenarios"
GROUP = "scheduling.k8s.io/group-name"
ESTIMATE = "yuheng.io/running-estimate"

Manifest = dict[str, Any]


class Scenario(NamedTuple):
    """A cluster, and what is expected of it."""

    name: str
    rule: str
    expect: Mapping[str, Any]
    objects: list[Manifest]
    now: float
    repeats: bool


def scenarios() -> list[Scenario]:
    """All scenarios of the folder, in the order they are written."""
    return [scenario for path in sorted(FOLDER.glob("*.yaml")) for scenario in _of_file(path)]


def _of_file(path: Path) -> Iterator[Scenario]:
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    starts = [index for index, document in enumerate(documents) if "expect" in document]
    for start, end in zip(starts, [*starts[1:], len(documents)], strict=True):
        header = documents[start]
        assert set(header) <= {"name", "rule", "worked", "now", "expect", "repeats"}, header["name"]
        assert header["rule"], header["name"]
        assert header["worked"], header["name"]
        yield Scenario(
            header["name"],
            header["rule"],
            header["expect"],
            [manifest for document in documents[start + 1 : end] for manifest in manifests(document)],
            datetime.fromisoformat(str(header.get("now", NOON))).timestamp(),
            header.get("repeats", False),
        )


def manifests(document: Manifest) -> Iterator[Manifest]:
    """The objects of one document."""
    if "kind" in document:
        yield document
        return
    assert set(document) <= {"nodes", "queues", "jobs", "actions", "tiers"}, document
    yield from map(node, document.get("nodes", ()))
    yield from map(queue, document.get("queues", ()))
    for place, job in enumerate(document.get("jobs", ())):
        yield from pod_group({"created": place, **job})
    if "actions" in document:
        yield configuration(document["actions"], document["tiers"])


def node(short: Manifest) -> Manifest:
    """A node of 8 cores and 32 GiB, labelled with its hostname."""
    amounts = {"cpu": str(short.get("cpu", 8)), "memory": short.get("memory", "32Gi"), "pods": "110"}
    if "gpu" in short:
        amounts["nvidia.com/gpu"] = str(short["gpu"])
    name = short["name"]
    labels = {"kubernetes.io/hostname": name, **short.get("labels", {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": amounts, "capacity": amounts},
    }


def queue(short: Manifest) -> Manifest:
    """A queue; what is not its name, its guarantee, its state or its annotations is its specification."""
    spec = {key: value for key, value in short.items() if key not in ("name", "guarantee", "closed", "annotations")}
    if "guarantee" in short:
        spec["guarantee"] = {"resource": short["guarantee"]}
    return {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "Queue",
        "metadata": {"name": short["name"], "annotations": short.get("annotations", {})},
        "spec": spec,
        "status": {"state": "Closed" if short.get("closed") else "Open"},
    }


def pod_group(short: Manifest) -> Iterator[Manifest]:
    """A job: a PodGroup, and its pods."""
    replicas, running = short.get("replicas", 1), short.get("running", [])
    named = ("queue", "minResources", "networkTopology", "subGroupPolicy", "minTaskMember")
    spec = {key: short[key] for key in named if key in short}
    yield {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {**_metadata(short, short["name"]), "annotations": short.get("annotations", {})},
        "spec": {"minMember": short.get("min", replicas), **spec},
        "status": {"phase": short.get("phase", "Running" if running else "Pending")},
    }
    for index in range(replicas):
        yield _pod(short, index, running[index] if index < len(running) else "")


def _pod(short: Manifest, index: int, home: str) -> Manifest:
    requests = {"cpu": str(short.get("cpu", 1)), "memory": short.get("memory"), "nvidia.com/gpu": short.get("gpu")}
    requests = {name: str(amount) for name, amount in requests.items() if amount not in (None, "0")}
    container: Manifest = {"name": "main", "image": "app", "resources": {"requests": requests}}
    if "gpu" in short:
        container["resources"]["limits"] = {"nvidia.com/gpu": str(short["gpu"])}
    pod: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(short, f"{short['name']}-{index}"),
        "spec": {"containers": [container], "priority": short.get("priority", 0), **short.get("spec", {})},
        "status": {"phase": "Running" if home else "Pending"},
    }
    annotations = {GROUP: short["name"], **short.get("podAnnotations", {})}
    if "estimate" in short:
        annotations[ESTIMATE] = short["estimate"]
    labels = {**short.get("labels", {}), **{key: values[index] for key, values in short.get("byPod", {}).items()}}
    pod["metadata"].update(annotations=annotations, labels=labels)
    if home:
        pod["spec"]["nodeName"] = home
        pod["status"]["startTime"] = _time(short["started"] if "started" in short else short["created"])
    return pod


def _metadata(short: Manifest, name: str) -> Manifest:
    return {
        "name": name,
        "namespace": short.get("namespace", "default"),
        "creationTimestamp": _time(short["created"]),
        "uid": f"uid-of-{name}",
    }


def _time(minutes: float) -> str:
    return (FIRST + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def configuration(actions: list[str], tiers: list[list[str | Manifest]]) -> Manifest:
    """Volcano's scheduler configuration; a plugin is a name, or a name with arguments."""
    return {
        "actions": ", ".join(actions),
        "tiers": [{"plugins": [{"name": each} if isinstance(each, str) else each for each in tier]} for tier in tiers],
    }
