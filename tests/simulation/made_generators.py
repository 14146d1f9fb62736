"""Generators for examples, and workloads of plain columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator, JobClass
from yuheng.model.workload import Workload

GIB = 2**30
DAY, WEEK = 86400.0, 604800.0
# A Thursday, 12:00 UTC.
THURSDAY_NOON = 1_700_136_000.0
# Few at night, most in the afternoon, little at the weekend.
DAILY = tuple(1.0 + 0.8 * math.sin(2 * math.pi * (hour - 9) / 24) for hour in range(24))
WEEKLY = (1.2, 1.3, 1.3, 1.2, 1.1, 0.5, 0.4)


def lognormal(median: float, sigma: float, **bounds: float) -> Distribution:
    return Distribution(kind="lognormal", a=median, b=sigma, **bounds)


def constant(value: float) -> Distribution:
    return Distribution(kind="constant", a=value)


def template(cpu: int = 1000, memory: int = GIB, gpu: int = 0, models: tuple[str, ...] = (), **rest: Any) -> Pod:
    """A pod of so many milli-cores, bytes, and thousandths of GPUs."""
    devices = DeviceRequest(max(1, gpu // 1000), min(gpu, 1000), models=models) if gpu else DeviceRequest()
    return Pod(name="", spec=PodSpec(requests={"cpu": cpu, "memory": memory}, devices=devices), **rest)


def job_class(name: str = "a", share: float = 1.0, duration: Distribution | None = None, **rest: Any) -> JobClass:
    rest.setdefault("template", template())
    return JobClass(name=name, share=share, duration=duration or constant(60.0), **rest)


def generator(*classes: JobClass, rate: float = 100.0, variation: float = 1.0, **rest: Any) -> Generator:
    """A generator with the factors given, flat without."""
    factors = {name: rest.pop(name) for name in ("daily", "weekly") if name in rest}
    process = ArrivalProcess(rate=rate, variation=variation, **factors)
    return Generator(arrivals=process, classes=classes or (job_class(),), **rest)


def workload(
    submit: Sequence[float],
    duration: Sequence[float] | float = 60.0,
    templates: Sequence[Pod] | None = None,
    pods: Sequence[int] | int = 1,
    minimum: Sequence[int] | int | None = None,
    **rest: Any,
) -> Workload:
    """Jobs at these times; one template for each job where templates are given, else one for all."""
    count = len(submit)
    return Workload(
        templates=tuple(templates or [template()]),
        template=np.arange(count, dtype=np.int32) if templates else np.zeros(count, dtype=np.int32),
        submit=np.array(submit, dtype=np.float64),
        duration=np.array(np.broadcast_to(duration, count), dtype=np.float64),
        pods=np.array(np.broadcast_to(pods, count), dtype=np.int32),
        minimum=np.array(np.broadcast_to(pods if minimum is None else minimum, count), dtype=np.int32),
        estimate=np.full(count, np.nan),
        **rest,
    )
