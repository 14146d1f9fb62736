"""Made-up plans, states and drills of fleets: a fixed example of each, plans of any size, any at all."""

from __future__ import annotations

import random

from hypothesis import strategies as st
from made_plans import placements, refusals
from made_queues import HOSTILE, NINE, few, keys, words

from yuheng.model.fleet_plan import (
    ClusterReport,
    Drill,
    DrillRow,
    FleetPlan,
    FleetState,
    FleetSummary,
    ForegoneChoice,
    NewNodes,
    ParetoRow,
    RefusedCluster,
    RegionReport,
    SpotAdvice,
    Transfer,
    WorkloadPlan,
)
from yuheng.model.objective import Terms
from yuheng.model.plan import Allocation, NearMiss, Placement, Reason, Refusal

GIB = 2**30
HOUR = 3600.0

CLUSTERS = (
    ClusterReport(
        cluster="east-1",
        provider="aws",
        region="east",
        zones=("east-a", "east-b"),
        nodes=2,
        pools=0,
        pods=3,
        allocation={"cpu": Allocation(0.5, 0.75), "memory": Allocation(0.375, 0.5)},
        free={"cpu": 4000, "memory": 20 * GIB, "pods": 217},
        largest={"cpu": 3000, "memory": 14 * GIB, "pods": 109},
        cheapest={"on-demand": 0.0325},
    ),
    ClusterReport(
        cluster="edge-1",
        provider="",
        region="",
        zones=(),
        nodes=1,
        pools=0,
        pods=0,
        allocation={"cpu": Allocation(0.0, 0.0)},
        cheapest={},
        missing=("region", "prices", "carbon"),
        lost=True,
    ),
    ClusterReport(
        cluster="west-1",
        provider="aws",
        region="west",
        zones=("west-a",),
        nodes=1,
        pools=4,
        pods=1,
        allocation={"cpu": Allocation(0.125, 0.3125), "nvidia.com/gpu": Allocation(0.0, 1.0), "gpu": Allocation(0, 1)},
        free={"cpu": 7000, "memory": 30 * GIB, "nvidia.com/gpu": 2, "gpu": 2000, "pods": 109},
        largest={"cpu": 7000, "memory": 30 * GIB, "nvidia.com/gpu": 2, "gpu": 2000, "pods": 109},
        cheapest={"on-demand": 0.0391, "spot": 0.012},
        missing=("egress",),
    ),
)
WORKLOADS = (
    WorkloadPlan(
        workload="ml/train",
        kind="Job",
        replicas={"west-1": 1},
        wanted=1,
        market="spot",
        start=NINE,
        finish=NINE + 12.5 * HOUR,
        per_hour=1.1,
        total=17.2,
        compute=13.2,
        egress=4.0,
        carbon_grams=92.4,
        transfers=(Transfer("images", 200.0, "aws/east", "aws/west", 4.0, 1600.0),),
        runner_up=ForegoneChoice(
            cluster="west-1",
            region="west",
            market="on-demand",
            per_hour=1.9,
            total=22.8,
            seconds=-60.0,
            carbon_grams=0.0,
            text="would cost +$1.90/h, +$22.80 in all, in west (west-1)",
        ),
        refused=(
            RefusedCluster("east-1", "room for 0 of 1: 0/2 nodes are available: 2 Insufficient nvidia.com/gpu."),
            RefusedCluster("edge-1", "it is lost"),
        ),
        advice=SpotAdvice(
            policy="ours",
            region="aws/west",
            zones=("west-a",),
            expected_cost=15.0,
            low=14.0,
            high=19.5,
            on_demand_cost=36.0,
            savings_percent=58.3,
            runs=300,
        ),
    ),
    WorkloadPlan(
        workload="shop/cache",
        kind="Deployment",
        replicas={},
        wanted=2,
        moved=2,
        reason="2 replicas find no room: east-1 has room for 0",
        refused=(
            RefusedCluster("east-1", "room for 0 of 2"),
            RefusedCluster("edge-1", "it is lost"),
            RefusedCluster("west-1", "its region is none of east"),
        ),
    ),
    WorkloadPlan(
        workload="shop/web",
        kind="Deployment",
        replicas={"east-1": 4, "west-1": 1},
        wanted=5,
        moved=1,
        market="on-demand+spot",
        start=NINE,
        per_hour=0.165,
        compute=120.45,
        carbon_grams=4500.0,
        policy="PropagationPolicy shop/web",
        affinity="first",
    ),
)
PARETO = (
    ParetoRow("cost", 137.65, 12.5, 4592.4, 1, False, {"east-1": 4, "west-1": 2}, chosen=True),
    ParetoRow("time", 160.45, 12.0, 4592.4, 1, False, {"east-1": 2, "west-1": 4}),
    ParetoRow("carbon", 171.0, 14.0, 3100.0, 1, False, {"west-1": 6}),
    ParetoRow("balanced", 175.0, 14.0, 3300.0, 1, True, {"west-1": 6}),
)
WORKFLOW = {
    "workflow": "ml/etl",
    "objective": "cost",
    "method": "heuristic",
    "value": 3.75,
    "bound": 3.64,
    "gap": 0.031,
    "start": "2026-01-31T09:00:00Z",
    "finish": "2026-01-31T11:00:45Z",
    "seconds": 7245.0,
    "cost": {"total": 3.75, "compute": 3.5, "transfer": 0.25},
    "carbonGrams": 1500.0,
    "tasks": [
        {
            "task": "load",
            "cluster": "east-1",
            "machines": "m.large",
            "market": "spot",
            "region": "aws/east",
            "start": "2026-01-31T09:00:00Z",
            "finish": "2026-01-31T11:00:00Z",
            "waits": 0.0,
            "cost": 3.25,
            "carbonGrams": 1400.0,
            "runnerUp": {
                "cluster": "west-1",
                "machines": "m.large",
                "market": "on-demand",
                "cost": 0.5,
                "seconds": -12.0,
                "carbonGrams": 3.0,
            },
        },
        {
            "task": "sum",
            "cluster": "west-1",
            "machines": "m.xlarge",
            "market": "on-demand",
            "region": "aws/west",
            "start": "2026-01-31T11:00:00Z",
            "finish": "2026-01-31T11:00:45Z",
            "waits": 3.5,
            "cost": 0.5,
            "carbonGrams": 100.0,
            "runnerUp": None,
        },
    ],
    "transfers": [
        {
            "from": "load",
            "to": "sum",
            "origin": "aws/east",
            "destination": "aws/west",
            "gigabytes": 12.5,
            "cost": 0.25,
            "seconds": 100.0,
        }
    ],
    "refused": [{"task": "sum", "reason": "east-1: its region is none of west", "options": []}],
    "reason": "",
}
NO_WORKFLOW = {
    **WORKFLOW,
    "workflow": "ml/none",
    "finish": None,
    "seconds": 0.0,
    "tasks": [],
    "transfers": [],
    "reason": "task load has no option",
}
OWN_PENDING = Refusal(
    "ops/scan-0",
    "0/1 nodes are available: 1 Insufficient cpu.",
    (Reason("NodeResourcesFit", "Insufficient cpu", 1),),
    (NearMiss("west-1-a", {"cpu": "5"}),),
    "ask for 7 of cpu instead of 12: it fits on west-1-a",
)


