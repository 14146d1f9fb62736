"""The cluster as a record tells of it, and another policy that is asked in it, counted by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from tests.kubernetes.made_records import NOON, written

from yuheng.errors import InputError
from yuheng.kubernetes.recording import Limits, Turn, compare, compare_at, parts
from yuheng.kubernetes.recording import replaying as module
from yuheng.kubernetes.recording.state import Plain
from yuheng.model.batch import VOLCANO_DEFAULT
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.live import Asked, Came, Change, Closed, Decisions, Guarded, Lacking, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.presets import preset

OFFERS = {"cpu": 2000, "memory": 8 << 30, "ephemeral-storage": 100, "pods": 9, "example.com/gpu": 2}
NODES = (
    Node(name="a", allocatable=OFFERS),
    Node(name="b", allocatable={**OFFERS, "example.com/none": 0, "example.com/one": 1}),
)
RUNS = Pod(
    name="runs", node="a", spec=PodSpec(requests={"cpu": 1000, "memory": 2 << 30, "pods": 1, "example.com/gpu": 1})
)
WAITS = Pod(name="waits", spec=PodSpec(requests={"cpu": 1000, "ephemeral-storage": 5}))
STATE = Snapshot(nodes=NODES, pods=(RUNS, WAITS), namespaces={"default": {}})
EMPTY = {"cpu": 0.0, "example.com/gpu": 0.0, "example.com/one": 0.0, "memory": 0.0}
BUDGET = PodDisruptionBudget("some", "default", LabelSelector(), 1)


def on(pod: Pod, node: str) -> Pod:
    return msgspec.structs.replace(pod, node=node)


def placed(*pairs: tuple[str, str]) -> Decisions:
    return Decisions(tuple(Placement(f"default/{pod}", node) for pod, node in pairs))


def turn(number: int, told: list[object], pods: list[Pod], outcome: Decisions | str) -> Turn:
    return Turn(number, told, pods, Asked(NOON + number), outcome)


@pytest.fixture
def plain() -> Plain:
    found = Plain()
    found.take([Renewed(STATE)])
    return found


def test_a_state_is_what_runs_in_it_and_what_that_requests(plain: Plain):
    assert plain.running == {"default/runs": RUNS}
    assert plain.nodes_used(()) == 1
    # Nobody wonders what share of pods and of scratch space is requested, nor of what there is none of.
    assert plain.requested(()) == {**EMPTY, "cpu": 0.25, "example.com/gpu": 0.25, "memory": 0.125}


def test_what_is_placed_counts_on_top(plain: Plain):
    assert plain.nodes_used([on(WAITS, "a")]) == 1
    assert plain.nodes_used([on(WAITS, "b")]) == 2
    assert plain.requested([on(WAITS, "b"), on(WAITS, "b")])["cpu"] == 0.75
    assert plain.nodes_used(()) == 1


def test_a_pod_that_comes_again_is_where_it_is_by_then(plain: Plain):
    plain.take([Came(on(RUNS, "b"))])
    assert plain.running == {"default/runs": on(RUNS, "b")}
    assert (plain.nodes_used(()), plain.requested(())["cpu"]) == (1, 0.25)
    assert plain.nodes_used([on(WAITS, "a")]) == 2


def test_a_pod_on_a_node_that_nobody_knows_is_nowhere(plain: Plain):
    plain.take([Came(on(WAITS, "gone"))])
    assert list(plain.running) == ["default/runs"]


def test_a_pod_that_went_leaves_nothing(plain: Plain):
    plain.take([Went("default/runs"), Went("default/nobody"), Went("default/runs")])
    assert (plain.running, plain.nodes_used(()), plain.requested(())) == ({}, 0, EMPTY)


def test_closed_nodes_add_up_until_the_state_is_told(plain: Plain):
    plain.take([Closed(("b",)), Closed(("a",))])
    assert plain.closed == {"a", "b"}
    plain.take([Renewed(STATE)])
    assert plain.closed == set()
    assert (plain.nodes_used(()), plain.requested(())["cpu"]) == (1, 0.25)


def test_a_closed_node_is_a_cordoned_one_to_who_is_told_of_states_only(plain: Plain):
    plain.take([Closed(("b",))])
    assert [node.unschedulable for node in plain.cordoned([WAITS]).nodes] == [False, True]
    assert plain.cordoned([WAITS]).pods == (RUNS, WAITS)
    assert not any(node.unschedulable for node in plain.snapshot([WAITS]).nodes)


def test_budgets_are_those_told_last(plain: Plain):
    plain.take([Guarded((BUDGET,))])
    assert plain.snapshot(()).budgets == (BUDGET,)
    assert plain.snapshot(()).nodes == NODES


def test_a_state_has_each_pod_once_by_namespace_and_name(plain: Plain):
    others = [Pod(name="z", namespace="an"), Pod(name="a", namespace="zoo"), msgspec.structs.replace(RUNS, node=None)]
    found = plain.snapshot([WAITS, *others])
    assert [pod.key for pod in found.pods] == ["an/z", "default/runs", "default/waits", "zoo/a"]
    assert found.pods[1] == RUNS


def test_pods_of_the_state_are_asked_about_in_the_turn_that_tells_it(plain: Plain):
    asked = msgspec.structs.replace(WAITS, priority=7)
    assert plain.asked(turn(1, [Renewed(STATE)], [], Decisions())) == {"default/waits": WAITS}
    assert plain.asked(turn(1, [Renewed(STATE)], [asked], Decisions())) == {"default/waits": asked}
    assert plain.asked(turn(2, [], [], Decisions())) == {}
    assert plain.asked(turn(2, [], [asked], Decisions())) == {"default/waits": asked}


def test_what_was_decided_is_there_from_then_on(plain: Plain):
    plain.follow(turn(1, [Renewed(STATE)], [], placed(("waits", "b"), ("nobody", "a"))))
    assert plain.running["default/waits"] == on(WAITS, "b")
    assert list(plain.running) == ["default/runs", "default/waits"]
    assert (plain.nodes_used(()), plain.requested(())["cpu"]) == (2, 0.5)
    plain.follow(turn(2, [], [Pod(name="x")], "it could not be read"))
    assert list(plain.running) == ["default/runs", "default/waits"]


# Two nodes; the policy that packs puts pods beside the one that runs, the record spreads them.
PODS = [Pod(name=f"p{i}", created=float(i), spec=PodSpec(requests={"cpu": 500})) for i in range(3)]
BEGINS = Renewed(Snapshot(nodes=NODES, pods=(RUNS,), namespaces={"default": {}}))
SPREAD = [
    turn(1, [BEGINS], PODS[:1], placed(("p0", "b"))),
    turn(2, [], PODS[1:2], placed(("p1", "a"))),
    turn(3, [Went("default/p1")], [], Decisions()),
    turn(4, [], PODS[2:], placed(("p2", "b"))),
]


def test_each_turn_starts_from_the_record_and_is_counted(tmp_path: Path):
    written(tmp_path, SPREAD)
    done: list[int] = []
    found = compare(parts(tmp_path), preset("binpack"), done.append)
    assert done == [1, 2, 3, 4]
    assert (found.recorded, found.other) == ("kubernetes", "binpack")
    assert (found.same, found.elsewhere, found.only_recorded, found.only_other) == (1, 2, 0, 0)
    assert (found.differing, found.covered.turns) == (2, 4)
    assert [(one.turn, one.subject, one.recorded, one.found) for one in found.differences] == [
        (1, "default/p0", "on b", "on a"),
        (4, "default/p2", "on b", "on a"),
    ]
    # Of the three turns in which pods had theirs: it would have left b empty in the first.
    assert found.sums_recorded.nodes == 2
    assert found.sums_other.nodes == pytest.approx((1 + 2 + 2) / 3)
    assert found.sums_recorded.requested["cpu"] == pytest.approx((1500 + 2000 + 2000) / 4000 / 3)
    assert found.sums_other.requested == found.sums_recorded.requested
    assert found.sums_recorded.placed == found.sums_other.placed == 3


def test_one_turn_is_counted_alone(tmp_path: Path):
    written(tmp_path, SPREAD, limits=Limits(1 << 20, 1 << 22))
    found = compare_at(tmp_path, NOON + 2.5, preset("binpack"))
    covered = found.covered
    assert (covered.parts, covered.turns, covered.pods, covered.first, covered.last) == (1, 1, 1, NOON + 2, NOON + 2)
    assert len(covered.versions) == 1
    assert (found.recorded, found.other, found.same, found.elsewhere) == ("kubernetes", "binpack", 1, 0)
    assert found.sums_recorded.nodes == 2


def test_who_is_placed_in_the_record_only_is_counted_on_its_side(tmp_path: Path):
    tall = Pod(name="tall", spec=PodSpec(requests={"cpu": 9000}))
    written(tmp_path, [turn(1, [BEGINS], [tall, PODS[0]], placed(("tall", "a"), ("p0", "a")))])
    found = compare(parts(tmp_path), preset("kubernetes"))
    assert (found.same, found.elsewhere, found.only_recorded, found.only_other) == (1, 0, 1, 0)
    assert (found.sums_recorded.placed, found.sums_other.placed) == (2, 1)
    assert found.differences[0].found.startswith("pending: ")


def lacking(*names: str) -> Decisions:
    return Decisions(lacking=tuple(Lacking(f"default/{name}", "no") for name in names))


def test_who_waits_is_counted_once_until_it_is_placed_or_gone(tmp_path: Path):
    one = PODS[0]
    written(
        tmp_path,
        [
            turn(1, [BEGINS], [one], lacking("p0")),
            turn(2, [], [one], lacking("p0")),
            # The record places it; it is deleted, and made again under its name.
            turn(3, [], [one], placed(("p0", "a"))),
            turn(4, [Went("default/p0")], [one], lacking("p0")),
            # The whole state is told, and it still waits: or not, and waits again.
            turn(5, [BEGINS], [one], lacking("p0")),
            turn(6, [BEGINS], [], Decisions()),
            turn(7, [], [one], lacking("p0")),
        ],
    )
    found = compare(parts(tmp_path), preset("kubernetes"))
    assert (found.same, found.elsewhere, found.only_other) == (1, 0, 3)
    assert (found.sums_recorded.placed, found.sums_other.placed) == (1, 4)
    assert found.differing == 5


def test_pods_have_their_turn_in_the_order_of_the_other_policy_s_engine(tmp_path: Path):
    """By priority, then by age, then by name: whatever the order that the record asks in."""
    node = Node(name="a", allocatable={"cpu": 1000, "pods": 9})
    state = Renewed(Snapshot(nodes=(node,), namespaces={"default": {}, "b": {}}))
    spec = PodSpec(requests={"cpu": 600})
    first = Pod(name="late", spec=spec, priority=5, created=9.0)
    old, young = Pod(name="z", spec=spec, created=1.0), Pod(name="y", spec=spec, created=2.0)
    twin = Pod(name="x", namespace="b", spec=spec, created=2.0)
    for number, (pods, expected) in enumerate([([old, first], "late"), ([young, old], "z"), ([young, twin], "x")]):
        written(tmp_path / str(number), [turn(1, [state], pods, Decisions())])
        found = compare(parts(tmp_path / str(number)), preset("kubernetes"))
        on_nodes = [one.subject.partition("/")[2] for one in found.differences if one.found.startswith("on ")]
        assert on_nodes == [expected]
        assert found.only_other == 1


def test_turns_whose_state_cannot_be_read_place_nothing(tmp_path: Path):
    lost = Renewed(Snapshot(pods=(Pod(name="x", node="gone"),)))
    written(
        tmp_path,
        [
            turn(1, [BEGINS], PODS[:1], placed(("p0", "b"))),
            turn(2, [lost], PODS[1:2], "it could not be read"),
            turn(3, [BEGINS], PODS[2:], placed(("p2", "a"))),
            turn(4, [], PODS[1:2], placed(("p1", "b"))),
        ],
    )
    found = compare(parts(tmp_path), preset("binpack"))
    assert (found.same, found.elsewhere, found.only_recorded, found.only_other) == (1, 2, 0, 0)
    assert (found.covered.turns, found.differing) == (4, 2)


def test_a_policy_with_queues_is_told_what_runs_by_then(tmp_path: Path):
    """Every node is full but for what the record freed before the turn."""
    full = Pod(name="full", node="b", spec=PodSpec(requests={"cpu": 2000}))
    state = Renewed(Snapshot(nodes=NODES, pods=(on(full, "b"), msgspec.structs.replace(full, name="too", node="a"))))
    volcano = msgspec.structs.replace(preset("kubernetes"), name="volcano", batch=VOLCANO_DEFAULT)
    told = [
        turn(1, [state], PODS[:1], lacking("p0")),
        turn(2, [Went("default/full")], PODS[:1], placed(("p0", "b"))),
        turn(3, [Went("default/p0"), Closed(("b",))], PODS[1:2], lacking("p1")),
    ]
    written(tmp_path, told)
    found = compare(parts(tmp_path), volcano)
    assert (found.recorded, found.other) == ("kubernetes", "volcano")
    assert (found.same, found.elsewhere, found.only_recorded, found.only_other) == (1, 0, 0, 0)


def test_where_queues_decided_another_policy_is_asked_about_all_that_waited(tmp_path: Path):
    """The engine was given the first of them; it looked at the state."""
    gated = msgspec.structs.replace(WAITS, name="gated", spec=PodSpec(requests={"cpu": 1}, gates=("later",)))
    state = Renewed(msgspec.structs.replace(STATE, pods=(gated, *PODS)))
    volcano = msgspec.structs.replace(preset("kubernetes"), name="volcano", batch=VOLCANO_DEFAULT)
    outcome = Decider(volcano).turn([state], PODS[:1], Asked(NOON))
    assert len(outcome.placements) == 3
    written(tmp_path, [turn(1, [state], PODS[:1], outcome)], volcano)
    found = compare(parts(tmp_path), preset("firstfit"))
    assert (found.recorded, found.other, found.same + found.elsewhere) == ("volcano", "firstfit", 3)
    assert (found.only_recorded, found.only_other) == (0, 0)


def test_a_state_that_only_the_other_policy_cannot_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise InputError("a queue", "none", source="the state")

    written(tmp_path, SPREAD[:2])
    monkeypatch.setattr(Decider, "decide", refuse)
    found = compare(parts(tmp_path), preset("binpack"))
    assert (found.only_recorded, found.differing) == (2, 2)
    assert [(one.subject, one.recorded, one.found) for one in found.differences[:2]] == [
        ("the turn", "nothing", "the state could not be read: the state: found a queue, expected none"),
        ("default/p0", "on b", "nothing"),
    ]


def test_a_policy_that_could_not_read_a_state_is_told_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two nodes, then the first is full; who missed that would choose it."""
    full = Pod(name="full", node="a", spec=PodSpec(requests={"cpu": 2000}))
    then = Renewed(Snapshot(nodes=NODES, pods=(full,), namespaces={"default": {}}))
    written(
        tmp_path,
        [
            turn(1, [BEGINS], [], Decisions()),
            turn(2, [then], PODS[:1], placed(("p0", "b"))),
            turn(3, [], PODS[1:2], placed(("p1", "b"))),
        ],
    )
    real, failed = Decider.take, []

    def take(decider: Decider, told: Iterable[Change]) -> None:
        changes = list(told)
        if then in changes and not failed:
            failed.append(True)
            raise InputError("a queue", "none", source="the state")
        real(decider, changes)

    monkeypatch.setattr(Decider, "take", take)
    found = compare(parts(tmp_path), preset("firstfit"))
    assert (found.same, found.elsewhere, found.only_recorded) == (1, 0, 1)
    assert found.differences[0].found == "the state could not be read: the state: found a queue, expected none"


def test_only_so_many_differences_are_told_and_all_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("yuheng.kubernetes.recording.comparing.MOST_TOLD", 1)
    monkeypatch.setattr(module, "MOST_TOLD", 1)
    written(tmp_path, SPREAD)
    found = compare(parts(tmp_path), preset("binpack"))
    assert (len(found.differences), found.differing, found.elsewhere) == (1, 2, 2)


def test_files_without_turns_and_of_several_runs_are_compared(tmp_path: Path):
    written(tmp_path, SPREAD[:1])
    (tmp_path / "00000002.yrec").write_bytes(b"")
    written(tmp_path, SPREAD)
    found = compare(parts(tmp_path), preset("binpack"))
    assert (found.covered.parts, found.covered.turns, found.elsewhere) == (3, 5, 3)
    assert found.recorded == "kubernetes"
