"""From one row of a table to Kubernetes objects: the controller, the pods that run, the pods that wait."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from yuheng.cli.example.pools import REGION
from yuheng.cli.example.rules import PRIORITIES
from yuheng.model.labels import ZONE
from yuheng.model.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Floor", "Workload"]

Object = dict[str, Any]
# Kubernetes' alphabet for generated names.
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_DEPLOYED: Final = datetime(2026, 2, 3, 9, 0, tzinfo=UTC)
_ASKED: Final = datetime(2026, 3, 2, 8, 40, tzinfo=UTC)
_EVERYWHERE: Final = [{"operator": "Exists"}]


class Floor:
    """The nodes with the cpu that is left, to put running pods on, and the clock of those that wait."""

    def __init__(self, nodes: Sequence[Object]) -> None:
        self._labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in nodes}
        self._free = {
            node["metadata"]["name"]: parse_quantity(node["status"]["allocatable"]["cpu"]).milli() for node in nodes
        }
        self._asked = _ASKED

    def every(self, selector: Mapping[str, str]) -> list[str]:
        """The nodes that have these labels."""
        return [name for name, labels in self._labels.items() if selector.items() <= labels.items()]

    def take(self, pool: str, cpu: str, beside: Sequence[str]) -> str:
        """A node of the pool: of those with fewest pods of the workload, the one with the most cpu left."""
        found = min(self.every({"pool": pool}), key=lambda name: (beside.count(name), -self._free[name], name))
        self.use(found, cpu)
        return found

    def use(self, node: str, cpu: str) -> None:
        """Take cpu of a node."""
        self._free[node] -= parse_quantity(cpu).milli()

    def next_request(self) -> str:
        """When the next waiting pod was created: twenty seconds after the one before."""
        self._asked += timedelta(seconds=20)
        return _text(self._asked)


class Workload(NamedTuple):
    """A controller and its pods.

    Attributes:
        kind: ``Deployment``, ``StatefulSet``, ``DaemonSet`` or ``Job``.
        version: of its image.
        cpu, memory: what a pod requests.
        running, waiting: how many pods run and wait; a DaemonSet runs on every node it selects.
        pool: where those that run are.
        places: instead of ``running`` and ``pool``: the node of each pod by number; empty for one that waits.
        extended: extended resources a pod requests.
        indices: the GPU that each running pod holds a share of.
        volumes: zone letters of the volumes that the pods of a StatefulSet have, by number.
        spec: what else stands in the pod's specification; ``ports`` stands in its container.
    """

    kind: str
    namespace: str
    name: str
    version: str
    cpu: str
    memory: str
    running: int = 0
    waiting: int = 0
    pool: str = "general"
    places: tuple[str, ...] = ()
    priority: str = ""
    extended: Mapping[str, str] = {}
    indices: tuple[str, ...] = ()
    volumes: str = ""
    spec: Mapping[str, Any] = {}

    def objects(self, floor: Floor) -> Iterator[Object]:
        """The objects that a dump of the cluster has of this workload."""
        nodes = self._nodes(floor)
        yield from self._controllers(len(nodes))
        for number, node in enumerate(nodes):
            yield self._pod(number, node, "" if node else floor.next_request())
        for number, letter in enumerate(self.volumes):
            yield from self._volume(number, f"{REGION}{letter}")
        if self.kind in ("Deployment", "StatefulSet"):
            yield self._object("v1", "Service", self.name, {"spec": {"selector": self._labels()}})

    def _nodes(self, floor: Floor) -> list[str]:
        """The node of each pod; empty for those that wait."""
        if self.places or self.kind == "DaemonSet":
            places = self.places or floor.every(self.spec.get("nodeSelector", {}))
            for node in filter(None, places):
                floor.use(node, self.cpu)
            return list(places)
        nodes: list[str] = []
        for _ in range(self.running):
            nodes.append(floor.take(self.pool, self.cpu, nodes))
        return [*nodes, *[""] * self.waiting]

    def _controllers(self, replicas: int) -> Iterator[Object]:
        selector = {"selector": {"matchLabels": self._labels()}, "template": self._template()}
        if self.kind == "Job":
            counts = {"parallelism": replicas, "completions": replicas, "completionMode": "Indexed"}
            status = {"active": replicas}
            spec = {**counts, "template": self._template()}
            yield self._object("batch/v1", "Job", self.name, {"spec": spec, "status": status})
            return
        count = {} if self.kind == "DaemonSet" else {"replicas": replicas}
        yield self._object("apps/v1", self.kind, self.name, {"spec": {**count, **selector}})
        if self.kind == "Deployment":
            hashed = {"pod-template-hash": self._hash()}
            selector = {"matchLabels": self._labels() | hashed}
            template = self._template(hashed)
            body = {"spec": {"replicas": replicas, "selector": selector, "template": template}}
            owned = self._object("apps/v1", "ReplicaSet", f"{self.name}-{self._hash()}", body)
            owned["metadata"] |= {
                "labels": self._labels() | hashed,
                "ownerReferences": [self._owner(self.kind, self.name)],
            }
            yield owned

    def _pod(self, number: int, node: str, asked: str) -> Object:
        metadata, spec = self._named(number, node), self._spec()
        spec["priority"] = PRIORITIES.get(self.priority, 0)
        # Those that run are of different ages: anything will do, as long as it is always the same.
        metadata["creationTimestamp"] = asked or _text(_DEPLOYED + timedelta(hours=len(self.name) * 7 + number))
        if node and self.indices:
            metadata["annotations"] = {"alibabacloud.com/gpu-index": self.indices[number]}
        if node:
            spec["nodeName"] = node
            status: Object = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        else:
            status = {"phase": "Pending"}
        if number < len(self.volumes):
            claim = {"persistentVolumeClaim": {"claimName": f"data-{self.name}-{number}"}}
            spec["volumes"] = [{"name": "data", **claim}]
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}

    def _named(self, number: int, node: str) -> Object:
        """The metadata that the controller of this kind would write."""
        labels, kind, owner = self._labels(), self.kind, self.name
        suffix = _letters(f"{self.namespace}/{self.name}/{number}/{node}", 5)
        name = f"{self.name}-{suffix}"
        if kind == "Deployment":
            kind, owner = "ReplicaSet", f"{self.name}-{self._hash()}"
            labels["pod-template-hash"] = self._hash()
            name = f"{owner}-{suffix}"
        elif kind == "StatefulSet":
            name = f"{self.name}-{number}"
            labels |= {"apps.kubernetes.io/pod-index": str(number), "statefulset.kubernetes.io/pod-name": name}
        elif kind == "Job":
            name = f"{self.name}-{number}-{suffix}"
            labels |= {
                "batch.kubernetes.io/job-name": self.name,
                "batch.kubernetes.io/job-completion-index": str(number),
            }
        return {
            "name": name,
            "namespace": self.namespace,
            "uid": _uid("Pod", self.namespace, name),
            "labels": labels,
            "ownerReferences": [self._owner(kind, owner)],
        }

    def _owner(self, kind: str, name: str) -> Object:
        return {
            "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
            "kind": kind,
            "name": name,
            "uid": _uid(kind, self.namespace, name),
            "controller": True,
            "blockOwnerDeletion": True,
        }

    def _labels(self) -> dict[str, str]:
        return {"app.kubernetes.io/name": self.name}

    def _hash(self) -> str:
        return _letters(f"{self.namespace}/{self.name}/{self.version}", 9)

    def _template(self, labels: Mapping[str, str] = {}) -> Object:
        return {"metadata": {"labels": self._labels() | dict(labels)}, "spec": self._spec()}

    def _spec(self) -> Object:
        spec: Object = {"containers": [self._container()], "schedulerName": "default-scheduler"}
        if self.kind == "DaemonSet":
            spec["tolerations"] = _EVERYWHERE
        if self.priority:
            spec["priorityClassName"] = self.priority
        return spec | {name: value for name, value in self.spec.items() if name != "ports"}

    def _container(self) -> Object:
        requests = {"cpu": self.cpu, "memory": self.memory, **self.extended}
        resources: Object = {"requests": requests}
        if self.extended:
            resources["limits"] = dict(self.extended)
        image = f"registry.acme.example/{self.namespace}/{self.name}:{self.version}"
        container: Object = {"name": self.name, "image": image, "resources": resources}
        if "ports" in self.spec:
            container["ports"] = self.spec["ports"]
        return container

    def _volume(self, number: int, zone: str) -> Iterator[Object]:
        """A claim and the volume it is bound to, which can be reached from one zone only."""
        claim = f"data-{self.name}-{number}"
        volume = f"pvc-{_uid('PersistentVolumeClaim', self.namespace, claim)}"
        yield self._object("v1", "PersistentVolumeClaim", claim, {"spec": {"volumeName": volume}})
        term = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume, "uid": _uid("PersistentVolume", "", volume)},
            "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}},
        }

    def _object(self, version: str, kind: str, name: str, body: Object) -> Object:
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "uid": _uid(kind, self.namespace, name),
            "creationTimestamp": _text(_DEPLOYED),
        }
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _uid(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def _letters(seed: str, length: int) -> str:
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])
