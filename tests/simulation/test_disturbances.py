"""What happens to nodes: in order, as often as was asked for, and each node by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.policy import Policy
from yuheng.model.scenario import Failures, Market, NodeChange, Scenario
from yuheng.readers.traces import read_availability
from yuheng.simulation.disturbances import Disturbance, disturbances, initially_absent

DAY = 86400.0


def node(name: str, **labels: str) -> Node:
    return Node(name=name, allocatable={}, labels=labels)


NODES = (node("a"), node("b", market="spot"), node("c", market="spot", zone="1"), node("d"))


def scenario(**what: Any) -> Scenario:
    return Scenario(name="example", snapshot=Snapshot(), policies=(Policy(),), **what)


def market(available: Sequence[int], gap: float = 10.0, **rest: Any) -> Market:
    rest = {"name": "spot", "labels": {"market": "spot"}, **rest}
    return Market(gap=gap, available=np.array(available, dtype=np.bool_), **rest)


def until(
    end: float, seed: int = 1, nodes: Sequence[Node] = NODES, **what: Any
) -> list[tuple[float, str, tuple[int, ...]]]:
    found = disturbances(scenario(**what), nodes, seed)
    return [tuple(one) for one in itertools.takewhile(lambda one: one.time < end, found)]


def test_where_nothing_is_said_nothing_happens() -> None:
    assert list(disturbances(scenario(), NODES, 1)) == []


# Changes


def test_changes_come_at_their_times() -> None:
    changes = (
        NodeChange(50.0, "drain", ("d", "a")),
        NodeChange(5.0, "fail", ("c",)),
        NodeChange(5.0, "remove", ("a",)),
    )
    assert until(math.inf, changes=changes) == [(5.0, "fail", (2,)), (5.0, "remove", (0,)), (50.0, "drain", (3, 0))]


def test_nodes_that_are_added_first_are_not_there_before() -> None:
    changes = (
        NodeChange(9.0, "add", ("d", "b")),
        NodeChange(3.0, "remove", ("d",)),
        NodeChange(1.0, "add", ("c",)),
        NodeChange(2.0, "remove", ("c",)),
        NodeChange(9.0, "fail", ("b",)),
    )
    assert initially_absent(scenario(changes=changes), NODES) == (1, 2)
    assert initially_absent(scenario(), NODES) == ()


def test_a_change_of_an_unknown_node() -> None:
    with pytest.raises(InputError, match="the change at 5 s: nodes: found 'z', expected the name of a node"):
        until(math.inf, changes=(NodeChange(5.0, "fail", ("a", "z")),))


# Markets


@pytest.mark.parametrize(
    ("trace", "offset", "expected"),
    [
        ([1, 1, 0, 1], 0.0, [(20, "reclaim"), (30, "restore"), (60, "reclaim"), (70, "restore")]),
        ([0, 1, 1, 0], 0.0, [(0, "reclaim"), (10, "restore"), (30, "reclaim"), (50, "restore"), (70, "reclaim")]),
        ([1, 1, 0, 1], 20.0, [(0, "reclaim"), (10, "restore"), (40, "reclaim"), (50, "restore")]),
        ([1, 1, 0, 1], 15.0, [(5, "reclaim"), (15, "restore"), (45, "reclaim"), (55, "restore")]),
        ([1, 1, 0, 1], 55.0, [(5, "reclaim"), (15, "restore"), (45, "reclaim"), (55, "restore")]),
        ([0, 0], 3.0, [(0, "reclaim")]),
        ([1], 0.0, []),
    ],
)
def test_a_market_goes_and_comes_back_and_starts_anew(
    trace: list[int], offset: float, expected: list[tuple[float, str]]
) -> None:
    found = until(75.0, markets=(market(trace, offset=offset),))
    assert [(time, kind) for time, kind, _ in found] == expected
    assert all(nodes == (1, 2) for _, _, nodes in found)


def test_a_market_speaks_of_nodes_with_all_its_labels() -> None:
    (first, *_) = until(5.0, markets=(market([0, 1], labels={"market": "spot", "zone": "1"}),))
    assert first == (0.0, "reclaim", (2,))
    nobody = scenario(markets=(market([0, 1], labels={"market": "none"}),))
    assert list(disturbances(nobody, NODES, 1)) == []


def test_a_drawn_offset_depends_on_the_seed_and_the_market_alone() -> None:
    trace = [1] * 50 + [0] * 50
    drawn = market(trace, offset=None)
    unused = market([0, 1], name="unused", labels={"market": "none"})
    firsts = [until(2000.0, seed=seed, markets=(drawn,))[0] for seed in range(200)]
    assert firsts == [until(2000.0, seed=seed, markets=(unused, drawn))[0] for seed in range(200)]
    gone = sum(first[:2] == (0.0, "reclaim") for first in firsts) / 200
    assert gone == pytest.approx(0.5, abs=0.15)
    assert len({until(2000.0, seed=seed, markets=(drawn,))[-1][0] for seed in range(20)}) == 20


@given(
    st.lists(st.booleans(), min_size=1, max_size=12),
    st.floats(-50, 50),
    st.floats(0.5, 20),
    st.lists(st.floats(0, 100), min_size=1, max_size=5),
)
def test_at_any_time_a_market_is_what_its_trace_says(
    trace: list[bool], offset: float, gap: float, times: list[float]
) -> None:
    happened = scenario(markets=(market(trace, gap, offset=offset),))
    for time in times:
        place = (time + offset % (gap * len(trace))) / gap
        if abs(place - round(place)) < 1e-6:
            continue
        before = itertools.takewhile(lambda one, end=time: one.time <= end, disturbances(happened, NODES, 1))
        last = [one.kind for one in before][-1:]
        assert (last != ["reclaim"]) == trace[math.floor(place) % len(trace)]


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["us-east-2a", "us-west-2b"])
def test_the_traces_of_real_markets(shared: Path, name: str) -> None:
    trace = read_availability(shared / f"data/spot/availability/aws-2023-02-15-{name}_v100_1.json")
    real = Market(name=name, labels={"market": "spot"}, gap=trace.gap, available=trace.available)
    length = trace.gap * len(trace.available)
    there, since, available = 0.0, 0.0, True
    for time, kind, _ in until(length, markets=(real,)):
        there += (time - since) * available
        since, available = time, kind == "restore"
    there += (length - since) * available
    assert there == pytest.approx(trace.gap * np.count_nonzero(trace.available))


# Failures


def times_of(found: list[tuple[float, str, tuple[int, ...]]], n: int) -> list[float]:
    return [time for time, _, nodes in found if nodes == (n,)]


def test_nodes_fail_and_are_repaired_in_turn() -> None:
    found = until(300 * DAY, failures=(Failures(mtbf=10 * DAY, mttr=DAY),))
    for n in range(4):
        kinds = [kind for _, kind, nodes in found if nodes == (n,)]
        assert len(kinds) > 10
        assert kinds == ["fail", "recover"] * (len(kinds) // 2) + ["fail"] * (len(kinds) % 2)


def test_means_between_and_of_failures_and_how_long_nodes_are_there() -> None:
    nodes = [node(f"n-{n}") for n in range(100)]
    found = until(1000 * DAY, nodes=nodes, failures=(Failures(mtbf=8 * DAY, mttr=2 * DAY),))
    works, lasts, there = [], [], []
    for n in range(100):
        times = np.array([0.0, *times_of(found, n)])
        steps = np.diff(times)
        works += steps[0::2].tolist()
        lasts += steps[1::2].tolist()
        open_end = 1000 * DAY - times[-1] if len(times) % 2 else 0.0
        there.append((steps[0::2].sum() + open_end) / (1000 * DAY))
    assert len(works) > 9000
    assert np.mean(works) == pytest.approx(8 * DAY, rel=0.04)
    assert np.mean(lasts) == pytest.approx(2 * DAY, rel=0.04)
    assert np.std(works) == pytest.approx(8 * DAY, rel=0.06)
    assert np.mean(there) == pytest.approx(0.8, abs=0.01)


def test_a_node_more_changes_nothing_for_the_others() -> None:
    failing = (Failures(mtbf=DAY, mttr=3600.0),)
    before, after = (until(30 * DAY, nodes=nodes, failures=failing) for nodes in (NODES, (node("0"), *NODES)))
    assert all(times_of(before, n) == times_of(after, n + 1) for n in range(4))
    assert times_of(before, 0) != times_of(before, 1)


def test_failures_speak_of_nodes_with_all_their_labels() -> None:
    found = until(30 * DAY, failures=(Failures(labels={"market": "spot"}, mtbf=DAY, mttr=3600.0),))
    assert {nodes for _, _, nodes in found} == {(1,), (2,)}


def test_two_kinds_of_failures_of_a_node_are_independent() -> None:
    """A node can fail anew while it is away already: whoever listens counts."""
    one = Failures(mtbf=DAY, mttr=DAY)
    alone, both = (until(100 * DAY, nodes=NODES[:1], failures=those) for those in ((one,), (one, one)))
    assert set(alone) < set(both)
    assert any(first[1] == second[1] == "fail" for first, second in itertools.pairwise(both))


def test_who_never_fails_and_who_never_comes_back() -> None:
    assert list(disturbances(scenario(failures=(Failures(mtbf=math.inf, mttr=1.0),)), NODES, 1)) == []
    found = list(disturbances(scenario(failures=(Failures(mtbf=DAY, mttr=math.inf),)), NODES, 1))
    assert [one.kind for one in found] == ["fail"] * 4


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"failures": (Failures(mtbf=0.0, mttr=1.0),)},
            "failures: found mtbf 0 s and mttr 1 s, expected an mtbf above 0",
        ),
        ({"failures": (Failures(mtbf=1.0, mttr=-1.0),)}, "failures: found mtbf 1 s and mttr -1 s"),
        ({"markets": (market([]),)}, "market spot: found 0 elements of 10 s, expected one element at least"),
        ({"markets": (market([1], 0.0),)}, "market spot: found 1 elements of 0 s"),
    ],
)
def test_times_that_cannot_be_used(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        until(1.0, **wrong)
    assert str(caught.value).startswith(message)


# Together


ALL: dict[str, Any] = {
    "changes": (NodeChange(0.0, "drain", ("a",)), NodeChange(DAY, "uncordon", ("a",))),
    "markets": (market([0, 1, 1], 7200.0), market([0, 1, 0], 7200.0, name="other", labels={})),
    "failures": (Failures(mtbf=DAY, mttr=3600.0),),
}


def test_everything_comes_in_the_order_of_time() -> None:
    found = until(20 * DAY, **ALL)
    times = [time for time, _, _ in found]
    assert times == sorted(times)
    assert {kind for _, kind, _ in found} == {"drain", "uncordon", "reclaim", "restore", "fail", "recover"}


def test_at_one_time_changes_come_before_markets_and_these_in_the_order_they_were_written() -> None:
    first = until(1.0, **ALL)
    assert first == [(0.0, "drain", (0,)), (0.0, "reclaim", (1, 2)), (0.0, "reclaim", (0, 1, 2, 3))]
    at_a_day = [one[1:] for one in until(2 * DAY, **ALL) if one[0] == DAY]
    assert at_a_day == [("uncordon", (0,)), ("reclaim", (1, 2))]


def test_at_one_time_changes_and_markets_come_before_failures() -> None:
    failures = (Failures(labels={"market": "spot"}, mtbf=DAY, mttr=math.inf),)
    time, kind, failed = next(disturbances(scenario(failures=failures), NODES, 1))
    changes = (NodeChange(0.0, "drain", ("a",)), NodeChange(time, "drain", ("d",)))
    found = until(time + 1, failures=failures, changes=changes, markets=(market([1, 0], time),))
    assert found == [(0.0, "drain", (0,)), (time, "drain", (3,)), (time, "reclaim", (1, 2)), (time, kind, failed)]


def test_the_seed_decides() -> None:
    assert until(20 * DAY, seed=5, **ALL) == until(20 * DAY, seed=5, **ALL)
    assert until(20 * DAY, seed=5, **ALL) != until(20 * DAY, seed=6, **ALL)


def test_they_are_drawn_no_further_than_is_looked() -> None:
    endless = disturbances(scenario(**ALL), NODES, 1)
    assert isinstance(next(endless), Disturbance)
    assert len(list(itertools.islice(endless, 10_000))) == 10_000
