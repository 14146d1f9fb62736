"""GPUs: what a node has of them, and what a pod asks for, in the words of each system that shares them.

Whole devices are ``nvidia.com/gpu`` (or ``amd.com/gpu``). A share of one is asked for in Volcano's words
(``volcano.sh/vgpu-*``) or Alibaba's (``alibabacloud.com/gpu-milli``); those resources are not amounts of the
node that add up, so they are taken out of requests and allocatable amounts and become a `DeviceRequest`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.model.node import DeviceInventory
from yuheng.model.pod import DeviceRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.readers.wire import Annotations

__all__ = [
    "MODEL_LABEL",
    "VGPU_NUMBER",
    "device_inventory",
    "device_request",
    "held_devices",
    "takes_parts_of_several",
    "without_devices",
]

MODEL_LABEL: Final = "alibabacloud.com/gpu-card-model"
WHOLE: Final = ("nvidia.com/gpu", "amd.com/gpu")
ALIBABA_MILLI: Final = "alibabacloud.com/gpu-milli"
ALIBABA_COUNT: Final = "alibabacloud.com/gpu-count"
VGPU_NUMBER: Final = "volcano.sh/vgpu-number"
VGPU_MEMORY: Final = "volcano.sh/vgpu-memory"
VGPU_PERCENTAGE: Final = "volcano.sh/vgpu-memory-percentage"
VGPU_CORES: Final = "volcano.sh/vgpu-cores"
MIB: Final = 1024 * 1024
_SHARED: Final = (ALIBABA_MILLI, ALIBABA_COUNT)
_SHARED_PREFIX: Final = "volcano.sh/vgpu-"


def without_devices(amounts: Mapping[str, int]) -> dict[str, int]:
    """The amounts that NodeResourcesFit adds up: without those that only one device can give a share of."""
    return {
        name: amount for name, amount in amounts.items() if name not in _SHARED and not name.startswith(_SHARED_PREFIX)
    }


def device_request(requests: Mapping[str, int], annotations: Annotations, model_label: str = "") -> DeviceRequest:
    """What a pod asks for.

    Args:
        requests: effective amounts by resource name.
        annotations: of the pod.
        model_label: the pod's label of GPU models, which its annotation overrules.

    Raises:
        InputError: an annotation is not a number, or shares of several devices are asked for.
    """
    models = tuple(filter(None, (annotations.gpu_model or model_label).split("|")))
    whole = sum(requests.get(name, 0) for name in WHOLE)
    if whole:
        return DeviceRequest(count=whole, models=models)
    if requests.get(VGPU_NUMBER):
        return _volcano(requests, models)
    milli = requests.get(ALIBABA_MILLI) or _number(annotations.gpu_milli, "gpu-milli")
    count = requests.get(ALIBABA_COUNT) or _number(annotations.gpu_count, "gpu-count")
    if not milli and not count:
        return DeviceRequest()
    return _alibaba(milli or 1000, count or 1, models)


def takes_parts_of_several(requests: Mapping[str, int]) -> bool:
    """Whether a part of each of several devices is asked for in Volcano's words; they count as whole."""
    parts = (requests.get(name, 0) for name in (VGPU_MEMORY, VGPU_PERCENTAGE, VGPU_CORES))
    return requests.get(VGPU_NUMBER, 0) > 1 and any(parts)


def _volcano(requests: Mapping[str, int], models: tuple[str, ...]) -> DeviceRequest:
    number, memory = requests[VGPU_NUMBER], requests.get(VGPU_MEMORY, 0) * MIB
    milli = 10 * max(requests.get(VGPU_CORES, 0), requests.get(VGPU_PERCENTAGE, 0))
    if number > 1 or milli >= 1000 or not (milli or memory):
        return DeviceRequest(count=number, models=models)
    return DeviceRequest(count=1, milli=milli, memory=memory, models=models)


def _alibaba(milli: int, count: int, models: tuple[str, ...]) -> DeviceRequest:
    if milli > 1000:
        raise InputError(
            f"{milli} thousandths of a GPU", "1 to 1000 of each; gpu-count for more GPUs", field=ALIBABA_MILLI
        )
    if milli == 1000:
        return DeviceRequest(count=count, models=models)
    if count > 1:
        raise InputError(
            f"{milli} thousandths of {count} GPUs",
            "a share of one GPU or whole GPUs: a share fits one device only",
            field=f"metadata.annotations[{ALIBABA_MILLI}]",
        )
    return DeviceRequest(count=1, milli=milli, models=models)


def held_devices(annotations: Annotations) -> tuple[int, ...]:
    """The indices of the GPUs a bound pod holds: ``0-1`` and ``0,1`` are both the first and the second.

    Raises:
        InputError: what is written is not a list of indices.
    """
    text = annotations.gpu_index or annotations.vgpu_index
    if not text:
        return ()
    parts = [part.strip() for part in re.split("[-,]", text)]
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        name = "alibabacloud.com/gpu-index" if annotations.gpu_index else "volcano.sh/gpu-index"
        raise InputError(repr(text), "device indices such as 0-1 or 0,1", field=f"metadata.annotations[{name}]")
    return tuple(sorted({int(part) for part in parts}))


def device_inventory(
    allocatable: Mapping[str, int], labels: Mapping[str, str], annotations: Annotations
) -> DeviceInventory:
    """The GPUs of a node.

    Raises:
        InputError: a label or annotation that counts devices or their memory is not a number.
    """
    registered = _registered(annotations.vgpu_register)
    count = sum(allocatable.get(name, 0) for name in WHOLE) or allocatable.get(ALIBABA_COUNT, 0)
    if not count and allocatable.get(VGPU_NUMBER):
        count = len(registered) or _label(labels, "nvidia.com/gpu.count")
    if not count:
        return DeviceInventory()
    memory = _label(labels, "nvidia.com/gpu.memory") or min(registered, default=0)
    model = labels.get("nvidia.com/gpu.product") or labels.get(MODEL_LABEL, "")
    return DeviceInventory(count=count, memory=memory * MIB, model=model)


def _registered(text: str) -> list[int]:
    """The MiB of each device that Volcano's device plugin registered: ``id,split count,MiB,...:id,...``."""
    devices = [device.split(",") for device in text.split(":") if device.strip()]
    try:
        return [int(device[2]) for device in devices]
    except (IndexError, ValueError) as error:
        raise InputError(
            repr(text),
            "devices separated by ':', each 'id,split count,memory in MiB,...'",
            field="metadata.annotations[volcano.sh/node-vgpu-register]",
        ) from error


def _label(labels: Mapping[str, str], name: str) -> int:
    return _digits(labels.get(name, ""), f"metadata.labels[{name}]")


def _number(text: str, name: str) -> int:
    return _digits(text, f"metadata.annotations[alibabacloud.com/{name}]")


def _digits(text: str, field: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InputError(repr(text), "a whole number", field=field)
    return int(text or 0)
