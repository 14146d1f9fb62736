"""Nodes, pods and clusters for examples: a name, and what matters to the example."""

from __future__ import annotations

from typing import Any

from yuheng.model.cluster import Snapshot
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.plan import Explanation, Plan
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.model.policy import Policy, ScoreWeight
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.planner import explain

MIB, GIB = 2**20, 2**30
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


def node(
    name: str,
    *,
    cpu: int = 4000,
    memory: int = 8 * GIB,
    pods: int = 110,
    more: dict[str, int] | None = None,
    labels: dict[str, str] | None = None,
    gpus: int = 0,
    **rest: Any,
) -> Node:
    """A node of 4 cores and 8 GiB, labelled with its hostname."""
    allocatable = {"cpu": cpu, "memory": memory, "pods": pods, **(more or {})}
    labels = {HOSTNAME: name, **(labels or {})}
    if gpus:
        allocatable["nvidia.com/gpu"] = gpus
        rest.setdefault("devices", DeviceInventory(gpus))
    return Node(name=name, allocatable=allocatable, labels=labels, **rest)


def zoned(name: str, zone: str, **rest: Any) -> Node:
    """A node in a zone."""
    return node(name, labels={ZONE: zone}, **rest)


def pod(
    name: str,
    *,
    on: str | None = None,
    labels: dict[str, str] | None = None,
    namespace: str = "default",
    priority: int = 0,
    created: float = 0.0,
    owner: Any = None,
    terminating: bool = False,
    holds: tuple[int, ...] = (),
    **spec: Any,
) -> Pod:
    """A pod, bound where ``on`` says so; keywords that are not its own are its spec's.

    What it counts as requesting when nodes are scored follows from its requests, as for a pod of one container.
    """
    requests = spec.get("requests", {})
    spec.setdefault("scoring_requests", (requests.get("cpu", 100), requests.get("memory", 200 * MIB)))
    return Pod(
        name=name,
        namespace=namespace,
        spec=PodSpec(**spec),
        labels=labels or {},
        node=on,
        priority=priority,
        created=created,
        owner=owner,
        terminating=terminating,
        device_indices=holds,
    )


def share(name: str, milli: int, **rest: Any) -> Pod:
    """A pod that asks for thousandths of a GPU."""
    return pod(name, devices=DeviceRequest(1, milli), **rest)


def whole(name: str, count: int, *, cpu: int = 0, **rest: Any) -> Pod:
    """A pod that asks for whole GPUs."""
    requests = {"nvidia.com/gpu": count, **({"cpu": cpu} if cpu else {})}
    return pod(name, requests=requests, devices=DeviceRequest(count), **rest)


def cluster(*objects: Node | Pod, **rest: Any) -> Snapshot:
    """A snapshot of nodes and pods, in any order."""
    nodes = tuple(item for item in objects if isinstance(item, Node))
    pods = tuple(item for item in objects if isinstance(item, Pod))
    return Snapshot(nodes=nodes, pods=pods, **rest)


def app(name: str) -> LabelSelector:
    """The selector of an app's pods."""
    return LabelSelector({"app": name})


def homes(plan: Plan) -> dict[str, str]:
    """Where each placed pod of the default namespace went."""
    return {placement.pod.removeprefix("default/"): placement.node for placement in plan.placements}


def words(plan: Plan) -> dict[str, str]:
    """What was told of each refused pod of the default namespace."""
    return {refusal.pod.removeprefix("default/"): refusal.message for refusal in plan.unschedulable}


def only(plugin: str, **rest: Any) -> Policy:
    """A policy with one score, of weight 1."""
    return Policy(name="only", scores=(ScoreWeight(plugin),), **rest)


def scores_of(snapshot: Snapshot, plugin: str, name: str = "new", **policy: Any) -> dict[str, int]:
    """What one plugin gives each feasible node for a pod, 0 to 100."""
    found: Explanation = explain(snapshot, f"default/{name}", only(plugin, **policy))
    return {candidate.node: candidate.total for candidate in sorted(found.scores, key=lambda item: item.node)}
