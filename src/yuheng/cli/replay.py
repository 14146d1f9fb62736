"""`yuheng replay`: a record of `yuheng run --record`, decided once more."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yuheng.cli.options import ConfigFile, OutFile, presets
from yuheng.errors import ConfigError, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.policy import Policy
    from yuheng.model.replay import Replay, ReplayComparison, ReplayMoment

__all__ = ["DIFFERS", "replay"]

DIFFERS = 1


class ReplayFormat(StrEnum):
    """How a replay is printed."""

    table = "table"
    wide = "wide"
    json = "json"


def replay(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="What `yuheng run --record` wrote.", show_default=False)
    ],
    *,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="Show what was decided then, and on what: the last turn until that time, such as "
            "2026-01-31T09:00:00Z, in which pods had their turn.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "--policy",
            "-p",
            metavar="NAME",
            help="Show what this preset would have decided instead, turn by turn, or with --at in that turn; the state "
            "follows the record.",
            autocompletion=presets,
        ),
    ] = None,
    config: ConfigFile = None,
    output: Annotated[ReplayFormat, typer.Option("--output", "-o", help="The format.")] = ReplayFormat.table,
    out: OutFile = None,
) -> None:
    """Replay, or look at a moment, or compare."""
    from yuheng.cli.output import deliver
    from yuheng.cli.work import chosen_policy

    other = chosen_policy(policy, config)
    if out is not None:
        from yuheng.cli.output import check_place

        check_place(out)
    result = _found(folder, None if at is None else _time(at), other)
    deliver(lambda console: _text(result, output.value, console), out, output.value)
    if _differs(result):
        sys.stdout.flush()
        raise typer.Exit(DIFFERS)


def _found(folder: Path, time: float | None, other: Policy | None) -> Replay | ReplayMoment | ReplayComparison:
    from yuheng.cli.work import engine

    with engine("replaying"):
        from yuheng.kubernetes.recording import compare, compare_at, moment, parts
        from yuheng.kubernetes.recording import replay as replayed

        if other is not None:
            return compare(parts(folder), other) if time is None else compare_at(folder, time, other)
        if time is not None:
            return moment(folder, time)
        found = replayed(parts(folder))
        if not found.covered.turns:
            raise InputError("no turn that was recorded as a whole", "one at least", source=str(folder))
        return found


def _differs(result: Replay | ReplayMoment | ReplayComparison) -> bool:
    from yuheng.model.replay import Replay, ReplayMoment

    if isinstance(result, Replay):
        return result.differing > 0
    return isinstance(result, ReplayMoment) and not result.is_equal


def _time(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigError(f"--at: found {text!r}, expected a time such as 2026-01-31T09:00:00Z")
    return found.timestamp()


def _text(result: Replay | ReplayMoment | ReplayComparison, form: str, console: Console | None) -> str:
    if console is None:
        from yuheng.reporting.documents import json_text

        return json_text(result)
    from yuheng.reporting.tables.replay import write_result

    write_result(result, console, wide=form == "wide")
    return ""
