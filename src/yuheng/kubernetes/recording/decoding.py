"""From frames to turns: the reverse of `encoding`, with the same memory of what was told before."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from yuheng.kubernetes.recording.format import KEYED, Begin, CameRow, PodRow, State, Written, place_of
from yuheng.kubernetes.recording.turn import Turn
from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.live import Asked, Came, Change, Closed, Guarded, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.pod import Pod, PodSpec

__all__ = ["Decoder", "decode_begin"]

_turn_of: Final = msgspec.msgpack.Decoder(Written).decode
_node_of: Final = msgspec.msgpack.Decoder(Node).decode
_job_of: Final = msgspec.msgpack.Decoder(Job).decode
_row_of: Final = msgspec.msgpack.Decoder(PodRow).decode
_FIELDS: Final = {
    field.name: msgspec.msgpack.Decoder(field.type)
    for field in msgspec.structs.fields(Snapshot)
    if field.name not in KEYED
}


def decode_begin(content: bytes) -> Begin:
    """What a part begins with.

    Raises:
        msgspec.MsgspecError: it is something else.
    """
    return msgspec.msgpack.decode(content, type=Begin)


class Decoder:
    """The turns of one part."""

    def __init__(self) -> None:
        self._specs: list[PodSpec] = []
        self._labels: list[dict[str, str]] = []
        self._kept: dict[str, dict[str, Any]] = {name: {} for name in KEYED}
        self._fields: dict[str, Any] = {}

    def turn(self, content: bytes) -> Turn:
        """A turn.

        Raises:
            msgspec.MsgspecError: it is something else.
            LookupError: it names what was not told of before.
        """
        written = _turn_of(content)
        self._specs += written.specs
        self._labels += written.labels
        told = [self._change(change) for change in written.told]
        pods = [self._pod(pod) for pod in written.pods]
        asked = Asked(written.time, written.nominated, written.may_evict)
        outcome = written.problem if written.decisions is None else written.decisions
        return Turn(written.number, told, pods, asked, outcome)

    def _change(self, change: CameRow | Went | Closed | Guarded | State) -> Change:
        match change:
            case CameRow(pod):
                return Came(self._pod(pod))
            case Went(key):
                self._kept["pods"].pop(key, None)
                return change
            case Closed() | Guarded():
                return change
            case State():
                return Renewed(self._state(change))

    def _pod(self, told: PodRow | str) -> Pod:
        pods: dict[str, Pod] = self._kept["pods"]
        if isinstance(told, str):
            return pods[told]
        pod = self._made(told)
        pods[pod.key] = pod
        return pod

    def _made(self, row: PodRow) -> Pod:
        values = dict(zip(Pod.__struct_fields__, msgspec.structs.astuple(row), strict=True))
        return Pod(**{**values, "spec": self._specs[row.spec], "labels": self._labels[row.labels]})

    def _state(self, state: State) -> Snapshot:
        for name, keys in state.gone.items():
            for key in keys:
                del self._kept[name][key]
        for raw in state.put.get("nodes", ()):
            node = _node_of(raw)
            self._kept["nodes"][node.name] = node
        for raw in state.put.get("pods", ()):
            pod = self._made(_row_of(raw))
            self._kept["pods"][pod.key] = pod
        for raw in state.put.get("jobs", ()):
            job = _job_of(raw)
            self._kept["jobs"][job.key] = job
        self._fields |= {name: _FIELDS[name].decode(raw) for name, raw in state.fields.items()}
        values: dict[str, Any] = {name: self._ordered(name, state) for name in KEYED}
        return Snapshot(**values, **self._fields)

    def _ordered(self, name: str, state: State) -> tuple[Any, ...]:
        kept = self._kept[name]
        keys = state.order.get(name) or sorted(kept, key=place_of)
        return tuple(map(kept.__getitem__, keys))
