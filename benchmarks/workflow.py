"""How fast workflows are placed as a whole, and how far from the best the plans may be.

    python benchmarks/workflow.py --json

Workflows of 5 to 500 tasks are drawn from seeds: layers of tasks of which each waits for one to three of the layers
before it, most of them with data; options in eight regions of three providers, on-demand and spot. Each is placed with
and without limits on what may run at a time, for money and time together and under a deadline 1.3 times the fastest
plan's. Told are seconds to place it, the method, and the stated gap to the optimum (an upper bound of the true one).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time

from yuheng.model.pod import Pod
from yuheng.model.workflow import DataEdge, Limits, Network, Task, TaskOption, Weights, Workflow
from yuheng.placement.workflow import place_workflow

SIZES = (5, 10, 12, 20, 50, 100, 200, 500)
SEEDS = (1, 2, 3)
REGIONS = tuple(f"{provider}/{name}" for provider, names in (
    ("aws", ("east", "west", "eu")), ("gcp", ("us", "eu", "asia")), ("azure", ("us", "eu"))
) for name in names)  # fmt: skip
WIDTH = 8


def workflow(size: int, rng: random.Random) -> Workflow:
    """Tasks in layers, each behind some of the two layers before."""
    names = [f"t{i:04d}" for i in range(size)]
    tasks, edges = [], []
    for i, name in enumerate(names):
        begin = max(i // WIDTH - 2, 0) * WIDTH
        before = names[begin : i // WIDTH * WIDTH]
        after = sorted(rng.sample(before, min(len(before), rng.randint(1, 3))))
        tasks.append(Task(name=name, pods=(Pod(name=name),), after=tuple(after)))
        edges += [
            DataEdge(source=source, target=name, gigabytes=rng.choice((0.5, 10.0, 80.0)))
            for source in after
            if rng.random() < 0.8
        ]
    return Workflow(key="default/bench", tasks=tuple(tasks), edges=tuple(edges))


def options(made: Workflow, rng: random.Random) -> dict[str, list[TaskOption]]:
    """In each region a slow and a fast machine group, each on-demand and spot."""
    speed = {region: rng.uniform(0.8, 1.3) for region in REGIONS}
    price = {region: rng.uniform(0.8, 1.4) for region in REGIONS}
    found = {}
    for task in made.tasks:
        work = rng.choice((300.0, 1200.0, 5400.0))
        found[task.name] = [
            TaskOption(
                cluster=region.replace("/", "-"),
                group=group,
                market=market,
                region=region,
                seconds=60 + work / factor / speed[region],
                money=per_hour * price[region] * discount * work / factor / speed[region] / 3600,
                carbon=work * rng.uniform(0.02, 0.2),
            )
            for region in REGIONS
            for group, factor, per_hour in (("small", 1.0, 1.0), ("large", 2.5, 3.2))
            for market, discount in (("on-demand", 1.0), ("spot", 0.35))
        ]
    return found


def network() -> Network:
    """2 cents a gigabyte within a provider, 9 between them; 1 Gbit/s and 50 ms."""

    def money(a: str, b: str, gigabytes: float) -> float:
        is_near = a.partition("/")[0] == b.partition("/")[0]
        return 0.0 if a == b else gigabytes * (0.02 if is_near else 0.09)

    return Network(money, lambda a, b, gigabytes: 0.0 if a == b else 0.05 + gigabytes * 8)


def measured(size: int, seed: int, *, limited: bool, timed: bool) -> dict[str, object]:
    """Place one workflow."""
    rng = random.Random(f"{size}/{seed}")
    made = workflow(size, rng)
    given = options(made, rng)
    limits = Limits(concurrency=dict.fromkeys(REGIONS, 2)) if limited else Limits()
    weights, deadline = Weights(money=1.0, time=0.0005), None
    if timed:
        fastest = place_workflow(made, given, network(), limits, Weights(money=0.0, time=1.0))
        weights, deadline = Weights(money=1.0), 1.3 * fastest.seconds
    start = time.perf_counter()
    plan = place_workflow(made, given, network(), limits, weights, deadline)
    return {
        "tasks": size,
        "options": sum(map(len, given.values())),
        "edges": len(made.edges),
        "limited": limited,
        "deadline": deadline,
        "seed": seed,
        "seconds": round(time.perf_counter() - start, 3),
        "method": plan.method,
        "gap": plan.gap,
        "money": plan.money,
        "makespan": plan.seconds,
        "reason": plan.reason,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of tasks")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    arguments = parser.parse_args()
    rows = []
    for size in arguments.sizes:
        for seed in arguments.seeds:
            for limited in (False, True):
                for timed in (False, True):
                    row = measured(size, seed, limited=limited, timed=timed)
                    rows.append(row)
                    if not arguments.json:
                        print(row, flush=True)
    worst = {
        size: {
            "seconds": max(row["seconds"] for row in rows if row["tasks"] == size),
            "gap": max(row["gap"] for row in rows if row["tasks"] == size),
        }
        for size in arguments.sizes
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"worst": worst, "peakMiB": round(peak), "runs": rows}, indent=2))


if __name__ == "__main__":
    main()
