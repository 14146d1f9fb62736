"""Replays for the terminal: whether the same came out, what was decided once, what another policy would decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.live import Decisions
from yuheng.model.replay import Replay, ReplayMoment, told_time
from yuheng.model.words import count, first_of
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from yuheng.model.replay import Covered, Difference, ReplayComparison

__all__ = ["write_result"]

_DIFFERENCES: Final = (Column("TURN", number=True), Column("TIME"), Column("OF"), Column("RECORDED"), Column("FOUND"))
_SUMS: Final = (Column(""), Column("RECORDED", number=True), Column("OTHER", number=True))
_PODS: Final = (Column("PODS", number=True), Column(""))
_PLACED: Final = (Column("POD"), Column("NODE"), Column("GPU"))
_PENDING: Final = (Column("POD"), Column("WHY"))
_GONE: Final = (Column("POD"), Column("FROM"), Column("FOR"), Column("WHY"))
_NODES: Final = (Column("NODE"), Column("PODS", number=True), Column(""))
_SHOWN: Final = 20


def write_result(result: Replay | ReplayMoment | ReplayComparison, console: Console, *, wide: bool = False) -> None:
    """Write what a replay answers for people.

    Args:
        result: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every row.
    """
    sheet = Sheet(console, wide=wide)
    if isinstance(result, Replay):
        _write_replay(sheet, result)
    elif isinstance(result, ReplayMoment):
        _write_moment(sheet, result)
    else:
        _write_comparison(sheet, result)


def _write_replay(sheet: Sheet, result: Replay) -> None:
    turns = count(result.covered.turns, "turn")
    if result.differing:
        verb = "comes" if result.differing == 1 else "come"
        sheet.line((f"{result.differing:,} of {turns} {verb} out otherwise than recorded.", "yellow"))
    elif not result.covered.pods:
        sheet.line(("Nothing was decided: no pod had its turn.", "yellow"))
    else:
        sheet.line(("Every decision comes out as it was recorded.", "green"))
    _write_covered(sheet, result.covered)
    sheet.line(f"{count(result.placed, 'pod')} placed, {result.evicted:,} asked to go", label="decided  ")
    _write_differences(sheet, "Differences", result.differences)
    sheet.warnings(result.covered.notes)


def _write_covered(sheet: Sheet, covered: Covered) -> None:
    turns, pods = count(covered.turns, "turn"), count(covered.pods, "pod")
    sheet.line(f"{turns} of {pods} in {count(covered.parts, 'file')}", label="record   ")
    if covered.first is not None:
        sheet.line(f"{_time(covered.first)} to {_time(covered.last)}", label="from     ")
    if covered.versions:
        sheet.line(f"Yuheng {', '.join(covered.versions)}", label="by       ")


def _write_differences(sheet: Sheet, title: str, differences: Sequence[Difference]) -> None:
    if differences:
        shown = differences if sheet.wide else differences[:_SHOWN]
        sheet.heading(title)
        rows = [(f"{one.turn:,}", _time(one.time), one.subject, one.recorded, one.found) for one in shown]
        sheet.table(_DIFFERENCES, rows, indent=2)
        sheet.more(len(differences) - len(shown), indent=2)


def _write_comparison(sheet: Sheet, result: ReplayComparison) -> None:
    alike = result.same + result.elsewhere
    sheet.line(
        (result.other, "bold"),
        f" against the record of {result.recorded}: {result.same:,} of {count(alike, 'pod')} that both place are on "
        "the same node.",
    )
    sheet.line("Each turn starts from the state as it was recorded: it follows the record, not the other policy.")
    _write_covered(sheet, result.covered)
    sheet.line(f"{result.differing:,} of {count(result.covered.turns, 'turn')}", label="differ   ")
    sheet.heading("Pods")
    sheet.table(_PODS, [(f"{number:,}", words) for number, words in _kinds(result)], indent=2)
    sheet.heading("The cluster after a turn, on average")
    sheet.table(_SUMS, _sums(result), indent=2)
    _write_differences(sheet, "What differs", result.differences)
    sheet.warnings(result.covered.notes)


def _kinds(result: ReplayComparison) -> list[tuple[int, str]]:
    return [
        (result.same, "placed by both on the same node"),
        (result.elsewhere, "placed by both on different nodes"),
        (result.only_recorded, f"placed only by {result.recorded}, as recorded"),
        (result.only_other, f"placed only by {result.other}, in a turn in which the record leaves them pending"),
    ]


def _sums(result: ReplayComparison) -> list[tuple[str, str, str]]:
    recorded, other = result.sums_recorded, result.sums_other
    rows = [("nodes in use", f"{recorded.nodes:,.1f}", f"{other.nodes:,.1f}")]
    for name, share in recorded.requested.items():
        rows.append((f"{name} requested", percent(share), percent(other.requested.get(name, 0.0))))
    return rows


def _write_moment(sheet: Sheet, result: ReplayMoment) -> None:
    decisions = result.decisions or Decisions()
    placed, pending = len(decisions.placements), len(decisions.lacking)
    sheet.line((f"Turn {result.turn:,}", "bold"), f" at {_time(result.time)}, policy {result.policy}, {result.file}.")
    if result.problem:
        sheet.line((f"The state could not be read: {result.problem}", "yellow"))
    sheet.line(f"{placed:,} placed, {pending:,} left pending", label="decided   ")
    same = "the same is decided now" if result.is_equal else "something else is decided now"
    sheet.line(same, label="replayed  ")
    sheet.line(_state_words(result), label="state     ")
    _write_rows(
        sheet,
        "Placed",
        _PLACED,
        [(one.pod, one.node, ", ".join(map(str, one.devices))) for one in decisions.placements],
    )
    _write_rows(sheet, "Left pending", _PENDING, [(one.pod, one.message) for one in decisions.lacking])
    _write_rows(sheet, "Asked to go", _GONE, list(_gone(decisions)))
    nominated = {**result.nominated, **decisions.nominated, **{one.pod: one.node for one in decisions.preemptions}}
    _write_rows(sheet, "Room is kept for", _PLACED[:2], list(nominated.items()))
    _write_nodes(sheet, result)


def _state_words(result: ReplayMoment) -> str:
    running = sum(pod.node is not None for pod in result.state.pods)
    waiting = count(len(result.state.pods) - running, "pod")
    closed = f", not placed on: {first_of(result.closed)}" if result.closed else ""
    return f"{count(len(result.state.nodes), 'node')}, {running:,} running and {waiting} to decide on{closed}"


def _gone(decisions: Decisions) -> Iterable[tuple[str, str, str, str]]:
    for room in decisions.preemptions:
        for victim in room.victims:
            yield victim, room.node, room.pod, "of lower priority"
    for one in decisions.evictions:
        yield one.pod, one.node, one.by, f"{one.rule}: {one.reason}"


def _write_nodes(sheet: Sheet, result: ReplayMoment) -> None:
    """The state, node by node: only where every row is asked for."""
    if not sheet.wide:
        return
    pods: dict[str, int] = {}
    for pod in result.state.pods:
        if pod.node is not None:
            pods[pod.node] = pods.get(pod.node, 0) + 1
    closed = set(result.closed)
    rows = [
        (node.name, f"{pods.get(node.name, 0):,}", "cordoned" if node.unschedulable else _closed(node.name in closed))
        for node in result.state.nodes
    ]
    _write_rows(sheet, "Nodes before", _NODES, rows)


def _closed(is_closed: bool) -> str:
    return "changed, not placed on" if is_closed else ""


def _write_rows(sheet: Sheet, title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        shown = rows if sheet.wide else rows[:_SHOWN]
        sheet.heading(f"{title} ({len(rows):,})")
        sheet.table(columns, shown, indent=2)
        sheet.more(len(rows) - len(shown), indent=2)


def _time(seconds: float | None) -> str:
    return told_time(seconds) or "an unknown time"
