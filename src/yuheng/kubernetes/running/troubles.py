"""Trouble that does not stop anything: told once, not once for each of a thousand requests."""

from __future__ import annotations

import structlog

__all__ = ["Troubles"]

_log = structlog.get_logger("yuheng.running")


class Troubles:
    """What goes wrong with one kind of write.

    Args:
        what: cannot be done, in words.

    Attributes:
        count: how often it went wrong.
    """

    def __init__(self, what: str) -> None:
        self.count = 0
        self._what = what
        self._told: type[Exception] | None = None

    def tell(self, error: Exception) -> None:
        """It went wrong; told when it did not go wrong in this way before."""
        self.count += 1
        if type(error) is not self._told:
            self._told = type(error)
            _log.warning(self._what, reason=str(error))

    def over(self) -> None:
        """It works: the next trouble is news."""
        self._told = None
