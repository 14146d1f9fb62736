"""Made-up simulations for the tests of reporting: a sweep over time, an arrival sequence, one run, hostile names."""

from __future__ import annotations

import math
import random
from itertools import product
from statistics import fmean, stdev

from hypothesis import strategies as st
from made_queues import HOSTILE

from yuheng.model.simulation import (
    MEASURES,
    Difference,
    QueueSeries,
    RefusedJob,
    Run,
    Simulation,
    Summary,
)

DAY = 86400.0
STUDY = {
    "fgd": (4.61, 4.57),
    "bestfit": (6.92, 6.85),
    "gpupacking": (8.00, 7.91),
    "gpuclustering": (8.12, 8.00),
    "dotproduct": (9.15, 9.08),
    "random": (12.53, 12.43),
}
TEXT = "name: two weeks of batch\npolicies: [fifo, drf]\nseeds: 1-3\n"
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 10: 2.262}  # of 95%, by number of seeds


def interval(values):
    """Mean, low, high."""
    mean = fmean(values)
    width = STUDENT[len(values)] * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return mean, mean - width, mean + width


def swept(name, runs, *, text="", warnings=(), confidence=0.95, unit="seed", fractions=()):
    """A simulation of these runs, compared as the simulator does."""
    policies = list(dict.fromkeys(run.policy for run in runs))
    seeds = list(dict.fromkeys(run.seed for run in runs))
    totals = {(run.policy, run.seed): run.totals for run in runs}
    measures = [name for name in MEASURES if any(name in found for found in totals.values())]

    def values(policy, measure, less=""):
        found = [
            (totals[policy, seed], totals[less or policy, seed])
            for seed in seeds
            if (policy, seed) in totals and (less or policy, seed) in totals
        ]
        return [
            own[measure] - (base[measure] if less else 0.0) for own, base in found if measure in own and measure in base
        ]

    summary = [
        Summary(policy, measure, *interval(found))
        for policy, measure in product(policies, measures)
        if (found := values(policy, measure))
    ]
    differences = [
        Difference(policy, policies[0], measure, *interval(found))
        for policy, measure in product(policies[1:], measures)
        if (found := values(policy, measure, policies[0]))
    ]
    scenario = {
        "name": name,
        "policies": policies,
        "seeds": seeds,
        "unit": unit,
        "jobFractions": list(fractions),
        "baseline": policies[0] if policies else "",
        "confidence": confidence,
        "sequence": any("arrived_gpu_percent" in point for run in runs for point in run.series),
        "text": text,
    }
    return Simulation(
        scenario=scenario,
        runs=tuple(runs),
        summary=tuple(summary),
        differences=tuple(differences),
        warnings=tuple(warnings),
    )


def arrival_sequence(seeds=10, policies=STUDY):
    """What the FGD study shows: six policies that fill a cluster, by percent of its GPUs that arrived."""
    runs = []
    for (place, (policy, (unallocated, fragmented))), seed in product(
        enumerate(policies.items()), range(42, 42 + seeds)
    ):
        drawn = random.Random(seed * 100 + place)
        shift = drawn.gauss(0, 0.25)
        series = []
        for percent in range(131):
            knee = 1 / (1 + math.exp(-(percent - 97) / 2.5))
            left = max(0.0, 100 - percent) * (1 - knee) + (unallocated + shift) * knee
            stuck = (fragmented + shift) / (1 + math.exp(-(percent - 88) / 7)) + drawn.gauss(0, 0.05)
            series.append(
                {
                    "t": float(percent * 82),
                    "arrived_gpu_percent": float(percent),
                    "allocated_gpu_percent": 100 - left,
                    "unallocated_gpu_percent": left,
                    "fragmented_gpu_percent": max(0.0, min(stuck, left)),
                }
            )
        refused = tuple(
            RefusedJob(
                f"openb-pod-{number:04}", "0/1213 nodes are available: 1213 node(s) too small.", "ask for 8 GPUs"
            )
            for number in range(3)
        )
        totals = {
            "jobs": 10725.0,
            "refused": 12.0,
            "allocated_gpu_percent": series[-1]["allocated_gpu_percent"],
            "unallocated_gpu_percent": series[-1]["unallocated_gpu_percent"],
            "fragmented_gpu_percent": series[-1]["fragmented_gpu_percent"],
        }
        runs.append(Run(policy=policy, seed=seed, totals=totals, series=tuple(series), refused=refused))
    warning = "12 jobs ask for a GPU type that no node has."
    return swept("openb default, x 1.3", runs, text="name: openb\nsequence: {inflate: 1.3}\n", warnings=(warning,))


