"""``spot=SHARE``: a part of the replicas that may be interrupted runs on spot machines."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Final

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.machine import in_place_of, priced_as
from yuheng.finops.node_pods import of_the_node
from yuheng.finops.what_if.question import Ask
from yuheng.finops.what_if.state import Changed, Fresh, Known, State, is_batch, moved
from yuheng.model.labels import CAPACITY_TYPE
from yuheng.model.node import Taint, Toleration
from yuheng.model.node_price import NodePrice
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.prices import Price
from yuheng.model.units import HOURS_A_MONTH
from yuheng.model.what_if import Risk
from yuheng.model.words import count

__all__ = ["GPU_INTERRUPTIONS", "INTERRUPTIONS", "spot"]

# Interruptions of a spot machine an hour: with a GPU, 202 in 431 hours of four zones' V100 machines (SkyPilot's
# preemption traces, 2023), which were scarce. Without, a guess on the safe side: AWS' Spot Instance Advisor tells
# of a month by bands (under 5 %, 5-10 %, ... over 20 %); one who sees many finds fewer than 5 % in most months
# (nops.io/blog/aws-spot-facts), another 5 to 10 % for most types (finopsforge.com/aws-spot-instances-guide).
GPU_INTERRUPTIONS: Final = 0.468
INTERRUPTIONS: Final = 0.10 / HOURS_A_MONTH
# What keeps everything else off spot machines.
_TAINT: Final = Taint(CAPACITY_TYPE, "NoSchedule", "spot")
_RESTLESS: Final = ("karpenter.sh/do-not-disrupt", "karpenter.sh/do-not-evict")
_SAFE: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
_SERVES: Final = ("ReplicaSet", "Deployment", "ReplicationController")


def spot(state: State, known: Known, ask: Ask) -> Changed:
    """Move a part of the replicas that may be interrupted to spot machines of the kinds they run on now.

    Raises:
        ConfigError: no pod may be interrupted, or the price book has no spot price of a machine that they run on.
    """
    share = ask.share
    chosen = _chosen(state, known, share)
    if not chosen:
        raise ConfigError(
            "--what-if spot: found no replicas that may be interrupted, expected pods of Deployments with several "
            "replicas, or of Jobs, without volumes"
        )
    fresh = list(_spot_nodes(state, known, {pod.node for pod in chosen}))
    if not fresh:
        raise ConfigError(
            "--what-if spot: found no spot price of the machines that these pods run on, expected --prices with some"
        )
    offered = {one.like for one in fresh}
    willing = [pod for pod in chosen if pod.node in offered]
    specs: dict[int, PodSpec] = {}
    loose = []
    for pod in willing:
        if id(pod.spec) not in specs:
            specs[id(pod.spec)] = _willing(pod.spec)
        loose.append(msgspec.structs.replace(pod, spec=specs[id(pod.spec)]))
    result, unplaced = moved(state, known, loose, fresh)
    return Changed(
        result,
        f"{count(len(loose) - len(unplaced), 'replica')} that may be interrupted: on spot machines",
        _risk,
        (),
        (
            (
                f"{share:.0%} of the replicas of each Deployment with several, and of each Job, may be interrupted, "
                "one of a Deployment never is; StatefulSets, pods with volumes, gangs, bare pods and those that may "
                "not be evicted stay on-demand"
            ),
            (
                "spot machines are of the kinds that these pods run on, at today's spot prices, and carry a taint that "
                "only those tolerate; "
                f"{len(unplaced)} replicas find no place there and stay where they are"
            ),
        ),
    )


def _willing(spec: PodSpec) -> PodSpec:
    """A spec that asks for a spot machine, and tolerates it."""
    selector = {**spec.node_selector, CAPACITY_TYPE: "spot"}
    tolerations = (*spec.tolerations, Toleration(CAPACITY_TYPE, "Equal", "spot", "NoSchedule"))
    changed: PodSpec = msgspec.structs.replace(spec, node_selector=selector, tolerations=tolerations)
    return changed


def _chosen(state: State, known: Known, share: float) -> list[Pod]:
    """The replicas that move: of each owner so many, the last by name."""
    markets = {price.node: price.market for price in state.prices}
    gangs = {job.key for job in state.snapshot.jobs if job.min_available > 1}
    owners: dict[tuple[str, str, str], list[Pod]] = {}
    for pod in state.snapshot.pods:
        if _may_be_interrupted(pod, known) and pod.job not in gangs:
            owner = (pod.owner.kind, pod.owner.name) if pod.owner is not None else ("Job", pod.job)
            owners.setdefault((pod.namespace, *owner), []).append(pod)
    found = []
    for key in sorted(owners):
        pods = sorted(owners[key], key=lambda pod: pod.name)
        there = sum(markets.get(pod.node or "") == "spot" for pod in pods)
        most = len(pods) if is_batch(pods[0]) else len(pods) - 1
        wanted = min(floor(share * len(pods) + 1e-9), most) - there
        on_demand = [pod for pod in pods if markets.get(pod.node or "") != "spot"]
        found += on_demand[len(on_demand) - wanted :] if wanted > 0 else []
    return found


def _may_be_interrupted(pod: Pod, known: Known) -> bool:
    notes = known.annotations.get(pod.key, {})
    if any(notes.get(key, "false") != "false" for key in _RESTLESS) or notes.get(_SAFE) == "false":
        return False
    if pod.spec.claims or pod.terminating or of_the_node(pod):
        return False
    return is_batch(pod) or (pod.owner is not None and pod.owner.kind in _SERVES)


def _spot_nodes(state: State, known: Known, names: Iterable[str | None]) -> Iterable[Fresh]:
    """A spot machine in the place of each of these nodes that has a spot price."""
    prices = state.by_name()
    wanted = set(names)
    for node in state.snapshot.nodes:
        like = prices[node.name]
        row = _spot_price(known, like) if node.name in wanted else None
        if row is not None:
            copy = in_place_of(node, f"{node.name}-spot", None, "spot")
            copy = msgspec.structs.replace(copy, taints=(*copy.taints, _TAINT))
            yield Fresh(copy, priced_as(copy, like, row), node.name)


def _spot_price(known: Known, like: NodePrice) -> Price | None:
    provider = like.price.provider if like.price is not None else ""
    return known.book.find(
        like.instance_type, "spot", provider=provider, region=like.region, zone=like.zone, time=known.time
    )


def _risk(state: State) -> Risk:
    """How often spot machines are taken back, and how many pods that restarts."""
    rate = {
        price.node: GPU_INTERRUPTIONS if node.devices.count else INTERRUPTIONS
        for node, price in zip(state.snapshot.nodes, state.prices, strict=True)
        if price.market == "spot"
    }
    machines = sum(rate.values()) * HOURS_A_MONTH
    pods = sum(rate.get(pod.node or "", 0.0) for pod in state.snapshot.pods if not of_the_node(pod)) * HOURS_A_MONTH
    text = (
        f"{len(rate)} spot machines: about {machines:.1f} interruptions and {pods:.1f} restarted pods a month "
        f"(assumed: a machine without GPUs {INTERRUPTIONS * HOURS_A_MONTH:.2f} times a month, one with GPUs "
        f"{GPU_INTERRUPTIONS:g} times an hour, as the traces of scarce ones have it)"
    )
    return Risk(text, machines, "interruptions a month")
