"""The engine tries the nodes: each pod on the node that was meant for it, and then wherever the scheduler likes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from yuheng.finops.node_mix.demand import Demand, Kind
from yuheng.finops.node_mix.offers import Offer
from yuheng.finops.node_mix.packing import Packing
from yuheng.finops.node_mix.question import daemons_on
from yuheng.finops.node_pods import on_node
from yuheng.model.cluster import Snapshot
from yuheng.model.labels import HOSTNAME, ZONE
from yuheng.model.node import Node
from yuheng.model.plan import Placement, Refusal
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import plan

__all__ = ["Trial", "placed_freely", "refused", "trial_of"]


class Trial(NamedTuple):
    """A packing with names.

    Attributes:
        nodes: (B,) the new nodes.
        daemons: pods of DaemonSets that run on them.
        pods: the pods, each with the place of its node, kind by kind.
        place: of each pod's node.
        kind: of each pod.
    """

    nodes: tuple[Node, ...]
    daemons: tuple[Pod, ...]
    pods: tuple[Pod, ...]
    place: tuple[int, ...]
    kind: tuple[int, ...]

    def placements(self) -> tuple[Placement, ...]:
        """Which pod is on which node, by pod."""
        found = (Placement(pod.key, self.nodes[b].name) for pod, b in zip(self.pods, self.place, strict=True))
        return tuple(sorted(found, key=lambda one: one.pod))


def trial_of(demand: Demand, kinds: Sequence[Kind], offers: Sequence[Offer], packing: Packing) -> Trial:
    """Give nodes and pods their names."""
    nodes = _nodes(offers, packing)
    daemons = [
        pod
        for node, m in zip(nodes, packing.machine.tolist(), strict=True)
        for pod in on_node(node, daemons_on(demand, offers[m]))
    ]
    pods: list[Pod] = []
    place: list[int] = []
    of: list[int] = []
    for i, kind in enumerate(kinds):
        where = np.repeat(np.arange(len(nodes)), packing.held[:, i]).tolist()
        pods += kind.pods[: len(where)]
        place += where
        of += [i] * len(where)
    return Trial(tuple(nodes), tuple(daemons), tuple(map(_loose, pods)), tuple(place), tuple(of))


def _nodes(offers: Sequence[Offer], packing: Packing) -> list[Node]:
    found, numbers = [], dict[int, int]()
    for m in packing.machine.tolist():
        numbers[m] = numbers.get(m, 0) + 1
        price = offers[m].price
        stem = f"{price.instance_type}-{price.market}".lower().replace("_", "-")
        zone = offers[m].node.labels.get(ZONE, "") if price.zone else ""
        name = f"{stem}-{zone}-{numbers[m]:04}" if zone else f"{stem}-{numbers[m]:04}"
        labels = {**offers[m].node.labels, HOSTNAME: name}
        found.append(msgspec.structs.replace(offers[m].node, name=name, labels=labels))
    return found


def _loose(pod: Pod) -> Pod:
    """The pod as it would be created anew: pending, without a job that it would have to wait for."""
    loose: Pod = msgspec.structs.replace(pod, node=None, device_indices=(), job="", queue="", task="")
    return loose


def refused(demand: Demand, trial: Trial) -> list[tuple[int, Refusal]]:
    """Pods that may not be on the node that is meant for them, by their place in the trial, and why."""
    pinned: dict[tuple[int, int], PodSpec] = {}
    pods = []
    for pod, b in zip(trial.pods, trial.place, strict=True):
        key = (id(pod.spec), b)
        if key not in pinned:
            pinned[key] = msgspec.structs.replace(pod.spec, node_name=trial.nodes[b].name)
        pods.append(msgspec.structs.replace(pod, spec=pinned[key]))
    found = {one.pod: one for one in plan(_snapshot(demand, trial, pods), "binpack").unschedulable}
    return [(place, found[pod.key]) for place, pod in enumerate(trial.pods) if pod.key in found]


def placed_freely(demand: Demand, trial: Trial, policy: str | Policy) -> dict[str, str]:
    """The node of each pod that finds a place when the scheduler chooses, by pod."""
    return {one.pod: one.node for one in plan(_snapshot(demand, trial, trial.pods), policy).placements}


def _snapshot(demand: Demand, trial: Trial, pods: Iterable[Pod]) -> Snapshot:
    """A cluster of the new nodes, on which DaemonSets run and everything else waits."""
    snapshot: Snapshot = msgspec.structs.replace(
        demand.snapshot,
        nodes=tuple(sorted(trial.nodes, key=lambda node: node.name)),
        pods=tuple(sorted((*trial.daemons, *pods), key=lambda pod: (pod.namespace, pod.name))),
        queues=(),
        jobs=(),
        hyper_nodes=(),
        configuration=None,
    )
    return snapshot
