r"""How much cheaper a mix of nodes is than Karpenter's first-fit decreasing, how near the bound, and how long it takes.

    python benchmarks/node_mix.py --prices ../shared/data/prices/aws_compute_2024-08-09.csv --region us-east-1 \
        --pods ../shared/data/openb/openb_pod_list_default.csv --workloads 20

The pods of a table of the openb trace, all of them at once (where they name GPU models, those have to be names of the
price book), and workloads drawn from a seed: 100 to 1,500 pods of 10 to 60 kinds, 50m to 16 cores, 0.5 to 16 GiB a
core; in a third of them a tenth of the kinds ask for GPUs, and some kinds repel each other. With `--types` only some
machines may be bought, as in most NodePools. Both rules choose from the same machines with the same room.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

GIB = 2**30


def drawn(seed: int) -> tuple[Any, ...]:
    """The pods of one random workload."""
    from yuheng.model.pod import Affinity, DeviceRequest, Pod, PodAffinity, PodAffinityTerm, PodSpec
    from yuheng.model.selectors import LabelSelector

    random = np.random.Generator(np.random.PCG64(seed))
    kinds = int(random.integers(10, 61))
    total = int(random.integers(100, 1501))
    counts = random.multinomial(total, random.dirichlet(np.full(kinds, 0.7)))
    has_gpus = seed % 3 == 0
    pods = []
    for kind, number in enumerate(counts.tolist()):
        cpu = int(np.clip(random.lognormal(np.log(1000), 1.1), 50, 16000)) // 50 * 50
        memory = int(cpu / 1000 * np.exp(random.uniform(np.log(0.5), np.log(16))) * GIB) // 2**20 * 2**20
        gpus = int(random.choice((1, 1, 1, 2, 4))) if has_gpus and random.random() < 0.1 else 0
        labels = {"app": f"a{kind}"}
        affinity = Affinity()
        if random.random() < 0.05:
            term = PodAffinityTerm("kubernetes.io/hostname", LabelSelector(match_labels=labels))
            affinity = Affinity(pod_anti_affinity=PodAffinity(required=(term,)))
        requests = {"cpu": cpu, "memory": memory} | ({"nvidia.com/gpu": gpus} if gpus else {})
        devices = DeviceRequest(count=gpus) if gpus else DeviceRequest()
        spec = PodSpec(requests=requests, scoring_requests=(cpu, memory), affinity=affinity, devices=devices)
        pods += [Pod(name=f"p{kind}-{n}", spec=spec, labels=labels) for n in range(number)]
    return tuple(pods)


def measured(name: str, snapshot: Any, book: Any, choice: Any) -> dict[str, Any]:  # noqa: ANN401 -- imported late
    """One workload."""
    from yuheng.finops.node_mix import demand_of, node_mix

    started = time.process_time()
    found = node_mix(demand_of(snapshot), book, choice)
    baseline = found.baselines[0]
    return {
        "workload": name,
        "types": list(choice.types) or "all",
        "pods": found.pods,
        "unheld": sum(len(one.pods) for one in found.unheld),
        "hourly": round(found.per_hour, 2),
        "karpenter": round(baseline.per_hour, 2),
        "saving": round(found.saving(baseline), 4),
        "savingOnSingleType": round(found.saving(found.baselines[1]), 4) if len(found.baselines) > 1 else None,
        "bound": round(found.bound, 2),
        "gap": round(found.gap, 4),
        "cpu": found.allocation.get("cpu"),
        "memory": found.allocation.get("memory"),
        "placedFreely": found.scheduler[0] if found.scheduler else None,
        "seconds": round(found.seconds, 1),
        "cpuSeconds": round(time.process_time() - started, 1),
    }


def main() -> None:
    """Measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prices", type=Path, required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--pods", type=Path)
    parser.add_argument("--workloads", type=int, default=20)
    parser.add_argument("--types", default="", help="patterns, separated by commas; empty for all")
    args = parser.parse_args()

    from yuheng.finops.node_mix import Choice
    from yuheng.model.cluster import Snapshot
    from yuheng.readers import read
    from yuheng.readers.prices import read_price_book

    book, _ = read_price_book([args.prices])
    choice = Choice(regions=(args.region,), types=tuple(filter(None, args.types.split(","))))
    rows = []
    if args.pods:
        rows.append(measured("openb", read(str(args.pods)), book, choice))
        print(json.dumps(rows[-1]), file=sys.stderr)
    for seed in range(args.workloads):
        pods = drawn(seed)
        rows.append(measured(f"random {seed}", Snapshot(pods=pods, namespaces={"default": {}}), book, choice))
        print(json.dumps(rows[-1]), file=sys.stderr)
    savings = [row["saving"] for row in rows]
    singles = [row["savingOnSingleType"] for row in rows if row["savingOnSingleType"] is not None]
    summary = {
        "saving": round(statistics.fmean(savings), 4),
        "leastSaving": min(savings),
        "savingOnSingleType": round(statistics.fmean(singles), 4) if singles else None,
        "leastSavingOnSingleType": min(singles, default=None),
        "gap": round(statistics.fmean(row["gap"] for row in rows), 4),
        "largestGap": max(row["gap"] for row in rows),
        "seconds": round(sum(row["seconds"] for row in rows), 1),
        "cpuSeconds": round(sum(row["cpuSeconds"] for row in rows), 1),
    }
    print(json.dumps({"summary": summary, "workloads": rows}, indent=2))


if __name__ == "__main__":
    main()
