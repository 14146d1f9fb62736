"""A generator as the ``generate:`` section of a scenario file."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from yuheng.errors import InputError
from yuheng.model.quantity import format_amount
from yuheng.reporting.documents import block_text
from yuheng.reporting.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.pod import Pod
    from yuheng.model.scenario import Distribution, Generator, JobClass

__all__ = ["generator_text"]

# What the parameters of a family are called in a file; `Distribution` calls all of them a and b.
_PARAMETERS: Final = {
    "uniform": ("from", "to"),
    "exponential": ("mean",),
    "lognormal": ("median", "sigma"),
    "pareto": ("least", "tail"),
    "weibull": ("scale", "shape"),
}
# No file says 0; to generators this is as regular.
_REGULAR: Final = 1e-6


def generator_text(generator: Generator, notes: Iterable[str] = ()) -> str:
    """The section, in YAML.

    A file has no word for jobs that never end: classes of such jobs are left out, with a note.

    Args:
        generator: what it says.
        notes: what has to be known of it, one sentence each: they become comments at its head.

    Raises:
        InputError: no class is left.
    """
    kept = [item for item in generator.classes if _ends(item.duration)]
    if not kept:
        raise InputError("no job that ends", "one or more", field="finish")
    share = sum(item.share for item in kept) / sum(item.share for item in generator.classes)
    left = [item.name for item in generator.classes if not _ends(item.duration)]
    said = [*notes, *([_left_out(left, share)] if left else [])]
    amount: dict[str, Any] = (
        {"length": generator.length} if generator.jobs is None else {"jobs": max(1, round(generator.jobs * share))}
    )
    section = {**amount, "arrivals": _arrivals(generator, share), "classes": [_class(item) for item in kept]}
    comments = "".join(f"# {printable(note)}\n" for note in said)
    return comments + block_text({"generate": _plain(section)}, leaves_in_line=True)


def _ends(duration: Distribution) -> bool:
    return duration.kind != "constant" or math.isfinite(duration.a)


def _left_out(names: list[str], share: float) -> str:
    return f"left out, as their jobs never end ({1.0 - share:.3%} of all): {', '.join(names)}"


def _arrivals(generator: Generator, share: float) -> dict[str, Any]:
    process = generator.arrivals
    return {
        "rate": f"{Decimal(repr(process.rate * share)):f}/h",
        "daily": list(process.daily),
        "weekly": list(process.weekly),
        "variation": max(process.variation, _REGULAR),
    }


def _class(item: JobClass) -> dict[str, Any]:
    """A class; what is as it is without being said is not said."""
    one_pod = item.pods.kind == "constant" and item.pods.a == 1.0
    return {
        "name": item.name,
        "share": item.share,
        **_requests(item.template),
        **_belongings(item.template),
        **({} if one_pod else {"pods": _distribution(item.pods), "gang": item.gang}),
        "duration": _distribution(item.duration),
    }


def _requests(template: Pod) -> dict[str, Any]:
    requests, devices = template.spec.requests, template.spec.devices
    found: dict[str, Any] = {
        name: format_amount(name, requests[name]) for name in ("cpu", "memory") if requests.get(name)
    }
    if devices.count:
        found["gpu"] = devices.milli / 1000 if devices.is_share() else devices.count
    if devices.models:
        found["gpuModel"] = list(devices.models)
    return found


def _belongings(template: Pod) -> dict[str, Any]:
    found: dict[str, Any] = {"queue": template.queue, "priority": template.priority, "labels": template.labels}
    if template.namespace != "default":
        found["namespace"] = template.namespace
    return {name: value for name, value in found.items() if value}


def _distribution(distribution: Distribution) -> object:
    if distribution.kind == "constant":
        return distribution.a
    if distribution.kind == "empirical":
        told: dict[str, Any] = {"empirical": list(distribution.values)}
    else:
        names = _PARAMETERS[distribution.kind]
        told = {distribution.kind: dict(zip(names, (distribution.a, distribution.b), strict=False))}
    if distribution.least > 0.0:
        told["least"] = distribution.least
    if math.isfinite(distribution.most):
        told["most"] = distribution.most
    return told


def _plain(value: object) -> object:
    """The same with whole numbers written as such."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
