"""From turns to frames: each says only what those before it in its part did not."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from yuheng.kubernetes.recording.format import (
    FIRST_LINE,
    HEADER,
    KEYED,
    LABELS,
    SPEC,
    Begin,
    State,
    place_of,
)
from yuheng.kubernetes.recording.turn import Turn
from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.live import Came, Change, Closed, Decisions, Guarded, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.pod import Pod

__all__ = ["Encoder"]

LEVEL: Final = 6
_encode: Final = msgspec.msgpack.Encoder().encode
_FIELDS: Final = tuple(name for name in Snapshot.__struct_fields__ if name not in KEYED)


class Encoder:
    """The frames of one part.

    Attributes:
        known: how many specifications and labels it remembers.
    """

    def __init__(self) -> None:
        self._stream = zlib.compressobj(LEVEL)
        self._specs: dict[bytes, int] = {}
        self._labels: dict[bytes, int] = {}
        self._kept: dict[str, dict[str, bytes]] = {name: {} for name in KEYED}
        self._fields: dict[str, bytes] = {}
        # Of the turn in hand: new specifications and labels, and the numbers of those that were met.
        self._new_specs: list[msgspec.Raw] = []
        self._new_labels: list[msgspec.Raw] = []
        self._met: dict[int, int] = {}

    @property
    def known(self) -> int:
        """How many specifications and labels are remembered."""
        return len(self._specs) + len(self._labels)

    def begin(self, begin: Begin) -> bytes:
        """What a part begins with."""
        return FIRST_LINE + self._frame(_encode(begin))

    def turn(self, turn: Turn) -> bytes:
        """A turn as a frame.

        Raises:
            ValueError: it cannot be written: two pods have one name.
            OverflowError: a number in it is too large.
        """
        self._new_specs, self._new_labels, self._met = [], [], {}
        told = [self._change(change) for change in turn.told]
        pods = [self._pod(pod) for pod in turn.pods]
        decided = isinstance(turn.outcome, Decisions)
        asked = turn.asked
        fields = (
            "turn",
            turn.number,
            self._new_specs,
            self._new_labels,
            told,
            pods,
            asked.time,
            asked.nominated,
            asked.may_evict,
            turn.outcome if decided else None,
            "" if decided else turn.outcome,
        )
        return self._frame(_encode(fields))

    def _frame(self, content: bytes) -> bytes:
        payload = self._stream.compress(content) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        start = (len(payload), zlib.crc32(payload))
        return HEADER.pack(*start, zlib.crc32(HEADER.pack(*start, 0)[:8])) + payload

    def _change(self, change: Change) -> Any:  # noqa: ANN401 -- what the encoder takes
        match change:
            case Came(pod):
                return ("came", self._pod(pod))
            case Went(key):
                self._kept["pods"].pop(key, None)
                return change
            case Closed() | Guarded():
                return change
            case Renewed(snapshot):
                return self._state(snapshot)

    def _pod(self, pod: Pod) -> msgspec.Raw | str:
        """A pod; its key when it was told of as it is now."""
        pods, row = self._kept["pods"], self._row(pod)
        if pods.get(pod.key) == row:
            return pod.key
        pods[pod.key] = row
        return msgspec.Raw(row)

    def _row(self, pod: Pod) -> bytes:
        spec = self._met.get(id(pod.spec))
        if spec is None:
            spec = self._met[id(pod.spec)] = _number(self._specs, self._new_specs, _encode(pod.spec))
        values: list[Any] = list(msgspec.structs.astuple(pod))
        values[SPEC] = spec
        values[LABELS] = _number(self._labels, self._new_labels, _encode(pod.labels))
        return _encode(values)

    def _state(self, snapshot: Snapshot) -> State:
        """What differs in a state."""
        state = State({}, {}, {}, {})
        self._differ(state, "nodes", snapshot.nodes, _name_of, _encode)
        self._differ(state, "pods", snapshot.pods, _key_of, self._row)
        self._differ(state, "jobs", snapshot.jobs, _key_of, _encode)
        for name in _FIELDS:
            text = _encode(getattr(snapshot, name))
            if self._fields.get(name) != text:
                self._fields[name] = text
                state.fields[name] = msgspec.Raw(text)
        return state

    def _differ(
        self,
        state: State,
        name: str,
        objects: Iterable[Any],
        key_of: Callable[[Any], str],
        text_of: Callable[[Any], bytes],
    ) -> None:
        before = self._kept[name]
        now = {key_of(one): text_of(one) for one in objects}
        keys = [key_of(one) for one in objects]
        if len(keys) != len(now):
            raise ValueError(f"{name}: two of one name")
        gone = [key for key in before if key not in now]
        put = [msgspec.Raw(text) for key, text in now.items() if before.get(key) != text]
        for told, found in ((state.gone, gone), (state.put, put)):
            if found:
                told[name] = found  # type: ignore[assignment]
        if keys != sorted(keys, key=place_of):
            state.order[name] = keys
        self._kept[name] = now


def _number(numbers: dict[bytes, int], new: list[msgspec.Raw], text: bytes) -> int:
    """The number of a value, a new one for one that was not met before."""
    number = numbers.get(text)
    if number is None:
        number = numbers[text] = len(numbers)
        new.append(msgspec.Raw(text))
    return number


def _name_of(node: Node) -> str:
    return node.name


def _key_of(one: Pod | Job) -> str:
    return one.key
