"""The plan of a fleet as one HTML file that needs nothing else: what it costs, what goes where, what else there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from yuheng.model.fleet_plan import told_instant
from yuheng.reporting.fleet_cards import planned_cards
from yuheng.reporting.fleet_facts import flows, idle, own_pending, unplaced
from yuheng.reporting.fleet_plan_payload import workloads_data
from yuheng.reporting.fleet_workflows import workflow_rows
from yuheng.reporting.page import asset, render
from yuheng.reporting.payload import embedded
from yuheng.reporting.pending import grouped
from yuheng.reporting.ribbons import ribbons
from yuheng.reporting.scatter import HEIGHT, panels

if TYPE_CHECKING:
    from yuheng.model.fleet_plan import FleetPlan

__all__ = ["FLEET_STYLE", "FLEET_THEME", "fleet_plan_page"]

FLEET_THEME: Final = ("page/theme.js",)
FLEET_STYLE: Final = tuple(
    f"page/{part}.css" for part in ("tokens", "palette", "page", "sections", "lists", "fleet", "phone")
)
_PAGE: Final = tuple(f"page/{part}.js" for part in ("text", "pages", "table", "jobs", "workloads", "fleet_plan"))
_UNPLACED_SHOWN: Final = 50
_GROUPS_SHOWN: Final = 20


def fleet_plan_page(plan: FleetPlan) -> str:
    """The plan of a fleet as a self-contained HTML page.

    Args:
        plan: the plan to show; the same plan always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    moved = flows(plan.workloads)
    lacking = unplaced(plan.workloads)
    pending = grouped(own_pending(plan))
    return render(
        "fleet_plan.html.j2",
        plan=plan,
        time=told_instant(plan.time),
        idle=idle(plan.workloads),
        groups=planned_cards(plan),
        panels=panels(plan.pareto),
        panel_height=HEIGHT,
        moved=moved,
        ribbons=ribbons(moved),
        workflows=workflow_rows(plan.workflows),
        lacking=lacking[:_UNPLACED_SHOWN],
        more_lacking=len(lacking) - _UNPLACED_SHOWN,
        pending=pending[:_GROUPS_SHOWN],
        more_pending=len(pending) - _GROUPS_SHOWN,
        style=asset(*FLEET_STYLE),
        scripts={"theme": asset(*FLEET_THEME), "page": asset(*_PAGE)},
        data=Markup(embedded(workloads_data(plan))),  # noqa: S704 -- JSON with every <, > and & escaped
    )
