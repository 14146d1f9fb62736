"""Files of a record: bounded, whole or told to be torn, and never in the way of what they record."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import re
import shutil
import threading
import zlib
from pathlib import Path
from random import Random

import msgspec
import pytest
from tests.kubernetes.made_records import DEFAULT, NOON, Kept, recorded, written
from tests.scheduling.made_snapshots import snapshot

from yuheng import __version__
from yuheng.errors import ConfigError, InputError, NotFoundError
from yuheng.kubernetes.api import KINDS
from yuheng.kubernetes.logs import start_logs
from yuheng.kubernetes.mirror import WATCHED, Mirror
from yuheng.kubernetes.recording import Limits, Recorder, Turn, parts, replay
from yuheng.kubernetes.recording import frames as reading
from yuheng.kubernetes.recording import writer as module
from yuheng.kubernetes.recording.format import FIRST_LINE, HEADER
from yuheng.kubernetes.recording.frames import Frames
from yuheng.kubernetes.recording.reader import Part, files
from yuheng.kubernetes.recording.writer import create
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Came, Decisions, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.pod import Pod

STATE = Snapshot(nodes=(Node(name="a", allocatable={"cpu": 1000, "pods": 9}),), namespaces={"default": {}})


def turn(number: int, *told: object) -> Turn:
    return Turn(number, list(told), [], Asked(NOON + number), Decisions())


def plain(count: int) -> list[Turn]:
    """Turns of which the first tells the state."""
    return [turn(1, Renewed(STATE)), *(turn(i + 2, Went(f"default/p{i}")) for i in range(count - 1))]


def frames(path: Path) -> list[int]:
    """Where the frames of a file begin, and where the last one ends."""
    found = Frames(path)
    return [*(found.offset for _ in found), path.stat().st_size]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    written(tmp_path / "record", plain(5))
    return tmp_path / "record"


@pytest.fixture
def file(record: Path) -> Path:
    return files(record)[0]


def test_a_file_that_was_torn_anywhere_loses_its_last_turn_only(record: Path, file: Path):
    content = file.read_bytes()
    starts = frames(file)
    for size in range(len(content)):
        file.write_bytes(content[:size])
        whole = sum(end <= size for end in starts[2:])
        found = replay(parts(record))
        assert found.covered.turns == whole
        assert bool(found.covered.notes) == (size not in starts[1:]), size
        assert found.differing == 0


def test_zeros_at_the_end_are_a_torn_end(record: Path, file: Path):
    file.write_bytes(file.read_bytes() + bytes(5000))
    found = replay(parts(record)).covered
    expected = "its last 5,000 bytes were not on the disk when its writer ended: what came after turn 5 is lost"
    assert (found.turns, found.notes) == (5, (f"00000001.yrec: {expected}",))


def test_any_changed_byte_is_noticed(record: Path, file: Path):
    content = file.read_bytes()
    starts = frames(file)
    for place in range(len(content)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        if place >= starts[-2]:
            # Within the last frame, it may as well never have been written.
            assert replay(parts(record)).covered.notes
            continue
        with pytest.raises(InputError, match="expected") as caught:
            replay(parts(record))
        assert str(file) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_damage_says_the_file_and_the_byte(record: Path, file: Path):
    content = bytearray(file.read_bytes())
    start = frames(file)[3]
    content[start + HEADER.size + 1] ^= 1
    file.write_bytes(content)
    expected = f"{file}: byte {start}: found content that is damaged, expected a frame of a record as it was written"
    with pytest.raises(InputError) as caught:
        replay(parts(record))
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"kind: Pod\n", "found something else, expected a record that `yuheng run --record` wrote"),
        (b"\x1f\x8b\x08\x00", "found something else"),
        (b"x" * 5000, "found something else"),
        (b"yuheng record 2\nwhatever", "found a record of format 2, expected format 1: another version of Yuheng"),
        (b"yuheng record x\n", "found something else"),
    ],
)
def test_foreign_and_newer_files_are_told(record: Path, file: Path, content: bytes, expected: str):
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        replay(parts(record))
    assert str(caught.value).startswith(f"{file}: byte 0: {expected}")


def framed(*contents: object) -> bytes:
    stream, found = zlib.compressobj(), FIRST_LINE
    for content in contents:
        payload = stream.compress(msgspec.msgpack.encode(content)) + stream.flush(zlib.Z_SYNC_FLUSH)
        start = (len(payload), zlib.crc32(payload))
        found += HEADER.pack(*start, zlib.crc32(HEADER.pack(*start, 0)[:8])) + payload
    return found


BEGIN = {"type": "begin", "yuheng": "9", "run": "r", "time": 0.0, "policy": None, "seed": 0}


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([1], "found what is no beginning of a part"),
        ([BEGIN, {"type": "state"}], "found what is no turn"),
        ([BEGIN, ["turn", 1, [], [], [], ["default/x"], 0.0, {}, True, None, "no"]], "found what is no turn"),
        ([BEGIN, ["turn", 1, [], [], [], [], 0.0, {}, True, None, "no"]], "found a first turn that does not tell the"),
    ],
)
def test_what_is_framed_well_and_is_no_turn_is_told(record: Path, file: Path, contents: list[object], expected: str):
    file.write_bytes(framed(*contents))
    with pytest.raises(InputError) as caught:
        replay(parts(record))
    assert f": {expected}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("9", f"what Yuheng {__version__} writes: this was written by '9'"),
        ("9\n\x1b[2J", f"what Yuheng {__version__} writes: this was written by '9\\n\\x1b[2J'"),
        (__version__, "a frame of a record as it was written"),
    ],
)
def test_what_another_version_wrote_and_this_one_does_not_know_is_no_damage(
    record: Path, file: Path, version: str, expected: str
):
    told = [["state", {}, {}, {}, {"weather": "wet"}]]
    file.write_bytes(framed({**BEGIN, "yuheng": version}, ["turn", 1, [], [], told, [], 0.0, {}, True, None, ""]))
    with pytest.raises(InputError) as caught:
        replay(parts(record))
    assert str(caught.value).endswith(f"found what is no turn ('weather'), expected {expected}")


def test_a_frame_that_swells_is_refused(record: Path, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    file.write_bytes(framed(BEGIN, "x" * 100_000))
    with pytest.raises(InputError, match="found a frame of more than 1,000 bytes"):
        replay(parts(record))


def test_no_folder_and_no_record_are_told(tmp_path: Path):
    with pytest.raises(NotFoundError, match="found no such folder, expected one that `yuheng run --record` wrote to"):
        parts(tmp_path / "gone")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(NotFoundError, match=r"found no file \*\.yrec, expected a record of `yuheng run --record`"):
        parts(tmp_path)


def test_files_begin_anew_when_they_are_large_and_the_oldest_go(tmp_path: Path):
    kept = recorded(tmp_path, Random(1), snapshot(Random(1), 8, 8, 20), 60, limits=Limits(2000, 8000))
    found = files(tmp_path)
    sizes = [path.stat().st_size for path in found]
    assert int(found[0].stem) > 1
    assert max(sizes) < 4000 + 2000
    assert sum(sizes) <= 8000 + 4000
    covered = replay(parts(tmp_path))
    assert covered.differing == 0
    assert 0 < covered.covered.turns < len(kept)


def test_a_part_that_no_state_comes_for_ends_at_twice_its_size(tmp_path: Path):
    recorder = Recorder(tmp_path, limits=Limits(2000, 100_000))
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    for i in range(500):
        recorder.turn([Went(f"default/{i * 7919:x}")], [], Asked(NOON), Decisions())
    recorder.close()
    assert 4000 <= sum(path.stat().st_size for path in files(tmp_path)) < 4200
    assert recorder.counts.turns + recorder.counts.lost == 501
    assert replay(parts(tmp_path)).covered.turns == recorder.counts.turns


def test_a_second_run_writes_beside_the_first(tmp_path: Path):
    written(tmp_path, plain(3))
    written(tmp_path, plain(2))
    assert [path.name for path in files(tmp_path)] == ["00000001.yrec", "00000002.yrec"]
    assert replay(parts(tmp_path)).covered.turns == 5
    assert replay(parts(tmp_path)).covered.notes == ()


def test_two_do_not_write_to_one_folder_at_a_time(tmp_path: Path):
    recorder = Recorder(tmp_path)
    expected = f"--record {tmp_path}: found the record of a process that is running, expected a folder of its own"
    with pytest.raises(ConfigError, match=re.escape(expected)):
        Recorder(tmp_path)
    recorder.close()
    Recorder(tmp_path).close()


def test_a_folder_that_was_removed_and_made_again_is_one_writers_too(tmp_path: Path):
    place, clock = tmp_path / "record", [0.0]
    recorder = Recorder(place, now=lambda: clock[0])
    shutil.rmtree(place)
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    assert recorder.flush()
    with pytest.raises(ConfigError, match="found the record of a process that is running"):
        Recorder(place)
    recorder.close()
    # And where another one was faster, it keeps the folder.
    recorder = Recorder(place, now=lambda: clock[0])
    shutil.rmtree(place)
    other = Recorder(place)
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    recorder.close()
    assert (recorder.counts.turns, recorder.counts.failures, files(place)) == (0, 1, [])
    other.close()


def test_a_file_system_without_locks_is_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refused)
    written(tmp_path, plain(3))
    assert replay(parts(tmp_path)).covered.turns == 3


def test_a_state_that_is_larger_than_a_file_is_not_told_every_turn(tmp_path: Path):
    nodes = tuple(Node(name=f"node-{i * 7919:x}", allocatable={"cpu": 1000 + i}) for i in range(200))
    state = msgspec.structs.replace(STATE, nodes=nodes)
    recorder, told = Recorder(tmp_path, limits=Limits(100, 1 << 20)), 0
    for i in range(300):
        begins = recorder.wants_state
        told += begins
        recorder.turn([Renewed(state) if begins else Went(f"default/{i}")], [], Asked(NOON + i), Decisions())
        assert recorder.flush()
    recorder.close()
    assert 1 < told < 30
    sizes = [path.stat().st_size for path in files(tmp_path)]
    assert len(sizes) == told
    # Each tells as much of what came after the state as of the state.
    assert max(sizes) < 1.1 * min(sizes[:-1])
    assert replay(parts(tmp_path)).covered.turns == recorder.counts.turns == 300


def test_a_state_that_waits_to_be_written_is_not_asked_for_again(tmp_path: Path):
    gate = threading.Event()

    def make(path: Path) -> module.Output:
        gate.wait(10)
        return create(path)

    recorder = Recorder(tmp_path, make=make)
    assert recorder.wants_state
    recorder.turn([Renewed(STATE)], [], Asked(NOON), "it could not be read")
    assert recorder.wants_state
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    assert not recorder.wants_state
    recorder.turn([Went("default/x")], [], Asked(NOON), Decisions())
    assert not recorder.wants_state
    gate.set()
    recorder.close()
    assert (recorder.counts.turns, recorder.counts.lost) == (2, 1)


def test_nobody_else_can_read_it(tmp_path: Path):
    place = tmp_path / "new" / "record"
    written(place, plain(1))
    assert place.stat().st_mode & 0o077 == 0
    assert files(place)[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_leave_to_write_is_told_at_once(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="found a folder that cannot be written to"):
        Recorder(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_told_at_once(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"--record .*file: found File exists, expected a folder to write to"):
        Recorder(tmp_path / "file")


class Disk:
    """A disk that has so much room."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.now = 0.0

    def make(self, path: Path) -> module.Output:
        return _Metered(create(path), self)


