"""What is learned of spells, and what is safe."""

from __future__ import annotations

import pytest
from made_markets import HOUR, zone

from yuheng.model.deadline import DeadlineJob
from yuheng.placement.deadline import run
from yuheng.placement.deadline.arrays import IDLE, ON_DEMAND, SPOT, Job, fresh_beliefs
from yuheng.placement.deadline.follow import _allowed
from yuheng.placement.deadline.spells import age_of, expected_stay, observe
from yuheng.placement.deadline.windows import window

GAP = 600.0


def seen(*traces):
    """What is believed after these traces, and before them."""
    zones = [zone(bits, GAP, name=str(number)) for number, bits in enumerate(traces)]
    _, markets = window(DeadlineJob(GAP, 2 * GAP, 0.0), zones, len(traces[0]) * GAP, history=1e9)
    before, after = fresh_beliefs(len(zones)), fresh_beliefs(len(zones))
    for column in range(len(traces[0])):
        observe(after, markets, column, GAP)
    return before, after


def test_ends_of_spells_and_time_within_them_are_counted_by_age():
    before, after = seen("01" + "1" * 24 + "0")
    # The first spell's age is not known: it counts as middle-aged.
    ends, time = (after.ends - before.ends)[0], (after.time - before.time)[0]
    assert ends.tolist() == [[0, 0, 1], [0, 1, 0]]
    # A spell of 25 gaps is young for 3 of them (half an hour) and middle-aged for 15 (until 3 hours).
    assert (time / GAP).tolist() == [[3, 15, 7], [0, 1, 0]]
    assert (after.side[0], after.age[0]) == (1, 0.0)
    assert age_of(after, 0) == 0


def test_any_zone_has_capacity_while_one_of_them_has():
    before, after = seen("1100", "0011")
    assert (after.ends - before.ends)[2].sum() == 0
    assert (after.ends - before.ends)[:2].sum() == 2


def test_what_has_lasted_for_long_is_expected_to_last():
    _, after = seen("1" * 2, "1" * 2)
    after.age[0], after.age[1] = 0.0, 10 * HOUR
    assert expected_stay(after, 0) < expected_stay(after, 1)


def test_ours_waits_longer_for_capacity_that_used_to_come_back_soon():
    job, future = DeadlineJob(10 * HOUR, 13 * HOUR, 600.0), "0" * 100
    waits = []
    for past in (("1" * 40 + "0" * 2) * 20 + "1" * 40, ("1" * 2 + "0" * 40) * 20 + "1" * 2):
        offset = len(past) * GAP
        waits.append(int((run("yuheng", job, [zone(past + future, GAP)], offset, history=offset).mode == IDLE).sum()))
    assert waits[0] > waits[1]


@pytest.mark.parametrize(
    ("wish", "running", "slack", "rest", "safe"),
    [
        (ON_DEMAND, False, 100.0, 0.0, True),
        (IDLE, False, 700.0, 0.0, True),
        (IDLE, False, 699.0, 0.0, False),
        (SPOT, False, 200.0, 0.0, True),
        (SPOT, False, 199.0, 0.0, False),
        (SPOT, True, 100.0, 0.0, True),
        (SPOT, True, 99.0, 0.0, False),
        (SPOT, True, 140.0, 40.0, True),
        (SPOT, True, 139.0, 40.0, False),
    ],
)
def test_a_gap_is_safe_when_on_demand_can_be_started_after_it(wish, running, slack, rest, safe):
    job = Job(work=1e4, slack=1e3, change_over=100.0, gap=GAP, first=0, slices=1)
    assert _allowed(job, wish, running, slack, rest) == safe
