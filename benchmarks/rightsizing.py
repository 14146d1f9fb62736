"""How good the strategies of `yuheng rightsize` are, and how fast it is.

    python benchmarks/rightsizing.py --data FOLDER [--split 0.7] [--daily]
    python benchmarks/rightsizing.py --speed 10000

- ``--data``: the folder with ``crane/input*.csv.gz`` (timestamp, value) and ``bitbrains/*.parquet`` (MHz by run length,
  and the capacity of each machine). Every series is fitted on its first part and judged on the rest, frozen, or anew
  every 24 hours (``--daily``): the mean request as a share of the peak of the whole series, and the minutes above
  request. Floors of VPA (25 m) and KRR (10 m) are off: they would make both dearer.
- ``--speed``: seconds from Parquet files of so many containers, 14 days at 5 minutes, cpu and memory, to advice.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import numpy as np

from yuheng.finops.rightsizing import Rule, krr, rightsize, vpa
from yuheng.finops.rightsizing.judging import Measured, Strategy, Verdict, dominates, judge, judge_daily, verdict
from yuheng.finops.rightsizing.samples import F64, Samples
from yuheng.finops.rightsizing.trying import try_out
from yuheng.model.cluster import Snapshot
from yuheng.model.estate import Container, Estate, Owner, PodEstate, WorkloadEstate
from yuheng.readers.usage import open_usage
from yuheng.readers.usage.matrices import read_matrices

FIVE_MINUTES = 300.0


def seasonal(price: float = 3.0, risk: float = 1.0, *, static: bool = False) -> Strategy:
    """Ours, with one price for all."""

    def asked(seen: Samples, later: F64) -> F64:
        return try_out(seen).best(price, risk, static=static).at(later)

    return asked


STRATEGIES: dict[str, Strategy] = {
    "vpa": lambda seen, _: vpa.cpu([seen], 0.0).target,
    "krr": lambda seen, _: krr.cpu([seen], 0.0),
    "seasonal": seasonal(),
    "seasonal, one request a day": seasonal(static=True),
    "seasonal, price 2": seasonal(2.0),
    "seasonal, price 6": seasonal(6.0),
    "seasonal, risk 1%": seasonal(risk=0.01),
    "seasonal, risk 0.1%": seasonal(risk=0.001),
}


def crane(folder: Path) -> list[Samples]:
    """Eight containers at one minute, as they were published with Crane."""
    paths = sorted(folder.glob("crane/*.csv.gz"))
    tables = [np.loadtxt(path, delimiter=",", skiprows=1) for path in paths]
    return [Samples(table[:, 0], table[:, 1]) for table in tables]


def bitbrains(folder: Path) -> list[Samples]:
    """Fifty machines: megahertz as cores, rows that stand for a stretch of time as one sample every five minutes."""
    place = str(folder / "bitbrains")
    found = duckdb.execute(
        "SELECT t.id, epoch(t.timestamp) AS ends, t.duration / 1000 AS lasts, "
        "t.cpu_usage * m.cpu_count / m.cpu_capacity AS cores "
        "FROM read_parquet(?) t JOIN read_parquet(?) m USING (id) ORDER BY t.id, ends",
        [f"{place}/trace.parquet", f"{place}/meta.parquet"],
    ).fetchnumpy()
    names = np.asarray(found["id"], dtype=str)
    series = []
    for name in np.unique(names):
        own = names == name
        ends, lasts, cores = found["ends"][own], found["lasts"][own], found["cores"][own]
        middles = np.arange(ends[0] - lasts[0] + FIVE_MINUTES / 2, ends[-1], FIVE_MINUTES)
        rows = np.minimum(np.searchsorted(ends, middles, "left"), len(ends) - 1)
        series.append(Samples(middles - FIVE_MINUTES / 2, cores[rows]))
    return [one for one in series if one.values.max() > 0]


def judged(folder: Path, split: float, *, daily: bool) -> dict[str, object]:
    """The table: each strategy on each data set, and on both."""
    sets = {"crane": crane(folder), "bitbrains": bitbrains(folder)}
    sets["both"] = [*sets["crane"], *sets["bitbrains"]]
    measure: Callable[..., Measured] = judge_daily if daily else judge
    found: dict[str, object] = {"split": split, "daily": daily}
    for name, series in sets.items():
        verdicts = {
            label: verdict(measure(one, strategy, split) for one in series) for label, strategy in STRATEGIES.items()
        }
        found[name] = {label: _told(one, verdicts) for label, one in verdicts.items()}
    return found


def _told(one: Verdict, all_of_them: dict[str, Verdict]) -> dict[str, object]:
    others = {name: all_of_them[name] for name in ("vpa", "krr")}
    return {
        "requested_percent_of_peak": round(100 * one.requested, 2),
        "minutes_above": round(one.minutes),
        "percent_of_time_above": round(100 * one.share, 3),
        **{f"requested_to_{name}": round(one.requested / other.requested, 3) for name, other in others.items()},
        **{f"minutes_to_{name}": round(one.minutes / max(other.minutes, 1), 3) for name, other in others.items()},
        **{f"dominates_{name}": dominates(one, other) for name, other in others.items()},
    }


def speed(containers: int) -> dict[str, object]:
    """Seconds to read usage of so many containers, and to size them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "usage.parquet"
        _generate(path, containers)
        megabytes = path.stat().st_size / 1e6
        began, used = time.perf_counter(), time.process_time()
        with open_usage([path]) as usage:
            matrices = read_matrices(usage, 14 * 86400.0)
    read = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        result = rightsize(_estate(containers), matrices, (), Rule(), pool.map)
    done = time.perf_counter()
    return {
        "containers": len(result.containers),
        "cells": int(matrices.cpu.size),
        "file_megabytes": round(megabytes),
        "read_seconds": round(read - began, 1),
        "size_seconds": round(done - read, 1),
        "seconds": round(done - began, 1),
        "cpu_seconds": round(time.process_time() - used, 1),
        "peak_mebibytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "load": os.getloadavg()[0],
    }


