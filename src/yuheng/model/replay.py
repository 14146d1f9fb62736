"""What the replay of a record answers: whether the same was decided, what was decided once, what others would decide.

The dictionaries that ``to_dict`` gives are the public format ``yuheng.io/v1alpha1``.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from yuheng.model.batch_plan import LAST_SECOND, iso_time, quantities
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Decisions
from yuheng.model.plan import listed

__all__ = ["Covered", "Difference", "Replay", "ReplayComparison", "ReplayMoment", "Sums", "told_time"]

API_VERSION: Final = "yuheng.io/v1alpha1"


class Covered(msgspec.Struct, frozen=True):
    """What of a record was read.

    Attributes:
        parts: files.
        turns: turns in them.
        pods: pods that had their turn, those that had several counted each time.
        first, last: when the first and the last turn were, in seconds since the epoch; None without any.
        versions: of Yuheng that wrote it.
        notes: what is missing in it, one sentence each.
    """

    parts: int = 0
    turns: int = 0
    pods: int = 0
    first: float | None = None
    last: float | None = None
    versions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As part of a result; times as ISO 8601."""
        return {
            "parts": self.parts,
            "turns": self.turns,
            "pods": self.pods,
            "first": told_time(self.first),
            "last": told_time(self.last),
            "versions": list(self.versions),
            "notes": list(self.notes),
        }


class Difference(msgspec.Struct, frozen=True):
    """One thing that came out otherwise than it was recorded.

    Attributes:
        file: the part of the record, by name.
        turn: its number.
        time: when it was, in seconds since the epoch.
        subject: what differs: a pod, ``namespace/name``, or ``the order``, ``the turn``.
        recorded: what was decided then, in words.
        found: what is decided now, in words.
    """

    file: str
    turn: int
    time: float
    subject: str
    recorded: str
    found: str

    def to_dict(self) -> dict[str, Any]:
        """As part of a result; times as ISO 8601."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        return {**body, "time": told_time(self.time)}


class Replay(msgspec.Struct, frozen=True):
    """Whether a record's decisions come out again.

    Attributes:
        covered: what was read.
        placed, evicted: pods that the record places, and asks to go.
        differing: turns that came out otherwise.
        differences: what differs in them; the first thousand.
    """

    covered: Covered
    placed: int = 0
    evicted: int = 0
    differing: int = 0
    differences: tuple[Difference, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The replay in the public format (kind ``Replay``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Replay",
            "record": self.covered.to_dict(),
            "placed": self.placed,
            "evicted": self.evicted,
            "differing": self.differing,
            "differences": [one.to_dict() for one in self.differences],
        }


class ReplayMoment(msgspec.Struct, frozen=True):
    """What was decided at one time, and on what.

    Attributes:
        file: the part of the record, by name.
        turn: the number of the turn.
        time: when it was, in seconds since the epoch.
        policy: the name of the policy that decided.
        state: the cluster before the decision, with the pods that had their turn.
        closed: nodes that had changed and were not placed on.
        decisions: what was decided; None where the state could not be read.
        problem: why it could not; empty where it could.
        nominated: the nodes that had been cleared for some pods.
        is_equal: whether the same is decided now.
    """

    file: str
    turn: int
    time: float
    policy: str
    state: Snapshot
    closed: tuple[str, ...]
    decisions: Decisions | None
    problem: str
    nominated: dict[str, str]
    is_equal: bool

    def to_dict(self) -> dict[str, Any]:
        """The moment in the public format (kind ``ReplayMoment``); amounts as Kubernetes quantities."""
        decisions = self.decisions or Decisions()
        return {
            "apiVersion": API_VERSION,
            "kind": "ReplayMoment",
            "file": self.file,
            "turn": self.turn,
            "time": told_time(self.time),
            "policy": self.policy,
            "reproduced": self.is_equal,
            "problem": self.problem,
            "placements": [
                {"pod": one.pod, "node": one.node, "devices": list(one.devices)} for one in decisions.placements
            ],
            "pending": listed(msgspec.to_builtins(decisions.lacking)),
            "preemptions": listed(msgspec.to_builtins(decisions.preemptions)),
            "evictions": [msgspec.to_builtins(one) for one in decisions.evictions],
            "nominated": {**self.nominated, **decisions.nominated},
            "state": self._state(),
        }

    def _state(self) -> dict[str, Any]:
        closed = set(self.closed)
        return {
            "nodes": [
                {
                    "name": node.name,
                    "allocatable": quantities(node.allocatable),
                    "schedulable": not node.unschedulable and node.name not in closed,
                }
                for node in self.state.nodes
            ],
            "pods": [
                {"pod": pod.key, "node": pod.node, "requests": quantities(pod.spec.requests), "priority": pod.priority}
                for pod in self.state.pods
            ],
        }


class Sums(msgspec.Struct, frozen=True):
    """A cluster after turns, on average over them.

    Attributes:
        placed: pods that were placed, in all.
        nodes: nodes with a pod on them.
        requested: the share of the allocatable amount that is requested, by resource.
    """

    placed: int = 0
    nodes: float = 0.0
    requested: dict[str, float] = {}


class ReplayComparison(msgspec.Struct, frozen=True):
    """What another policy would have done in the state before each turn. The state follows the record.

    Attributes:
        covered: what was read.
        recorded, other: the names of the policies.
        same: pods that both place on the same node.
        elsewhere: pods that both place, on different nodes.
        only_recorded: pods that only the record places in their turn.
        only_other: pods that only the other policy places in their turn, counted once as long as they wait.
        sums_recorded, sums_other: the cluster after the turns.
        differing: turns in which any of it differs.
        differences: what differs, pod by pod; the first thousand.
    """

    covered: Covered
    recorded: str
    other: str
    same: int = 0
    elsewhere: int = 0
    only_recorded: int = 0
    only_other: int = 0
    sums_recorded: Sums = Sums()
    sums_other: Sums = Sums()
    differing: int = 0
    differences: tuple[Difference, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The comparison in the public format (kind ``ReplayComparison``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "ReplayComparison",
            "record": self.covered.to_dict(),
            "recorded": {"policy": self.recorded, **_sums(self.sums_recorded)},
            "other": {"policy": self.other, **_sums(self.sums_other)},
            "same": self.same,
            "elsewhere": self.elsewhere,
            "onlyRecorded": self.only_recorded,
            "onlyOther": self.only_other,
            "differing": self.differing,
            "differences": [one.to_dict() for one in self.differences],
        }


def told_time(seconds: float | None) -> str | None:
    """A time as Kubernetes writes it; None where there is none that can be written."""
    return iso_time(seconds) if seconds is not None and 0 <= seconds < LAST_SECOND else None


def _sums(sums: Sums) -> dict[str, Any]:
    requested = {name: round(share, 4) for name, share in sums.requested.items()}
    return {"placed": sums.placed, "nodesInUse": round(sums.nodes, 2), "requested": requested}
