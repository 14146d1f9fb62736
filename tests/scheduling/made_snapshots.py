"""Clusters drawn at random, small or large, with everything a scheduler may meet.

One generator serves two kinds of tests: Hypothesis hands it a `random.Random` whose draws it can shrink, and seeded
tests hand it a plain one. The first of every choice is the plainest, so that a shrunk example shows only what matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from yuheng.model.cluster import PersistentVolume, PodSelector, Snapshot
from yuheng.model.node import ContainerImage, DeviceInventory, Node, Taint, Toleration
from yuheng.model.pod import (
    Affinity,
    DeviceRequest,
    HostPort,
    NodeAffinity,
    OwnerReference,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from yuheng.model.policy import Policy, ResourceWeight, ScoreWeight, ScoringStrategy, ShapePoint
from yuheng.model.selectors import (
    LabelSelector,
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PreferredSchedulingTerm,
    SelectorRequirement,
)

T = TypeVar("T")

MIB, GIB = 2**20, 2**30
HOSTNAME, ZONE, REGION = "kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
BETA_ZONE = "failure-domain.beta.kubernetes.io/zone"
GPU, FOO = "nvidia.com/gpu", "example.com/foo"
NAMESPACES = {"default": {}, "blue": {"team": "blue"}, "red": {"team": "red", "tier": "web"}}
APPS = ("web", "db", "job")
TAINTS = (
    Taint("gpu", "NoSchedule", "true"),
    Taint("spot", "PreferNoSchedule"),
    Taint("maintenance", "NoExecute", "soon"),
    Taint("gpu", "PreferNoSchedule", "old"),
    Taint("node.kubernetes.io/unschedulable", "NoSchedule"),
)
TOLERATIONS = (
    Toleration("gpu", "Exists"),
    Toleration("gpu", "Equal", "true", "NoSchedule"),
    Toleration("spot", "", ""),
    Toleration("", "Exists"),
    Toleration("", "Exists", "", "PreferNoSchedule"),
    Toleration("maintenance", "Equal", "later"),
    Toleration("node.kubernetes.io/unschedulable", "Exists", "", "NoSchedule"),
)
IMAGES = (("app:1", 300 * MIB), ("registry:5000/base", 900 * MIB), ("big:latest", 4000 * MIB), ("tiny:1", 10 * MIB))


def chance(rng: Random, one_in: int) -> bool:
    """True once in so many times; False is the plainer one."""
    return rng.randrange(one_in) == one_in - 1


def some(rng: Random, items: Sequence[T], most: int) -> tuple[T, ...]:
    """None to ``most`` of the items, in any order, without repeats."""
    found = [rng.choice(items) for _ in range(rng.randrange(most + 1))]
    return tuple(dict.fromkeys(found))


def snapshot(rng: Random, nodes: int, bound: int, pending: int, specs: int = 0, scale: int = 1) -> Snapshot:
    """A cluster with so many nodes and pods.

    Args:
        rng: draws everything.
        nodes: how many nodes.
        bound: how many pods run.
        pending: how many pods wait.
        specs: how many specs the pods share; any number when 0.
        scale: how many times as large the nodes are.
    """
    names = [f"n{i:02}" for i in range(nodes)]
    count = specs or rng.randrange(1, bound + pending + 1)
    made = [_spec(rng, names) for _ in range(count)]
    pods = [_pod(rng, f"p{i:03}", rng.choice(made)) for i in range(bound + pending)]
    return Snapshot(
        nodes=tuple(_node(rng, name, scale) for name in names),
        pods=tuple(_bound(rng, pod, names) if i < bound and names else pod for i, pod in enumerate(pods)),
        namespaces=NAMESPACES,
        selectors=_selectors(rng),
        volumes=_volumes(rng, names),
    )


@st.composite
def snapshots(draw: st.DrawFn, nodes: int = 8, bound: int = 5, pending: int = 7) -> Snapshot:
    """Small clusters: 1 to ``nodes`` nodes, up to so many bound and pending pods."""
    rng = draw(st.randoms(use_true_random=False))
    return snapshot(rng, rng.randint(1, nodes), rng.randint(0, bound), rng.randint(1, pending))


# Nodes.


def _node(rng: Random, name: str, scale: int) -> Node:
    devices = _inventory(rng)
    allocatable = {
        "cpu": 1000 * scale * rng.choice((4, 2, 8, 16)),
        "memory": GIB * scale * rng.choice((8, 4, 16, 64)),
        "pods": scale * rng.choice((110, 1, 3, 5)),
    }
    if not chance(rng, 4):
        allocatable["ephemeral-storage"] = GIB * rng.choice((100, 10))
    if chance(rng, 3):
        allocatable[FOO] = rng.randint(0, 4)
    if devices.count:
        allocatable[GPU] = devices.count
    return Node(
        name=name,
        allocatable=allocatable,
        labels=_node_labels(rng, name),
        taints=some(rng, TAINTS, 2) if chance(rng, 3) else (),
        unschedulable=chance(rng, 10),
        images=tuple(ContainerImage((name,), size) for name, size in some(rng, IMAGES, 3)),
        devices=devices,
    )


def _node_labels(rng: Random, name: str) -> dict[str, str]:
    labels = {HOSTNAME: name, ZONE: rng.choice("abc"), "disk": rng.choice(("hdd", "ssd"))}
    labels["generation"] = rng.choice(("1", "5", "9", "new"))
    if chance(rng, 3):
        labels[REGION] = rng.choice(("r1", "r2"))
    for key in (HOSTNAME, ZONE, "disk"):
        if chance(rng, 8):
            del labels[key]
    if chance(rng, 12):
        labels[BETA_ZONE] = rng.choice("abc")
    if chance(rng, 16):
        labels[HOSTNAME] = "twin"
    return labels


def _inventory(rng: Random) -> DeviceInventory:
    if not chance(rng, 2):
        return DeviceInventory()
    return DeviceInventory(rng.choice((1, 2, 4, 8)), rng.choice((0, 16 * GIB)), rng.choice(("A100", "T4")))


# Pods.


def _pod(rng: Random, name: str, spec: PodSpec) -> Pod:
    labels = {"app": rng.choice(APPS)}
    if chance(rng, 2):
        labels["track"] = rng.choice(("stable", "canary"))
    return Pod(
        name=name,
        namespace=rng.choice(("default", "default", "blue", "red", "unlisted")),
        spec=spec,
        labels=labels,
        priority=rng.choice((0, 0, 10, -5)),
        created=rng.choice((float("inf"), 1.0, 2.0)),
        owner=_owner(rng),
    )


def _bound(rng: Random, pod: Pod, names: Sequence[str]) -> Pod:
    """The pod on any node, whether it fits there or not: a scheduler finds clusters in such states."""
    indices = tuple(sorted(some(rng, (0, 1, 2, 3), 2))) if pod.spec.devices.count and chance(rng, 3) else ()
    return Pod(
        name=pod.name,
        namespace=pod.namespace,
        spec=pod.spec,
        labels=pod.labels,
        node=rng.choice(names),
        priority=pod.priority,
        created=pod.created,
        owner=pod.owner,
        terminating=chance(rng, 6),
        device_indices=indices[:1] if pod.spec.devices.is_share() else indices,
    )


def _owner(rng: Random) -> OwnerReference | None:
    if not chance(rng, 3):
        return None
    return OwnerReference(
        rng.choice(("ReplicaSet", "StatefulSet", "ReplicationController", "Job")), rng.choice(("one", "two"))
    )


def _spec(rng: Random, names: Sequence[str]) -> PodSpec:
    devices = _request(rng)
    requests = _requests(rng, devices)
    scoring = (requests.get("cpu", 100), requests.get("memory", 200 * MIB))
    return PodSpec(
        requests=requests,
        scoring_requests=scoring,
        held_requests=(scoring[0] + 500, scoring[1]) if chance(rng, 10) else None,
        node_selector={"disk": "ssd"} if chance(rng, 6) else {},
        affinity=_affinity(rng, names),
        tolerations=some(rng, TOLERATIONS, 2),
        spread=tuple(_spread(rng) for _ in range(rng.choice((0, 0, 1, 2)))),
        host_ports=some(rng, PORTS, 2) if chance(rng, 5) else (),
        images=tuple(_image(rng) for _ in range(rng.randrange(3))),
        volume_images=("big",) if chance(rng, 12) else (),
        node_name=rng.choice((*names, "nowhere")) if chance(rng, 25) else "",
        claims=some(rng, ("data", "logs", "unbound"), 2) if chance(rng, 6) else (),
        devices=devices,
        gates=("example.com/wait",) if chance(rng, 20) else (),
    )


PORTS = (
    HostPort(80),
    HostPort(80, "UDP"),
    HostPort(80, ip="10.0.0.1"),
    HostPort(80, ip="10.0.0.2"),
    HostPort(443),
)


def _image(rng: Random) -> str:
    return rng.choice(("app:1", "registry:5000/base", "big", "tiny:1", "unknown"))


def _requests(rng: Random, devices: DeviceRequest) -> dict[str, int]:
    requests = {}
    if not chance(rng, 5):
        requests["cpu"] = rng.choice((500, 100, 1000, 3000, 7001))
    if not chance(rng, 5):
        requests["memory"] = rng.choice((GIB, 128 * MIB, 3 * GIB, 9 * GIB + 1))
    if chance(rng, 6):
        requests["ephemeral-storage"] = rng.choice((GIB, 20 * GIB))
    if chance(rng, 6):
        requests[FOO] = rng.randint(0, 3)
    if devices.count and not devices.is_share():
        requests[GPU] = devices.count
    return requests


def _request(rng: Random) -> DeviceRequest:
    if chance(rng, 2):
        return DeviceRequest()
    models = some(rng, ("A100", "T4", "H100"), 2) if chance(rng, 3) else ()
    if chance(rng, 3):
        return DeviceRequest(rng.choice((1, 2, 4)), models=models)
    if chance(rng, 6):
        return DeviceRequest(1, 0, rng.choice((4 * GIB, 12 * GIB)), models)
    memory = rng.choice((0, 4 * GIB, 12 * GIB)) if chance(rng, 3) else 0
    return DeviceRequest(1, rng.choice((500, 100, 250, 333, 900)), memory, models)


# Affinity and spreading.


def _selector(rng: Random) -> LabelSelector | None:
    return rng.choice(
        (
            LabelSelector({"app": "web"}),
            LabelSelector({"app": "db"}),
            LabelSelector(match_expressions=(SelectorRequirement("app", "In", ("web", "job")),)),
            LabelSelector(match_expressions=(SelectorRequirement("track", "NotIn", ("canary",)),)),
            LabelSelector({"app": "web"}, (SelectorRequirement("track", "Exists"),)),
            LabelSelector(match_expressions=(SelectorRequirement("track", "DoesNotExist"),)),
            LabelSelector(),
            None,
        )
    )


def _spread(rng: Random) -> TopologySpreadConstraint:
    return TopologySpreadConstraint(
        max_skew=rng.choice((1, 2, 3)),
        topology_key=rng.choice((ZONE, HOSTNAME, REGION, "disk")),
        when_unsatisfiable=rng.choice(("DoNotSchedule", "ScheduleAnyway")),
        label_selector=_selector(rng),
        min_domains=rng.choice((1, 1, 2, 4)),
        node_affinity_policy=rng.choice(("Honor", "Ignore")),
        node_taints_policy=rng.choice(("Ignore", "Honor")),
        match_label_keys=("track",) if chance(rng, 6) else (),
    )


def _affinity(rng: Random, names: Sequence[str]) -> Affinity:
    near = _pod_affinity(rng) if chance(rng, 5) else PodAffinity()
    far = _pod_affinity(rng) if chance(rng, 5) else PodAffinity()
    return Affinity(_node_affinity(rng, names) if chance(rng, 4) else NodeAffinity(), near, far)


def _pod_affinity(rng: Random) -> PodAffinity:
    return PodAffinity(
        required=tuple(_term(rng) for _ in range(rng.choice((0, 1, 1, 2)))),
        preferred=tuple(
            WeightedPodAffinityTerm(rng.choice((1, 7, 100)), _term(rng)) for _ in range(rng.choice((0, 1, 2)))
        ),
    )


def _term(rng: Random) -> PodAffinityTerm:
    return PodAffinityTerm(
        topology_key=rng.choice((ZONE, HOSTNAME, "disk", REGION)),
        label_selector=_selector(rng),
        namespaces=some(rng, ("default", "blue"), 2) if chance(rng, 5) else (),
        namespace_selector=_namespace_selector(rng) if chance(rng, 4) else None,
        match_label_keys=("track",) if chance(rng, 10) else (),
        mismatch_label_keys=("track",) if chance(rng, 10) else (),
    )


def _namespace_selector(rng: Random) -> LabelSelector:
    return rng.choice(
        (
            LabelSelector({"team": "blue"}),
            LabelSelector(),
            LabelSelector(match_expressions=(SelectorRequirement("team", "NotIn", ("red",)),)),
            LabelSelector(match_expressions=(SelectorRequirement("tier", "DoesNotExist"),)),
            LabelSelector(match_expressions=(SelectorRequirement("team", "Exists"),)),
        )
    )


def _node_affinity(rng: Random, names: Sequence[str]) -> NodeAffinity:
    required = None
    if chance(rng, 2):
        required = NodeSelector(tuple(_node_term(rng, names) for _ in range(rng.choice((1, 1, 2)))))
    preferred = tuple(
        PreferredSchedulingTerm(rng.choice((1, 10, 100)), _node_term(rng, names)) for _ in range(rng.choice((0, 1, 2)))
    )
    return NodeAffinity(required, preferred)


def _node_term(rng: Random, names: Sequence[str]) -> NodeSelectorTerm:
    if chance(rng, 12):
        return NodeSelectorTerm()
    fields: tuple[NodeSelectorRequirement, ...] = ()
    if chance(rng, 4):
        fields = tuple(_named(rng, names) for _ in range(rng.choice((1, 1, 2))))
    return NodeSelectorTerm(some(rng, EXPRESSIONS, 2), fields)


def _named(rng: Random, names: Sequence[str]) -> NodeSelectorRequirement:
    name = rng.choice((*names, "nowhere"))
    return NodeSelectorRequirement("metadata.name", rng.choice(("In", "In", "NotIn")), (name,))


EXPRESSIONS = (
    NodeSelectorRequirement("disk", "In", ("ssd",)),
    NodeSelectorRequirement("disk", "NotIn", ("hdd",)),
    NodeSelectorRequirement(ZONE, "In", ("a", "b")),
    NodeSelectorRequirement(REGION, "Exists"),
    NodeSelectorRequirement(REGION, "DoesNotExist"),
    NodeSelectorRequirement("generation", "Gt", ("4",)),
    NodeSelectorRequirement("generation", "Lt", ("5",)),
)


def _selectors(rng: Random) -> tuple[PodSelector, ...]:
    """Services, and the controllers that `_owner` speaks of; a controller selects what its pods may well have."""
    found = [
        PodSelector("Service", f"service-{i}", rng.choice(("default", "blue")), LabelSelector({"app": app}))
        for i, app in enumerate(some(rng, APPS, 2))
    ]
    for kind in some(rng, ("ReplicaSet", "StatefulSet", "ReplicationController"), 2):
        selector = LabelSelector({"track": "stable"}) if kind == "ReplicationController" else _selector(rng)
        if selector is not None:
            found.append(PodSelector(kind, rng.choice(("one", "two")), "default", selector))
    return tuple(found)


def _volumes(rng: Random, names: Sequence[str]) -> dict[str, PersistentVolume]:
    if not chance(rng, 2):
        return {}
    return {f"default/{claim}": _volume(rng, claim, names) for claim in ("data", "logs")}


def _volume(rng: Random, claim: str, names: Sequence[str]) -> PersistentVolume:
    topology = {}
    if chance(rng, 2):
        topology[rng.choice((ZONE, BETA_ZONE, REGION))] = rng.choice((("a",), ("a", "b"), ("r1",)))
    affinity = NodeSelector((_node_term(rng, names),)) if chance(rng, 3) else None
    return PersistentVolume(f"pv-{claim}", topology, affinity)


# Policies as a configuration file may describe them.


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """kube-scheduler's profile with any of its arguments changed, and any plugins left out."""
    return policy(draw(st.randoms(use_true_random=False)))


