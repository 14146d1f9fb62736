"""The commands. Everything heavy is imported inside them, so that help and completion answer at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from yuheng.cli.options import OutFile, presets
from yuheng.cli.simulate import fit, simulate

__all__ = ["app"]

PENDING_REMAINS = 3
DEFAULT_POLICY = "the input's configuration, else kubernetes"
DEFAULT_TIME = "the latest time in the input"

app = typer.Typer(
    name="yuheng",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Where every pod of a Kubernetes cluster runs, and why: plan, explain, share out, measure headroom, simulate.",
)


class PageFormat(StrEnum):
    """How a plan or a tree of queues is printed."""

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


Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Files and folders (JSON, YAML, openb CSV; .gz too), or - for standard input.",
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


@app.command(
    epilog="Example: kubectl get nodes,pods -A -o json | yuheng plan -",
    help="Place every pending pod of a cluster, and say why not where one cannot be placed.",
)
def plan(
    inputs: Inputs,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[PageFormat, typer.Option("-o", "--output", help="What to print.")] = PageFormat.table,
    out: OutFile = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 3 when a pod stays pending.")] = False,
) -> None:
    """Read, plan, print."""
    from yuheng.cli.output import deliver, plan_text
    from yuheng.cli.work import chosen_policy, chosen_time, planned, snapshot_of

    chosen, time = chosen_policy(policy, config), chosen_time(now)
    result = planned(snapshot_of(inputs), chosen, seed, time)
    deliver(lambda console: plan_text(result, output.value, console), out, output.value)
    if strict and result.unschedulable:
        raise typer.Exit(PENDING_REMAINS)


@app.command(
    epilog="Example: yuheng explain default/web-0 cluster.json",
    help="Why a pod or a job is pending, or why it is placed where it is: reasons, closest nodes, scores by plugin.",
)
def explain(
    pod: Annotated[
        str,
        typer.Argument(
            metavar="NAMESPACE/NAME", show_default=False, help="The pod's name, or a job's that no pod has."
        ),
    ],
    inputs: Inputs,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[Format, typer.Option("-o", "--output", help="What to print.")] = Format.table,
    out: OutFile = None,
) -> None:
    """Read, explain, print."""
    from yuheng.cli.output import deliver, explanation_text
    from yuheng.cli.work import chosen_policy, chosen_time, explained, snapshot_of

    chosen, time = chosen_policy(policy, config), chosen_time(now)
    result = explained(snapshot_of(inputs), pod, chosen, seed, time)
    deliver(lambda console: explanation_text(result, output.value, console), out, output.value)


@app.command(
    epilog="Example: kubectl get nodes,pods,queues,podgroups -A -o json | yuheng queues -",
    help="What each queue deserves, holds, asks for and borrows, and how many of its jobs run and wait.",
)
def queues(
    inputs: Inputs,
    policy: PolicyName = None,
    config: ConfigFile = None,
    now: Now = None,
    output: Annotated[PageFormat, typer.Option("-o", "--output", help="What to print.")] = PageFormat.table,
    out: OutFile = None,
) -> None:
    """Read, share out, print."""
    from yuheng.cli.output import deliver, queues_text
    from yuheng.cli.work import chosen_policy, chosen_time, shared, snapshot_of

    chosen, time = chosen_policy(policy, config), chosen_time(now)
    result = shared(snapshot_of(inputs), chosen, time)
    deliver(lambda console: queues_text(result, output.value, console), out, output.value)


@app.command(
    epilog="Example: yuheng capacity --pod pod.yaml cluster.json",
    help="How many more of a pod fit, on which nodes, and what runs out first. Pending pods are not counted.",
)
def capacity(
    inputs: Inputs,
    pod: Annotated[
        str,
        typer.Option("--pod", metavar="FILE", help="The pod: a Pod manifest, or a workload with a template."),
    ],
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    output: Annotated[Format, typer.Option("-o", "--output", help="What to print.")] = Format.table,
    out: OutFile = None,
) -> None:
    """Read, fill up, print."""
    from yuheng.cli.output import deliver, headroom_text
    from yuheng.cli.work import chosen_policy, measured, snapshot_of

    chosen = chosen_policy(policy, config)
    result = measured(snapshot_of(inputs), pod, chosen, seed)
    deliver(lambda console: headroom_text(result, output.value, console), out, output.value)


app.command(
    epilog="Example: yuheng simulate scenario.yaml -o html --out report.html",
    help="Simulate a cluster over time under one or several policies, and compare them.",
)(simulate)
app.command(
    epilog="Example: yuheng fit trace.csv --columns submit=submitted --columns duration=seconds --columns cpu=cores",
    help="Print the `generate:` section of a scenario whose workload looks like a trace.",
)(fit)


@app.command(
    epilog="Example: yuheng demo --save cluster.json",
    help="Plan a built-in example: 30 nodes with GPUs, 200 running and 40 pending pods.",
)
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where the HTML report goes.")] = Path(
        "yuheng-report.html"
    ),
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Save the example as Kubernetes JSON, too.")
    ] = None,
) -> None:
    """Plan the example, explain one refusal, write the report."""
    from yuheng.cli.demo import show

    show(out, save)


@app.command(
    epilog="Example: yuheng policies",
    help="The policies that have a name, the filters and scores, and the actions and plugins of batch scheduling.",
)
def policies() -> None:
    """List the presets."""
    from yuheng.cli.output import write_policies

    write_policies()


@app.command(epilog="Example: yuheng version", help="The version.")
def version() -> None:
    """Print the version."""
    from yuheng import __version__

    typer.echo(f"yuheng {__version__}")
