"""`yuheng run`: schedule the pods of a live cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import ConfigFile, PolicyName, Seed

if TYPE_CHECKING:
    from yuheng.kubernetes.running.process import Options

__all__ = ["ContextName", "Kubeconfig", "run"]

Kubeconfig = Annotated[
    Path | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        help="Where the API server is and who asks it.",
        show_default="KUBECONFIG, else ~/.kube/config, else the pod's service account",
    ),
]
ContextName = Annotated[
    str | None,
    typer.Option("--context", metavar="NAME", help="Of the kubeconfig.", show_default="the current one"),
]

LeaseDuration = Annotated[
    float,
    typer.Option(
        "--lease-duration",
        min=1.0,
        max=3600.0,
        metavar="SECONDS",
        help="After which others take over from the dead.",
    ),
]


def run(  # noqa: PLR0913 -- a parameter is an option
    *,
    kubeconfig: Kubeconfig = None,
    context: ContextName = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Schedule the pods whose spec.schedulerName is this.")
    ] = "yuheng",
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing: say what would be done.")] = False,
    once: Annotated[
        bool,
        typer.Option("--once", help="End when every pod that waits has had its turn, and what was bound is bound."),
    ] = False,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics", metavar="[HOST]:PORT", help="Serve Prometheus metrics and health there, such as :9090."
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="DIR", help="Write what is told and decided there, for `yuheng replay`."),
    ] = None,
    record_size: Annotated[
        str, typer.Option("--record-size", metavar="BYTES", help="How large a file of the record gets, such as 64Mi.")
    ] = "64Mi",
    record_total: Annotated[
        str,
        typer.Option(
            "--record-total", metavar="BYTES", help="How large the record gets: its oldest files are deleted."
        ),
    ] = "1Gi",
    leader_elect: Annotated[
        bool, typer.Option("--leader-elect/--no-leader-elect", help="Schedule only while holding the Lease.")
    ] = True,
    lease: Annotated[
        str | None,
        typer.Option(
            "--lease",
            metavar="NAMESPACE/NAME",
            help="The Lease by which instances agree on a leader.",
            show_default="kube-system/ and --name",
        ),
    ] = None,
    lease_duration: LeaseDuration = 15.0,
    log_level: Annotated[
        str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
    ] = "info",
    log_format: Annotated[str, typer.Option("--log-format", metavar="FORMAT", help="json or text.")] = "text",
) -> None:
    """Schedule until told to stop."""
    from yuheng.cli.record_options import record_limits
    from yuheng.cli.work import chosen_policy
    from yuheng.kubernetes.running.process import Options, schedule

    options: Options = Options(
        kubeconfig=kubeconfig,
        context=context,
        name=name,
        policy=chosen_policy(policy, config),
        seed=seed,
        dry_run=dry_run,
        once=once,
        metrics=metrics,
        record=record,
        record_limits=record_limits(record_size, record_total),
        leader_elect=leader_elect and not dry_run,
        lease=lease,
        lease_duration=lease_duration,
        log_level=log_level,
        log_format=log_format,
    )
    schedule(options, typer.echo)
