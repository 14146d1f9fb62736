"""`yuheng dispatch`: carry the plan of a fleet out, once or for ever; or decide for Karmada, which carries it out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import ConfigFile, Format, ObjectiveText, OutFile, PolicyName, Seed, Without
from yuheng.cli.run import ContextName, Kubeconfig
from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.kubernetes.dispatching.process import Options
    from yuheng.model.dispatch import DispatchReport

__all__ = ["dispatch"]

NOT_DONE = 1
NO_PLACE = 3
Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FLEET",
        help="The fleet: files and folders with its Clusters, which name contexts of a kubeconfig, and its manifests.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write nothing: say what each cluster would make of it.")]
Watch = Annotated[bool, typer.Option("--watch", help="Stay, and keep it so: failover, drift, changes of the files.")]
FleetName = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Of the fleet.", show_default="that of its Fleet")
]
Prune = Annotated[
    bool, typer.Option("--prune/--no-prune", help="Delete what this fleet applied and does not want any more.")
]
Force = Annotated[
    bool,
    typer.Option("--force-conflicts", help="Take over fields of other managers, and objects of other fleets."),
]
FailoverAfter = Annotated[
    str,
    typer.Option(
        "--failover-after", metavar="TIME", help="With --watch: when a cluster that is not ready is given up."
    ),
]
Grace = Annotated[
    str,
    typer.Option(
        "--grace",
        metavar="TIME",
        help="When replicas leave a cluster that was given up for others that are not ready; 0: do not wait.",
    ),
]
Failback = Annotated[
    bool, typer.Option("--failback", help="Give clusters back what they had before they were given up.")
]
Rebalance = Annotated[bool, typer.Option("--rebalance", help="Decide anew on what runs already: it may move.")]
ForKarmada = Annotated[
    bool,
    typer.Option(
        "--karmada", help="Decide for a Karmada control plane: on bindings whose spec.schedulerName is yuheng."
    ),
]
SchedulerName = Annotated[
    str, typer.Option("--scheduler-name", metavar="NAME", help="With --karmada: whose bindings are decided on.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with code 3 when a workload has no place.")]
Output = Annotated[Format, typer.Option("-o", "--output", help="What to print.")]


def dispatch(  # noqa: PLR0913 -- a parameter is an option
    inputs: Files = None,
    *,
    dry_run: DryRun = False,
    watch: Watch = False,
    name: FleetName = None,
    prune: Prune = True,
    force_conflicts: Force = False,
    failover_after: FailoverAfter = "5m",
    grace: Grace = "10m",
    failback: Failback = False,
    objective: ObjectiveText = None,
    without: Without = None,
    rebalance: Rebalance = False,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    kubeconfig: Kubeconfig = None,
    karmada: ForKarmada = False,
    context: ContextName = None,
    scheduler: SchedulerName = "yuheng",
    output: Output = Format.table,
    out: OutFile = None,
    strict: Strict = False,
) -> None:
    """Read, plan, apply, prune, print."""
    from yuheng.cli.question import FleetOptions
    from yuheng.cli.work import chosen_policy
    from yuheng.kubernetes.dispatching.process import Options
    from yuheng.kubernetes.logs import start_logs

    asked = FleetOptions.of(objective=objective, without=without or (), rebalance=rebalance)
    periods = _seconds("--failover-after", failover_after), _seconds("--grace", grace)
    start_logs("warning")
    if karmada:
        _check_karmada(inputs, watch=watch)
        _decide_for_karmada(kubeconfig, context, scheduler, dry_run=dry_run)
        return
    _check(inputs, context, watch=watch, dry_run=dry_run)
    options: Options = Options(
        sources=tuple(inputs or ()),
        name=name,
        kubeconfig=kubeconfig,
        objective=asked.objective,
        without=asked.without,
        rebalance=rebalance,
        policy=chosen_policy(policy, config),
        seed=seed,
        dry_run=dry_run,
        force_conflicts=force_conflicts,
        prune=prune,
        failback=failback,
        failover_after=periods[0],
        grace=periods[1],
    )
    if watch:
        from yuheng.kubernetes.dispatching.process import keep

        keep(options, typer.echo)
        return
    _once(options, output.value, out, strict=strict)


def _once(options: Options, form: str, out: Path | None, *, strict: bool) -> None:
    """Carry it out, print, and say by the exit code how it went."""
    from yuheng.cli.output import deliver
    from yuheng.cli.work import engine
    from yuheng.kubernetes.dispatching.process import dispatch as carry_out
    from yuheng.model.words import count

    with engine("dispatching"):
        report = carry_out(options)
    deliver(lambda console: _text(report, form, console), out, form)
    # What went wrong first: the rest may follow from it.
    for cluster, reason in report.failures.items():
        told = _failed_objects(report, cluster, reason) if form in ("table", "wide") else 0
        said = f"{count(told, 'object')} failed: the table says why" if told else reason
        typer.echo(f"yuheng: cluster {cluster}: {said}", err=True)
    for one in report.unplaced:
        typer.echo(f"yuheng: {one.kind} {one.workload} has no place: {one.reason}", err=True)
    for note in report.notes:
        typer.echo(f"yuheng: {note}", err=True)
    if report.failures:
        raise typer.Exit(NOT_DONE)
    if strict and report.unplaced:
        raise typer.Exit(NO_PLACE)


def _failed_objects(report: DispatchReport, cluster: str, reason: str) -> int:
    """How many objects of a cluster failed, where that is what kept it from being done."""
    failed = [one for one in report.objects if one.cluster == cluster and one.action == "failed"]
    return len(failed) if any(reason == f"{one.kind} {one.key}: {one.reason}" for one in failed) else 0


def _text(report: DispatchReport, form: str, console: Console | None) -> str:
    """The report as a document; a table goes to the console."""
    if console is None:
        from yuheng.reporting.documents import json_text, yaml_text

        return json_text(report) if form == "json" else yaml_text(report)
    from yuheng.reporting.tables.dispatch import write_dispatch

    write_dispatch(report, console, wide=form == "wide")
    return ""


def _decide_for_karmada(kubeconfig: Path | None, context: str | None, scheduler: str, *, dry_run: bool) -> None:
    from yuheng.kubernetes.dispatching.karmada.process import schedule

    schedule(kubeconfig, context, scheduler, typer.echo, dry_run=dry_run)


def _check(inputs: list[str] | None, context: str | None, *, watch: bool, dry_run: bool) -> None:
    if not inputs:
        raise ConfigError("FLEET: found nothing, expected the files of a fleet, or --karmada")
    if context is not None:
        raise ConfigError(f"--context {context}: found no --karmada; the Clusters of a fleet name their contexts")
    if watch and dry_run:
        raise ConfigError("--watch and --dry-run: found both, expected one of them")


def _check_karmada(inputs: list[str] | None, *, watch: bool) -> None:
    if inputs:
        raise ConfigError(f"{', '.join(inputs)}: found files beside --karmada, which takes its clusters from Karmada")
    if watch:
        raise ConfigError("--watch and --karmada: found both; a scheduler stays by itself")


def _seconds(option: str, text: str) -> float:
    from yuheng.errors import InputError
    from yuheng.model.duration import parse_period

    try:
        seconds = parse_period(text)
    except InputError:
        seconds = -1.0
    if seconds < 0:
        raise ConfigError(f"{option}: found {text!r}, expected a duration such as 5m")
    return seconds
