"""`yuheng replay`: what it prints of a record, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.kubernetes.made_records import NOON, written

from yuheng.kubernetes.recording import Turn
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Decisions, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod, PodSpec
from yuheng.reporting.schema import schema
from yuheng.scheduling.decider import Decider

jsonschema = pytest.importorskip("jsonschema")
SECOND = "2026-09-21T14:13:30Z"


def _turns() -> list[Turn]:
    nodes = tuple(Node(name=name, allocatable={"cpu": 2000, "pods": 9}) for name in "ab")
    pods = [Pod(name=f"p{i}", spec=PodSpec(requests={"cpu": 1000}), created=float(i)) for i in range(5)]
    state = Snapshot(nodes=nodes, pods=tuple(pods), namespaces={"default": {}})
    asked = [([Renewed(state)], pods[:2]), ([], pods[2:]), ([Went("default/p0")], pods[4:])]
    decider, found = Decider(), []
    for number, (told, due) in enumerate(asked):
        question = Asked(NOON + 10 * number)
        found.append(Turn(number + 1, told, due, question, decider.turn(told, due, question)))
    return found


@pytest.fixture
def record(tmp_path: Path) -> Path:
    written(tmp_path / "record", _turns())
    return tmp_path / "record"


@pytest.fixture
def altered(tmp_path: Path) -> Path:
    turns = _turns()
    placed = turns[2].outcome.placements[0]
    turns[2] = turns[2]._replace(outcome=Decisions((Placement(placed.pod, "x"),)))
    written(tmp_path / "altered", turns)
    return tmp_path / "altered"


def test_a_record_that_comes_out_the_same_is_a_success(yuheng, record):
    done = yuheng("replay", record)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "Every decision comes out as it was recorded.",
        "record   3 turns of 6 pods in 1 file",
        "from     2026-09-21T14:13:20Z to 2026-09-21T14:13:40Z",
        "by       Yuheng 0.1.0",
        "decided  5 pods placed, 0 asked to go",
    ]


def test_a_record_in_which_nothing_was_decided_says_so(yuheng, tmp_path):
    turn = _turns()[0]
    idle = turn._replace(pods=[], outcome=Decider(None, 0).turn(turn.told, [], turn.asked))
    written(tmp_path / "idle", [idle])
    done = yuheng("replay", tmp_path / "idle")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Nothing was decided: no pod had its turn.\nrecord   1 turn of 0 pods in 1 file\n")


def test_a_decision_that_differs_is_printed_and_exits_with_1(yuheng, altered):
    done = yuheng("replay", altered)
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("1 of 3 turns comes out otherwise than recorded.\n")
    assert "     3  2026-09-21T14:13:40Z  default/p4  on x      on a" in done.out


def test_a_moment_shows_the_decision_its_reasons_and_the_state(yuheng, record):
    done = yuheng("replay", record, "--at", SECOND, "-o", "wide")
    assert (done.code, done.err) == (0, "")
    assert "Turn 2 at 2026-09-21T14:13:30Z, policy kubernetes, 00000001.yrec." in done.out
    assert "2 placed, 1 left pending" in done.out
    assert "  default/p4  0/2 nodes are available: 2 Insufficient cpu." in done.out
    assert "the same is decided now" in done.out
    assert "2 nodes, 2 running and 3 pods to decide on" in done.out
    assert "Nodes before (2)" in done.out


def test_another_policy_is_compared(yuheng, record):
    done = yuheng("replay", record, "--policy", "binpack")
    assert (done.code, done.err) == (0, "")
    assert "it follows the record, not the other policy" in done.out
    assert "placed by both on the same node" in done.out
    assert "nodes in use" in done.out


def test_another_policy_is_compared_at_a_moment(yuheng, record):
    found = json.loads(yuheng("replay", record, "--policy", "binpack", "--at", SECOND, "-o", "json").out)
    assert found["record"]["turns"] == 1
    assert found["same"] + found["elsewhere"] == 2


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ([], "Replay"),
        (["--at", SECOND], "ReplayMoment"),
        (["--policy", "firstfit"], "ReplayComparison"),
    ],
)
@pytest.mark.parametrize("which", ["record", "altered"])
def test_json_satisfies_its_schema(yuheng, request, which, arguments, kind):
    done = yuheng("replay", request.getfixturevalue(which), *arguments, "-o", "json")
    document = json.loads(done.out)
    assert document["kind"] == kind
    jsonschema.Draft202012Validator(schema(kind)).validate(document)


def test_a_result_goes_to_a_file(yuheng, record, tmp_path):
    done = yuheng("replay", record, "-o", "json", "--out", tmp_path / "found.json")
    assert (done.code, done.out) == (0, "")
    assert json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["differing"] == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["{gone}"], "{gone}: found no such folder, expected one that `yuheng run --record` wrote to"),
        (["{record}", "--at", "noon"], "--at: found 'noon', expected a time such as 2026-01-31T09:00:00Z"),
        (["{record}", "--at", "2026-09-21T14:13:30"], "--at: found '2026-09-21T14:13:30', expected a time such as"),
        (["{record}", "--at", "2020-01-01T00:00:00Z"], "{record}: found a record that begins at 2026-09-21T14:13:20Z"),
        (["{record}", "--policy", "quickest"], "policy: found 'quickest', expected one of kubernetes, "),
    ],
)
def test_bad_input_is_one_line(yuheng, record, tmp_path, arguments, line):
    places = {"record": record, "gone": tmp_path / "gone"}
    done = yuheng("replay", *(argument.format(**places) for argument in arguments))
    assert done.code == 2
    assert done.err.startswith(f"yuheng: {line.format(**places)}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--record-size", "many"], "--record-size: found 'many', expected bytes, such as 64Mi, 1Mi at least"),
        (["--record-size", "1Ki"], "--record-size: found '1Ki', expected bytes, such as 64Mi, 1Mi at least"),
        (
            ["--record-size", "64Mi", "--record-total", "100Mi"],
            "--record-total: found 100Mi, expected at least twice --record-size, which is 64Mi",
        ),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(yuheng, tmp_path, arguments, line):
    done = yuheng("run", "--record", tmp_path, *arguments)
    assert (done.code, done.err) == (2, f"yuheng: {line}\n")


def test_a_record_without_a_turn_is_no_success(yuheng, record):
    file = next(record.iterdir())
    file.write_bytes(file.read_bytes()[:20])
    done = yuheng("replay", record)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("found no turn that was recorded as a whole, expected one at least\n")
