"""The price of a change as Markdown, to be put into a pull request as it is.

Names come from manifests that anybody may have written, and the comment is posted by a robot that people trust. A name
therefore stands in ``<code>``, where GitHub and GitLab look for no mentions, references or links, with every character
that means anything in Markdown or HTML as a numeric reference; sentences with names in them have the same references,
and a zero-width space behind what would start a mention or a link.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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
from yuheng.reporting.wording import count, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yuheng.model.cost_change import ChangeRow, CostChange

__all__ = ["change_markdown"]

HEADER: Final = "| Change | Object | What | Before | After | $ a month more |\n| --- | --- | --- | ---: | ---: | ---: |"
# A comment on GitHub has at most 65,536 characters: a row has some 400 at the most.
_ROWS_SHOWN: Final = 15
_ROWS_FOLDED: Final = 100
_TOLD_MOST: Final = 20
_REFUSED_SHOWN: Final = 5
_LONGEST_NAME: Final = 200
_LONGEST: Final = 500
_MEANS_SOMETHING: Final = re.compile(r"[^0-9A-Za-z ,;()\-+%./:='→]", re.ASCII)
_STARTS_A_LINK: Final = re.compile(r"www\.|://", re.IGNORECASE)
# Behind these characters a name would be a mention of somebody or of something.
_MENTIONS: Final = re.compile("[@#!~&]")
_ZERO_WIDTH: Final = "\u200b"


def change_markdown(change: CostChange) -> str:
    """The price of a change for a pull request: the sum first, a table of what changes, the rest folded away.

    Args:
        change: what to write; the same change always gives the same text.
    """
    return "\n".join(_lines(change)) + "\n"


def _lines(change: CostChange) -> Iterator[str]:
    yield f"### Cost of this change: {increase_text(change.increase)} a month"
    yield ""
    yield _summary(change)
    if change.rows:
        yield ""
        yield from _table(change.rows[:_ROWS_SHOWN])
        sums = f"{range_text(change.before)} | {range_text(change.after)} | **{increase_text(change.increase)}**"
        yield f"| | **everything** | | {sums} |"
    yield from _folded_rows(change.rows[_ROWS_SHOWN:])
    yield from _room(change)
    yield ""
    told = [rates_text(change.rates), *change.assumptions]
    yield from _folded("What this rests on", (f"- {_sentence(text)}" for text in told[:_TOLD_MOST]))


def _summary(change: CostChange) -> str:
    parts = [f"{count(len(change.rows), 'object')} changed, {change.unchanged:,} the same."]
    if change.budget is not None:
        parts.append(f"**This {budget_text(change)}.**")
    if change.carbon is not None:
        parts.append(f"{carbon_range_text(change.carbon)} of CO2 equivalent a month.")
    return " ".join(parts)


def _table(rows: Sequence[ChangeRow]) -> Iterator[str]:
    yield HEADER
    for row in rows:
        cells = (
            row.change,
            _name(object_text(row)),
            _sentence(differences(row)),
            side_money_text(row.before),
            side_money_text(row.after),
            increase_text(row.increase),
        )
        yield f"| {' | '.join(cells)} |"


def _folded_rows(rows: Sequence[ChangeRow]) -> Iterator[str]:
    """The rows that would make the comment long, and how many are left out even so."""
    if not rows:
        return
    left = len(rows) - _ROWS_FOLDED
    more = [f"and {left:,} more, in the sum above"] if left > 0 else []
    yield ""
    yield from _folded(f"{count(len(rows), 'more change')}", [*_table(rows[:_ROWS_FOLDED]), "", *more])


def _room(change: CostChange) -> Iterator[str]:
    """A line for each cluster, and what finds no place."""
    ranged = {fit.cluster for fit in change.fits if fit.replicas == "fewest"}
    for fit in change.fits:
        place = f" on {_name(fit.cluster)}" if fit.cluster else ""
        replicas = f" with the {fit.replicas} replicas" if fit.cluster in ranged else ""
        yield ""
        yield f"**Room{place}{replicas}:** {_sentence(fit_text(fit))}."
        if fit.refused:
            yield ""
        for item in fit.refused[:_REFUSED_SHOWN]:
            yield f"- {_name(item.workload)}, {count(item.pods, 'pod')}: {_name(item.reason)}"


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines that are shown when somebody asks; the blank lines make Markdown of them."""
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"


def _name(text: str) -> str:
    """A name or somebody else's sentence, which nothing can come of."""
    return f"<code>{_inert(text)}</code>"


def _sentence(text: str) -> str:
    """A sentence of ours with names in it: it is not in ``<code>``, so that nothing in it may be a mention."""
    return _escaped(_MENTIONS.sub(rf"\g<0>{_ZERO_WIDTH}", _shown(text)))


def _inert(text: str) -> str:
    return _escaped(_shown(text, _LONGEST_NAME))


def _shown(text: str, most: int = _LONGEST) -> str:
    """The text on one line, not too long, without anything that cannot be seen."""
    plain = printable(text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _escaped(text: str) -> str:
    """Every character that may mean something in Markdown or HTML as a numeric reference, and links broken."""
    broken = _STARTS_A_LINK.sub(lambda found: f"{found[0][0]}{_ZERO_WIDTH}{found[0][1:]}", text)
    return _MEANS_SOMETHING.sub(lambda found: f"&#{ord(found[0])};", broken)