def policy(rng: Random) -> Policy:
    """A policy drawn at random."""
    plain = Policy(name="drawn")
    filters = tuple(name for name in plain.filters if not chance(rng, 8))
    scores = tuple(
        ScoreWeight(score.plugin, rng.choice((score.weight, 1, 10))) for score in plain.scores if not chance(rng, 6)
    )
    more = tuple(ScoreWeight(name, 2) for name in some(rng, ("LoadAware", "Price", "BestFit"), 1))
    return Policy(
        name="drawn",
        filters=filters,
        scores=(*scores, *more),
        strategy=_strategy(rng),
        balanced=_weights(rng),
        ignored_resources=(FOO,) if chance(rng, 4) else (),
        ignored_resource_groups=("nvidia.com",) if chance(rng, 4) else (),
        default_spread=tuple(_default_spread(rng) for _ in range(rng.randrange(3))),
        system_defaulted=chance(rng, 2),
        hard_pod_affinity_weight=rng.choice((1, 0, 50)),
        ignore_preferred_terms=chance(rng, 3),
        added_affinity=_added_affinity(rng) if chance(rng, 3) else NodeAffinity(),
        ties=rng.choice(("name", "shuffled")),
    )


def _strategy(rng: Random) -> ScoringStrategy:
    kind = rng.choice(("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"))
    return ScoringStrategy(kind, _weights(rng), rng.choice(SHAPES) if kind == "RequestedToCapacityRatio" else ())


SHAPES = (
    (ShapePoint(0, 0), ShapePoint(100, 10)),
    (ShapePoint(0, 10), ShapePoint(100, 0)),
    (ShapePoint(10, 2), ShapePoint(35, 9), ShapePoint(70, 0), ShapePoint(90, 5)),
    (ShapePoint(50, 3),),
)


def _weights(rng: Random) -> tuple[ResourceWeight, ...]:
    more = some(rng, ("ephemeral-storage", GPU, FOO, "example.com/unknown"), 3)
    return tuple(ResourceWeight(name, rng.choice((1, 3))) for name in ("cpu", "memory", *more))


def _default_spread(rng: Random) -> TopologySpreadConstraint:
    return TopologySpreadConstraint(
        rng.choice((1, 3)), rng.choice((ZONE, HOSTNAME, REGION)), rng.choice(("ScheduleAnyway", "DoNotSchedule"))
    )


def _added_affinity(rng: Random) -> NodeAffinity:
    expressions = some(rng, EXPRESSIONS, 1)
    required = NodeSelector((NodeSelectorTerm(expressions),)) if expressions else None
    return NodeAffinity(required, (PreferredSchedulingTerm(5, NodeSelectorTerm((EXPRESSIONS[0],))),))
