"""Who uses the example's cluster: what runs, what waits, and under which rules.

Forty pods wait. Ten of them cannot be placed, each for a reason of its own; the comments say which.
"""

from __future__ import annotations

from typing import Any, Final

from yuheng.cli.example.workloads import ZONE, Workload

__all__ = ["policy_objects", "workloads"]

_GPU: Final = "nvidia.com/gpu"
_MILLI: Final = "alibabacloud.com/gpu-milli"
_PRODUCT: Final = "nvidia.com/gpu.product"
_ON_GPUS: Final[dict[str, Any]] = {"tolerations": [{"key": _GPU, "operator": "Exists", "effect": "NoSchedule"}]}
_ON_SPOT: Final[dict[str, Any]] = {
    "nodeSelector": {"pool": "spot"},
    "tolerations": [{"key": "capacity", "value": "spot", "effect": "NoSchedule"}],
}
_ON_MEMORY: Final[dict[str, Any]] = {
    "nodeSelector": {"pool": "memory"},
    "tolerations": [{"key": "dedicated", "value": "memory", "effect": "NoSchedule"}],
}
_ON_L4: Final[dict[str, Any]] = {**_ON_GPUS, "nodeSelector": {_PRODUCT: "NVIDIA-L4"}}
_ON_T4: Final[dict[str, Any]] = {**_ON_GPUS, "nodeSelector": {_PRODUCT: "Tesla-T4"}}
_AT_THE_EDGE: Final[dict[str, Any]] = {
    "nodeSelector": {"node-role.kubernetes.io/edge": "true"},
    "ports": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 443, "hostPort": 443}],
}
_VGPU: Final = {"volcano.sh/vgpu-number": "1", "volcano.sh/vgpu-memory": "5000", "volcano.sh/vgpu-cores": "30"}


def _spread(name: str) -> dict[str, Any]:
    """Evenly over the zones, or not at all."""
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    rule = {"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector}
    return {"topologySpreadConstraints": [rule]}


def _apart(name: str, key: str) -> dict[str, Any]:
    """No two in one domain."""
    term = {"topologyKey": key, "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


_SYSTEM: Final = (
    Workload(
        "DaemonSet",
        "kube-system",
        "cilium",
        "quay.io/cilium/cilium:v1.19.1",
        "100m",
        "256Mi",
        pool="",
        priority="system-node-critical",
    ),
    Workload(
        "DaemonSet",
        "monitoring",
        "node-exporter",
        "quay.io/prometheus/node-exporter:v1.10.2",
        "50m",
        "64Mi",
        pool="",
        priority="system-node-critical",
    ),
    Workload(
        "DaemonSet",
        "gpu-operator",
        "nvidia-device-plugin",
        "nvcr.io/nvidia/k8s-device-plugin:v0.18.2",
        "50m",
        "128Mi",
        pool="a100,h100,l4",
        priority="system-node-critical",
        spec={"nodeSelector": {"nvidia.com/gpu.present": "true"}},
    ),
)
