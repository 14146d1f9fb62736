"""Results on their way out: to the terminal, to a pipe, to a file that is either whole or not there."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.batch_plan import QueueTree
    from yuheng.model.fleet_plan import Drill, FleetPlan, FleetState
    from yuheng.model.plan import Explanation, Headroom, Plan
    from yuheng.model.simulation import Simulation
    from yuheng.reporting.documents import Document

__all__ = [
    "check_apart",
    "check_place",
    "deliver",
    "drill_text",
    "explanation_text",
    "fleet_text",
    "headroom_text",
    "plan_text",
    "queues_text",
    "simulation_text",
    "terminal",
    "whole_file",
    "write_policies",
    "write_whole",
]

# Width of tables in a file or a pipe: nothing is cut there, but long names need the room.
PIPE_WIDTH = 120


def deliver(render: Callable[[Console | None], str], out: Path | None, form: str) -> None:
    """Print a result, or write it to a file.

    Args:
        render: gives the text of a document format; a table it writes to the console it is given.
        out: the file; None for standard output.
        form: the format's name.
    """
    if form not in ("table", "wide"):
        text = render(None).rstrip("\n") + "\n"
        if out is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write_whole(out, text)
        return
    from rich.console import Console

    if out is None:
        render(terminal())
        return
    buffer = io.StringIO()
    render(Console(file=buffer, width=PIPE_WIDTH, force_terminal=False))
    write_whole(out, buffer.getvalue())


def terminal() -> Console:
    """Standard output as a console for tables; what is not a terminal is none, whatever ``FORCE_COLOR`` says."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH, force_terminal=False)


def check_apart(places: Sequence[tuple[str, Path]], inputs: Sequence[Path]) -> None:
    """Refuse to write over what was read, or two results to one place.

    Args:
        places: what named each place to write to, and the place.
        inputs: files that are read.

    Raises:
        ConfigError: a place is one of the inputs, or there twice.
    """
    taken = {path.resolve(): "which is read" for path in inputs}
    for option, path in places:
        if path.resolve() in taken:
            raise ConfigError(f"{option} {path}: found a file {taken[path.resolve()]}, expected another place")
        if path.is_file() or not path.exists():
            taken[path.resolve()] = "that is written already"


def check_place(path: Path, option: str = "--out") -> None:
    """Refuse a file in a folder that is not there, before the work that is to be written to it is done.

    Args:
        path: the file.
        option: what named the file, for the error message.

    Raises:
        ConfigError: it cannot be written there.
    """
    try:
        found = "" if path.resolve().parent.is_dir() else "no such folder"
        found = "a folder" if path.is_dir() else found
    except OSError as error:
        found = error.strerror or str(error)
    if found:
        raise ConfigError(f"{option} {path}: found {found}, expected a place to write to")


def write_whole(path: Path, text: str, option: str = "--out") -> None:
    """Write a file beside its place and move it there, so that nobody ever sees half of it.

    A pipe or a device is written to as it is, and a link is followed: what is there stays there.

    Args:
        path: the file.
        text: its content.
        option: what named the file, for the error message.

    Raises:
        ConfigError: it cannot be written there.
    """
    with whole_file(path, option) as file:
        file.write(text.encode())


@contextmanager
def whole_file(path: Path, option: str = "--out") -> Iterator[BinaryIO]:
    """A file that takes its place when it is whole, and leaves nothing behind when it does not become so.

    Args:
        path: as for `write_whole`.
        option: as for `write_whole`.

    Raises:
        ConfigError: it cannot be written there.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:
                yield file
        else:
            with _replacing(path.resolve()) as file:
                yield file
    except OSError as error:
        found = error.strerror or error
        raise ConfigError(f"{option} {path}: found {found}, expected a place to write to") from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file in the old one's place, with the permissions a new file would have had."""
    mask = os.umask(0)
    os.umask(mask)
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        written = Path(file.name)
        try:
            yield cast("BinaryIO", file)
            file.close()
            written.chmod(0o666 & ~mask)
            written.replace(path)
        except BaseException:
            written.unlink()
            raise


