"""What each policy does on markets that are easy to follow."""

from __future__ import annotations

import numpy as np
import pytest
from made_markets import HOUR, zone
from plain_runs import plain_cost

from yuheng.errors import InputError
from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob
from yuheng.placement.deadline import check, run

JOB = DeadlineJob(4 * HOUR, 6 * HOUR, 600.0)
ONLINE = [name for name in DEADLINE_POLICIES if name != "omniscient"]
ADAPTIVE = [name for name in ONLINE if name != "on-demand"]
HELD = {0: "-", 1: "s", 2: "o"}


def course(policy, bits, job=JOB, **changed):
    """What is held in each gap, as text."""
    return "".join(HELD[int(mode)] for mode in run(policy, job, [zone(bits, **changed)]).mode)


@pytest.mark.parametrize("policy", ADAPTIVE)
def test_with_spot_all_the_time_nothing_else_is_held(policy):
    outcome = run(policy, JOB, [zone("1")])
    assert outcome.cost == pytest.approx(4 + 1 / 6)
    assert (outcome.starts, outcome.on_demand) == (1, 0)


@pytest.mark.parametrize("policy", ONLINE)
def test_without_spot_the_job_costs_what_it_costs_on_demand(policy):
    outcome = run(policy, JOB, [zone("0")])
    # A policy that starts on-demand early, and waits later, pays for more than one start.
    assert outcome.cost == pytest.approx(3 * (4 + outcome.starts / 6))
    assert outcome.finish <= JOB.time


def test_greedy_waits_until_two_change_overs_are_left_and_stays_on_demand():
    # 2 h of slack; ten waits of 10 minutes leave 20 minutes, two change-overs; one more would leave less.
    assert course("greedy", "0" * 10 + "0" + "1" * 40) == "-" * 11 + "o" * 25


def test_uniform_progress_goes_on_demand_when_it_is_behind_and_returns_two_change_overs_ahead():
    told = course("uniform-progress", "1" * 6 + "0" * 40)
    assert told.startswith("ssssss-")
    assert "o" in told
    assert course("uniform-progress", "0" * 6 + "1" * 40) != course("greedy", "0" * 6 + "1" * 40)


def test_time_slices_are_greedy_each_for_itself():
    job = DeadlineJob(4 * HOUR, 8 * HOUR, 600.0)
    # Six slices of 80 minutes, each with 40 minutes of work: after two waits, a wait more would be too late.
    assert course("time-sliced", "0", job).startswith("---ooooo")
    assert course("time-sliced", "0", job).count("o-") >= 4


@pytest.mark.parametrize("policy", ADAPTIVE)
def test_capacity_that_flaps_is_not_chased_into_the_deadline(policy):
    outcome = run(policy, DeadlineJob(4 * HOUR, 4.5 * HOUR, 600.0), [zone("10")])
    assert outcome.finish <= 4.5 * HOUR


def test_ours_waits_where_spells_without_capacity_were_short():
    known = [zone("1110" * 200 + "1" * 3 + "0" + "1" * 100)]
    offset = 803 * 600.0
    assert run("yuheng", JOB, known, offset, history=offset).mode[0] == 0
    barren = [zone("0" * 803 + "1110" * 100)]
    assert run("yuheng", JOB, barren, offset - 600.0, history=offset).mode[0] != 1


def test_a_job_moves_to_the_zone_that_has_capacity_and_pays_for_it():
    here, there = zone("1" * 6 + "0", name="a", egress=0.5), zone("0" * 6 + "1" * 60, name="b")
    outcome = run("greedy", JOB, [here, there])
    assert (outcome.moves, outcome.egress) == (1, 0.5)
    assert outcome.cost == pytest.approx(0.5 + outcome.spot / HOUR)
    assert list(np.unique(outcome.zone)) == [0, 1]


def test_ours_does_not_leave_an_instance_that_works_for_one_at_the_same_price():
    outcome = run("yuheng", JOB, [zone("1", name="a"), zone("1", name="b")])
    assert (outcome.starts, outcome.moves) == (1, 0)


def test_ours_leaves_it_for_one_that_is_far_cheaper():
    outcome = run("yuheng", JOB, [zone("1", name="a", spot=2.0), zone("0" * 6 + "1" * 60, name="b", spot=0.2)])
    assert outcome.moves == 1
    assert outcome.cost < 4.0


@pytest.mark.parametrize("policy", ["on-demand", "greedy", "uniform-progress"])
@pytest.mark.parametrize("seed", range(6))
def test_the_rules_are_those_of_the_plain_oracle(policy, seed):
    random = np.random.default_rng(seed)
    spells = random.geometric(random.uniform(0.05, 0.6), 400)
    bits = np.repeat(np.arange(400) % 2, spells)
    gap = float(random.choice([195.0, 32.0, 600.0, 1000.0]))
    market = zone(bits, gap=gap)
    job = DeadlineJob(9 * HOUR, 9 * HOUR / random.uniform(0.5, 0.95), float(random.choice([0.0, 300.0, 720.0])))
    first = int(random.integers(0, len(bits)))
    assert run(policy, job, [market], first * gap).cost == pytest.approx(plain_cost(policy, job, market, first))


@pytest.mark.parametrize("policy", DEADLINE_POLICIES)
def test_a_deadline_nobody_can_keep_is_refused(policy):
    with pytest.raises(InputError, match=r"found a deadline after 14700 s, expected one after 15000 s or more"):
        run(policy, DeadlineJob(4 * HOUR, 14700.0, 600.0), [zone("1")])


@pytest.mark.parametrize("job", [DeadlineJob(0.0, 5.0, 0.0), DeadlineJob(1.0, float("inf"), 0.0)])
def test_work_and_times_have_to_make_sense(job):
    with pytest.raises(InputError):
        check(job)


def test_an_unknown_policy_is_refused():
    with pytest.raises(InputError, match="'lazy', expected one of on-demand, greedy"):
        run("lazy", JOB, [zone("1")])
