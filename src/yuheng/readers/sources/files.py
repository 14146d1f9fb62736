"""Files, folders and standard input, as named contents."""

from __future__ import annotations

import io
import mmap
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import msgspec

from yuheng.errors import InputError, NotFoundError
from yuheng.readers.sources.compression import MAGIC, inflate, too_large

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LIMIT", "STDIN", "Content", "Named", "check_once", "contents"]

STDIN: Final = "-"
SUFFIXES: Final = (".json", ".yaml", ".yml", ".csv")
# The largest cluster that Kubernetes supports (5,000 nodes, 150,000 pods) is about 1 GiB of JSON.
LIMIT: Final = 2 * 1024**3
_CHUNK: Final = 1024**2


class Named(str):
    """A path to a file that is told of by another name: whoever reads of it knows where it comes from, not the path.

    Attributes:
        name: what it is called.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, path: Path, name: str) -> Named:
        """The path, and what it is called."""
        named = super().__new__(cls, path)
        named.name = name
        return named


class Content(msgspec.Struct, frozen=True):
    """The content of one file.

    Attributes:
        name: the path as it was given or found, or ``<stdin>``, or what a `Named` path is called.
        data: the bytes, decompressed; large files are mapped, not copied.
    """

    name: str
    data: memoryview


def contents(source: str | Path, limit: int = LIMIT) -> Iterator[Content]:
    """Everything there is at a path.

    Args:
        source: a file, a folder (with the folders in it), or ``-`` for standard input.
        limit: the most bytes that one file may have, after decompression.

    Yields:
        The files, in the order of their paths.

    Raises:
        InputError: a file cannot be read, is empty or too large, or a folder holds no manifest.
        NotFoundError: there is nothing at the path.
    """
    if str(source) == STDIN:
        yield _read("<stdin>", sys.stdin.buffer, limit)
        return
    if "\0" in str(source):
        raise NotFoundError(f"{str(source)!r}: no such file or folder")
    for path in _files(Path(source)):
        try:
            stream = path.open("rb")
        except FileNotFoundError as error:
            raise NotFoundError(f"{path}: no such file or folder") from error
        except OSError as error:
            raise _unreadable(path, error) from error
        with stream:
            name = source.name if isinstance(source, Named) else str(path)
            content = _read(name, stream, limit)
        yield content


def check_once(paths: Iterable[Path], expected: str) -> None:
    """Refuse a file that is named twice, under whatever name: what is in it would count twice.

    Args:
        paths: as they were given.
        expected: what should have been.

    Raises:
        InputError: two of them are one file.
    """
    known: set[Path] = set()
    for path in paths:
        if path.resolve() in known:
            raise InputError("the same file twice", expected, source=str(path))
        known.add(path.resolve())


def _files(path: Path) -> list[Path]:
    try:
        found = _manifests(path) if path.is_dir() else [path]
    except OSError as error:
        raise _unreadable(path, error) from error
    if not found:
        expected = f"files named {', '.join('*' + suffix for suffix in SUFFIXES)}, or these with .gz"
        raise InputError("no manifest in this folder", expected, source=str(path))
    return found


def _manifests(folder: Path) -> list[Path]:
    """The files in a folder and the folders in it; links to folders are not followed: they may loop."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found += [] if entry.is_symlink() else _manifests(entry)
        elif entry.name.lower().removesuffix(".gz").endswith(SUFFIXES) and not _is_special(entry):
            found.append(entry)
    return found


def _is_special(entry: Path) -> bool:
    """Whether it is a pipe or a device, which nobody named and which may never end."""
    return entry.exists() and not entry.is_file()


def _unreadable(path: str | Path, error: OSError) -> InputError:
    return InputError(f"what cannot be read: {error.strerror}", "a file or folder", source=error.filename or str(path))


def _read(name: str, stream: BinaryIO, limit: int) -> Content:
    try:
        data = _data(name, stream, limit)
    except OSError as error:
        raise _unreadable(name, error) from error
    if len(data) < _CHUNK and not bytes(data).strip():
        raise InputError("an empty file", "Kubernetes objects or a CSV trace", source=name)
    return Content(name, data)


def _data(name: str, stream: BinaryIO, limit: int) -> memoryview:
    head = stream.read(_CHUNK)
    if head.startswith(MAGIC):
        return memoryview(inflate(head, stream, name, limit))
    if len(head) < _CHUNK:
        return memoryview(head)
    size = _size(stream)
    if size > limit:
        raise too_large(name, limit)
    if size:
        # To copy a large file costs more time than to decode it.
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    return memoryview(_unknown_size(head, stream, name, limit))


def _size(stream: BinaryIO) -> int:
    """The size of a regular file; 0 for what flows (a pipe), or has no file behind it."""
    try:
        status = os.fstat(stream.fileno())
    except io.UnsupportedOperation:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _unknown_size(head: bytes, stream: BinaryIO, name: str, limit: int) -> bytearray:
    data = bytearray(head)
    while chunk := stream.read(_CHUNK):
        data += chunk
        if len(data) > limit:
            raise too_large(name, limit)
    return data
