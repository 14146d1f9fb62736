"""By which rules a scheduler decides, told when they begin to hold: they follow from what is installed.

With the first PodGroup or Queue of a cluster it is Volcano's configuration that says whether anybody has to make room,
and its default says that nobody has to. Who installs them for one team should read of it.
"""

from __future__ import annotations

import structlog

from yuheng.model.batch import VOLCANO_DEFAULT
from yuheng.model.policy import Policy

__all__ = ["Rules"]

_log = structlog.get_logger("yuheng.running")


class Rules:
    """Tells of the rules.

    Args:
        policy: that was asked for: a preset's or a configuration's; None for the defaults.
    """

    def __init__(self, policy: Policy | None) -> None:
        self._batch = (policy.batch if policy is not None else None) or VOLCANO_DEFAULT
        self._by_queue: bool | None = None

    def hold(self, *, by_queue: bool) -> None:
        """Say which rules hold, when that is news.

        Args:
            by_queue: whether queues decide whose turn it is.
        """
        if by_queue is self._by_queue:
            return
        tell = _log.info if self._by_queue is None else _log.warning
        self._by_queue = by_queue
        if not by_queue:
            tell("decides as kube-scheduler: pod by pod, by priority", preemption="on")
            return
        actions = self._batch.actions
        tell(
            "decides as Volcano: by queue and gang",
            actions=", ".join(actions),
            preemption=_on("preempt" in actions),
            reclaim=_on("reclaim" in actions),
        )


def _on(is_on: bool) -> str:
    return "on" if is_on else "off"
