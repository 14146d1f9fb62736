"""What every HTML page of a report is made with: templates, and the scripts and styles that stand in it.

A page is one file that needs nothing else: no network, no server, no other file. It carries untrusted names.
Three walls keep them inert: the template escapes everything it prints; the data for the scripts stands in a
``<script type="application/json">`` that nothing in it can end, and the scripts write text nodes only; and a
Content-Security-Policy allows exactly the scripts and the style that were put in here, by hash, and no
request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from yuheng.model.words import count
from yuheng.reporting.fleet_wording import (
    carbon_text,
    day_text,
    gigabytes_text,
    hours_text,
    latency_text,
    money_text,
    more_money_text,
    optimality,
)
from yuheng.reporting.wording import (
    amount_text,
    amounts_text,
    number_text,
    percent,
    points,
    printable,
    seconds_text,
    share_text,
)

__all__ = ["asset", "render"]


class _Asset(msgspec.Struct, frozen=True):
    """A script or style as it stands in the page, and the hash the policy knows it by."""

    text: Markup
    hash: str


def render(template: str, **values: Any) -> str:  # noqa: ANN401 -- whatever the template prints
    """The template's page with these values; every text in them is escaped."""
    return _environment().get_template(template).render(**values)


@cache
def asset(*parts: str) -> _Asset:
    """The parts as one script or style; they are our own files, shipped with the package."""
    text = "\n".join(_read(f"assets/{part}") for part in parts)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Asset(Markup(text), f"sha256-{digest}")  # noqa: S704 -- nothing of a result is in it


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
    environment.filters.update(
        amount_of=lambda amount, resource: amount_text(resource, amount),
        amounts=amounts_text,
        carbon=carbon_text,
        count=count,
        day=day_text,
        gigabytes=gigabytes_text,
        hours=hours_text,
        latency=latency_text,
        money=money_text,
        more_money=more_money_text,
        number=number_text,
        optimality=optimality,
        percent=percent,
        points=points,
        seconds=seconds_text,
        share=share_text,
    )
    return environment


def _inert(value: Any) -> Any:  # noqa: ANN401 -- jinja2 passes whatever an expression gives
    """Text that is printed is printable; what was marked as safe is ours and stays as it is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _read(name: str) -> str:
    return (files("yuheng.reporting") / name).read_text(encoding="utf-8")
