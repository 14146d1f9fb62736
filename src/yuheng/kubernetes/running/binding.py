"""Pods are bound, and running ones evicted: the only writes that move anything.

Nobody knows what became of a request whose answer got lost. A binding names the very pod, by its uid, so it may be sent
again: a pod is bound once, and whoever binds it a second time is told ``409``, and looks where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, Api, ApiError, ConflictError, MissingError, UnreachableError
from yuheng.kubernetes.mirror.known import marks_of

__all__ = ["Binder", "Outcome"]

PODS: Final = KINDS["pods"]
# How often it is asked what became of a binding, and the pause between, in seconds.
LOOKS: Final = 60
PAUSE: Final = 1.0
EVICTIONS: Final = 8
_encode: Final = msgspec.json.Encoder().encode


class Outcome(Enum):
    """What became of a binding."""

    bound = "bound"
    elsewhere = "elsewhere"
    gone = "gone"
    failed = "failed"


class Binder:
    """Binds and evicts.

    Args:
        api: the server.
        may_write: asked right before each write: whoever no longer leads writes nothing.
        most: how many bindings are in flight at once.
    """

    def __init__(self, api: Api, may_write: Callable[[], bool] = lambda: True, most: int = 48) -> None:
        self._api = api
        self._may_write = may_write
        self._slots = asyncio.Semaphore(most)
        self._evictions = asyncio.Semaphore(EVICTIONS)

    async def bind(
        self, namespace: str, name: str, uid: str, node: str, annotations: Mapping[str, str] = {}
    ) -> tuple[Outcome, str]:
        """Bind a pod; what became of it, and why it failed.

        Args:
            namespace: of the pod.
            name: of the pod.
            uid: of this very pod.
            node: where it goes.
            annotations: what is written on the pod with it: the GPUs that a share of one gets.
        """
        metadata: dict[str, Any] = {"namespace": namespace, "name": name, "uid": uid}
        if annotations:
            metadata["annotations"] = dict(annotations)
        body = _encode(
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": metadata,
                "target": {"apiVersion": "v1", "kind": "Node", "name": node},
            }
        )
        async with self._slots:
            if not self._may_write():
                return Outcome.failed, "no longer the leader"
            try:
                path = PODS.path(namespace, name, "binding")
                await self._api.request("POST", path, body, twice_is_once=True, while_allowed=self._may_write)
            except MissingError:
                return Outcome.gone, "the pod is gone"
            except (ConflictError, UnreachableError) as error:
                return await self._looked_up(namespace, name, uid, node, str(error))
            except ApiError as error:
                doubtful = error.status >= 500
                return (
                    await self._looked_up(namespace, name, uid, node, str(error))
                    if doubtful
                    else (Outcome.failed, str(error))
                )
            except YuhengError as error:
                return Outcome.failed, str(error)
            return Outcome.bound, ""

    async def _looked_up(self, namespace: str, name: str, uid: str, node: str, why: str) -> tuple[Outcome, str]:
        """Where the pod is, when the answer to its binding was lost or was a conflict.

        As long as there is no server to ask, nobody knows, and whoever asks has to wait: the room may be taken.
        """
        looks = 0
        while looks < LOOKS:
            try:
                marks = marks_of(await self._api.request("GET", PODS.path(namespace, name)))
            except MissingError:
                return Outcome.gone, "the pod is gone"
            except (YuhengError, msgspec.DecodeError, UnicodeDecodeError) as error:
                # No answer, or one by something in between that is no pod.
                looks += not isinstance(error, UnreachableError)
                await self._api.timing.sleep(PAUSE)
                continue
            if marks.metadata.uid != uid:
                return Outcome.gone, "the pod is another one by now"
            there = marks.spec.node_name or ""
            if there == node:
                return Outcome.bound, ""
            return (Outcome.elsewhere, f"bound to {there}") if there else (Outcome.failed, why)
        return Outcome.failed, why

    async def evict(self, namespace: str, name: str, uid: str) -> str:
        """Ask a running pod to go, as far as its disruption budgets allow; why it does not, or nothing."""
        body = _encode(
            {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"namespace": namespace, "name": name},
                "deleteOptions": {"preconditions": {"uid": uid}},
            }
        )
        async with self._evictions:
            if not self._may_write():
                return "no longer the leader"
            try:
                path = PODS.path(namespace, name, "eviction")
                # A budget that allows none says so with 429: that is an answer, not a server that has too much to do.
                await self._api.request("POST", path, body, while_allowed=lambda: False)
            except MissingError:
                return ""
            except YuhengError as error:
                return str(error)
            return ""
