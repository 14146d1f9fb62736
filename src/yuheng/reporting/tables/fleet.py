"""A fleet for the terminal: clusters by region with what is free and what it costs, regions, what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.fleet_plan import told_instant
from yuheng.model.words import count
from yuheng.reporting.fleet_facts import by_region, home, shown_resources
from yuheng.reporting.fleet_wording import latency_text, money_text
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import amount_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

    from yuheng.model.fleet_plan import ClusterReport, FleetState, RegionReport

__all__ = ["write_fleet"]

MARKETS: Final = ("on-demand", "spot", "reserved")
_CLUSTERS: Final = (
    Column("CLUSTER"),
    Column("REGION"),
    Column("NODES", number=True),
    Column("IN POOLS", number=True),
    Column("PODS", number=True),
)
_REGIONS: Final = (
    Column("REGION"),
    Column("CLUSTERS", number=True),
    Column("gCO2/kWh", number=True),
    Column("NEXT DAY", number=True),
    Column("PODS AT A TIME", number=True),
    Column("EGRESS, $/GB"),
    Column("LATENCY"),
)
_PAIRS: Final = (Column("FROM"), Column("TO"), Column("$/GB", number=True), Column("LATENCY", number=True))
_ROWS_SHOWN: Final = 50
_NONE: Final = "-"


def write_fleet(state: FleetState, console: Console, *, wide: bool = False) -> None:
    """Write a fleet as it stands for people.

    Args:
        state: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every cluster and every pair of regions.
    """
    sheet = Sheet(console, wide=wide)
    _write_head(sheet, state)
    ordered = by_region(state.clusters)
    shown = ordered if wide else ordered[:_ROWS_SHOWN]
    _write_clusters(sheet, shown)
    sheet.more(len(ordered) - len(shown), indent=2)
    _write_prices(sheet, shown)
    _write_regions(sheet, state.regions)
    if wide:
        _write_pairs(sheet, state.regions)
    _write_missing(sheet, ordered)
    sheet.warnings(state.warnings)


def _write_head(sheet: Sheet, state: FleetState) -> None:
    clusters = f"{count(len(state.clusters), 'cluster')} in {count(len(state.regions), 'region')}"
    nodes = sum(cluster.nodes for cluster in state.clusters)
    pods = sum(cluster.pods for cluster in state.clusters)
    sheet.line(("Fleet", "bold"), f" of {clusters}: {count(nodes, 'node')}, {count(pods, 'pod')} bound.")
    sheet.line(
        f"{count(state.workloads, 'workload')} to decide on: {state.running:,} of {count(state.replicas, 'replica')} "
        f"running; {_counted(state.policies, 'policy', 'policies')} of Karmada, "
        f"{count(state.workflows, 'workflow')}, {count(state.prices, 'price')}."
    )
    sheet.line(f"Prices and carbon as at {told_instant(state.time)}.")
    if state.skipped:
        kinds = ", ".join(f"{kind} {number:,}" for kind, number in sorted(state.skipped.items()))
        sheet.line((f"Not used: {kinds}.", "dim"))


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _write_clusters(sheet: Sheet, clusters: Sequence[ClusterReport]) -> None:
    if not clusters:
        return
    resources = shown_resources([cluster.free for cluster in clusters])
    sheet.heading("Clusters by region: what is free, and in brackets the most on one node")
    rows = [
        (
            cluster.cluster,
            home(cluster) or _NONE,
            *(f"{number:,}" for number in (cluster.nodes, cluster.pools, cluster.pods)),
            *(_free(cluster, resource) for resource in resources),
        )
        for cluster in clusters
    ]
    free = (Column(f"FREE {resource.upper()}", number=True) for resource in resources)
    sheet.pages((*_CLUSTERS, *free), rows, indent=2)


def _free(cluster: ClusterReport, resource: str) -> str:
    if resource not in cluster.free:
        return _NONE
    free, largest = (amount_text(resource, amounts.get(resource, 0)) for amounts in (cluster.free, cluster.largest))
    return f"{free} ({largest})"


def _write_prices(sheet: Sheet, clusters: Sequence[ClusterReport]) -> None:
    markets = [market for market in MARKETS if any(market in cluster.cheapest for cluster in clusters)]
    if not markets:
        return
    sheet.heading("The cheapest core by market, $ per hour")
    columns = (Column("CLUSTER"), *(Column(market.upper(), number=True) for market in markets))
    rows = [
        (cluster.cluster, *(money_text(cluster.cheapest.get(market)) for market in markets))
        for cluster in clusters
        if cluster.cheapest
    ]
    sheet.table(columns, rows, indent=2)


def _write_regions(sheet: Sheet, regions: Sequence[RegionReport]) -> None:
    if regions:
        sheet.heading("Regions")
        shown = regions if sheet.wide else regions[:_ROWS_SHOWN]
        sheet.pages(_REGIONS, [_region_row(region) for region in shown], indent=2)
        sheet.more(len(regions) - len(shown), indent=2)


def _region_row(region: RegionReport) -> tuple[str, ...]:
    day = _NONE if region.low is None or region.high is None else _span((region.low, region.high), _grams)
    return (
        region.region,
        f"{len(region.clusters):,}",
        _NONE if region.carbon is None else _grams(region.carbon),
        day,
        "no limit" if region.concurrency is None else f"{region.concurrency:,}",
        _to_others(region.egress, money_text),
        _to_others(region.latency, latency_text),
    )


def _to_others(amounts: Mapping[str, float], text: Callable[[float], str]) -> str:
    """The range of what leads to other regions, and to how many."""
    if not amounts:
        return _NONE
    return f"{_span(amounts.values(), text)} to {count(len(amounts), 'region')}"


def _span(values: Iterable[float], text: Callable[[float], str]) -> str:
    """The least and the most in words; one word where they are the same."""
    found = sorted(values)
    ends = dict.fromkeys((text(found[0]), text(found[-1])))
    return "-".join(ends)


def _grams(value: float) -> str:
    return f"{value:,.0f}"


def _write_pairs(sheet: Sheet, regions: Sequence[RegionReport]) -> None:
    rows = [
        (
            region.region,
            other,
            money_text(region.egress.get(other)),
            latency_text(region.latency[other]) if other in region.latency else _NONE,
        )
        for region in regions
        for other in sorted({*region.egress, *region.latency})
    ]
    if rows:
        sheet.heading("Between regions")
        sheet.table(_PAIRS, rows, indent=2)


def _write_missing(sheet: Sheet, clusters: Sequence[ClusterReport]) -> None:
    """What is not known, and of which clusters."""
    found: dict[str, list[str]] = {}
    for cluster in clusters:
        for word in cluster.missing:
            found.setdefault(word, []).append(cluster.cluster)
    if found:
        sheet.heading("Not known")
    width = max(map(len, found), default=0)
    for word, names in found.items():
        shown = names if sheet.wide else names[:3]
        hidden = len(names) - len(shown)
        more = f" and {hidden:,} more" if hidden else ""
        sheet.line(f"{', '.join(shown)}{more}", label=(f"{word:<{width}}  ", "yellow"), indent=2)
