"""What jobs ask for, and the pods to copy for them.

All pods that ask for the same are copies of one template, and one class to the engine, whose memory and speed go by the
number of classes. Traces that were measured or scaled have amounts such as 3.7182 cores, all different; rounding them
up (`Rounding`) leaves a few classes and never makes a pod smaller than it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import DeviceRequest, Pod
from yuheng.readers.openb import pod_spec

if TYPE_CHECKING:
    from yuheng.model.workload import Counts, Seconds
    from yuheng.readers.traces.table import Coded

__all__ = ["MOST_GPUS", "Requests", "Rounding", "templates_of", "whole_units"]

Amounts = NDArray[np.int64]
MOST_GPUS: Final = 1024
# Products of decimal fractions are off by some 1e-10; nobody means a millionth of a milli-core or of a byte.
_EXACT: Final = 6


class Rounding(msgspec.Struct, frozen=True, kw_only=True):
    """What requests are rounded up to multiples of; 0 for not at all.

    Attributes:
        cpu: milli-cores.
        memory: bytes.
    """

    cpu: int = 0
    memory: int = 0


class Requests(NamedTuple):
    """What one pod of each job asks for.

    Attributes:
        cpu: (J,) milli-cores.
        memory: (J,) bytes.
        gpu: (J,) thousandths of GPUs: less than 1000 is a share, more are whole ones.
        models: GPU models that will do, separated by ``|``.
        queue, namespace: names.
        priority: (J,) of the pod.
        qos: the label ``qos``; empty for none.
    """

    cpu: Amounts
    memory: Amounts
    gpu: Amounts
    models: Coded
    queue: Coded
    namespace: Coded
    priority: Amounts
    qos: Coded


def whole_units(amounts: Seconds) -> Amounts:
    """(J,) amounts rounded up to whole units, as Kubernetes rounds."""
    return np.ceil(np.round(amounts, _EXACT)).astype(np.int64)


def templates_of(requests: Requests, rounding: Rounding) -> tuple[tuple[Pod, ...], Counts]:
    """The pods to copy, and which of them each job's pods are copies of."""
    keys = [
        _up(requests.cpu, rounding.cpu),
        _up(requests.memory, rounding.memory),
        requests.gpu,
        np.where(requests.gpu > 0, requests.models.codes, -1),
        requests.queue.codes,
        requests.namespace.codes,
        requests.priority,
        requests.qos.codes,
    ]
    template, firsts = _classes(keys)
    rows = zip(*(key[firsts].tolist() for key in keys), strict=True)
    return tuple(_pod(number, row, requests) for number, row in enumerate(rows)), template.astype(np.int32)


def _up(amounts: Amounts, multiple: int) -> Amounts:
    return -(-amounts // multiple) * multiple if multiple else amounts


def _classes(keys: list[Amounts]) -> tuple[Amounts, Amounts]:
    """The class of each row, and the first row of each class: rows are alike when they are in all keys.

    One key after the other, as sorting rows of eight numbers takes ten times as long as sorting numbers.
    """
    rows = len(keys[0])
    classes = np.zeros(rows, dtype=np.int64)
    firsts = np.zeros(1, dtype=np.int64)
    for key in keys:
        if (key == key[0]).all():
            continue
        values, codes = np.unique(key, return_inverse=True)
        _, firsts, classes = np.unique(classes * len(values) + codes, return_index=True, return_inverse=True)
    return classes, firsts


def _pod(number: int, row: tuple[int, ...], requests: Requests) -> Pod:
    cpu, memory, gpu, models, queue, namespace, priority, qos = row
    label = requests.qos.values[qos]
    return Pod(
        name=f"template-{number}",
        namespace=requests.namespace.values[namespace],
        spec=pod_spec(cpu, memory, devices_of(gpu, requests.models.values[models] if models >= 0 else "")),
        labels={"qos": label} if label else {},
        priority=priority,
        queue=requests.queue.values[queue],
    )


def devices_of(gpu: int, models: str = "") -> DeviceRequest:
    """The GPUs of so many thousandths: a share of one, or whole ones."""
    if not gpu:
        return DeviceRequest()
    named = tuple(filter(None, (model.strip() for model in models.split("|"))))
    if gpu < 1000:
        return DeviceRequest(count=1, milli=gpu, models=named)
    return DeviceRequest(count=gpu // 1000, models=named)
