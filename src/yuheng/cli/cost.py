"""``cost``: who caused what a cluster costs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.billing import BillFiles
from yuheng.cli.money import dollars
from yuheng.cli.options import BalancerPrice, Inputs, Now, OutFile, StoragePrice
from yuheng.cli.prices import PriceFiles
from yuheng.cli.usage_options import (
    DEFAULT_STEP,
    CacheFolder,
    ClustersUsageFiles,
    EgressShare,
    Match,
    PrometheusUrl,
    Step,
)
from yuheng.cli.windows import Every

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.cost import Costs

__all__ = ["cost", "cost_text"]


class CostFormat(StrEnum):
    """How costs are printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"
    focus = "focus"
    html = "html"


class Idle(StrEnum):
    """What becomes of what nobody requested or used."""

    show = "show"
    share = "share"
    hide = "hide"


ByKeys = Annotated[
    str,
    typer.Option(
        "--by",
        metavar="KEYS",
        help="Groups: cluster, node, namespace, controller, controllerKind, pod, container, queue, label:NAME, "
        "annotation:NAME; several separated by commas.",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        metavar="KEY=VALUE",
        help="Only these pods have rows of their own, everything else is one row: namespace=web,shop, "
        "label:team!=data, pod=web-*; repeatable, all have to fit.",
    ),
]
SharedCosts = Annotated[
    list[str] | None,
    typer.Option(
        "--shared",
        metavar="KEY=VALUE:HOW",
        help="Costs that all groups bear, even or weighted by their own: ns=kube-system:even; repeatable.",
    ),
]
WindowText = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="WINDOW",
        help="The time: 24h or 7d up to the end of what is known, or 2026-01-01,2026-02-01.",
        show_default="what usage covers; without usage, an hour",
    ),
]
CurrencyText = Annotated[
    str | None,
    typer.Option(
        "--currency",
        metavar="NAME=RATE",
        help="Tell amounts in another currency, at so much for a US dollar: EUR=0.92. Without a rate, that of a Fleet "
        "among the price books.",
        show_default="USD",
    ),
]


def cost(  # noqa: PLR0913 -- a parameter is an option
    inputs: Inputs,
    *,
    price_files: PriceFiles = None,
    usage: ClustersUsageFiles = None,
    prometheus: PrometheusUrl = None,
    step: Step = DEFAULT_STEP,
    cache: CacheFolder = None,
    match: Match = None,
    egress_share: EgressShare = 0.0,
    window: WindowText = None,
    every: Annotated[
        Every | None, typer.Option("--every", help="Rows for each hour, day or week (UTC) of the window.")
    ] = None,
    by: ByKeys = "namespace",
    filters: Filters = None,
    idle: Annotated[
        Idle, typer.Option("--idle", help="What nobody holds: a row of its own, shared among groups, or in no row.")
    ] = Idle.show,
    shared: SharedCosts = None,
    storage_price: StoragePrice = None,
    balancer_price: BalancerPrice = 0.025,
    egress_price: Annotated[
        float,
        typer.Option(
            "--egress-price",
            parser=dollars("--egress-price", "per GiB"),
            metavar="PRICE",
            help="US dollars per GiB that leaves for the internet.",
        ),
    ] = 0.12,
    currency: CurrencyText = None,
    bill: BillFiles = None,
    now: Now = None,
    output: Annotated[CostFormat, typer.Option("-o", "--output", help="What to print.")] = CostFormat.table,
    out: OutFile = None,
) -> None:
    """Read, divide, print."""
    from yuheng.cli.costing import CostInputs, costed, parse_storage
    from yuheng.cli.output import deliver
    from yuheng.cli.usage_options import UsageOptions
    from yuheng.cli.windows import parse_window
    from yuheng.cli.work import chosen_time
    from yuheng.finops.allocation import STORAGE_PRICE, Question, parse_filter, parse_keys, parse_shared

    question = Question(
        by=parse_keys(by),
        every="" if every is None else every.value,
        filters=tuple(map(parse_filter, filters or ())),
        idle=idle.value,
        shared=tuple(map(parse_shared, shared or ())),
        storage=parse_storage(storage_price or (), STORAGE_PRICE),
        balancer=balancer_price,
        egress=egress_price,
    )
    asked = CostInputs(
        inputs=inputs,
        prices=price_files or (),
        usage=UsageOptions(usage or (), prometheus, step, cache, match or (), egress_share),
        window=None if window is None else parse_window(window),
        every=every,
        now=chosen_time(now),
    )
    if bill:
        from yuheng.cli.billing import billed_costs, billed_text, check_form

        check_form(output.value)
        billed = billed_costs(asked, question, bill, currency)
        deliver(lambda console: billed_text(billed, output.value, console), out, output.value)
        return
    found = costed(asked, question, currency)
    deliver(lambda console: cost_text(found, output.value, console), out, output.value)


def cost_text(found: Costs, form: str, console: Console | None) -> str:
    """Costs as a document; a table goes to the console."""
    if form == "csv":
        from yuheng.reporting.cost_csv import cost_csv

        return cost_csv(found)
    if form == "focus":
        from yuheng.reporting.focus_csv import focus_csv

        return focus_csv(found)
    if form == "html":
        from yuheng.finops.cost_trend import cost_trend
        from yuheng.reporting.cost_page import cost_page

        return cost_page(found, cost_trend(found))
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(found) if form == "json" else yaml_text(found)
    from yuheng.reporting.tables.cost import write_costs

    write_costs(found, console, wide=form == "wide")
    return ""
