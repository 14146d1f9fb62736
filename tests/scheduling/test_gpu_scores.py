"""The GPU study's scores and choices of devices, on numbers worked out by hand from section 5 of the rules."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.scheduling.made_by_hand import GIB, cluster, homes, node, pod, scores_of, share, whole
from yuheng.model.cluster import Snapshot
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.plan import Plan
from yuheng.model.pod import DeviceRequest, Pod
from yuheng.scheduling.engine import Engine
from yuheng.scheduling.planner import plan
from yuheng.scheduling.presets import preset
from yuheng.scheduling.scores.gpu import fragment


def on_gpus(name: str, *held: int, gpus: int = 0, **rest: Any) -> list[Node | Pod]:
    """A node and, for each number, a running share of so many milli on the GPU of that place; 1000 is a whole one."""
    made: list[Node | Pod] = [node(name, cpu=8000, gpus=gpus or len(held), **rest)]
    for index, milli in enumerate(held):
        holder = f"{name}-{index}"
        if milli == 1000:
            made.append(whole(holder, 1, on=name, holds=(index,)))
        elif milli:
            made.append(share(holder, milli, on=name, holds=(index,)))
    return made


def devices(found: Plan) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {
        placement.pod.removeprefix("default/"): (placement.node, placement.devices) for placement in found.placements
    }


# Best fit, worst fit, dot product: on nodes of 8 cores (the largest) with 2 GPUs at most.


def test_best_fit_prefers_what_leaves_least():
    snapshot = cluster(*on_gpus("a", 0, 0), *on_gpus("b", 500, 0), share("new", 500, requests={"cpu": 2000}))
    left_a = 0.5 * (6000 / 8000 + 1500 / 2000)
    left_b = 0.5 * (6000 / 8000 + 1000 / 2000)
    assert scores_of(snapshot, "BestFit") == {"a": int(100 * (1 - left_a)), "b": int(100 * (1 - left_b))}
    assert scores_of(snapshot, "BestFit") == {"a": 25, "b": 37}


def test_worst_fit_prefers_what_leaves_most():
    snapshot = cluster(*on_gpus("a", 0, 0), *on_gpus("b", 500, 0), share("new", 500, requests={"cpu": 2000}))
    assert scores_of(snapshot, "WorstFit") == {"a": 75, "b": 62}


def test_dot_product_prefers_what_is_aligned():
    snapshot = cluster(*on_gpus("a", 0, 0), *on_gpus("b", 500, 0), share("new", 500, requests={"cpu": 2000}))
    a = 1 - 0.5 * (8000 / 8000 * 2000 / 8000 + 2000 / 2000 * 500 / 2000)
    b = 1 - 0.5 * (8000 / 8000 * 2000 / 8000 + 1500 / 2000 * 500 / 2000)
    assert scores_of(snapshot, "DotProduct") == {"a": int(100 * a), "b": int(100 * b)} == {"a": 75, "b": 78}


@pytest.mark.parametrize(("plugin", "expected"), [("BestFit", 5), ("WorstFit", 95), ("DotProduct", 95)])
def test_a_pod_that_asks_for_no_cpu_counts_100_milli(plugin: str, expected: int):
    assert scores_of(cluster(node("a", cpu=1000, gpus=1), pod("new")), plugin) == {"a": expected}


def test_a_node_that_holds_more_cpu_than_it_has_is_still_feasible_for_worst_fit():
    crowd = pod("r", on="a", requests={"cpu": 6000})
    found = plan(cluster(node("a"), crowd, pod("new")), "worstfit")
    assert homes(found) == {"new": "a"}


# GpuPacking.

PACKING = {
    "no GPU asked": (on_gpus("a", 0, 0), pod("new"), 0),
    "two untouched": (on_gpus("a", 0, 0), share("new", 100), 33 - 2),
    "eight untouched": (on_gpus("a", gpus=8), share("new", 100), 33 - 8),
    "twenty untouched": (on_gpus("a", gpus=20), share("new", 100), 20),
    "a GPU in use, half free": (on_gpus("a", 500, 0), share("new", 500), 100 - 5),
    "the tightest GPU in use": (on_gpus("a", 100, 800, 0), share("new", 100), 100 - 2),
    "never less than 50 for a GPU in use": (on_gpus("a", 1, 0), share("new", 1), 100 - 99 // 10),
    "a share that needs an untouched GPU": (on_gpus("a", 500, 0), share("new", 501), 50 - 1),
    "two whole GPUs beside one in use": (on_gpus("a", 500, 0, 0), whole("new", 2), 50 - 2),
    "eighteen whole GPUs beside one in use": (on_gpus("a", 500, gpus=20), whole("new", 18), 33),
    "a GPU of which only memory is in use": (
        [
            node("a", devices=DeviceInventory(1, 16 * GIB)),
            pod("r", on="a", holds=(0,), devices=DeviceRequest(1, 0, GIB)),
        ],
        pod("new", devices=DeviceRequest(1, 0, GIB)),
        100 - 100 // 10,
    ),
}


@pytest.mark.parametrize(("objects", "new", "expected"), PACKING.values(), ids=PACKING.keys())
def test_gpu_packing(objects: list[Node | Pod], new: Pod, expected: int):
    assert scores_of(cluster(*objects, new), "GpuPacking") == {"a": expected}


# GpuClustering: node b has 4 GPUs and so the largest node 4000 milli.

LARGEST = on_gpus("b", gpus=4)
CLUSTERING = {
    "no GPU asked": (on_gpus("a", 0, 0), pod("new"), 0),
    "a node without GPU pods": (on_gpus("a", 0, 0), share("new", 100), 12 + 25),
    "a share beside shares": (on_gpus("a", 500, 0), share("new", 100), 25 * 2500 // 4000 + 75),
    "a share beside a share and a whole GPU": (on_gpus("a", 500, 1000, 0), share("new", 100), 25 * 2500 // 4000 + 50),
    "a share beside a whole GPU": (on_gpus("a", 1000, 0), share("new", 100), 25 * 3000 // 4000),
    "a whole GPU beside one": (on_gpus("a", 1000, 0), whole("new", 1), 25 * 3000 // 4000 + 75),
    "two whole GPUs beside one": (on_gpus("a", 1000, 0, 0), whole("new", 2), 25 * 2000 // 4000),
}


@pytest.mark.parametrize(("objects", "new", "expected"), CLUSTERING.values(), ids=CLUSTERING.keys())
def test_gpu_clustering(objects: list[Node | Pod], new: Pod, expected: int):
    assert scores_of(cluster(*objects, *LARGEST, new), "GpuClustering")["a"] == expected


# FragmentationGradient. The typical workload: three pods of half a GPU to one of a whole one, each with one core.


def elsewhere(*, halves: int = 3, wholes: int = 1, **rest: Any) -> list[Node | Pod]:
    """The typical workload, out of the way."""
    made = [share(f"half-{i}", 500, on="far", requests={"cpu": 1000}, **rest) for i in range(halves)]
    made += [whole(f"whole-{i}", 1, cpu=1000, on="far", **rest) for i in range(wholes)]
    return [node("far", cpu=99_000, labels={"far": ""}, unschedulable=True, gpus=8), *made]


def sigmoid(drop: float) -> int:
    return int(100 / (1 + math.exp(-drop / 1000)))


def fragmentation(snapshot: Snapshot, name: str = "a") -> float:
    """F_n of a node as it is, by the kernel."""
    engine = Engine(snapshot, preset("fgd"))
    n = engine.machines.index[name]
    free = int(engine.cluster.allocatable[n, 0] - engine.cluster.used[n, 0])
    found = fragment(engine.cluster, engine.rules, n, free, -1, 0, 0)
    assert found == getattr(fragment, "py_func", fragment)(engine.cluster, engine.rules, n, free, -1, 0, 0)
    return found


FRAGMENTS = {
    "untouched: nothing is lost": ((0, 0), {}, 0.0),
    "one half: lost on pods of a whole GPU": ((500, 0), {}, 0.25 * 500),
    "two halves: no whole GPU is left, all is lost on those": ((500, 500), {}, 0.25 * 1000),
    "400 and 1000 left: 400 are lost on everyone": ((600, 0), {}, 0.75 * 400 + 0.25 * 400),
    "400 and 700 left": ((600, 300), {}, 0.75 * 400 + 0.25 * 1100),
    "not enough cpu: everything is lost": ((0, 0), {"cpu": 999}, 2000.0),
    "no GPU: nothing can be lost": ((), {}, 0.0),
}


@pytest.mark.parametrize(("held", "rest", "expected"), FRAGMENTS.values(), ids=FRAGMENTS.keys())
def test_fragmentation_of_a_node(held: tuple[int, ...], rest: dict[str, int], expected: float):
    cpu = rest.get("cpu", 8000)
    machine = node("a", cpu=cpu, gpus=len(held))
    fillers = [share(f"a-{i}", milli, on="a", holds=(i,)) for i, milli in enumerate(held) if milli]
    workload = elsewhere(halves=300, wholes=100)
    assert fragmentation(cluster(machine, *fillers, *workload)) == pytest.approx(expected)


def test_classes_that_need_no_gpu_make_all_idle_gpus_a_loss():
    workload = [pod(f"plain-{i}", on="far") for i in range(4)]
    assert fragmentation(cluster(node("a", gpus=2), node("far", unschedulable=True), *workload)) == 2000.0


def test_classes_that_need_another_model_cannot_use_the_node():
    workload = [pod(f"w{i}", on="far", devices=DeviceRequest(1, 500, models=("A100", "H100"))) for i in range(4)]
    for model, expected in (("A100", 0.0), ("T4", 2000.0)):
        machine = node("a", gpus=2, devices=DeviceInventory(2, 0, model))
        assert fragmentation(cluster(machine, node("far", unschedulable=True), *workload)) == expected


def test_classes_that_ask_for_memory_only_can_use_any_gpu_that_is_there():
    workload = [pod(f"w{i}", on="far", devices=DeviceRequest(1, 0, GIB)) for i in range(4)]
    machine = node("a", devices=DeviceInventory(2, 16 * GIB))
    assert fragmentation(cluster(machine, node("far", unschedulable=True), *workload)) == 0.0


def test_the_rarest_classes_are_not_typical():
    # 19 of 20 pods are 95 percent: the one that needs no GPU does not count.
    machines = node("a", gpus=2), node("far", cpu=99_000, unschedulable=True, gpus=20)
    workload = [whole(f"w{i}", 1, on="far") for i in range(19)]
    assert fragmentation(cluster(*machines, *workload, pod("plain", on="far"))) == 0.0
    assert fragmentation(cluster(*machines, *workload[:18], pod("plain", on="far"))) == pytest.approx(2000 / 19)


def test_the_score_is_the_drop_of_fragmentation():
    snapshot = cluster(
        *on_gpus("a", 0, 0), *on_gpus("b", 500, 0), *elsewhere(halves=2), share("new", 500, requests={"cpu": 1000})
    )
    # Five pods: two halves and the new one, the half on b that asks for no cpu, and the only one of a whole GPU. Half
    # a GPU that is left alone is lost on that one: on a it becomes so, on b it is so no longer.
    found = scores_of(snapshot, "FragmentationGradient", devices="fragmentation")
    assert found == {"a": sigmoid(-500 / 5), "b": sigmoid(500 / 5)} == {"a": 47, "b": 52}


def test_a_share_takes_the_gpu_where_it_drops_most():
    snapshot = cluster(*on_gpus("a", 0, 500), *elsewhere(), share("new", 500, requests={"cpu": 1000}))
    assert devices(plan(snapshot, "fgd")) == {"new": ("a", (1,))}


def test_whole_gpus_and_pods_without_gpus_are_scored_by_the_same_drop():
    # Weights: 3 halves, 2 whole GPUs of five, with ``new``.
    snapshot = cluster(node("a", cpu=1000, gpus=2), *elsewhere(), whole("new", 1, cpu=1000))
    # One GPU and no cpu are left: everything idle is lost.
    assert scores_of(snapshot, "FragmentationGradient") == {"a": sigmoid(-1000)}
    plain = cluster(node("a", cpu=1000, gpus=2), *elsewhere(halves=57, wholes=19), pod("new", requests={"cpu": 1000}))
    assert scores_of(plain, "FragmentationGradient") == {"a": sigmoid(-2000)}


# Which devices.


def test_whole_gpus_are_the_first_untouched_ones():
    snapshot = cluster(*on_gpus("a", 0, 100, 0, 0), whole("new", 2))
    assert devices(plan(snapshot)) == {"new": ("a", (0, 2))}


def test_a_share_takes_the_tightest_gpu_that_fits_the_first_of_equals():
    snapshot = cluster(*on_gpus("a", 0, 300, 600, 300, 900), share("new", 300))
    assert devices(plan(snapshot)) == {"new": ("a", (2,))}
    snapshot = cluster(*on_gpus("a", 0, 300, 600, 300, 900), share("new", 500))
    assert devices(plan(snapshot)) == {"new": ("a", (1,))}


def test_shares_fill_a_gpu_before_they_open_another():
    shares = [share(f"p{i}", 400, created=i) for i in range(5)]
    found = devices(plan(cluster(node("a", gpus=3), *shares)))
    assert [found[f"p{i}"][1] for i in range(5)] == [(0,), (0,), (1,), (1,), (2,)]


def test_device_memory_is_taken_and_runs_out():
    machine = node("a", devices=DeviceInventory(2, 16 * GIB))
    pods = [pod(f"p{i}", created=i, devices=DeviceRequest(1, 100, 9 * GIB)) for i in range(3)]
    found = plan(cluster(machine, *pods))
    assert devices(found) == {"p0": ("a", (0,)), "p1": ("a", (1,))}


# GPUs of running pods.


def left(snapshot: Snapshot) -> list[int]:
    """What is left of each GPU of node a."""
    engine = Engine(snapshot, preset("kubernetes"))
    return engine.cluster.device_free[engine.machines.index["a"]].tolist()


RUNNING = {
    "as recorded": ([share("r", 300, on="a", holds=(2,)), whole("s", 2, on="a", holds=(0, 1))], [0, 0, 700]),
    "an index that is not there is no record": ([share("r", 300, on="a", holds=(7,))], [700, 1000, 1000]),
    "whole ones before shares": ([share("r", 300, on="a"), whole("s", 1, on="a")], [0, 700, 1000]),
    "recorded ones before whole ones": ([whole("r", 1, on="a"), share("s", 300, on="a", holds=(0,))], [700, 0, 1000]),
    "a share goes where the least is left that suffices": (
        [share("q", 300, on="a", holds=(1,)), share("r", 600, on="a", holds=(2,)), share("s", 500, on="a")],
        [1000, 200, 400],
    ),
    "a share that fits nowhere goes where most is left": (
        [
            *(share(f"r{i}", milli, on="a", holds=(i,)) for i, milli in enumerate((800, 700, 750))),
            share("s", 500, on="a"),
        ],
        [200, 0, 250],
    ),
    "whole ones more than there are take what there is": ([whole("r", 5, on="a")], [0, 0, 0]),
    "more than a whole GPU is full": ([share(f"r{i}", 700, on="a", holds=(0,)) for i in range(2)], [0, 1000, 1000]),
}


@pytest.mark.parametrize(("running", "expected"), RUNNING.values(), ids=RUNNING.keys())
def test_gpus_of_running_pods_are_held(running: list[Pod], expected: list[int]):
    assert left(cluster(node("a", gpus=3), *running)) == expected


def test_running_shares_that_fill_a_gpus_memory_do_not_share_it():
    machine = node("a", devices=DeviceInventory(2, 16 * GIB))
    running = [pod(f"r{i}", on="a", devices=DeviceRequest(1, 100, 9 * GIB)) for i in range(2)]
    assert left(cluster(machine, *running)) == [900, 900]


def test_a_whole_gpu_that_runs_is_not_one_of_which_memory_is_held():
    machine = node("a", devices=DeviceInventory(2, 16 * GIB))
    running = pod("r", on="a", holds=(0,), devices=DeviceRequest(1, 0, GIB)), whole("s", 1, on="a")
    assert left(cluster(machine, *running)) == [1000, 0]


def test_the_sixty_fifth_gpu_is_a_gpu_like_any_other():
    pods = [whole(f"p{i:02}", 1, created=i) for i in range(70)]
    found = devices(plan(cluster(node("a", gpus=70), *pods)))
    assert [found[f"p{i:02}"][1] for i in range(70)] == [(i,) for i in range(70)]
