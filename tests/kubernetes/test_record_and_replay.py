"""What was decided live is decided again, bit for bit, from the record of it; and what is not the same is found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.made_records import NOON, recorded, written
from tests.scheduling.made_batches import batch, policy
from tests.scheduling.made_snapshots import snapshot
from tests.scheduling.searching import examples

from yuheng.errors import NotFoundError
from yuheng.kubernetes.recording import Limits, Recorder, Turn, compare, compare_at, moment, parts, replay
from yuheng.kubernetes.recording.format import KEYED, PodRow
from yuheng.model.batch import VOLCANO_DEFAULT
from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.live import Asked, Came, Closed, Decisions, Lacking, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod, PodSpec
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.presets import preset

randoms = st.randoms(use_true_random=False)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as found:
        yield Path(found)


def cluster(rng: Random) -> Snapshot:
    return snapshot(rng, rng.randint(1, 8), rng.randint(0, 8), rng.randint(1, 10))


def read(place: Path) -> list[Turn]:
    return [turn for part in parts(place) for turn in part.turns()]


@examples(40)
@given(rng=randoms, turns=st.integers(1, 15), name=st.sampled_from((None, "random", "fgd", "binpack")))
def test_what_was_recorded_is_read_and_decided_again(rng: Random, turns: int, name: str | None):
    chosen = None if name is None else preset(name)
    with folder() as place:
        told = recorded(place, rng, cluster(rng), turns, chosen, seed=turns)
        found = replay(parts(place))
        assert [tuple(turn) for turn in read(place)] == [tuple(turn) for turn in told]
    assert (found.covered.turns, found.covered.notes) == (turns, ())
    assert found.differences == ()


@examples(8)
@given(rng=randoms, turns=st.integers(1, 4))
def test_so_it_is_where_queues_decide(rng: Random, turns: int):
    with folder() as place:
        told = recorded(place, rng, batch(rng), turns, policy(rng))
        found = replay(parts(place))
        assert [tuple(turn) for turn in read(place)] == [tuple(turn) for turn in told]
    assert (found.covered.turns, found.differences) == (turns, ())


@examples(8)
@given(rng=randoms)
def test_so_it_is_across_many_files(rng: Random):
    with folder() as place:
        # A file holds at least as much of what came after its state.
        recorded(place, rng, snapshot(rng, 2, 1, 2), 60, limits=Limits(1, 1 << 20))
        assert len(list(place.iterdir())) > 1
        found = replay(parts(place))
    assert (found.covered.turns, found.differences, found.covered.notes) == (60, (), ())


@examples(25)
@given(rng=randoms, turns=st.integers(1, 12))
def test_the_same_policy_would_have_done_the_same(rng: Random, turns: int):
    with folder() as place:
        recorded(place, rng, cluster(rng), turns)
        found = compare(parts(place), preset("kubernetes"))
    assert (found.elsewhere, found.only_recorded, found.only_other, found.differences) == (0, 0, 0, ())
    assert found.sums_recorded == found.sums_other


@examples(25)
@given(rng=randoms, turns=st.integers(1, 12))
def test_another_policy_starts_each_turn_from_the_record(rng: Random, turns: int):
    """A turn of its own, told the state as it is by then, is the plain twin."""
    other = preset("binpack")
    with folder() as place:
        told = recorded(place, rng, cluster(rng), turns)
        found = compare(parts(place), other)
        placed = sum(len(turn.outcome.placements) for turn in told if isinstance(turn.outcome, Decisions))
        assert found.same + found.elsewhere + found.only_recorded == placed
        for turn in told:
            if turn.pods and isinstance(turn.outcome, Decisions) and isinstance(next(iter(turn.told), None), Renewed):
                at = compare_at(place, turn.asked.time, other)
                assert at.covered.turns == 1
                theirs = {one.subject: one.found for one in found.differences if one.turn == turn.number}
                assert {one.subject: one.found for one in at.differences} == theirs


def _spread() -> list[Turn]:
    """Two nodes and three pods in three turns: the second pod finds no room, until the first goes."""
    nodes = tuple(Node(name=name, allocatable={"cpu": 1000, "pods": 9}) for name in "ab")
    pods = [Pod(name=f"p{i}", spec=PodSpec(requests={"cpu": 1000})) for i in range(3)]
    state = Snapshot(nodes=nodes, pods=tuple(pods), namespaces={"default": {}})
    full = "0/2 nodes are available: 2 Insufficient cpu."
    return [
        Turn(1, [Renewed(state)], pods[:2], Asked(NOON), _placed(("p0", "a"), ("p1", "b"))),
        Turn(2, [], pods[2:], Asked(NOON + 10), Decisions(lacking=(Lacking("default/p2", full),))),
        Turn(3, [Went("default/p0")], pods[2:], Asked(NOON + 20), _placed(("p2", "a"))),
    ]


def _placed(*pairs: tuple[str, str]) -> Decisions:
    return Decisions(tuple(Placement(f"default/{pod}", node) for pod, node in pairs))


def _decided(turns: list[Turn]) -> list[Turn]:
    """The same turns with what the engine decides in them, in all its words."""
    decider = Decider()
    found = [one._replace(outcome=decider.turn(one.told, one.pods, one.asked)) for one in turns]
    assert [one.outcome.placements for one in found] == [one.outcome.placements for one in turns]
    assert [len(one.outcome.lacking) for one in found] == [0, 1, 0]
    return found


@pytest.fixture
def turns() -> list[Turn]:
    return _decided(_spread())


def test_a_record_by_hand_is_replayed(tmp_path: Path, turns: list[Turn]):
    written(tmp_path, turns)
    found = replay(parts(tmp_path))
    assert (found.differing, found.placed, found.covered.turns, found.covered.pods) == (0, 3, 3, 4)


@pytest.mark.parametrize(
    ("number", "outcome", "expected"),
    [
        (0, _placed(("p0", "b"), ("p1", "a")), {("default/p0", "on b", "on a"), ("default/p1", "on a", "on b")}),
        (0, _placed(("p1", "b"), ("p0", "a")), {("the order", "default/p1, default/p0", "default/p0, default/p1")}),
        (1, Decisions(), {("default/p2", "nothing", "pending: 0/2 nodes are available: 2 Insufficient cpu.")}),
        (2, "no such node", {("the turn", "the state could not be read: no such node", "nothing")}),
    ],
)
def test_a_decision_that_was_altered_is_found(tmp_path: Path, turns: list[Turn], number, outcome, expected):
    turns[number] = turns[number]._replace(outcome=outcome)
    if number == 0:
        turns = turns[:1]
    written(tmp_path, turns)
    found = replay(parts(tmp_path))
    told = {(one.subject, one.recorded, one.found) for one in found.differences if one.turn == number + 1}
    assert expected <= told
    assert found.differing == 1


@examples(20)
@given(rng=randoms)
def test_any_altered_placement_is_found_in_its_turn(rng: Random):
    with folder() as place:
        told = recorded(place, rng, snapshot(rng, 6, 2, 12), 8)
        placing = [i for i, turn in enumerate(told) if isinstance(turn.outcome, Decisions) and turn.outcome.placements]
        if not placing:
            return
        chosen = rng.choice(placing)
        outcome = told[chosen].outcome
        first, *others = outcome.placements
        moved = Placement(first.pod, "elsewhere", first.devices)
        told[chosen] = told[chosen]._replace(outcome=msgspec.structs.replace(outcome, placements=(moved, *others)))
    with folder() as place:
        written(place, told)
        found = replay(parts(place)).differences[0]
    assert (found.turn, found.subject) == (chosen + 1, first.pod)
    assert found.recorded.startswith("on elsewhere")


def test_differences_stand_for_themselves(tmp_path: Path):
    """After a turn that came out otherwise, the engine goes on from what was recorded."""
    turns = _decided(_spread())
    turns[0] = turns[0]._replace(outcome=_placed(("p0", "b"), ("p1", "a")))
    turns[2] = turns[2]._replace(outcome=_placed(("p2", "b")))
    written(tmp_path, turns)
    assert {one.turn for one in replay(parts(tmp_path)).differences} == {1}


def test_a_state_that_cannot_be_read_is_recorded_and_replayed(tmp_path: Path, turns: list[Turn]):
    lost = Snapshot(pods=(Pod(name="x", node="gone"),))
    problem = "Pod default/x: spec.nodeName: found 'gone', expected a node of the input"
    turns.append(Turn(4, [Renewed(lost)], [], Asked(NOON + 30), problem))
    written(tmp_path, turns)
    found = replay(parts(tmp_path))
    assert [turn.outcome for turn in read(tmp_path)][3] == problem
    assert all("could not be read" in one.found for one in found.differences)


def test_a_moment_is_the_last_turn_until_then_that_decided(tmp_path: Path, turns: list[Turn]):
    turns.append(Turn(4, [Went("default/p2")], [], Asked(NOON + 30), Decisions()))
    written(tmp_path, turns)
    assert [moment(tmp_path, NOON + wait).turn for wait in (0, 9, 10, 19, 20, 30, 1e6)] == [1, 1, 2, 2, 3, 3, 3]


def test_a_moment_tells_the_decision_and_the_state_before_it(tmp_path: Path, turns: list[Turn]):
    turns[1] = turns[1]._replace(told=[Closed(("b",))])
    written(tmp_path, turns[:2])
    found = moment(tmp_path, NOON + 10)
    homes = {pod.key: pod.node for pod in found.state.pods}
    assert homes == {"default/p0": "a", "default/p1": "b", "default/p2": None}
    assert (found.policy, found.closed) == ("kubernetes", ("b",))
    assert found.decisions == turns[1].outcome
    assert found.is_equal


def test_a_moment_before_the_record_is_an_error_that_says_when_it_begins(tmp_path: Path, turns: list[Turn]):
    written(tmp_path, turns)
    with pytest.raises(NotFoundError, match="found a record that begins at 2026-09-21T14:13:20Z, expected one of 2026"):
        moment(tmp_path, NOON - 1)


def test_moments_are_found_in_any_file(tmp_path: Path):
    rng = Random(4)
    told = recorded(tmp_path, rng, snapshot(rng, 2, 1, 2), 60, limits=Limits(1, 1 << 20))
    assert len(list(tmp_path.iterdir())) > 1
    for turn in told:
        if turn.pods:
            found = moment(tmp_path, turn.asked.time)
            assert (found.turn, found.decisions, found.is_equal) == (turn.number, turn.outcome, True)


def test_what_another_policy_does_is_counted(tmp_path: Path, turns: list[Turn]):
    written(tmp_path, turns)
    found = compare(parts(tmp_path), preset("firstfit"))
    assert (found.recorded, found.other) == ("kubernetes", "firstfit")
    assert (found.same, found.elsewhere, found.only_recorded, found.only_other) == (3, 0, 0, 0)
    assert found.sums_recorded.nodes == pytest.approx(2.0)
    assert found.sums_recorded.requested == {"cpu": pytest.approx(1.0)}


def test_who_waits_in_the_record_only_is_counted_once(tmp_path: Path, turns: list[Turn]):
    """The record leaves p2 pending in two turns though there is room."""
    lacking = Decisions(lacking=(Lacking("default/p2", "no"),))
    turns = [turns[0], Turn(2, [Went("default/p0")], turns[1].pods, Asked(NOON + 10), lacking)]
    turns.append(Turn(3, [], turns[1].pods, Asked(NOON + 20), lacking))
    written(tmp_path, turns)
    found = compare(parts(tmp_path), preset("kubernetes"))
    assert (found.same, found.only_other, found.differing) == (2, 1, 2)
    assert [(one.turn, one.recorded, one.found) for one in found.differences] == [
        (2, "pending: no", "on a"),
        (3, "pending: no", "on a"),
    ]


def test_a_policy_with_queues_is_asked_of_a_record_without(tmp_path: Path, turns: list[Turn]):
    turns.insert(1, Turn(2, [Closed(("b",))], [], Asked(NOON + 5), Decisions()))
    written(tmp_path, turns)
    volcano = msgspec.structs.replace(preset("kubernetes"), name="volcano", batch=VOLCANO_DEFAULT)
    found = compare(parts(tmp_path), volcano)
    assert (found.same, found.elsewhere, found.only_recorded) == (3, 0, 0)


def test_every_field_of_the_model_is_kept():
    fields = {field.name: field.type for field in msgspec.structs.fields(Pod)}
    rows = {field.name: field.type for field in msgspec.structs.fields(PodRow)}
    assert list(rows) == list(fields)
    assert {name: rows[name] for name in rows if name not in ("spec", "labels")} == {
        name: fields[name] for name in fields if name not in ("spec", "labels")
    }
    assert set(KEYED) <= set(Snapshot.__struct_fields__)


def test_states_that_are_not_sorted_keep_their_order(tmp_path: Path):
    nodes = tuple(Node(name=name, allocatable={"cpu": 1000}) for name in "ba")
    pods = tuple(Pod(name=name) for name in "zya")
    jobs = (Job(name="b"), Job(name="a"))
    state = Snapshot(nodes=nodes, pods=pods, jobs=jobs)
    fewer = msgspec.structs.replace(state, pods=(pods[2], pods[0]), jobs=jobs[1:])
    told = [Turn(i + 1, [Renewed(one)], [], Asked(NOON), Decisions()) for i, one in enumerate((state, fewer, state))]
    written(tmp_path, told)
    assert [turn.told[0].snapshot for turn in read(tmp_path)] == [state, fewer, state]


def test_a_pod_that_is_told_of_again_costs_little(tmp_path: Path):
    pods = tuple(Pod(name=f"pod-{i:04}", labels={"own": f"{i * 7919:x}"}) for i in range(1000))
    state = Snapshot(nodes=(Node(name="a", allocatable={"cpu": 1}),), pods=pods)
    sizes = []
    for times in (1, 11):
        place = tmp_path / str(times)
        written(place, [Turn(1, [Renewed(state)], [], Asked(NOON), Decisions())] * times)
        sizes.append(sum(path.stat().st_size for path in place.iterdir()))
    assert sizes[1] < sizes[0] * 1.1


def test_came_again_means_the_pod_as_it_is_by_then(tmp_path: Path, turns: list[Turn]):
    bound = msgspec.structs.replace(turns[1].pods[0], node="a", labels={"new": "label"})
    told = [turns[0], turns[1]._replace(told=[Came(bound), Went(bound.key), Came(bound)])]
    written(tmp_path, told)
    assert read(tmp_path)[1].told == told[1].told


def test_an_hour_is_replayed(tmp_path: Path):
    """A turn a second, and pods that come and go all the time."""
    rng = Random(5)
    nodes = tuple(Node(name=f"n{i:02}", allocatable={"cpu": 4000, "pods": 20}) for i in range(12))
    specs = [PodSpec(requests={"cpu": amount}) for amount in (500, 1000, 2500)]
    pods = tuple(Pod(name=f"p{i:02}", spec=rng.choice(specs), priority=rng.choice((0, 10))) for i in range(35))
    recorded(tmp_path, rng, Snapshot(nodes=nodes, pods=pods, namespaces={"default": {}}), 3600)
    found = replay(parts(tmp_path))
    assert (found.covered.turns, found.differing, found.covered.notes) == (3600, 0, ())
    assert found.placed > 900
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2_000_000


def test_a_policy_with_queues_places_nothing_on_a_closed_node(tmp_path: Path, turns: list[Turn]):
    lacking = Decisions(lacking=(Lacking("default/p2", "no"),))
    told = [turns[0], Turn(2, [Closed(("b",)), Went("default/p1")], turns[1].pods, Asked(NOON + 5), lacking)]
    written(tmp_path, told)
    volcano = msgspec.structs.replace(preset("kubernetes"), name="volcano", batch=VOLCANO_DEFAULT)
    assert compare(parts(tmp_path), volcano).only_other == 0


def test_another_policy_is_told_the_state_where_it_cannot_be_told_of_a_pod(tmp_path: Path, turns: list[Turn]):
    spec = PodSpec(requests={"cpu": 1000, "example.com/new": 1})
    strange, lost = Pod(name="strange", node="b", spec=spec), Pod(name="lost", node="gone", spec=spec)
    told = [turns[0], Turn(2, [Went("default/p1"), Came(strange), Came(lost)], turns[1].pods, Asked(NOON), Decisions())]
    written(tmp_path, told)
    found = compare(parts(tmp_path), preset("firstfit"))
    assert (found.same, found.only_other, found.covered.turns) == (2, 0, 2)


def test_specifications_are_told_apart_though_one_takes_the_place_of_another(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.turn([Renewed(Snapshot())], [], Asked(NOON), Decisions())
    for amount in range(200):
        recorder.turn([], [Pod(name="p", spec=PodSpec(requests={"cpu": amount}))], Asked(NOON), Decisions())
        recorder.flush()
    recorder.close()
    assert [turn.pods[0].spec.requests["cpu"] for turn in read(tmp_path)[1:]] == list(range(200))
