"""The labels by which nodes say what they are and where: Kubernetes' well-known ones, and Karpenter's of the market.

Sources: Kubernetes, "Well-Known Labels, Annotations and Taints"; Karpenter, "Well-Known Labels".
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "ARCH",
    "CAPACITY_TYPE",
    "HOSTNAME",
    "INSTANCE_TYPE",
    "OLD_ARCH",
    "OLD_INSTANCE_TYPE",
    "OLD_REGION",
    "OLD_ZONE",
    "OS",
    "REGION",
    "REGIONS",
    "ZONE",
    "ZONES",
]

HOSTNAME: Final = "kubernetes.io/hostname"
ARCH: Final = "kubernetes.io/arch"
OLD_ARCH: Final = "beta.kubernetes.io/arch"
OS: Final = "kubernetes.io/os"
INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
OLD_INSTANCE_TYPE: Final = "beta.kubernetes.io/instance-type"
REGION: Final = "topology.kubernetes.io/region"
OLD_REGION: Final = "failure-domain.beta.kubernetes.io/region"
ZONE: Final = "topology.kubernetes.io/zone"
OLD_ZONE: Final = "failure-domain.beta.kubernetes.io/zone"
CAPACITY_TYPE: Final = "karpenter.sh/capacity-type"

# Where a node is, by whichever of these it has first: old clusters and volumes have only the old ones.
REGIONS: Final = (REGION, OLD_REGION)
ZONES: Final = (ZONE, OLD_ZONE)
