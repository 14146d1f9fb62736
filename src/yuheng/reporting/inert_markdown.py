"""Names in Markdown that a robot posts: they can come to nothing, and they are no longer than there is room for.

A name stands in ``<code>``, where GitHub and GitLab look for no mentions, references or links, with every character
that means anything in Markdown or HTML as a numeric reference; sentences with names in them have the same references,
and a zero-width space behind what would start a mention or a link. Room is counted as it is written, references and
all: a name of 200 underscores would take 1,000 characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from yuheng.reporting.wording import printable

__all__ = ["name", "sentence", "within"]

_LONGEST_NAME: Final = 200
_LONGEST: Final = 500
# The same as it is written: four times as many for names of any script, less than ten times for the strangest.
_MOST_OF_NAME: Final = 800
_MOST: Final = 2000
_MEANS_SOMETHING: Final = re.compile(r"[^0-9A-Za-z ,;()\-+%./:='→]", re.ASCII)
_STARTS_A_LINK: Final = re.compile(r"www\.|://", re.IGNORECASE)
# Behind these characters a name would be a mention of somebody or of something.
_MENTIONS: Final = re.compile("[@#!~&]")
_ZERO_WIDTH: Final = "\u200b"
_CUT: Final = "&#8230;"


def name(text: str) -> str:
    """A name or somebody else's sentence, which nothing can come of."""
    return f"<code>{_escaped(_shown(text, _LONGEST_NAME), _MOST_OF_NAME)}</code>"


def sentence(text: str) -> str:
    """A sentence of ours with names in it: it is not in ``<code>``, so that nothing in it may be a mention."""
    return _escaped(_MENTIONS.sub(rf"\g<0>{_ZERO_WIDTH}", _shown(text, _LONGEST)), _MOST)


def within(blocks: Iterable[str], most: int) -> list[str]:
    """The first blocks that are no more than so many characters together, with an end of line for each.

    Args:
        blocks: one or several lines each.
        most: characters.
    """
    found = []
    for block in blocks:
        most -= len(block) + 1
        if most < 0:
            break
        found.append(block)
    return found


def _shown(text: str, most: int) -> str:
    """The text on one line, not too long, without anything that cannot be seen."""
    plain = printable(text)
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _escaped(text: str, most: int) -> str:
    """Every character that may mean something in Markdown or HTML as a numeric reference, and links broken."""
    broken = _STARTS_A_LINK.sub(lambda found: f"{found[0][0]}{_ZERO_WIDTH}{found[0][1:]}", text)
    parts = [_MEANS_SOMETHING.sub(lambda found: f"&#{ord(found[0])};", char) for char in broken]
    ends = list(accumulate(map(len, parts)))
    if not ends or ends[-1] <= most:
        return "".join(parts)
    return "".join(parts[: bisect_right(ends, most - len(_CUT))]) + _CUT
