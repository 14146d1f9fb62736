"""Kueue's queues: ClusterQueues and Cohorts, whose quotas become shares of the tree that Volcano's queues form.

A nominal quota is what a queue deserves; what it must not lend is guaranteed to it, and what it may borrow limits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from yuheng.errors import InputError, QuantityError
from yuheng.model.quantity import parse_quantity
from yuheng.model.queue import Queue
from yuheng.readers.batch.queues import read_amounts
from yuheng.readers.batch.wire import Named
from yuheng.readers.decoding import below
from yuheng.readers.wire import QuantityText

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KueueReading", "read_cluster_queue", "read_cohort", "read_local_queue", "with_cohorts"]


class Wire(msgspec.Struct, rename="camel"):
    """The base of all: camel case, as Kubernetes writes."""


class Quota(Wire):
    """The quota of a resource in a flavor."""

    name: str
    nominal_quota: QuantityText = 0
    borrowing_limit: QuantityText | None = None
    lending_limit: QuantityText | None = None


class Flavor(Wire):
    """The quotas of a flavor."""

    name: str = ""
    resources: tuple[Quota, ...] = ()


class ResourceGroup(Wire):
    """Flavors that cover the same resources."""

    flavors: tuple[Flavor, ...] = ()


class FairSharing(Wire):
    """How a queue shares what is borrowed."""

    weight: QuantityText = 1


class Preemption(Wire):
    """Whose pods may be evicted."""

    reclaim_within_cohort: Literal["", "Never", "LowerPriority", "Any"] = ""
    within_cluster_queue: Literal["", "Never", "LowerPriority", "LowerOrNewerEqualPriority"] = ""


class ClusterQueueSpec(Wire):
    """``spec`` of a ClusterQueue."""

    cohort: str = ""
    cohort_name: str = ""
    resource_groups: tuple[ResourceGroup, ...] = ()
    queueing_strategy: Literal["", "StrictFIFO", "BestEffortFIFO"] = ""
    stop_policy: Literal["", "None", "Hold", "HoldAndDrain"] = ""
    preemption: Preemption = msgspec.field(default_factory=Preemption)
    fair_sharing: FairSharing = msgspec.field(default_factory=FairSharing)


class ClusterQueueObject(Wire):
    """A ClusterQueue."""

    metadata: Named
    spec: ClusterQueueSpec = msgspec.field(default_factory=ClusterQueueSpec)


class CohortSpec(Wire):
    """``spec`` of a Cohort."""

    parent: str = ""
    parent_name: str = ""
    resource_groups: tuple[ResourceGroup, ...] = ()
    fair_sharing: FairSharing = msgspec.field(default_factory=FairSharing)


class CohortObject(Wire):
    """A Cohort."""

    metadata: Named
    spec: CohortSpec = msgspec.field(default_factory=CohortSpec)


class LocalQueueSpec(Wire):
    """``spec`` of a LocalQueue."""

    cluster_queue: str


class LocalQueueObject(Wire):
    """A LocalQueue."""

    metadata: Named
    spec: LocalQueueSpec


class KueueReading(NamedTuple):
    """A queue, and what had to be assumed."""

    queue: Queue
    warnings: tuple[str, ...]


class _Quotas(NamedTuple):
    """Amounts by resource: nominal, at most, and what is not lent; and resources that several flavors have."""

    nominal: dict[str, int]
    most: dict[str, int]
    kept: dict[str, int]
    several: list[str]


PREEMPTS: Final[dict[str, Literal["LowerPriority", "Never"]]] = {
    "LowerPriority": "LowerPriority",
    "LowerOrNewerEqualPriority": "LowerPriority",
}


def read_cluster_queue(text: bytes | msgspec.Raw) -> KueueReading:
    """A ClusterQueue.

    Raises:
        InputError: a quota or a weight is not what it should be.
        msgspec.ValidationError: the object is not what Kueue defines.
    """
    source = msgspec.json.decode(text, type=ClusterQueueObject)
    name, spec = source.metadata.name, source.spec
    cohort = spec.cohort_name or spec.cohort
    quotas = _quotas(spec.resource_groups, borrows=bool(cohort))
    within = spec.preemption.within_cluster_queue
    queue = Queue(
        name=name,
        kind="ClusterQueue",
        parent=cohort,
        weight=_weight(spec.fair_sharing),
        deserved=quotas.nominal,
        guarantee=quotas.kept,
        capability=quotas.most,
        dequeue="fifo" if spec.queueing_strategy == "StrictFIFO" else "traverse",
        closed=spec.stop_policy in ("Hold", "HoldAndDrain"),
        reclaims=spec.preemption.reclaim_within_cohort or "Never",
        preempts=PREEMPTS.get(within, "Never"),
        created=source.metadata.created(),
    )
    warnings = _several(queue, quotas)
    if within == "LowerOrNewerEqualPriority":
        warnings.append(f"ClusterQueue {name}: withinClusterQueue: of equal priority nobody is preempted, newer or not")
    return KueueReading(queue, tuple(warnings))


def read_cohort(text: bytes | msgspec.Raw) -> KueueReading:
    """A Cohort.

    Raises:
        InputError: a quota or a weight is not what it should be.
        msgspec.ValidationError: the object is not what Kueue defines.
    """
    source = msgspec.json.decode(text, type=CohortObject)
    spec = source.spec
    parent = spec.parent_name or spec.parent
    quotas = _quotas(spec.resource_groups, borrows=True)
    queue = Queue(
        name=source.metadata.name,
        kind="Cohort",
        parent=parent,
        weight=_weight(spec.fair_sharing),
        deserved=quotas.nominal,
        guarantee=quotas.kept,
        capability=quotas.most,
        created=source.metadata.created(),
    )
    return KueueReading(queue, tuple(_several(queue, quotas)))


def read_local_queue(text: bytes | msgspec.Raw) -> tuple[str, str]:
    """``namespace/name`` of a LocalQueue, and the name of its ClusterQueue.

    Raises:
        msgspec.ValidationError: the object is not what Kueue defines.
    """
    source = msgspec.json.decode(text, type=LocalQueueObject)
    return source.metadata.key(), source.spec.cluster_queue


def with_cohorts(cluster_queues: Iterable[Queue], cohorts: Iterable[Queue], others: Iterable[str] = ()) -> list[Queue]:
    """All of Kueue's queues, with the cohorts that are only named.

    A cohort that has the name of another queue is called ``cohort/<name>``: queues have one name each here.

    Args:
        cluster_queues: the leaves.
        cohorts: those of the input.
        others: the names of queues that are not Kueue's.
    """
    leaves = list(cluster_queues)
    known = {cohort.name: cohort for cohort in cohorts}
    named = [queue.parent for queue in (*leaves, *known.values()) if queue.parent]
    for name in named:
        known.setdefault(name, Queue(name=name, kind="Cohort"))
    taken = {queue.name for queue in leaves} | set(others)
    names = {name: f"cohort/{name}" if name in taken else name for name in known}
    return [
        msgspec.structs.replace(
            queue,
            name=names[queue.name] if queue.kind == "Cohort" else queue.name,
            parent=names.get(queue.parent, ""),
        )
        for queue in (*leaves, *known.values())
    ]


def _quotas(groups: Iterable[ResourceGroup], *, borrows: bool) -> _Quotas:
    nominal: dict[str, int] = {}
    most: dict[str, int] = {}
    kept: dict[str, int] = {}
    unlimited: set[str] = set()
    several: dict[str, None] = {}
    for place, quota in _each(groups):
        own = _amount(quota.name, quota.nominal_quota, f"{place}.nominalQuota")
        if quota.name in nominal:
            several[quota.name] = None
        _add(nominal, quota.name, own)
        if quota.lending_limit is not None:
            lent = _amount(quota.name, quota.lending_limit, f"{place}.lendingLimit")
            _add(kept, quota.name, max(0, own - lent))
        if not borrows:
            _add(most, quota.name, own)
        elif quota.borrowing_limit is None:
            unlimited.add(quota.name)
        else:
            _add(most, quota.name, own + _amount(quota.name, quota.borrowing_limit, f"{place}.borrowingLimit"))
    return _Quotas(nominal, {name: most[name] for name in most if name not in unlimited}, kept, list(several))


def _each(groups: Iterable[ResourceGroup]) -> Iterable[tuple[str, Quota]]:
    for first, group in enumerate(groups):
        for second, flavor in enumerate(group.flavors):
            for third, quota in enumerate(flavor.resources):
                yield f"spec.resourceGroups[{first}].flavors[{second}].resources[{third}]", quota


def _add(amounts: dict[str, int], name: str, amount: int) -> None:
    amounts[name] = amounts.get(name, 0) + amount


def _amount(name: str, text: QuantityText, place: str) -> int:
    try:
        return read_amounts({name: text}, "").get(name, 0)
    except InputError as error:
        raise type(error)(error.found, error.expected, field=place) from None


def _weight(source: FairSharing) -> float:
    text = source.weight
    try:
        quantity = parse_quantity(text if isinstance(text, str) else repr(text))
    except QuantityError as error:
        raise below("spec.fairSharing.weight", error) from None
    if quantity.nano < 0:
        raise InputError(repr(text), "a weight of 0 or more", field="spec.fairSharing.weight")
    return quantity.nano / 10**9


def _several(queue: Queue, quotas: _Quotas) -> list[str]:
    if not quotas.several:
        return []
    names = ", ".join(quotas.several)
    return [f"{queue.kind} {queue.name}: the quotas of several flavors of {names} are added up"]
