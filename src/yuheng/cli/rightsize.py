"""``rightsize``: what every container should request, what that saves, and what it risks."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import Inputs, Now, OutFile
from yuheng.cli.prices import PriceFiles
from yuheng.cli.usage_options import CacheFolder, Match, PrometheusUrl, Step, UsageFiles, UsageOptions
from yuheng.errors import ConfigError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.finops.rightsizing import Rule
    from yuheng.model.estate import Estate
    from yuheng.model.node_price import NodePrice
    from yuheng.model.rightsizing import Rightsizing
    from yuheng.model.usage_matrices import UsageMatrices

__all__ = ["rightsize"]


class RightsizeFormat(StrEnum):
    """How advice is printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"
    hours = "hours"
    html = "html"
    patch = "patch"


class StrategyName(StrEnum):
    """Whose rule sizes requests."""

    seasonal = "seasonal"
    vpa = "vpa"
    krr = "krr"


class LimitName(StrEnum):
    """What becomes of memory limits."""

    ratio = "ratio"
    request = "request"


def rightsize(  # noqa: PLR0913 -- a parameter is an option
    inputs: Inputs,
    *,
    usage: UsageFiles = None,
    prometheus: PrometheusUrl = None,
    step: Step = "5m",
    cache: CacheFolder = None,
    match: Match = None,
    history: Annotated[
        str, typer.Option("--history", metavar="DURATION", help="How far back from its end usage counts.")
    ] = "14d",
    price_files: PriceFiles = None,
    strategy: Annotated[
        StrategyName, typer.Option("--strategy", "-s", help="Whose rule: ours, VPA's, or KRR's `simple`.")
    ] = StrategyName.seasonal,
    price: Annotated[
        float | None,
        typer.Option(
            "--price",
            metavar="NUMBER",
            help="Of seasonal: how many minutes of its peak a minute above request is worth.",
            show_default="3, or more where VPA would have had fewer minutes",
        ),
    ] = None,
    risk: Annotated[
        str | None,
        typer.Option(
            "--risk",
            metavar="SHARE",
            help="Of seasonal: the largest share of minutes above request of a container, such as 1%.",
            show_default="as much as the price allows",
        ),
    ] = None,
    limits: Annotated[
        LimitName,
        typer.Option("--limits", help="Memory limits: in the same ratio to the request, or equal to it."),
    ] = LimitName.ratio,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="NAME", help="Whose hours, such as Europe/Berlin.")
    ] = "UTC",
    now: Now = None,
    output: Annotated[
        RightsizeFormat,
        typer.Option("-o", "--output", help="What to print; hours are requests by the hour as CSV."),
    ] = RightsizeFormat.table,
    out: OutFile = None,
) -> None:
    """Read, size, print."""
    from yuheng.cli.output import check_place, deliver
    from yuheng.cli.work import chosen_time

    asked = UsageOptions(usage or (), prometheus, step, cache, match or ())
    if not asked.is_given:
        raise ConfigError("yuheng rightsize: found neither --usage nor --prometheus, expected one of them")
    asked.check()
    if strategy is not StrategyName.seasonal:
        _refuse(strategy, {"--price": price, "--risk": risk})
    back = _history(history)
    time = chosen_time(now)
    if out is not None:
        check_place(out)
    estate = _estate(inputs)
    matrices, notes = _matrices(asked, back)
    rule = _rule(strategy, price, risk, limits, time_zone, matrices)
    prices, warned = _prices(estate, price_files or (), time)
    result = _sized(estate, matrices, prices, rule, (*estate.warnings, *notes, *warned))
    deliver(lambda console: rightsizing_text(result, output.value, console), out, output.value)


def _refuse(strategy: StrategyName, given: dict[str, object]) -> None:
    for option, value in given.items():
        if value is not None:
            raise ConfigError(f"{option}: found it with --strategy {strategy.value}, expected --strategy seasonal")


