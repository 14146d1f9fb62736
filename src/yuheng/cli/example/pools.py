"""The nodes of the example: thirty machines of seven kinds over three zones."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = ["REGION", "node_objects"]

REGION: Final = "eu-west-1"
_INSTALLED: Final = "2026-01-12T07:30:00Z"
_GPU_TAINT: Final = {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
_UNSCHEDULABLE: Final = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_CORDONED: Final = "memory-b-1"


class Gpus(NamedTuple):
    """The GPUs of a machine: how many, which, and the MiB of each."""

    per_node: int
    product: str
    memory: int


class Pool(NamedTuple):
    """Machines of one kind.

    Attributes:
        zones: one letter a node.
        cpu, memory: what is left for pods of the machine's cpu and memory.
        shared: whether Volcano's device plugin offers the GPUs in shares.
    """

    name: str
    machine: str
    zones: str
    cpu: str
    memory: str
    taint: dict[str, str] | None = None
    gpus: Gpus | None = None
    shared: bool = False


_A100: Final = Gpus(8, "NVIDIA-A100-SXM4-80GB", 81920)
_H100: Final = Gpus(8, "NVIDIA-H100-80GB-HBM3", 81559)
_POOLS: Final = (
    Pool("general", "m6i.4xlarge", "aaaaabbbbbccccc", "15890m", "60691892Ki"),
    Pool(
        "memory",
        "r6i.8xlarge",
        "abc",
        "31850m",
        "254865460Ki",
        {"key": "dedicated", "value": "memory", "effect": "NoSchedule"},
    ),
    Pool(
        "spot",
        "m6a.4xlarge",
        "abc",
        "15890m",
        "60691892Ki",
        {"key": "capacity", "value": "spot", "effect": "NoSchedule"},
    ),
    Pool("a100", "p4de.24xlarge", "aab", "95690m", "1161225216Ki", _GPU_TAINT, _A100),
    Pool("h100", "p5.48xlarge", "bc", "191450m", "2078384128Ki", _GPU_TAINT, _H100),
    Pool("l4", "g6.12xlarge", "ac", "47810m", "191034496Ki", _GPU_TAINT, Gpus(4, "NVIDIA-L4", 23034)),
    Pool("t4", "g4dn.12xlarge", "bc", "47810m", "191034496Ki", _GPU_TAINT, Gpus(4, "Tesla-T4", 15360), shared=True),
)


def node_objects() -> list[dict[str, Any]]:
    """All nodes, sorted by pool and zone."""
    return [_node(pool, zone, pool.zones[: i + 1].count(zone)) for pool in _POOLS for i, zone in enumerate(pool.zones)]


def _node(pool: Pool, zone: str, number: int) -> dict[str, Any]:
    name = f"{pool.name}-{zone}-{number}"
    spec: dict[str, Any] = {"providerID": f"aws:///{REGION}{zone}/{name}"}
    taints = [pool.taint] if pool.taint else []
    if name == _CORDONED:
        spec["unschedulable"] = True
        taints = [*taints, _UNSCHEDULABLE]
    if taints:
        spec["taints"] = taints
    amounts = {"cpu": pool.cpu, "memory": pool.memory, "ephemeral-storage": "95551679124", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "creationTimestamp": _INSTALLED,
            "labels": _labels(pool, name, zone),
            **_annotations(pool, name),
        },
        "spec": spec,
        "status": {
            "allocatable": amounts | _gpu_amounts(pool),
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "nodeInfo": {"architecture": "amd64", "kubeletVersion": "v1.36.2", "operatingSystem": "linux"},
        },
    }


def _labels(pool: Pool, name: str, zone: str) -> dict[str, str]:
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": pool.machine,
        "pool": pool.name,
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": f"{REGION}{zone}",
    }
    if name in ("general-a-1", "general-b-1", "general-c-1"):
        labels["node-role.kubernetes.io/edge"] = "true"
    if pool.gpus:
        labels["nvidia.com/gpu.count"] = str(pool.gpus.per_node)
        labels["nvidia.com/gpu.memory"] = str(pool.gpus.memory)
        labels["nvidia.com/gpu.deploy.device-plugin"] = str(not pool.shared).lower()
        labels["nvidia.com/gpu.product"] = pool.gpus.product
    return labels


def _gpu_amounts(pool: Pool) -> dict[str, str]:
    if not pool.gpus:
        return {}
    if not pool.shared:
        return {"nvidia.com/gpu": str(pool.gpus.per_node)}
    return {
        "volcano.sh/vgpu-number": str(10 * pool.gpus.per_node),
        "volcano.sh/vgpu-memory": str(pool.gpus.memory * pool.gpus.per_node),
        "volcano.sh/vgpu-cores": str(100 * pool.gpus.per_node),
    }


def _annotations(pool: Pool, name: str) -> dict[str, Any]:
    """What Volcano's device plugin registers: id, split count, MiB, cores, type and health of each device."""
    if not pool.gpus or not pool.shared:
        return {}
    devices = [
        f"GPU-{name}-{i},10,{pool.gpus.memory},100,{pool.gpus.product},0,true" for i in range(pool.gpus.per_node)
    ]
    return {"annotations": {"volcano.sh/node-vgpu-register": ":".join(devices) + ":"}}
