"""The record as it is written: beside the engine, in a thread of its own, and never in its way.

The engine leaves a turn here and goes on. Turns that wait to be written are few: where the disk is too slow, turns are
left out, and the part ends, for what follows cannot be replayed without them. The next part begins with the next whole
state, which is asked for by `wants_state`. The same happens when a disk is full: it is told once, and tried again.

What is written is on the disk some seconds later, and at the end of a part: a machine that loses power loses no more.
That is waited for by the same thread, and by nobody else.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog

from yuheng import __version__
from yuheng.kubernetes.recording.encoding import Encoder
from yuheng.kubernetes.recording.format import SUFFIX, Begin
from yuheng.kubernetes.recording.place import Place
from yuheng.kubernetes.recording.reader import files
from yuheng.kubernetes.recording.turn import Turn
from yuheng.model.live import Asked, Change, Decisions
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy

__all__ = ["Counts", "Limits", "Output", "Recorder", "Started", "create"]

# How much may wait to be written, by `Turn.weight`.
MOST_WAITING: Final = 150_000
# Seconds after a write failed, before another part is begun.
PAUSE: Final = 30.0
# Seconds after which what was written is to be on the disk.
TO_DISK: Final = 5.0
# Specifications and labels that a part may add to those of its first state.
MOST_NEW: Final = 100_000
# Seconds that the end of the process waits for what is not written yet.
PATIENCE: Final = 10.0
_log = structlog.get_logger("yuheng.recording")


class Output(Protocol):
    """A file that is being written."""

    def write(self, data: bytes) -> None:
        """Write all of it, or fail with an `OSError` and leave the file as it was before."""

    def sync(self) -> None:
        """Wait until what was written is on the disk, or fail with an `OSError`."""

    def close(self) -> None:
        """No more is written."""


class Limits(NamedTuple):
    """How large a record may be, in bytes: one part of it, and all that are kept.

    A part gets twice as large as the state that it begins with where that is more.
    """

    part: int = 64 << 20
    total: int = 1 << 30


class Started(NamedTuple):
    """What the engine was started with: its policy, None for that of the state, and its seed."""

    policy: Policy | None = None
    seed: int = 0


class Counts(msgspec.Struct):
    """What was written so far.

    Attributes:
        turns: written.
        lost: turns that were not written.
        failures: times that writing failed.
        size: bytes written, those that were deleted since among them.
    """

    turns: int = 0
    lost: int = 0
    failures: int = 0
    size: int = 0


class _File:
    """A file on a disk."""

    def __init__(self, path: Path) -> None:
        # What a cluster holds is not everybody's business.
        self._number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._size = 0

    def write(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._number, left) :]
        except OSError:
            os.ftruncate(self._number, self._size)
            raise
        self._size += len(data)

    def sync(self) -> None:
        # Of what a file system knows of a file its size is enough; not every system can tell them apart.
        getattr(os, "fdatasync", os.fsync)(self._number)

    def close(self) -> None:
        os.close(self._number)


def create(path: Path) -> Output:
    """A new file, whose name is on the disk.

    Raises:
        OSError: there is one already, or it cannot be made.
    """
    found = _File(path)
    # Some file systems know no such thing.
    with suppress(OSError):
        number = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    return found


class Recorder:
    """Writes a record.

    Attributes:
        counts: what was written so far.
    """

    def __init__(
        self,
        folder: Path,
        started: Started = Started(),  # noqa: B008 -- immutable
        limits: Limits = Limits(),  # noqa: B008 -- immutable
        *,
        make: Callable[[Path], Output] = create,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Begin to write.

        Args:
            folder: where to; it is made where it is not there.
            started: what the engine is started with.
            limits: how large the record may be.
            make: makes a new file.
            now: seconds of a clock that never jumps.
            wall: seconds since the epoch.

        Raises:
            ConfigError: nothing can be written there, or another process writes there.
        """
        self.counts = Counts()
        self._folder = folder
        self._started = started
        self._limits = limits
        self._make = make
        self._now = now
        self._wall = wall
        self._run = uuid.uuid4().hex
        self._number = 0
        self._waiting: deque[Turn | None] = deque()
        self._weight = 0
        # Of the turns that wait, those that a part can begin with.
        self._beginnings = 0
        self._changed = threading.Condition()
        self._closing = False
        self._output: Output | None = None
        self._path = folder
        self._encoder = Encoder()
        self._size = 0
        # After the state that the part begins with.
        self._first_size = 0
        self._first_known = 0
        self._is_due = False
        self._again_at = 0.0
        # When what was written is to be on the disk; None where it is.
        self._sync_at: float | None = None
        self._is_failing = False
        self._place = Place(folder)
        self._thread = threading.Thread(target=self._work, name="yuheng-record", daemon=True)
        self._thread.start()

    @property
    def wants_state(self) -> bool:
        """Whether a new part is to be begun, for which the whole state has to be told, and has not been."""
        return not self._beginnings and self._begins_next

    @property
    def _begins_next(self) -> bool:
        return self._is_due or (self._output is None and self._now() >= self._again_at)

    def turn(self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked, outcome: Decisions | str) -> None:
        """A turn has ended; none of this is changed afterwards. It is only left here, to be written later."""
        with self._changed:
            self._number += 1
            turn = Turn(self._number, told, pods, asked, outcome)
            if self._waiting and self._weight + turn.weight > MOST_WAITING:
                self.counts.lost += 1
                # None marks where turns are missing.
                if self._waiting[-1] is not None:
                    self._waiting.append(None)
            else:
                self._waiting.append(turn)
                self._weight += turn.weight
                self._beginnings += turn.begins
            self._changed.notify_all()

    def size(self) -> int:
        """How many bytes the record takes on disk."""
        with suppress(OSError):
            return sum(path.stat().st_size for path in files(self._folder))
        return 0

    def flush(self, timeout: float = PATIENCE) -> bool:
        """Wait until all is written; whether it is so after so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def close(self) -> None:
        """Write what is left, for some seconds at most, and end."""
        self.flush()
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(PATIENCE)
        if not self._thread.is_alive():
            self._place.leave()

    def _work(self) -> None:
        while self._wait():
            if self._waiting:
                self._next(self._waiting[0])
            if self._sync_at is not None and self._now() >= self._sync_at:
                self._sync()
        self._end()

    def _wait(self) -> bool:
        """Wait for a turn, or until what was written is to be on the disk; False at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._closing, None if self._sync_at is None else self._sync_at - self._now()
            )
            return bool(self._waiting) or not self._closing

    def _next(self, turn: Turn | None) -> None:
        if turn is None:
            self._end()
        else:
            self._write(turn)
        with self._changed:
            self._waiting.popleft()
            if turn is not None:
                self._weight -= turn.weight
                self._beginnings -= turn.begins
            self._changed.notify_all()

    def _sync(self) -> None:
        self._sync_at = None
        try:
            if self._output is not None:
                self._output.sync()
        except OSError as error:
            self._fail(error)

    def _write(self, turn: Turn) -> None:
        try:
            if turn.begins and self._begins_next:
                self._begin()
            if self._output is None:
                self.counts.lost += 1
                return
            self._put(self._encoder.turn(turn))
        except Exception as error:  # whatever it is, scheduling goes on, and the next part may do better
            self.counts.lost += 1
            self._fail(error)
            return
        self.counts.turns += 1
        if self._is_failing:
            self._is_failing = False
            _log.info("the record goes on", folder=str(self._folder), turns_lost=self.counts.lost)
        self._limit(turn)

    def _begin(self) -> None:
        """Begin a part, and delete the oldest ones."""
        self._end()
        self._place.hold()
        there = files(self._folder)
        self._keep(there)
        number = int(there[-1].stem) + 1 if there else 1
        self._encoder = Encoder()
        self._path = self._folder / f"{number:08}{SUFFIX}"
        self._output = self._make(self._path)
        self._put(
            self._encoder.begin(
                Begin(
                    yuheng=__version__,
                    run=self._run,
                    time=self._wall(),
                    policy=self._started.policy,
                    seed=self._started.seed,
                )
            )
        )

    def _keep(self, there: Sequence[Path]) -> None:
        """Delete the oldest parts, until another one has room."""
        sizes = [path.stat().st_size for path in there]
        left = sum(sizes) + self._limits.part - self._limits.total
        for path, size in zip(there, sizes, strict=True):
            if left <= 0:
                return
            path.unlink(missing_ok=True)
            left -= size

    def _put(self, data: bytes) -> None:
        if self._output is not None:
            self._output.write(data)
            if self._sync_at is None:
                self._sync_at = self._now() + TO_DISK
            self._size += len(data)
            self.counts.size += len(data)

    def _limit(self, turn: Turn) -> None:
        """See whether the part is large enough; one that gets far too large, for no state could be told, ends.

        Where the state alone is larger than a part should be, that much is told of what came after it, at least: else
        every turn would begin a part, and no part would tell of more than one.
        """
        if turn.begins and not self._first_size:
            self._first_known, self._first_size = self._encoder.known, self._size
        limit = max(self._limits.part, 2 * self._first_size)
        self._is_due = self._size >= limit or self._encoder.known - self._first_known > MOST_NEW
        if self._size >= 2 * limit:
            self._end()

    def _end(self) -> None:
        """End the part; nothing is written until another one begins."""
        output, self._output = self._output, None
        is_synced, self._sync_at = self._sync_at is None, None
        self._encoder, self._size, self._is_due = Encoder(), 0, False
        self._first_known, self._first_size = 0, 0
        if output is not None:
            try:
                try:
                    if not is_synced:
                        output.sync()
                finally:
                    output.close()
            except OSError as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.counts.failures += 1
        self._again_at = self._now() + PAUSE
        if not self._is_failing:
            self._is_failing = True
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            _log.warning("the record cannot be written; scheduling goes on", folder=str(self._folder), reason=reason)
        is_empty = self._output is not None and not self._size
        self._end()
        if is_empty:
            with suppress(OSError):
                self._path.unlink()
