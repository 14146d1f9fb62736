"""The commands that only a fleet has: ``fleet`` shows it, ``drill`` loses its parts in turn."""

from __future__ import annotations

from typing import Annotated

import typer

from yuheng.cli.options import (
    ConfigFile,
    Inputs,
    Now,
    ObjectiveText,
    OutFile,
    PageFormat,
    PolicyName,
    Seed,
    Without,
)

__all__ = ["drill", "fleet"]


def fleet(
    inputs: Inputs,
    now: Now = None,
    output: Annotated[PageFormat, typer.Option("-o", "--output", help="What to print.")] = PageFormat.table,
    out: OutFile = None,
) -> None:
    """Read, look, print."""
    from yuheng.cli.output import deliver, fleet_text
    from yuheng.cli.question import fleet_of, surveyed
    from yuheng.cli.work import chosen_time

    time = chosen_time(now)
    result = surveyed(fleet_of(inputs), time)
    deliver(lambda console: fleet_text(result, output.value, console), out, output.value)


def drill(  # noqa: PLR0913 -- a parameter is an option
    inputs: Inputs,
    *,
    objective: ObjectiveText = None,
    without: Without = None,
    policy: PolicyName = None,
    config: ConfigFile = None,
    seed: Seed = 0,
    now: Now = None,
    output: Annotated[PageFormat, typer.Option("-o", "--output", help="What to print.")] = PageFormat.table,
    out: OutFile = None,
) -> None:
    """Read, lose each part in turn, print."""
    from yuheng.cli.output import deliver, drill_text
    from yuheng.cli.question import FleetOptions, drilled, fleet_of
    from yuheng.cli.work import chosen_policy, chosen_time

    asked = FleetOptions.of(objective=objective, without=without or ())
    chosen, time = chosen_policy(policy, config), chosen_time(now)
    result = drilled(fleet_of(inputs), asked, chosen, seed, time)
    deliver(lambda console: drill_text(result, output.value, console), out, output.value)
