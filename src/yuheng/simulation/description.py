"""A generator in the words of a scenario file: what stands below ``generate:``.

Durations are written as Go writes them, quantities as Kubernetes does, and neither loses a digit: who reads the text
gets the generator it was written from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from yuheng.model.pod import Pod, PodSpec
from yuheng.model.quantity import format_amount
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator, JobClass

__all__ = ["described", "undescribed"]

GPU: Final = "nvidia.com/gpu"
_Written = str | float | dict[str, Any]
_Write = Callable[[float], str | float]

NEVER: Final = "never"

# The parameters of each family, by the names that a scenario file gives them.
_PARAMETERS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "uniform": (("from", "a"), ("to", "b")),
    "exponential": (("mean", "a"),),
    "lognormal": (("median", "a"), ("sigma", "b")),
    "pareto": (("least", "a"), ("tail", "b")),
    "weibull": (("scale", "a"), ("shape", "b")),
}
_WITHOUT_UNIT: Final = frozenset({"sigma", "tail", "shape"})
# What of a template the text tells, or follows from what it tells; all else is default there.
_TOLD: Final = frozenset({"name", "namespace", "spec", "labels", "priority", "queue", "created"})
_TOLD_OF_SPEC: Final = frozenset({"requests", "scoring_requests", "held_requests", "devices"})


def described(generator: Generator) -> dict[str, Any]:
    """The ``generate:`` section of a scenario file, as plain data.

    Times are text (``1h30m``; ``never`` for jobs that never end), cpu is a whole number of cores or text (``1500m``),
    memory is text (``16Gi``), GPUs are a number. What is the default is left out.
    """
    section: dict[str, Any] = {"arrivals": _arrivals(generator.arrivals)}
    if generator.jobs is not None:
        section["jobs"] = generator.jobs
    if math.isfinite(generator.length):
        section["length"] = _time(generator.length)
    section["classes"] = [_class(item) for item in generator.classes]
    return section


def undescribed(generator: Generator) -> tuple[str, ...]:
    """What of the classes the section cannot tell, one sentence for each class that has such a thing."""
    sentences = []
    for item in generator.classes:
        missing = _missing(item.template)
        if missing:
            sentences.append(f"{item.name}: a scenario's classes do not tell {', '.join(missing)}")
    return tuple(sentences)


def _arrivals(process: ArrivalProcess) -> dict[str, Any]:
    section: dict[str, Any] = {"rate": f"{_digits(process.rate)}/h"}
    for name, factors in (("daily", process.daily), ("weekly", process.weekly)):
        if any(factor != 1.0 for factor in factors):
            section[name] = list(factors)
    return {**section, "variation": _number(process.variation)}


def _class(item: JobClass) -> dict[str, Any]:
    section: dict[str, Any] = {"name": item.name, "share": _number(item.share)}
    if item.pods != Distribution(kind="constant", a=1.0):
        section |= {"pods": _distribution(item.pods, _number), "gang": item.gang}
    return {**section, **_template(item.template), "duration": _distribution(item.duration, _time)}


def _template(template: Pod) -> dict[str, Any]:
    requests, devices = template.spec.requests, template.spec.devices
    cpu = requests.get("cpu", 0)
    section: dict[str, Any] = {
        "cpu": cpu // 1000 if cpu % 1000 == 0 else format_amount("cpu", cpu),
        "memory": format_amount("memory", requests.get("memory", 0)),
        "gpu": _number(devices.count * devices.milli / 1000),
        "gpuModel": list(devices.models),
        "queue": template.queue,
        "priority": template.priority,
        "labels": dict(template.labels),
        "namespace": "" if template.namespace == Pod(name="").namespace else template.namespace,
    }
    return {name: value for name, value in section.items() if value and value != "0"}


def _distribution(distribution: Distribution, write: _Write) -> _Written:
    if distribution.kind == "constant":
        return write(min(max(distribution.a, distribution.least), distribution.most))
    if distribution.kind == "empirical":
        section: dict[str, Any] = {"empirical": [write(value) for value in distribution.values]}
    else:
        section = {distribution.kind: _parameters(distribution, write)}
    if distribution.least > 0.0:
        section["least"] = write(distribution.least)
    if math.isfinite(distribution.most):
        section["most"] = write(distribution.most)
    return section


def _parameters(distribution: Distribution, write: _Write) -> dict[str, Any]:
    names = _PARAMETERS[distribution.kind]
    values = {name: float(getattr(distribution, attribute)) for name, attribute in names}
    return {name: _number(value) if name in _WITHOUT_UNIT else write(value) for name, value in values.items()}


def _missing(template: Pod) -> list[str]:
    spec, devices = template.spec, template.spec.devices
    names = [*_changed(template, Pod(name=""), _TOLD), *_changed(spec, PodSpec(), _TOLD_OF_SPEC)]
    names += [name for name in sorted(spec.requests) if name not in ("cpu", "memory", GPU)]
    return [*names, "device memory"] if devices.memory else names


def _changed(object_: msgspec.Struct, default: msgspec.Struct, told: frozenset[str]) -> list[str]:
    """Fields that are not told and not what they are by default."""
    names = [field.name for field in msgspec.structs.fields(object_) if field.name not in told]
    return [name.replace("_", " ") for name in names if getattr(object_, name) != getattr(default, name)]


def _number(value: float) -> float | int:
    return int(value) if math.isfinite(value) and value == int(value) else float(value)


def _digits(value: float) -> str:
    """All digits of a number, and no exponent."""
    text = f"{Decimal(repr(float(value))):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _time(seconds: float) -> str:
    """A duration such as ``2h13m5.25s``; ``never`` for one without end."""
    if not math.isfinite(seconds):
        return NEVER
    whole, rest = divmod(Decimal(repr(float(seconds))), 60)
    hours, minutes = divmod(int(whole), 60)
    parts = [(str(hours), "h"), (str(minutes), "m"), (f"{rest.normalize():f}", "s")]
    return "".join(number + unit for number, unit in parts if number != "0") or "0s"
