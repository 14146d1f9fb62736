"""Advice on buying as CSV: a row a kind of node, or a reservation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.units import HOURS_A_MONTH
from yuheng.reporting.rows_csv import rows_csv

if TYPE_CHECKING:
    from yuheng.model.commitments import Commitments
    from yuheng.model.node_mix import BoughtNodes, NodeMix

__all__ = ["commitments_csv", "node_mix_csv"]

_NODES: Final = (
    "provider",
    "region",
    "zone",
    "instance_type",
    "market",
    "count",
    "usd_per_hour_each",
    "usd_per_hour",
    "usd_per_month",
    "pods",
    "cpu_allocated",
    "memory_allocated",
    "gpu_allocated",
)
_RESERVED: Final = (
    "provider",
    "region",
    "family",
    "term",
    "unit",
    "amount",
    "usd_per_hour_reserved",
    "usd_per_unit_hour_on_demand",
    "usd_per_unit_hour_reserved",
    "break_even",
    "coverage",
    "utilization",
    "usd_per_month_before",
    "usd_per_month_after",
    "saving",
)


def node_mix_csv(mix: NodeMix) -> str:
    """What to buy; allocation is the share of what the nodes have that pods ask for."""
    return rows_csv(_NODES, (_node_row(nodes) for nodes in mix.nodes))


def _node_row(nodes: BoughtNodes) -> tuple[object, ...]:
    per_hour = nodes.each * nodes.count
    return (
        nodes.provider,
        nodes.region,
        nodes.zone,
        nodes.instance_type,
        nodes.market,
        nodes.count,
        nodes.each,
        per_hour,
        per_hour * HOURS_A_MONTH,
        nodes.pods,
        *(nodes.allocation.get(name) for name in ("cpu", "memory", "gpu")),
    )


def commitments_csv(found: Commitments) -> str:
    """What to reserve, a row a family, region and term."""
    return rows_csv(
        _RESERVED,
        (
            (
                one.provider,
                one.region,
                one.family,
                one.term,
                one.unit,
                one.amount,
                one.amount * one.reserved,
                one.on_demand,
                one.reserved,
                one.break_even,
                one.coverage,
                one.utilization,
                one.before,
                one.after,
                one.saving,
            )
            for one in found.reservations
        ),
    )
