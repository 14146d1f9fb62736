"""``consolidate``: which nodes can go, in order, with every eviction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import ConfigFile, Inputs, Now, OutFile, PageFormat, PolicyName, Seed
from yuheng.cli.prices import PriceFiles
from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.finops.consolidation import Terms
    from yuheng.model.consolidation import Consolidation

__all__ = ["consolidate", "consolidation_text"]


def consolidate(  # noqa: PLR0913 -- a parameter is an option
    inputs: Inputs,
    *,
    price_files: PriceFiles = None,
    k: Annotated[
        str,
        typer.Option(
            "--k",
            metavar="NUMBER",
            help="A node goes when its share of the cost is at least 1/k of the share of the cluster that it "
            "disrupts; inf for whatever saves anything.",
        ),
    ] = "2",
    most: Annotated[
        int | None,
        typer.Option("--max-nodes", metavar="NUMBER", min=0, help="At most so many.", show_default="all that can"),
    ] = None,
    bare: Annotated[
        bool,
        typer.Option("--bare-pods", help="Evict pods without a controller, too: somebody starts them again."),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace nodes by cheaper ones of their family, too, from the price book."),
    ] = False,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[PageFormat, typer.Option("-o", "--output", help="What to print.")] = PageFormat.table,
    out: OutFile = None,
) -> None:
    """Read, look for nodes that can go, print."""
    from yuheng.cli.output import check_place, deliver
    from yuheng.cli.work import chosen_policy, chosen_time
    from yuheng.finops.consolidation import Terms

    chosen, time = chosen_policy(policy, config), chosen_time(now)
    terms = Terms(k=_share(k), most=most, bare=bare, policy=chosen, seed=seed, now=time)
    if replace and not price_files:
        raise ConfigError("--replace: found no --prices, expected a price book with what machines cost")
    if out is not None:
        check_place(out)
    result = _consolidated(inputs, price_files or (), terms, replace=replace)
    deliver(lambda console: consolidation_text(result, output.value, console), out, output.value)


def _share(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not found > 0:
        raise ConfigError(f"--k: found {text!r}, expected a number above 0, or inf")
    return found


def _consolidated(inputs: Sequence[str], files: Sequence[Path], terms: Terms, *, replace: bool) -> Consolidation:
    import msgspec

    from yuheng.cli.meter import Meter
    from yuheng.cli.work import engine
    from yuheng.finops.pricing import price_nodes
    from yuheng.readers.estate import read_estate
    from yuheng.readers.prices import read_written_prices

    written = read_written_prices(files)
    with Meter("reading"):
        estate = read_estate(*inputs)
    at = next((time for time in (terms.now, estate.time) if time is not None), float("inf"))
    prices = price_nodes(estate.snapshot.nodes, written.book, time=at, rates=written.rates, cluster=estate.cluster)
    terms = terms._replace(book=written.book if replace else None, prices_at=at)
    annotations = {key: pod.annotations for key, pod in estate.pods.items() if pod.annotations}
    with engine("looking for nodes that can go") as meter:
        from yuheng.finops.consolidation import consolidate as consolidated

        found = consolidated(estate.snapshot, prices, terms, annotations, meter.report)
    warnings = dict.fromkeys((*estate.warnings, *written.warnings, *found.warnings))
    return msgspec.structs.replace(found, warnings=tuple(warnings))


def consolidation_text(result: Consolidation, form: str, console: Console | None) -> str:
    """A consolidation as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.consolidation_page import consolidation_page

        return consolidation_page(result)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(result) if form == "json" else yaml_text(result)
    from yuheng.reporting.tables.consolidation import write_consolidation

    write_consolidation(result, console, wide=form == "wide")
    return ""
