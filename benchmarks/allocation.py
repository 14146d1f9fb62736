"""How long it takes to divide the cost of a cluster among namespaces and teams, by many samples of usage.

    python benchmarks/allocation.py [--rows 20000000] [--runs 3]

Makes a cluster (10 pods of two containers a node) and usage of a week or so (one sample every five minutes, random
amounts) below a temporary folder, and runs ``yuheng cost --by namespace,label:team`` on it as a process of its own.
Prints JSON: the fastest run's wall-clock and processor seconds, and the most memory a run took. The goal for 20 million
rows on two cores: less than 15 s and 1.5 GiB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

SAMPLES = 2000
PODS_A_NODE = 10
TEAMS = 20
NAMESPACES = 50
MIB = 2**20


def main() -> None:
    """Make the data, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    pods = max(asked.rows // SAMPLES // 2, 1)
    with tempfile.TemporaryDirectory() as folder:
        state, usage = Path(folder) / "cluster.json", Path(folder) / "usage.parquet"
        state.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items(pods)}))
        rows = write_usage(usage, pods)
        runs = [run(state, usage) for _ in range(asked.runs)]
        fastest = min(runs, key=lambda one: one["seconds"])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / MIB
        size = usage.stat().st_size
    report = {"rows": rows, "containers": 2 * pods, "parquetMiB": round(size / MIB), **fastest, "peakMiB": round(peak)}
    print(json.dumps({**report, "cores": os.cpu_count()}, indent=2))


def items(pods: int) -> list[dict[str, object]]:
    """Nodes, and pods of two containers."""
    amounts = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    nodes = [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{index}"}, "status": {"allocatable": amounts}}
        for index in range(-(-pods // PODS_A_NODE))
    ]
    return nodes + [_pod(index) for index in range(pods)]


def _pod(index: int) -> dict[str, object]:
    requests = {"requests": {"cpu": "500m", "memory": "1Gi"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"web-{index}-5d9c7b6f4-x{index % 97}",
            "namespace": f"space-{index % NAMESPACES}",
            "labels": {"team": f"team-{index % TEAMS}"},
        },
        "spec": {
            "nodeName": f"n{index // PODS_A_NODE}",
            "containers": [{"name": name, "resources": requests} for name in ("app", "proxy")],
        },
        "status": {"phase": "Running"},
    }


def write_usage(path: Path, pods: int) -> int:
    """Write the samples, in the order of time; the number of rows."""
    base = duckdb.connect()
    base.execute("SET memory_limit = '1GB'; SET preserve_insertion_order = false; SELECT setseed(0.5)")
    base.execute(
        f"""COPY (SELECT to_timestamp(1767225600 + 300 * s) AS timestamp,
                    'space-' || (p % {NAMESPACES}) AS namespace,
                    'web-' || p || '-5d9c7b6f4-x' || (p % 97) AS pod,
                    CASE WHEN k = 0 THEN 'app' ELSE 'proxy' END AS container,
                    random() AS cpu, random() * 2e9 AS memory, 0.0::DOUBLE AS gpu
             FROM range({SAMPLES}) t(s), range({pods}) q(p), range(2) r(k))
            TO '{path}' (FORMAT parquet)"""  # noqa: S608 -- our own numbers and our own folder
    )
    base.close()
    return SAMPLES * pods * 2


def run(state: Path, usage: Path) -> dict[str, float]:
    """One run: its seconds, those of processors, and what it found."""
    command = [
        Path(sys.executable).with_name("yuheng"),
        "cost",
        state,
        "--usage",
        usage,
        "--by",
        "namespace,label:team",
        "-o",
        "json",
    ]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    total = round(sum(row["totalCost"] for row in found["rows"]), 2)
    return {
        "seconds": round(seconds, 2),
        "processorSeconds": round(processor, 2),
        "groups": len(found["rows"]),
        "total": total,
    }


if __name__ == "__main__":
    main()
