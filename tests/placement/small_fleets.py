"""Small random fleets: everything that a price, a place or a time can depend on, and few enough for an exact answer."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool, Fleet, FleetWorkload, Link, PowerModel, Region
from yuheng.model.labels import INSTANCE_TYPE
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.model.prices import Price, PriceBook, Rates, Tier
from yuheng.model.requirements import DataUse, Requirements, RunTime
from yuheng.model.series import Series

GIB = 2**30
HOUR = 3600.0
NOW = 1_700_000_000.0
# By instance type: milli-cores, GiB, GPUs, US dollars per hour on-demand; nobody sells the last one.
TYPES: dict[str, tuple[int, int, int, float]] = {
    "small": (4000, 16, 0, 0.20),
    "large": (8000, 32, 0, 0.41),
    "lean": (8000, 16, 0, 0.34),
    "gpu": (16000, 64, 2, 3.06),
    "own": (6000, 24, 0, 0.0),
}
OBJECTIVES = ("cost", "time", "carbon", "balanced", "0.6*cost+0.4*time", "0.5*cost+0.5*carbon", "0.2*cost+0.8*time")


def made_node(name: str, kind: str, **labels: str) -> Node:
    """A node of an instance type."""
    cpu, memory, gpus, _ = TYPES[kind]
    allocatable = {"cpu": cpu, "memory": memory * GIB, "pods": 20}
    if gpus:
        allocatable["nvidia.com/gpu"] = gpus
    return Node(
        name=name,
        allocatable=allocatable,
        labels={INSTANCE_TYPE: kind, **labels},
        devices=DeviceInventory(count=gpus, model="V100" if gpus else ""),
    )


def made_spec(cpu: int, gib: float, gpus: int = 0) -> PodSpec:
    """What a pod asks for: milli-cores, GiB and whole GPUs."""
    requests = {"cpu": cpu, "memory": int(gib * GIB)}
    if gpus:
        requests["nvidia.com/gpu"] = gpus
    return PodSpec(
        requests=requests,
        scoring_requests=(cpu, int(gib * GIB)),
        devices=DeviceRequest(count=gpus) if gpus else DeviceRequest(),
    )


def made_pods(name: str, count: int, spec: PodSpec, **fields: Any) -> tuple[Pod, ...]:
    """Pending pods that are alike."""
    return tuple(Pod(name=f"{name}-{i}", spec=spec, **fields) for i in range(count))


def made_workload(name: str, count: int, spec: PodSpec, *, divisible: bool = True, **fields: Any) -> FleetWorkload:
    """A workload whose replicas are alike; further fields are those of its requirements."""
    needs = Requirements(**fields)
    kind = "Job" if needs.run_time else "Deployment"
    return FleetWorkload(
        key=f"default/{name}", kind=kind, pods=made_pods(name, count, spec), divisible=divisible, requirements=needs
    )


def small_fleet(seed: int) -> tuple[Fleet, str]:
    """A fleet of 1 to 6 clusters and 1 to 12 workloads, and an objective.

    In two of three most nodes have to be bought: there workloads share them, or should.
    """
    draw = random.Random(seed)
    bare = draw.random() < 2 / 3
    regions = {region.key: region for region in _regions(draw)}
    clusters = [_cluster(draw, f"c{i}", draw.choice(sorted(regions)), bare=bare) for i in range(draw.randint(1, 6))]
    used = {cluster.region_key for cluster in clusters}
    names = sorted(region.name for key, region in regions.items() if key in used)
    workloads = [_workload(draw, f"w{i:02}", names) for i in range(draw.randint(1, 12))]
    power = (PowerModel(instance_type="la*", idle=60.0, full=210.0, utilisation=0.6),) if draw.random() < 0.4 else ()
    fleet = Fleet(
        clusters=tuple(clusters),
        regions=regions,
        prices=_prices(draw, regions),
        power=power,
        workloads=tuple(workloads),
        time=NOW,
    )
    return fleet, draw.choice(OBJECTIVES)


def _regions(draw: random.Random) -> list[Region]:
    """One to four regions, in two clouds; links of some of them are not known."""
    places = [("aws", "north"), ("aws", "south"), ("gcp", "north"), ("gcp", "west")][: draw.randint(1, 4)]
    keys = [f"{provider}/{name}" for provider, name in places]
    return [_region(draw, provider, name, keys) for provider, name in places]


def _region(draw: random.Random, provider: str, name: str, keys: list[str]) -> Region:
    links = {}
    for key in keys:
        if draw.random() < 0.8 and key != f"{provider}/{name}":
            tiers = (Tier(0.0, draw.choice([0.02, 0.05, 0.09])), Tier(100.0, 0.01))[: draw.randint(1, 2)]
            links[key] = Link(
                egress=tiers if draw.random() < 0.8 else (),
                latency=draw.choice([None, 0.05]),
                bandwidth=draw.choice([None, 1.25e7, 1.25e8]),
            )
    return Region(
        name=name,
        provider=provider,
        links=links,
        internet=(Tier(0.0, 0.12),) if draw.random() < 0.7 else (),
        carbon=_carbon(draw),
        pue=draw.choice([1.0, 1.1, 1.4]),
        speed=draw.choice([0.8, 1.0, 1.0, 1.25]),
        storage=draw.choice([None, 0.02]),
    )


def _carbon(draw: random.Random) -> Series | None:
    if draw.random() < 0.25:
        return None
    hours = np.array([draw.uniform(20.0, 700.0) for _ in range(24)])
    return Series(NOW - 6 * HOUR + HOUR * np.arange(24), hours)


def _prices(draw: random.Random, regions: dict[str, Region]) -> PriceBook:
    rows = []
    for region in regions.values():
        for kind, (_, _, _, base) in TYPES.items():
            if base:
                price = round(base * draw.uniform(0.7, 1.4), 4)
                place = {"provider": region.provider, "region": region.name, "instance_type": kind}
                rows.append(Price(**place, per_hour=price))
                rows.append(Price(**place, market="spot", per_hour=round(price * draw.uniform(0.2, 0.6), 4)))
    return PriceBook(rows)


def _cluster(draw: random.Random, name: str, region: str, *, bare: bool) -> Cluster:
    provider, _, place = region.partition("/")
    nodes, pods = [], []
    for i in range(0 if bare and draw.random() < 0.7 else draw.randint(0, 3)):
        node = made_node(f"{name}-n{i}", draw.choice([*TYPES]))
        nodes.append(node)
        for k in range(draw.randint(0, 2)):
            spec = made_spec(draw.choice([250, 500, 1000]), draw.choice([0.5, 1, 2]))
            pods.append(Pod(name=f"{name}-old-{i}-{k}", spec=spec, node=node.name))
    pools = tuple(
        ClusterPool(
            name=f"{name}-p{i}",
            node=made_node("", draw.choice(["small", "large", "lean", "gpu", "own"])),
            maximum=draw.randint(1, 5 if bare else 3),
            delay=draw.choice([0.0, 120.0, 300.0]),
            market=draw.choice(["on-demand", "spot"]),
        )
        for i in range(draw.randint(0 if nodes else 1, 3 if bare else 2))
    )
    return Cluster(
        name=name,
        provider=provider,
        region=place,
        snapshot=Snapshot(nodes=tuple(nodes), pods=tuple(pods), namespaces={"default": {}}),
        pools=pools,
        rates=Rates(0.02, 0.003, 0.8) if draw.random() < 0.1 else None,
        price_factor=draw.choice([1.0, 1.0, 1.0, 0.5, 0.0]),
        startup=draw.choice([0.0, 30.0]),
    )


def _workload(draw: random.Random, name: str, regions: list[str]) -> FleetWorkload:
    gpus = draw.choice([0, 0, 0, 0, 1])
    spec = made_spec(draw.choice([300, 500, 1000, 1500, 2000, 3500]), draw.choice([0.5, 1, 3, 6, 12]), gpus)
    needs: dict[str, Any] = {}
    job = draw.random() < 0.5
    if job:
        needs["run_time"] = {"*": RunTime(draw.choice([1, 4, 12, 48]) * HOUR)}
        if draw.random() < 0.3:
            needs["run_time"]["large"] = RunTime(draw.choice([1, 2, 6]) * HOUR)
        if draw.random() < 0.2:
            needs["within"] = draw.choice([3, 13, 50]) * HOUR
        if draw.random() < 0.15:
            needs["not_before"] = NOW + draw.choice([1, 5]) * HOUR
    if draw.random() < 0.4:
        needs["reads"] = (
            DataUse(
                name="in",
                gigabytes=draw.choice([5.0, 80.0, 400.0]),
                regions=tuple(draw.sample(regions, min(len(regions), draw.randint(1, 2)))),
                copies=draw.random() < 0.4,
            ),
        )
    if job and draw.random() < 0.2:
        needs["writes"] = (DataUse(name="out", gigabytes=draw.choice([5.0, 50.0]), regions=(draw.choice(regions),)),)
    if draw.random() < 0.15:
        needs["regions"] = tuple(draw.sample(regions, 1))
    if draw.random() < 0.15:
        needs["markets"] = draw.choice([("on-demand",), ("spot", "on-demand"), ("spot",)])
    needs["interruptible"] = draw.random() < 0.5
    divisible = not job or draw.random() < 0.3
    return made_workload(name, draw.randint(1, 6), spec, divisible=divisible, **needs)
