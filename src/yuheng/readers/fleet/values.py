"""Values of our own kinds: money, times, amounts of data, and series that are told in several forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from yuheng.errors import InputError
from yuheng.model.quantity import parse_quantity
from yuheng.readers.scenario.refusals import refused, said
from yuheng.readers.scenario.values import at_least

__all__ = [
    "CURRENCY",
    "DEFAULT",
    "Bandwidth",
    "Currency",
    "Gigabytes",
    "Money",
    "Share",
    "Time",
    "as_pairs",
    "parse_gigabytes",
    "parse_time",
]

CURRENCY: Final = "USD"
# In a map by region: all that are not named.
DEFAULT: Final = "default"
_CODE: Final = re.compile(r"[A-Z]{3}")
_SIZE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) *(MB|GB|TB|PB|MiB|GiB|TiB)?")
_SIZES: Final = {"MB": 1e-3, "GB": 1.0, "TB": 1e3, "PB": 1e6}
_BINARY_SIZES: Final = {"MiB": 2**20 / 1e9, "GiB": 2**30 / 1e9, "TiB": 2**40 / 1e9}
_BITS: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) *([kMGT]?)(?:bps|bit/s)")
_PREFIXES: Final = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_MOST: Final = 2.0**53


def parse_time(text: str) -> float:
    """Seconds since the epoch of a time; one without a zone is UTC.

    Raises:
        InputError: the text is no time.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(repr(text), "a time such as 2026-01-31T12:00:00Z") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def parse_gigabytes(text: str) -> float:
    """Gigabytes (10^9 bytes) of an amount such as ``150GB``, ``1.5TB`` or ``20GiB``; a plain number counts gigabytes.

    Raises:
        InputError: the text is no such amount.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise InputError(repr(text), "an amount of data such as 150GB or 1.5TB")
    return float(match[1]) * (_SIZES | _BINARY_SIZES)[match[2] or "GB"]


def _time(value: object) -> float:
    if not isinstance(value, str):
        raise refused(value, "a time such as 2026-01-31T12:00:00Z")
    return said(parse_time, value)


def _gigabytes(value: object) -> float:
    if isinstance(value, str):
        return said(parse_gigabytes, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise refused(value, "a number of gigabytes of 0 or more, or text such as 1.5TB")
    return float(value)


def _bandwidth(value: object) -> float:
    """Bytes per second."""
    expected = "bytes per second above 0 such as 125M, or bits such as 1Gbps"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise refused(value, expected)
    if match := _BITS.fullmatch(str(value).strip()):
        found = float(match[1]) * _PREFIXES[match[2]] / 8
    else:
        try:
            found = parse_quantity(value if isinstance(value, str) else repr(value)).nano / 1e9
        except InputError:
            raise refused(value, expected) from None
    if found <= 0:
        raise refused(value, expected)
    return found


def _currency(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise refused(value, "a currency's three letters such as EUR")
    return value


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise refused(value, "a number from 0 to 1")
    return value


def as_pairs(value: object) -> object:
    """A single value as the default of all pairs."""
    return value if isinstance(value, dict) else {DEFAULT: value}


Money = Annotated[float, at_least(0)]
Share = Annotated[float, AfterValidator(_share)]
Currency = Annotated[str, AfterValidator(_currency)]
Time = Annotated[
    float, BeforeValidator(_time), WithJsonSchema({"type": "string", "format": "date-time", "title": "time"})
]
Gigabytes = Annotated[
    float, BeforeValidator(_gigabytes), WithJsonSchema({"type": ["string", "number"], "title": "amount of data"})
]
Bandwidth = Annotated[
    float, BeforeValidator(_bandwidth), WithJsonSchema({"type": ["string", "number"], "title": "bandwidth"})
]
