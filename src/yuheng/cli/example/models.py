"""The example's GPU users: training jobs, notebooks, and inference on shares of a GPU.

Those that wait were created in the order of these tables. A comment says why a pod of a workload cannot be placed.
"""

from __future__ import annotations

from typing import Final

from yuheng.cli.example.rules import ON_GPUS, ON_L4, ON_T4, PRODUCTION, RESEARCH, gated
from yuheng.cli.example.workloads import Workload

__all__ = ["MODELS"]

_VGPU: Final = {
    "volcano.sh/vgpu-number": "1",
    "volcano.sh/vgpu-memory": "5000",
    "volcano.sh/vgpu-cores": "30",
}


def _training(name: str, cpu: str, memory: str, gpus: int, node: str) -> Workload:
    return Workload(
        kind="Job",
        namespace="ml",
        name=name,
        version="0.14.2",
        cpu=cpu,
        memory=memory,
        places=(node,),
        priority=RESEARCH,
        extended=_gpus(gpus),
        spec=ON_GPUS,
    )


def _notebook(user: str, gpus: int, node: str) -> Workload:
    return Workload(
        kind="StatefulSet",
        namespace="notebooks",
        name=user,
        version="7.5.3",
        cpu=str(8 * gpus),
        memory=f"{64 * gpus}Gi",
        places=(node,),
        priority=RESEARCH,
        extended=_gpus(gpus),
        spec=ON_GPUS,
    )


def _gpus(count: int) -> dict[str, str]:
    return {"nvidia.com/gpu": str(count)}


def _milli(amount: int) -> dict[str, str]:
    """A share of one GPU."""
    return {"alibabacloud.com/gpu-milli": str(amount)}


_RESEARCH: Final = (
    _training("llm-pretrain", "160", "1600Gi", 8, "h100-b-1"),
    _training("llm-eval", "64", "512Gi", 4, "h100-c-1"),
    _training("finetune-support", "40", "400Gi", 4, "a100-a-1"),
    _training("finetune-legal", "24", "240Gi", 2, "a100-a-2"),
    _notebook("ana", 1, "a100-a-1"),
    _notebook("li", 2, "a100-a-2"),
    # These three fit, but kube-scheduler's scores send them to the one node whose eight GPUs are untouched ...
    _notebook("chen", 1, ""),
    _notebook("fatou", 1, ""),
    _notebook("jonas", 1, ""),
    # ... so that this one finds more GPUs than it asks for in the cluster, and on no node enough.
    _training("llm-finetune", "64", "800Gi", 8, ""),
    # Nobody told its user of the taint.
    Workload("StatefulSet", "notebooks", "marta", "7.5.3", "500m", "4Gi", 0, 1, extended=_gpus(1)),
    # Kueue has not let it in yet.
    _training("sweep", "8", "64Gi", 1, "")._replace(spec={**ON_GPUS, **gated("kueue.x-k8s.io/admission")}),
)
_INFERENCE: Final = (
    Workload("Deployment", "ml", "llm-gateway", "0.9.4", "2", "4Gi", 4, priority=PRODUCTION),
    Workload(
        kind="Deployment",
        namespace="ml",
        name="embedder",
        version="2.2.0",
        cpu="2",
        memory="8Gi",
        places=("l4-a-1", "l4-a-1", "l4-a-1", "l4-c-1", "l4-c-1", "l4-c-1", "", "", ""),
        indices=("0", "1", "2", "0", "1", "2"),
        priority=PRODUCTION,
        extended=_milli(400),
        spec=ON_L4,
    ),
    Workload(
        kind="Deployment",
        namespace="ml",
        name="reranker",
        version="1.6.1",
        cpu="3",
        memory="12Gi",
        places=("l4-a-1", "l4-a-1", "l4-c-1", "l4-c-1"),
        indices=("0", "3", "2", "3"),
        priority=PRODUCTION,
        extended=_milli(500),
        spec=ON_L4,
    ),
    # No L4 has more than 600 thousandths left.
    Workload("Deployment", "ml", "video-tagger", "0.4.0", "4", "16Gi", 0, 1, extended=_milli(700), spec=ON_L4),
    Workload(
        kind="Deployment",
        namespace="ml",
        name="ocr",
        version="3.0.2",
        cpu="2",
        memory="8Gi",
        places=("t4-b-1", "t4-b-1", "t4-b-1", "t4-c-1", "t4-c-1", "", ""),
        extended=_VGPU,
        spec=ON_T4,
    ),
)
MODELS: Final = (*_RESEARCH, *_INFERENCE)
