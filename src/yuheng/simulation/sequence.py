"""An arrival sequence: a trace's pods one after the other, without a clock, until more was asked for than there is."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import ConfigError
from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.model.scenario import ArrivalSequence, Scenario
from yuheng.model.simulation import Run
from yuheng.model.workload import Workload
from yuheng.scheduling.arrays import CPU
from yuheng.scheduling.scheduler import Kinds, Scheduler

__all__ = ["drawn", "run_sequence"]

# Rows are drawn in lots of this size: how many it takes is known only when the next would be too many.
LOT: Final = 4096


def drawn(sizes: NDArray[np.int64], most: float, seed: int) -> NDArray[np.int64]:
    """Rows drawn with replacement from a trace as the seed shuffles it, until the next would be too much.

    The sequence of the FGD study (USENIX ATC'23, section 6).

    Args:
        sizes: (J,) what each row asks for.
        most: what all rows drawn may ask for together.
        seed: of the shuffle and the draws.

    Returns:
        The rows, in the order they arrive.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    shuffled = random.permutation(len(sizes))
    rows: list[NDArray[np.int64]] = []
    asked = 0
    while asked <= most:
        lot = shuffled[random.integers(0, len(sizes), LOT)]
        sums = asked + np.cumsum(sizes[lot])
        rows.append(lot[: np.searchsorted(sums, most, side="right")])
        asked = int(sums[-1])
    return np.concatenate(rows)


def run_sequence(scenario: Scenario, sequence: ArrivalSequence, policy: Policy, seed: int) -> Run:
    """Place an arrival sequence, pod by pod, and measure at every whole percent that arrived.

    The point of ``p`` percent tells the state after the last pod with which no more than ``p`` percent had arrived.

    Args:
        scenario: its nodes and its workload are used.
        sequence: how much arrives.
        policy: what decides.
        seed: of the draws, and of the policy.

    Raises:
        ConfigError: there is no trace, or nothing in it asks for what the nodes have, or there are node pools.
    """
    workload = scenario.workload
    if scenario.pools:
        raise ConfigError("pools: found node pools, expected none: an arrival sequence has no clock for them")
    if workload is None or not len(workload):
        raise ConfigError("workload: found no jobs, expected a trace for an arrival sequence")
    capacity, sizes, resource = _measured(scenario.snapshot, workload)
    if not capacity or not sizes.any():
        raise ConfigError("workload: found no job that asks for anything the nodes have, expected cpu or GPUs")
    rows = drawn(sizes, sequence.inflate * capacity, seed)
    arrived = np.cumsum(sizes[rows])
    pods = workload.template[np.repeat(rows, workload.pods[rows])]
    counts = np.bincount(workload.template, weights=workload.pods, minlength=len(workload.templates)).astype(np.int64)
    typical = list(zip(workload.templates, counts.tolist(), strict=True))
    kinds = Kinds(workload.templates, pods, np.arange(len(pods), dtype=np.int64))
    scheduler = Scheduler(scenario.snapshot, policy, seed, kinds, typical)
    meter = _Meter(scheduler, capacity, resource)
    last_pod = np.cumsum(workload.pods[rows])
    top = 100 * int(arrived[-1]) // capacity + (100 * int(arrived[-1]) % capacity > 0)
    ends = np.searchsorted(arrived, np.arange(top + 1) * capacity // 100, side="right")
    pod = 0
    for percent, end in enumerate(ends.tolist()):
        until = int(last_pod[end - 1]) if end else 0
        for i in range(pod, until):
            scheduler.submit(i)
        scheduler.cycle()
        pod = until
        meter.read(end, percent)
    totals = {"jobs": float(len(rows)), **meter.last()}
    return Run(policy=policy.name, seed=seed, totals=totals, series=tuple(meter.series))


def _measured(snapshot: Snapshot, workload: Workload) -> tuple[int, NDArray[np.int64], str]:
    """What the nodes have and (J,) what each job asks for: GPU milli, or cpu milli where no job asks for GPUs."""
    devices = [pod.spec.devices for pod in workload.templates]
    milli = [device.count * (device.milli if device.is_share() else 1000) for device in devices]
    if any(milli):
        capacity = 1000 * sum(node.devices.count for node in snapshot.nodes)
        return capacity, np.array(milli, dtype=np.int64)[workload.template] * workload.pods, "gpu"
    cpu = [pod.spec.requests.get("cpu", 0) for pod in workload.templates]
    capacity = sum(node.allocatable.get("cpu", 0) for node in snapshot.nodes)
    return capacity, np.array(cpu, dtype=np.int64)[workload.template] * workload.pods, "cpu"


class _Meter:
    """What is allocated and fragmented, in percent of what there is."""

    def __init__(self, scheduler: Scheduler, capacity: int, resource: str) -> None:
        self._scheduler = scheduler
        self._capacity = capacity
        self._resource = resource
        self.series: list[dict[str, float]] = []

    def read(self, jobs: int, percent: int) -> None:
        """Add a point after so many jobs, when so many percent had arrived."""
        cluster, resource = self._scheduler.engine.cluster, self._resource
        if resource == "gpu":
            free = int(np.maximum(cluster.device_free, 0).sum())
        else:
            free = int((cluster.allocatable[:, CPU] - cluster.used[:, CPU]).sum())
        point: dict[str, float] = {"t": jobs, f"arrived_{resource}_percent": percent}
        point[f"unallocated_{resource}_percent"] = 100 * free / self._capacity
        if resource == "gpu":
            point["fragmented_gpu_percent"] = 100 * self._scheduler.fragmented_milli() / self._capacity
        point["pending_pods"] = self._scheduler.backlog.waiting
        self.series.append(point)

    def last(self) -> dict[str, float]:
        """The totals: the last point, in the names of `MEASURES`."""
        point = self.series[-1]
        names: tuple[str, ...] = ("unallocated_gpu_percent", "fragmented_gpu_percent")
        told = {name: point[name] for name in names if name in point}
        told[f"allocated_{self._resource}_percent"] = 100 - point[f"unallocated_{self._resource}_percent"]
        return {**told, "pending": point["pending_pods"]}
