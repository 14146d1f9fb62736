"""When to ask again, and how long to wait before.

A pause is drawn from nothing up to a bound that doubles ("full jitter"): clients that failed together do not come
back together. What the server itself asks for (``Retry-After``) is kept, with jitter on top, and never cut short.

May a request be repeated? One that was never sent, always. One that the server turned away before looking at it (429),
always. Beyond that a create is not repeated, unless its sender knows that twice is as good as once: a server that
answers 500, or breaks off, may have done what it was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.kubernetes.api.errors import ApiError, ServerError, UnreachableError

if TYPE_CHECKING:
    from yuheng.kubernetes.timing import Timing

__all__ = ["Backoff", "Patience", "may_repeat"]

_TURNED_AWAY: Final = 429
_TEMPORARY: Final = frozenset({408, 425, 500, 502, 503, 504})
# A server's `Retry-After` is stretched by up to this share.
_STRETCH: Final = 0.25


class Patience(NamedTuple):
    """How long something is tried.

    Attributes:
        total: seconds from the first try until no other is begun; infinity for ever.
        first: the upper end of the first pause, in seconds; it doubles.
        longest: the upper end of any pause, in seconds.
    """

    total: float = 30.0
    first: float = 0.1
    longest: float = 10.0


class Backoff:
    """The pauses of one thing that is tried again and again.

    Args:
        patience: how long.
        timing: the clock and the chance.
    """

    __slots__ = ("_bound", "_end", "_patience", "_timing")

    def __init__(self, patience: Patience, timing: Timing) -> None:
        self._patience = patience
        self._timing = timing
        self._end = timing.now() + patience.total
        self._bound = patience.first

    def reset(self) -> None:
        """It worked: begin with short pauses."""
        self._bound = self._patience.first

    async def wait(self, least: float | None = None) -> bool:
        """Wait for the next try.

        Args:
            least: seconds that the server asked for.

        Returns:
            Whether there is a next try; without it nothing is waited for.
        """
        chance = self._timing.chance()
        pause = self._bound * chance if least is None else least * (1 + _STRETCH * chance)
        if self._timing.now() + pause > self._end:
            return False
        self._bound = min(self._bound * 2, self._patience.longest)
        await self._timing.sleep(pause)
        return True


def may_repeat(error: ServerError, *, twice_is_once: bool) -> bool:
    """Whether a request that failed may be sent again.

    Args:
        error: how it failed.
        twice_is_once: whether doing it twice is as good as once.
    """
    if isinstance(error, UnreachableError):
        return not error.is_lasting and (twice_is_once or not error.was_sent)
    if not isinstance(error, ApiError):
        return False
    return error.status == _TURNED_AWAY or (twice_is_once and error.status in _TEMPORARY)
