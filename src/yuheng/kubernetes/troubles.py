"""Trouble that stops nothing for good: told at once, then now and then, and told when it is over.

One cause (a server that is away, credentials that have expired, a role that lacks rules) is met by many at the same
time and again and again: by each kind that is watched, by each write, with every try. Whoever reads the log is told of
the cause, and of how much it hinders, not of each time that it was met.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import structlog

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import ApiError, ForbiddenError, UnreachableError

__all__ = ["Troubles"]

# Seconds within which others that meet the same are gathered, to be told together.
GATHER: Final = 2.0
# Seconds between two lines about a trouble that lasts.
AGAIN: Final = 300.0
# Seconds without trouble after which the same is news.
CALM: Final = 60.0
# Causes that are remembered, until those are forgotten that nobody meets any longer.
MOST: Final = 100


class _Trouble(msgspec.Struct):
    """One cause.

    Attributes:
        since: when it was met first, in seconds of the steady clock.
        met: who meets it.
        untold: whether somebody meets it who was not told of.
        count: how often it was met.
        told: when a line was last written.
        ended: when it was over; None while it lasts.
        is_told: whether a line was written since it was last told to be over.
    """

    since: float
    met: set[str]
    untold: bool = False
    count: int = 0
    told: float = float("-inf")
    ended: float | None = None
    is_told: bool = False


class Troubles:
    """What goes wrong with one kind of thing, by cause.

    Args:
        what: cannot be done, in words.
        now: seconds of a clock that never jumps.
        subject: the field that names who meets it, such as ``kinds``; empty where that is not told.
        logger: who tells.
        is_silent: whether nothing is told: for one that ends by what went wrong, and says so then.

    Attributes:
        count: how often anything went wrong.
    """

    def __init__(
        self,
        what: str,
        now: Callable[[], float],
        *,
        subject: str = "",
        logger: str = "yuheng.running",
        is_silent: bool = False,
    ) -> None:
        self.count = 0
        self._what = what
        self._now = now
        self._subject = subject
        self._is_silent = is_silent
        self._log = structlog.get_logger(logger)
        self._causes: dict[str, _Trouble] = {}
        self._cause_of: dict[str, str] = {}

    def tell(self, error: Exception | str, about: str = "", what: str = "") -> None:
        """It went wrong.

        Args:
            error: why; as text, where it is one cause whatever the words are.
            about: for whom.
            what: cannot be done, where that is to be said in other words.
        """
        self.count += 1
        now, cause = self._now(), _cause(error)
        if self._cause_of.get(about) != cause:
            self._leave(about, now)
            self._cause_of[about] = cause
        trouble = self._causes.get(cause)
        if len(self._causes) > MOST:
            self._causes = {key: one for key, one in self._causes.items() if one.met or one is trouble}
        if trouble is None or (trouble.ended is not None and now - trouble.ended >= CALM):
            trouble = self._causes[cause] = _Trouble(now, set())
        trouble.ended = None
        trouble.count += 1
        trouble.untold |= about not in trouble.met
        trouble.met.add(about)
        # A role lacks a rule for each of them; what else they meet is the same thing.
        is_each_its_own = trouble.untold and trouble.is_told and isinstance(error, ForbiddenError)
        rest = GATHER if is_each_its_own else AGAIN
        if now - trouble.told >= rest:
            self._write(trouble, now, error, what or self._what)

    def _write(self, trouble: _Trouble, now: float, error: Exception | str, what: str) -> None:
        fields: dict[str, object] = {self._subject: ", ".join(sorted(trouble.met))} if self._subject else {}
        if trouble.count > 1:
            fields["times"] = trouble.count
            fields["seconds"] = round(now - trouble.since)
        if not self._is_silent:
            self._log.warning(what, reason=str(error), **fields)
        trouble.told, trouble.is_told, trouble.untold = now, True, False

    def over(self, about: str = "") -> None:
        """It works for somebody; once it does for everybody, that is told."""
        trouble = self._leave(about, self._now())
        if trouble is not None and trouble.is_told and not trouble.met:
            trouble.is_told = False
            if not self._is_silent:
                self._log.info("works again", after=self._what, times=trouble.count)

    def _leave(self, about: str, now: float) -> _Trouble | None:
        """Somebody does not meet a cause any longer; which that was, if any."""
        trouble = self._causes.get(self._cause_of.pop(about, ""))
        if trouble is not None:
            trouble.met.discard(about)
            trouble.ended = None if trouble.met else now
        return trouble


def _cause(error: Exception | str) -> str:
    """What errors have in common that are met in different places at the same time."""
    if isinstance(error, str):
        return ""
    if isinstance(error, ApiError):
        return f"answer {error.status}"
    if isinstance(error, UnreachableError) or not isinstance(error, YuhengError):
        return type(error).__name__
    return str(error)