def _generate(path: Path, containers: int) -> None:
    """Rows come time by time, as an export of Prometheus writes them."""
    with duckdb.connect() as base:
        base.execute("SET threads = 2")
        base.execute("SET memory_limit = '1GB'")
        base.execute(f"""COPY (
            SELECT 1700000000 + 300 * t.t AS timestamp, 'shop' AS namespace, 'app' || p.p || '-0' AS pod,
                'main' AS container,
                ((1 + cos(t.t / 288.0 * 6.2832)) * (0.2 + random() * 0.3) * (1 + p.p % 7))::FLOAT AS cpu,
                (1e9 * (1 + p.p % 5) * (0.6 + random() * 0.1))::FLOAT AS memory
            FROM (SELECT unnest(range(4032)) AS t) t, (SELECT unnest(range({int(containers)})) AS p) p ORDER BY t.t
        ) TO '{path}' (FORMAT parquet)""")  # noqa: S608 -- our own temporary file


def _estate(containers: int) -> Estate:
    main = (Container(name="main", cpu=4000, memory=8 * 2**30),)
    names = [f"app{number}" for number in range(containers)]
    workloads = tuple(
        WorkloadEstate(kind="StatefulSet", namespace="shop", name=name, containers=main) for name in names
    )
    pods = {
        f"shop/{name}-0": PodEstate(
            namespace="shop", name=f"{name}-0", owner=Owner("StatefulSet", name), containers=main
        )
        for name in names
    }
    return Estate(snapshot=Snapshot(), workloads=workloads, pods=pods)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--split", type=float, default=0.7)
    parser.add_argument("--daily", action="store_true")
    parser.add_argument("--speed", type=int, metavar="CONTAINERS")
    asked = parser.parse_args(arguments)
    found: dict[str, object] = {}
    if asked.data:
        found["judged"] = judged(asked.data, asked.split, daily=asked.daily)
    if asked.speed:
        found["speed"] = speed(asked.speed)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
