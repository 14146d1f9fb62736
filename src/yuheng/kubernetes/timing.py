"""Clocks, pauses and chance, as one value that is handed in.

Whatever waits, backs off or expires takes its time from here, so that a test of a minute's silence takes no time and
a test of a clock that jumps can make it jump.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple

__all__ = ["Timing", "rung"]


class Timing(NamedTuple):
    """What time it is, and how to wait.

    Attributes:
        now: seconds of a clock that never jumps, for durations.
        wall: seconds since the epoch, for what others have written down; it may jump.
        sleep: waits so many seconds.
        chance: a number from 0 to 1, for jitter.
    """

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


async def rung(bell: asyncio.Event, seconds: float | None) -> None:
    """Wait until a bell rings, or for so many seconds; None for as long as it takes."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None if seconds is None else max(seconds, 0.0)):
            await bell.wait()
