"""``cost --bill``: costs, and how they agree with what is billed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from yuheng.cli.meter import Meter
from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.cli.costing import CostInputs
    from yuheng.finops.allocation import Question
    from yuheng.model.bill import Reconciliation
    from yuheng.model.cost import Costs

__all__ = ["BillFiles", "BilledCosts", "billed_costs", "billed_text", "check_form"]

DOLLARS = "USD"
# How a bill can be printed.
FORMS = ("table", "wide", "json", "yaml")

BillFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--bill",
        metavar="FILE",
        help="Compare the cost of nodes with a bill in FOCUS 1.0 to 1.3, CSV or Parquet; repeatable, together they are "
        "one bill.",
    ),
]


class BilledCosts(NamedTuple):
    """Costs, and the bill."""

    costs: Costs
    bill: Reconciliation

    def to_dict(self) -> dict[str, Any]:
        """The costs in the public format, with the section ``bill``."""
        return {**self.costs.to_dict(), "bill": self.bill.to_dict()}


def check_form(form: str) -> None:
    """Refuse a format that has no place for a bill.

    Raises:
        ConfigError: it has none.
    """
    if form not in FORMS:
        raise ConfigError(f"--bill: found -o {form}, expected one of {', '.join(FORMS)}")


def billed_costs(
    asked: CostInputs, question: Question, bills: Sequence[Path], currency: str | None = None
) -> BilledCosts:
    """Read, divide the costs, and compare nodes with a bill over the same window.

    Without a window and without usage the window is the time of the bill.

    Args:
        asked: where costs are read from.
        question: groups, filters, what is shared.
        bills: files of a bill.
        currency: as for `yuheng.cli.costing.costed`; its rate is that of the bill, too.

    Raises:
        ConfigError: options contradict each other, or there is no rate.
        InputError: something that is read is not what it should be.
    """
    from yuheng.cli.costing import costs_of, currency_of, holdings_of
    from yuheng.cli.windows import WrittenWindow
    from yuheng.finops.reconcile import reconcile
    from yuheng.readers.focus import read_bill, read_identities, read_period

    if "-" in asked.inputs:
        raise ConfigError("--bill: found standard input as INPUT, expected a file: it is read twice")
    if asked.window is None and not asked.usage.is_given:
        asked = asked._replace(window=WrittenWindow(None, *read_period(bills)))
    spending = holdings_of(asked)
    costs = costs_of(spending, question, currency)
    name, units = currency_of(currency, spending.prices) if currency is not None else (DOLLARS, 1.0)

    def rate(other: str) -> float:
        return 1 / units if other == name else spending.prices.exchange.rate(other)

    window = spending.window
    with Meter("reading the bill"):
        bill = read_bill(bills, rate, (window.start, window.end))
        identities = read_identities(asked.inputs)
    prices = [price for holding in spending.holdings for price in holding.prices]
    return BilledCosts(costs, reconcile(prices, window.hours, identities, bill).within(name, units))


def billed_text(found: BilledCosts, form: str, console: Console | None) -> str:
    """Costs and the bill as a document; a table goes to the console."""
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(found) if form == "json" else yaml_text(found)
    from yuheng.cli.cost import cost_text
    from yuheng.reporting.tables.bill import write_bill

    cost_text(found.costs, form, console)
    write_bill(found.bill, console, wide=form == "wide")
    return ""
