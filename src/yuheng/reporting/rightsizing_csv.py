"""Advice on requests as CSV: a row a container, or a row a container and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.reporting.rightsizing_facts import reasons
from yuheng.reporting.rows_csv import rows_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yuheng.model.rightsizing import Change, ContainerAdvice, Rightsizing

__all__ = ["hours_csv", "rightsizing_csv"]

_PARTS: Final = ("old", "new", "old_limit", "new_limit", "p95", "peak", "minutes_above_before", "minutes_above")
_ROW: Final = (
    "namespace",
    "kind",
    "workload",
    "container",
    "replicas",
    *(f"cpu_milli_{part}" if part in _PARTS[:6] else f"cpu_{part}" for part in _PARTS),
    *(f"memory_bytes_{part}" if part in _PARTS[:6] else f"memory_{part}" for part in _PARTS),
    "saved_per_month",
    "saved_per_month_by_hours",
    "why",
)
_HOUR: Final = ("namespace", "kind", "workload", "container", "days", "hour", "time_zone", "cpu_milli")
_DAYS: Final = ("Mon-Fri", "Sat-Sun")


def rightsizing_csv(result: Rightsizing) -> str:
    """A row a container; milli-cores, bytes, US dollars and minutes; empty where something is not known or not set."""
    return rows_csv(_ROW, (_row(row) for row in result.containers))


def hours_csv(result: Rightsizing) -> str:
    """A row for each hour of a working day and of the weekend of each container that has hours: what to resize to."""
    return rows_csv(_HOUR, (cells for row in result.containers for cells in _hours(row, result.zone)))


def _row(row: ContainerAdvice) -> tuple[object, ...]:
    return (
        row.namespace,
        row.kind,
        row.workload,
        row.container,
        round(row.replicas, 2),
        *_change(row.cpu),
        *_change(row.memory),
        round(row.saved, 2),
        round(row.hours.saved + row.memory.saved, 2) if row.hours else None,
        "; ".join(reasons(row)),
    )


def _change(change: Change) -> Iterator[object]:
    yield from (change.old, change.new, change.old_limit, change.new_limit)
    yield from (None, None) if change.usage is None else (round(change.usage.p95, 1), round(change.usage.peak, 1))
    yield from (None if told is None else round(told, 1) for told in (change.minutes_before, change.minutes))


def _hours(row: ContainerAdvice, zone: str) -> Iterator[tuple[object, ...]]:
    for days, requests in zip(_DAYS, row.hours.requests if row.hours else (), strict=False):
        for hour, request in enumerate(requests):
            yield row.namespace, row.kind, row.workload, row.container, days, hour, zone, request