def plan_text(plan: Plan | FleetPlan, form: str, console: Console | None) -> str:
    """A plan of a cluster or a fleet as a document; a table goes to the console."""
    from yuheng.model.fleet_plan import FleetPlan

    if isinstance(plan, FleetPlan):
        return _fleet_plan_text(plan, form, console)
    if form == "html":
        from yuheng.reporting.html import plan_page

        return plan_page(plan)
    if console is None:
        return _document(plan, form)
    from yuheng.reporting.tables.plan import write_plan

    write_plan(plan, console, wide=form == "wide")
    return ""


def _fleet_plan_text(plan: FleetPlan, form: str, console: Console | None) -> str:
    if form == "html":
        from yuheng.reporting.fleet_plan_page import fleet_plan_page

        return fleet_plan_page(plan)
    if console is None:
        return _document(plan, form)
    from yuheng.reporting.tables.fleet_plan import write_fleet_plan

    write_fleet_plan(plan, console, wide=form == "wide")
    return ""


def fleet_text(state: FleetState, form: str, console: Console | None) -> str:
    """A fleet as it stands as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.fleet_page import fleet_page

        return fleet_page(state)
    if console is None:
        return _document(state, form)
    from yuheng.reporting.tables.fleet import write_fleet

    write_fleet(state, console, wide=form == "wide")
    return ""


def drill_text(drill: Drill, form: str, console: Console | None) -> str:
    """A drill as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.drill_page import drill_page

        return drill_page(drill)
    if console is None:
        return _document(drill, form)
    from yuheng.reporting.tables.drill import write_drill

    write_drill(drill, console, wide=form == "wide")
    return ""


def explanation_text(explanation: Explanation, form: str, console: Console | None) -> str:
    """An explanation as a document; a table goes to the console."""
    if console is None:
        return _document(explanation, form)
    from yuheng.reporting.tables.explanation import write_explanation

    write_explanation(explanation, console, wide=form == "wide")
    return ""


def headroom_text(headroom: Headroom, form: str, console: Console | None) -> str:
    """A headroom as a document; a table goes to the console."""
    if console is None:
        return _document(headroom, form)
    from yuheng.reporting.tables.headroom import write_headroom

    write_headroom(headroom, console, wide=form == "wide")
    return ""


def queues_text(tree: QueueTree, form: str, console: Console | None) -> str:
    """A tree of queues as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.queue_page import queues_page

        return queues_page(tree)
    if console is None:
        return _document(tree, form)
    from yuheng.reporting.tables.queues import write_queues

    write_queues(tree, console, wide=form == "wide")
    return ""


def simulation_text(simulation: Simulation, form: str, console: Console | None) -> str:
    """A simulation as a document; a table goes to the console."""
    if form == "html":
        from yuheng.reporting.simulation_page import simulation_page

        return simulation_page(simulation)
    if form == "csv":
        from yuheng.reporting.simulation_csv import simulation_csv

        return simulation_csv(simulation)
    if console is None:
        from yuheng.reporting.documents import json_text

        return json_text(simulation)
    from yuheng.reporting.tables.simulation import write_simulation

    write_simulation(simulation, console, wide=form == "wide")
    return ""


def _document(result: Document, form: str) -> str:
    from yuheng.reporting.documents import json_text, yaml_text

    return json_text(result) if form == "json" else yaml_text(result)


def write_policies() -> None:
    """Print the presets, the filters and scores there are, and the actions and plugins of batch scheduling."""
    from yuheng.model.batch import ACTIONS
    from yuheng.scheduling.batch.settings import PLUGINS
    from yuheng.scheduling.presets import PRESETS
    from yuheng.scheduling.registry import FILTERS, SCORES

    width = max(len(name) for name in PRESETS) + 2
    lines = [
        "Policies (--policy NAME):",
        *(f"  {name:<{width}}{item.purpose}" for name, item in PRESETS.items()),
    ]
    lines += ["", "Filters: " + ", ".join(sorted(FILTERS)), "Scores: " + ", ".join(sorted(SCORES))]
    lines += ["Batch actions: " + ", ".join(ACTIONS), "Batch plugins: " + ", ".join(sorted(PLUGINS))]
    lines += [
        "LoadAware and Price need usage and prices, which a snapshot does not carry: without, all nodes are alike."
    ]
    sys.stdout.write("\n".join(lines) + "\n")
