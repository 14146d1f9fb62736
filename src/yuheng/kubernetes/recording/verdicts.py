"""Decisions in words, thing by thing, so that two can be held against each other."""

from __future__ import annotations

from typing import Final

import msgspec

from yuheng.model.live import Decisions

__all__ = ["NOTHING", "THE_TURN", "differing", "is_equal", "verdicts"]

_encode: Final = msgspec.msgpack.Encoder().encode
# What is said of whom nothing was decided, and whom a verdict on all of a turn is about.
NOTHING: Final = "nothing"
THE_TURN: Final = "the turn"
UNREAD: Final = "the state could not be read: "


def is_equal(one: Decisions | str, other: Decisions | str) -> bool:
    """Whether two outcomes are equal, bit for bit."""
    return _encode(one) == _encode(other)


def verdicts(outcome: Decisions | str) -> dict[str, str]:
    """What was decided, by whom it is about: a pod, or the whole turn."""
    if isinstance(outcome, str):
        return {THE_TURN: f"{UNREAD}{outcome}"}
    found = {one.pod: _placed(one.node, one.devices) for one in outcome.placements}
    found |= {one.pod: f"pending: {one.message}" for one in outcome.lacking}
    for key, node in outcome.nominated.items():
        found[key] = f"{found[key]}; nominated for {node}" if key in found else f"nominated for {node}"
    for room in outcome.preemptions:
        found[room.pod] = f"{found.get(room.pod, '')}; on {room.node} go {', '.join(room.victims)}".removeprefix("; ")
    for gone in outcome.evictions:
        found[f"{gone.pod}"] = f"evicted from {gone.node} by {gone.by or 'nobody'} ({gone.rule}): {gone.reason}"
    return found | {f"job {key}": "let in" for key in outcome.admitted}


def differing(recorded: Decisions | str, found: Decisions | str) -> list[tuple[str, str, str]]:
    """What differs between two outcomes: whom it is about, and both in words; empty when they are equal."""
    if is_equal(recorded, found):
        return []
    before, after = verdicts(recorded), verdicts(found)
    pairs = [(key, before.get(key, NOTHING), after.get(key, NOTHING)) for key in {**before, **after}]
    told = [pair for pair in pairs if pair[1] != pair[2]]
    if told:
        return told
    return [("the order", ", ".join(before) or NOTHING, ", ".join(after) or NOTHING)]


def _placed(node: str, devices: tuple[int, ...]) -> str:
    return f"on {node}, GPU {', '.join(map(str, devices))}" if devices else f"on {node}"
