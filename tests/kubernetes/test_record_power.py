"""A record, and a machine that loses power: what reaches the disk when, and what is read of the rest."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.kubernetes.made_records import NOON, written
from tests.kubernetes.test_record_files import STATE, frames, plain, turn

from yuheng.kubernetes.recording import Recorder, parts, replay
from yuheng.kubernetes.recording import writer as module
from yuheng.kubernetes.recording.format import FIRST_LINE
from yuheng.kubernetes.recording.reader import files
from yuheng.kubernetes.recording.writer import create
from yuheng.model.live import Asked, Decisions, Renewed, Went


@pytest.fixture
def record(tmp_path: Path) -> Path:
    written(tmp_path / "record", plain(5))
    return tmp_path / "record"


@pytest.fixture
def file(record: Path) -> Path:
    return files(record)[0]


@pytest.mark.parametrize("junk", [bytes, lambda size: Random(7).randbytes(size)])
def test_what_was_not_on_the_disk_when_the_power_went_costs_no_turn_before_it(
    record: Path, file: Path, junk: Callable[[int], bytes]
):
    content = file.read_bytes()
    starts = frames(file)
    for place in range(len(FIRST_LINE), len(content)):
        file.write_bytes(content[:place] + junk(len(content) - place))
        whole = sum(end <= place for end in starts[2:])
        found = replay(parts(record)).covered
        # A byte that is as it was is no loss.
        assert whole <= found.turns <= whole + 1, place
        assert found.notes or file.read_bytes() == content


@pytest.mark.parametrize("size", [512, 4096, 3 * 4096])
def test_sectors_that_were_never_written_are_told_though_later_ones_were(tmp_path: Path, size: int):
    rng = Random(3)
    made = [turn(1, Renewed(STATE)), *(turn(i, Went(f"default/{rng.randbytes(300).hex()}")) for i in range(2, 120))]
    written(tmp_path, made)
    (file,) = files(tmp_path)
    content, starts = file.read_bytes(), frames(file)
    assert len(content) > 8 * 4096
    file.write_bytes(content[:8192] + bytes(size) + content[8192 + size :])
    whole = sum(end <= 8192 for end in starts[2:])
    found = replay(parts(tmp_path)).covered
    lost = len(content) - starts[whole + 1]
    assert found.turns == whole
    expected = (
        f"its last {lost:,} bytes were not on the disk when its writer ended: what came after turn {whole} is lost"
    )
    assert found.notes == (f"00000001.yrec: {expected}",)


def test_what_a_later_run_wrote_is_read_though_the_power_went_before(tmp_path: Path):
    written(tmp_path, plain(5))
    (file,) = files(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[: frames(file)[-2] + 5] + bytes(4096))
    written(tmp_path, plain(3))
    found = replay(parts(tmp_path)).covered
    assert (found.parts, found.turns, len(found.notes)) == (2, 4 + 3, 1)


class Cached:
    """A file of which it is known what is on the disk."""

    def __init__(self, path: Path) -> None:
        self._output = create(path)
        self.size = 0
        self.synced: list[tuple[int, str]] = []
        self.error: OSError | None = None

    def write(self, data: bytes) -> None:
        self._output.write(data)
        self.size += len(data)

    def sync(self) -> None:
        if self.error is not None:
            raise self.error
        self._output.sync()
        self.synced.append((self.size, threading.current_thread().name))

    def close(self) -> None:
        self._output.close()


def test_what_is_written_is_on_the_disk_some_seconds_later_and_at_the_end(tmp_path: Path):
    made: list[Cached] = []

    def make(path: Path) -> Cached:
        made.append(Cached(path))
        return made[-1]

    clock = [0.0]
    recorder = Recorder(tmp_path, make=make, now=lambda: clock[0])
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    assert recorder.flush()
    assert made[0].synced == []
    clock[0] = 5.5
    for i in range(50):
        recorder.turn([Went(f"default/{i}")], [], Asked(NOON), Decisions())
    recorder.close()
    sizes = [size for size, _ in made[0].synced]
    # Once for all that came in those seconds, and once for what came since.
    assert len(sizes) == 2
    assert 0 < sizes[0] < sizes[1] == made[0].size
    assert {name for _, name in made[0].synced} == {"yuheng-record"}


def test_what_is_written_gets_to_the_disk_though_nothing_happens_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TO_DISK", 0.01)
    on_disk = threading.Event()

    class Told(Cached):
        def sync(self) -> None:
            super().sync()
            on_disk.set()

    recorder = Recorder(tmp_path, make=Told)
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    assert on_disk.wait(10)
    recorder.close()


def test_a_disk_that_does_not_keep_what_it_takes_ends_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "TO_DISK", 0.0)
    made: list[Cached] = []

    def make(path: Path) -> Cached:
        made.append(Cached(path))
        made[-1].error = OSError(errno.EIO, "Input/output error")
        return made[-1]

    clock = [0.0]
    recorder = Recorder(tmp_path, make=make, now=lambda: clock[0])
    recorder.turn([Renewed(STATE)], [], Asked(NOON), Decisions())
    recorder.close()
    assert recorder.counts.failures == 1
    assert not recorder.wants_state
    clock[0] = 31.0
    assert recorder.wants_state