def example_fleet_plan(pareto: tuple[ParetoRow, ...] = PARETO) -> FleetPlan:
    """Three clusters of which one is lost; a job on spot, a service that moves in part, one that fits nowhere."""
    return FleetPlan(
        policy="kubernetes",
        objective="cost",
        reference=Terms(100.0, 40000.0, 3000.0),
        placements=(
            ("west-1", Placement("ml/train-abcde", "gpu-spot-0", (0, 1))),
            ("east-1", Placement("shop/web-1", "east-1-a")),
        ),
        unschedulable=(
            ("west-1", OWN_PENDING),
            ("", Refusal("shop/cache-1", "2 replicas find no room: east-1 has room for 0")),
            ("", Refusal("shop/cache-2", "2 replicas find no room: east-1 has room for 0")),
        ),
        workloads=WORKLOADS,
        clusters=CLUSTERS,
        new_nodes=(NewNodes("west-1", "gpu-spot", 1, 1.1),),
        pareto=pareto,
        without=("cluster=edge-1",),
        time=NINE,
        summary=FleetSummary(
            clusters=2,
            workloads=3,
            placed=2,
            unschedulable=1,
            pods=2,
            pending=3,
            per_hour=1.265,
            total=137.65,
            hours=12.5,
            carbon_grams=4592.4,
            value=137.65,
            bound=136.0,
            gap=0.01213,
            horizon=730.0,
            seconds=0.012,
        ),
        warnings=("no carbon intensity is known of 1 cluster (edge-1)",),
    )


