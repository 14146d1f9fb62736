"""What the name of an instance type tells, and the price book does not: architecture, GPU model, burstable or not.

Providers publish these with their types; no table of prices has them. Names are read by the providers' own rules of
naming; what a name does not tell is amd64, without a GPU model, and not burstable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["AMD_GPU", "NVIDIA_GPU", "architecture", "family", "gpu_model", "gpu_resource", "is_burstable", "is_hosting"]

NVIDIA_GPU: Final = "nvidia.com/gpu"
AMD_GPU: Final = "amd.com/gpu"
GAUDI: Final = "habana.ai/gaudi"

# AWS: a "g" behind the generation is Graviton. GCP: t2a, c4a, n4a and a4x are Arm. Azure: a "p" behind the cores is.
_ARM: Final = re.compile(
    r"(?:a1|[a-z]+\d+[a-z-]*g[a-z]*)\..+|(?:t2a|c4a|n4a|a4x)-.+|Standard_[A-Z]+\d+(?:-\d+)?p[a-z]*_.*"
)
# Cores that are shared or lent: their price is for a part of what they show.
_BURSTABLE: Final = re.compile(r"t\d[a-z]*\..+|(?:e2|f1|g1)-(?:micro|small|medium)|(?:Standard|Basic)_B.+|Basic_A.+")
# No Kubernetes node: Apple's machines.
_NOT_HOSTING: Final = re.compile(r"mac\d.*")
_AWS_FAMILY: Final = re.compile(r"([a-z]+-?\d[a-z0-9-]*)\.")
_AZURE_FAMILY: Final = re.compile(r"(Standard_[A-Z]+)\d+(?:-\d+)?([a-z]*)(_.*)?")
# The GPUs of AWS' families (Amazon EC2, "Accelerated computing").
_AWS_GPUS: Final[Mapping[str, str]] = {
    "g3": "M60",
    "g3s": "M60",
    "g4ad": "Radeon-Pro-V520",
    "g4dn": "T4",
    "g5": "A10G",
    "g5g": "T4G",
    "g6": "L4",
    "g6e": "L40S",
    "gr6": "L4",
    "p2": "K80",
    "p3": "V100",
    "p3dn": "V100-32GB",
    "p4d": "A100",
    "p4de": "A100-80GB",
    "p5": "H100",
    "p5e": "H200",
    "p5en": "H200",
    "p6-b200": "B200",
    "dl1": "Gaudi HL-205",
}
_AMD: Final = re.compile(r"Radeon|MI\d", re.IGNORECASE)
_GAUDI: Final = re.compile(r"Gaudi", re.IGNORECASE)


def architecture(instance_type: str) -> str:
    """``amd64`` or ``arm64``."""
    return "arm64" if _ARM.fullmatch(instance_type) else "amd64"


def is_burstable(instance_type: str) -> bool:
    """Whether its cores are shared or lent, so that its price is not the price of what it shows."""
    return _BURSTABLE.fullmatch(instance_type) is not None


def is_hosting(instance_type: str) -> bool:
    """Whether it can be a node of Kubernetes."""
    return _NOT_HOSTING.fullmatch(instance_type) is None


def family(instance_type: str) -> str:
    """What providers sell reservations of: ``m5`` of ``m5.large``, ``n2-standard`` of ``n2-standard-8``.

    For Azure it is the series with its features and version: ``Standard_Ds_v5`` of ``Standard_D4s_v5``. A name that
    follows none of these rules is its own family.
    """
    if found := _AWS_FAMILY.match(instance_type):
        return found[1]
    if found := _AZURE_FAMILY.fullmatch(instance_type):
        return f"{found[1]}{found[2]}{found[3] or ''}"
    head, _, size = instance_type.rpartition("-")
    return head if head and size[:1].isdigit() else instance_type


def gpu_model(instance_type: str, told: str) -> str:
    """The model of its GPUs: what the price book tells, else what AWS builds in; empty where neither is known."""
    return told or _AWS_GPUS.get(family(instance_type), "")


def gpu_resource(model: str) -> str:
    """The name by which pods ask for GPUs of a model; NVIDIA's for one that is not known."""
    if _AMD.search(model):
        return AMD_GPU
    return GAUDI if _GAUDI.search(model) else NVIDIA_GPU