def _history(text: str) -> float:
    from yuheng.model.duration import parse_period

    try:
        found = parse_period(text)
    except InputError as error:
        raise error.at(field="--history") from error
    if found <= 0:
        raise ConfigError(f"--history: found {text!r}, expected more than no time at all")
    return found


def _rule(
    strategy: StrategyName,
    price: float | None,
    risk: str | None,
    limits: LimitName,
    time_zone: str,
    usage: UsageMatrices,
) -> Rule:
    from yuheng.finops.rightsizing import Rule

    if price is not None and not 0 < price < float("inf"):
        raise ConfigError(f"--price: found {price:g}, expected a number above 0")
    end = float(usage.times[-1]) if len(usage.times) else 0.0
    share = 1.0 if risk is None else _share(risk)
    return Rule(strategy.value, price, share, limits.value, _ahead(time_zone, end), time_zone)


def _share(text: str) -> float:
    """``1%`` or ``0.01``."""
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise ConfigError(f"--risk: found {text!r}, expected a share such as 1% or 0.01")
    return found


def _ahead(zone: str, time: float) -> float:
    """Seconds that a time zone is ahead of UTC at a time."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    try:
        offset = datetime.fromtimestamp(time, UTC).astimezone(ZoneInfo(zone)).utcoffset()
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"--time-zone: found {zone!r}, expected a name such as Europe/Berlin") from error
    return offset.total_seconds() if offset else 0.0


def _estate(inputs: list[str]) -> Estate:
    from yuheng.readers.estate import read_estate

    return read_estate(*inputs)


def _matrices(asked: UsageOptions, history: float) -> tuple[UsageMatrices, tuple[str, ...]]:
    from yuheng.cli.meter import Meter
    from yuheng.cli.usage_options import usage_paths
    from yuheng.readers.usage import open_usage
    from yuheng.readers.usage.matrices import read_matrices

    paths, notes = usage_paths(asked, history)
    with Meter("reading usage") as meter, open_usage(paths) as opened:
        found = read_matrices(opened, history, progress=meter.report)
        return found, (*notes, *opened.notes)


def _prices(
    estate: Estate, files: list[Path] | tuple[Path, ...], time: float | None
) -> tuple[tuple[NodePrice, ...], tuple[str, ...]]:
    from yuheng.finops.pricing import price_nodes
    from yuheng.readers.prices import read_written_prices

    written = read_written_prices(files)
    at = time if time is not None else estate.time if estate.time is not None else float("inf")
    found = price_nodes(estate.snapshot.nodes, written.book, time=at, rates=written.rates, cluster=estate.cluster)
    return found, written.warnings


def _sized(
    estate: Estate,
    usage: UsageMatrices,
    prices: tuple[NodePrice, ...],
    rule: Rule,
    warnings: tuple[str, ...],
) -> Rightsizing:
    from concurrent.futures import ThreadPoolExecutor

    import msgspec

    from yuheng.cli.meter import Meter
    from yuheng.finops.rightsizing import rightsize as size

    with Meter("sizing requests"), ThreadPoolExecutor(os.cpu_count()) as pool:
        found = size(estate, usage, prices, rule, pool.map)
    return msgspec.structs.replace(found, warnings=(*warnings, *found.warnings))


def rightsizing_text(result: Rightsizing, form: str, console: Console | None) -> str:
    """Advice as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.rightsizing_page import rightsizing_page

        return rightsizing_page(result)
    if form in ("csv", "hours"):
        from yuheng.reporting.rightsizing_csv import hours_csv, rightsizing_csv

        return rightsizing_csv(result) if form == "csv" else hours_csv(result)
    if form == "patch":
        from yuheng.reporting.rightsizing_patch import patches

        return patches(result)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(result) if form == "json" else yaml_text(result)
    from yuheng.reporting.tables.rightsizing import write_rightsizing

    write_rightsizing(result, console, wide=form == "wide")
    return ""
