"""The questions, in PromQL.

Every value that comes from outside is quoted as PromQL's strings are; nothing else of it reaches a query.

A sample stands for the step that ends at the time it is asked for, and is worked out from what was scraped in that
step alone (a range of exactly one step): where nothing was scraped there is no sample, nothing is carried over a gap.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from yuheng.readers.usage.prometheus.spans import Span

__all__ = ["COLUMNS", "Metric", "alternatives", "count_by", "equal", "metrics_of", "range_of", "selector"]

_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
# Where the same container is told twice (two jobs scrape the kubelet, two replicas of Prometheus are behind one
# address) its samples must not be added up: the larger counts.
_TWICE: Final = ("job", "prometheus", "prometheus_replica", "replica")


class Metric(NamedTuple):
    """A series that tells of one resource.

    Attributes:
        column: of the table of usage.
        name: of the metric.
        over: what makes one number of a step's samples: ``rate`` (per second) and ``increase`` of a counter, resets of
            which Prometheus sees to; ``max_over_time`` and ``avg_over_time`` of a gauge.
        scale: what a number is multiplied by.
        namespace, pod, container: the labels that name whose usage it is; empty for a metric that does not tell.
        only: further conditions.
    """

    column: str
    name: str
    over: str
    scale: float = 1.0
    namespace: str = "namespace"
    pod: str = "pod"
    container: str = "container"
    only: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Those that are kept, the node last."""
        return tuple(name for name in (self.namespace, self.pod, self.container, "node") if name)

    @property
    def matchers(self) -> tuple[str, ...]:
        """What every query of it says: only pods, and neither the sandbox nor the pod's own sum."""
        pods = (f'{self.namespace}!=""', f'{self.pod}!=""', *self.only)
        return (*pods, f'{self.container}!~"|POD"') if self.container else pods


_PERCENT: Final = 0.01
# The names that labels of an exporter get where Prometheus gives its own pod the plain ones.
_EXPORTED: Final = ("exported_namespace", "exported_pod", "exported_container")
_SENT: Final = Metric("egress", "container_network_transmit_bytes_total", "increase", container="")

# By column, what may tell it: the first that a server has counts. Memory is the largest sample of a step, as what
# matters is what a limit would have met; GPUs are devices' worth of work, all devices of a container added up; egress
# is what left to the internet in a step, which only the network exporter of Kubecost and OpenCost tells.
COLUMNS: Final[Mapping[str, tuple[Metric, ...]]] = {
    "cpu": (Metric("cpu", "container_cpu_usage_seconds_total", "rate"),),
    "memory": (Metric("memory", "container_memory_working_set_bytes", "max_over_time"),),
    "gpu": (
        Metric("gpu", "DCGM_FI_DEV_GPU_UTIL", "avg_over_time", _PERCENT, *_EXPORTED),
        Metric("gpu", "DCGM_FI_DEV_GPU_UTIL", "avg_over_time", _PERCENT),
        Metric("gpu", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "avg_over_time", 1.0, *_EXPORTED),
        Metric("gpu", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "avg_over_time"),
        Metric("gpu", "container_accelerator_duty_cycle", "avg_over_time", _PERCENT),
    ),
    "egress": (
        Metric(
            "egress",
            "kubecost_pod_network_egress_bytes_total",
            "increase",
            pod="pod_name",
            container="",
            only=('internet="true"',),
        ),
    ),
}


def metrics_of(column: str, egress_share: float) -> tuple[Metric, ...]:
    """What may tell a column, the best first.

    Args:
        column: of `COLUMNS`.
        egress_share: the part of what pods send that goes to the internet, 0 to 1: where nothing tells egress, that
            much of all that is sent counts; 0 for not to look at what is sent at all.
    """
    sent = (_SENT._replace(scale=egress_share),) if column == "egress" and egress_share > 0 else ()
    return COLUMNS[column] + sent


def quoted(value: str) -> str:
    """A string of PromQL: that of Go, of which JSON's is a part."""
    return json.dumps(value, ensure_ascii=False)


def escaped(value: str) -> str:
    """The regular expression of RE2 that only this value meets."""
    return _SPECIAL.sub(r"\\\1", value)


def equal(label: str, value: str) -> str:
    """A label has this value."""
    return f"{label}={quoted(value)}"


def alternatives(label: str, patterns: Iterable[str], *, negated: bool = False) -> str:
    """A label meets one of some regular expressions, or none of them."""
    return f"{label}{'!~' if negated else '=~'}{quoted('|'.join(patterns))}"


def selector(metric: Metric, matchers: Iterable[str]) -> str:
    """Series of a metric."""
    return f"{metric.name}{{{','.join((*metric.matchers, *matchers))}}}"


def count_by(label: str, series: str, span: Span) -> str:
    """How many series there were in a span at any time, by a label; asked at its end."""
    return f"count by ({label}) (count_over_time({series}[{span.end - span.start}s]))"


def range_of(metric: Metric, series: str, step: int) -> str:
    """What was used in a step, by container."""
    kept = ", ".join(metric.labels)
    return f"max by ({kept}) (sum by ({kept}, {', '.join(_TWICE)}) ({metric.over}({series}[{step}s])))"
