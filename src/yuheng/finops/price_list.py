"""The price list of a cluster or a fleet, and what is doubtful about it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from yuheng.finops.pricing import OWN_RATES, price_cluster, price_nodes
from yuheng.model.cluster import Snapshot
from yuheng.model.price_list import PriceList
from yuheng.model.prices import DEFAULT_RATES, PriceBook, Rates
from yuheng.model.words import first_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.fleet import Fleet
    from yuheng.model.node_price import NodePrice
    from yuheng.model.prices import Price

__all__ = ["doubts", "price_list"]

# When prices are looked up where nothing tells the time: the newest count.
NEWEST: Final = float("inf")


def price_list(
    state: Snapshot | Fleet,
    book: PriceBook | None = None,
    *,
    time: float | None = None,
    rates: Rates = DEFAULT_RATES,
    provider: str = "",
    region: str = "",
    warnings: Sequence[str] = (),
) -> PriceList:
    """What each node of a cluster or a fleet costs.

    Args:
        state: the cluster, or the fleet, which has a price book of its own.
        book: counts before that of the fleet, whose prices count for what it does not price.
        time: when prices are looked up, in seconds since the epoch; None for the latest time that the input tells of,
            and the newest prices where it tells of none.
        rates: of resources of nodes without a price; a fleet's own come before the defaults.
        provider: of nodes that do not tell theirs; a fleet's clusters do.
        region: of nodes without a label of it; the same.
        warnings: what had to be assumed of the prices.
    """
    asked = state.time if time is None else time
    at = NEWEST if asked is None else asked
    if isinstance(state, Snapshot):
        used = book or PriceBook()
        found = price_nodes(state.nodes, used, time=at, rates=rates, provider=provider, region=region)
        own: tuple[str, ...] = state.warnings
    else:
        used = (book or PriceBook()).over(state.prices)
        counted = rates.over(state.rates)
        found = tuple(
            node for cluster in state.clusters for node in price_cluster(cluster, used, time=at, rates=counted)
        )
        own = state.warnings
    return PriceList(nodes=found, time=asked, prices=len(used), warnings=(*warnings, *own, *doubts(found)))


def doubts(nodes: Sequence[NodePrice]) -> tuple[str, ...]:
    """What whoever reads a bill made of these prices should know of them, one sentence each.

    Args:
        nodes: with their prices.
    """
    ambiguous: defaultdict[tuple[Price, tuple[Price, ...]], list[str]] = defaultdict(list)
    unknown: defaultdict[str, list[str]] = defaultdict(list)
    for node in nodes:
        if node.price is None and not node.why.startswith(OWN_RATES):
            unknown[node.why].append(node.node)
        elif node.price is not None and node.rivals:
            ambiguous[node.price, node.rivals].append(node.node)
    return (
        *(_ambiguous(names, price, rivals) for (price, rivals), names in ambiguous.items()),
        *(f"{_nodes(names)}: priced {why}" for why, names in unknown.items()),
    )


def _ambiguous(names: Sequence[str], price: Price, rivals: Sequence[Price]) -> str:
    """Two prices of one thing: which one counts, and which do not."""
    others = ", ".join(f"{one.per_hour:.10g}{f' of {one.provider}' if one.provider else ''}" for one in rivals)
    whose = f" of {price.provider}" if price.provider else ""
    where = price.zone or price.region or "all regions"
    return (
        f"{_nodes(names)}: {len(rivals) + 1} prices match {price.instance_type} {price.market} in {where}: "
        f"${price.per_hour:.10g} an hour{whose} counts, not {others}"
    )


def _nodes(names: Sequence[str]) -> str:
    return f"{'node' if len(names) == 1 else 'nodes'} {first_of(names)}"
