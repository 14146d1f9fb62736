"""The commands around simulations: ``simulate``, and ``fit``, which makes a scenario's workload from a trace."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from yuheng.cli.options import OutFile, presets

__all__ = ["fit", "simulate"]


class SimulationFormat(StrEnum):
    """How a simulation is printed."""

    table = "table"
    wide = "wide"
    json = "json"
    csv = "csv"
    html = "html"


class EngineName(StrEnum):
    """What runs are spread over."""

    processes = "processes"
    ray = "ray"


ScenarioFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="SCENARIO", help="A scenario file (YAML or JSON); without it --nodes and --pods.", show_default=False
    ),
]
NodeFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--nodes", metavar="FILE", help="The cluster: files and folders, as `yuheng plan` reads them; repeatable."
    ),
]
PodFiles = Annotated[
    list[str] | None,
    typer.Option("--pods", metavar="FILE", help="The workload: a table of pods of the openb trace."),
]
Inflate = Annotated[
    float | None,
    typer.Option(
        "--inflate",
        metavar="FACTOR",
        help="Draw pods of the trace, without its times, until they ask for this multiple of the cluster.",
        show_default="the trace's own times",
    ),
]
PolicyNames = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="NAME",
        help="A policy to compare; repeatable. The others are compared with the first.",
        show_default="those of the scenario, else kubernetes",
        autocompletion=presets,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        "--seeds",
        metavar="SEEDS",
        help="One run of each policy for each, such as 42-51 or 1,5,7-9.",
        show_default="those of the scenario, else 42",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="NUMBER",
        help="How many runs are made at a time.",
        show_default="one for each cpu, or what Ray has room for",
    ),
]
RunsFolder = Annotated[
    Path | None,
    typer.Option(
        "--runs",
        metavar="FOLDER",
        help="Keep finished runs there for good, and make only those that are not there.",
        show_default="the cache, until the results are printed",
    ),
]


def simulate(  # noqa: PLR0913 -- a parameter is an option
    scenario: ScenarioFile = None,
    *,
    nodes: NodeFiles = None,
    pods: PodFiles = None,
    inflate: Inflate = None,
    policy: PolicyNames = None,
    seeds: Seeds = None,
    output: Annotated[SimulationFormat, typer.Option("-o", "--output", help="What to print.")] = SimulationFormat.table,
    out: OutFile = None,
    workers: Workers = None,
    engine: Annotated[
        EngineName, typer.Option("--engine", help="Processes of this machine, or a Ray cluster.")
    ] = EngineName.processes,
    runs: RunsFolder = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make all runs anew, whatever was kept.")] = False,
) -> None:
    """Read, simulate, print."""
    from yuheng.cli.output import check_apart, check_place, deliver, simulation_text, write_whole
    from yuheng.cli.sweep import Sweep, made_here, scenario_of
    from yuheng.model.scenario import Scenario

    asked = scenario_of(scenario, nodes or (), pods or (), policy or (), seeds, inflate)
    files = [(item.format, Path(item.path)) for item in asked.outputs]
    places = [("outputs:", path) for _, path in files] + ([("--out", out)] if out else [])
    for option, path in places:
        check_place(path, option)
    check_apart(places, [scenario] if scenario else [Path(name) for name in (*(nodes or ()), *(pods or ()))])
    sweep = None
    if not isinstance(asked, Scenario):
        spread = {
            "--workers": workers is not None,
            "--engine": engine is EngineName.ray,
            "--runs": runs,
            "--fresh": fresh,
        }
        result = made_here(asked, [option for option, given in spread.items() if given])
    else:
        sweep = Sweep(asked, runs, fresh=fresh)
        result = sweep.run(workers, engine.value)
    for form, path in files:
        write_whole(path, simulation_text(result, form, None), "outputs:")
    deliver(lambda console: simulation_text(result, output.value, console), out, output.value)
    if sweep:
        sweep.delivered()


def fit(
    trace: Annotated[
        Path,
        typer.Argument(metavar="TRACE", show_default=False, help="openb's table of pods, or any CSV or Parquet file."),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(
            "--columns",
            metavar="KEY=COLUMN",
            help="What a column means, as in a scenario's workload.columns; repeatable. In place of a column "
            "'{column: mem, unit: GiB}' or '{value: 1}'.",
        ),
    ] = None,
    queue_by: Annotated[
        str | None, typer.Option("--queue-by", metavar="COLUMN", help="The column whose value names the queue.")
    ] = None,
    out: OutFile = None,
) -> None:
    """Read, fit, print."""
    from yuheng.cli.output import deliver
    from yuheng.cli.sweep import fitted_text

    text = fitted_text(trace, columns or (), queue_by)
    deliver(lambda _: text, out, "yaml")
