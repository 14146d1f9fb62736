"""The commands. Everything heavy is imported inside them, so that help and completion answer at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from yuheng.cli.budget import budget
from yuheng.cli.buying import commit, nodes
from yuheng.cli.consolidate import consolidate
from yuheng.cli.cost import cost
from yuheng.cli.cost_diff import cost_diff
from yuheng.cli.dispatch import dispatch
from yuheng.cli.fleet import drill, fleet
from yuheng.cli.options import (
    ConfigFile,
    Format,
    Inputs,
    InputsOrCluster,
    Now,
    ObjectiveText,
    OutFile,
    PageFormat,
    PolicyName,
    Seed,
    Without,
)
from yuheng.cli.prices import prices
from yuheng.cli.replay import replay
from yuheng.cli.rightsize import rightsize
from yuheng.cli.run import run
from yuheng.cli.simulate import fit, simulate
from yuheng.cli.snapshot import LiveContext, LiveKubeconfig, snapshot
from yuheng.cli.what_if import PriceFiles, UsageFiles, WhatIfs

__all__ = ["app"]

PENDING_REMAINS = 3
# What pydantic puts before the words of a check.
CHECKED = "Value error, "
# What those are told who ask a question about one cluster of a fleet.
FLEET_EXPLAINED = "`yuheng plan -o wide` says of each workload of a fleet why it goes where it goes"
FLEET_MEASURED = "`yuheng fleet` shows what is free in each cluster of a fleet"
FLEET_SHARED = "queues are those of a cluster: give the manifests of one"


class Commands(TyperGroup):
    """The commands; what is wrong with an option is said without the words of the library that checks it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:  # noqa: ANN401 -- typer's
        """The command that was asked for: two words are one command where there is one of that name."""
        joined = " ".join(args[:2])
        if len(args) > 1 and joined in self.commands:
            args = [joined, *args[2:]]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- typer's own, and whatever a command returns
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix(CHECKED)
            raise


app = typer.Typer(
    cls=Commands,
    name="yuheng",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="Where every pod of a Kubernetes cluster or a fleet runs, and why: plan, explain, share out, drill, simulate.",
)


@app.command(
    epilog="Example: kubectl get nodes,pods -A -o json | yuheng plan -",
    help="Place every pending pod of a cluster, or every workload of a fleet, and say why not where one cannot be "
    "placed.",
)
def plan(  # noqa: PLR0913 -- a parameter is an option
    inputs: InputsOrCluster = None,
    *,
    kubeconfig: LiveKubeconfig = None,
    context: LiveContext = None,
    objective: ObjectiveText = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            "--deadline",
            metavar="TIME",
            help="When everything of a fleet that ends has to be finished: in 2h, or at 2026-01-31T09:00:00Z.",
        ),
    ] = None,
    without: Without = None,
    rebalance: Annotated[
        bool, typer.Option("--rebalance", help="Decide anew on what runs in a fleet already: it may move.")
    ] = False,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="Show a fleet's plan under each objective, side by side.")
    ] = False,
    what_if: WhatIfs = None,
    price_files: PriceFiles = None,
    usage: UsageFiles = None,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[PageFormat, typer.Option("-o", "--output", help="What to print.")] = PageFormat.table,
    out: OutFile = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with code 3 when a pod stays pending or a workload has no place.")
    ] = False,
) -> None:
    """Read, plan, print."""
    from yuheng.cli.output import deliver, plan_text
    from yuheng.cli.question import FleetOptions, lacks, planned_state
    from yuheng.cli.snapshot import captured_inputs
    from yuheng.cli.what_if import Chosen, WhatIfOptions, print_what_if
    from yuheng.cli.work import chosen_policy, chosen_time, state_of

    asked = FleetOptions.of(
        objective=objective, deadline=deadline, without=without or (), rebalance=rebalance, pareto=pareto
    )
    chosen, time = chosen_policy(policy, config), chosen_time(now)
    changes = WhatIfOptions(what_if or (), price_files or (), usage or ())
    is_what_if = changes.check([*asked.given(), *(["--strict"] if strict else [])])
    with captured_inputs(inputs, kubeconfig, context) as read:
        if is_what_if:
            print_what_if(read, changes, Chosen(chosen, seed, time), output.value, out)
            return
        state = state_of(read)
    result = planned_state(state, asked, chosen, seed, time)
    deliver(lambda console: plan_text(result, output.value, console), out, output.value)
    if strict and lacks(result):
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
    result = explained(snapshot_of(inputs, FLEET_EXPLAINED), pod, chosen, seed, time)
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
    result = shared(snapshot_of(inputs, FLEET_SHARED), chosen, time)
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
    result = measured(snapshot_of(inputs, FLEET_MEASURED), pod, chosen, seed)
    deliver(lambda console: headroom_text(result, output.value, console), out, output.value)


