"""Gzip, recognised by its first bytes, decompressed piece by piece: a small file may hold very much."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO, Final

from yuheng.errors import InputError

__all__ = ["MAGIC", "inflate", "too_large"]

MAGIC: Final = b"\x1f\x8b"
_CHUNK: Final = 1024 * 1024


def inflate(head: bytes, stream: BinaryIO, name: str, limit: int) -> bytearray:
    """Decompress what begins with these bytes and goes on in the stream.

    Raises:
        InputError: the data are damaged or cut off, or more than ``limit`` bytes come out.
    """
    data = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BufferedReader(_Joined(head, stream)), mode="rb") as source:
            while chunk := source.read(_CHUNK):
                data += chunk
                if len(data) > limit:
                    raise too_large(name, limit)
    except EOFError as error:
        raise InputError("a gzip file that is cut off", "a whole one", source=name) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"a damaged gzip file ({error})", source=name) from error
    return data


def too_large(name: str, limit: int) -> InputError:
    """The error of a file that has more than this many bytes after decompression."""
    return InputError(f"more than {limit / 1024**2:,.0f} MiB after decompression", "a smaller file", source=name)


class _Joined(io.RawIOBase):
    """What has been read from a stream already, and then the rest of it."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = memoryview(head)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._head:
            part = self._head[: len(buffer)]
            self._head = self._head[len(part) :]
        else:
            part = memoryview(self._stream.read(len(buffer)))
        buffer[: len(part)] = part
        return len(part)
