"""A record, decided once more: by a fresh engine a part, told the same in the same order.

Where a decision comes out otherwise (another version of Yuheng, a record that was tampered with), the engine is put
back to what was recorded, so that every difference stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from yuheng.errors import InputError, NotFoundError
from yuheng.kubernetes.recording.covering import Covering
from yuheng.kubernetes.recording.format import Begin
from yuheng.kubernetes.recording.reader import Part, files
from yuheng.kubernetes.recording.state import Plain, bound_pods
from yuheng.kubernetes.recording.turn import Turn
from yuheng.kubernetes.recording.verdicts import differing, is_equal
from yuheng.model.live import Came, Decisions, Renewed, Went
from yuheng.model.pod import Pod
from yuheng.model.replay import Difference, Replay, ReplayMoment, told_time
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.planner import chosen_policy

__all__ = ["MOST_TOLD", "Moment", "differences_of", "find", "moment", "outcome_of", "put_back", "replay"]

# Differences that are told in words; all are counted.
MOST_TOLD: Final = 1000


def replay(parts: Iterable[Part], progress: Callable[[int], object] = lambda _: None) -> Replay:
    """Decide all of a record once more.

    Args:
        parts: of the record.
        progress: is told the turns that are done, now and then.

    Raises:
        InputError: a part is damaged.
    """
    covering = Covering()
    placed = evicted = differ = done = 0
    differences: list[Difference] = []
    for part in covering.parts(parts):
        for turn, found in _decided(part, covering):
            done += 1
            progress(done)
            if isinstance(turn.outcome, Decisions):
                placed += len(turn.outcome.placements)
                evicted += len(turn.outcome.evictions) + sum(len(one.victims) for one in turn.outcome.preemptions)
            told = differing(turn.outcome, found)
            differ += bool(told)
            differences += differences_of(part, turn, told)[: MOST_TOLD - len(differences)]
    return Replay(covering.found(), placed, evicted, differ, tuple(differences))


def _decided(part: Part, covering: Covering) -> Iterator[tuple[Turn, Decisions | str]]:
    """The turns of a part, and what is decided in them now."""
    if part.begin is None:
        return
    decider = Decider(part.begin.policy, part.begin.seed)
    for turn in covering.turns(part):
        found = outcome_of(decider, turn)
        if not is_equal(turn.outcome, found):
            put_back(decider, pods_of(turn), turn.outcome, found)
        yield turn, found


def pods_of(turn: Turn) -> dict[str, Pod]:
    """The pods that could be placed in a turn, by ``namespace/name``."""
    told = (pod for change in turn.told if isinstance(change, Renewed) for pod in change.snapshot.pods)
    waiting = {pod.key: pod for pod in told if pod.node is None}
    return {**waiting, **{pod.key: pod for pod in turn.pods}}


def outcome_of(decider: Decider, turn: Turn) -> Decisions | str:
    """What is decided in a turn, or why its state cannot be read."""
    try:
        return decider.turn(turn.told, turn.pods, turn.asked)
    except InputError as error:
        return str(error)


def put_back(
    decider: Decider, asked: Mapping[str, Pod], recorded: Decisions | str, found: Decisions | str
) -> list[Pod]:
    """Put an engine back to what was recorded, after it decided otherwise.

    Args:
        decider: the engine.
        asked: the pods that could be placed.
        recorded: what was decided then.
        found: what it decided now.

    Returns:
        The pods that it cannot be told of without the whole state.
    """
    if isinstance(found, Decisions):
        decider.take(Went(one.pod) for one in found.placements)
    if isinstance(recorded, str):
        return []
    bound = bound_pods(asked, recorded.placements)
    decider.take(Came(pod) for pod in bound if decider.tells(pod))
    return [pod for pod in bound if not decider.tells(pod)]


def differences_of(part: Part, turn: Turn, told: Iterable[tuple[str, str, str]]) -> list[Difference]:
    """What differs in a turn."""
    return [Difference(part.path.name, turn.number, turn.asked.time, *one) for one in told]


class Moment(NamedTuple):
    """A turn that was looked up: its part, and its number.

    Attributes:
        path: the part.
        number: of the turn.
    """

    path: Path
    number: int


def find(folder: Path, time: float) -> Moment:
    """The last turn until a time in which pods had their turn; the last one at all where none had.

    Args:
        folder: of the record.
        time: in seconds since the epoch.

    Raises:
        NotFoundError: the record begins later.
        InputError: a part is damaged.
    """
    first: float | None = None
    for path in reversed(files(folder)):
        found: Moment | None = None
        quiet: Moment | None = None
        for number, turn in enumerate(Part(path).turns()):
            first = turn.asked.time if first is None else min(first, turn.asked.time)
            if not number and turn.asked.time > time:
                break
            if turn.asked.time <= time:
                quiet = Moment(path, turn.number)
                found = quiet if _is_busy(turn) else found
        if found or quiet:
            return found or quiet  # type: ignore[return-value]
    begins = f"a record that begins at {told_time(first)}" if first is not None else "a record without turns"
    raise NotFoundError(f"{folder}: found {begins}, expected one of {told_time(time) or time}")


def _is_busy(turn: Turn) -> bool:
    return bool(turn.pods) or turn.outcome != Decisions()


def moment(folder: Path, time: float) -> ReplayMoment:
    """What was decided at a time, and on what.

    Args:
        folder: of the record.
        time: in seconds since the epoch; the last turn until then counts, of those in which pods had their turn.

    Raises:
        NotFoundError: the record begins later.
        InputError: a part is damaged.
    """
    wanted = find(folder, time)
    part, plain = Part(wanted.path), Plain()
    for turn, found in _decided(part, Covering()):
        plain.take(turn.told)
        if turn.number == wanted.number and part.begin is not None:
            return _told(part, part.begin, turn, plain, found)
        plain.follow(turn)
    raise InputError("no such turn any longer", f"turn {wanted.number}", source=str(wanted.path))


def _told(part: Part, begin: Begin, turn: Turn, plain: Plain, found: Decisions | str) -> ReplayMoment:
    state = plain.snapshot(list(plain.asked(turn).values()))
    outcome = turn.outcome
    return ReplayMoment(
        file=part.path.name,
        turn=turn.number,
        time=turn.asked.time,
        policy=chosen_policy(state, begin.policy, begin.seed).name,
        state=state,
        closed=tuple(sorted(plain.closed)),
        decisions=outcome if isinstance(outcome, Decisions) else None,
        problem=outcome if isinstance(outcome, str) else "",
        nominated=turn.asked.nominated,
        is_equal=is_equal(outcome, found),
    )