app.command(
    epilog="Example: yuheng fleet clusters/",
    help="Show a fleet as it stands: clusters by region, what is free on them, prices, carbon, and what is missing.",
)(fleet)
app.command(
    epilog="Example: yuheng drill clusters/",
    help="Lose each cluster, zone, region and provider of a fleet in turn: what moves, what finds no place, and what "
    "it costs.",
)(drill)
app.command(
    epilog="Example: yuheng prices cluster.json --prices aws.csv",
    help="Show what each node costs, by which row of the price book, and which has none.",
)(prices)
app.command(
    epilog="Example: yuheng budget --budgets budgets.yaml --costs costs.csv",
    help="Hold budgets against what was spent: forecast to the month's end, thresholds passed, spend that runs away.",
)(budget)
app.command(
    epilog="Example: yuheng run --context staging --dry-run",
    help="Schedule the pods of a live cluster whose spec.schedulerName is yuheng.",
)(run)
app.command(
    epilog="Example: yuheng dispatch fleet/ --dry-run",
    help="Carry the plan of a fleet out: apply workloads to its clusters, prune what it no longer wants, keep it so.",
)(dispatch)
app.command(
    epilog="Example: yuheng replay record/ --at 2026-01-31T09:00:00Z",
    help="Decide a record of `yuheng run --record` once more, bit for bit; look at one moment of it; or show what "
    "another policy would have decided.",
)(replay)
app.command(
    epilog="Example: yuheng snapshot --context staging -o cluster.json.gz",
    help="Read a live cluster once and write down what plans, explains and prices it: no secret, no environment, no "
    "command line.",
)(snapshot)
app.command(
    epilog="Example: yuheng rightsize cluster.json --usage usage.parquet --prices aws.csv",
    help="Show what each container should request instead, what that saves a month, and what it risks.",
)(rightsize)
app.command(
    epilog="Example: yuheng cost cluster.json --prices aws.csv --usage usage.parquet --by namespace,label:team",
    help="Who caused what a cluster costs: by namespace, label, queue, controller; what is idle, what is wasted.",
)(cost)
app.command(
    "cost diff",
    epilog="Example: yuheng cost diff base/ head/ --fleet cluster.json --prices aws.csv --budget 100 -o markdown",
    help="What a change of manifests costs a month, workload by workload, and whether it still fits: for a pull "
    "request.",
)(cost_diff)
app.command(
    epilog="Example: yuheng consolidate cluster.json --prices aws.csv",
    help="Show which nodes can go, in order, with every eviction and where the pod goes, and why the others stay.",
)(consolidate)
app.command(
    epilog="Example: yuheng nodes cluster.json --prices aws.csv --region us-east-1 --markets on-demand,spot",
    help="Show the cheapest mix of instance types and markets that holds a workload, and how far it is from the least "
    "that any could cost.",
)(nodes)
app.command(
    epilog="Example: yuheng commit --demand machines.csv --prices aws.csv --discount 1y=0.38,3y=0.6",
    help="Show how much capacity to reserve, by family and region: break-even, saving, coverage, and what is left "
    "of it when demand falls.",
)(commit)
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
