"""A plan as one HTML file that needs nothing else: no network, no server, no other file.

The page carries untrusted names. Three walls keep them inert: the template escapes everything it prints;
the data for the scripts stands in a ``<script type="application/json">`` that nothing in it can end, and
the scripts write text nodes only; and a Content-Security-Policy allows exactly the scripts and the style
that were put in here, by hash, and no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from yuheng.reporting.payload import embedded, page_data
from yuheng.reporting.pending import PendingGroup, grouped
from yuheng.reporting.wording import by_importance, count, percent, points, printable, seconds_text

if TYPE_CHECKING:
    from yuheng.model.plan import Allocation, Plan

__all__ = ["plan_page"]

_THEME: Final = ("page/theme.js",)
_CHARTS: Final = ("echarts.min.js",)
_PAGE: Final = tuple(f"page/{part}.js" for part in ("text", "usage", "legend", "map", "nodes", "pods", "table", "main"))
_STYLE: Final = ("page/tokens.css", "page/page.css", "page/sections.css", "page/phone.css")
_GROUPS_SHOWN: Final = 50


class _Asset(msgspec.Struct, frozen=True):
    """A script or style as it stands in the page, and the hash the policy knows it by."""

    text: Markup
    hash: str


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
    page = _environment().get_template("plan.html.j2")
    return page.render(
        plan=plan,
        bars=_bars(plan),
        groups=groups[:_GROUPS_SHOWN],
        more_groups=len(groups) - _GROUPS_SHOWN,
        reasons=[_short(group) for group in groups],
        style=_asset(*_STYLE),
        scripts={"theme": _asset(*_THEME), "charts": _asset(*_CHARTS), "page": _asset(*_PAGE)},
        data=Markup(embedded(page_data(plan, groups))),  # noqa: S704 -- JSON with every <, > and & escaped
    )


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


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FunctionLoader(lambda name: _read(f"templates/{name}")),
        finalize=_inert,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(count=count, percent=percent, points=points, seconds=seconds_text)
    return environment


def _inert(value: Any) -> Any:  # noqa: ANN401 -- jinja2 passes whatever an expression gives
    """Text that is printed is printable; what was marked as safe is ours and stays as it is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _asset(*parts: str) -> _Asset:
    """The parts as one script or style; they are our own files, shipped with the package."""
    text = "\n".join(_read(f"assets/{part}") for part in parts)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Asset(Markup(text), f"sha256-{digest}")  # noqa: S704 -- nothing of the plan is in it


def _read(name: str) -> str:
    return (files("yuheng.reporting") / name).read_text(encoding="utf-8")
