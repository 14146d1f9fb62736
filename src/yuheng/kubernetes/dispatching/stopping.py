"""How a process that stays is ended: the first signal lets it finish what is under way, the second ends it at once."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

__all__ = ["stopping"]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def stopping() -> asyncio.Event:
    """An event that is set by SIGTERM and SIGINT, of the loop that runs; a second one does what it always does."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    for number in _SIGNALS:
        loop.add_signal_handler(number, told)
    return stop
