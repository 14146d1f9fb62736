"""Argo's ``depends``: which tasks a task waits for, and whether it runs when they have gone well.

    A && (B.Succeeded || C.Failed)

Argo looks at such an expression once all tasks in it are done, so that all of them are waited for, whatever the
operators. What it says decides whether the task runs or is omitted. A plan is for the run in which everything succeeds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from yuheng.errors import InputError

__all__ = ["Depends", "read_depends"]

# Whether each task runs, by name.
Runs = Mapping[str, bool]
# By result, whether it is that of a task that runs well; and of one that is omitted.
RESULTS: Final[Mapping[str, tuple[bool, bool]]] = {
    "": (True, False),
    "Succeeded": (True, False),
    "AnySucceeded": (True, False),
    "Daemoned": (True, False),
    "Failed": (False, False),
    "AllFailed": (False, False),
    "Errored": (False, False),
    "Skipped": (False, False),
    "Omitted": (False, True),
}
_TOKEN: Final = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|([A-Za-z0-9_][A-Za-z0-9_-]*)(?:\.([A-Za-z]+))?)")
_DEEPEST: Final = 50


class Depends(msgspec.Struct, frozen=True):
    """An expression that was read.

    Attributes:
        tasks: all tasks in it, in the order they are written.
        holds: whether it is true, given which tasks run.
    """

    tasks: tuple[str, ...]
    holds: Callable[[Runs], bool]


def read_depends(text: str) -> Depends:
    """Read an expression.

    Raises:
        InputError: it cannot be read.
    """
    reader = _Reader(text)
    holds = reader.either()
    if reader.word:
        raise reader.refused()
    return Depends(tuple(dict.fromkeys(reader.tasks)), holds)


class _Reader:
    """A recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 0
        self._depth = 0
        self.tasks: list[str] = []
        self.word = ""
        self._result = ""
        self._next()

    def refused(self) -> InputError:
        """The expression as an error."""
        return InputError(repr(self._text), "an expression such as A && (B.Succeeded || C.Failed)")

    def either(self) -> Callable[[Runs], bool]:
        """Parts with ``||`` between them."""
        parts = [self._both()]
        while self.word == "||":
            self._next()
            parts.append(self._both())
        return lambda runs: any(part(runs) for part in parts)

    def _both(self) -> Callable[[Runs], bool]:
        """Parts with ``&&`` between them."""
        parts = [self._one()]
        while self.word == "&&":
            self._next()
            parts.append(self._one())
        return lambda runs: all(part(runs) for part in parts)

    def _one(self) -> Callable[[Runs], bool]:
        self._depth += 1
        if self._depth > _DEEPEST or self.word in ("", "&&", "||", ")"):
            raise self.refused()
        if self.word == "!":
            self._next()
            part = self._one()
            self._depth -= 1
            return lambda runs: not part(runs)
        if self.word == "(":
            self._next()
            inner = self.either()
            if self.word != ")":
                raise self.refused()
        else:
            inner = self._task()
        self._next()
        self._depth -= 1
        return inner

    def _task(self) -> Callable[[Runs], bool]:
        """A task, or a result of one."""
        if self._result not in RESULTS:
            expected = f"one of {', '.join(filter(None, RESULTS))}"
            raise InputError(f"the result {self._result!r} of {self.word!r}", expected)
        name, (ran, omitted) = self.word, RESULTS[self._result]
        self.tasks.append(name)
        return lambda runs: ran if runs[name] else omitted

    def _next(self) -> None:
        rest = self._text[self._end :]
        match = _TOKEN.match(rest)
        if match is None:
            if rest.strip():
                raise self.refused()
            self.word = self._result = ""
            return
        self._end += match.end()
        self.word, self._result = match[1] or match[2], match[3] or ""
