"""`Reporter`: tells the users what became of their pods, in the places where they look.

``kubectl describe pod`` shows a condition with the sentence, and the events; the cluster autoscaler reads the
condition's reason; other tools read the nominated node. All of it is sent beside the bindings, from outboxes that few
requests leave at once, and none of it ever holds the scheduler up: what cannot be told is said in the log, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from yuheng.kubernetes.running.conditions import Conditions
from yuheng.kubernetes.running.events import FINISHED, Events, Reference, cut
from yuheng.kubernetes.running.refusals import Refusals
from yuheng.kubernetes.timing import Timing
from yuheng.kubernetes.troubles import Troubles

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api
    from yuheng.kubernetes.mirror.known import Known

__all__ = ["Reporter"]

UNSCHEDULABLE: Final = "Unschedulable"
GATED: Final = "SchedulingGated"
# An invalid affinity, or a binding that was refused, say: the cluster autoscaler must not make nodes for it.
ERROR: Final = "SchedulerError"
LONGEST_MESSAGE: Final = 8192
_log = structlog.get_logger("yuheng.running")


class Reporter:
    """Tells of decisions.

    Args:
        api: the server.
        name: of the scheduler.
        instance: which of its instances it is.
        timing: the clocks.
        may_write: asked right before a pod's status is written: whoever does not lead writes none.
        uid_of: gives a pod's uid by its ``namespace/name``; empty where it is not known.
    """

    def __init__(
        self,
        api: Api,
        name: str,
        instance: str,
        *,
        timing: Timing | None = None,
        may_write: Callable[[], bool] = lambda: True,
        uid_of: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._timing = timing or api.timing
        self._uid_of = uid_of
        self._events = Events(api, name, instance, self._timing)
        self._conditions = Conditions(api, self._timing, may_write)
        self._refusals = Refusals()
        self._bindings = Troubles("a pod could not be bound", self._timing.now)

    @property
    def dropped(self) -> int:
        """How many events were not told because there were too many."""
        return self._events.outbox.dropped + self._events.dropped

    @property
    def waiting(self) -> int:
        """How many things wait to be told, or are on their way."""
        return len(self._events.outbox) + len(self._conditions.outbox)

    async def run(self) -> None:
        """Tell, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._conditions.outbox.run())
            group.create_task(self._events.outbox.run())
            group.create_task(self._tidy())

    async def drain(self, seconds: float = 5.0) -> None:
        """Wait until all is told, but not longer than so many seconds. `run` has to go on meanwhile."""
        self._refusals.tell()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._conditions.outbox.drained()
                await self._events.outbox.drained()

    async def _tidy(self) -> None:
        while True:
            await self._timing.sleep(FINISHED)
            self._events.tidy()

    def placed(self, known: Known, node: str) -> None:
        """A pod is bound to a node."""
        self._bindings.over()
        self._conditions.leave(known.key)
        note = f"Successfully assigned {known.key} to {node}"
        self._events.tell(_reference(known), "Scheduled", "Binding", note, once=True)
        _log.info("Successfully bound pod to node", pod=known.key, node=node)

    def refused(self, known: Known, message: str) -> None:
        """A pod stays pending: because nothing fits, because of its gates, or because it cannot be read.

        Args:
            known: the pod.
            message: why, in a sentence.
        """
        message = cut(message, LONGEST_MESSAGE)
        reason = ERROR if known.problem else GATED if known.gated else UNSCHEDULABLE
        if self._conditions.refuse(known, reason, message):
            self._refusals.note(known.key, reason, message)
        if reason != GATED:
            self._events.tell(_reference(known), "FailedScheduling", "Scheduling", message, warns=True)

    def failed(self, known: Known, node: str, why: str) -> None:
        """A pod that has a node could not be bound.

        Args:
            known: the pod.
            node: its node.
            why: what the API server said.
        """
        _log.debug("Unable to bind pod", pod=known.key, node=node, err=why)
        self._bindings.tell(why, what=f"pod {known.key} could not be bound to node {node}")
        message = cut(f"binding rejected: {why}", LONGEST_MESSAGE)
        self._conditions.refuse(known, ERROR, message)
        self._events.tell(_reference(known), "FailedScheduling", "Scheduling", message, warns=True)

    def nominated(self, known: Known, node: str) -> None:
        """A node is being cleared for a pod; none any longer, where it is empty."""
        self._conditions.nominate(known, node)

    def preempted(self, victim: Known, by: str, node: str) -> None:
        """A running pod was asked to go.

        Args:
            victim: the pod.
            by: for which other, as ``namespace/name``. Only its uid is told: the victim's owner may not be entitled
                to its name.
            node: where the victim runs.
        """
        uid = self._uid_of(by)
        who = f"pod {uid}" if uid else "another pod"
        self._events.tell(_reference(victim), "Preempted", "Preempting", f"Preempted by {who} on node {node}")
        _log.info("Preempted pod", pod=victim.key, preemptor=by, node=node)


def _reference(known: Known) -> Reference:
    return Reference.to_pod(known.key, known.uid)
