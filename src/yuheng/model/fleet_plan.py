"""The plan of a fleet: where each workload goes, what it costs, what else it could have been, and who was refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from yuheng.model.batch_plan import Eviction, JobReport, quantities
from yuheng.model.objective import Terms
from yuheng.model.plan import API_VERSION, Allocation, Placement, Refusal, listed

__all__ = [
    "ClusterReport",
    "Drill",
    "DrillRow",
    "FleetPlan",
    "FleetState",
    "FleetSummary",
    "ForegoneChoice",
    "NewNodes",
    "ParetoRow",
    "RefusedCluster",
    "RegionReport",
    "SpotAdvice",
    "Transfer",
    "WorkloadPlan",
    "told_instant",
]


def told_instant(time: float | None) -> str | None:
    """A moment as text (ISO 8601, UTC, whole seconds); None for none."""
    return None if time is None else datetime.fromtimestamp(round(time), UTC).isoformat().replace("+00:00", "Z")


class RefusedCluster(msgspec.Struct, frozen=True):
    """A cluster that a workload cannot go to, or not with all its replicas, and why."""

    cluster: str
    reason: str


class ForegoneChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The best that was not chosen, and what it would have cost more.

    Attributes:
        cluster, region, machines, market: where it would have been, and on what.
        per_hour: US dollars per hour by which the bill of the fleet would grow (shrink, where negative).
        total: US dollars by which it would grow in all; None for a service.
        seconds: how much later it would have finished.
        carbon_grams: how many grams more.
        text: the same as a sentence.
    """

    cluster: str
    region: str
    machines: str = ""
    market: str
    per_hour: float
    total: float | None
    seconds: float
    carbon_grams: float
    text: str


class Transfer(msgspec.Struct, frozen=True):
    """Data that is moved for a workload: which, how much, from where to where, and what it costs and takes."""

    data: str
    gigabytes: float
    source: str
    destination: str
    cost: float
    seconds: float


class SpotAdvice(msgspec.Struct, frozen=True, kw_only=True):
    """How to buy an interruptible workload's machines on the spot market and still meet its deadline.

    Attributes:
        policy: the policy that decides while it runs.
        region: the key of the region whose machines it uses.
        zones: the zones it may use.
        expected_cost: US dollars, mean over starts spread over the observed availability.
        low, high: the range that nine in ten of them fall into.
        on_demand_cost: US dollars on-demand alone.
        savings_percent: of the mean.
        runs: how many starts.
    """

    policy: str
    region: str
    zones: tuple[str, ...]
    expected_cost: float
    low: float
    high: float
    on_demand_cost: float
    savings_percent: float
    runs: int


class WorkloadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Where one workload goes.

    Attributes:
        workload: ``namespace/name``.
        replicas: by cluster, running ones included; empty when it is unschedulable, or what is new of it is.
        kept: what runs on all the same then, by cluster; it is paid for.
        wanted: how many replicas it asks for.
        unplaced: how many replicas find no place; those that run already stay where they are.
        moved: how many replicas run elsewhere now and lose their place.
        market: how its machines are bought; several joined by ``+``.
        start, finish: seconds since the epoch; finish is None for a service.
        per_hour: US dollars per hour while it runs; of opened nodes its share, while everybody on them is there.
        total: US dollars in all, data included; None for a service.
        compute, egress, storage: what the total is made of; for a service over the plan's horizon.
        carbon_grams: in all; for a service over the plan's horizon.
        carbon_assumed: whether an intensity was not known.
        transfers: the data that is moved.
        policy: the Karmada policy that decided; empty where the objective did.
        affinity: the name of the cluster affinity that was used.
        reason: why it is unschedulable; empty when it is placed.
        runner_up: the best that was not chosen; None when there is none.
        refused: the clusters it cannot go to.
        advice: for the spot market; None where there is nothing to say.
    """

    workload: str
    kind: str
    replicas: Mapping[str, int]
    wanted: int
    kept: Mapping[str, int] = {}
    unplaced: int = 0
    moved: int = 0
    market: str = ""
    start: float | None = None
    finish: float | None = None
    per_hour: float = 0.0
    total: float | None = None
    compute: float = 0.0
    egress: float = 0.0
    storage: float = 0.0
    carbon_grams: float = 0.0
    transfers: tuple[Transfer, ...] = ()
    policy: str = ""
    affinity: str = ""
    reason: str = ""
    runner_up: ForegoneChoice | None = None
    refused: tuple[RefusedCluster, ...] = ()
    advice: SpotAdvice | None = None

    def to_dict(self) -> dict[str, Any]:
        """The workload as it stands in the public format."""
        body: dict[str, Any] = {
            "workload": self.workload,
            "kind": self.kind,
            "replicas": dict(self.replicas),
            "wanted": self.wanted,
            "kept": dict(self.kept),
            "unplaced": self.unplaced,
            "market": self.market,
            "start": told_instant(self.start),
            "finish": told_instant(self.finish),
            "cost": {
                "perHour": _rounded(self.per_hour),
                "total": _rounded(self.total),
                "compute": _rounded(self.compute),
                "egress": _rounded(self.egress),
                "storage": _rounded(self.storage),
            },
            "carbonGrams": _rounded(self.carbon_grams),
            "transfers": [_plain(item) for item in self.transfers],
            "policy": self.policy,
            "affinity": self.affinity,
            "moved": self.moved,
            "reason": self.reason,
            "runnerUp": None if self.runner_up is None else _plain(self.runner_up),
            "refused": [_plain(item) for item in self.refused],
        }
        if self.advice is not None:
            body["advice"] = _plain(self.advice)
        return body


class NewNodes(msgspec.Struct, frozen=True):
    """Nodes of a pool that the plan opens, and what they cost whole, however full they are."""

    cluster: str
    pool: str
    nodes: int
    per_hour: float


class ClusterReport(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster of the fleet before and after the plan.

    Attributes:
        nodes: that exist.
        pools: nodes that it could have beside them.
        pods: that run before the plan.
        allocation: by resource name, of the nodes that exist.
        free: by resource name, what pods have not asked for on all nodes that exist, before the plan.
        largest: by resource name, the most that one node that exists has free of it.
        cheapest: US dollars per hour of its cheapest core, by market: of a machine, spread over its resources.
        missing: what is not known of it: prices, carbon, region.
        lost: whether the plan is made without it.
    """

    cluster: str
    provider: str
    region: str
    zones: tuple[str, ...]
    nodes: int
    pools: int
    pods: int
    allocation: Mapping[str, Allocation]
    free: Mapping[str, int] = {}
    largest: Mapping[str, int] = {}
    cheapest: Mapping[str, float]
    missing: tuple[str, ...] = ()
    lost: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The cluster as it stands in the public format: amounts as Kubernetes writes them."""
        return {**_plain(self), "free": quantities(dict(self.free)), "largest": quantities(dict(self.largest))}


class RegionReport(msgspec.Struct, frozen=True, kw_only=True):
    """A region of the fleet, as it is known.

    Attributes:
        region: its key.
        clusters: in it.
        carbon: grams of CO2 equivalent per kWh at the time; None when unknown.
        low, high: the least and the most of the day that follows.
        egress: US dollars per gigabyte to each other region of the fleet, by key; those without a price are left out.
        latency: seconds one way, by key.
        concurrency: how many pods of jobs may run at a time; None for no limit.
    """

    region: str
    clusters: tuple[str, ...]
    carbon: float | None
    low: float | None
    high: float | None
    egress: Mapping[str, float]
    latency: Mapping[str, float]
    concurrency: int | None


class FleetState(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet as it stands: what `yuheng fleet` shows. Nothing is planned.

    Attributes:
        time: of prices and carbon intensities, in seconds since the epoch.
        clusters: sorted by name.
        regions: sorted by key.
        workloads: how many are to be decided on, those that ask for no replicas left out; ``replicas`` of theirs are
            wanted, and ``running`` run already.
        policies: Karmada's; ``workflows`` are placed as a whole.
        prices: in the price book.
    """

    time: float
    clusters: tuple[ClusterReport, ...]
    regions: tuple[RegionReport, ...]
    workloads: int
    replicas: int
    running: int
    policies: int
    workflows: int
    prices: int
    skipped: Mapping[str, int] = {}
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The state in the public format (kind ``FleetState``)."""
        body = _plain(self)
        body["time"] = told_instant(self.time)
        body["clusters"] = [item.to_dict() for item in self.clusters]
        body["regions"] = [_plain(item) for item in self.regions]
        return {"apiVersion": API_VERSION, "kind": "FleetState", **body}


class ParetoRow(msgspec.Struct, frozen=True):
    """The plan of one objective in numbers.

    Attributes:
        cost: US dollars in all, services over the horizon.
        hours: the sum of all workloads' time until they have finished, or work.
        unschedulable: workloads.
        dominated: whether another row is no worse in all and better in one.
        clusters: replicas by cluster.
        chosen: whether it is the plan itself.
    """

    objective: str
    cost: float
    hours: float
    carbon_grams: float
    unschedulable: int
    dominated: bool
    clusters: Mapping[str, int]
    chosen: bool = False


class FleetSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet plan in numbers.

    Attributes:
        workloads, placed, unschedulable: of workloads; one that asks for no replicas is none of them.
        pods: placed by this plan; ``pending`` stay pending.
        per_hour: US dollars per hour of all workloads of the plan.
        total: US dollars in all, services over the horizon, workflows included.
        hours: the sum of all workloads' and workflows' time until they have finished, or work.
        carbon_grams: in all, services over the horizon, workflows included.
        value: of the objective, of workloads: workflows state their own.
        bound: no plan can have a lower value.
        gap: how far the value may be above the best there is, relative to the bound; None when the bound is 0.
        by_policy: workloads that Karmada's policies divide; the bound takes what they decide as it is.
        horizon: hours that services are counted for.
        seconds: wall-clock time of planning.
    """

    clusters: int
    workloads: int
    placed: int
    unschedulable: int
    pods: int
    pending: int
    per_hour: float
    total: float
    hours: float
    carbon_grams: float
    value: float
    bound: float
    gap: float | None
    by_policy: int = 0
    horizon: float
    seconds: float


class FleetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The decisions for a fleet, with their reasons and their cost.

    Attributes:
        policy: what decides inside a cluster.
        objective: what was minimised.
        reference: what the terms are relative to.
        placements: pods, with the cluster and the node of each.
        unschedulable: pods that stay pending, by cluster where they belong to one.
        evictions: running pods that clusters evict for their own pending jobs.
        jobs: the jobs of clusters with queues, after that.
        workloads: sorted by key.
        workflows: the plans of workflows, as plain data.
        clusters: before and after.
        new_nodes: nodes of pools that are opened.
        pareto: the plan under each objective, where it was asked for.
        without: what was taken away.
        time: the plan's time, in seconds since the epoch.
    """

    policy: str
    objective: str
    reference: Terms
    placements: tuple[tuple[str, Placement], ...]
    unschedulable: tuple[tuple[str, Refusal], ...]
    workloads: tuple[WorkloadPlan, ...]
    evictions: tuple[tuple[str, Eviction], ...] = ()
    jobs: tuple[tuple[str, JobReport], ...] = ()
    workflows: tuple[dict[str, Any], ...] = ()
    clusters: tuple[ClusterReport, ...] = ()
    new_nodes: tuple[NewNodes, ...] = ()
    pareto: tuple[ParetoRow, ...] = ()
    without: tuple[str, ...] = ()
    time: float = 0.0
    summary: FleetSummary
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The plan in the public format (kind ``Plan``): that of one cluster, and what only a fleet has."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Plan",
            "policy": self.policy,
            "objective": self.objective,
            "reference": {
                "cost": _rounded(self.reference.cost),
                "hours": _rounded(self.reference.time / 3600),
                "carbonGrams": _rounded(self.reference.carbon),
            },
            "time": told_instant(self.time),
            "without": list(self.without),
            "placements": [
                {"pod": item.pod, "cluster": cluster, "node": item.node, "devices": list(item.devices)}
                for cluster, item in self.placements
            ],
            "unschedulable": [
                {"cluster": cluster, **listed(msgspec.to_builtins(refusal))} for cluster, refusal in self.unschedulable
            ],
            "evictions": [
                {"cluster": cluster, **msgspec.to_builtins(eviction)} for cluster, eviction in self.evictions
            ],
            "jobs": [{"cluster": cluster, **report.to_dict()} for cluster, report in self.jobs],
            "workloads": [item.to_dict() for item in self.workloads],
            "workflows": [_rounded(listed(item)) for item in self.workflows],
            "clusters": [item.to_dict() for item in self.clusters],
            "newNodes": [_plain(item) for item in self.new_nodes],
            "pareto": [_plain(item) for item in self.pareto],
            "summary": _plain(self.summary),
            "warnings": list(self.warnings),
        }


class DrillRow(msgspec.Struct, frozen=True, kw_only=True):
    """What the loss of one thing would mean.

    Attributes:
        lost: what is lost, such as ``cluster=a`` or ``region=eu-west-1``.
        nodes, pods: that are lost with it.
        moved: replicas and pods that find another place.
        unplaced: those that do not, by what they belong to.
        stranded: pods that nobody starts elsewhere: they belong to what is lost alone, or are copies of what runs on.
        per_hour: US dollars per hour more (less, where negative).
        once: US dollars once, for data that has to be moved.
        new_nodes: that have to be opened.
        reasons: of those that do not fit, the first of them.
    """

    lost: str
    nodes: int
    pods: int
    moved: int
    unplaced: Mapping[str, int]
    stranded: int
    per_hour: float
    once: float
    new_nodes: int
    reasons: Mapping[str, str] = {}


class Drill(msgspec.Struct, frozen=True):
    """The loss of each cluster, zone and region in turn.

    Attributes:
        objective: what the replacement is chosen by.
        per_hour: US dollars per hour of the workloads that run today.
        rows: clusters first, then zones, regions and providers.
    """

    objective: str
    per_hour: float
    rows: tuple[DrillRow, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The drill in the public format (kind ``Drill``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Drill",
            "objective": self.objective,
            "perHour": _rounded(self.per_hour),
            "rows": [_plain(row) for row in self.rows],
            "warnings": list(self.warnings),
        }


def _plain(item: msgspec.Struct) -> dict[str, Any]:
    """A struct as it stands in the public format: keys as Kubernetes writes them, numbers without noise."""
    body: dict[str, Any] = msgspec.to_builtins(item)
    return {_camel_key(key): _rounded(listed(value)) for key, value in body.items()}


def _rounded(value: Any) -> Any:  # noqa: ANN401 -- walks plain data of any depth
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _camel_key(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)
