"""What is asked of an allocation: groups, filters, what becomes of idle, what is shared, prices beside nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final, Literal, get_args

import msgspec

from yuheng.errors import ConfigError
from yuheng.model.cost import IdleMode

__all__ = [
    "STORAGE_PRICE",
    "Filter",
    "Question",
    "Shared",
    "Spread",
    "parse_filter",
    "parse_keys",
    "parse_shared",
]

Spread = Literal["even", "weighted"]
SPREADS: Final[tuple[Spread, ...]] = get_args(Spread)
KEYS: Final = ("cluster", "node", "namespace", "controller", "controllerKind", "pod", "container", "queue")
PREFIXES: Final = ("label:", "annotation:")
# What people write for the same.
_OTHER_WORDS: Final = {"ns": "namespace", "controllerkind": "controllerKind", "workload": "controller"}
STORAGE_PRICE: Final = 0.04
_FILTER: Final = re.compile(r"(?P<key>[^=!]+?)(?P<sign>!?=)(?P<values>.*)", re.DOTALL)


class Shared(msgspec.Struct, frozen=True):
    """Costs that all groups bear together.

    Attributes:
        key: what the pods are known by: ``namespace``, ``label:team`` ...
        value: its value; ``*`` stands for any characters.
        spread: evenly over the groups, or by what each costs itself.
    """

    key: str
    value: str
    spread: Spread = "weighted"


class Filter(msgspec.Struct, frozen=True):
    """Which pods have rows of their own; everything else is one row.

    Attributes:
        key: ``namespace``, ``label:team`` ...
        values: any of them will do; ``*`` stands for any characters.
        wanted: False for all that have none of the values.
    """

    key: str
    values: tuple[str, ...]
    wanted: bool = True

    def accepts(self, value: str) -> bool:
        """Whether a pod of this value has a row."""
        return any(fnmatchcase(value, pattern) for pattern in self.values) == self.wanted


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of an allocation.

    Attributes:
        by: the keys of the groups.
        every: the word for the stretches of the window that rows are told for; empty for none.
        filters: all of them have to accept a pod.
        idle: what becomes of what nobody requested or used.
        shared: costs that all groups bear.
        storage: US dollars per GiB and month, by storage class; the empty one is the price of all others. The default
            is OpenCost's (``configs/default.json``: 0.00005479452 per GiB and hour).
        balancer: US dollars per hour of a load balancer: what Google bills for up to five forwarding rules, which
            was OpenCost's default.
        egress: US dollars per GiB that leaves for the internet (OpenCost's default).
    """

    by: tuple[str, ...] = ("namespace",)
    every: str = ""
    filters: tuple[Filter, ...] = ()
    idle: IdleMode = "show"
    shared: tuple[Shared, ...] = ()
    storage: Mapping[str, float] = msgspec.field(default_factory=lambda: {"": STORAGE_PRICE})
    balancer: float = 0.025
    egress: float = 0.12


def parse_keys(text: str) -> tuple[str, ...]:
    """The keys of groups.

    Args:
        text: separated by commas, such as ``namespace,label:team``.

    Raises:
        ConfigError: there is no such key, or one is there twice.
    """
    keys = tuple(_key(part.strip(), "--by") for part in text.split(","))
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice is not None:
        raise ConfigError(f"--by: found {twice!r} twice in {text!r}, expected each key once")
    return keys


def parse_filter(text: str) -> Filter:
    """A filter.

    Args:
        text: such as ``namespace=web,shop``, ``label:team!=data`` or ``pod=web-*``.

    Raises:
        ConfigError: it is not like these, or there is no such key.
    """
    found = _FILTER.fullmatch(text)
    if found is None:
        raise ConfigError(f"--filter: found {text!r}, expected KEY=VALUE or KEY!=VALUE, such as namespace=web")
    values = tuple(value.strip() for value in found["values"].split(","))
    return Filter(_key(found["key"].strip(), "--filter"), values, found["sign"] == "=")


def parse_shared(text: str) -> Shared:
    """Costs to be shared.

    Args:
        text: such as ``ns=kube-system:even`` or ``label:tier=platform:weighted``; without the last word, weighted.

    Raises:
        ConfigError: it is not like these.
    """
    rest, _, word = text.rpartition(":")
    spread: Spread = "weighted"
    named = text
    if word in SPREADS:
        named, spread = rest, SPREADS[SPREADS.index(word)]
    key, sign, value = named.partition("=")
    if not sign or not value.strip() or (":" in value):
        raise ConfigError(
            f"--shared: found {text!r}, expected KEY=VALUE:even or :weighted, such as ns=kube-system:even"
        )
    return Shared(_key(key.strip(), "--shared"), value.strip(), spread)


def _key(text: str, option: str) -> str:
    key = _OTHER_WORDS.get(text.lower(), text)
    if key in KEYS or any(key.startswith(prefix) and key != prefix for prefix in PREFIXES):
        return key
    raise ConfigError(f"{option}: found {text!r}, expected one of {', '.join(KEYS)}, label:NAME, annotation:NAME")
