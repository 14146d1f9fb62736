"""Options that several commands take."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from yuheng.cli.money import dollars

__all__ = [
    "BalancerPrice",
    "ConfigFile",
    "Format",
    "Inputs",
    "InputsOrCluster",
    "Now",
    "ObjectiveText",
    "OutFile",
    "PageFormat",
    "PolicyName",
    "Seed",
    "StoragePrice",
    "Without",
    "presets",
]

DEFAULT_POLICY = "the input's configuration, else kubernetes"
DEFAULT_TIME = "the latest time in the input"


class PageFormat(StrEnum):
    """How a result is printed that has a page."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"
    html = "html"


class Format(StrEnum):
    """How an explanation or a headroom is printed."""

    table = "table"
    wide = "wide"
    json = "json"
    yaml = "yaml"


def presets() -> list[str]:
    """The names that ``--policy`` completes to."""
    from yuheng.scheduling.presets import PRESETS

    return list(PRESETS)


def objectives() -> list[str]:
    """The names that ``--objective`` completes to."""
    from yuheng.model.objective import PRESETS

    return list(PRESETS)


Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Files and folders (JSON, YAML, openb CSV; .gz too), or - for standard input.",
        show_default=False,
    ),
]
InputsOrCluster = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="INPUT",
        help="Files and folders (JSON, YAML, openb CSV; .gz too), or - for standard input; with --context, read after "
        "the live cluster.",
        show_default=False,
    ),
]
PolicyName = Annotated[
    str | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="NAME",
        help="A preset; see `yuheng policies`.",
        show_default=DEFAULT_POLICY,
        autocompletion=presets,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="A KubeSchedulerConfiguration or Volcano's scheduler configuration, instead of --policy.",
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, metavar="NUMBER", help="Of everything random: the same seed, the same answer.")
]
Now = Annotated[
    str | None,
    typer.Option(
        "--now",
        metavar="TIME",
        help="The time it is, such as 2026-01-31T09:00:00Z, or now for the clock.",
        show_default=DEFAULT_TIME,
    ),
]
ObjectiveText = Annotated[
    str | None,
    typer.Option(
        "--objective",
        metavar="OBJECTIVE",
        help="What a fleet's workloads are placed by: cost, time, carbon, balanced, or a sum such as "
        "0.6*cost+0.4*time.",
        show_default="cost, and Karmada's policies divide as Karmada does",
        autocompletion=objectives,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="LOSS",
        help="Take a part of a fleet away before: cluster=NAME, zone=NAME, region=NAME or provider=NAME; repeatable.",
    ),
]
OutFile = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of to the terminal.")]
StoragePrice = Annotated[
    list[str] | None,
    typer.Option(
        "--storage-price",
        metavar="[CLASS=]PRICE",
        help="US dollars per GiB and month of volumes, of a storage class or of all others; repeatable.",
        show_default="0.04",
    ),
]
BalancerPrice = Annotated[
    float,
    typer.Option(
        "--load-balancer-price",
        parser=dollars("--load-balancer-price", "per hour"),
        metavar="PRICE",
        help="US dollars per hour of one.",
    ),
]
