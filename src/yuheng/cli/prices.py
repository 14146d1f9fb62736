"""``prices``: which node costs what, by which row of the price book, and which has none."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import Inputs, Now, OutFile

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.price_list import PriceList

__all__ = ["PriceFiles", "prices"]


class PriceFormat(StrEnum):
    """How a price list is printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"


PriceFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help="A price book: a table in CSV, or YAML with a Fleet that names tables and exchange rates; repeatable. "
        "What it does not price has the price of INPUT, where that is a fleet.",
    ),
]


def prices(
    inputs: Inputs,
    *,
    price_files: PriceFiles = None,
    provider: Annotated[
        str, typer.Option("--provider", metavar="NAME", help="Of nodes whose labels do not tell theirs, such as aws.")
    ] = "",
    region: Annotated[
        str, typer.Option("--region", metavar="NAME", help="Of nodes without a label of their region.")
    ] = "",
    now: Now = None,
    output: Annotated[PriceFormat, typer.Option("-o", "--output", help="What to print.")] = PriceFormat.table,
    out: OutFile = None,
) -> None:
    """Read, look prices up, print."""
    from yuheng.cli.output import deliver
    from yuheng.cli.work import chosen_time, state_of
    from yuheng.finops.price_list import price_list
    from yuheng.readers.prices import read_written_prices

    time = chosen_time(now)
    written = read_written_prices(price_files or ())
    state = state_of(inputs)
    found = price_list(
        state, written.book, time=time, rates=written.rates, provider=provider, region=region, warnings=written.warnings
    )
    deliver(lambda console: price_list_text(found, output.value, console), out, output.value)


def price_list_text(found: PriceList, form: str, console: Console | None) -> str:
    """A price list as a document; a table goes to the console."""
    if form == "csv":
        from yuheng.reporting.price_list_csv import price_list_csv

        return price_list_csv(found)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(found) if form == "json" else yaml_text(found)
    from yuheng.reporting.tables.price_list import write_price_list

    write_price_list(found, console, wide=form == "wide")
    return ""
