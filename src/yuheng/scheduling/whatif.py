"""The state in the middle of a plan, and what one change to it would do.

A hint is worth nothing unless it works, so the changes that touch more than the pod itself are tried out: the state as
it is by now becomes a snapshot, the change is made, and the engine is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.labels import HOSTNAME
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.scheduling.arrays import Bits
from yuheng.scheduling.engine import Engine
from yuheng.scheduling.filters import STATIC_FILTERS
from yuheng.scheduling.machines import Machines

__all__ = ["admits", "current", "feasible_after", "node_of", "rejections_if"]

# Taints that Kubernetes sets by itself: a cordon, pressure, an outage.
_CONDITIONS = "node.kubernetes.io/"
# What compiling a cluster anew costs, in looks at every node.
_LOOKS_TO_COMPILE = 10


def current(engine: Engine) -> list[Pod]:
    """The pods that hold room by now: those that ran before, and those that were placed, in order."""
    running = [pod for pod in engine.snapshot.pods if pod.node is not None]
    return [*running, *engine.placed()]


def rejections_if(engine: Engine, pod: Pod) -> Bits:
    """(N,) what would keep the pod, changed in some way, off each node in the present state.

    Costs a look at every node; once an engine grants no more (see `Engine.grant`), every node is rejected.
    """
    if not engine.grant(1):
        return np.full(len(engine.machines), -1, dtype=np.int64)
    number = engine.classes.number(pod)
    hand = engine.take([number])[number]
    engine.rate(hand)
    return engine.record(hand)


def feasible_after(
    engine: Engine, pod: Pod, *, without: Pod | None = None, fresh: Node | None = None, daemons: Iterable[Pod] = ()
) -> bool:
    """Whether the pod would fit somewhere if a pod were gone, or with one more node that runs these daemons.

    Each call compiles the cluster anew; once an engine grants no more (see `Engine.grant`), the answer is no.
    """
    if not engine.grant(_LOOKS_TO_COMPILE):
        return False
    pods = [item for item in current(engine) if without is None or item.key != without.key]
    nodes = engine.snapshot.nodes
    if fresh is not None:
        nodes = (*nodes, fresh)
        pods += [_moved(daemon, fresh) for daemon in daemons]
    snapshot: Snapshot = msgspec.structs.replace(engine.snapshot, pods=tuple(pods), nodes=nodes)
    other = Engine(snapshot, engine.policy, engine.seed, [pod])
    return other.rate(other.take([0])[0]) > 0


def _moved(daemon: Pod, node: Node) -> Pod:
    moved: Pod = msgspec.structs.replace(daemon, name=f"{daemon.name}-{node.name}", node=node.name, device_indices=())
    return moved


def admits(engine: Engine, pod: Pod, node: Node) -> bool:
    """Whether a node that is not in the cluster passes the static filters: some ask for a node's name or hostname."""
    machines = Machines([node])
    volumes = engine.classes.all[engine.classes.number(pod)].volumes
    return not any(
        rejects(machines, pod.spec, volumes, engine.policy).any()
        for bit, rejects in STATIC_FILTERS.items()
        if engine.rules.filters & (1 << bit)
    )


def node_of(engine: Engine, like: Node) -> Node:
    """A fresh node like another: same labels, taints and size, a name and hostname of its own, in good health."""
    name = f"{like.name}-new"
    while name in engine.machines.index:
        name += "-new"
    labels = {**like.labels, HOSTNAME: name} if HOSTNAME in like.labels else like.labels
    taints = tuple(taint for taint in like.taints if not taint.key.startswith(_CONDITIONS))
    fresh: Node = msgspec.structs.replace(like, name=name, labels=labels, taints=taints, unschedulable=False)
    return fresh