def example_state() -> FleetState:
    """The same fleet as it stands."""
    return FleetState(
        time=NINE,
        clusters=CLUSTERS,
        regions=(
            RegionReport(
                region="aws/east",
                clusters=("east-1",),
                carbon=400.0,
                low=350.5,
                high=420.0,
                egress={"aws/west": 0.02},
                latency={"aws/west": 0.04},
                concurrency=None,
            ),
            RegionReport(
                region="aws/west",
                clusters=("west-1",),
                carbon=None,
                low=None,
                high=None,
                egress={"aws/east": 0.02},
                latency={},
                concurrency=8,
            ),
        ),
        workloads=3,
        replicas=8,
        running=3,
        policies=1,
        workflows=0,
        prices=6,
        skipped={"Ingress": 2},
        warnings=("no carbon intensity is known of 1 cluster (edge-1)",),
    )


def example_drill() -> Drill:
    """Two losses: one that is got over, for money; one that is not."""
    return Drill(
        "cost",
        1.265,
        (
            DrillRow(
                lost="cluster=east-1",
                nodes=2,
                pods=6,
                moved=5,
                unplaced={},
                stranded=0,
                per_hour=0.325,
                once=10.0,
                new_nodes=1,
            ),
            DrillRow(
                lost="region=aws/west",
                nodes=1,
                pods=4,
                moved=1,
                unplaced={"ml/train": 1, "shop/web": 2},
                stranded=1,
                per_hour=-1.1,
                once=0.0,
                new_nodes=0,
                reasons={"ml/train": "1 replica finds no room"},
            ),
        ),
        ("no carbon intensity is known of 1 cluster (edge-1)",),
    )


def large_fleet_plan(clusters: int, workloads: int, seed: int = 1) -> FleetPlan:
    """A plan of any size: ten clusters a provider, four a region, one workload in twenty without a place."""
    dice = random.Random(seed)
    reports = tuple(_cluster(dice, number) for number in range(clusters))
    plans = tuple(_workload(dice, number, reports) for number in range(workloads))
    placed = [plan for plan in plans if plan.replicas]
    totals = {
        "per_hour": sum(plan.per_hour for plan in placed),
        "total": sum(plan.compute for plan in placed),
        "carbon_grams": sum(plan.carbon_grams for plan in placed),
    }
    example = example_fleet_plan()
    pools = dice.sample(reports, k=min(len(reports), 12))
    return FleetPlan(
        policy="kubernetes",
        objective="balanced",
        reference=Terms(1.0, 1.0, 1.0),
        placements=(),
        unschedulable=(),
        workloads=plans,
        clusters=reports,
        new_nodes=tuple(NewNodes(one.cluster, "spot-large", dice.randint(1, 9), 4.2) for one in pools),
        pareto=tuple(
            ParetoRow(name, totals["total"] * cost, 5000.0 * time, totals["carbon_grams"] * carbon, 9, weak, {}, chosen)
            for name, cost, time, carbon, weak, chosen in (
                ("cost", 0.8, 1.7, 1.3, False, False),
                ("time", 1.9, 0.6, 1.2, False, False),
                ("carbon", 1.6, 1.5, 0.5, False, False),
                ("balanced", 1.0, 1.0, 1.0, False, True),
                ("0.5*cost+0.5*time", 1.1, 1.2, 1.4, True, False),
            )
        ),
        time=NINE,
        summary=_summary(example.summary, clusters, plans, placed, totals),
        warnings=example.warnings,
    )


PROVIDERS = ("aws", "gcp", "azure", "own", "lambda")
CITIES = ("eu-west", "us-east", "ap-northeast", "sa-east", "af-south")


