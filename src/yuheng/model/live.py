"""A live cluster, change by change and turn by turn: what the engine is told, and what it answers.

The same values are what a record is made of: whoever tells an engine the same things in the same order gets the same
answers (see `yuheng.scheduling.decider`).
"""

from __future__ import annotations

import msgspec

from yuheng.model.batch_plan import Eviction
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.plan import Placement, Reason
from yuheng.model.pod import Pod

__all__ = [
    "Asked",
    "Came",
    "Change",
    "Closed",
    "Decisions",
    "Gang",
    "Guarded",
    "Lacking",
    "Preemption",
    "Renewed",
    "Went",
]


class Came(msgspec.Struct, frozen=True, tag="came", array_like=True):
    """A pod is on a node now."""

    pod: Pod


class Went(msgspec.Struct, frozen=True, tag="went", array_like=True):
    """A pod (``namespace/name``) is on its node no longer."""

    key: str


class Closed(msgspec.Struct, frozen=True, tag="closed", array_like=True):
    """Nodes changed or went away: nothing is placed on them until the cluster is compiled anew."""

    nodes: tuple[str, ...]


class Guarded(msgspec.Struct, frozen=True, tag="guarded", array_like=True):
    """What protects running pods, all of it: how many each budget allows changes with every pod that goes."""

    budgets: tuple[PodDisruptionBudget, ...]


class Renewed(msgspec.Struct, frozen=True, tag="renewed", array_like=True):
    """The cluster is compiled anew from this state."""

    snapshot: Snapshot


Change = Came | Went | Closed | Guarded | Renewed


class Asked(msgspec.Struct, frozen=True):
    """What a turn is asked beside its pods.

    Attributes:
        time: seconds since the epoch.
        nominated: the nodes that were cleared for some pods, by ``namespace/name``.
        may_evict: whether running pods may be asked to go.
    """

    time: float
    nominated: dict[str, str] = {}
    may_evict: bool = True


class Gang(msgspec.Struct, frozen=True):
    """Pods that start together.

    Attributes:
        job: ``namespace/name`` of their job.
        minimum: how many of them have to be on nodes.
        pods: all that exist, ``namespace/name``.
    """

    job: str
    minimum: int
    pods: tuple[str, ...]


class Lacking(msgspec.Struct, frozen=True):
    """A pod that stays pending, and why.

    Attributes:
        pod: ``namespace/name``.
        message: kube-scheduler's sentence, or what its queue says.
        reasons: the same, counted over nodes.
    """

    pod: str
    message: str
    reasons: tuple[Reason, ...] = ()


class Preemption(msgspec.Struct, frozen=True):
    """Room that is made for a pod.

    Attributes:
        pod: who it is for, ``namespace/name``.
        node: where; the pod is nominated for it.
        victims: the running pods that have to go, ``namespace/name``.
    """

    pod: str
    node: str
    victims: tuple[str, ...]


class Decisions(msgspec.Struct, frozen=True):
    """What one turn decided.

    Attributes:
        placements: pods and the nodes they go to, in order.
        lacking: pods that stay pending.
        preemptions: running pods that have to go for pods that stay pending until then.
        evictions: the same where queues decide.
        nominated: pods that go to a node once its victims have gone, by ``namespace/name``.
        admitted: jobs that were let into scheduling, ``namespace/name``.
        later: pods that stay pending, and for which room is to be looked for in a turn to come.
    """

    placements: tuple[Placement, ...] = ()
    lacking: tuple[Lacking, ...] = ()
    preemptions: tuple[Preemption, ...] = ()
    evictions: tuple[Eviction, ...] = ()
    nominated: dict[str, str] = {}
    admitted: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
