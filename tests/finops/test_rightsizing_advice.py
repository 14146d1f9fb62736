"""From usage to advice: floors, limits, autoscalers, what is left alone and what is said about it."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuheng.finops.rightsizing import Rule, rightsize
from yuheng.finops.rightsizing.memory import bounds_of, limit_for, peak_and_growth
from yuheng.finops.rightsizing.replicas import Scaler, hourly_replicas, load_of, request_for, scale
from yuheng.finops.rightsizing.samples import Samples
from yuheng.finops.rightsizing.seasonal import Schedule
from yuheng.model.cluster import Snapshot
from yuheng.model.estate import Autoscaler, Container, Estate, Owner, PodEstate, Requested, WorkloadEstate
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.units import DAY, GIB, MIB
from yuheng.model.usage_matrices import PodContainer, UsageMatrices

MONDAY = 1767571200.0
TIMES = MONDAY + 300.0 * np.arange(14 * 288)
HOUR = TIMES % DAY / 3600
BY_DAY = np.where(np.abs(HOUR - 12) < 4, 1.0, 0.2)
STEADY = np.random.default_rng(1).normal(1, 0.02, len(TIMES))
NODES = (NodePrice(node="n", per_hour=1.0, cpu=0.1, memory=0.01, gpu=0.0),)


def matrices(cpu, memory):
    """Usage by (pod, container)."""
    names = tuple(PodContainer("shop", *key) for key in cpu)
    return UsageMatrices(
        names,
        TIMES,
        np.array(list(cpu.values()), np.float32),
        np.array([memory[key] for key in cpu], np.float32),
        300.0,
        300.0,
    )


def estate(*containers, replicas=1, kind="Deployment", autoscaler=None, pods=()):
    """One workload, ``shop/web``."""
    workload = WorkloadEstate(kind=kind, namespace="shop", name="web", containers=tuple(containers), replicas=replicas)
    scalers = () if autoscaler is None else (autoscaler,)
    running = {
        f"shop/{name}": PodEstate(namespace="shop", name=name, owner=Owner(kind, "web"), containers=own)
        for name, own in pods
    }
    machine = Node(name="n", allocatable={"cpu": 8000, "memory": 32 * 2**30})
    return Estate(snapshot=Snapshot(nodes=(machine,)), workloads=(workload,), autoscalers=scalers, pods=running)


def advised(estate_, cpu, memory=None, rule=Rule(), prices=NODES):  # noqa: B008 -- a value
    """The rows by container."""
    memory = memory or dict.fromkeys(cpu, np.full(len(TIMES), 100.0 * MIB))
    return {row.container: row for row in rightsize(estate_, matrices(cpu, memory), prices, rule).containers}


MAIN = Container(name="main", cpu=2000, memory=GIB, memory_limit=2 * GIB)
POD = ("web-5d8f7c9b6d-x2x4q", "main")


def test_old_to_new_in_money():
    row = advised(estate(MAIN), {POD: STEADY})["main"]
    assert 1000 <= row.cpu.new <= 1080
    assert row.memory.new == 102 * MIB
    cores = (2000 - row.cpu.new) / 1000 * 0.1 * 730
    assert row.cpu.saved == pytest.approx(cores)
    assert row.saved == pytest.approx(cores + (1024 - 102) / 1024 * 0.01 * 730)
    assert row.cpu.minutes < 0.02 * 730 * 60
    assert row.cpu.minutes_before == 0
    assert row.memory.new_limit == 204 * MIB


def test_replicas_multiply_what_is_saved():
    one, four = (advised(estate(MAIN, replicas=n), {POD: STEADY})["main"].saved for n in (1, 4))
    assert four == pytest.approx(4 * one)


def test_hours_ask_for_less_than_a_request_that_stays():
    row = advised(estate(MAIN), {POD: BY_DAY})["main"]
    assert row.cpu.new == 1000
    assert row.hours.pattern == "daily"
    assert row.hours.most == 1000
    assert row.hours.mean < 600
    assert row.hours.saved > row.cpu.saved


def test_the_worst_of_the_pods_is_held():
    pods = {("web-5d8f7c9b6d-x2x4q", "main"): 0.2 * STEADY, ("web-5d8f7c9b6d-aaaaa", "main"): STEADY}
    assert advised(estate(MAIN, replicas=2), pods)["main"].cpu.new >= 1000


NAMES = {
    "a Deployment": ("Deployment", "web-5d8f7c9b6d-x2x4q", True),
    "a StatefulSet": ("StatefulSet", "web-12", True),
    "a DaemonSet": ("DaemonSet", "web-x2x4q", True),
    "a CronJob": ("CronJob", "web-29461230-x2x4q", True),
    "a pod": ("Pod", "web", True),
    "another Deployment": ("Deployment", "web-api-5d8f7c9b6d-x2x4q", False),
    "another StatefulSet": ("StatefulSet", "web-x2x4q", False),
}


@pytest.mark.parametrize(("kind", "pod", "known"), NAMES.values(), ids=NAMES)
def test_pods_that_are_gone_are_known_by_their_names(kind, pod, known):
    found = rightsize(estate(MAIN, kind=kind), matrices({(pod, "main"): STEADY}, {(pod, "main"): STEADY}))
    assert (found.containers[0].pods == 1) is known
    assert any("belongs to no workload" in text for text in found.warnings) is not known


def test_what_was_killed_is_never_given_less_than_it_had():
    killed = Container(name="main", cpu=2000, memory=GIB, memory_limit=GIB, out_of_memory=1.0)
    pods = (("web-5d8f7c9b6d-x2x4q", (killed,)),)
    for strategy in ("seasonal", "vpa", "krr"):
        row = advised(estate(MAIN, pods=pods), {POD: STEADY}, rule=Rule(strategy))["main"]
        assert row.memory.new >= math.ceil(1.2 * GIB / MIB) * MIB
        assert row.memory.new_limit >= row.memory.new
    assert "killed for want of memory" in row.memory.why or strategy == "krr"


KILLS = {
    # What the killed pod had (request, limit), what is written now, and what no request may be below: VPA's x 1.2.
    "a limit that has been lowered since": ((512, 2048), (256, 512), 2458, 2560),
    "a limit that has been raised since": ((512, 1024), (512, 2048), 1229, 1280),
    "a limit that has been removed since": ((512, 1024), (512, None), 1229, 1280),
    "no limit: the node had no more": ((1024, None), (256, 512), 1229, 0),
}


@pytest.mark.parametrize(("had", "written", "floor", "by_krr"), KILLS.values(), ids=KILLS)
@pytest.mark.parametrize("strategy", ["seasonal", "vpa", "krr"])
def test_a_kill_counts_at_what_the_pod_had_then(strategy, had, written, floor, by_krr):
    def sized(sizes, killed=None):
        request_, limit = (None if size is None else size * MIB for size in sizes)
        return Container(name="main", memory=request_, memory_limit=limit, out_of_memory=killed)

    pods = (("web-5d8f7c9b6d-x2x4q", (sized(had, 1.0),)), ("web-5d8f7c9b6d-aaaaa", (sized(written),)))
    change = advised(estate(sized(written), pods=pods), {POD: STEADY}, rule=Rule(strategy))["main"].memory
    assert change.new == max(floor, by_krr if strategy == "krr" else 0) * MIB


def test_the_highest_of_several_kills_counts():
    kills = [Container(name="main", memory=n * GIB, memory_limit=n * GIB, out_of_memory=float(9 - n)) for n in (1, 3)]
    pods = tuple((f"web-5d8f7c9b6d-x2x4{n}", (kill,)) for n, kill in enumerate(kills))
    assert advised(estate(MAIN, pods=pods), {POD: STEADY})["main"].memory.new == math.ceil(1.2 * 3 * GIB / MIB) * MIB


JAVA = {
    "a heap of bytes": (Container(name="main", cpu=1, memory=4 * GIB, heap=2 * GIB), 2304 * MIB, None),
    "a large heap": (Container(name="main", cpu=1, memory=40 * GIB, heap=20 * GIB), 22 * GIB, None),
    "a share of the limit": (
        Container(name="main", cpu=1, memory=4 * GIB, memory_limit=4 * GIB, heap_share=0.5),
        2304 * MIB,
        4 * GIB,
    ),
    "nearly all of the limit": (
        Container(name="main", cpu=1, memory=GIB, memory_limit=GIB, heap_share=0.9),
        GIB,
        GIB,
    ),
}


@pytest.mark.parametrize(("container", "request_", "limit"), JAVA.values(), ids=JAVA)
def test_a_java_heap_keeps_its_room(container, request_, limit):
    row = advised(estate(container), {POD: STEADY})["main"]
    assert row.memory.new == request_
    assert row.memory.new_limit == limit
    assert "Java heap" in row.memory.why


def test_a_limit_that_a_heap_hangs_on_is_raised_after_a_kill():
    container = Container(name="main", memory=GIB, memory_limit=GIB, heap_share=0.75, out_of_memory=1.0)
    row = advised(estate(container, pods=(("web-5d8f7c9b6d-x2x4q", (container,)),)), {POD: STEADY})["main"]
    assert row.memory.new >= 1.2 * GIB
    assert row.memory.new_limit == row.memory.new


def test_a_heap_that_is_a_share_of_the_node_is_left():
    row = advised(estate(Container(name="main", memory=GIB, heap_share=0.75)), {POD: STEADY})["main"]
    assert row.memory.new is None
    assert "no limit" in row.memory.why


LIMITS = {
    "in ratio": (Container(name="a", memory=GIB, memory_limit=2 * GIB), "ratio", 200 * MIB),
    "in ratio, of none": (Container(name="a", memory=GIB), "ratio", None),
    "in ratio, of a limit below the request": (
        Container(name="a", memory=GIB, memory_limit=GIB // 2),
        "ratio",
        100 * MIB,
    ),
    "in ratio, of no request": (Container(name="a", memory_limit=GIB), "ratio", GIB),
    "as the request": (Container(name="a", memory=GIB, memory_limit=2 * GIB), "request", 100 * MIB),
    "as the request, of none": (Container(name="a", memory=GIB), "request", 100 * MIB),
}


@pytest.mark.parametrize(("container", "policy", "expected"), LIMITS.values(), ids=LIMITS)
def test_memory_limits(container, policy, expected):
    assert limit_for(container, 100 * MIB, policy, bounds_of(container, 0)) == expected


@given(
    st.sampled_from(["seasonal", "vpa", "krr"]),
    st.sampled_from(["ratio", "request"]),
    st.integers(0, 4 * GIB),
    st.none() | st.integers(1, 4 * GIB),
    st.none() | st.integers(MIB, 2 * GIB),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_a_limit_is_never_below_the_request_nor_a_request_below_a_heap(strategy, limits, memory, limit, heap, killed):
    container = Container(
        name="main", memory=memory, memory_limit=limit, heap=heap, out_of_memory=1.0 if killed else None
    )
    pods = (("web-5d8f7c9b6d-x2x4q", (container,)),)
    change = advised(estate(container, pods=pods), {POD: STEADY}, rule=Rule(strategy, limits=limits))["main"].memory
    assert change.new_limit is None or change.new_limit >= change.new
    assert change.new >= (heap or 0)
    assert not killed or change.new >= 1.2 * max(limit or 0, memory)


def test_growth_that_was_seen_is_room_that_is_given():
    steady = peak_and_growth([Samples(TIMES, np.full(len(TIMES), 100.0))])
    growing = peak_and_growth([Samples(TIMES, np.linspace(50, 100, len(TIMES)))])
    assert steady == pytest.approx(102)
    assert growing == pytest.approx(130)
    assert peak_and_growth([Samples(TIMES[:9], np.full(9, 100.0))]) == pytest.approx(130)


def test_a_cpu_limit_stays_and_holds_the_request():
    row = advised(estate(Container(name="main", cpu=500, cpu_limit=700)), {POD: STEADY})["main"]
    assert (row.cpu.new, row.cpu.new_limit) == (700, 700)
    assert "cpu limit" in row.cpu.why


def test_what_has_no_request_gets_one_and_is_told():
    row = advised(estate(Container(name="main")), {POD: STEADY})["main"]
    assert row.cpu.new >= 1000
    assert row.cpu.saved < 0
    assert row.cpu.risk_before is None
    assert any("requests no cpu and no memory" in note for note in row.notes)


def test_what_has_no_usage_or_too_little_is_left():
    none = advised(estate(MAIN), {("other", "x"): STEADY})["main"]
    assert (none.cpu.new, none.cpu.why, none.saved) == (None, "no usage is known", 0)
    little = np.where(np.arange(len(TIMES)) < 99, STEADY, np.nan)
    row = advised(estate(MAIN), {POD: little}, {POD: little})["main"]
    assert row.cpu.why == row.memory.why == "only 99 of at least 100 samples"
    assert not row.changes


def test_a_short_history_is_sized_and_its_risk_is_not_known():
    short = np.where(np.arange(len(TIMES)) < 288, STEADY, np.nan)
    row = advised(estate(MAIN), {POD: short}, {POD: short})["main"]
    assert row.cpu.new >= 1000
    assert row.cpu.minutes is None
    assert any("risk is not known" in note for note in row.notes)


def test_sidecars_are_sized_too():
    sidecar = Container(name="proxy", cpu=500, memory=GIB, sidecar=True)
    rows = advised(estate(MAIN, sidecar), {POD: STEADY, (POD[0], "proxy"): 0.01 * STEADY})
    assert rows["proxy"].sidecar
    assert rows["proxy"].cpu.new <= 12


SCALER = Autoscaler(
    namespace="shop", name="web", target=Owner("Deployment", "web"), minimum=2, maximum=10, utilization={"cpu": 0.5}
)


def test_an_autoscaler_is_reckoned_with():
    pods = {(f"web-5d8f7c9b6d-x2x4{n}", "main"): BY_DAY for n in "abcd"}
    row = advised(estate(MAIN, replicas=4, autoscaler=SCALER), pods)["main"]
    effect = row.autoscaler
    assert (effect.minimum, effect.maximum, effect.utilization) == (2, 10, 0.5)
    assert 2 <= effect.replicas <= effect.most <= 8  # a fifth of its room is left
    assert row.hours is None
    assert row.together is None
    # What is paid for is what it makes of the request, not the request times four.
    assert row.cpu.saved == pytest.approx((effect.cpu_before - effect.cpu) / 1000 * 0.1 * 730)
    assert effect.cpu <= effect.cpu_before


def test_krr_leaves_what_an_autoscaler_steers():
    row = advised(estate(MAIN, autoscaler=SCALER), {POD: STEADY}, rule=Rule("krr"))["main"]
    assert row.cpu.new is None
    assert row.memory.new is not None


def test_an_autoscaler_of_memory_keeps_the_memory_request():
    scaler = Autoscaler(
        namespace="shop",
        name="web",
        target=Owner("Deployment", "web"),
        minimum=1,
        maximum=3,
        utilization={"memory": 0.8},
    )
    row = advised(estate(MAIN, autoscaler=scaler), {POD: STEADY})["main"]
    assert row.memory.new is None
    assert row.cpu.new is not None


def test_an_autoscaler_does_what_kubernetes_says():
    load = load_of([Samples(TIMES, np.full(len(TIMES), 2.0))])
    assert scale(load, Scaler(1, 10, 0.5), 1.0).replicas == 4
    assert scale(load, Scaler(1, 3, 0.5), 1.0).replicas == 3
    assert scale(load, Scaler(5, 10, 0.5), 1.0).replicas == 5
    assert scale(load, Scaler(1, 1, 0.5), 1.0).risk == 1.0


def test_uneven_pods_need_more_than_their_mean():
    pods = [Samples(TIMES, np.full(len(TIMES), 3.0)), Samples(TIMES, np.full(len(TIMES), 1.0))]
    assert load_of(pods).skew == pytest.approx(1.5)
    assert load_of(pods[:1]).skew == 1.0


def test_an_autoscaler_that_sees_the_mean_leaves_the_busiest_pod_above():
    even = [Samples(TIMES, np.full(len(TIMES), 2.0)) for _ in range(2)]
    uneven = [Samples(TIMES, np.full(len(TIMES), cores)) for cores in (3.0, 1.0)]
    assert scale(load_of(even), Scaler(1, 10, 0.8), 1.0).risk == 0.0
    assert scale(load_of(uneven), Scaler(1, 10, 0.8), 1.0).risk == 1.0


def test_memory_makes_fewer_and_larger_replicas_cheaper():
    load = load_of([Samples(TIMES, BY_DAY) for _ in range(4)])
    free, dear = (request_for(load, Scaler(1, 20, 0.7), 3.0, beside) for beside in (0.0, 5.0))
    assert dear > free


def test_replicas_by_the_hour_hold_the_schedule():
    requests = np.tile(np.where(np.arange(24) < 12, 1.0, 8.0), (2, 1))
    request, counts = hourly_replicas(Schedule(requests, "daily", 0.0, 0.0), 8, 0.0)
    assert (np.array(counts) * request >= requests - 1e-9).all()
    assert min(map(min, counts)) == 2
    assert max(map(max, counts)) <= 8


def test_several_replicas_that_nothing_scales_may_follow_the_hours():
    pods = {(f"web-5d8f7c9b6d-x2x4{n}", "main"): BY_DAY for n in "abcdef"}
    row = advised(estate(MAIN, replicas=6), pods)["main"]
    assert row.together.replicas[0][12] > row.together.replicas[0][3] >= 2
    assert row.together.saved > row.saved
    assert advised(estate(MAIN, replicas=2), dict(list(pods.items())[:2]))["main"].together is None


def test_by_the_hour_nothing_is_saved_below_what_an_init_container_asks_for():
    (workload,) = estate(MAIN, replicas=6).workloads
    pods = {(f"web-5d8f7c9b6d-x2x4{n}", "main"): BY_DAY for n in "abcdef"}

    def row(**beyond):
        own = msgspec.structs.replace(workload, **beyond)
        return advised(msgspec.structs.replace(estate(), workloads=(own,)), pods)["main"]

    def mean_of(row):
        return sum((5 * day + 2 * end) / 7 for day, end in zip(*row.together.replicas, strict=True)) / 24

    alone, held = row(), row(least=Requested(cpu=3000))
    assert alone.hours.saved > 600
    assert held.cpu.saved == held.hours.saved == pytest.approx(0)
    # In each hour there are as many replicas as it takes, and each of them has room of its own beside its request.
    gib = alone.memory.new / GIB
    assert held.together.saved == pytest.approx(
        ((6 - mean_of(held)) * 3 * 0.1 + (6 - mean_of(held) * gib) * 0.01) * 730
    )
    heavy = row(overhead=Requested(cpu=1000))
    cores = 6 * (2 + 1) - mean_of(heavy) * (heavy.together.request / 1000 + 1)
    assert heavy.hours.saved == pytest.approx(alone.hours.saved)
    assert heavy.together.saved == pytest.approx((cores * 0.1 + (6 - mean_of(heavy) * gib) * 0.01) * 730)
    assert heavy.together.saved > alone.together.saved + (6 - mean_of(alone)) * 0.1 * 730


def test_jobs_are_paid_for_as_long_as_they_run():
    nightly = np.where(np.abs(HOUR - 3) < 1, STEADY, np.nan)
    row = advised(estate(MAIN, kind="CronJob"), {("web-29461230-x2x4q", "main"): nightly})["main"]
    assert row.replicas == pytest.approx(2 / 24, abs=0.01)
    assert row.hours is None


def test_the_same_usage_gives_the_same_advice_however_it_is_spread_over_threads():
    pods = {(f"web-5d8f7c9b6d-x2x4{n}", "main"): BY_DAY for n in "ab"}
    usage = matrices(pods, dict.fromkeys(pods, STEADY * 1e8))
    with ThreadPoolExecutor(2) as pool:
        assert rightsize(estate(MAIN), usage, NODES, Rule(), pool.map) == rightsize(estate(MAIN), usage, NODES)


def test_what_saves_most_comes_first():
    found = rightsize(
        estate(Container(name="a", cpu=2000), Container(name="b", cpu=9000)),
        matrices({(POD[0], "a"): STEADY, (POD[0], "b"): STEADY}, {(POD[0], "a"): STEADY, (POD[0], "b"): STEADY}),
    )
    assert [row.container for row in found.containers] == ["b", "a"]
    assert any("default rates" in text or "no node has a price" in text for text in found.assumptions)
