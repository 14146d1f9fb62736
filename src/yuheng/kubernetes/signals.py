"""What ends a process that stays from outside: asked once it ends in good order, asked twice it ends at once.

The second time nothing is finished and nothing is given back: whoever asks twice has waited long enough, be it for a
server that does not answer or for a thread that computes. As the first process of a container a process is spared
signals that it does not handle; so the end is our own doing, with the exit code that shells give to it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

__all__ = ["stopped_by_signals"]

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# Seconds within which a second signal is the first once more: some send it to a process and to its group.
TOGETHER: Final = 0.5


@contextmanager
def stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """While it is entered, the first SIGTERM or SIGINT sets an event, and the second ends the process.

    Args:
        stop: of the loop that runs.
    """
    loop = asyncio.get_running_loop()
    asked: float | None = None

    def ask(number: int, _: FrameType | None) -> None:
        nonlocal asked
        now = time.monotonic()
        if asked is not None and now - asked >= TOGETHER:
            os._exit(128 + number)
        asked = now if asked is None else asked
        loop.call_soon_threadsafe(stop.set)

    before = [(number, signal.signal(number, ask)) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
