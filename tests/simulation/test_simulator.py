"""How events take their course: nodes that go and return, cycles, ends of runs, ties.

The plain simulation compares whole runs; these are examples of what is easily got wrong.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
from tests.scheduling.made_by_hand import HOSTNAME, ZONE, app, cluster, node, pod, whole, zoned
from tests.simulation.made_runs import (
    EVERY_ACTION,
    INFINITE,
    REVOCABLE,
    Seen,
    by_queue,
    run,
    scenario,
    workload,
)
from tests.simulation.plain_simulation import Plain

from yuheng.model.batch import PluginOption
from yuheng.model.job import Job, JobTask
from yuheng.model.pod import (
    Affinity,
    DeviceRequest,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    TopologySpreadConstraint,
)
from yuheng.model.queue import Queue
from yuheng.simulation.record import Outcome

ROOT = Path(__file__).resolve().parents[2]
ONE, THREE = pod("t", requests={"cpu": 1000}), pod("t", requests={"cpu": 3000})
DEFAULT = (Queue(name="default"),)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Give a simulation that might not end so much time."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"it did not end within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def placed(seen: Seen) -> list[tuple[float, str, str]]:
    return [(each.time, each.pod.removeprefix("default/job-000000"), each.node) for each in seen.decisions]


# The end of a run.


@pytest.mark.parametrize("kind", ["fail", "remove", "drain"])
def test_a_run_ends_though_somebody_waits_for_a_node_that_never_returns(kind: str) -> None:
    pinned = pod("t", requests={"cpu": 1000}, node_selector={HOSTNAME: "a"})
    made = scenario(cluster(node("a"), node("b")), workload([ONE], [(0, 0.0, 5.0)]))
    run(made)
    rows = [(0, 0.0, 100.0), (0, 20.0, 5.0)]
    with at_most(20):
        found = run(scenario(cluster(node("a"), node("b")), workload([pinned], rows), changes=[(10.0, kind, "a")]))
    totals = found.run.totals
    assert (totals["finished"], totals["pending"]) == (0, 2)


def test_who_waits_for_a_node_that_returns_is_waited_for() -> None:
    changes = [(10.0, "fail", "a"), (5000.0, "recover", "a")]
    found = run(scenario(cluster(node("a")), workload([THREE], [(0, 0.0, 100.0)]), changes=changes))
    assert found.happened.end == 5100.0


@pytest.mark.parametrize(
    ("rows", "changes", "cycle"),
    [
        ([(0, 0.0, 1000.0)], [(10.0, "fail", "a")], 0.0),
        ([(0, 0.0, INFINITE), (0, 1.0, 5.0)], [], 100.0),
        ([(0, 0.0, 50.0), (0, 1.0, 7.0), (0, 2.0, 3.0)], [(30.0, "fail", "a"), (45.0, "recover", "a")], 7.0),
    ],
)
def test_points_of_the_series_are_in_order_and_end_with_the_run(
    rows: list[Any], changes: list[Any], cycle: float
) -> None:
    with at_most(20):
        found = run(scenario(cluster(node("a")), workload([THREE], rows), changes=changes, cycle=cycle, sample=10.0))
    times = [point["t"] for point in found.run.series]
    assert times == sorted(set(times))
    assert times[-1] == found.happened.end


def test_until_is_the_end_whatever_still_runs_and_what_happens_before_happens() -> None:
    """A node that goes at 50 is not paid for until 3600, though the last job ended at 5."""
    snapshot = cluster(node("a"), node("b"))
    made = scenario(snapshot, workload([ONE], [(0, 0.0, 5.0)]), changes=[(50.0, "remove", "a")], until=3600.0)
    found = run(made)
    assert found.run.totals["node_hours"] == pytest.approx((50 + 3600) / 3600)
    assert {point["t"] for point in found.run.series} >= {0.0, 1800.0, 3600.0}


def test_services_are_interrupted_until_the_end() -> None:
    changes = [(50.0, "fail", "a"), (60.0, "recover", "a")]
    found = run(scenario(cluster(node("a")), workload([ONE], [(0, 0.0, INFINITE)]), changes=changes, until=100.0))
    assert [(stay.bound, stay.ended, stay.outcome) for stay in found.stays()] == [
        (0.0, 50.0, Outcome.LOST),
        (60.0, 100.0, Outcome.RUNNING),
    ]


def test_a_job_that_would_come_after_the_end_counts_nowhere() -> None:
    never = pod("t", requests={"cpu": 9000})
    rows = [(1, 50.0, 5.0), (0, 500.0, 5.0), (1, 500.0, 5.0)]
    assert run(scenario(cluster(node("a")), workload([ONE, never], rows), until=100.0)).run.totals["jobs"] == 1


# Whose turn it is.


def test_pods_that_lose_their_nodes_have_their_turn_by_age() -> None:
    """Of two pods that lose their node the older one comes first, as in a plan."""
    old = [
        msgspec.structs.replace(pod(name, on="a", requests={"cpu": 2000}), created=-age, estimate=100.0)
        for name, age in (("x", 10.0), ("y", 20.0))
    ]
    snapshot = cluster(node("a"), *old)
    changes = [(10.0, "fail", "a"), (20.0, "recover", "a")]
    found = run(scenario(snapshot, workload([THREE], [(0, 5.0, 10.0)]), changes=changes))
    assert [each.pod for each in found.decisions[:2]] == ["default/y", "default/x"]


def test_jobs_of_one_time_have_their_turns_by_namespace_and_name() -> None:
    templates = [pod("t", requests={"cpu": 3000}, namespace=name) for name in ("red", "blue")]
    made = scenario(cluster(node("a")), workload(templates, [(0, 0.0, 10.0), (1, 0.0, 10.0)]))
    assert [each.pod for each in run(made).decisions] == [each.pod for each in Plain(made).run().decisions]


def near(name: str, **rest: Any) -> Pod:
    """A pod that runs only where the zone has a database."""
    term = PodAffinityTerm(ZONE, app("db"))
    return pod("t", labels={"app": name}, affinity=Affinity(pod_affinity=PodAffinity(required=(term,))), **rest)


def test_a_pod_that_waits_for_others_has_its_turn_in_the_cycle_that_places_them() -> None:
    """The web pod waits for a database; when one comes, it has its turn before the pod of lower priority."""
    templates = [
        near("web", requests={"cpu": 2000}, priority=5),
        pod("t", labels={"app": "db"}, requests={"cpu": 1000}, priority=10),
        pod("t", requests={"cpu": 2000}),
    ]
    rows = [(0, 0.0, 100.0), (1, 10.0, 100.0), (2, 10.0, 100.0)]
    made = scenario(cluster(zoned("n", "a")), workload(templates, rows))
    assert placed(run(made)) == [(10.0, "1", "n"), (10.0, "0", "n"), (110.0, "2", "n")]


def test_a_pod_that_waits_for_others_does_not_wait_for_the_next_period() -> None:
    templates = [near("web", requests={"cpu": 1000}), pod("t", labels={"app": "db"}, priority=10)]
    made = scenario(cluster(zoned("n", "a")), workload(templates, [(0, 0.0, 9.0), (1, 10.0, 100.0)]), cycle=30.0)
    assert placed(run(made)) == [(30.0, "1", "n"), (30.0, "0", "n")]


# Nodes.


def test_a_zone_whose_nodes_are_not_there_yet_is_no_zone_to_spread_over() -> None:
    """Four pods over two zones; a third zone comes later, and is not missed before."""
    spread = TopologySpreadConstraint(1, ZONE, "DoNotSchedule", app("x"))
    template = pod("t", labels={"app": "x"}, requests={"cpu": 1000}, spread=(spread,))
    snapshot = cluster(zoned("a", "a"), zoned("b", "b"), zoned("c", "c"))
    made = scenario(snapshot, workload([template], [(0, 0.0, 100.0)] * 4), changes=[(1000.0, "add", "c")])
    assert {each.time for each in Plain(made, absent="left out").run().decisions} == {0.0}
    assert {each.time for each in run(made).decisions} == {0.0}


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        pytest.param(
            [(5.0, "remove", "c"), (10.0, "fail", "c")],
            False,
        ),
        pytest.param(
            [(5.0, "fail", "c"), (6.0, "remove", "c"), (10.0, "add", "c")],
            True,
        ),
        ([(5.0, "fail", "c")], True),
        ([(5.0, "remove", "c")], False),
    ],
)
def test_a_node_that_is_there_counts_in_its_zone_though_it_takes_nothing(changes: list[Any], counts: bool) -> None:
    """Four pods over three zones: where the third is there and takes nothing, only two may start."""
    spread = TopologySpreadConstraint(1, ZONE, "DoNotSchedule", app("x"))
    template = pod("t", labels={"app": "x"}, requests={"cpu": 1000}, spread=(spread,))
    snapshot = cluster(zoned("a", "a"), zoned("b", "b"), zoned("c", "c"))
    found = run(scenario(snapshot, workload([template], [(0, 20.0, 500.0)] * 4), changes=changes, until=300.0))
    assert len(found.decisions) == (2 if counts else 4)


def test_a_node_that_is_cordoned_at_the_start_can_be_uncordoned() -> None:
    snapshot = cluster(node("a", unschedulable=True))
    found = run(scenario(snapshot, workload([ONE], [(0, 0.0, 50.0)]), changes=[(100.0, "uncordon", "a")]))
    assert placed(found) == [(100.0, "0", "a")]


LARGE = """
import json, sys
from tests.scheduling.made_by_hand import cluster, node, pod
from tests.simulation.made_runs import run, scenario, workload
from yuheng.model.queue import Queue
from yuheng.scheduling import scheduler
scheduler.LINES, scheduler.STRETCH = 8, 4
many = [f"n{i:02}" for i in range(30)]
small = pod("t", requests={"cpu": 100})
cases = {
    "pods": ([node("a"), node("b")], [(0, 0.0, 50.0)] * 40, ["a", "b"], ()),
    "nodes": ([node(name) for name in many], [(0, 0.0, 50.0)], many, ()),
    "gang": ([node("a"), node("b")], [(0, 0.0, 50.0, 40, 40)], ["a"], (Queue(name="default"),)),
}
nodes, rows, fail, queues = cases[sys.argv[1]]
changes = [(10.0, "fail", *fail), (20.0, "recover", *fail)]
seen = run(scenario(cluster(*nodes, queues=queues), workload([small], rows), changes=changes))
print(json.dumps([seen.run.totals["finished"], seen.happened.end]))
"""


@pytest.mark.parametrize(
    ("case", "finished", "end"),
    # All 40 pods of the gang fit on the other node: it starts again at once.
    [("pods", 40, 70.0), ("nodes", 1, 70.0), ("gang", 1, 60.0)],
)
def test_more_may_happen_at_once_than_the_log_has_lines(case: str, finished: int, end: float) -> None:
    """Without compiled kernels, which would write beyond their arrays' ends and not say so."""
    environment = {
        **os.environ,
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", LARGE, case], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-600:]
    assert json.loads(done.stdout) == [finished, end]


# Jobs and queues.


def in_default(*pods: Pod, **rest: Any) -> list[Pod]:
    return [msgspec.structs.replace(each, queue="default", **rest) for each in pods]


def test_a_pod_that_takes_no_time_has_not_finished_before_it_began() -> None:
    """Three of five pods lose their node in the moment in which all would begin: the gang of three stops whole."""
    snapshot = cluster(node("a", cpu=3000), node("b", cpu=4000), queues=DEFAULT)
    made = scenario(
        snapshot,
        workload([ONE], [(0, 3.0, 0.0, 5, 4)]),
        changes=[(5.0, "drain", "b"), (9.0, "uncordon", "b")],
        startup=2.0,
    )
    assert run(made).decisions == Plain(made, absent="left out", again=False).run().decisions
    assert run(made).decisions[-1].time == 9.0


def test_pods_of_a_task_that_ended_well_count_for_its_minimum() -> None:
    """Two of three workers fit; when they have ended, the third needs no other beside it."""
    job = Job(name="j", min_available=2, tasks=(JobTask(name="worker", min_available=2),))
    workers = [
        msgspec.structs.replace(pod(f"j-{i}", requests={"cpu": 2000}), job="default/j", task="worker", estimate=10.0)
        for i in range(3)
    ]
    made = scenario(cluster(node("a"), *workers, queues=DEFAULT, jobs=(job,)))
    assert len(Plain(made).run().decisions) == 3
    assert run(made).run.totals["finished"] == 1


def test_gpus_that_change_hands_in_one_cycle_are_held_by_who_took_them() -> None:
    """Where room is reserved for services, clusters are compiled anew for every cycle. Nothing is idle after it."""
    low, high, two = in_default(whole("t", 1, cpu=500), whole("t", 1, cpu=500, priority=10), whole("t", 2, cpu=500))
    reserve = PluginOption("reserve", arguments={"reserve.factor": 1.0})
    policy = by_queue("predicates", "proportion", "nodeorder", reserve, actions=EVERY_ACTION)
    snapshot = cluster(node("a", gpus=1), node("b", gpus=2), queues=DEFAULT)
    rows = [(2, 0.0, 500.0), (0, 1.0, 100.0), (1, 10.0, 100.0)]
    found = run(scenario(snapshot, workload([low, high, two], rows), policy, sample=10.0))
    assert len(found.evictions) == 1
    for point in found.run.series:
        if point["allocated_gpu_percent"] == 100.0:
            assert point["fragmented_gpu_percent"] == 0.0


MIDNIGHT = 1767225600.0
ZONES = PluginOption("tdm", arguments={"tdm.revocable-zone.day": "08:00-20:00"})


def in_a_zone(hour: float, rows: list[Any], **rest: Any) -> Seen:
    """A node of a zone that is open from 8 to 20, and pods that may run there, so many hours past midnight."""
    template = in_default(ONE, revocable=True, preemptable=True)
    snapshot = cluster(node("a", labels={REVOCABLE: "day"}), queues=DEFAULT)
    policy = by_queue("predicates", "proportion", "nodeorder", ZONES, actions=EVERY_ACTION)
    return run(
        scenario(
            snapshot, workload(template, rows), policy, epoch=MIDNIGHT + 3600 * hour, cycle=60.0, until=36000.0, **rest
        )
    )


def test_a_zone_that_closes_sends_its_pods_away_though_nobody_waits() -> None:
    assert in_a_zone(19.0, [(0, 0.0, 8000.0)]).evictions == [(3600.0, "default/job-0000000")]


def test_a_zone_that_opens_takes_those_who_wait_for_it() -> None:
    assert placed(in_a_zone(7.0, [(0, 0.0, 100.0)])) == [(3600.0, "0", "a")]


def test_two_jobs_of_one_priority_do_not_evict_each_other_for_ever() -> None:
    """tdm lets work preempt what may be preempted, and nothing else."""
    policy = by_queue("predicates", "proportion", "nodeorder", ZONES, actions=EVERY_ACTION)
    template = in_default(THREE)
    snapshot = cluster(node("a"), queues=DEFAULT)
    found = run(scenario(snapshot, workload(template, [(0, 0.0, 50.0), (0, 10.0, 50.0)]), policy, until=500.0))
    assert found.evictions == []


# Numbers.


def test_second_0_may_be_the_beginning_of_the_epoch() -> None:
    """That was a Thursday."""
    rows = [(0, 0.0, 7200.0), (0, 7200.0, 1.0)]
    rush = run(scenario(cluster(node("a")), workload([ONE], rows, epoch=0.0))).run.rush
    assert [day for day, row in enumerate(rush) if any(value is not None for value in row)] == [3]


def test_a_share_of_a_gpu_goes_back_where_it_came_from() -> None:
    """Two shares on one GPU, one ends: the next takes its place and no other's."""
    snapshot = cluster(node("a", gpus=2))
    shares = [pod("t", devices=DeviceRequest(1, milli)) for milli in (700, 300, 650)]
    found = run(scenario(snapshot, workload(shares, [(0, 0.0, 50.0), (1, 0.0, 99.0), (2, 10.0, 99.0), (0, 20.0, 9.0)])))
    assert [(each.time, each.devices) for each in found.decisions] == [
        (0.0, (0,)),
        (0.0, (0,)),
        (10.0, (1,)),
        (50.0, (0,)),
    ]
