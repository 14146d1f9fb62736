"""Every measure, on cases small enough to be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.scheduling.made_by_hand import cluster, node, pod, share, whole
from tests.simulation.made_runs import INFINITE, Seen, by_queue, run, scenario, workload

from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.model.queue import Queue
from yuheng.model.scenario import PriceSeries, Pricing
from yuheng.model.simulation import MEASURES
from yuheng.model.workload import Workload

THREE = pod("t", requests={"cpu": 3000})
ONE = pod("t", requests={"cpu": 1000})


def single(work: Workload, **rest: Any) -> Seen:
    """On one node of 4 cores."""
    return run(scenario(cluster(node("a")), work, **rest))


def series(seen: Seen, name: str) -> list[tuple[float, float]]:
    return [(point["t"], point[name]) for point in seen.run.series]


@pytest.fixture(scope="module")
def two() -> Seen:
    """Two jobs of 3 cores on 4: one works from 0 to 100, the other, submitted at 10, from 100 to 105."""
    usage = {"cpu": np.array([1500.0, 600.0])}
    price = PriceSeries((0.0, 50.0), (2.0, 4.0))
    return single(
        workload([THREE], [(0, 0.0, 100.0), (0, 10.0, 5.0)], usage=usage), prices=(Pricing({}, price),), sample=50.0
    )


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("jobs", 2),
        ("finished", 2),
        ("running", 0),
        ("pending", 0),
        ("refused", 0),
        ("makespan_seconds", 105),
        ("throughput_per_hour", 2 / 105 * 3600),
        ("pending_seconds_mean", 45),
        ("pending_seconds_p50", 45),
        ("pending_seconds_p99", 89.1),
        ("completion_seconds_mean", (100 + 95) / 2),
        ("completion_seconds_p50", 97.5),
        ("completion_seconds_p99", 95 + 0.99 * 5),
        # 100 s of 100; 95 s of 5, which count as 10.
        ("slowdown_mean", (1 + 9.5) / 2),
        ("slowdown_p50", 5.25),
        ("slowdown_p99", 1 + 0.99 * 8.5),
        ("allocated_cpu_percent", 75),
        ("allocated_memory_percent", 0),
        ("utilised_cpu_percent", 100 * (1500 * 100 + 600 * 5) / (4000 * 105)),
        ("preemptions", 0),
        ("interruptions", 0),
        ("lost_cpu_hours", 0),
        ("node_hours", 105 / 3600),
        ("cost_usd", (2 * 50 + 4 * 55) / 3600),
    ],
)
def test_two_jobs_one_after_the_other(two: Seen, measure: str, value: float) -> None:
    assert two.run.totals[measure] == pytest.approx(value)


def test_measures_that_mean_nothing_are_left_out(two: Seen) -> None:
    assert not [name for name in two.run.totals if "gpu" in name or "fair" in name or name == "utilised_memory_percent"]
    assert set(two.run.totals) <= set(MEASURES)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("nodes", [1, 1, 1, 1]),
        ("running_pods", [1, 1, 1, 1]),
        ("pending_pods", [0, 1, 0, 0]),
        ("pending_jobs", [0, 1, 0, 0]),
        ("finished_jobs", [0, 0, 1, 2]),
        ("allocated_cpu_percent", [75, 75, 75, 75]),
        ("utilised_cpu_percent", [37.5, 37.5, 15, 15]),
    ],
)
def test_the_series_tells_the_state_right_after_each_time_and_right_before_the_end(
    two: Seen, name: str, values: list[float]
) -> None:
    assert series(two, name) == list(zip([0.0, 50.0, 100.0, 105.0], values, strict=True))


def test_cost_over_time_follows_the_price_and_the_nodes(two: Seen) -> None:
    assert series(two, "cost_usd_per_hour") == [(0.0, 2.0), (50.0, 4.0), (100.0, 4.0), (105.0, 4.0)]


def test_a_slowdown_is_never_below_one() -> None:
    """A job of 2 s counts as one of 10 s: it took 2 s, and that is no speed-up."""
    assert single(workload([ONE], [(0, 0.0, 2.0)])).run.totals["slowdown_mean"] == 1.0


def test_what_waits_and_what_runs_at_the_end_is_counted() -> None:
    """Until 50: the first runs, the second has waited for 40 s, the third will never fit."""
    rows = [(0, 0.0, 100.0), (0, 10.0, 5.0), (1, 20.0, 5.0)]
    found = single(workload([THREE, pod("t", requests={"cpu": 5000})], rows), until=50.0).run
    expected = {"jobs": 3, "finished": 0, "running": 1, "pending": 1, "refused": 1, "pending_seconds_mean": 20}
    assert {name: found.totals[name] for name in expected} == expected
    assert "completion_seconds_mean" not in found.totals
    assert [(job.job, job.reason) for job in found.refused] == [
        ("default/job-0000002", "0/1 nodes are available: 1 Insufficient cpu.")
    ]


def test_a_gang_waits_until_its_minimum_is_bound() -> None:
    """Three pods, two of which have to start together: two start at 100, the third at 120."""
    queues = (Queue(name="default"),)
    snapshot = cluster(node("a", cpu=2000), queues=queues)
    rows = [(0, 0.0, 100.0, 2, 2), (0, 10.0, 20.0, 3, 2)]
    found = run(scenario(snapshot, workload([ONE], rows))).run.totals
    assert found["pending_seconds_p99"] == pytest.approx(0.99 * 90)
    assert found["completion_seconds_mean"] == pytest.approx((100 + 130) / 2)


def test_while_a_pod_starts_it_holds_and_does_not_use() -> None:
    work = workload([ONE], [(0, 0.0, 30.0)], usage={"cpu": np.array([1000.0])})
    found = single(work, startup=10.0, sample=10.0)
    assert found.run.totals["allocated_cpu_percent"] == pytest.approx(25)
    assert found.run.totals["utilised_cpu_percent"] == pytest.approx(25 * 30 / 40)
    assert series(found, "utilised_cpu_percent") == [(0.0, 0.0), (10.0, 25.0), (20.0, 25.0), (30.0, 25.0), (40.0, 25.0)]


@pytest.mark.parametrize(
    ("checkpoint", "startup", "lost", "end"),
    [
        # Works 0-30 and loses it; works 40-55 and loses it; works 60-160.
        (INFINITE, 0.0, 30 + 15, 160.0),
        # 20 of 30 s are saved, then 20 + 15 s come to 35: 15 s are lost again.
        (20.0, 0.0, 10 + 15, 140.0),
        # 30 s are saved, then 45: nothing is lost.
        (15.0, 0.0, 0, 115.0),
        # Works 4-30, 44-55 and 64-164.
        (INFINITE, 4.0, 26 + 11, 164.0),
        # 20 of 26 s are saved, then 31 come to 20: works from 64 for 80 s.
        (20.0, 4.0, 6 + 11, 144.0),
    ],
)
def test_work_that_is_lost_with_a_node(checkpoint: float, startup: float, lost: float, end: float) -> None:
    """A job of 100 s and 3 cores, whose node fails at 30 and 55 and is back at 40 and 60."""
    changes = [(30.0, "fail", "a"), (40.0, "recover", "a"), (55.0, "fail", "a"), (60.0, "recover", "a")]
    found = single(workload([THREE], [(0, 0.0, 100.0)]), changes=changes, checkpoint=checkpoint, startup=startup)
    totals = found.run.totals
    assert totals["interruptions"] == 2
    assert totals["lost_cpu_hours"] == pytest.approx(3 * lost / 3600)
    assert totals["completion_seconds_mean"] == end
    assert totals["pending_seconds_mean"] == 10 + 5
    assert found.happened.end == end


def test_lost_gpu_hours_count_gpus() -> None:
    snapshot = cluster(node("a", gpus=4))
    work = workload([whole("t", 2), share("t", 500)], [(0, 0.0, 100.0), (1, 0.0, 100.0)])
    found = run(scenario(snapshot, work, changes=[(36.0, "drain", "a"), (40.0, "uncordon", "a")])).run.totals
    assert found["lost_gpu_hours"] == pytest.approx(2.5 * 36 / 3600)
    assert found["lost_cpu_hours"] == 0


def test_a_node_counts_while_it_exists() -> None:
    """Two nodes: one from 20 to 80, the other all the time; one that failed is there, and paid for."""
    snapshot = cluster(node("a"), node("b", labels={"kind": "spot"}), node("c"))
    changes = [(20.0, "add", "b"), (80.0, "remove", "b"), (30.0, "fail", "c"), (90.0, "recover", "c")]
    prices = (
        Pricing({"kind": "spot"}, PriceSeries((0.0, 50.0), (1.0, 3.0))),
        Pricing({}, PriceSeries((0.0,), (10.0,))),
    )
    found = run(scenario(snapshot, workload([ONE], [(0, 0.0, 100.0)]), changes=changes, prices=prices, sample=25.0))
    assert found.run.totals["node_hours"] == pytest.approx((100 + 60 + 100) / 3600)
    assert found.run.totals["cost_usd"] == pytest.approx((2 * 100 * 10 + 30 * 1 + 30 * 3) / 3600)
    assert [count for _, count in series(found, "nodes")] == [2, 3, 3, 3, 2]
    assert [cost for _, cost in series(found, "cost_usd_per_hour")][:4] == [20.0, 21.0, 23.0, 23.0]


def test_fragments_are_what_the_typical_workload_cannot_use() -> None:
    """One GPU. Half of the pods ask for all of it, the others for half of it: while one of these runs, the half that is
    idle is of no use to half of the workload. So a quarter of the GPU is fragmented for the first half of the time.
    """
    snapshot = cluster(node("a", gpus=1))
    found = run(
        scenario(snapshot, workload([share("t", 500), whole("t", 1)], [(0, 0.0, 100.0), (1, 0.0, 100.0)]), sample=10.0)
    )
    totals = found.run.totals
    assert totals["fragmented_gpu_percent"] == pytest.approx(12.5)
    assert totals["allocated_gpu_percent"] == pytest.approx(75)
    assert totals["unallocated_gpu_percent"] == pytest.approx(25)
    told = {point["t"]: (point["allocated_gpu_percent"], point["fragmented_gpu_percent"]) for point in found.run.series}
    assert told[90.0] == (50.0, 25.0)
    assert told[100.0] == (100.0, 0.0)


# Queues.


def in_queues(snapshot: Snapshot, queues: tuple[Queue, ...], rows: list[Any], policy: Policy, **rest: Any) -> Seen:
    """Jobs of 1 core: template 0 is of queue a, 1 of queue b, 2 of queue b with a higher priority."""
    templates = [
        msgspec.structs.replace(ONE, queue="a"),
        msgspec.structs.replace(ONE, queue="b"),
        msgspec.structs.replace(ONE, queue="b", priority=10),
    ]
    snapshot = msgspec.structs.replace(snapshot, queues=queues)
    return run(scenario(snapshot, workload(templates, rows), policy, **rest))


def test_fairness_between_queues() -> None:
    """Four cores. From 0 to 50 only queue a asks, and has all it deserves. From 50 to 100 both deserve half, and b has
    nothing. From 100 to 150 only b asks, for half, and has it."""
    rows = [(0, 0.0, 100.0, 4, 1), (1, 50.0, 50.0, 2, 1)]
    policy = by_queue("predicates", "proportion", "nodeorder")
    found = in_queues(cluster(node("a")), (Queue(name="a"), Queue(name="b")), rows, policy, sample=10.0)
    # a has all of what it deserves, b 25 of 50 core-parts: (1 + 1/2)^2 / (2 (1 + 1/4)).
    assert found.run.totals["fairness_jain"] == pytest.approx(0.9)
    # Half of the cluster is due and not had for a third of the time.
    assert found.run.totals["unfairness_percent"] == pytest.approx(100 / 6)
    times = [point["t"] for point in found.run.series]
    told = {
        queue.queue: dict(zip(times, zip(queue.deserved, queue.allocated, strict=True), strict=True))
        for queue in found.run.queues
    }
    assert (told["a"][40.0], told["b"][40.0]) == ((100.0, 100.0), (0.0, 0.0))
    assert (told["a"][50.0], told["b"][50.0]) == ((50.0, 100.0), (50.0, 0.0))
    assert (told["a"][100.0], told["b"][100.0]) == ((0.0, 0.0), (50.0, 50.0))


def test_pods_that_make_way_are_counted_and_what_they_lose() -> None:
    """At 30 a stronger job takes the room of two of four pods; they begin anew at 50."""
    policy = by_queue("predicates", "proportion", "nodeorder", actions=("enqueue", "allocate", "preempt", "backfill"))
    rows = [(1, 0.0, 100.0, 4, 1), (2, 30.0, 20.0, 2, 2)]
    found = in_queues(cluster(node("a")), (Queue(name="b"),), rows, policy).run.totals
    assert found["preemptions"] == 2
    assert found["interruptions"] == 0
    assert found["lost_cpu_hours"] == pytest.approx(2 * 30 / 3600)
    assert found["makespan_seconds"] == 150


# Rush hours.

WEDNESDAY_5 = datetime(2026, 1, 7, 5, tzinfo=UTC).timestamp()


def hours(seen: Seen) -> dict[tuple[int, int], float]:
    """By weekday (Monday is 0) and hour, where anything is told."""
    return {
        (day, hour): value
        for day, row in enumerate(seen.run.rush)
        for hour, value in enumerate(row)
        if value is not None
    }


@pytest.mark.parametrize(
    ("epoch", "first", "later"),
    [(WEDNESDAY_5, (2, 5), 37.5), (None, (0, 0), 37.5), (WEDNESDAY_5 + 18.5 * 3600, (2, 23), 75.0)],
)
def test_rush_hours_are_told_by_weekday_and_hour(epoch: float | None, first: tuple[int, int], later: float) -> None:
    """Three cores of four for an hour and a half; the last job comes after two hours. Hours are those of the clock."""
    found = single(workload([THREE], [(0, 0.0, 5400.0), (0, 7200.0, 60.0)], epoch=epoch))
    second = (first[0] + (first[1] + 1) // 24, (first[1] + 1) % 24)
    assert len(found.run.rush) == 7
    assert {len(row) for row in found.run.rush} == {24}
    assert hours(found) == pytest.approx({first: 75.0, second: later})


def test_who_waits_asks_too_and_the_same_hour_of_two_weeks_is_averaged() -> None:
    """Two jobs of three cores on four, one of which waits: 150 %. A week later only one comes."""
    week = 7 * 24 * 3600.0
    rows = [(0, 0.0, 3600.0), (0, 0.0, 3600.0), (0, week, 3600.0), (0, week + 3600.0, 1.0)]
    found = hours(single(workload([THREE], rows, epoch=WEDNESDAY_5), sample=week))
    assert found[2, 5] == pytest.approx((150 + 75) / 2)
    assert found[2, 6] == pytest.approx(75.0)
    assert found[2, 7] == 0.0
    assert len(found) == 7 * 24


def test_the_resource_that_is_asked_for_most_is_told() -> None:
    """Of GPUs all are asked for, of cores a quarter."""
    snapshot = cluster(node("a", gpus=1))
    work = workload([whole("t", 1, cpu=1000)], [(0, 0.0, 3600.0), (0, 3600.0, 1.0)], epoch=WEDNESDAY_5)
    assert hours(run(scenario(snapshot, work))) == pytest.approx({(2, 5): 100.0})