def _cluster(dice: random.Random, number: int) -> ClusterReport:
    before = dice.betavariate(3, 2)
    after = min(1.0, before + dice.betavariate(1.2, 5))
    region = f"{CITIES[number // 4 % 5]}-{number // 20 + 1}"
    allocation = {"cpu": Allocation(before, after), "memory": Allocation(before * 0.8, after * 0.85)}
    if number % 3 == 0:
        allocation["nvidia.com/gpu"] = Allocation(before * 0.5, min(1.0, after * 1.1))
    return ClusterReport(
        cluster=f"{region}-{'prod' if number % 2 else 'batch'}-{number}",
        provider=PROVIDERS[number // 4 % 5],
        region=region,
        zones=(f"{region}a",),
        nodes=dice.randint(3, 5000),
        pools=dice.choice((0, 0, 50)),
        pods=dice.randint(100, 40000),
        allocation=allocation,
        free={"cpu": dice.randint(0, 10**7), "memory": dice.randint(0, 2**43)},
        largest={"cpu": dice.randint(0, 96000), "memory": dice.randint(0, 2**38)},
        cheapest={"on-demand": dice.uniform(0.02, 0.09), "spot": dice.uniform(0.008, 0.03)},
        missing=("carbon",) if number % 7 == 0 else (),
    )


def _workload(dice: random.Random, number: int, clusters: tuple[ClusterReport, ...]) -> WorkloadPlan:
    key = f"team-{number % 23}/{('web', 'train', 'etl', 'report')[number % 4]}-{number:04}"
    reasons = (
        "its region is none of eu-*",
        "room for 0 of 8: 0/900 nodes are available: 900 Insufficient nvidia.com/gpu.",
    )
    some = dice.sample(clusters, k=min(len(clusters), 6))
    refused = tuple(RefusedCluster(one.cluster, reasons[i % 2]) for i, one in enumerate(some[2:]))
    wanted = dice.randint(1, 40)
    if number % 20 == 19 or not clusters:
        reason = f"0/{len(clusters)} clusters will do"
        return WorkloadPlan(workload=key, kind="Job", replicas={}, wanted=wanted, reason=reason, refused=refused)
    ends = number % 2 == 1
    per_hour = dice.uniform(0.01, 30.0)
    source, target = (f"{one.provider}/{one.region}" for one in (some[-1], some[0]))
    data = (Transfer("set", dice.uniform(1, 900), source, target, dice.uniform(0, 40), 900.0),)
    replicas = {some[0].cluster: wanted}
    if len(some) > 1 and wanted > 2:
        replicas = {some[0].cluster: wanted - wanted // 3, some[1].cluster: wanted // 3}
    return WorkloadPlan(
        workload=key,
        kind="Job" if ends else "Deployment",
        replicas=replicas,
        wanted=wanted,
        moved=dice.choice((0, 0, 0, 2)),
        market=dice.choice(("on-demand", "spot", "reserved", "on-demand+spot")),
        start=NINE + dice.choice((0, 0, 3600)),
        finish=NINE + dice.uniform(3600, 400000) if ends else None,
        per_hour=per_hour,
        total=per_hour * 12 if ends else None,
        compute=per_hour * (12 if ends else 730),
        carbon_grams=dice.uniform(10, 90000),
        transfers=data if number % 9 == 0 else (),
        runner_up=ForegoneChoice(
            cluster=some[-1].cluster,
            region=some[-1].region,
            market="spot",
            per_hour=0.3,
            total=3.6 if ends else None,
            seconds=120.0,
            carbon_grams=-40.0,
            text=f"would cost +$0.30/h in {some[-1].region} ({some[-1].cluster})",
        ),
        refused=refused,
    )


def _summary(
    example: FleetSummary,
    clusters: int,
    plans: tuple[WorkloadPlan, ...],
    placed: list[WorkloadPlan],
    totals: dict[str, float],
) -> FleetSummary:
    return FleetSummary(
        clusters=clusters,
        workloads=len(plans),
        placed=len(placed),
        unschedulable=len(plans) - len(placed),
        pods=sum(sum(plan.replicas.values()) for plan in placed),
        pending=0,
        **totals,
        hours=5000.0,
        value=1.0,
        bound=0.98,
        gap=0.0204,
        horizon=example.horizon,
        seconds=8.4,
    )


# Any of them at all: names of any characters.
counts = st.integers(0, 10**6)
amounts = st.floats(0, 1e9, allow_nan=False)
differences = st.floats(-1e9, 1e9, allow_nan=False)
times = st.floats(0, 4e9)
by_name = st.dictionaries(words, st.integers(1, 1000), max_size=3)
allocations = st.builds(Allocation, before=st.floats(0, 2), after=st.floats(0, 2))
cluster_reports = st.builds(
    ClusterReport,
    cluster=words,
    provider=words | st.just(""),
    region=words | st.just(""),
    zones=few(words),
    nodes=counts,
    pools=counts,
    pods=counts,
    allocation=st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu", HOSTILE]), allocations, max_size=3),
    free=st.dictionaries(st.sampled_from(["cpu", "memory", HOSTILE]), counts, max_size=3),
    largest=st.dictionaries(st.sampled_from(["cpu", "memory", HOSTILE]), counts, max_size=3),
    cheapest=st.dictionaries(st.sampled_from(["on-demand", "spot", "reserved"]), amounts, max_size=3),
    missing=few(words),
    lost=st.booleans(),
)
foregone = st.builds(
    ForegoneChoice,
    cluster=words,
    region=words,
    market=words,
    per_hour=differences,
    total=st.none() | differences,
    seconds=differences,
    carbon_grams=differences,
    text=words,
)
advices = st.builds(
    SpotAdvice,
    policy=words,
    region=words,
    zones=few(words),
    expected_cost=amounts,
    low=amounts,
    high=amounts,
    on_demand_cost=amounts,
    savings_percent=differences,
    runs=counts,
)
workload_plans = st.builds(
    WorkloadPlan,
    workload=keys,
    kind=words,
    replicas=by_name,
    wanted=counts,
    moved=counts,
    market=words,
    start=st.none() | times,
    finish=st.none() | times,
    per_hour=amounts,
    total=st.none() | amounts,
    compute=amounts,
    egress=amounts,
    storage=amounts,
    carbon_grams=amounts,
    transfers=few(
        st.builds(
            Transfer, data=words, gigabytes=amounts, source=words, destination=words, cost=amounts, seconds=amounts
        )
    ),
    policy=words,
    affinity=words,
    reason=words | st.just(""),
    runner_up=st.none() | foregone,
    refused=few(st.builds(RefusedCluster, cluster=words, reason=words)),
    advice=st.none() | advices,
)
pareto_rows = st.builds(
    ParetoRow,
    objective=words,
    cost=amounts,
    hours=amounts,
    carbon_grams=amounts,
    unschedulable=counts,
    dominated=st.booleans(),
    clusters=by_name,
    chosen=st.booleans(),
)
summaries = st.builds(
    FleetSummary,
    clusters=counts,
    workloads=counts,
    placed=counts,
    unschedulable=counts,
    pods=counts,
    pending=counts,
    per_hour=amounts,
    total=amounts,
    hours=amounts,
    carbon_grams=amounts,
    value=amounts,
    bound=amounts,
    gap=st.none() | amounts,
    horizon=amounts,
    seconds=amounts,
)
fleet_plans = st.builds(
    FleetPlan,
    policy=words,
    objective=words,
    reference=st.just(Terms()),
    placements=few(st.tuples(words, placements)),
    unschedulable=few(st.tuples(words | st.just(""), refusals)),
    workloads=few(workload_plans),
    clusters=few(cluster_reports),
    new_nodes=few(st.builds(NewNodes, cluster=words, pool=words, nodes=counts, per_hour=amounts)),
    pareto=few(pareto_rows),
    without=few(words),
    time=times,
    summary=summaries,
    warnings=few(words),
)
fleet_states = st.builds(
    FleetState,
    time=times,
    clusters=few(cluster_reports),
    regions=few(
        st.builds(
            RegionReport,
            region=words,
            clusters=few(words),
            carbon=st.none() | amounts,
            low=st.none() | amounts,
            high=st.none() | amounts,
            egress=st.dictionaries(words, amounts, max_size=3),
            latency=st.dictionaries(words, amounts, max_size=3),
            concurrency=st.none() | counts,
        )
    ),
    workloads=counts,
    replicas=counts,
    running=counts,
    policies=counts,
    workflows=counts,
    prices=counts,
    skipped=st.dictionaries(words, counts, max_size=3),
    warnings=few(words),
)
drills = st.builds(
    Drill,
    objective=words,
    per_hour=amounts,
    rows=few(
        st.builds(
            DrillRow,
            lost=st.builds("{}={}".format, st.sampled_from(["cluster", "zone", "region", "provider"]), words),
            nodes=counts,
            pods=counts,
            moved=counts,
            unplaced=by_name,
            stranded=counts,
            per_hour=differences,
            once=amounts,
            new_nodes=counts,
            reasons=st.dictionaries(words, words, max_size=3),
        )
    ),
    warnings=few(words),
)
