"""The largest heap of a Java virtual machine, as the flags of its container set it.

A machine reads ``JAVA_TOOL_OPTIONS`` before its command line and ``_JAVA_OPTIONS`` after it; ``JDK_JAVA_OPTIONS`` is
put before the command line by the ``java`` launcher (JDK 9 and later). Of a flag that is there twice the last one
counts. ``JAVA_OPTS`` and its kin are a custom of start scripts, which put them on the command line. A heap in bytes
wins over a share of the memory limit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Heap", "heap_of"]

_BEFORE: Final = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")
_AFTER: Final = "_JAVA_OPTIONS"
# JAVA_OPTS, ES_JAVA_OPTS, CATALINA_OPTS, KAFKA_HEAP_OPTS, JVM_OPTS, JAVA_ARGS, JAVA_OPTIONS ...
_CUSTOM: Final = re.compile(r"(.*_)?(JAVA_OPTS|JAVA_OPTIONS|JAVA_ARGS|HEAP_OPTS|JVM_OPTS|JVM_ARGS|CATALINA_OPTS)")
_VARIABLE: Final = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|(\w+))")
_WORD: Final = re.compile(r"[^\s'\"=]*(?:=[^\s'\"]*)?")
_HEAP: Final = re.compile(r"-(?:Xmx|XX:MaxHeapSize=)(\d{1,15})([kKmMgGtT]?)")
_PERCENTAGE: Final = re.compile(r"-XX:MaxRAMPercentage=(\d{1,3}(?:\.\d{1,9})?)")
_FRACTION: Final = re.compile(r"-XX:MaxRAMFraction=([1-9]\d{0,8})")
_UNITS: Final = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


class Heap(NamedTuple):
    """The largest heap.

    Attributes:
        size: in bytes; None where the flags do not say.
        share: of the memory limit; None where the flags do not say, or a size wins over it.
    """

    size: int | None = None
    share: float | None = None


def heap_of(command: Sequence[str], environment: Mapping[str, str]) -> Heap:
    """The heap that the flags of a container set.

    Args:
        command: its command and arguments.
        environment: its variables that have a value; the command may name them.
    """
    texts = [environment[name] for name in _BEFORE if name in environment]
    texts += [text for name, text in environment.items() if _CUSTOM.fullmatch(name) and name not in (*_BEFORE, _AFTER)]
    texts += [*command, environment.get(_AFTER, "")]
    return _last(word for text in texts for word in _WORD.findall(_filled_in(text, environment)))


def _filled_in(text: str, environment: Mapping[str, str]) -> str:
    """A text with the variables it names, as Kubernetes (``$(A)``) or a shell (``${A}``) fills them in."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1] or match[2] or match[3], match[0])

    return _VARIABLE.sub(value, text) if "$" in text else text


def _last(words: Iterable[str]) -> Heap:
    """What the last flag of each kind says."""
    size: int | None = None
    share: float | None = None
    for word in words:
        if found := _HEAP.fullmatch(word):
            size = int(found[1]) * _UNITS[found[2].lower()]
        elif found := _PERCENTAGE.fullmatch(word):
            share = min(float(found[1]), 100.0) / 100
        elif found := _FRACTION.fullmatch(word):
            share = 1 / int(found[1])
    return Heap(size, None if size is not None else share)
