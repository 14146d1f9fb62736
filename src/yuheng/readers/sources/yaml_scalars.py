"""What a plain YAML scalar means to Kubernetes: ``sigs.k8s.io/yaml``, YAML 1.1 with two differences.

``y``, ``yes``, ``on`` and ``true`` are booleans. Timestamps and sexagesimal numbers (``1:30``) stay text.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

__all__ = ["Scalar", "plain", "tagged"]

Scalar = str | int | float | bool | None


def _spellings(*words: str) -> set[str]:
    return {spelling for word in words for spelling in (word, word.capitalize(), word.upper())}


_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(_spellings("", "~", "null")),
    **dict.fromkeys(_spellings("y", "yes", "true", "on"), True),
    **dict.fromkeys(_spellings("n", "no", "false", "off"), False),
}
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hexadecimal>[0-9a-fA-F_]+)|0[bB](?P<binary>[01_]+)"
    r"|0[oO]?(?P<octal>[0-7_]+)|(?P<decimal>0|[1-9][0-9_]*))"
)
_BASES: Final = {"hexadecimal": 16, "binary": 2, "octal": 8, "decimal": 10}
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMERIC: Final = frozenset("0123456789+-.")
_INT64: Final = range(-(2**63), 2**64)


@lru_cache(maxsize=16384)
def plain(text: str) -> Scalar:
    """The value of a scalar that is written without quotes and without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMERIC else text


def tagged(tag: str | None, text: str) -> Scalar:
    """The value of a scalar that is quoted or tagged: text, unless the tag says number, boolean or null."""
    kind = (tag or "").removeprefix("tag:yaml.org,2002:")
    return plain(text) if kind in ("int", "float", "bool", "null") else text


def _number(text: str) -> Scalar:
    # Beyond 40 digits int() grows quadratic; no integer of Kubernetes has more than 20.
    match = _INTEGER.fullmatch(text) if len(text) <= 40 else None
    if match is not None:
        number = _integer(match)
        return number if number in _INT64 else float(number)
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else text
    return text


def _integer(match: re.Match[str]) -> int:
    base = match.lastgroup or "decimal"
    digits = match[base].replace("_", "") or "0"
    number = int(digits, _BASES[base])
    return -number if match["sign"] == "-" else number
