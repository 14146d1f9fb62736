"""What a workload says of itself: annotations that begin with ``yuheng.io/``.

They hold text, so that each has a short form; lists of data sets may also be the JSON of a `PlacementPolicy`'s.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pydantic import ValidationError

from yuheng.errors import InputError
from yuheng.readers.fleet.kinds import OURS
from yuheng.readers.fleet.requirement_fields import ANY_MACHINE, RequirementFields
from yuheng.readers.scenario.refusals import nearest
from yuheng.readers.scheduler_config.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ANNOTATIONS", "PREFIX", "annotated"]

PREFIX: Final = f"{OURS}/"
RUN_TIME: Final = "run-time"
# Annotations of ours that say something else.
ELSEWHERE: Final = frozenset(("running-estimate", "pool"))
_DATA: Final = re.compile(r"\s*([^=@\s]+)\s*=\s*([^@]+?)\s*(?:@\s*(\S+)\s*)?")
_LEVEL: Final = re.compile(r"\s*(?:p([0-9]+(?:\.[0-9]+)?)|([0-9]+(?:\.[0-9]+)?)%)\s*<=?\s*(\S+?)\s*(?:@\s*(\S+))?\s*")


def annotated(annotations: Mapping[str, str]) -> dict[str, Any]:
    """What annotations say, as fields of `yuheng.model.requirements.Requirements`.

    Args:
        annotations: of a workload; those of others are passed over.

    Raises:
        InputError: one of ours is unknown, or not what it should be; ``field`` is the annotation.
    """
    found: dict[str, Any] = {}
    for key, text in sorted(annotations.items()):
        name = key.removeprefix(PREFIX)
        if name == key or name in ELSEWHERE:
            continue
        try:
            for part, value in _read(name, text).items():
                found[part] = {**found[part], **value} if part in found and part == "run_time" else value
        except InputError as error:
            raise InputError(error.found, error.expected, field=f"metadata.annotations[{key}]") from None
    return found


def _read(name: str, text: str) -> dict[str, Any]:
    if name.startswith(f"{RUN_TIME}."):
        written: dict[str, object] = {"runTime": {name.removeprefix(f"{RUN_TIME}."): _run_time(text)}}
    else:
        known = ANNOTATIONS.get(name)
        if known is None:
            expected = f"one of {', '.join(PREFIX + one for one in ANNOTATIONS)}"
            raise InputError(f"an unknown annotation{nearest(name, ANNOTATIONS)}", expected)
        key, value = known
        written = {key: value(text)}
    try:
        return RequirementFields.model_validate(written).parts()
    except ValidationError as error:
        raise refusal(error) from None


def _run_time(text: str) -> object:
    """``2h``, or ``mean=2h,p95=3h``."""
    if "=" not in text:
        return text.strip()
    pairs = (part.partition("=") for part in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs}


def _any_run_time(text: str) -> object:
    return {ANY_MACHINE: _run_time(text)}


def _texts(text: str) -> object:
    return [part.strip() for part in text.split(",") if part.strip()]


def _data(text: str) -> object:
    """``images=150GB@eu-west-1|us-east-1, labels=2GB``, or a list in JSON."""
    if text.lstrip().startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise InputError(f"malformed JSON: {error}", "a list of data sets") from None
    return [_data_set(part) for part in text.split(",") if part.strip()]


def _data_set(text: str) -> dict[str, Any]:
    match = _DATA.fullmatch(text)
    if match is None:
        raise InputError(repr(text.strip()), "a data set such as images=150GB@eu-west-1|us-east-1")
    return {"name": match[1], "sizeGB": match[2], "regions": (match[3] or "").split("|") if match[3] else []}


def _truth(text: str) -> object:
    found = {"true": True, "false": False}.get(text.strip().lower())
    if found is None:
        raise InputError(repr(text), "true or false")
    return found


def _level(text: str) -> object:
    """``p95<300ms``, or ``p95<300ms@eu-west-1|us-east-1`` with the regions of the users."""
    match = _LEVEL.fullmatch(text)
    if match is None:
        raise InputError(repr(text), "a service level such as p95<300ms or p99<1s@eu-west-1|us-east-1")
    quantile = float(match[1] or match[2]) / 100
    return {"quantile": quantile, "within": match[3], "users": match[4].split("|") if match[4] else []}


def _text(text: str) -> object:
    return text.strip()


# By what follows the prefix: the key of a `PlacementPolicy` it stands for, and how its text is read.
ANNOTATIONS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    RUN_TIME: ("runTime", _any_run_time),
    "reads": ("reads", _data),
    "writes": ("writes", _data),
    "regions": ("regions", _texts),
    "markets": ("markets", _texts),
    "deadline": ("deadline", _text),
    "not-before": ("notBefore", _text),
    "windows": ("windows", _texts),
    "latest-start": ("latestStart", _text),
    "interruptible": ("interruptible", _truth),
    "checkpoint": ("checkpoint", _text),
    "slo": ("slo", _level),
    "objective": ("objective", _text),
}