def _hour(t):
    day, hour = divmod(t / 3600, 24)
    weekend = 0.55 if int(day) % 7 >= 5 else 1.0
    return weekend * (0.55 + 0.4 * math.exp(-(((hour - 14) / 4.5) ** 2)))


def over_time(policies=("fifo", "drf", "capacity", "proportion"), seeds=3, points=200, days=14):
    """Two weeks of jobs with queues, money, lost work and rush hours; runs end at different times."""
    runs = []
    for (place, policy), seed in product(enumerate(policies), range(1, seeds + 1)):
        drawn = random.Random(seed * 31 + place)
        end = days * DAY * (1 + 0.02 * place + 0.01 * drawn.random())
        times = [end * number / (points - 1) for number in range(points)]
        load = [_hour(t) * (1 + 0.05 * drawn.gauss(0, 1)) for t in times]
        held = [min(0.97 - 0.03 * place, one) * 100 for one in load]
        waiting = [max(0.0, (one - 0.7 - 0.03 * place) * 400) for one in load]
        series = tuple(
            {
                "t": t,
                "running_jobs": round(3.1 * gpu),
                "pending_jobs": round(wait),
                "nodes": float(round(40 + one * 20)),
                "allocated_cpu_percent": 0.7 * gpu,
                "allocated_gpu_percent": gpu,
                "fragmented_gpu_percent": 3 + place + drawn.random(),
            }
            for t, one, gpu, wait in zip(times, load, held, waiting, strict=True)
        )
        parts = {"research": 0.5, "production": 0.3, "default": 0.2}
        queues = tuple(
            QueueSeries(
                name,
                tuple(
                    part * gpu * (1 + 0.3 * math.sin(t / DAY + 2 * part * 9))
                    for t, gpu in zip(times, held, strict=True)
                ),
                tuple(min(part * 100, part * one * 140) for one in load),
            )
            for name, part in parts.items()
        )
        rush = tuple(
            tuple(
                None if (day, hour) == (6, 3) else 112 * _hour(day * DAY + hour * 3600 + 1800) + drawn.gauss(0, 1)
                for hour in range(24)
            )
            for day in range(7)
        )
        wait = 1500.0 + 900 * place + 200 * drawn.random()
        totals = {
            "jobs": 12000.0,
            "finished": 11990.0 - place,
            "running": 0.0,
            "pending": float(place),
            "refused": 4.0,
            "makespan_seconds": end,
            "throughput_per_hour": 11990 / (end / 3600),
            "pending_seconds_mean": wait,
            "pending_seconds_p50": wait / 20,
            "pending_seconds_p99": wait * 12,
            "completion_seconds_mean": wait + 4000,
            "completion_seconds_p50": wait / 20 + 1200,
            "completion_seconds_p99": wait * 12 + 40000,
            "slowdown_mean": 2 + place / 3 + drawn.random() / 10,
            "slowdown_p50": 1.02,
            "slowdown_p99": 31.5 + place,
            "allocated_cpu_percent": fmean(0.7 * gpu for gpu in held),
            "allocated_gpu_percent": fmean(held),
            "fragmented_gpu_percent": 3.5 + place + drawn.random() / 10,
            "fairness_jain": 0.98 - 0.02 * place - drawn.random() / 100,
            "unfairness_percent": 1.5 + 1.7 * place + drawn.random(),
            "preemptions": float(140 - 35 * place),
            "interruptions": 12.0,
            "lost_gpu_hours": 310.5 - 60 * place,
            "node_hours": 16800.0 + 150 * place + 40 * drawn.random(),
            "cost_usd": 41200.0 + 900 * place + 300 * drawn.random(),
        }
        refused = (
            RefusedJob("train-00017", "no node has 16 nvidia.com/gpu, the largest has 8", "ask for 8 nvidia.com/gpu"),
            RefusedJob("train-00211", "no node has 16 nvidia.com/gpu, the largest has 8", "ask for 8 nvidia.com/gpu"),
            RefusedJob("etl-00004", "no node has 2Ti memory, the largest has 1Ti"),
        )
        runs.append(
            Run(
                policy=policy,
                seed=seed,
                totals=totals,
                series=series,
                queues=queues,
                rush=rush,
                refused=refused,
                warnings=("usage of memory is unknown",),
            )
        )
    warnings = (
        "40 jobs of the trace have no end: they were cut at the end of the trace.",
        "usage of memory is unknown",
    )
    return swept("two weeks of batch", runs, text=TEXT, warnings=warnings)


