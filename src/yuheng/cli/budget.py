"""``budget``: what was spent of each budget, what will have been, and whether spend has run away."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.cost import Idle
from yuheng.cli.options import Now, OutFile, Seed
from yuheng.cli.prices import PriceFiles
from yuheng.cli.usage_options import (
    DEFAULT_STEP,
    CacheFolder,
    ClustersUsageFiles,
    Match,
    PrometheusUrl,
    Step,
    UsageOptions,
)
from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.budget import BudgetReport

__all__ = ["BUDGET_EXCEEDED", "budget"]

BUDGET_EXCEEDED = 4


class BudgetFormat(StrEnum):
    """How budgets are printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    csv = "csv"


class Stretch(StrEnum):
    """Stretches of time that costs are told for."""

    hour = "hour"
    day = "day"


class Strict(StrEnum):
    """What exit code 4 stands for; each also for those before it."""

    spent = "spent"
    forecast = "forecast"
    alarm = "alarm"


CostFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--costs",
        metavar="FILE",
        help="Costs over time instead of INPUT: CSV or Parquet with a time, a cost and a column for each key that "
        "budgets select by, a FOCUS bill, or what `yuheng cost --every day -o json` prints; repeatable.",
    ),
]


def budget(  # noqa: PLR0913 -- a parameter is an option
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Files and folders of a cluster or a fleet, whose costs are allocated; none with --costs.",
            show_default=False,
        ),
    ] = None,
    *,
    budget_files: Annotated[
        list[Path],
        typer.Option("--budgets", metavar="FILE", help="Budgets: YAML of kind Budget; repeatable."),
    ],
    cost_files: CostFiles = None,
    price_files: PriceFiles = None,
    usage: ClustersUsageFiles = None,
    prometheus: PrometheusUrl = None,
    step: Step = DEFAULT_STEP,
    cache: CacheFolder = None,
    match: Match = None,
    idle: Annotated[
        Idle,
        typer.Option(
            "--idle", help="Of INPUT: what nobody holds is a cost of nobody, shared among groups, or not counted."
        ),
    ] = Idle.show,
    every: Annotated[
        Stretch | None,
        typer.Option(
            "--every",
            help="Of INPUT: the stretches of time that costs are told for. Only by the hour it is seen within hours "
            "that spend runs away; that takes 0.6 KB of memory for each pod and hour.",
            show_default="hour with usage of a small cluster, else day",
        ),
    ] = None,
    strict: Annotated[
        Strict,
        typer.Option(
            "--strict",
            help="When to exit with code 4: a limit is exceeded by what was spent, or also by the forecast, or spend "
            "has also run away.",
        ),
    ] = Strict.spent,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[BudgetFormat, typer.Option("-o", "--output", help="What to print.")] = BudgetFormat.table,
    out: OutFile = None,
) -> None:
    """Read, forecast, print."""
    from yuheng.cli.costing import CostInputs
    from yuheng.cli.output import deliver
    from yuheng.cli.spending import keys_of_pods, spend_of_clusters, spend_of_files
    from yuheng.cli.work import chosen_time
    from yuheng.finops.budgets import budget_report
    from yuheng.readers.budgets import read_budgets

    time = chosen_time(now)
    budgets = read_budgets(budget_files)
    keys = sorted({key for one in budgets for key in one.selector})
    if inputs and cost_files:
        raise ConfigError(f"{inputs[0]} and --costs {cost_files[0]}: found both, expected one of them")
    options = UsageOptions(usage or (), prometheus, step, cache, match or ())
    if cost_files:
        spend = spend_of_files(cost_files, keys, price_files or (), options)
    elif inputs:
        asked = CostInputs(inputs, price_files or (), options, now=time)
        spend = spend_of_clusters(asked, keys_of_pods(budgets), idle.value, None if every is None else every.value)
    else:
        raise ConfigError("found neither INPUT nor --costs, expected one of them")
    report = budget_report(budgets, spend, time=time, seed=seed)
    deliver(lambda console: budgets_text(report, output.value, console), out, output.value)
    if is_exceeded(report, strict):
        raise typer.Exit(BUDGET_EXCEEDED)


def is_exceeded(report: BudgetReport, strict: Strict) -> bool:
    """Whether a budget stands as badly as it must not."""
    states = {"exceeded"} if strict is Strict.spent else {"exceeded", "forecast"}
    return any(one.state in states or (strict is Strict.alarm and one.alarm is not None) for one in report.budgets)


def budgets_text(report: BudgetReport, form: str, console: Console | None) -> str:
    """Budgets as a document; a table goes to the console."""
    if form == "csv":
        from yuheng.reporting.budgets_csv import budgets_csv

        return budgets_csv(report)
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(report) if form == "json" else yaml_text(report)
    from yuheng.reporting.tables.budgets import write_budgets

    write_budgets(report, console, wide=form == "wide")
    return ""
