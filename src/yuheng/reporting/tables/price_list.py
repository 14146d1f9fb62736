"""Prices of nodes for the terminal: those that cost the same on one line, and by which row of the book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.fleet_plan import told_instant
from yuheng.model.units import HOURS_A_MONTH
from yuheng.model.words import count
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import month_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from yuheng.model.node_price import NodePrice
    from yuheng.model.price_list import PriceList

__all__ = ["write_price_list"]

_GROUPS: Final = (
    Column("NODES", number=True),
    Column("INSTANCE TYPE"),
    Column("MARKET"),
    Column("WHERE"),
    Column("$/HOUR EACH", number=True),
    Column("$/MONTH ALL", number=True),
    Column("PRICED"),
)
_NODES: Final = (
    Column("NODE"),
    Column("INSTANCE TYPE"),
    Column("MARKET"),
    Column("WHERE"),
    Column("$/HOUR", number=True),
    Column("$/CORE-H", number=True),
    Column("$/GiB-H", number=True),
    Column("$/GPU-H", number=True),
    Column("PRICED"),
)
_CLUSTER: Final = Column("CLUSTER")
_NONE: Final = "-"


def write_price_list(prices: PriceList, console: Console, *, wide: bool = False) -> None:
    """Write what nodes cost for people.

    Args:
        prices: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every node on a line of its own, with the rates of its resources.
    """
    sheet = Sheet(console, wide=wide)
    at = "the newest prices" if prices.time is None else f"prices as at {told_instant(prices.time)}"
    sheet.line(
        ("Prices", "bold"),
        f" of {count(len(prices.nodes), 'node')}, {at}; {count(prices.prices, 'price')} in the book.",
    )
    sheet.line(
        f"${prices.per_hour:,.4f} an hour, ${month_text(prices.per_hour)} a month of {HOURS_A_MONTH:g} hours. "
        f"{count(prices.unpriced, 'node')} without a price of their own."
    )
    if prices.nodes:
        is_fleet = any(node.cluster for node in prices.nodes)
        sheet.line()
        own = (_CLUSTER,) if is_fleet else ()
        if wide:
            sheet.table((*own, *_NODES), [_node_row(node, is_fleet) for node in prices.nodes], indent=2)
        else:
            sheet.table((*own, *_GROUPS), [_group_row(nodes, is_fleet) for nodes in _groups(prices.nodes)], indent=2)
    sheet.warnings(prices.warnings)


def _groups(nodes: Sequence[NodePrice]) -> list[list[NodePrice]]:
    """Nodes that cost the same for the same reason, the dearest groups first."""
    found: dict[tuple[object, ...], list[NodePrice]] = {}
    for node in nodes:
        place = (node.cluster, node.instance_type, node.market, node.region, node.zone)
        found.setdefault((*place, node.per_hour, node.why, node.rivals), []).append(node)
    return sorted(found.values(), key=lambda group: (group[0].cluster, -group[0].per_hour * len(group)))


def _group_row(nodes: Sequence[NodePrice], is_fleet: bool) -> tuple[str, ...]:
    first = nodes[0]
    return (
        *((first.cluster,) if is_fleet else ()),
        f"{len(nodes):,}",
        first.instance_type or _NONE,
        first.market,
        first.zone or first.region or _NONE,
        f"{first.per_hour:,.4f}",
        month_text(first.per_hour * len(nodes)),
        _why(first),
    )


def _node_row(node: NodePrice, is_fleet: bool) -> tuple[str, ...]:
    return (
        *((node.cluster,) if is_fleet else ()),
        node.node,
        node.instance_type or _NONE,
        node.market,
        node.zone or node.region or _NONE,
        f"{node.per_hour:,.4f}",
        f"{node.cpu:.6f}",
        f"{node.memory:.6f}",
        f"{node.gpu:.4f}",
        _why(node),
    )


def _why(node: NodePrice) -> str:
    return f"{node.why} ({count(len(node.rivals), 'other price')} as well)" if node.rivals else node.why