def one_run():
    """One policy, one seed, nothing to compare with, no queues and no rush hours."""
    series = tuple({"t": 60.0 * t, "running_jobs": float(t % 7), "pending_jobs": float(t % 3)} for t in range(20))
    totals = {"jobs": 30.0, "finished": 30.0, "makespan_seconds": 1140.0, "pending_seconds_mean": 42.0}
    return swept("short", [Run(policy="kubernetes", seed=42, totals=totals, series=series)])


def hostile():
    """Every text is one that a careless page would run, a careless terminal obey, a careless spreadsheet compute."""
    names = (HOSTILE, f"=cmd|' /C calc'!A0{HOSTILE}")
    runs = [
        Run(
            policy=policy,
            seed=seed,
            totals={"jobs": 10.0 + place, HOSTILE: 1.0 + place},
            series=tuple({"t": float(t), "running_jobs": t + place, HOSTILE: float(seed)} for t in range(5)),
            queues=(QueueSeries(HOSTILE, (1.0,) * 5, (2.0,) * 5), QueueSeries("@SUM(1)", (1.0,) * 5, (2.0,) * 5)),
            rush=((50.0,) * 24,) * 7,
            refused=(RefusedJob(HOSTILE, HOSTILE, HOSTILE),),
            warnings=(HOSTILE,),
        )
        for (place, policy), seed in product(enumerate(names), (1, 2))
    ]
    made = swept(HOSTILE, runs, text=f"{HOSTILE}\n</details></pre><script>alert(2)</script>", warnings=(HOSTILE,))
    extra = tuple(Summary(policy, HOSTILE, 1.0 + place, 0.5, 2.0) for place, policy in enumerate(names))
    return Simulation(
        scenario=made.scenario,
        runs=made.runs,
        summary=(*made.summary, *extra),
        differences=(*made.differences, Difference(names[1], HOSTILE, HOSTILE, 1.0, 0.5, 1.5)),
        warnings=made.warnings,
    )


_texts = st.text(max_size=8) | st.just(HOSTILE)
_numbers = st.floats(-1e6, 1e9)


@st.composite
def _run(draw, policy, seed):
    measures = draw(st.lists(st.sampled_from(list(MEASURES)), unique=True, max_size=6))
    times = sorted(draw(st.lists(st.floats(0, 1e7), max_size=4, unique=True)))
    columns = st.lists(st.floats(0, 150), min_size=len(times), max_size=len(times)).map(tuple)
    return Run(
        policy=policy,
        seed=seed,
        totals={measure: draw(_numbers) for measure in measures},
        series=tuple({"t": t, "running_jobs": draw(st.floats(0, 99))} for t in times),
        queues=draw(st.lists(st.builds(QueueSeries, _texts, columns, columns), max_size=2).map(tuple)),
        rush=draw(st.just(()) | st.lists(_hours, min_size=7, max_size=7).map(tuple)),
        refused=draw(st.lists(st.builds(RefusedJob, _texts, _texts, _texts), max_size=2).map(tuple)),
        warnings=draw(st.lists(_texts, max_size=2).map(tuple)),
    )


_hours = st.lists(st.none() | st.floats(0, 300), min_size=24, max_size=24).map(tuple)


@st.composite
def simulations(draw):
    """Any simulation at all, compared as the simulator does."""
    policies = draw(st.lists(_texts, unique=True, max_size=3))
    seeds = draw(st.lists(st.integers(0, 99), unique=True, min_size=1, max_size=2))
    runs = [draw(_run(policy, seed)) for policy, seed in product(policies, seeds)]
    return swept(draw(_texts), runs, text=draw(_texts), warnings=draw(st.lists(_texts, max_size=2)))
