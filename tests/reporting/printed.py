"""What a result looks like on a terminal, and in a pipe."""

from __future__ import annotations

import io
import re

from rich.console import Console

from yuheng.model.batch_plan import QueueTree
from yuheng.model.fleet_plan import Drill, FleetPlan, FleetState
from yuheng.model.plan import Explanation, Headroom, Plan
from yuheng.model.simulation import Simulation
from yuheng.reporting.tables import (
    write_drill,
    write_explanation,
    write_fleet,
    write_fleet_plan,
    write_headroom,
    write_plan,
    write_queues,
    write_simulation,
)

WRITERS = {
    Plan: write_plan,
    Explanation: write_explanation,
    Headroom: write_headroom,
    QueueTree: write_queues,
    Simulation: write_simulation,
    FleetPlan: write_fleet_plan,
    FleetState: write_fleet,
    Drill: write_drill,
}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def piped(result, **options):
    file = io.StringIO()
    WRITERS[type(result)](result, Console(file=file, force_terminal=False, width=40), **options)
    return file.getvalue()


def on_terminal(result, width, **options):
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, color_system="standard", legacy_windows=False)
    WRITERS[type(result)](result, console, **options)
    return file.getvalue()
