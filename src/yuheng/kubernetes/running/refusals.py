"""Pods that stay pending for the same reason, in one line of the log.

A gang that does not fit is refused pod by pod in one moment, and so are the thousands of a queue that is full. Each of
them says why in its own condition; the log says it once, and of how many.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

__all__ = ["Refusals"]

# Seconds that refusals are gathered for.
GATHER: Final = 0.1
_log = structlog.get_logger("yuheng.running")


class Refusals:
    """What was refused of late and is not told yet."""

    def __init__(self) -> None:
        self._pods: dict[tuple[str, str], list[str]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, pod: str, reason: str, message: str) -> None:
        """A pod stays pending; told within moments, together with others.

        Args:
            pod: ``namespace/name``.
            reason: why, in a word.
            message: why, in a sentence.
        """
        _log.debug("Unable to schedule pod", pod=pod, reason=reason, err=message)
        self._pods.setdefault((reason, message), []).append(pod)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self.tell)

    def tell(self) -> None:
        """Write what was gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        found, self._pods = self._pods, {}
        for (reason, message), pods in found.items():
            if len(pods) == 1:
                _log.info("Unable to schedule pod", pod=pods[0], reason=reason, err=message)
            else:
                _log.info("Unable to schedule pods", pods=len(pods), first=min(pods), reason=reason, err=message)
