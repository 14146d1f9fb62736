"""Results for the terminal.

Importing this package imports rich; the command line does so inside the command that prints.
"""

from __future__ import annotations

from yuheng.reporting.tables.drill import write_drill
from yuheng.reporting.tables.explanation import write_explanation
from yuheng.reporting.tables.fleet import write_fleet
from yuheng.reporting.tables.fleet_plan import write_fleet_plan
from yuheng.reporting.tables.headroom import write_headroom
from yuheng.reporting.tables.plan import write_plan
from yuheng.reporting.tables.queues import write_queues
from yuheng.reporting.tables.simulation import write_simulation

__all__ = [
    "write_drill",
    "write_explanation",
    "write_fleet",
    "write_fleet_plan",
    "write_headroom",
    "write_plan",
    "write_queues",
    "write_simulation",
]
