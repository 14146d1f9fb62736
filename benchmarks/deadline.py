"""A job with a deadline on spot markets: what policies save, and how long a run takes.

    python benchmarks/deadline.py --json [--spot FOLDER] [--starts 300]

- ``speed``: milliseconds a run of each policy, on a market drawn from a seed, kernels compiled beforehand.
- ``savings``: percent of what the work alone costs on-demand, by job fraction and policy, on the traces below
  a folder (``--spot``: JSON files, one folder deep); 48 h of work, change-overs of 12 minutes, 3.06 $/h on-demand,
  0.9731 $/h on spot. ``single`` in each zone alone, over all starts (and the mean of zones, each counted once); ``all``
  when the job may move between them. ``way`` is how far ours goes from uniform progress to the bound, in percent.
  Without the folder it is left out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob, SpotZone
from yuheng.placement.deadline import Start, run, starts
from yuheng.readers.traces import read_availability

HOUR = 3600.0
WORK = 48 * HOUR
CHANGE_OVER = 0.2 * HOUR
FRACTIONS = (0.9, 0.8, 0.7)
ON_DEMAND, SPOT = 3.06, 0.9731


def speed() -> dict[str, float]:
    """Milliseconds a run, of 50."""
    random = np.random.default_rng(42)
    spells = np.concatenate([random.geometric(0.3, 200), random.geometric(0.02, 200)])
    random.shuffle(spells)
    bits = np.repeat(np.arange(len(spells)) % 2 == 0, spells)
    zone = SpotZone(name="drawn", gap=195.0, available=bits, on_demand=ON_DEMAND, spot=SPOT)
    job = DeadlineJob(WORK, WORK / 0.8, CHANGE_OVER)
    found = {}
    for policy in DEADLINE_POLICIES:
        run(policy, job, [zone])
        places = starts([zone], job.time, 50)
        started = time.perf_counter()
        for start in places:
            run(policy, job, start.zones, start.offset)
        found[policy] = round((time.perf_counter() - started) / len(places) * 1000, 3)
    return found


def savings(folder: Path, count: int) -> dict[str, object]:
    """Of every policy, with every fraction, in single zones and in all."""
    zones = []
    for path in sorted(folder.glob("*/*.json")):
        trace = read_availability(path)
        name = f"{path.parent.name}/{path.stem}"
        zones.append(SpotZone(name=name, gap=trace.gap, available=trace.available, on_demand=ON_DEMAND, spot=SPOT))
    longest = WORK / min(FRACTIONS)
    alone, together = starts(zones, longest, count), starts(zones, longest, count, together=True)
    found: dict[str, object] = {"zones": len(zones), "starts": count}
    for fraction in FRACTIONS:
        job = DeadlineJob(WORK, WORK / fraction, CHANGE_OVER)
        each = [start for zone in zones for start in starts([zone], longest, max(count // len(zones), 1))]
        places = {"single": alone, "mean of zones": each, "all": together}
        found[str(fraction)] = {name: _compared(job, where) for name, where in places.items()}
    return found


def _compared(job: DeadlineJob, places: Sequence[Start]) -> dict[str, float]:
    saved: dict[str, float] = {}
    missed: dict[str, int] = defaultdict(int)
    for policy in DEADLINE_POLICIES:
        outcomes = [run(policy, job, start.zones, start.offset) for start in places]
        cost = float(np.mean([outcome.cost for outcome in outcomes]))
        missed["all policies"] += sum(outcome.finish > job.time for outcome in outcomes)
        saved[policy] = 100 * (1 - cost / (job.work / HOUR * ON_DEMAND))
    way = (saved["yuheng"] - saved["uniform-progress"]) / (saved["omniscient"] - saved["uniform-progress"])
    told = {policy: round(percent, 2) for policy, percent in saved.items()}
    return {**told, "way": round(100 * way, 1), "missed": missed["all policies"]}


def main() -> None:
    """Print every case as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="accepted for company: nothing else is printed")
    parser.add_argument("--spot", type=Path, help="the folder of folders with availability traces")
    parser.add_argument("--starts", type=int, default=300, help="how many starts of each policy")
    arguments = parser.parse_args()
    found: dict[str, object] = {"milliseconds_a_run": speed()}
    if arguments.spot:
        found["savings_percent"] = savings(arguments.spot, arguments.starts)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
