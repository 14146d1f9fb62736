"""Made-up results for the tests of reporting: a fixed example of each kind, plans of any size, any plan."""

from __future__ import annotations

import random

from hypothesis import strategies as st
from made_queues import HOSTILE, evictions, few, job_reports, keys, queue_reports, words

from yuheng.model.plan import (
    Allocation,
    Candidate,
    Explanation,
    Headroom,
    NearMiss,
    NodeHeadroom,
    NodeUsage,
    Placement,
    Plan,
    Reason,
    Refusal,
    Summary,
)

GIB = 2**30

NO_CPU = Reason("NodeResourcesFit", "Insufficient cpu", 3)
TAINTED = Reason("TaintToleration", "node(s) had untolerated taint {gpu: true}", 1)
NO_GPU = Reason("DeviceFit", "Insufficient nvidia.com/gpu", 4)


def example_plan() -> Plan:
    """Four nodes, six pods of which three wait, for two reasons."""
    sentence = "0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}."
    near = (NearMiss("node-2", {"cpu": "500m"}), NearMiss("node-4", {"TaintToleration": "{gpu: true}"}))
    return Plan(
        policy="kubernetes",
        placements=(
            Placement("shop/web-1", "node-1"),
            Placement("shop/web-2", "node-2"),
            Placement("ml/train-0", "node-4", (0, 1)),
        ),
        unschedulable=(
            Refusal("shop/db-0", sentence, (NO_CPU, TAINTED), near, "request 500m less cpu"),
            Refusal("shop/db-1", sentence, (NO_CPU, TAINTED), near, "request 500m less cpu"),
            Refusal("ml/train-1", "0/4 nodes are available: 4 Insufficient nvidia.com/gpu.", (NO_GPU,)),
        ),
        summary=Summary(
            nodes=4,
            pods=6,
            placed=3,
            unschedulable=3,
            bound=11,
            allocation={
                "cpu": Allocation(0.41, 0.625),
                "memory": Allocation(0.2, 0.3),
                "pods": Allocation(0.1, 0.127),
            },
            seconds=0.0123,
        ),
        usage=tuple(
            _usage(f"node-{number}", {"cpu": 8000, "memory": 32 * GIB, "pods": 110}, number / 8, number / 5)
            for number in range(1, 5)
        ),
        warnings=("Volcano's plugin nodegroup is not known to Yuheng and was left out.",),
    )


def example_explanation() -> Explanation:
    """A pod that fits on two nodes and was rejected by two others."""
    return Explanation(
        pod="shop/web-1",
        verdict="fits",
        message="",
        reasons=(NO_CPU, TAINTED),
        scores=(
            Candidate("node-1", 312, {"TaintToleration": 300, "NodeResourcesFit": 12}),
            Candidate("node-2", 307, {"TaintToleration": 300, "NodeResourcesFit": 7}),
        ),
        node="node-1",
    )


def pending_explanation() -> Explanation:
    """The same for a pod that waits."""
    refusal = example_plan().unschedulable[0]
    return Explanation(
        pod=refusal.pod,
        verdict="pending",
        message=refusal.message,
        reasons=refusal.reasons,
        closest=refusal.closest,
        hint=refusal.hint,
    )


def example_headroom() -> Headroom:
    """Seven more on two nodes."""
    return Headroom(
        pod="shop/web",
        policy="kubernetes",
        total=7,
        nodes=(NodeHeadroom("node-1", 4), NodeHeadroom("node-3", 3)),
        message="0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.",
        reasons=(NO_CPU, TAINTED),
        limit="Insufficient cpu",
    )


def large_plan(nodes: int, pods: int, seed: int = 1) -> Plan:
    """A plan of any size that looks like a real one: pools of nodes, teams, a tail of pending pods."""
    dice = random.Random(seed)
    usage = tuple(sorted((_node(dice, number) for number in range(nodes)), key=lambda node: node.node))
    keys = [f"{dice.choice(TEAMS)}/{dice.choice(APPS)}-{number:06d}" for number in range(pods)]
    waiting = [dice.random() < 0.07 for _ in keys]
    placements = tuple(
        Placement(key, (node := dice.choice(usage)).node, _devices(dice, node))
        for key, waits in zip(keys, waiting, strict=True)
        if not waits
    )
    refusals = tuple(_refusal(dice, key, usage) for key, waits in zip(keys, waiting, strict=True) if waits)
    return Plan(
        policy="kubernetes",
        placements=placements,
        unschedulable=refusals,
        summary=Summary(
            nodes=nodes,
            pods=pods,
            placed=len(placements),
            unschedulable=len(refusals),
            bound=nodes * 11,
            allocation=_allocation(usage),
            seconds=1.734,
        ),
        usage=usage,
        warnings=("14 pods name a volume that was not in the input; they were taken as without a zone.",),
    )


TEAMS = ("checkout", "search", "recommendation", "ml-training", "data-platform", "default")
APPS = (
    "web",
    "api-gateway",
    "feature-store-materializer",
    "train-resnet-50",
    "etl",
    "cart-service-7d9f8b6c4",
)
POOLS = (("general", 16, 64, 0), ("compute", 96, 192, 0), ("gpu-a100", 96, 1024, 8), ("edge", 4, 8, 0))


