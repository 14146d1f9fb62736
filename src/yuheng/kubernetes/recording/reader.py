"""A record, part by part, turn by turn: no more of it is in memory than what one part tells of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from yuheng import __version__
from yuheng.errors import InputError, NotFoundError
from yuheng.kubernetes.recording.decoding import Decoder, decode_begin
from yuheng.kubernetes.recording.format import SUFFIX, Begin
from yuheng.kubernetes.recording.frames import Frames
from yuheng.kubernetes.recording.turn import Turn

__all__ = ["Part", "files", "parts"]

_WRONG: Final = (msgspec.MsgspecError, LookupError, ValueError, TypeError)


class Part:
    """One file of a record.

    Attributes:
        path: the file.
        begin: what it begins with; None for one that was torn before it began.
        is_torn: whether its end was cut off; known once all turns were given.
        lost: how many bytes of its end were lost that may have been several turns; 0 where it was the half of one.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            InputError: it is no record, or damaged.
        """
        self.path = path
        self._frames = Frames(path)
        self._contents = iter(self._frames)
        self.begin = self._begin()

    @property
    def is_torn(self) -> bool:
        """See the class."""
        return self._frames.is_torn

    @property
    def lost(self) -> int:
        """See the class."""
        return self._frames.lost

    def _begin(self) -> Begin | None:
        content = next(self._contents, None)
        if content is None:
            return None
        try:
            return decode_begin(content)
        except _WRONG as error:
            raise self._frames.wrong(f"what is no beginning of a part ({error})") from error

    def turns(self) -> Iterator[Turn]:
        """The turns, in order; once only.

        Raises:
            InputError: the file is damaged.
        """
        decoder = Decoder()
        for content in self._contents:
            try:
                turn = decoder.turn(content)
            except _WRONG as error:
                raise self._no_turn(error) from error
            yield turn

    def _no_turn(self, error: Exception) -> InputError:
        """A frame that is whole, and says what cannot be read: another version may know what it means."""
        found, writer = f"what is no turn ({error})", self.begin.yuheng if self.begin is not None else __version__
        if writer == __version__:
            return self._frames.wrong(found)
        return self._frames.wrong(found, f"what Yuheng {__version__} writes: this was written by {writer!r}")

    def wrong(self, found: str) -> InputError:
        """An error about the turn that was given last."""
        return self._frames.wrong(found)


def files(folder: Path) -> list[Path]:
    """The files of a record, oldest first."""
    found = [path for path in folder.glob(f"*{SUFFIX}") if path.stem.isdecimal() and path.stem.isascii()]
    return sorted(found, key=lambda path: (int(path.stem), path.name))


def parts(folder: Path) -> Iterator[Part]:
    """The parts of a record, oldest first, each opened when it is its turn.

    Args:
        folder: what ``--record`` named.

    Raises:
        NotFoundError: there is no such folder, or no record in it.
        InputError: a file is no record, or damaged.
    """
    if not folder.is_dir():
        raise NotFoundError(f"{folder}: found no such folder, expected one that `yuheng run --record` wrote to")
    found = files(folder)
    if not found:
        raise NotFoundError(f"{folder}: found no file *{SUFFIX}, expected a record of `yuheng run --record`")
    return map(Part, found)
