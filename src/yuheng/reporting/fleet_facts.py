"""What the reports of fleets count together: refusals by reason, replicas by cluster, data between regions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yuheng.model.words import count
from yuheng.reporting.fleet_wording import money_text
from yuheng.reporting.wording import by_importance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.fleet_plan import ClusterReport, Drill, FleetPlan, RefusedCluster, WorkloadPlan
    from yuheng.model.plan import Refusal

__all__ = [
    "Flow",
    "Verdict",
    "alternatives",
    "by_reason",
    "by_region",
    "flows",
    "home",
    "idle",
    "moved_text",
    "opened",
    "own_pending",
    "placed_pods",
    "replicas_by_cluster",
    "shown_resources",
    "unplaced",
    "verdict",
]

_NOT_SHOWN = frozenset(("pods", "ephemeral-storage"))


class Verdict(NamedTuple):
    """A drill in numbers.

    Attributes:
        felt: losses that take something that runs; the others prove nothing.
        got_over: of them, those after which everything has a place.
        unfelt: losses that take nothing.
    """

    felt: int
    got_over: int
    unfelt: int


class Flow(NamedTuple):
    """Data that goes from one region to another for all workloads together.

    Attributes:
        gigabytes: how much.
        cost: US dollars.
        workloads: whose.
    """

    source: str
    destination: str
    gigabytes: float
    cost: float
    workloads: int


def verdict(drill: Drill) -> Verdict:
    """How many losses of a drill there are, and how many are got over."""
    felt = [row for row in drill.rows if row.pods or row.moved or row.unplaced or row.stranded]
    got_over = sum(not row.unplaced and not row.stranded for row in felt)
    return Verdict(len(felt), got_over, len(drill.rows) - len(felt))


def by_reason(refused: Iterable[RefusedCluster]) -> list[tuple[str, list[str]]]:
    """Refused clusters by the reason, most clusters first; ties in the order they were told."""
    found: dict[str, list[str]] = {}
    for item in refused:
        found.setdefault(item.reason, []).append(item.cluster)
    return sorted(found.items(), key=lambda item: -len(item[1]))


def unplaced(workloads: Iterable[WorkloadPlan]) -> list[WorkloadPlan]:
    """The workloads that have no place."""
    return [workload for workload in workloads if workload.reason]


def idle(workloads: Iterable[WorkloadPlan]) -> int:
    """How many workloads ask for no replicas: they are neither placed nor unschedulable."""
    return sum(not workload.wanted for workload in workloads)


def own_pending(plan: FleetPlan) -> tuple[Refusal, ...]:
    """The pods that stay pending in a cluster, with its name before theirs.

    Those of workloads without any place are told with their workload.
    """
    return tuple(
        msgspec.structs.replace(refusal, pod=f"{cluster}: {refusal.pod}")
        for cluster, refusal in plan.unschedulable
        if cluster
    )


def replicas_by_cluster(workloads: Iterable[WorkloadPlan]) -> Counter[str]:
    """How many replicas each cluster has after the plan."""
    found: Counter[str] = Counter()
    for workload in workloads:
        found.update(workload.replicas or workload.kept)
    return found


def placed_pods(plan: FleetPlan) -> Counter[str]:
    """How many pods the plan starts on each cluster."""
    return Counter(cluster for cluster, _ in plan.placements)


def opened(plan: FleetPlan) -> Counter[str]:
    """How many nodes the plan opens on each cluster."""
    found: Counter[str] = Counter()
    for item in plan.new_nodes:
        found[item.cluster] += item.nodes
    return found


def flows(workloads: Iterable[WorkloadPlan]) -> list[Flow]:
    """Data by pair of regions, most first; what stays in its region is no flow."""
    amounts: dict[tuple[str, str], list[float]] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for workload in workloads:
        for item in workload.transfers:
            pair = (item.source, item.destination)
            if item.source == item.destination:
                continue
            sums = amounts.setdefault(pair, [0.0, 0.0])
            sums[0] += item.gigabytes
            sums[1] += item.cost
            names.setdefault(pair, set()).add(workload.workload)
    found = [
        Flow(source, destination, gigabytes, cost, len(names[source, destination]))
        for (source, destination), (gigabytes, cost) in amounts.items()
    ]
    return sorted(found, key=lambda flow: (-flow.gigabytes, flow.source, flow.destination))


def home(cluster: ClusterReport) -> str:
    """The key of a cluster's region; empty where none is known."""
    return f"{cluster.provider}/{cluster.region}" if cluster.provider and cluster.region else cluster.region


def by_region(clusters: Iterable[ClusterReport]) -> list[ClusterReport]:
    """Clusters by region, then name; those whose region is not known go last."""
    return sorted(clusters, key=lambda cluster: (not home(cluster), home(cluster), cluster.cluster))


def shown_resources(amounts: Sequence[Mapping[str, object]]) -> list[str]:
    """The resources that people ask for, in the order they are shown; ``gpu`` only where no device plugin names it."""
    found = {resource for each in amounts for resource in each} - _NOT_SHOWN
    if any(resource.endswith("/gpu") for resource in found):
        found.discard("gpu")
    return sorted(found, key=by_importance)


def moved_text(workload: WorkloadPlan) -> str:
    """How many replicas of a workload that run today lose their place."""
    return f"{count(workload.moved, 'running replica')} {'loses its' if workload.moved == 1 else 'lose their'} place"


def alternatives(workload: WorkloadPlan) -> Iterable[str]:
    """What is told of a workload beside its row: what moves, the runner-up, how to buy its machines."""
    if workload.moved:
        yield moved_text(workload)
    if workload.runner_up is not None:
        yield workload.runner_up.text
    advice = workload.advice
    if advice is not None:
        yield (
            f"on the spot market with {advice.policy} in {', '.join(advice.zones) or advice.region} it would cost "
            f"{money_text(advice.expected_cost)} on average (nine in ten: {money_text(advice.low)} to "
            f"{money_text(advice.high)}; on-demand alone: {money_text(advice.on_demand_cost)})"
        )
