"""A plan as one HTML file that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from markupsafe import Markup

from yuheng.model.words import count
from yuheng.reporting.page import asset, render
from yuheng.reporting.payload import embedded, page_data
from yuheng.reporting.pending import PendingGroup, grouped
from yuheng.reporting.waiting import by_state, eviction_groups, wait_groups, waiting_jobs
from yuheng.reporting.wording import by_importance

if TYPE_CHECKING:
    from yuheng.model.plan import Allocation, Plan

__all__ = ["plan_page"]

_PARTS: Final = ("text", "usage", "legend", "map", "nodes", "pages", "pods", "table", "jobs", "main")
_THEME: Final = ("page/theme.js",)
_CHARTS: Final = ("echarts.min.js",)
_PAGE: Final = tuple(f"page/{part}.js" for part in _PARTS)
_STYLE: Final = ("page/tokens.css", "page/page.css", "page/sections.css", "page/lists.css", "page/phone.css")
_GROUPS_SHOWN: Final = 50
_WAITS_SHOWN: Final = 10


class _Bar(msgspec.Struct, frozen=True):
    """One resource's share, in percent of the bar: what stays, what is added, what goes away."""

    resource: str
    share: Allocation
    kept: float
    gained: float
    lost: float


def plan_page(plan: Plan) -> str:
    """The plan as a self-contained HTML page.

    Args:
        plan: the plan to show; the same plan always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    groups = grouped(plan.unschedulable)
    return render(
        "plan.html.j2",
        plan=plan,
        bars=_bars(plan),
        groups=groups[:_GROUPS_SHOWN],
        more_groups=len(groups) - _GROUPS_SHOWN,
        reasons=[_short(group) for group in groups],
        **_batch(plan),
        style=asset(*_STYLE),
        scripts={"theme": asset(*_THEME), "charts": asset(*_CHARTS), "page": asset(*_PAGE)},
        data=Markup(embedded(page_data(plan, groups))),  # noqa: S704 -- JSON with every <, > and & escaped
    )


def _batch(plan: Plan) -> dict[str, Any]:
    """What the sections of jobs and evictions show before any script runs."""
    waits = wait_groups(waiting_jobs(plan.jobs))
    makers = eviction_groups(plan.evictions)
    return {
        "states": by_state(plan.jobs),
        "waits": waits[:_WAITS_SHOWN],
        "more_waits": len(waits) - _WAITS_SHOWN,
        "evicted": makers[:_WAITS_SHOWN],
        "more_evicted": len(makers) - _WAITS_SHOWN,
    }


def _bars(plan: Plan) -> list[_Bar]:
    ordered = sorted(plan.summary.allocation.items(), key=lambda item: by_importance(item[0]))
    return [_bar(resource, share) for resource, share in ordered]


def _bar(resource: str, share: Allocation) -> _Bar:
    before, after = (round(min(1.0, part) * 100, 2) for part in (share.before, share.after))
    kept = min(before, after)
    return _Bar(resource, share, kept, round(after - kept, 2), round(before - kept, 2))


def _short(group: PendingGroup) -> str:
    """A group in a few words, for a list to choose from."""
    ranked = sorted(group.example.reasons, key=lambda reason: (-reason.nodes, reason.detail))
    words = ", ".join(reason.detail for reason in ranked) or group.example.message
    return f"{count(group.pods, 'pod')}: {words}"
