"""Seeds, as people write them: ``42``, ``42-51``, ``1-5,7``."""

from __future__ import annotations

import re
from typing import Final

from yuheng.errors import InputError

__all__ = ["parse_seeds"]

EXPECTED: Final = "seeds such as 42, 42-51 or 1-5,7"
MOST: Final = 10_000
_PART: Final = re.compile(r" *([0-9]{1,18})(?: *- *([0-9]{1,18}))? *", re.ASCII)


def parse_seeds(text: str) -> tuple[int, ...]:
    """The seeds, in the order they are written; ends of a range belong to it.

    Args:
        text: numbers and ranges of them, separated by commas.

    Raises:
        InputError: the text is something else, a range ends before it begins, a seed comes twice, or there are more
            than 10,000 of them.
    """
    found: list[int] = []
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise InputError(repr(text[:100]), EXPECTED)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise InputError(f"the range {part.strip()}", "a range that ends after it begins")
        if len(found) + last - first >= MOST:
            raise InputError(repr(text[:100]), f"at most {MOST} seeds")
        found += range(first, last + 1)
    twice = next((seed for seed in found if found.count(seed) > 1), None) if len(set(found)) < len(found) else None
    if twice is not None:
        raise InputError(f"seed {twice} twice", "each seed once")
    return tuple(found)
