"""The peak of a trace: the pods that are there at once when most is asked for."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from yuheng.model.pod import Pod
from yuheng.model.prices import DEFAULT_RATES, Rates
from yuheng.model.workload import Workload

__all__ = ["Peak", "peak_of"]


class Peak(NamedTuple):
    """The moment.

    Attributes:
        seconds: since the trace began.
        pods: that are there.
        per_hour: what they ask for, at the rates of resources, in US dollars per hour.
    """

    seconds: float
    pods: tuple[Pod, ...]
    per_hour: float


def peak_of(trace: Workload, rates: Rates = DEFAULT_RATES) -> Peak:
    """The moment at which what is asked for costs most; the first of several.

    A pod is there from its submission for its duration, as if it never had to wait. Cpu, memory and GPUs are added up
    at rates, so that there is one peak of all of them.

    Args:
        trace: jobs over time.
        rates: what resources cost.
    """
    if not len(trace):
        return Peak(0.0, (), 0.0)
    each = np.array([_rate(pod, rates) for pod in trace.templates])
    worth = each[trace.template] * trace.pods
    ends = trace.submit + trace.duration
    times = np.concatenate([trace.submit, ends])
    steps = np.concatenate([worth, -worth])
    # At one moment pods leave before others come.
    order = np.lexsort((np.sign(steps), times))
    order = order[np.isfinite(times[order])]
    level = np.cumsum(steps[order])
    moment = float(times[order][int(level.argmax())])
    there = np.flatnonzero((trace.submit <= moment) & (ends > moment)).tolist()
    pods = tuple(pod for job in there for pod in _pods(trace, job))
    return Peak(moment, pods, float(worth[there].sum()))


def _rate(pod: Pod, rates: Rates) -> float:
    requests, devices = pod.spec.requests, pod.spec.devices
    return rates.of(requests.get("cpu", 0), requests.get("memory", 0), devices.count * devices.milli / 1000)


def _pods(trace: Workload, job: int) -> list[Pod]:
    template, name, number = trace.templates[int(trace.template[job])], trace.name(job), int(trace.pods[job])
    names = [name] if number == 1 else [f"{name}-{i}" for i in range(number)]
    return [msgspec.structs.replace(template, name=one) for one in names]
