"""What a server has answered, on disk: a folder for each span, so that a run that was killed goes on where it was.

A folder holds a Parquet file for each query, a manifest that says which queries those are, and, once all of them are
there, the table of usage made from them, after which they go. Every file is written under another name and then
renamed: what has its name is whole. A file counts only as the manifest tells it, name and size.

Two runs at once, of the same server and days, take turns at each folder: the second waits, and finds what the first has
asked for. Whoever holds a folder removes what a killed run has left in it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from uuid import uuid4

import msgspec

from yuheng.errors import ConfigError
from yuheng.model.units import WEEK
from yuheng.readers.usage.prometheus.spans import Span

if sys.platform != "win32":
    import fcntl

__all__ = ["Kept", "Manifest", "Piece", "Plan", "SpanFolder", "Store", "default_cache"]

# Another number where what is asked, or how it is kept, changes: older answers then do not count.
_VERSION: Final = 1
_MANIFEST: Final = "manifest.json"
_USAGE: Final = "usage.parquet"
_LOCK: Final = ".lock"
_SCRATCH: Final = ".scratch-"
# Seconds after which what will hardly be asked for again is removed, and what a killed run left half-written.
_STALE: Final = WEEK


class Plan(msgspec.Struct, frozen=True):
    """How the series of a column are asked for over a span.

    Attributes:
        metric: the place of the metric among those that may tell the column.
        groups: conditions on labels, one query each.
        halved: the server could not count so much at once: the two halves of the span have plans of their own.
        notes: what has to be told.
    """

    metric: int = 0
    groups: tuple[str, ...] = ()
    halved: bool = False
    notes: tuple[str, ...] = ()


class Piece(msgspec.Struct, frozen=True):
    """What one query answered.

    Attributes:
        file: in the folder.
        size: in bytes.
        rows: samples.
        halved: the server could not answer so much at once: the halves of the span are pieces of their own.
    """

    file: str = ""
    size: int = 0
    rows: int = 0
    halved: bool = False


class Kept(msgspec.Struct, frozen=True):
    """The table of usage of a span.

    Attributes:
        size: in bytes.
        rows: by column, how many samples there are.
    """

    size: int
    rows: dict[str, int]


class Manifest(msgspec.Struct):
    """What a folder holds.

    Attributes:
        settled: whether the span had ended long enough before it was asked for, and all of the server answered.
        plans: by column and span.
        pieces: by query and span.
        missing: what did not answer; empty where all did.
        usage: once all is there.
    """

    settled: bool = True
    plans: dict[str, Plan] = {}
    pieces: dict[str, Piece] = {}
    missing: str = ""
    usage: Kept | None = None

    def notes(self) -> list[str]:
        """What has to be told."""
        found = [note for plan in self.plans.values() for note in plan.notes]
        return [*found, self.missing] if self.missing else found

    def has_series(self, column: str) -> bool:
        """Whether the server knows series of a column."""
        return any(plan.groups for key, plan in self.plans.items() if key.startswith(f"{column} "))


class SpanFolder:
    """The folder of a span.

    Args:
        path: where it is.
        settled: whether what is answered now will stay so.
    """

    def __init__(self, path: Path, *, settled: bool) -> None:
        self.path = path
        self._settled = settled
        self.manifest = self._usable()

    @property
    def usage(self) -> Path:
        """The table of usage."""
        return self.path / _USAGE

    @property
    def is_complete(self) -> bool:
        """Whether the table is there, whole and final."""
        kept = self.manifest.usage
        return kept is not None and self.manifest.settled and _size(self.usage) == kept.size

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs from the folder; what one of them has put there meanwhile counts.

        Raises:
            ConfigError: it cannot be written to.
        """
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / _LOCK).open("ab")
        with lock:
            is_alone = _locked(lock)
            self.manifest = self._usable()
            if is_alone:
                self._sweep()
            yield

    def piece(self, key: str) -> Piece | None:
        """What a query answered; None where it has to be asked."""
        found = self.manifest.pieces.get(key)
        if found is None or (not found.halved and _size(self.path / found.file) != found.size):
            return None
        return found

    def put_plan(self, key: str, plan: Plan) -> None:
        """Keep a plan."""
        self.manifest.plans[key] = plan
        self._write_manifest()

    def put_piece(self, key: str, rows: int, write: Callable[[Path], None]) -> Piece:
        """Keep an answer.

        Args:
            key: the query and its span.
            rows: samples.
            write: writes the file to a path.
        """
        name = f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.parquet"
        piece = Piece(name, self._renamed(name, write), rows)
        self.manifest.pieces[key] = piece
        self._write_manifest()
        return piece

    def put_halved(self, key: str) -> Piece:
        """Keep that a query was too much."""
        piece = self.manifest.pieces[key] = Piece(halved=True)
        self._write_manifest()
        return piece

    def put_partial(self, note: str) -> None:
        """Keep that some of the server did not answer: all of the span is asked for again next time."""
        self.manifest.settled = False
        self.manifest.missing = note

    def put_usage(self, rows: dict[str, int], write: Callable[[Path], None]) -> None:
        """Keep the table of usage, and let the answers go that it was made from."""
        self.manifest.usage = Kept(self._renamed(_USAGE, write), rows)
        pieces = list(self.manifest.pieces.values())
        self.manifest.pieces = {}
        self._write_manifest()
        for piece in pieces:
            if piece.file:
                (self.path / piece.file).unlink(missing_ok=True)

    def _usable(self) -> Manifest:
        found = self._read()
        # What was asked for too early, and was perhaps not all there yet, does not count later either.
        return found if found is not None and found.settled and self._settled else Manifest(settled=self._settled)

    def _sweep(self) -> None:
        """Remove what no manifest tells of: half-written files, and answers that a killed run kept or used up."""
        known = {_MANIFEST, _USAGE, _LOCK, *(piece.file for piece in self.manifest.pieces.values())}
        for entry in self.path.iterdir():
            if entry.name not in known:
                entry.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Whoever cannot write is told of ``--cache``."""
        try:
            yield
        except OSError as error:
            found = error.strerror or error
            raise ConfigError(f"--cache {self.path}: found {found}, expected a place to write to") from error

    def _read(self) -> Manifest | None:
        try:
            return msgspec.json.decode((self.path / _MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _write_manifest(self) -> None:
        body = msgspec.json.encode(self.manifest)

        def write(path: Path) -> None:
            path.write_bytes(body)

        self._renamed(_MANIFEST, write)

    def _renamed(self, name: str, write: Callable[[Path], None]) -> int:
        """Write beside the place, and move there.

        Returns:
            The size in bytes.

        Raises:
            ConfigError: it cannot be written.
        """
        written = self.path / f".{name}.{uuid4().hex}"
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                write(written)
                size = written.stat().st_size
                written.replace(self.path / name)
            except BaseException:
                written.unlink(missing_ok=True)
                raise
        return size


class Store:
    """All answers of one server to one kind of question.

    Args:
        folder: the cache.
        identity: what tells servers and questions apart.
        step: in seconds.
        length: of a whole span, in seconds.
    """

    def __init__(self, folder: Path, identity: str, step: int, length: int) -> None:
        digest = hashlib.sha256(f"{_VERSION}\n{identity}".encode()).hexdigest()[:16]
        self._base = folder / digest / f"{step}s"
        self._length = length

    @property
    def scratch(self) -> Path:
        """A folder for what does not fit into memory; it is there only while it is needed."""
        return self._base / f"{_SCRATCH}{os.getpid()}"

    def folder(self, span: Span, *, settled: bool) -> SpanFolder:
        """The folder of a span."""
        return SpanFolder(self._base / str(span), settled=settled)

    def open(self) -> None:
        """Make the folder, for its owner alone, and remove what nobody will ask for again.

        That is spans cut off by the end of some earlier period, when they are a week old, with what a killed run left
        half-written in them.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            self._base.mkdir(parents=True, exist_ok=True, mode=0o700)
            old = [entry for entry in self._base.iterdir() if time.time() - entry.stat().st_mtime > _STALE]
        except OSError as error:
            found = error.strerror or error
            raise ConfigError(f"--cache {self._base}: found {found}, expected a place to write to") from error
        for entry in old:
            start, _, end = entry.name.partition("-")
            is_span = start.isdecimal() and end.isdecimal()
            if entry.name.startswith(_SCRATCH) or (is_span and not Span(int(start), int(end)).is_whole(self._length)):
                shutil.rmtree(entry, ignore_errors=True)


def default_cache() -> Path:
    """Beside the other caches of Yuheng.

    Raises:
        ConfigError: the user has no home directory.
    """
    chosen = os.environ.get("YUHENG_CACHE_DIR")
    try:
        base = Path(chosen or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError as error:
        raise ConfigError("found no home directory, expected --cache") from error
    return base / ("prometheus" if chosen else "yuheng/prometheus")


def _locked(stream: IO[bytes]) -> bool:
    """Wait until nobody else holds a file; it is given back when it is closed, or with the end of the process.

    Returns:
        Whether it is held: not every system and network drive can.
    """
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(stream, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
