"""What of a record is read, counted on the way: parts, turns, and what is missing between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yuheng.kubernetes.recording.reader import Part
from yuheng.kubernetes.recording.turn import Turn
from yuheng.model.replay import Covered
from yuheng.model.words import count

__all__ = ["Covering"]


class Covering:
    """Reads parts, and counts."""

    def __init__(self) -> None:
        self._parts = 0
        self._turns = 0
        self._pods = 0
        self._first: float | None = None
        self._last: float | None = None
        self._versions: dict[str, None] = {}
        self._notes: list[str] = []
        self._run = ""
        self._number = 0

    def parts(self, parts: Iterable[Part]) -> Iterator[Part]:
        """The parts that hold turns."""
        for part in parts:
            self._parts += 1
            if part.begin is None:
                self._notes.append(f"{part.path.name}: it is empty: its writer was ended before it began")
                continue
            self._versions[part.begin.yuheng] = None
            yield part

    def turns(self, part: Part) -> Iterator[Turn]:
        """The turns of a part.

        Raises:
            InputError: the part is damaged.
        """
        run = part.begin.run if part.begin is not None else ""
        before = self._number if run == self._run else 0
        for number, turn in enumerate(part.turns()):
            if not number and not turn.begins:
                raise part.wrong("a first turn that does not tell the state")
            if before and turn.number != before + 1:
                missing = count(turn.number - before - 1, "turn")
                self._notes.append(f"{part.path.name}: {missing} before turn {turn.number} were not written")
            before = turn.number
            self._count(turn)
            yield turn
        self._run, self._number = run, before
        if part.is_torn:
            self._notes.append(f"{part.path.name}: {_end_of(part, before)}")

    def _count(self, turn: Turn) -> None:
        self._turns += 1
        self._pods += len(turn.pods)
        if self._first is None:
            self._first = turn.asked.time
        self._last = turn.asked.time

    def found(self) -> Covered:
        """What was read so far."""
        versions = tuple(self._versions)
        return Covered(self._parts, self._turns, self._pods, self._first, self._last, versions, tuple(self._notes))


def _end_of(part: Part, number: int) -> str:
    """What became of the end of a part, of which a turn was read last."""
    if not part.lost:
        return "its end was cut off: the last turn of it is left out"
    missing = f"its last {part.lost:,} bytes were not on the disk when its writer ended"
    return f"{missing}: " + (f"what came after turn {number} is lost" if number else "no turn of it is left")