class _Metered:
    def __init__(self, output: module.Output, disk: Disk) -> None:
        self._output = output
        self._disk = disk

    def write(self, data: bytes) -> None:
        if len(data) > self._disk.room:
            raise OSError(28, "No space left on device")
        self._disk.room -= len(data)
        self._output.write(data)

    def sync(self) -> None:
        self._output.sync()

    def close(self) -> None:
        self._output.close()


def test_a_full_disk_is_told_once_and_recording_goes_on_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    start_logs("info")
    disk = Disk(1000)
    recorder = Recorder(tmp_path, make=disk.make, now=lambda: disk.now)

    def tell(*told: object) -> None:
        recorder.turn(list(told), [], Asked(NOON), Decisions())
        assert recorder.flush()

    tell(Renewed(STATE))
    while not recorder.counts.failures:
        tell(Went(f"default/{disk.room * 7919:x}"))
    assert not recorder.wants_state
    tell(Renewed(STATE))
    disk.now = 31.0
    assert recorder.wants_state
    tell(Renewed(STATE))
    disk.now, disk.room = 62.0, 10_000
    tell(Went("default/x"))
    tell(Renewed(STATE))
    tell(Went("default/y"))
    recorder.close()
    assert (recorder.counts.failures, recorder.counts.lost) == (2, 4)
    found = replay(parts(tmp_path)).covered
    assert (found.parts, found.turns) == (2, recorder.counts.turns)
    assert [note.partition(" before ")[0] for note in found.notes] == ["00000002.yrec: 4 turns"]
    told = capsys.readouterr().err
    assert told.count("the record cannot be written; scheduling goes on") == 1
    assert told.count("No space left on device") == 1
    assert told.count("the record goes on") == 1


