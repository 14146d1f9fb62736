"""The format of a part: a line that says what it is, then frames.

    yuheng record 1
    frame: length | checksum of the payload | checksum of these two | payload      (three 32-bit numbers, little-endian)

The payloads are one zlib stream, flushed at the end of each frame, so that a frame can be read when it is whole, and
what turns have in common costs next to nothing. Inside is MessagePack: first a `Begin`, then a `Written` a turn. What
many pods share, their specification and labels, is written once a part and named by a number from then on; a pod that
was told of before is named by its key; of a state that was told before only what differs is written.

What is not in the model cannot be in a record: no environment variable, no Secret, no command line.
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from yuheng.model.live import Closed, Decisions, Guarded, Went
from yuheng.model.pod import OwnerReference, Pod, PodSpec
from yuheng.model.policy import Policy

__all__ = [
    "FIRST_LINE",
    "FORMAT",
    "HEADER",
    "KEYED",
    "LABELS",
    "MOST_BYTES",
    "SPEC",
    "SUFFIX",
    "WORD",
    "Begin",
    "PodRow",
    "State",
    "Written",
    "place_of",
]

FORMAT: Final = 1
WORD: Final = b"yuheng record "
FIRST_LINE: Final = WORD + b"%d\n" % FORMAT
HEADER: Final = struct.Struct("<III")
SUFFIX: Final = ".yrec"
# No frame is larger than this once it is decompressed: a million pods take less.
MOST_BYTES: Final = 1 << 30
# The parts of a state that are told apart by a key, so that only what differs is written.
KEYED: Final = ("nodes", "pods", "jobs")


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag="begin"):
    """What a part begins with.

    Attributes:
        yuheng: the version that wrote it.
        run: of the process that wrote it; no other has the same.
        time: seconds since the epoch.
        policy: what the engine was started with; None for what the state says.
        seed: of everything random.
    """

    yuheng: str
    run: str
    time: float
    policy: Policy | None
    seed: int


class PodRow(msgspec.Struct, frozen=True, array_like=True):
    """A pod: the fields of `Pod`, in their order, its specification and labels by number."""

    name: str
    namespace: str
    spec: int
    labels: int
    node: str | None
    priority: int
    created: float
    owner: OwnerReference | None
    terminating: bool
    device_indices: tuple[int, ...]
    job: str
    task: str
    queue: str
    preemptable: bool | None
    preempts: bool
    revocable: bool
    started: float | None
    estimate: float | None


SPEC: Final = Pod.__struct_fields__.index("spec")
LABELS: Final = Pod.__struct_fields__.index("labels")


class CameRow(msgspec.Struct, frozen=True, tag="came", array_like=True):
    """`Came`, its pod by row or by key."""

    pod: PodRow | str


class State(msgspec.Struct, frozen=True, tag="state", array_like=True):
    """`Renewed`: what differs from the state that was told before in this part.

    Attributes:
        gone: keys by collection (see `KEYED`).
        put: objects by collection.
        order: keys by collection, where they are not sorted.
        fields: the other fields of the snapshot that differ, by name.
    """

    gone: dict[str, list[str]]
    put: dict[str, list[msgspec.Raw]]
    order: dict[str, list[str]]
    fields: dict[str, msgspec.Raw]


class Written(msgspec.Struct, frozen=True, tag="turn", array_like=True):
    """A turn; see `Turn`.

    Attributes:
        specs: specifications that get the next numbers.
        labels: labels that get the next numbers.
        decisions: None where the state could not be read; ``problem`` says why then.
    """

    number: int
    specs: list[PodSpec]
    labels: list[dict[str, str]]
    told: list[CameRow | Went | Closed | Guarded | State]
    pods: list[PodRow | str]
    time: float
    nominated: dict[str, str]
    may_evict: bool
    decisions: Decisions | None
    problem: str


def place_of(key: str) -> list[str]:
    """What a key is sorted by: the namespace, then the name."""
    return key.split("/", 1)
