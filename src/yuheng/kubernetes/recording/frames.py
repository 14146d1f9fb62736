"""A part's file, frame by frame: what is whole is given, a torn end is told of, and damage is found.

A process that was killed, and a disk that was full, leave half a frame at the end. A machine that lost power leaves
what had not reached the disk as zeros, or as what was there before, from anywhere within a frame on; some of what was
written later may have reached it, with sectors of zeros before. That is how records end now and then, and costs what
was not on the disk: the turns before it are given. Anything else that does not add up is damage: there, whole frames
follow what was changed.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from yuheng.errors import InputError
from yuheng.kubernetes.recording.format import FIRST_LINE, FORMAT, HEADER, MOST_BYTES, WORD

__all__ = ["Frames"]

_LONGEST_LINE: Final = 64
_WHOLE: Final = "a frame of a record as it was written"
# What a disk writes whole or not at all, in bytes.
_SECTOR: Final = 512
# How much is looked through at once, in bytes.
_BLOCK: Final = 1 << 20


class Frames:
    """The frames of one file.

    Attributes:
        path: the file.
        offset: where the last frame that was given begins, in bytes.
        is_torn: whether the end of the file was left out; known once all were given.
        lost: how many bytes were left out that may have been several frames; 0 where it was the half of one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.is_torn = False
        self.lost = 0
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
            self._leave_out(file, file.tell(), size, "a header that is damaged")
            return None
        end = file.tell() + length
        if end > size:
            return None
        payload = file.read(length)
        if zlib.crc32(payload) == checksum:
            return payload
        if end < size:
            self._leave_out(file, end, size, "content that is damaged")
        return None

    def _leave_out(self, file: BinaryIO, end: int, size: int, found: str) -> None:
        """What was not on the disk when the power went is left out.

        Raises:
            InputError: it was written as it should be, and changed since.
        """
        if not _has_blank_sector(file, self.offset, end) and _goes_on(file, self.offset + 1, size):
            raise self.wrong(found)
        self.lost = size - self.offset

    def _content(self, payload: bytes) -> bytes:
        try:
            content = self._stream.decompress(payload, MOST_BYTES)
        except zlib.error as error:
            raise self.wrong(f"what cannot be decompressed ({error})") from error
        if self._stream.unconsumed_tail:
            raise self.wrong(f"a frame of more than {MOST_BYTES:,} bytes")
        return content


def _has_blank_sector(file: BinaryIO, start: int, end: int) -> bool:
    """Whether part of what is between two places was never written: no frame has that many zeros."""
    file.seek(start)
    if not file.read(HEADER.size).strip(b"\0"):
        return True
    file.seek(start - start % _SECTOR)
    return any(not file.read(_SECTOR).strip(b"\0") for _ in range(start // _SECTOR, -(-end // _SECTOR)))


def _goes_on(file: BinaryIO, start: int, size: int) -> bool:
    """Whether a frame begins somewhere from a place on: the checksum of a header is hardly ever met by chance."""
    # The last byte of a length that fits into the file.
    likely = re.compile(rb"(?=...[\x00-\x%02x])" % min(size >> 24, 0x3F), re.DOTALL)
    for place in range(start, size, _BLOCK):
        file.seek(place)
        block = file.read(_BLOCK + HEADER.size - 1)
        if not block.strip(b"\0"):
            # Each place of it would be looked at.
            continue
        for match in likely.finditer(block, 0, max(0, len(block) - HEADER.size + 4)):
            length, _, own = HEADER.unpack_from(block, match.start())
            there = place + match.start()
            if there + HEADER.size + length <= size and own == zlib.crc32(block[match.start() : match.start() + 8]):
                return True
    return False
