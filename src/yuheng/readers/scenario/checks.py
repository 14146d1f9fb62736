"""What has to hold between the parts of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.errors import InputError
from yuheng.readers.scenario.queues import with_equal_queues
from yuheng.readers.scenario.refusals import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.cluster import Snapshot
    from yuheng.model.workload import Workload
    from yuheng.readers.scenario.schema import ScenarioFields

__all__ = ["check_cluster", "check_events", "check_pools", "queued"]


def check_pools(fields: ScenarioFields) -> None:
    """Check that pools that are spoken of are there.

    Raises:
        InputError: one is not.
    """
    known = [pool.name for pool in fields.pools]
    named = [(f"failures[{index}]", item.nodes.pool) for index, item in enumerate(fields.failures)]
    named += [(f"markets[{index}]", item.nodes.pool) for index, item in enumerate(fields.markets)]
    for key, pool in named:
        if pool and pool not in known:
            raise _unknown("pool", pool, known, f"{key}.nodes.pool")


def check_cluster(fields: ScenarioFields, snapshot: Snapshot) -> None:
    """Check that there is a cluster, and something to run on it.

    Raises:
        InputError: it has no node or pod, or a pool would name a node as one is named already.
    """
    if not snapshot.nodes and not fields.pools:
        raise InputError("no node in these files", "nodes, or pools", field="nodes")
    if fields.workload is None and not snapshot.pods:
        raise InputError("nothing, and no pods in nodes", "a workload, or pods", field="workload")
    for index, pool in enumerate(fields.pools):
        for node in snapshot.nodes:
            if _number(node.name, pool.name) is not None:
                found = f"a pool whose nodes are called as node {node.name!r} is"
                raise InputError(found, "another name", field=f"pools[{index}].name")


def check_events(fields: ScenarioFields, snapshot: Snapshot) -> None:
    """Check that the nodes of events are there: those of the cluster, and the first ``max`` of each pool.

    Raises:
        InputError: one is not.
    """
    if not fields.events:
        return
    known = {node.name for node in snapshot.nodes}
    known.update(f"{pool.name}-{number}" for pool in fields.pools for number in range(pool.max))
    for index, event in enumerate(fields.events):
        for place, name in enumerate(event.change().nodes):
            if name not in known:
                raise _unknown("node", name, known, f"events[{index}].{event.verb()}[{place}]")


def _number(name: str, pool: str) -> int | None:
    """The number of a pool's node; None when it is not named as one."""
    digits = name.removeprefix(f"{pool}-")
    return int(digits) if digits != name and digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def queued(
    snapshot: Snapshot, fields: ScenarioFields, workload: Workload | None, source: str
) -> tuple[Snapshot, tuple[str, ...]]:
    """The snapshot with the queues that jobs name, and warnings.

    Where no queues are given, those that are named get the same weight.

    Raises:
        InputError: queues are given, and a job names another.
    """
    named = dict(_named(fields, workload))
    if not named:
        return snapshot, ()
    if not snapshot.queues:
        changed, warning = with_equal_queues(snapshot, sorted(named))
        return changed, (warning,)
    known = [queue.name for queue in snapshot.queues]
    for name, field in named.items():
        if name not in known:
            raise _unknown("queue", name, known, field).at(source=source)
    return snapshot, ()


def _named(fields: ScenarioFields, workload: Workload | None) -> Iterable[tuple[str, str]]:
    """Queues that jobs name, and the key that says so."""
    if workload is not None and fields.workload is not None:
        key = "workload.queueBy" if fields.workload.queue_by else "workload.columns.queue"
        for template in workload.templates:
            if template.queue:
                yield template.queue, key
    if fields.workload is not None and fields.workload.generate is not None:
        for index, job_class in enumerate(fields.workload.generate.classes):
            if job_class.queue:
                yield job_class.queue, f"workload.generate.classes[{index}].queue"


def _unknown(kind: str, name: str, known: Iterable[str], field: str) -> InputError:
    names = sorted(known)
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    expected = f"one of {listed}" if names else f"none: there is no {kind}"
    return InputError(f"the unknown {kind} {name!r}{nearest(name, names)}", expected, field=field)
