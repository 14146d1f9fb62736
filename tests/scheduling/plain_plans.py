"""Plans and simulations drawn at random, as text: compiled kernels and their plain twins must agree on every letter.

Run as a program with ``NUMBA_DISABLE_JIT=1``, it prints the answers that the plain twins give, and which functions of
the engine were called for them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from random import Random
from types import FrameType
from typing import Any

import msgspec

from tests.scheduling import made_batches
from tests.scheduling.made_by_hand import cluster, node, pod
from tests.scheduling.made_snapshots import policy, snapshot
from tests.simulation import made_runs
from yuheng.model.batch import PluginOption
from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.scheduling.alike import are_alike, place_alike
from yuheng.scheduling.engine import Engine, Setting
from yuheng.scheduling.planner import capacity, explain, plan
from yuheng.scheduling.presets import PRESETS

PACKAGE = "yuheng.scheduling"
SEEDS = range(5)


def told() -> list[str]:
    """Every answer of the engine on every cluster, under named and under drawn policies."""
    drawn = [json.dumps(answer) for seed in SEEDS for answer in _answers(Random(seed), seed)]
    simulated = [json.dumps(answer) for seed in SEEDS[:2] for answer in _simulations(seed)]
    return [*drawn, *simulated, json.dumps(_without_time(plan(_many_resources()).to_dict()))]


def _simulations(seed: int) -> Iterator[dict[str, Any]]:
    """Pods one by one, and by queue where clusters are compiled anew for every cycle."""
    reserving = made_runs.by_queue(
        "predicates",
        "capacity",
        PluginOption("reserve", arguments={"reserve.factor": 0.8}),
        actions=made_runs.EVERY_ACTION,
    )
    for drawn in (
        made_runs.drawn(Random(seed), "fgd"),
        made_runs.drawn(Random(seed), "random", peers=True),
        made_runs.drawn_by_queue(Random(seed), reserving, capacity=True),
    ):
        seen = made_runs.run(msgspec.structs.replace(drawn, sample=50.0))
        yield {"run": msgspec.to_builtins(seen.run), "decisions": seen.decisions, "evictions": seen.evictions}


def _many_resources() -> Snapshot:
    """A pod that lacks so many resources that the record of it needs its highest bits."""
    wanted = {f"example.com/r{i:02}": 1 for i in range(41)}
    nodes = node("a"), node("b", more=wanted), node("c", more={"example.com/r41": 1})
    return cluster(*nodes, pod("p", requests=wanted), pod("q", requests=wanted))


def _answers(rng: Random, seed: int) -> Iterator[dict[str, Any]]:
    drawn = snapshot(rng, nodes=7, bound=8, pending=24, specs=12, scale=2)
    for chosen in (*(preset.policy for preset in PRESETS.values()), policy(rng), policy(rng)):
        yield _without_time(plan(drawn, chosen, seed).to_dict())
    chosen = policy(rng)
    for each in drawn.pods[:12]:
        yield explain(drawn, each.key, chosen, seed).to_dict()
    yield from _headrooms(drawn, chosen)
    yield from _copies(rng, seed)
    for _ in range(8):
        yield _without_time(plan(made_batches.batch(rng), made_batches.policy(rng), seed).to_dict())


def _headrooms(drawn: Snapshot, chosen: Policy) -> Iterator[dict[str, Any]]:
    for each in drawn.pods[-2:]:
        asking = msgspec.structs.replace(each.spec, requests={**each.spec.requests, "cpu": 500})
        yield capacity(drawn, msgspec.structs.replace(each, spec=asking), chosen).to_dict()


def _copies(rng: Random, seed: int) -> Iterator[dict[str, Any]]:
    """Copies of pods, all at once, on nodes that differ in nothing but their room; one is closed to pods."""
    nodes = [node(f"n{i}", cpu=rng.choice((1000, 4000)), unschedulable=i == 5) for i in range(9)]
    bound = [pod(f"b{i}", on=f"n{rng.randrange(9)}", requests={"cpu": 100 * i}) for i in range(9)]
    asking = [pod(f"p{i}", requests={"cpu": rng.choice((300, 700))}) for i in range(3)]
    engine = Engine(cluster(*nodes, *bound, *asking), PRESETS["kubernetes"].policy, seed, setting=Setting(lines=100))
    for number in sorted(set(engine.class_of)):
        hand = engine.grasp(number)
        assert are_alike(engine.cluster, hand.window, engine.rules, hand.row)
        first = int(engine.cluster.log_size[0])
        count = place_alike(engine.cluster, hand.window, engine.rules, hand.row, 20)
        yield {"class": number, "nodes": engine.cluster.log_node[first : first + count].tolist()}


def _without_time(found: dict[str, Any]) -> dict[str, Any]:
    del found["summary"]["seconds"]
    return found


def called_for(work: Any) -> tuple[Any, set[str]]:
    """What the work gives, and the functions of the engine that were called for it, as ``module.name``."""
    seen: set[str] = set()

    def notice(frame: FrameType, event: str, _: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith(PACKAGE):
            seen.add(f"{module}.{frame.f_code.co_name}")

    sys.setprofile(notice)
    try:
        return work(), seen
    finally:
        sys.setprofile(None)


if __name__ == "__main__":
    plans, functions = called_for(told)
    json.dump({"plans": plans, "called": sorted(functions)}, sys.stdout)
