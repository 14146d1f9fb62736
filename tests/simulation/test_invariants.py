"""What holds of every simulation: work is conserved, nothing is over-full, nobody is in two places or too early."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scheduling.made_by_hand import cluster, node, pod
from tests.scheduling.searching import examples
from tests.simulation.made_runs import (
    EVERY_ACTION,
    INFINITE,
    Seen,
    Stay,
    by_queue,
    drawn,
    drawn_by_queue,
    pod_name,
    run,
    scenario,
    workload,
)

from yuheng.model.scenario import Scenario
from yuheng.simulation.record import Outcome

PLAIN = ("kubernetes", "binpack", "fgd", "random")
IN_QUEUES = (
    by_queue("drf", "predicates", "proportion", "nodeorder", actions=EVERY_ACTION),
    by_queue("drf", "predicates", "capacity", "nodeorder", actions=EVERY_ACTION),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """With queues and without, with rules about other pods and without."""
    rng = draw(st.randoms(use_true_random=False))
    if rng.randrange(2):
        return drawn_by_queue(rng, rng.choice(IN_QUEUES))
    return drawn(rng, rng.choice(PLAIN), peers=bool(rng.randrange(2)))


Check = Callable[[Scenario, Seen], None]


def jobs_are_finished_running_pending_or_refused(_: Scenario, seen: Seen) -> None:
    totals = seen.run.totals
    assert totals["jobs"] == sum(totals[name] for name in ("finished", "running", "pending", "refused"))
    submitted = [job for job in range(len(seen.population.submit)) if _is_new(seen, job)]
    assert totals["jobs"] == len(submitted)


def _is_new(seen: Seen, job: int) -> bool:
    return any(pod >= seen.population.kinds.residents for pod in seen.population.pods(job))


def a_pod_works_as_long_as_it_takes_and_what_was_lost_again(_: Scenario, seen: Seen) -> None:
    for mine in _by_pod(seen).values():
        worked = sum(stay.ended - stay.began for stay in mine if not math.isnan(stay.began))
        lost = sum(stay.lost for stay in mine)
        wanted = float(seen.population.duration[mine[0].pod])
        if mine[-1].outcome == Outcome.FINISHED:
            assert worked == pytest.approx(wanted + lost)
        else:
            assert worked <= wanted + lost + 1e-9
        assert all(stay.outcome not in (Outcome.FINISHED, Outcome.RUNNING) for stay in mine[:-1])


def work_begins_when_the_pod_has_started(what: Scenario, seen: Seen) -> None:
    for stay in seen.stays():
        delay = 0.0 if stay.pod < seen.population.kinds.residents and stay.bound == 0.0 else what.startup
        begins = stay.bound + delay
        # What ends in the moment in which it would begin may have begun or not.
        assert stay.began == begins or (math.isnan(stay.began) and stay.ended <= begins)


def nobody_is_in_two_places_or_there_before_its_time(_: Scenario, seen: Seen) -> None:
    for mine in _by_pod(seen).values():
        assert mine[0].bound >= seen.population.submit[seen.population.job_of[mine[0].pod]]
        assert all(stay.bound <= stay.ended for stay in mine)
        assert all(before.ended <= after.bound for before, after in pairwise(mine))


def nothing_is_over_full_at_any_time(_: Scenario, seen: Seen) -> None:
    for there in _moments(seen):
        held: Counter[tuple[int, str]] = Counter()
        devices: Counter[tuple[int, int]] = Counter()
        for stay, indices in there:
            spec = seen.population.kinds.models[_model(seen, stay.pod)].spec
            for name, amount in {**spec.requests, "pods": 1}.items():
                held[stay.node, name] += amount
            milli = spec.devices.milli if spec.devices.is_share() else 1000
            devices.update({(stay.node, d): milli for d in indices})
            assert len(indices) == spec.devices.count
        for (n, name), amount in held.items():
            assert amount <= seen.happened.nodes[n].allocatable.get(name, 0), (n, name)
        for (n, d), milli in devices.items():
            assert milli <= 1000
            assert d < seen.happened.nodes[n].devices.count


def nobody_is_on_a_node_that_is_away_or_closed(what: Scenario, seen: Seen) -> None:
    for n, made in enumerate(seen.happened.nodes):
        for since, until in _shut(what, made.name):
            for stay in seen.stays():
                if stay.node == n:
                    assert stay.ended <= since or stay.bound >= until, (made.name, since, until, stay)


def gangs_are_whole_or_absent(_: Scenario, seen: Seen) -> None:
    population = seen.population
    ends = {stay.pod: stay.ended for stay in seen.stays() if stay.outcome == Outcome.FINISHED}
    for time, there in zip(_between(seen), _moments(seen), strict=True):
        running = Counter(int(population.job_of[stay.pod]) for stay, _ in there)
        for job, count in running.items():
            done = sum(ends.get(pod, INFINITE) <= time for pod in population.pods(job))
            assert count + done >= population.minimum[job], (time, population.name(job))


CHECKS = (
    jobs_are_finished_running_pending_or_refused,
    a_pod_works_as_long_as_it_takes_and_what_was_lost_again,
    work_begins_when_the_pod_has_started,
    nobody_is_in_two_places_or_there_before_its_time,
    nothing_is_over_full_at_any_time,
    nobody_is_on_a_node_that_is_away_or_closed,
    gangs_are_whole_or_absent,
)


@examples(40)
@given(what=scenarios())
def test_every_simulation(what: Scenario) -> None:
    seen = run(what)
    for check in CHECKS:
        check(what, seen)


@examples(6)
@given(what=scenarios())
def test_the_same_seed_gives_the_same_run_twice(what: Scenario) -> None:
    first, second = run(what), run(what)
    assert (first.run, first.decisions) == (second.run, second.decisions)


# Replaying.


def _by_pod(seen: Seen) -> dict[int, list[Stay]]:
    found: dict[int, list[Stay]] = {}
    for stay in seen.stays():
        found.setdefault(stay.pod, []).append(stay)
    return found


def _model(seen: Seen, pod: int) -> int:
    kind = int(seen.population.kinds.kind[pod])
    return pod if kind < 0 else kind


def _with_devices(seen: Seen) -> list[tuple[Stay, tuple[int, ...]]]:
    """Every stay with the GPUs it holds: stays that a cycle began are in the order of its decisions."""
    residents = seen.population.kinds.residents
    stays = seen.stays()
    for stay, decision in zip(stays[residents:], seen.decisions, strict=True):
        assert (stay.bound, pod_name(seen.population, stay.pod)) == decision[:2]
        assert seen.happened.nodes[stay.node].name == decision.node
    devices = [seen.population.kinds.models[stay.pod].device_indices for stay in stays[:residents]]
    return list(zip(stays, [*devices, *(decision.devices for decision in seen.decisions)], strict=True))


def _between(seen: Seen) -> list[float]:
    """The moments in the middle between any two times at which anything happened."""
    times = sorted({time for stay in seen.stays() for time in (stay.bound, stay.ended)})
    return [(before + after) / 2 for before, after in pairwise(times)]


def _moments(seen: Seen) -> Iterator[list[tuple[Stay, tuple[int, ...]]]]:
    """Who was where in each of these moments."""
    stays = _with_devices(seen)
    for time in _between(seen):
        yield [each for each in stays if each[0].bound < time < each[0].ended]


def _shut(what: Scenario, name: str) -> Iterator[tuple[float, float]]:
    """From when to when a node was away or closed, cause by cause."""
    changes = [each for each in sorted(what.changes, key=lambda each: each.time) if name in each.nodes]
    for shuts, opens in (("remove", "add"), ("fail", "recover"), ("drain", "uncordon")):
        mine = [each for each in changes if each.kind in (shuts, opens)]
        if mine and shuts == "remove" and changes[0].kind == "add":
            yield 0.0, mine[0].time
        for i, each in enumerate(mine):
            if each.kind == shuts:
                yield each.time, next((later.time for later in mine[i:] if later.kind == opens), INFINITE)


# Queueing theory.


def waiting_line(jobs: int, servers: int, load: float, seed: int) -> Seen:
    """Jobs that arrive at random and work for a time drawn from an exponential distribution, one on each core."""
    random = np.random.Generator(np.random.PCG64(seed))
    submit = np.cumsum(random.exponential(1.0 / (load * servers), jobs))
    lasts = random.exponential(1.0, jobs)
    work = workload([pod("t", requests={"cpu": 1000})], [(0, *row) for row in zip(submit, lasts, strict=True)])
    nodes = [node(f"n{i}", cpu=2000) for i in range(servers // 2)]
    return run(scenario(cluster(*nodes), work, sample=1.0))


@pytest.fixture(scope="module")
def line() -> Seen:
    return waiting_line(40_000, 4, 0.8, 3)


def erlang_c(servers: int, load: float) -> float:
    """The mean wait in services, of jobs that come one by one to so many servers."""
    offered = load * servers
    below = sum(offered**k / math.factorial(k) for k in range(servers))
    above = offered**servers / math.factorial(servers) / (1 - load)
    return above / (below + above) / (servers * (1 - load))


def test_the_mean_wait_is_that_of_erlangs_formula(line: Seen) -> None:
    assert line.run.totals["pending_seconds_mean"] == pytest.approx(erlang_c(4, 0.8), rel=0.1)


@pytest.mark.parametrize(
    ("present", "spent"),
    [("pending_jobs", "pending_seconds_mean"), ("running_pods", "running"), (None, "completion_seconds_mean")],
)
def test_littles_law(line: Seen, present: str | None, spent: str) -> None:
    """As many are there on average as arrive in the time that one of them is there."""
    totals, series = line.run.totals, line.run.series
    times = {**totals, "running": totals["completion_seconds_mean"] - totals["pending_seconds_mean"]}
    names = [present] if present else ["pending_jobs", "running_pods"]
    there = sum(sum(point[name] for point in series) / len(series) for name in names)
    rate = totals["jobs"] / line.happened.end
    assert there == pytest.approx(rate * times[spent], rel=0.03)


def test_busy_time_is_the_sum_of_runtimes(line: Seen) -> None:
    held = line.run.totals["allocated_cpu_percent"] / 100 * 4 * line.happened.end
    assert held == pytest.approx(float(line.population.duration.sum()))
