"""What has run to its end, as far as this process saw: a Job that is gone when it is done must not be made again.

A Deployment that is gone was deleted, and is made again. A Job may have been taken away because it is done, by
``ttlSecondsAfterFinished`` or by a person, and to make it again at each look would run it for ever. So one that was
there and is gone counts as over, unless its last state was seen and it was still at work. It is made again when what is
written of it changes, or by a process that has not seen it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.targets import Identity

__all__ = ["Runs", "has_ended", "print_of"]

_ENDING: Final = frozenset((("Job", "batch"), ("Job", "batch.volcano.sh")))
# Conditions of a Job, and phases of one of Volcano, after which nothing of it runs any more.
_CONDITIONS: Final = frozenset(("Complete", "Failed"))
_PHASES: Final = frozenset(("Aborted", "Completed", "Failed", "Terminated"))


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _State(msgspec.Struct):
    phase: str = ""


class _Status(msgspec.Struct):
    conditions: tuple[_Condition, ...] | None = None
    state: _State | None = None


class _Object(msgspec.Struct):
    status: _Status | None = None


_decode: Final = msgspec.json.Decoder(_Object).decode


def has_ended(text: bytes | msgspec.Raw) -> bool:
    """Whether an object says that it has run to its end, well or not.

    Args:
        text: its JSON; what cannot be read says nothing.
    """
    try:
        status = _decode(text).status
    except msgspec.DecodeError:
        return False
    if status is None:
        return False
    is_done = any(one.type in _CONDITIONS and one.status == "True" for one in status.conditions or ())
    return is_done or (status.state is not None and status.state.phase in _PHASES)


def print_of(manifest: dict[str, Any]) -> str:
    """What tells whether something that runs to an end is still written as it was; empty for what runs on.

    Args:
        manifest: as it is written, with its overrides.
    """
    group = str(manifest.get("apiVersion", "")).rpartition("/")[0]
    if (manifest.get("kind"), group) not in _ENDING:
        return ""
    return hashlib.sha256(msgspec.json.encode(manifest, order="deterministic")).hexdigest()


class Runs:
    """The shares that were made, and those that are over, by cluster and workload."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, Identity], str] = {}
        self._over: set[tuple[str, Identity]] = set()

    def made(self, cluster: str, identity: Identity, written: str, *, is_over: bool) -> None:
        """A share is there.

        Args:
            cluster: where.
            identity: of which workload.
            written: its print, as `print_of` tells it.
            is_over: whether it has run to its end.
        """
        self._made[cluster, identity] = written
        self.seen(cluster, identity, is_over=is_over)

    def seen(self, cluster: str, identity: Identity, *, is_over: bool) -> None:
        """A share was seen, and how far it is."""
        if is_over:
            self._over.add((cluster, identity))
        else:
            self._over.discard((cluster, identity))

    def gone(self, cluster: str, identity: Identity, *, is_over: bool) -> bool:
        """A share is gone; whether it is to be made again.

        Args:
            cluster: where.
            identity: of which workload.
            is_over: whether it had run to its end when it went, or that is not known.
        """
        self.seen(cluster, identity, is_over=is_over)
        if is_over:
            return False
        self._made.pop((cluster, identity), None)
        return True

    def forget(self, cluster: str, identity: Identity) -> None:
        """A share was taken away by us: when it is wanted again, it is made again."""
        self._made.pop((cluster, identity), None)

    def is_over(self, cluster: str, identity: Identity) -> bool:
        """Whether a share has run to its end."""
        return (cluster, identity) in self._over

    def was_made(self, cluster: str, identity: Identity, written: str) -> bool:
        """Whether a share was there as it is written now: where it is gone, it has run."""
        return bool(written) and self._made.get((cluster, identity)) == written
