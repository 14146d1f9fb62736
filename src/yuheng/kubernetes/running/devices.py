"""What is written on a pod that shares a GPU: which one it got, for the device plugin that carves it out."""

from __future__ import annotations

from typing import Final

from yuheng.model.pod import Pod

__all__ = ["device_annotations"]

ALIBABA: Final = "alibabacloud.com/gpu-index"
VOLCANO: Final = "volcano.sh/gpu-index"


def device_annotations(pod: Pod, *, by_milli: bool) -> dict[str, str]:
    """The annotation that tells a pod's device; none for whole GPUs, which the kubelet chooses by itself.

    Args:
        pod: with the devices that were chosen for it.
        by_milli: whether it asked in Alibaba's way (``alibabacloud.com/gpu-milli``), else in Volcano's.
    """
    if not pod.spec.devices.is_share() or not pod.device_indices:
        return {}
    return {ALIBABA if by_milli else VOLCANO: "-".join(map(str, pod.device_indices))}
