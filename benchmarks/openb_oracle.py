"""Whether the engine places a whole trace as the oracle of the tests does: GPU allocation of both, and the difference.

    python benchmarks/openb_oracle.py --policy fgd --seed 42 ../shared/data/openb/openb_node_list_gpu_node.csv \
        ../shared/data/openb/openb_pod_list_default.csv

The oracle is plain Python and asks every node for every pod: the whole trace takes it minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import oracle  # noqa: E402 -- the tests are no package of the product: their folder has to be named first

from yuheng.model.cluster import Snapshot  # noqa: E402
from yuheng.model.policy import Policy  # noqa: E402
from yuheng.readers import read  # noqa: E402
from yuheng.scheduling.planner import plan  # noqa: E402
from yuheng.scheduling.presets import preset  # noqa: E402

Homes = dict[str, tuple[str, tuple[int, ...]]]


def engine(snapshot: Snapshot, policy: Policy, seed: int) -> Homes:
    """Node and devices of every pod that the engine places."""
    return {made.pod: (made.node, made.devices) for made in plan(snapshot, policy, seed).placements}


def plain(snapshot: Snapshot, policy: Policy, seed: int) -> Homes:
    """Node and devices of every pod that the oracle places."""
    names = sorted(node.name for node in snapshot.nodes)
    if policy.ties == "shuffled":
        names = [names[i] for i in np.random.Generator(np.random.PCG64(seed)).permutation(len(names))]
    return {made.pod: (made.node, made.devices) for made in oracle.plan(snapshot, policy, names) if made.node}


def allocation(snapshot: Snapshot, homes: Homes) -> dict[str, float]:
    """What was placed: pods, and the share of all GPU milli that they hold."""
    held = sum(
        pod.spec.devices.count * (pod.spec.devices.milli if pod.spec.devices.is_share() else 1000)
        for pod in snapshot.pods
        if pod.key in homes
    )
    total = sum(1000 * node.devices.count for node in snapshot.nodes)
    return {"placed": len(homes), "gpu_milli": held, "gpu_allocation": round(held / max(total, 1), 6)}


def different(pods: Iterable[str], one: Homes, other: Homes) -> list[str]:
    """The pods that do not have the same node and devices in both."""
    return [pod for pod in pods if one.get(pod) != other.get(pod)]


def timed(snapshot: Snapshot, homes: Homes, started: float) -> dict[str, float]:
    """An allocation with the seconds since ``started``."""
    return {**allocation(snapshot, homes), "seconds": round(time.perf_counter() - started, 3)}


def compare(snapshot: Snapshot, policy: Policy, seed: int) -> dict[str, object]:
    """Both plans, and where they part."""
    started = time.perf_counter()
    ours = engine(snapshot, policy, seed)
    by_engine = timed(snapshot, ours, started)
    started = time.perf_counter()
    theirs = plain(snapshot, policy, seed)
    by_oracle = timed(snapshot, theirs, started)
    apart = different((pod.key for pod in snapshot.pending()), ours, theirs)
    return {
        "benchmark": "openb_oracle",
        "policy": policy.name,
        "seed": seed,
        "nodes": len(snapshot.nodes),
        "pods": len(snapshot.pods),
        "engine": by_engine,
        "oracle": by_oracle,
        "gpu_allocation_difference": round(by_engine["gpu_allocation"] - by_oracle["gpu_allocation"], 6),
        "pods_placed_differently": len(apart),
        "first_different": apart[:5],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; 1 when the two differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="what to read: the trace's tables, or Kubernetes objects")
    parser.add_argument("--policy", default="fgd")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--pods", type=int, help="only the first so many pods")
    options = parser.parse_args(arguments)
    snapshot = read(*options.files)
    if options.pods is not None:
        snapshot = Snapshot(nodes=snapshot.nodes, pods=snapshot.pods[: options.pods])
    found = compare(snapshot, preset(options.policy), options.seed)
    print(json.dumps(found, indent=2))
    return int(bool(found["pods_placed_differently"]))


if __name__ == "__main__":
    sys.exit(main())
