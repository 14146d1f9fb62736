"""What KRR's `simple` strategy would recommend from a history of usage.

CPU: the 95th percentile of each pod's samples, of the pod where it is highest. Memory: the highest sample of any pod
plus 15 %; with OOM kills taken into account, at least the highest memory limit at which one happened plus 25 %. CPU is
never recommended below 10 millicores, memory never below 100 MiB. Under 100 samples, or where an autoscaler steers by
the resource, it gives no advice.

Source: robusta-dev/krr, robusta_krr/strategies/simple.py and core/runner.py at commit d6baa745.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from yuheng.finops.rightsizing.samples import Samples
from yuheng.model.units import DAY

__all__ = ["FEWEST_SAMPLES", "HISTORY", "MIN_CPU", "MIN_MEMORY", "cpu", "memory"]

HISTORY: Final = 14 * DAY
FEWEST_SAMPLES: Final = 100
PERCENTILE: Final = 0.95
BUFFER: Final = 1.15
OOM_BUFFER: Final = 1.25
MIN_CPU: Final = 0.010
MIN_MEMORY: Final = 100 * 1024.0**2


def cpu(pods: Sequence[Samples], minimum: float = MIN_CPU) -> float:
    """The request for CPU in cores, interpolated as Prometheus' quantile_over_time.

    Args:
        pods: cores used, per pod; those without samples do not count.
        minimum: cores below which nothing is recommended.
    """
    return max(minimum, *(float(np.quantile(pod.values, PERCENTILE)) for pod in pods if len(pod.values)))


def memory(pods: Sequence[Samples], oom: float = 0.0, minimum: float = MIN_MEMORY) -> float:
    """The request, and limit, for memory in bytes.

    Args:
        pods: bytes used, per pod; those without samples do not count.
        oom: the highest memory limit in bytes at which a container was killed; 0 when none was.
        minimum: bytes below which nothing is recommended.
    """
    peaks = (float(pod.values.max()) for pod in pods if len(pod.values))
    return max(minimum, OOM_BUFFER * oom, *(BUFFER * peak for peak in peaks))
