"""The arguments of Volcano's plugins: which there are, and what may be written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from yuheng.errors import InputError
from yuheng.model.duration import parse_duration, parse_window
from yuheng.readers.scheduler_config.refusals import shown

__all__ = ["KNOWN", "UNKNOWN_TO_US", "checked_arguments", "truth"]

Scalar = str | int | float | bool
Check = Callable[[object], Scalar]
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)", re.ASCII)
_LONGEST: Final = 30
TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE: Final = frozenset(("0", "f", "F", "false", "FALSE", "False"))


def truth(value: object) -> bool:
    """True or false, also written as text (as Go's ``ParseBool`` takes it).

    Raises:
        InputError: it is neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in TRUE | FALSE:
        return value in TRUE
    raise InputError(shown(value), "true or false")


def _number(value: object, expected: str) -> float:
    if isinstance(value, str) and len(value) <= _LONGEST and _NUMBER.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**53:
        raise InputError(shown(value), expected)
    return float(value)


def _factor(value: object) -> float:
    expected = "a number of 1 or more"
    number = _number(value, expected)
    if number < 1:
        raise InputError(shown(value), expected)
    return number


def _part(value: object) -> float:
    expected = "a number above 0 and up to 1"
    number = _number(value, expected)
    if not 0 < number <= 1:
        raise InputError(shown(value), expected)
    return number


def _weight(value: object) -> int:
    expected = "a weight, which is a whole number of 0 or more"
    number = _number(value, expected)
    if number < 0 or number % 1:
        raise InputError(shown(value), expected)
    return int(number)


def _share(value: object) -> float:
    expected = "a number of 0 or more"
    number = _number(value, expected)
    if number < 0:
        raise InputError(shown(value), expected)
    return number


def _priority(value: object) -> int:
    expected = "a priority, which is a whole number"
    number = _number(value, expected)
    if number % 1:
        raise InputError(shown(value), expected)
    return int(number)


def _duration(value: object) -> str:
    expected = "a duration above 0, such as 1h30m"
    if not isinstance(value, str):
        raise InputError(shown(value), expected)
    try:
        seconds = parse_duration(value)
    except InputError as error:
        raise InputError(error.found, expected) from None
    if seconds <= 0:
        raise InputError(shown(value), expected)
    return value


def _window(value: object) -> str:
    if not isinstance(value, str):
        raise InputError(shown(value), "a window of the day such as 22:00-06:30")
    parse_window(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InputError(shown(value), "text")
    return value


def _name(value: object) -> str:
    text = _text(value).strip()
    if not text:
        raise InputError("nothing", "a name")
    return text


# What is known of each plugin; a name that ends in a dot stands for all that begin with it.
KNOWN: Final[Mapping[str, Mapping[str, Check]]] = {
    "priority": {},
    "gang": {},
    "conformance": {},
    "overcommit": {"overcommit-factor": _factor},
    "drf": {},
    "predicates": {
        "predicate.CacheEnable": truth,
        "predicate.NodeAffinityEnable": truth,
        "predicate.NodePortsEnable": truth,
        "predicate.PodAffinityEnable": truth,
        "predicate.PodTopologySpreadEnable": truth,
        "predicate.TaintTolerationEnable": truth,
        "predicate.VolumeZoneEnable": truth,
    },
    "proportion": {},
    "capacity": {},
    "nodeorder": {
        "balancedresource.weight": _weight,
        "imagelocality.weight": _weight,
        "leastrequested.weight": _weight,
        "mostrequested.weight": _weight,
        "nodeaffinity.weight": _weight,
        "podaffinity.weight": _weight,
        "podtopologyspread.weight": _weight,
        "tainttoleration.weight": _weight,
    },
    "binpack": {
        "binpack.cpu": _weight,
        "binpack.memory": _weight,
        "binpack.resources": _text,
        "binpack.resources.": _weight,
        "binpack.weight": _weight,
    },
    "sla": {"sla-waiting-time": _duration},
    "tdm": {"tdm.evict.period": _duration, "tdm.revocable-zone.": _window},
    "pdb": {},
    "nodegroup": {"enablePreferredOrder": truth, "strict": truth},
    "task-topology": {"task-topology.weight": _weight},
    "network-topology-aware": {
        "hypernode.binpack.cpu": _weight,
        "hypernode.binpack.memory": _weight,
        "hypernode.binpack.normal-pod.enable": truth,
        "hypernode.binpack.normal-pod.fading": _share,
        "hypernode.binpack.resources": _text,
        "hypernode.binpack.resources.": _weight,
        "weight": _weight,
    },
    "deviceshare": {
        "deviceshare.GPUNumberEnable": truth,
        "deviceshare.GPUSharingEnable": truth,
        "deviceshare.NodeLockEnable": truth,
        "deviceshare.VGPUEnable": truth,
    },
    "reserve": {"reserve.factor": _part},
    "publicqueue": {"publicqueue.name": _name, "publicqueue.private-min-priority": _priority},
}
# Plugins of Volcano that the engine does not have.
UNKNOWN_TO_US: Final = frozenset(
    ("cdp", "extender", "numaaware", "rescheduling", "resource-strategy-fit", "resourcequota", "usage")
)


def checked_arguments(plugin: str, written: Mapping[str, Any]) -> tuple[dict[str, Scalar], list[str]]:
    """The arguments of a plugin, numbers as numbers and yes or no as such; and the names of unknown ones.

    Raises:
        InputError: a value is not what it should be; ``field`` is the argument.
    """
    found: dict[str, Scalar] = {}
    unknown = []
    for name, value in written.items():
        check = _check_of(plugin, name)
        if check is not None:
            try:
                found[name] = check(value)
            except InputError as error:
                raise error.at(field=f"arguments.{name}") from None
        elif value not in (None, False, "false"):
            # What is switched off need not be there.
            unknown.append(name)
    return found, unknown


def _check_of(plugin: str, name: str) -> Check | None:
    checks = KNOWN[plugin]
    if name in checks:
        return checks[name]
    return next((check for start, check in checks.items() if start.endswith(".") and name.startswith(start)), None)
