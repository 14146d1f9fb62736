"""The price of a change as Markdown, to be put into a pull request as it is.

Names come from manifests that anybody may have written, and the comment is posted by a robot that people trust: nothing
can come of them (`yuheng.reporting.inert_markdown`). Nor can they make the comment longer than a comment may be: each
part of it has so many characters, and tells what it leaves out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.change_wording import (
    budget_text,
    carbon_range_text,
    differences,
    fit_text,
    increase_text,
    object_text,
    range_text,
    rates_text,
    side_money_text,
)
from yuheng.reporting.inert_markdown import name, sentence, within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yuheng.model.cost_change import ChangeFit, ChangeRow, CostChange

__all__ = ["LONGEST", "change_markdown"]

LONGEST: Final = 65_536
"""Characters that a comment on GitHub may have."""

HEADER: Final = "| Change | Object | What | Before | After | $ a month more |\n| --- | --- | --- | ---: | ---: | ---: |"
_ROWS_SHOWN: Final = 15
_ROWS_FOLDED: Final = 100
_REFUSED_SHOWN: Final = 5
# Characters of the tables, of room on clusters, and of what it rests on; the rest of `LONGEST` is for all else.
_TABLES: Final = 46_000
_ROOM: Final = 9_000
_TOLD: Final = 8_000


def change_markdown(change: CostChange) -> str:
    """The price of a change for a pull request: the sum first, a table of what changes, the rest folded away.

    Args:
        change: what to write; the same change always gives the same text.

    Returns:
        Less than `LONGEST` characters.
    """
    return "\n".join(_lines(change)) + "\n"


def _lines(change: CostChange) -> Iterator[str]:
    yield f"### Cost of this change: {increase_text(change.increase)} a month"
    yield ""
    yield _summary(change)
    rows = within(map(_row, change.rows[: _ROWS_SHOWN + _ROWS_FOLDED]), _TABLES)
    if change.rows:
        yield ""
        yield HEADER
        yield from rows[:_ROWS_SHOWN]
        sums = f"{range_text(change.before)} | {range_text(change.after)} | **{increase_text(change.increase)}**"
        yield f"| | **everything** | | {sums} |"
    yield from _folded_rows(rows[_ROWS_SHOWN:], len(change.rows) - min(len(rows), _ROWS_SHOWN))
    yield from _room(change.fits)
    yield ""
    yield from _folded("What this rests on", _told([rates_text(change.rates), *change.assumptions]))


def _summary(change: CostChange) -> str:
    parts = [f"{count(len(change.rows), 'object')} changed, {change.unchanged:,} the same."]
    if change.budget is not None:
        parts.append(f"**This {budget_text(change)}.**")
    if change.carbon is not None:
        parts.append(f"{carbon_range_text(change.carbon)} of CO2 equivalent a month.")
    return " ".join(parts)


def _row(row: ChangeRow) -> str:
    cells = (
        row.change,
        name(object_text(row)),
        sentence(differences(row)),
        side_money_text(row.before),
        side_money_text(row.after),
        increase_text(row.increase),
    )
    return f"| {' | '.join(cells)} |"


def _folded_rows(rows: Sequence[str], number: int) -> Iterator[str]:
    """The rows that would make the comment long, and how many of so many are left out even so."""
    if not number:
        return
    left = number - len(rows)
    more = [f"and {left:,} more, in the sum above"] if left else []
    table = [HEADER, *rows, ""] if rows else []
    yield ""
    yield from _folded(count(number, "more change"), [*table, *more])


def _room(fits: Sequence[ChangeFit]) -> Iterator[str]:
    """Lines for each cluster, and what finds no place; where they are too many, those first that lack room."""
    ranged = {fit.cluster for fit in fits if fit.replicas == "fewest"}
    order = sorted(range(len(fits)), key=lambda place: (fits[place].fits, place))
    blocks = within((_cluster(fits[place], is_ranged=fits[place].cluster in ranged) for place in order), _ROOM)
    for _, block in sorted(zip(order, blocks, strict=False)):
        yield ""
        yield block
    left = [fits[place] for place in order[len(blocks) :]]
    if left:
        lacking = sum(not fit.fits for fit in left)
        yield ""
        yield f"**Room:** and {count(len(left), 'more answer')}, {lacking:,} of them with pods that find no place."


def _cluster(fit: ChangeFit, *, is_ranged: bool) -> str:
    place = f" on {name(fit.cluster)}" if fit.cluster else ""
    replicas = f" with the {fit.replicas} replicas" if is_ranged else ""
    lines = [f"**Room{place}{replicas}:** {sentence(fit_text(fit))}."]
    if fit.refused:
        lines.append("")
    lines += [
        f"- {name(item.workload)}, {count(item.pods, 'pod')}: {name(item.reason)}"
        for item in fit.refused[:_REFUSED_SHOWN]
    ]
    return "\n".join(lines)


def _told(texts: Sequence[str]) -> Iterator[str]:
    shown = within((f"- {sentence(text)}" for text in texts), _TOLD)
    yield from shown
    if len(shown) < len(texts):
        yield f"- and {count(len(texts) - len(shown), 'more sentence')}"


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are shown when somebody asks; the blank lines make Markdown of them."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
