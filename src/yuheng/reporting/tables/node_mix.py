"""A mix of nodes for the terminal: what to buy, how full it is, how near the bound, and what a baseline would buy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import by_importance, month_text, percent, seconds_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from yuheng.model.node_mix import BaselineMix, BoughtNodes, NodeMix

__all__ = ["write_node_mix"]

_NODES: Final = (
    Column("NODES", number=True),
    Column("INSTANCE TYPE"),
    Column("MARKET"),
    Column("WHERE"),
    Column("$/HOUR EACH", number=True),
    Column("$/HOUR", number=True),
    Column("$/MONTH", number=True),
    Column("PODS", number=True),
    Column("CPU", number=True),
    Column("MEMORY", number=True),
    Column("GPU", number=True),
)
_PLACEMENTS: Final = (Column("NODE"), Column("PODS", number=True), Column("NAMES"))
_UNHELD: Final = (Column("PODS", number=True), Column("FIRST"), Column("REASON"))
_SHOWN: Final = 20
# Prices that differ by less are told as the same.
SAME: Final = 5e-5


def write_node_mix(mix: NodeMix, console: Console, *, wide: bool = False) -> None:
    """Write a mix for people.

    Args:
        mix: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every kind of node, and which pods are meant for which node.
    """
    sheet = Sheet(console, wide=wide)
    sheet.line(
        (f"{count(mix.count, 'node')}", "bold"),
        f" hold{'s' if mix.count == 1 else ''} {count(mix.pods, 'pod')} for ",
        (f"${mix.per_hour:,.2f} an hour", "green"),
        f", ${month_text(mix.per_hour)} a month.",
    )
    if mix.nodes:
        _write_bound(sheet, mix)
        for baseline in mix.baselines:
            _write_baseline(sheet, mix, baseline)
        sheet.line(f"Of what the nodes have, pods ask for {_shares(mix.allocation)}.")
        _write_scheduler(sheet, mix)
        sheet.heading("To buy")
        shown = mix.nodes if wide else mix.nodes[:_SHOWN]
        sheet.table(_NODES, [_row(nodes) for nodes in shown], indent=2)
        sheet.more(len(mix.nodes) - len(shown), indent=2)
    if wide:
        _write_placements(sheet, mix)
    if mix.unheld:
        sheet.heading(f"Held by no node: {count(sum(len(one.pods) for one in mix.unheld), 'pod')}")
        rows = [(f"{len(one.pods):,}", min(one.pods), one.reason) for one in mix.unheld]
        sheet.table(_UNHELD, rows, indent=2)
    sheet.warnings(mix.warnings)


def _write_bound(sheet: Sheet, mix: NodeMix) -> None:
    looked = f"{count(mix.patterns, 'pattern')} of {count(mix.offers, 'offer')}, in {seconds_text(mix.seconds)}"
    if mix.gap <= 0:
        sheet.line(f"No mix of these machines costs less ({looked}).")
        return
    gap = "less than 0.01%" if mix.gap < 1e-4 else f"at most {mix.gap * 100:.2f}%"
    sheet.line(f"No mix costs less than ${mix.bound:,.2f} an hour: this one is {gap} above it ({looked}).")


def _write_baseline(sheet: Sheet, mix: NodeMix, baseline: BaselineMix) -> None:
    saving = mix.saving(baseline)
    told = "the same" if abs(saving) < SAME else f"{percent(abs(saving))} {'less' if saving > 0 else 'more'} than that"
    types = list(baseline.types.items())
    bought = ", ".join(f"{number} {name}" for name, number in types[:3])
    rest = f" and {len(types) - 3} more types" if len(types) > 3 else ""
    sheet.line(
        f"{baseline.rule} would pay ${baseline.per_hour:,.2f} an hour for {count(baseline.nodes, 'node')} "
        f"({bought}{rest}): this is {told}."
    )


def _write_scheduler(sheet: Sheet, mix: NodeMix) -> None:
    if mix.scheduler is None:
        return
    placed, policy = mix.scheduler
    if placed == mix.pods:
        sheet.line(f"A scheduler with policy {policy}, free to choose, finds a place for all of them.")
        return
    sheet.line(
        f"Every pod has a place (-o wide). A scheduler with policy {policy}, free to choose, would leave "
        f"{count(mix.pods - placed, 'pod')} pending on so few nodes."
    )


def _shares(allocation: Mapping[str, float]) -> str:
    ordered = sorted(allocation.items(), key=lambda item: by_importance(item[0]))
    return ", ".join(f"{percent(share)} of {name}" for name, share in ordered)


def _row(nodes: BoughtNodes) -> tuple[str, ...]:
    per_hour = nodes.each * nodes.count
    return (
        f"{nodes.count:,}",
        nodes.instance_type,
        nodes.market,
        nodes.zone or nodes.region or "-",
        f"{nodes.each:,.4f}",
        f"{per_hour:,.2f}",
        month_text(per_hour),
        f"{nodes.pods:,}",
        *(percent(nodes.allocation[name]) if name in nodes.allocation else "-" for name in ("cpu", "memory", "gpu")),
    )


def _write_placements(sheet: Sheet, mix: NodeMix) -> None:
    if not mix.placements:
        return
    names: dict[str, list[str]] = {}
    for one in mix.placements:
        names.setdefault(one.node, []).append(one.pod)
    sheet.heading("Which pods are meant for which node")
    rows = [(node, f"{len(pods):,}", ", ".join(pods)) for node, pods in sorted(names.items())]
    sheet.table(_PLACEMENTS, rows, indent=2)