def _node(dice: random.Random, number: int) -> NodeUsage:
    pool, cpu, memory, gpus = POOLS[min(number % 11, 6) // 2]
    allocatable = {"cpu": cpu * 1000, "memory": memory * GIB, "pods": 110, "ephemeral-storage": 100 * GIB}
    if gpus:
        allocatable |= {"nvidia.com/gpu": gpus, "gpu": gpus * 1000}
    before = dice.betavariate(2, 3)
    name = f"ip-10-{number // 250 % 250}-{number % 250}-{number // 62500}.{pool}.eu-west-1.compute.internal"
    return _usage(name, allocatable, before, min(1.0, before + dice.betavariate(1.5, 3)))


def _usage(name: str, allocatable: dict[str, int], before: float, after: float) -> NodeUsage:
    return NodeUsage(
        node=name,
        allocatable=allocatable,
        before={resource: int(amount * before) for resource, amount in allocatable.items()},
        after={resource: int(amount * after) for resource, amount in allocatable.items()},
    )


def _devices(dice: random.Random, node: NodeUsage) -> tuple[int, ...]:
    gpus = node.allocatable.get("nvidia.com/gpu", 0)
    return tuple(sorted(dice.sample(range(gpus), dice.choice((0, 1, 2)) if gpus else 0)))


def _refusal(dice: random.Random, key: str, usage: tuple[NodeUsage, ...]) -> Refusal:
    nodes = len(usage)
    kind = dice.choices(range(3), (6, 3, 1))[0]
    details = (
        (
            ("NodeResourcesFit", "Insufficient cpu"),
            ("TaintToleration", "node(s) had untolerated taint {gpu: true}"),
        ),
        (
            ("DeviceFit", "Insufficient nvidia.com/gpu"),
            ("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"),
        ),
        (("PodTopologySpread", "node(s) didn't match pod topology spread constraints"),),
    )[kind]
    split = nodes if len(details) == 1 else int(nodes * dice.choice((0.6, 0.61, 0.7)))
    counts = (split, nodes - split)[: len(details)]
    reasons = tuple(Reason(*detail, number) for detail, number in zip(details, counts, strict=True))
    words = ", ".join(f"{reason.nodes} {reason.detail}" for reason in reasons)
    lacks = (
        {"cpu": "1500m", "memory": "2Gi"},
        {"nvidia.com/gpu": "2"},
        {"PodTopologySpread": "zone eu-west-1a is full"},
    )
    hint = (f"request {dice.choice((500, 1500))}m less cpu", "one more node like ip-10-0-4-0", "")[kind]
    near = tuple(NearMiss(dice.choice(usage).node, lacks[kind]) for _ in range(3))
    return Refusal(key, f"0/{nodes} nodes are available: {words}.", reasons, near, hint)


def _allocation(usage: tuple[NodeUsage, ...]) -> dict[str, Allocation]:
    names = sorted({resource for node in usage for resource in node.allocatable})
    total = {name: sum(node.allocatable.get(name, 0) for node in usage) for name in names}
    return {
        name: Allocation(
            sum(node.before.get(name, 0) for node in usage) / total[name],
            sum(node.after.get(name, 0) for node in usage) / total[name],
        )
        for name in names
    }


# Any plan at all: names of any characters, nodes that the usage does not know.
amounts = st.integers(0, 2**53)
shares = st.floats(0, 2, allow_nan=False)
reasons = st.builds(Reason, filter=words, detail=words, nodes=st.integers(0, 20000))
near_misses = st.builds(NearMiss, node=words, lacks=st.dictionaries(words, words, max_size=3))
candidates = st.builds(
    Candidate,
    node=words,
    total=st.integers(-1000, 1000),
    plugins=st.dictionaries(words, st.integers(-1000, 1000)),
)


device_sets = st.lists(st.integers(0, 15), unique=True, max_size=3).map(lambda some: tuple(sorted(some)))
placements = st.builds(Placement, pod=keys, node=words, devices=device_sets)
refusals = st.builds(
    Refusal,
    pod=keys,
    message=words,
    reasons=few(reasons),
    closest=few(near_misses),
    hint=st.one_of(st.just(""), words),
)
per_resource = st.dictionaries(st.sampled_from(["cpu", "memory", "gpu", "nvidia.com/gpu", HOSTILE]), amounts)
usages = st.builds(NodeUsage, node=words, allocatable=per_resource, before=per_resource, after=per_resource)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan; its summary agrees with its lists."""
    placed = draw(few(placements))
    refused = draw(few(refusals))
    summary = Summary(
        nodes=draw(st.integers(0, 20000)),
        pods=len(placed) + len(refused),
        placed=len(placed),
        unschedulable=len(refused),
        bound=draw(st.integers(0, 20000)),
        allocation=draw(st.dictionaries(words, st.builds(Allocation, before=shares, after=shares), max_size=3)),
        seconds=draw(st.floats(0, 1000)),
    )
    batch = (draw(few(evictions)), draw(few(job_reports)))
    return Plan(draw(words), placed, refused, summary, draw(few(usages)), draw(few(words)), *batch)


explanations = st.builds(
    Explanation,
    pod=keys,
    verdict=st.sampled_from(["fits", "pending", "bound"]),
    message=words,
    reasons=few(reasons),
    closest=few(near_misses),
    hint=words,
    scores=few(candidates),
    node=st.one_of(st.just(""), words),
    job=st.none() | job_reports,
    queue=st.none() | queue_reports,
    borrowers=few(st.tuples(words, per_resource)),
    eviction=st.none() | evictions,
)
headrooms = st.builds(
    Headroom,
    pod=keys,
    policy=words,
    total=st.integers(0, 10**6),
    nodes=few(st.builds(NodeHeadroom, node=words, pods=st.integers(1, 1000))),
    message=words,
    reasons=few(reasons),
    limit=words,
)
