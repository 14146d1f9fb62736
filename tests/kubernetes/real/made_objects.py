"""Objects as users write them, for a real API server."""

from __future__ import annotations

from typing import Any

__all__ = ["POD_GROUPS", "budget", "claim", "gang", "node", "pod", "storage_class"]

_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
# Volcano's PodGroups, with as much of a schema as scheduling looks at.
POD_GROUPS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "podgroups.scheduling.volcano.sh"},
    "spec": {
        "group": "scheduling.volcano.sh",
        "scope": "Namespaced",
        "names": {"plural": "podgroups", "singular": "podgroup", "kind": "PodGroup", "listKind": "PodGroupList"},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": _ANYTHING | {"properties": {"minMember": {"type": "integer"}}},
                            "status": _ANYTHING,
                        },
                    }
                },
            }
        ],
    },
}


def node(name: str, cpu: int = 4, pods: int = 110, **labels: str) -> dict[str, Any]:
    """A node that is ready."""
    amounts = {"cpu": str(cpu), "memory": "16Gi", "pods": str(pods)}
    ready = [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **labels}},
        "status": {"allocatable": amounts, "capacity": amounts, "conditions": ready},
    }


def pod(name: str, cpu: str = "1", *, labels: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """A pod that waits for us; `fields` are more of its spec."""
    annotations = fields.pop("annotations", {})
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": labels or {}, "annotations": annotations},
        "spec": {"schedulerName": "yuheng", "containers": [container], **fields},
    }


def gang(name: str, size: int, cpu: str = "1") -> list[dict[str, Any]]:
    """A PodGroup and its pods, which start together."""
    group = {
        "apiVersion": "scheduling.volcano.sh/v1beta1",
        "kind": "PodGroup",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"minMember": size},
    }
    marks: dict[str, Any] = {"labels": {"gang": name}, "annotations": {"scheduling.k8s.io/group-name": name}}
    return [group, *(pod(f"{name}-{i}", cpu, **marks) for i in range(size))]


def budget(name: str, labels: dict[str, str], available: int) -> dict[str, Any]:
    """A PodDisruptionBudget."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"minAvailable": available, "selector": {"matchLabels": labels}},
    }


def storage_class(name: str, mode: str) -> dict[str, Any]:
    """A class of volumes."""
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return {**kind, "provisioner": "csi.example.com", "volumeBindingMode": mode}


def claim(name: str, kind: str) -> dict[str, Any]:
    """A claim on a volume of a class; without the protection that nobody here would lift."""
    spec = {"storageClassName": kind, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"}}
    return {**head, "spec": spec}
