"""A bill against what nodes should have cost, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.bill import CAUSES, Cause
from yuheng.model.fleet_plan import told_instant
from yuheng.model.words import count
from yuheng.reporting.tables.sheet import Column, Sheet

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.bill import Reconciliation

__all__ = ["write_bill"]

_ROWS_SHOWN: Final = 10
_CENT: Final = 0.005
# What all causes up to one add up to.
_SUMS: Final[dict[Cause, str]] = {
    "otherUsage": "effective cost of these nodes",
    "prepaid": "billed cost of these nodes",
    "otherServices": "all that is billed",
}


def write_bill(found: Reconciliation, console: Console, *, wide: bool = False) -> None:
    """Write how costs agree with a bill, for people.

    Args:
        found: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every node, resource and service.
    """
    sheet = Sheet(console, wide=wide)
    bill = found.bill
    sheet.heading(f"Bill, {found.currency}")
    sheet.line(
        f"{count(len(bill.sources), 'file')}, {told_instant(bill.start)} to {told_instant(bill.end)}: "
        f"{count(sum(service.charges for service in bill.services), 'charge')}, billed {_money(found.total)}.",
        indent=2,
    )
    _write_steps(sheet, found)
    _write_nodes(sheet, found)
    _write_unmatched(sheet, found)
    _write_services(sheet, found)
    for note in bill.notes:
        sheet.line(note, label="- ", indent=2)


def _write_steps(sheet: Sheet, found: Reconciliation) -> None:
    """The way from prices to the bill; what is shown of each step is the difference of what is shown of the sums."""
    rows = [("nodes by the price book", _money(found.expected), f"{len(found.nodes):,}")]
    running = found.expected
    for step in found.steps:
        shown = round(running + step.amount, 2) - round(running, 2)
        running += step.amount
        if abs(shown) >= _CENT:
            rows.append((f"{'+' if shown > 0 else '-'} {CAUSES[step.cause]}", _signed(shown), f"{step.count:,}"))
        if step.cause in _SUMS:
            rows.append((f"= {_SUMS[step.cause]}", _money(running), ""))
    columns = (Column("FROM PRICES TO THE BILL"), Column("AMOUNT", number=True), Column("OF", number=True))
    sheet.line()
    sheet.table(columns, rows, indent=2)


def _write_nodes(sheet: Sheet, found: Reconciliation) -> None:
    if not found.nodes:
        return
    matched = sum(bool(node.by) for node in found.nodes)
    sheet.heading(f"Nodes: {matched:,} of {len(found.nodes):,} are on the bill")
    shown = found.nodes if sheet.wide else found.nodes[:_ROWS_SHOWN]
    is_fleet = any(node.cluster for node in found.nodes)
    columns = [
        *([Column("CLUSTER")] if is_fleet else []),
        Column("NODE"),
        Column("FOUND BY"),
        *(Column(title, number=True) for title in ("EXPECTED", "LIST", "EFFECTIVE", "BILLED", "DIFFERENCE")),
    ]
    rows = [
        (
            *([node.cluster] if is_fleet else []),
            node.node,
            node.by or "-",
            *map(_money, (node.expected, node.listed, node.effective, node.billed)),
            _signed(node.effective - node.expected),
        )
        for node in shown
    ]
    sheet.table(columns, rows, indent=2)
    sheet.more(len(found.nodes) - len(shown), indent=2)


def _write_unmatched(sheet: Sheet, found: Reconciliation) -> None:
    if not found.unmatched:
        return
    sheet.heading("Compute on the bill that is none of these nodes")
    shown = found.unmatched if sheet.wide else found.unmatched[:_ROWS_SHOWN]
    columns = (
        Column("PROVIDER"), Column("SERVICE"), Column("RESOURCE"),
        Column("EFFECTIVE", number=True), Column("BILLED", number=True),
    )  # fmt: skip
    rows = [
        (one.provider, one.service, one.resource or one.name, _money(one.effective), _money(one.billed))
        for one in shown
    ]
    sheet.table(columns, rows, indent=2)
    sheet.more(len(found.unmatched) - len(shown), indent=2)


def _write_services(sheet: Sheet, found: Reconciliation) -> None:
    services = found.bill.services
    sheet.heading("All services")
    shown = services if sheet.wide else services[:_ROWS_SHOWN]
    amounts = ("LIST", "EFFECTIVE", "BILLED")
    columns = (
        Column("PROVIDER"), Column("CATEGORY"), Column("SERVICE"), Column("CHARGES", number=True),
        *(Column(title, number=True) for title in amounts),
    )  # fmt: skip
    rows = [
        (
            one.provider,
            one.category or "-",
            one.service,
            f"{one.charges:,}",
            *map(_money, (one.listed, one.effective, one.billed)),
        )
        for one in shown
    ]
    sheet.table(columns, rows, indent=2)
    sheet.more(len(services) - len(shown), indent=2)


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if abs(amount) >= _CENT else "0.00"


def _signed(amount: float) -> str:
    return f"{amount:+,.2f}" if abs(amount) >= _CENT else "0.00"
