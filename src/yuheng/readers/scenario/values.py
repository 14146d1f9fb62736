"""Values of a scenario file: durations, quantities, rates, times, and numbers within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from yuheng.errors import InputError
from yuheng.model.duration import PERIODS, parse_period
from yuheng.readers.objects.requests import amounts, whole
from yuheng.readers.scenario.refusals import refused, said, unfit

__all__ = [
    "MOST_GPUS",
    "Amounts",
    "Bytes",
    "Epoch",
    "Milli",
    "Name",
    "PerHour",
    "PositiveSeconds",
    "Seconds",
    "above",
    "at_least",
    "no_text",
    "within",
]

GPU: Final = "nvidia.com/gpu"
MOST_GPUS: Final = 1024
# Longer than any trace; what is beyond is a slip of the pen.
_LARGEST: Final = 2.0**53
_RATE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) */ *(s|min|h|d|w)", re.ASCII)
_HOUR: Final = PERIODS["h"]
_RATE_UNITS: Final = {"s": PERIODS["s"], "min": PERIODS["m"], "h": _HOUR, "d": PERIODS["d"], "w": PERIODS["w"]}
# Titles are what the reference page calls these types.
_DURATION_SCHEMA: Final = {"type": ["string", "number"], "title": "duration"}
_QUANTITY_SCHEMA: Final = {"type": ["string", "number"], "title": "quantity"}
_RATE_SCHEMA: Final = {"type": "string", "title": "rate"}
_TIME_SCHEMA: Final = {"type": "string", "format": "date-time", "title": "time"}


def _seconds(value: object) -> float:
    if isinstance(value, str):
        return said(parse_period, value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LARGEST:
        raise refused(value, "a duration such as 30d, 1h30m or 45s, or a number of seconds")
    return float(value)


def _positive(value: float) -> float:
    if value <= 0:
        raise refused(value, "a duration above 0")
    return value


def _amount(resource: str) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise refused(value, "a quantity such as 500m, 4 or 16Gi")
        try:
            return _whole({resource: value})[resource]
        except InputError as error:
            raise unfit(error.found, error.expected) from None

    return parse


def _whole(written: dict[str, Any]) -> dict[str, int]:
    return whole(amounts(written))


def _amounts(value: object) -> object:
    """Amounts by resource name; ``gpu`` is short for the whole GPUs of nodes and pods."""
    if not isinstance(value, dict):
        return value
    for name, amount in value.items():
        if isinstance(amount, bool) or not isinstance(amount, str | int | float):
            raise refused(amount, "a quantity such as 500m, 4 or 16Gi", f".{name}")
    if "gpu" in value and GPU in value:
        raise refused(value["gpu"], f"one of gpu and {GPU}, which mean the same", ".gpu")
    return said(_whole, {GPU if name == "gpu" else name: amount for name, amount in value.items()})


def _per_hour(value: object) -> float:
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    rate = float(match[1]) * _HOUR / _RATE_UNITS[match[2]] if match else 0.0
    if not 0 < rate <= _LARGEST:
        raise refused(value, "a rate above 0 such as 120/h, 2/min or 5000/d")
    return rate


def _epoch(value: object) -> float:
    expected = "a time such as 2026-01-05T00:00:00Z"
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None:
        raise refused(value, expected)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _name(value: str) -> str:
    if not value.strip():
        raise refused("", "a name")
    return value


def above(least: float) -> AfterValidator:
    """A validator of numbers."""
    return _bounded(lambda value: value > least, f"a number above {least:g}")


def at_least(least: float) -> AfterValidator:
    """A validator of numbers."""
    return _bounded(lambda value: value >= least, f"a number of {least:g} or more")


def within(least: int, most: int) -> AfterValidator:
    """A validator of whole numbers."""
    return _bounded(lambda value: least <= value <= most, f"a whole number from {least} to {most}")


def _bounded(holds: Callable[[float], bool], expected: str) -> AfterValidator:
    def check(value: float) -> float:
        if not holds(value) or value > _LARGEST:
            raise refused(value, expected)
        return value

    return AfterValidator(check)


def no_text(value: object, at: str = "") -> object:
    """Refuse text, and maps and lists with text in them: where a count is meant, ``2h`` would be 7200 of them."""
    if isinstance(value, str):
        raise refused(value, "a number", at)
    if isinstance(value, dict):
        for key, item in value.items():
            no_text(item, f"{at}.{key}")
    if isinstance(value, list):
        for index, item in enumerate(value):
            no_text(item, f"{at}[{index}]")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), WithJsonSchema(_DURATION_SCHEMA)]
PositiveSeconds = Annotated[Seconds, AfterValidator(_positive)]
Milli = Annotated[int, BeforeValidator(_amount("cpu")), WithJsonSchema(_QUANTITY_SCHEMA)]
Bytes = Annotated[int, BeforeValidator(_amount("memory")), WithJsonSchema(_QUANTITY_SCHEMA)]
Amounts = Annotated[
    dict[str, int],
    BeforeValidator(_amounts),
    WithJsonSchema({"type": "object", "additionalProperties": _QUANTITY_SCHEMA}),
]
PerHour = Annotated[float, BeforeValidator(_per_hour), WithJsonSchema(_RATE_SCHEMA)]
Epoch = Annotated[float, BeforeValidator(_epoch), WithJsonSchema(_TIME_SCHEMA)]
Name = Annotated[str, AfterValidator(_name)]