def test_half_a_frame_is_taken_back_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "f"
    output = create(path)
    output.write(b"whole")
    real, calls = os.write, []

    def half(number: int, data: memoryview) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(number, data[:2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        output.write(b"torn")
    output.close()
    assert path.read_bytes() == b"whole"


def test_what_cannot_be_written_is_lost_and_no_more(tmp_path: Path):
    clock = [0.0]
    recorder = Recorder(tmp_path, now=lambda: clock[0])
    twins = msgspec.structs.replace(STATE, pods=(Pod(name="x"), Pod(name="x")))
    for state in (STATE, twins):
        recorder.turn([Renewed(state)], [], Asked(NOON), Decisions())
    assert recorder.flush()
    clock[0] = 100.0
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    recorder.close()
    assert (recorder.counts.turns, recorder.counts.lost, recorder.counts.failures) == (2, 1, 1)
    assert replay(parts(tmp_path)).covered.turns == 2


def test_a_slow_disk_holds_nobody_up_and_little_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "MOST_WAITING", 50)
    gate = threading.Event()

    class Slow:
        def __init__(self, path: Path) -> None:
            self._output = create(path)

        def write(self, data: bytes) -> None:
            gate.wait(10)
            self._output.write(data)

        def sync(self) -> None:
            self._output.sync()

        def close(self) -> None:
            self._output.close()

    recorder = Recorder(tmp_path, make=Slow)
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    for i in range(200):
        recorder.turn([Went(f"default/{i}")], [], Asked(NOON), Decisions())
    gate.set()
    assert recorder.flush()
    assert recorder.wants_state
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    recorder.close()
    assert recorder.counts.turns + recorder.counts.lost == 202
    assert 10 < recorder.counts.turns < 60
    found = replay(parts(tmp_path)).covered
    assert (found.parts, found.turns) == (2, recorder.counts.turns)
    assert f"{recorder.counts.lost} turns before turn 202 were not written" in found.notes[0]


def test_a_turn_is_left_at_once_and_written_by_another_thread(tmp_path: Path):
    recorder, kept = Recorder(tmp_path), Kept()
    for one in plain(300):
        for listener in (recorder, kept):
            listener.turn(*one[1:])
    recorder.close()
    read = [one for part in parts(tmp_path) for one in part.turns()]
    assert read == kept.turns


def test_what_was_not_written_before_the_state_came_is_no_damage(tmp_path: Path):
    recorder = Recorder(tmp_path)
    recorder.turn([Went("default/x")], [], Asked(NOON), Decisions())
    recorder.turn([Renewed(STATE)], [], Asked(NOON), "it could not be read")
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    recorder.close()
    assert (recorder.counts.turns, recorder.counts.lost) == (1, 2)
    assert next(Part(files(tmp_path)[0]).turns()).number == 3


PLANTED = "hunter2-planted"


def test_no_secret_no_token_and_no_environment_value_is_in_it(tmp_path: Path):
    mirror = Mirror("yuheng")
    places = {name: mirror.sink(KINDS[name]) for name in ("pods", "nodes")}
    places |= {name: mirror.sink(KINDS[name], watched) for name, watched in WATCHED.items()}
    container = {
        "name": "c",
        "image": "app:1",
        "command": ["run", f"--password={PLANTED}"],
        "args": [PLANTED],
        "env": [{"name": "TOKEN", "value": PLANTED}],
        "livenessProbe": {"httpGet": {"path": "/", "port": 1, "httpHeaders": [{"name": "A", "value": PLANTED}]}},
        "lifecycle": {"preStop": {"exec": {"command": [PLANTED]}}},
        "resources": {"requests": {"cpu": "1"}},
    }
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": f'{{"env": "{PLANTED}"}}', "note": PLANTED}
    metadata = {"namespace": "default", "labels": {"app": "shown"}, "annotations": annotations, "resourceVersion": "1"}
    spec = {
        "schedulerName": "yuheng",
        "containers": [container],
        "initContainers": [{**container, "name": "i"}],
        "imagePullSecrets": [{"name": PLANTED}],
        "volumes": [{"name": "v", "secret": {"secretName": PLANTED}}],
    }
    for name, node in (("waits", None), ("runs", "a")):
        pod = {"metadata": {**metadata, "name": name, "uid": name}, "spec": {**spec, "nodeName": node}}
        places["pods"].put(msgspec.Raw(msgspec.json.encode(pod)))
    amounts = {"cpu": "4", "memory": "8Gi", "pods": "10"}
    node = {"metadata": {"name": "a", "annotations": {"token": PLANTED}}, "status": {"allocatable": amounts}}
    places["nodes"].put(msgspec.Raw(msgspec.json.encode(node)))
    state = asyncio.run(mirror.snapshot())
    pods = [pod for pod in state.pods if pod.node is None]
    assert [pod.name for pod in pods] == ["waits"]
    told = [Turn(1, [Renewed(state)], pods, Asked(NOON), Decisions()), Turn(2, mirror.changes(), [], Asked(NOON), "")]
    told[1] = told[1]._replace(told=[Came(pod) for pod in state.pods if pod.node], outcome=Decisions())
    written(tmp_path, told, limits=DEFAULT)
    content = b"".join(Frames(files(tmp_path)[0]))
    assert b"shown" in content
    assert PLANTED.encode() not in content
    assert b"TOKEN" not in content
