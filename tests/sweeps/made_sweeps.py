"""Scenarios that are small, and quick to simulate."""

from __future__ import annotations

from typing import Any

import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.scenario import (
    ArrivalProcess,
    ArrivalSequence,
    Distribution,
    Failures,
    Generator,
    JobClass,
    Market,
    Scenario,
)
from yuheng.model.workload import Workload
from yuheng.scheduling.presets import preset

GIB = 2**30


def pod(cpu: int) -> Pod:
    spec = PodSpec(requests={"cpu": cpu, "memory": GIB}, scoring_requests=(cpu, GIB))
    return Pod(name=f"asks-{cpu}", spec=spec)


def snapshot(nodes: int = 3) -> Snapshot:
    allocatable = {"cpu": 4000, "memory": 16 * GIB, "pods": 110}
    names = [f"node-{number}" for number in range(nodes)]
    return Snapshot(
        nodes=tuple(Node(name=name, allocatable=allocatable, labels={"kubernetes.io/hostname": name}) for name in names)
    )


def workload(jobs: int = 12, cpu: tuple[int, ...] = (500, 1500)) -> Workload:
    """A job every minute that works for ten."""
    return Workload(
        templates=tuple(map(pod, cpu)),
        template=np.arange(jobs, dtype=np.int32) % len(cpu),
        submit=60.0 * np.arange(jobs),
        duration=np.full(jobs, 600.0),
        pods=np.ones(jobs, dtype=np.int32),
        minimum=np.ones(jobs, dtype=np.int32),
        estimate=np.full(jobs, np.nan),
    )


def generator(jobs: int = 40) -> Generator:
    """Two classes that arrive in bursts."""
    durations = Distribution(kind="lognormal", a=600.0, b=1.0)
    classes = tuple(
        JobClass(name=f"class-{cpu}", share=share, template=pod(cpu), duration=durations)
        for cpu, share in ((500, 0.7), (3000, 0.3))
    )
    return Generator(arrivals=ArrivalProcess(rate=120.0, variation=2.0), classes=classes, jobs=jobs)


def scenario(*policies: str, **changed: Any) -> Scenario:
    """Two policies on two seeds, unless something else is said."""
    fields: dict[str, Any] = {
        "name": "small",
        "snapshot": snapshot(),
        "policies": tuple(map(preset, policies or ("kubernetes", "random"))),
        "seeds": (5, 3),
    }
    if not {"workload", "generator"} & set(changed):
        fields["workload"] = workload()
    return Scenario(**{**fields, **changed})


def sequence(**changed: Any) -> Scenario:
    return scenario(sequence=ArrivalSequence(1.2), **changed)


def troubled(**changed: Any) -> Scenario:
    """Generated jobs, nodes that fail, and a market with a trace of its own."""
    there = np.array([True, True, False, True])
    market = Market(name="spot", labels={"kubernetes.io/hostname": "node-2"}, gap=900.0, available=there, offset=None)
    failures = (Failures(mtbf=7200.0, mttr=600.0),)
    return scenario(generator=generator(), failures=failures, markets=(market,), **changed)
