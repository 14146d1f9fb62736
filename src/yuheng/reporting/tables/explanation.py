"""An explanation for the terminal: the verdict, what stands in the way or how the best nodes scored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.tables.reasons import write_closest, write_reasons
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.tables.standing import write_eviction, write_standing

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.plan import Candidate, Explanation

__all__ = ["write_explanation"]

_RANKED: Final = (Column("#", number=True), Column("NODE"), Column("SCORE", number=True))
_NODES_SHOWN: Final = 5


def write_explanation(explanation: Explanation, console: Console, *, wide: bool = False) -> None:
    """Write an explanation for people.

    Args:
        explanation: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: the scores of every feasible node, instead of the best few.
    """
    sheet = Sheet(console, wide=wide)
    _write_verdict(sheet, explanation)
    if explanation.hint:
        sheet.line(explanation.hint, label="hint  ")
    if explanation.eviction is not None:
        write_eviction(sheet, explanation.eviction, explanation.message)
    write_standing(sheet, explanation)
    write_closest(sheet, explanation.closest)
    if explanation.scores and sheet.wide:
        _write_all_scores(sheet, explanation.scores)
    elif explanation.scores:
        _write_best_scores(sheet, explanation.scores)
    write_reasons(sheet, "Rejected nodes", explanation.reasons)


def _write_verdict(sheet: Sheet, explanation: Explanation) -> None:
    """The verdict in a sentence; a job has no node of its own."""
    pod, node = (explanation.pod, "bold"), explanation.node
    if explanation.verdict == "bound":
        sheet.line(pod, *((" is ", ("bound", "green"), f" to {node}.") if node else (" ", ("runs", "green"), ".")))
    elif explanation.verdict == "fits":
        sheet.line(pod, " ", ("fits", "green"), f" on {node}." if node else ".")
    else:
        sheet.line(pod, " stays ", ("pending", "yellow"), ".")
    if explanation.message:
        sheet.line(explanation.message)


def _write_best_scores(sheet: Sheet, scores: tuple[Candidate, ...]) -> None:
    """The nodes by rank, then a row a plugin: what tells two nodes apart stands side by side."""
    best = scores[:_NODES_SHOWN]
    ranks = [str(rank) for rank in range(1, len(best) + 1)]
    sheet.heading(f"Scores of {_how_many(len(best), len(scores))}")
    sheet.table(
        _RANKED,
        [(rank, node.node, f"{node.total:,}") for rank, node in zip(ranks, best, strict=True)],
        indent=2,
    )
    sheet.more(len(scores) - len(best), indent=2)
    plugins = _plugins(best)
    if plugins:
        sheet.line()
        columns = (Column("PLUGIN"), *(Column(f"#{rank}", number=True) for rank in ranks))
        sheet.table(columns, [(plugin, *_shares(plugin, best)) for plugin in plugins], indent=2)


def _write_all_scores(sheet: Sheet, scores: tuple[Candidate, ...]) -> None:
    plugins = _plugins(scores)
    sheet.heading(f"Scores of {count(len(scores), 'feasible node')}")
    columns = (*_RANKED, *(Column(plugin, number=True) for plugin in plugins))
    rows = [
        (str(rank), node.node, f"{node.total:,}", *(f"{node.plugins.get(plugin, 0):,}" for plugin in plugins))
        for rank, node in enumerate(scores, 1)
    ]
    sheet.table(columns, rows, indent=2)


def _how_many(shown: int, feasible: int) -> str:
    if shown == feasible:
        return count(feasible, "feasible node")
    return f"the best {shown} of {count(feasible, 'feasible node')}"


def _plugins(scores: tuple[Candidate, ...]) -> list[str]:
    """Every plugin that scored one of the nodes, in the order they were met."""
    return list(dict.fromkeys(plugin for node in scores for plugin in node.plugins))


def _shares(plugin: str, nodes: tuple[Candidate, ...]) -> list[str]:
    return [f"{node.plugins.get(plugin, 0):,}" for node in nodes]
