"""What another policy would have done: asked in the state before each turn, and then put back to the record.

So it answers "what would it have decided there", turn by turn, and not "where would the cluster be by now": pods that
it would have kept off, or sent elsewhere, are where the record has them by the next turn. `yuheng simulate` answers the
other question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from yuheng.errors import InputError
from yuheng.kubernetes.recording.covering import Covering
from yuheng.kubernetes.recording.format import Begin
from yuheng.kubernetes.recording.reader import Part
from yuheng.kubernetes.recording.replaying import MOST_TOLD, differences_of, find, put_back
from yuheng.kubernetes.recording.state import Plain, bound_pods
from yuheng.kubernetes.recording.turn import Turn
from yuheng.kubernetes.recording.verdicts import NOTHING, THE_TURN, verdicts
from yuheng.model.live import Came, Change, Closed, Decisions, Renewed
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.replay import Covered, Difference, ReplayComparison, Sums
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.planner import chosen_policy

__all__ = ["compare", "compare_at"]


def compare(
    parts: Iterable[Part], policy: Policy, progress: Callable[[int], object] = lambda _: None
) -> ReplayComparison:
    """Ask another policy in every turn of a record.

    Args:
        parts: of the record.
        policy: the other policy.
        progress: is told the turns that are done, now and then.

    Raises:
        InputError: a part is damaged.
        ConfigError: the policy names a filter or score that does not exist.
    """
    covering, tally = Covering(), _Tally()
    recorded = ""
    for part in covering.parts(parts):
        for turn, plain, found in _asked(part, covering, policy):
            recorded = recorded or _policy_of(part, plain)
            tally.count(part, turn, plain, found)
            progress(tally.turns)
    return tally.result(covering.found(), recorded, policy.name)


def compare_at(folder: Path, time: float, policy: Policy) -> ReplayComparison:
    """Ask another policy in one turn of a record.

    Args:
        folder: of the record.
        time: in seconds since the epoch; the turn is that of `moment`.
        policy: the other policy.

    Raises:
        NotFoundError: the record begins later.
        InputError: a part is damaged.
        ConfigError: the policy names a filter or score that does not exist.
    """
    wanted, tally = find(folder, time), _Tally()
    part = Part(wanted.path)
    turns = _asked(part, Covering(), policy)
    turn, plain, found = next(one for one in turns if one[0].number == wanted.number)
    tally.count(part, turn, plain, found)
    versions = (part.begin.yuheng,) if part.begin is not None else ()
    covered = Covered(1, 1, len(turn.pods), turn.asked.time, turn.asked.time, versions)
    return tally.result(covered, _policy_of(part, plain), policy.name)


def _asked(part: Part, covering: Covering, policy: Policy) -> Iterator[tuple[Turn, Plain, Decisions | str]]:
    """The turns of a part, the state before each, and what another policy decides in it."""
    if part.begin is None:
        return
    plain, other = Plain(), _Other(policy, part.begin)
    for turn in covering.turns(part):
        plain.take(turn.told)
        yield turn, plain, other.turn(turn, plain)
        plain.follow(turn)


def _policy_of(part: Part, plain: Plain) -> str:
    """The name of the policy that decided."""
    begin = part.begin
    return "" if begin is None else chosen_policy(plain.snapshot(()), begin.policy, begin.seed).name


class _Other:
    """An engine with the other policy, kept to the record."""

    def __init__(self, policy: Policy, begin: Begin) -> None:
        self._decider = Decider(policy, begin.seed)
        # Queues decide about all that wait, and not about those only that the turn names.
        self._asks_all = begin.policy is not None and begin.policy.batch is not None
        # Whether it has to be told the whole state, for it could not be told of some pod.
        self._is_behind = False

    def turn(self, turn: Turn, plain: Plain) -> Decisions | str:
        """What it decides, in the state as it was recorded; or why it cannot read that."""
        decider = self._decider
        named = (pod for pod in plain.asked(turn).values() if not pod.spec.gates) if self._asks_all else turn.pods
        pods = sorted(named, key=lambda pod: (-pod.priority, pod.created, pod.namespace, pod.name))
        try:
            found = decider.turn(self._told(turn, plain), pods, turn.asked)
        except InputError as error:
            self._is_behind = True
            return str(error)
        self._is_behind = bool(put_back(decider, plain.asked(turn), turn.outcome, found))
        return found

    def _told(self, turn: Turn, plain: Plain) -> Sequence[Change]:
        """What it is told: the same, or the whole state where its columns do not tell of that."""
        if any(isinstance(change, Renewed) for change in turn.told):
            return turn.told
        decider = self._decider
        if decider.by_queue:
            return [Renewed(plain.cordoned(turn.pods))]
        came = [change.pod for change in turn.told if isinstance(change, Came)]
        if self._is_behind or not all(decider.tells(pod) for pod in (*came, *turn.pods)):
            return [Renewed(plain.snapshot(turn.pods)), Closed(tuple(sorted(plain.closed)))]
        return turn.told


class _Tally:
    """What is counted of a comparison.

    Attributes:
        turns: those that were counted.
    """

    def __init__(self) -> None:
        self.turns = 0
        self._counts: Counter[str] = Counter()
        self._differing = 0
        self._differences: list[Difference] = []
        self._recorded, self._other = _Running(), _Running()
        # Pods that only the other policy placed, and that wait still.
        self._early: set[str] = set()

    def count(self, part: Part, turn: Turn, plain: Plain, found: Decisions | str) -> None:
        """Count a turn, the state being the one before it was decided."""
        self.turns += 1
        recorded, other = _read(turn.outcome), _read(found)
        asked = plain.asked(turn)
        if any(isinstance(change, Renewed) for change in turn.told):
            self._early &= asked.keys()
        if not asked:
            return
        before = {one.pod: one.node for one in recorded.placements}
        after = {one.pod: one.node for one in other.placements}
        kinds = {key: _kind(before.get(key), after.get(key)) for key in {**before, **after}}
        early = {key for key, kind in kinds.items() if kind == "only_other"}
        self._counts.update(kind for key, kind in kinds.items() if key not in early or key not in self._early)
        self._early = (self._early | early) - before.keys()
        self._recorded.count(plain, bound_pods(asked, recorded.placements))
        self._other.count(plain, bound_pods(asked, other.placements))
        told = [key for key, kind in kinds.items() if kind != "same"]
        if isinstance(found, str) and isinstance(turn.outcome, Decisions):
            told = [THE_TURN, *told]
        self._differing += bool(told)
        self._tell(part, turn, told, (verdicts(recorded), verdicts(found)))

    def _tell(
        self, part: Part, turn: Turn, keys: Iterable[str], both: tuple[Mapping[str, str], Mapping[str, str]]
    ) -> None:
        before, after = both
        told = [(key, before.get(key, NOTHING), after.get(key, NOTHING)) for key in keys]
        self._differences += differences_of(part, turn, told)[: MOST_TOLD - len(self._differences)]

    def result(self, covered: Covered, recorded: str, other: str) -> ReplayComparison:
        """All of it."""
        both = self._counts["same"] + self._counts["elsewhere"]
        return ReplayComparison(
            covered=covered,
            recorded=recorded,
            other=other,
            same=self._counts["same"],
            elsewhere=self._counts["elsewhere"],
            only_recorded=self._counts["only_recorded"],
            only_other=self._counts["only_other"],
            sums_recorded=self._recorded.sums(both + self._counts["only_recorded"]),
            sums_other=self._other.sums(both + self._counts["only_other"]),
            differing=self._differing,
            differences=tuple(self._differences),
        )


def _read(outcome: Decisions | str) -> Decisions:
    """What was decided: nothing where the state could not be read."""
    return outcome if isinstance(outcome, Decisions) else Decisions()


def _kind(recorded: str | None, other: str | None) -> str:
    if recorded is None:
        return "only_other"
    if other is None:
        return "only_recorded"
    return "same" if recorded == other else "elsewhere"


class _Running:
    """Sums over turns."""

    def __init__(self) -> None:
        self._turns = 0
        self._nodes = 0
        self._requested: Counter[str] = Counter()

    def count(self, plain: Plain, placed: Sequence[Pod]) -> None:
        """A turn that placed these pods."""
        self._turns += 1
        self._nodes += plain.nodes_used(placed)
        for name, share in plain.requested(placed).items():
            self._requested[name] += share  # type: ignore[assignment]

    def sums(self, placed: int) -> Sums:
        """The averages, and how many pods were placed in all."""
        turns = max(self._turns, 1)
        requested = {name: share / turns for name, share in self._requested.items()}
        return Sums(placed, self._nodes / turns, requested)
