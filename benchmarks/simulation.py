"""How fast simulations run.

    python benchmarks/simulation.py --json [--openb FOLDER] [--jobs 1000000]

Each case in a process of its own, with kernels compiled beforehand:

- ``clock``: events a second of the clock alone, each with a callback that schedules another.
- ``run``, ``study``: one run of the GPU fragmentation study (FGD), and all of it: six policies on ten seeds. They need
  the openb trace (``--openb``: the folder with its node and pod lists); without it they are left out.
- ``month``: generated jobs (a million unless told otherwise) on 5,000 nodes over one month, kube-scheduler's policy.
- ``queues``: 20,000 jobs, a third of them gangs, in two queues on 200 nodes over a week.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.queue import Queue
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator, JobClass, Scenario
from yuheng.readers.scenario import short_scenario
from yuheng.scheduling.presets import preset
from yuheng.simulation.clock import Clock
from yuheng.simulation.run import run_one
from yuheng.sweeps import simulate

GIB = 2**30
DAY = 86_400.0
STUDY = ("fgd", "bestfit", "gpupacking", "gpuclustering", "dotproduct", "random")
WORKING_HOURS = (0.4,) * 7 + (1.0, 1.6, 2.0, 2.0, 1.8, 1.6, 1.8, 2.0, 1.8, 1.6, 1.2, 1.0) + (0.6,) * 5


def clock(_arguments: argparse.Namespace) -> dict[str, float]:
    """Events a second."""
    left = 1_000_000
    ours = Clock()

    def again(step: float) -> None:
        nonlocal left
        left -= 1
        if left > 0:
            ours.schedule(ours.now + step, 0, step)

    for i in range(1000):
        ours.schedule(i / 1000, 0, 1.0 + i / 7919)
    started = time.perf_counter()
    done = ours.run([again])
    return {"events": done, "events_per_second": round(done / (time.perf_counter() - started))}


def study_scenario(arguments: argparse.Namespace, policies: tuple[str, ...], seeds: tuple[int, ...]) -> Scenario:
    """The study's cluster and trace."""
    folder = Path(arguments.openb)
    nodes, pods = folder / "openb_node_list_gpu_node.csv", folder / "openb_pod_list_default.csv"
    return short_scenario([str(nodes)], [str(pods)], policies, seeds, 1.3, preset)


def run(arguments: argparse.Namespace) -> dict[str, float]:
    """One run of FGD, after one that is not counted."""
    scenario = study_scenario(arguments, ("fgd",), (42,))
    run_one(scenario, scenario.policies[0], 41)
    started = time.perf_counter()
    result = run_one(scenario, scenario.policies[0], 42)
    return {"pods": result.totals["jobs"], "seconds": round(time.perf_counter() - started, 3)}


def study(arguments: argparse.Namespace) -> dict[str, object]:
    """Six policies on ten seeds, and what they leave unallocated at the end."""
    scenario = study_scenario(arguments, STUDY, tuple(range(42, 52)))
    started = time.perf_counter()
    result = simulate(scenario)
    seconds = round(time.perf_counter() - started, 2)
    means = {one.policy: round(one.mean, 2) for one in result.summary if one.measure == "unallocated_gpu_percent"}
    return {"runs": len(result.runs), "seconds": seconds, "unallocated_gpu_percent": means}


def month(arguments: argparse.Namespace) -> dict[str, float]:
    """A month of jobs on 5,000 nodes, some 70 % allocated."""
    hours = Distribution(kind="lognormal", a=36_000.0, b=1.0, most=5 * DAY)
    classes = tuple(
        JobClass(name=f"class-{i}", share=1.0 / (i + 1), template=_pod(f"class-{i}", cpu, memory), duration=hours)
        for i, (cpu, memory) in enumerate((c, m) for c in (1, 2, 4, 6, 8) for m in (2, 4, 8, 16, 32))
    )
    arrivals = ArrivalProcess(rate=arguments.jobs / 720, daily=WORKING_HOURS, variation=1.5)
    scenario = Scenario(
        name="month",
        snapshot=Snapshot(nodes=_nodes(5_000)),
        generator=Generator(arrivals=arrivals, classes=classes, jobs=arguments.jobs),
        policies=(preset("kubernetes"),),
    )
    return _timed(scenario)


def queues(_arguments: argparse.Namespace) -> dict[str, float]:
    """Gangs and single pods in two queues."""
    gang = JobClass(
        name="train",
        share=1.0,
        template=_pod("train", 4, 16, queue="training"),
        duration=Distribution(kind="lognormal", a=8_600.0, b=1.0, most=3 * DAY),
        pods=Distribution(kind="constant", a=4.0),
    )
    single = JobClass(
        name="serve",
        share=2.0,
        template=_pod("serve", 2, 8, queue="service"),
        duration=Distribution(kind="exponential", a=50_000.0),
    )
    scenario = Scenario(
        name="queues",
        snapshot=Snapshot(nodes=_nodes(200), queues=(Queue(name="training", weight=2), Queue(name="service"))),
        generator=Generator(arrivals=ArrivalProcess(rate=120.0), classes=(gang, single), jobs=20_000),
        policies=(preset("kubernetes"),),
    )
    return _timed(scenario)


def _timed(scenario: Scenario) -> dict[str, float]:
    started = time.perf_counter()
    result = run_one(scenario, scenario.policies[0], 42)
    seconds = time.perf_counter() - started
    told = ("jobs", "finished", "pending_seconds_mean", "allocated_cpu_percent")
    return {"seconds": round(seconds, 1), **{name: round(result.totals[name], 3) for name in told}}


def _nodes(count: int) -> tuple[Node, ...]:
    offered = {"cpu": 32_000, "memory": 128 * GIB, "pods": 110}
    return tuple(Node(name=f"node-{i:05}", allocatable=offered) for i in range(count))


def _pod(name: str, cpu: int, memory: int, queue: str = "") -> Pod:
    asked = {"cpu": 1000 * cpu, "memory": memory * GIB}
    return Pod(name=name, queue=queue, spec=PodSpec(requests=asked, scoring_requests=(1000 * cpu, memory * GIB)))


CASES = {"clock": clock, "run": run, "study": study, "month": month, "queues": queues}


def measured(case: str, arguments: list[str]) -> dict[str, object]:
    """Run one case in a process of its own."""
    command = [sys.executable, __file__, "--case", case, *arguments]
    found: dict[str, object] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """Print every case as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="accepted for company: nothing else is printed")
    parser.add_argument("--case", choices=sorted(CASES))
    parser.add_argument("--openb", default="", help="the folder of the openb trace")
    parser.add_argument("--jobs", type=int, default=1_000_000)
    arguments = parser.parse_args()
    if arguments.case:
        result = CASES[arguments.case](arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({**result, "peak_mib": peak}))
        return
    passed = ["--openb", arguments.openb, "--jobs", str(arguments.jobs)]
    cases = [case for case in CASES if arguments.openb or case not in ("run", "study")]
    print(json.dumps({case: measured(case, passed) for case in cases}, indent=2))


if __name__ == "__main__":
    main()
