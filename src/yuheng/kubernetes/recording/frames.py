"""A part's file, frame by frame: what is whole is given, a torn end is told of, and damage is found.

A process that was killed, and a disk that was full, leave half a frame at the end; a machine that lost power may leave
zeros. That is how records end now and then, and costs the last turn. Anything else that does not add up is damage.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from yuheng.errors import InputError
from yuheng.kubernetes.recording.format import FIRST_LINE, FORMAT, HEADER, MOST_BYTES, WORD

__all__ = ["Frames"]

_LONGEST_LINE: Final = 64
_WHOLE: Final = "a frame of a record as it was written"


class Frames:
    """The frames of one file.

    Attributes:
        path: the file.
        offset: where the last frame that was given begins, in bytes.
        is_torn: whether the file ends within a frame, which was left out; known once all were given.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.is_torn = False
        self._stream = zlib.decompressobj()

    def wrong(self, found: str, expected: str = _WHOLE) -> InputError:
        """An error about the frame that was given last."""
        return InputError(found, expected, source=str(self.path), field=f"byte {self.offset:,}")

    def __iter__(self) -> Iterator[bytes]:
        """The content of each frame.

        Raises:
            InputError: the file is no record, one of a newer format, damaged, or cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                if self._is_record(file):
                    yield from self._frames(file, self.path.stat().st_size)
        except OSError as error:
            raise InputError(error.strerror or str(error), source=str(self.path)) from error

    def _is_record(self, file: BinaryIO) -> bool:
        """Whether a record begins here; one that was torn before it began is empty."""
        line = file.readline(_LONGEST_LINE)
        if line == FIRST_LINE:
            return True
        if FIRST_LINE.startswith(line) or not line.strip(b"\0"):
            self.is_torn = True
            return False
        version = line.removeprefix(WORD).removesuffix(b"\n")
        if line.startswith(WORD) and version.isdigit():
            raise self.wrong(
                f"a record of format {int(version)}", f"format {FORMAT}: another version of Yuheng wrote it"
            )
        raise self.wrong("something else", "a record that `yuheng run --record` wrote")

    def _frames(self, file: BinaryIO, size: int) -> Iterator[bytes]:
        while True:
            self.offset = file.tell()
            header = file.read(HEADER.size)
            if not header:
                return
            payload = self._payload(file, header, size)
            if payload is None:
                self.is_torn = True
                return
            yield self._content(payload)

    def _payload(self, file: BinaryIO, header: bytes, size: int) -> bytes | None:
        """What follows a header; None where the file was torn."""
        if len(header) < HEADER.size:
            return None
        length, checksum, own = HEADER.unpack(header)
        if own != zlib.crc32(header[:8]):
            if not header.strip(b"\0") and _is_blank(file):
                return None
            raise self.wrong("a header that is damaged")
        end = file.tell() + length
        if end > size:
            return None
        payload = file.read(length)
        if zlib.crc32(payload) == checksum:
            return payload
        if end == size:
            return None
        raise self.wrong("content that is damaged")

    def _content(self, payload: bytes) -> bytes:
        try:
            content = self._stream.decompress(payload, MOST_BYTES)
        except zlib.error as error:
            raise self.wrong(f"what cannot be decompressed ({error})") from error
        if self._stream.unconsumed_tail:
            raise self.wrong(f"a frame of more than {MOST_BYTES:,} bytes")
        return content


def _is_blank(file: BinaryIO) -> bool:
    """Whether only zeros are left."""
    return not any(block.strip(b"\0") for block in iter(lambda: file.read(1 << 20), b""))
