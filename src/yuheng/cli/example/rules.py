"""Where the example's pods may run and how they spread: pieces of pod specifications, and cluster-wide rules."""

from __future__ import annotations

from typing import Any, Final

from yuheng.model.labels import ZONE

__all__ = [
    "AT_THE_EDGE",
    "CLUSTER_CRITICAL",
    "NODE_CRITICAL",
    "ON_GENERAL",
    "ON_GPUS",
    "ON_L4",
    "ON_MEMORY",
    "ON_SPOT",
    "ON_T4",
    "PRIORITIES",
    "PRODUCTION",
    "RESEARCH",
    "apart",
    "gated",
    "policy_objects",
    "spread",
]

Spec = dict[str, Any]
PRODUCTION: Final = "production"
RESEARCH: Final = "research"
CLUSTER_CRITICAL: Final = "system-cluster-critical"
NODE_CRITICAL: Final = "system-node-critical"
# The last two are Kubernetes' own.
PRIORITIES: Final = {
    PRODUCTION: 1_000_000,
    RESEARCH: 1_000,
    CLUSTER_CRITICAL: 2_000_000_000,
    NODE_CRITICAL: 2_000_001_000,
}
_PRODUCT: Final = "nvidia.com/gpu.product"
_NAME: Final = "app.kubernetes.io/name"

ON_GENERAL: Final[Spec] = {"nodeSelector": {"pool": "general"}}
ON_GPUS: Final[Spec] = {"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]}
ON_L4: Final[Spec] = {**ON_GPUS, "nodeSelector": {_PRODUCT: "NVIDIA-L4"}}
ON_T4: Final[Spec] = {**ON_GPUS, "nodeSelector": {_PRODUCT: "Tesla-T4"}}
ON_SPOT: Final[Spec] = {
    "nodeSelector": {"pool": "spot"},
    "tolerations": [{"key": "capacity", "value": "spot", "effect": "NoSchedule"}],
}
ON_MEMORY: Final[Spec] = {
    "nodeSelector": {"pool": "memory"},
    "tolerations": [{"key": "dedicated", "value": "memory", "effect": "NoSchedule"}],
}
AT_THE_EDGE: Final[Spec] = {
    "nodeSelector": {"node-role.kubernetes.io/edge": "true"},
    "ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 443, "hostPort": 443}],
}


def spread(name: str) -> Spec:
    """Evenly over the zones, or not at all."""
    rule = {
        "maxSkew": 1,
        "topologyKey": ZONE,
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {_NAME: name}},
    }
    return {"topologySpreadConstraints": [rule]}


def apart(name: str) -> Spec:
    """No two in one zone."""
    term = {"topologyKey": ZONE, "labelSelector": {"matchLabels": {_NAME: name}}}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def gated(gate: str) -> Spec:
    """Held back until somebody removes the gate."""
    return {"schedulingGates": [{"name": gate}]}


def policy_objects() -> list[dict[str, Any]]:
    """Priority classes, and a budget of the pods that may be disrupted."""
    budget = {"minAvailable": 5, "selector": {"matchLabels": {_NAME: "payments"}}}
    return [
        *map(_priority_class, (PRODUCTION, RESEARCH)),
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "payments", "namespace": "shop"},
            "spec": budget,
            "status": {"currentHealthy": 6, "desiredHealthy": 5, "disruptionsAllowed": 1},
        },
    ]


def _priority_class(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": PRIORITIES[name],
    }
