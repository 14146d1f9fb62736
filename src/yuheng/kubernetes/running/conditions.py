"""What a pending pod says of itself: its condition ``PodScheduled``, and the node that is being cleared for it.

Both are in its status and go in one patch. A patch names the pod's uid, so that another pod of the same name is left
alone, and only says what changes: the time of the last transition stays when the pod was not scheduled before, either.
What was asked for and is not seen yet, because the server has not told of it, counts as said.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, ApiError, MissingError
from yuheng.kubernetes.running.outbox import Outbox
from yuheng.kubernetes.troubles import Troubles

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api
    from yuheng.kubernetes.mirror.known import Known
    from yuheng.kubernetes.timing import Timing

__all__ = ["Conditions"]

_PODS: Final = KINDS["pods"]
_PATCH: Final = "application/strategic-merge-patch+json"
IN_FLIGHT: Final = 6
WAITING: Final = 200_000
# How many sayings are remembered until they are seen.
REMEMBERED: Final = 20_000
_CONFLICT, _INVALID = 409, 422
_TRIES: Final = 3


class Wish(msgspec.Struct):
    """What a pod's status is to say.

    Attributes:
        key: of the pod, ``namespace/name``.
        uid: of this very pod.
        reason: why it is not scheduled, in a word; empty to leave the condition alone.
        message: why, in a sentence.
        since: when it ceased to be scheduled; empty where it was not before.
        nominated: the node that is being cleared for it; empty for none; None to leave it alone.
    """

    key: str
    uid: str
    reason: str = ""
    message: str = ""
    since: str = ""
    nominated: str | None = None


class Conditions:
    """The status of pending pods.

    Args:
        api: the server.
        timing: the clocks.
        may_write: asked right before each write.
    """

    def __init__(self, api: Api, timing: Timing, may_write: Callable[[], bool]) -> None:
        self._api = api
        self._timing = timing
        self._may_write = may_write
        self._said: dict[str, Wish] = {}
        self._troubles = Troubles("cannot write the status of pods", timing.now)
        self.outbox: Outbox[Wish] = Outbox(self._send, in_flight=IN_FLIGHT, most=WAITING)

    def refuse(self, known: Known, reason: str, message: str) -> bool:
        """Have a pod say why it is not scheduled.

        Args:
            known: the pod.
            reason: in a word, as ``Unschedulable``.
            message: in a sentence.

        Returns:
            Whether it does not say so already.
        """
        said = self._still_said(known)
        if message == (said.message if said is not None and said.reason else known.told):
            return False
        wish = self._wish(known)
        if not known.told and not (said is not None and said.reason):
            wish.since = datetime.fromtimestamp(self._timing.wall(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wish.reason, wish.message = reason, message
        self._ask(wish)
        return True

    def nominate(self, known: Known, node: str) -> None:
        """Have a pod say which node is being cleared for it; empty for none any longer."""
        said = self._still_said(known)
        if node == (said.nominated if said is not None and said.nominated is not None else known.nominated):
            return
        wish = self._wish(known)
        wish.nominated = node
        self._ask(wish)

    def leave(self, key: str) -> None:
        """A pod has nothing more to say: it is scheduled, or gone."""
        self._said.pop(key, None)
        self.outbox.take_back(key)

    def _still_said(self, known: Known) -> Wish | None:
        """What was asked for, as long as it is not to be seen in the pod itself."""
        said = self._said.get(known.key)
        if said is None:
            return None
        seen = (not said.reason or known.told == said.message) and said.nominated in (None, known.nominated)
        if said.uid == known.uid and not seen:
            return said
        del self._said[known.key]
        return None

    def _wish(self, known: Known) -> Wish:
        """What waits to be sent already, or nothing so far."""
        waits = self.outbox.waiting(known.key)
        return (
            msgspec.structs.replace(waits)
            if waits is not None and waits.uid == known.uid
            else Wish(known.key, known.uid)
        )

    def _ask(self, wish: Wish) -> None:
        if not self.outbox.put(wish.key, wish):
            return
        before = self._said.pop(wish.key, None)
        said = msgspec.structs.replace(wish)
        if before is not None and before.uid == wish.uid:
            if not said.reason:
                said.reason, said.message = before.reason, before.message
            if said.nominated is None:
                said.nominated = before.nominated
        elif len(self._said) >= REMEMBERED:
            del self._said[next(iter(self._said))]
        self._said[wish.key] = said

    async def _send(self, wish: Wish) -> None:
        if not self._may_write():
            self._said.pop(wish.key, None)
            return
        namespace, _, name = wish.key.partition("/")
        path, body = _PODS.path(namespace, name, "status"), msgspec.json.encode(_patch_of(wish))
        try:
            await self._patch(path, body)
        except MissingError:
            self._said.pop(wish.key, None)
        except YuhengError as error:
            self._said.pop(wish.key, None)
            # The pod has changed its name's owner: what was to be said is about one that is gone.
            if not (isinstance(error, ApiError) and error.status in (_CONFLICT, _INVALID)):
                self._troubles.tell(error)
        else:
            self._troubles.over()

    async def _patch(self, path: str, body: bytes) -> None:
        for left in reversed(range(_TRIES)):
            try:
                await self._api.request("PATCH", path, body, content_type=_PATCH, while_allowed=self._may_write)
            except ApiError as error:
                if error.status != _CONFLICT or not left:
                    raise
            else:
                return


def _patch_of(wish: Wish) -> dict[str, Any]:
    status: dict[str, Any] = {}
    if wish.reason:
        condition = {"type": "PodScheduled", "status": "False", "reason": wish.reason, "message": wish.message}
        if wish.since:
            condition["lastTransitionTime"] = wish.since
        status["conditions"] = [condition]
    if wish.nominated is not None:
        status["nominatedNodeName"] = wish.nominated or None
    return {"metadata": {"uid": wish.uid}, "status": status}
