"""What each workload, claim and load balancer of one version of manifests costs a month.

A workload costs, for each replica, its requests at the rates and the claims that it makes for itself:

    replica = hours a month * (cores * cpu + GiB * memory + GPUs * gpu) + GiB of claims * storage

and an autoscaler makes a range of its replicas. Requests are all that the scheduler sets aside for a pod: what an init
container asks for beyond the containers counts, and so does the overhead of a runtime class. A replica that asks for
nothing costs nothing, as OpenCost has it where it knows of no usage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from yuheng.model.cost_change import ChangeRates, ChangeSide, CostRange
from yuheng.model.estate import NOTHING, Autoscaler, Estate, WorkloadEstate
from yuheng.model.units import HOURS_A_MONTH
from yuheng.model.words import first_of
from yuheng.placement.energy import Shape, power_of

__all__ = ["Key", "Priced", "Sides", "key_of", "replicas_of", "scalers_of", "sides_of", "told_together"]

CLAIM: Final = "PersistentVolumeClaim"
SERVICE: Final = "Service"
WATTS_PER_KILOWATT: Final = 1000.0
BARE: Final = "what requests nothing costs nothing here"
LOST: Final = "autoscalers whose workload is not there have no effect; of"
DAEMONS: Final = "a DaemonSet costs a pod for each node, whose number --nodes or --fleet tells; not counted"
JOBS: Final = "how long jobs run is not known: they are shown by the hour, and not counted"


class Key(NamedTuple):
    """What is the same object in both versions."""

    kind: str
    namespace: str
    name: str


class Priced(NamedTuple):
    """One object, and what one replica of it costs.

    Attributes:
        side: as it is told.
        replica: US dollars a month of one replica.
        grams: of CO2 equivalent a month of one replica; None when unknown.
    """

    side: ChangeSide
    replica: float
    grams: float | None = None


class Sides(NamedTuple):
    """Everything of one version that costs money.

    Attributes:
        items: the objects.
        assumptions: by the sentence that tells what had to be assumed, of which objects.
    """

    items: Mapping[Key, Priced]
    assumptions: Mapping[str, Sequence[str]]


def sides_of(
    estate: Estate, rates: ChangeRates, *, daemons: Mapping[Key, int] | None = None, nodes: int | None = None
) -> Sides:
    """Price one version.

    Args:
        estate: the version, as it was read.
        rates: what resources cost.
        daemons: how many pods each DaemonSet has, where a cluster tells; None for no cluster.
        nodes: how many pods other DaemonSets have; None when unknown.
    """
    scalers = scalers_of(estate)
    items: dict[Key, Priced] = {}
    for workload in estate.workloads:
        key = key_of(workload)
        pods = (daemons or {}).get(key, nodes) if workload.replicas is None else workload.replicas
        items[key] = _workload(workload, scalers.get(key), pods, rates)
    for claim in estate.claims:
        per_month = rates.storage_per_month(claim.size, claim.storage_class)
        span = CostRange(per_month, per_month)
        side = ChangeSide(storage=claim.size, storage_class=claim.storage_class, per_month=span)
        items[Key(CLAIM, claim.namespace, claim.name)] = Priced(side, per_month)
    for balancer in estate.balancers:
        per_month = rates.balancer * HOURS_A_MONTH
        side = ChangeSide(per_month=CostRange(per_month, per_month), per_hour=rates.balancer)
        items[Key(SERVICE, balancer.namespace, balancer.name)] = Priced(side, per_month)
    return Sides(items, {**_unpriced(estate), **_unknown(items)})


def key_of(workload: WorkloadEstate) -> Key:
    """What a workload is known by in both versions: with the group of its kind where there are others of the name."""
    return Key(workload.kind, workload.namespace, workload.name)


def scalers_of(estate: Estate) -> dict[Key, Autoscaler]:
    """The autoscaler of each workload that has one."""
    return {Key(item.target.kind, item.namespace, item.target.name): item for item in estate.autoscalers}


def replicas_of(scaler: Autoscaler | None, pods: int | None) -> tuple[int | None, int | None]:
    """The fewest and the most replicas of a workload.

    Args:
        scaler: its autoscaler, if any; one that finds 0 replicas is switched off, unless it scales to 0 itself.
        pods: how many replicas are written, or counted; None when unknown.
    """
    if scaler is None or (pods == 0 and scaler.minimum > 0):
        return pods, pods
    return scaler.minimum, max(scaler.minimum, scaler.maximum)


def ends(kind: str) -> bool:
    """Whether pods of this kind of workload end by themselves: then nobody knows how long they run in a month."""
    return kind.partition(".")[0].endswith("Job")


def _workload(workload: WorkloadEstate, scaler: Autoscaler | None, pods: int | None, rates: ChangeRates) -> Priced:
    asked = workload.requested
    cpu, memory, gpus = asked.cpu, asked.memory, asked.gpus
    storage = sum(claim.size for claim in workload.claims)
    minimum, maximum = replicas_of(scaler, pods)
    hour = rates.compute.of(cpu, memory, gpus)
    disks = sum(rates.storage_per_month(claim.size, claim.storage_class) for claim in workload.claims)
    replica = hour * HOURS_A_MONTH + disks
    grams = _grams(Shape(cpu, memory, gpus), rates)
    is_known = minimum is not None and maximum is not None and not ends(workload.kind)
    span = CostRange(minimum or 0, maximum or 0)
    side = ChangeSide(
        minimum=minimum,
        maximum=maximum,
        cpu=cpu,
        memory=memory,
        gpus=gpus,
        storage=storage,
        scaled="" if scaler is None else scaler.name,
        per_month=span * replica if is_known else None,
        per_hour=hour * (maximum or (1 if maximum is None else 0)),
        carbon=span * grams if is_known and grams is not None else None,
    )
    return Priced(side, replica, grams)


def _grams(shape: Shape, rates: ChangeRates) -> float | None:
    """Grams of CO2 equivalent a month of one replica."""
    if rates.carbon is None:
        return None
    return power_of(shape) / WATTS_PER_KILOWATT * HOURS_A_MONTH * rates.carbon


def _unpriced(estate: Estate) -> dict[str, list[str]]:
    """What of a version counts for nothing, by the sentence that tells it."""
    bare = [item.key for item in estate.workloads if item.requested == NOTHING]
    known = set(map(key_of, estate.workloads))
    lost = [f"{key.kind} {key.namespace}/{key.name}" for key in scalers_of(estate) if key not in known]
    return {BARE: bare, LOST: lost}


def _unknown(items: Mapping[Key, Priced]) -> dict[str, list[str]]:
    """Whose money is not known, by the sentence that tells it."""
    unknown = [key for key, item in items.items() if item.side.per_month is None]
    names = {key: f"{key.kind} {key.namespace}/{key.name}" for key in unknown}
    return {
        DAEMONS: [names[key] for key in unknown if not ends(key.kind)],
        JOBS: [names[key] for key in unknown if ends(key.kind)],
    }


def told_together(base: Sides, head: Sides) -> list[str]:
    """What had to be assumed of two versions, a sentence each, with the first of those that it is about."""
    found = {text: sorted({*base.assumptions[text], *head.assumptions[text]}) for text in head.assumptions}
    return [f"{text}: {first_of(names)}" for text, names in found.items() if names]
