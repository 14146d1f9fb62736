"""What is measured, for Prometheus.

What kube-scheduler measures, too, has its names, labels and buckets, so that its dashboards and alarms work unchanged;
what only Yuheng has is called ``yuheng_*``. All of it is kept in a registry of its own. What somebody counts anyway
(pods that wait, bytes on disk) is asked for when it is read, not copied each time it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from yuheng.kubernetes.api import Asked

__all__ = ["QUEUES", "Measures"]

# Where pods wait; see kube-scheduler's `pending_pods`.
QUEUES: Final = ("active", "backoff", "unschedulable", "gated")
RESULTS: Final = ("scheduled", "unschedulable", "error")
_MOST_ATTEMPTS: Final = 15
_REQUEST: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
# What a request without an answer counts as, as client-go has it.
_NO_ANSWER: Final = "<error>"

Number = Callable[[], float]
Numbers = Callable[[], Mapping[str, float]]


def _doubling(first: float, count: int) -> tuple[float, ...]:
    return tuple(first * 2**power for power in range(count))


class Measures:
    """The measures of one scheduler.

    Args:
        profile: the scheduler's name, which stands in kube-scheduler's label ``profile``.
        process: whether the process itself is measured, too (memory, CPU, files).

    Attributes:
        registry: where they are kept.
    """

    def __init__(self, profile: str, *, process: bool = True) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # else each counter is there twice
        self.registry = CollectorRegistry()
        self._profile = profile
        self._read = _Read()
        self.registry.register(self._read)
        if process:
            ProcessCollector(registry=self.registry)
        self._attempts = self._counter(
            "scheduler_schedule_attempts",
            "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, "
            "while 'error' means an internal scheduler problem.",
            ("result", "profile"),
        )
        self._latency = self._histogram(
            "scheduler_scheduling_attempt_duration_seconds",
            "Scheduling attempt latency in seconds (scheduling algorithm + binding).",
            _doubling(0.001, 15),
            ("result", "profile"),
        )
        self._algorithm = self._histogram(
            "scheduler_scheduling_algorithm_duration_seconds",
            "Scheduling algorithm latency in seconds.",
            _doubling(0.001, 15),
        )
        self._tries = self._histogram(
            "scheduler_pod_scheduling_attempts",
            "Number of attempts to successfully schedule a pod.",
            _doubling(1, 5),
        )
        self._sli = self._histogram(
            "scheduler_pod_scheduling_sli_duration_seconds",
            "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue, over all its "
            "scheduling attempts.",
            _doubling(0.01, 20),
            ("attempts",),
        )
        self._preemptions = self._counter(
            "scheduler_preemption_attempts", "Total preemption attempts in the cluster till now."
        )
        self._victims = self._histogram(
            "scheduler_preemption_victims", "Number of selected preemption victims.", _doubling(1, 7)
        )
        self._requests = self._counter(
            "rest_client_requests",
            "Number of HTTP requests, partitioned by status code, method, and host.",
            ("code", "method", "host"),
        )
        self._request_latency = self._histogram(
            "rest_client_request_duration_seconds",
            "Request latency in seconds, until the answer begins. Broken down by verb, and host.",
            _REQUEST,
            ("verb", "host"),
        )
        self._compiling = self._histogram(
            "yuheng_compile_duration_seconds",
            "Seconds it took to compile the whole cluster anew.",
            _doubling(0.01, 14),
        )
        self._cycles = self._counter("yuheng_cycles", "Number of scheduling cycles, which each decide on many pods.")
        self._cycle_pods = self._histogram(
            "yuheng_cycle_pods", "Number of pods that were decided on in one cycle.", _doubling(1, 12)
        )
        self._cycle_latency = self._histogram(
            "yuheng_cycle_duration_seconds", "Seconds that the decisions of one cycle took.", _doubling(0.001, 15)
        )
        self._hosts: dict[str, str] = {}

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    # What happens.

    def attempted(self, result: str, seconds: float, pods: int = 1) -> None:
        """Pods had their turn.

        Args:
            result: ``scheduled``, ``unschedulable`` or ``error``.
            seconds: what it took each, the binding included where there was one.
            pods: how many.
        """
        self._attempts.labels(result, self._profile).inc(pods)
        latency = self._latency.labels(result, self._profile)
        for _ in range(pods):
            latency.observe(seconds)

    def scheduled(self, attempts: int, seconds: float) -> None:
        """A pod is bound.

        Args:
            attempts: how many it took.
            seconds: since it first waited.
        """
        self._tries.observe(attempts)
        self._sli.labels(f"{_MOST_ATTEMPTS}+" if attempts >= _MOST_ATTEMPTS else str(attempts)).observe(seconds)

    def cycled(self, pods: int, seconds: float) -> None:
        """A cycle has decided.

        Args:
            pods: how many it decided on.
            seconds: how long that took.
        """
        self._cycles.inc()
        self._cycle_latency.observe(seconds)
        if pods:
            self._cycle_pods.observe(pods)
            # kube-scheduler decides on one pod at a time.
            self._algorithm.observe(seconds / pods)

    def compiled(self, seconds: float) -> None:
        """The cluster was compiled anew."""
        self._compiling.observe(seconds)

    def preempted(self, victims: int) -> None:
        """Running pods were chosen to go for one that waits."""
        self._preemptions.inc()
        self._victims.observe(victims)

    def asked(self, asked: Asked, status: int, seconds: float) -> None:
        """The API server was asked: the `Observer` of an `Api`.

        Args:
            asked: what.
            status: of the answer; 0 where there was none.
            seconds: until its headers were there.
        """
        host = self._hosts.get(asked.server)
        if host is None:
            host = self._hosts[asked.server] = urlsplit(asked.server).netloc
        code = str(status) if status else _NO_ANSWER
        self._requests.labels(code, asked.verb, host).inc()
        self._request_latency.labels(asked.verb, host).observe(seconds)

    # What is asked for when it is read.

    def leader(self, lease: str, leading: Callable[[], bool]) -> None:
        """Measure whether this instance leads.

        Args:
            lease: the name of the Lease.
            leading: says so.
        """
        self._read.gauge(
            "leader_election_master_status",
            "Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.",
            lambda: {lease: float(leading())},
            "name",
        )

    def pending(self, pods: Numbers) -> None:
        """Measure how many pods wait, by queue: ``active``, ``backoff``, ``unschedulable``, ``gated``."""
        self._read.gauge(
            "scheduler_pending_pods",
            "Number of pending pods, by the queue type: 'active' are to have their turn, 'backoff' are to have it "
            "again after a pause, 'unschedulable' wait for a change that could help, 'gated' for their gates.",
            lambda: dict.fromkeys(QUEUES, 0.0) | dict(pods()),
            "queue",
        )

    def cache(self, sizes: Numbers) -> None:
        """Measure how much is known of the cluster: ``nodes``, ``pods``, ``assumed_pods``."""
        self._read.gauge(
            "scheduler_cache_size",
            "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.",
            sizes,
            "type",
        )

    def unreadable(self, objects: Numbers) -> None:
        """Measure how many objects cannot be used, by kind."""
        self._read.gauge(
            "yuheng_unreadable_objects",
            "Number of objects that cannot be used, because they cannot be read or contradict others, by kind.",
            objects,
            "kind",
        )

    def half_bound(self, gangs: Number) -> None:
        """Measure how many gangs are bound by half."""
        self._read.gauge("yuheng_half_bound_gangs", "Number of gangs of which only some pods are bound.", _alone(gangs))

    def recorded(self, size: Number) -> None:
        """Measure the bytes of the record on disk."""
        self._read.gauge("yuheng_record_bytes", "Bytes that the record of decisions takes on disk.", _alone(size))

    def record_lost(self, turns: Number, failures: Number) -> None:
        """Measure the turns that were not recorded, and how often writing failed."""
        self._read.counter(
            "yuheng_record_lost_turns", "Number of turns that were not written to the record.", _alone(turns)
        )
        self._read.counter(
            "yuheng_record_failures", "Number of times that the record could not be written.", _alone(failures)
        )

    def watches(self, restarts: Numbers) -> None:
        """Measure how often watches had to begin anew, by kind."""
        self._read.counter(
            "yuheng_watch_restarts", "Number of times that a kind had to be listed again.", restarts, "kind"
        )

    def events_dropped(self, count: Number) -> None:
        """Measure how many events were not told because there were too many."""
        self._read.counter(
            "yuheng_events_dropped",
            "Number of events that were not written because there were too many.",
            _alone(count),
        )

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)


class _Read(Collector):
    """Numbers that others keep."""

    def __init__(self) -> None:
        self._families: dict[str, Callable[[], Metric]] = {}

    def gauge(self, name: str, text: str, numbers: Numbers, label: str = "") -> None:
        self._families[name] = lambda: _filled(GaugeMetricFamily(name, text, labels=_labels(label)), numbers, label)

    def counter(self, name: str, text: str, numbers: Numbers, label: str = "") -> None:
        self._families[name] = lambda: _filled(CounterMetricFamily(name, text, labels=_labels(label)), numbers, label)

    def collect(self) -> Iterable[Metric]:
        return [family() for family in self._families.values()]


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, numbers: Numbers, label: str
) -> GaugeMetricFamily | CounterMetricFamily:
    for name, value in numbers().items():
        family.add_metric([name] if label else [], value)
    return family


def _labels(label: str) -> list[str]:
    return [label] if label else []


def _alone(number: Number) -> Numbers:
    return lambda: {"": number()}
