"""Which column of a trace says what, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.duration import parse_period
from yuheng.model.quantity import parse_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MOST", "TEXTS", "UNITS", "Column", "Columns", "amount_of", "factor_of", "unknown_column"]

# Units by what they measure, the usual one first, and what one of them is in the model's unit: seconds, milli-cores,
# bytes, thousandths of a GPU.
TIME: Final = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0}
CPU: Final = {"cores": 1000.0, "milli": 1.0}
MEMORY: Final = {
    "B": 1.0,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
    "kB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
}
GPU: Final = {"count": 1000.0, "milli": 1.0, "percent": 10.0}
UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "submit": TIME,
    "start": TIME,
    "finish": TIME,
    "duration": TIME,
    "estimate": TIME,
    "cpu": CPU,
    "memory": MEMORY,
    "gpu": GPU,
    "cpuUsage": CPU,
    "memoryUsage": MEMORY,
    "gpuUsage": GPU,
}
# What is a word and not a number.
TEXTS: Final = frozenset(("name", "gpuModel", "queue", "namespace"))
# Up to here whole numbers are exact in 64 bits of floating point.
MOST: Final = 2.0**53
_MOST_NAMED: Final = 20


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """Where a value comes from: a column of the trace, or one value for all rows.

    Attributes:
        column: the name of the column; empty where ``value`` counts.
        unit: of its numbers, one of `UNITS`; empty for the usual one.
        value: the value of all rows: a number, or text (a name, a quantity such as ``4Gi``, a duration such as ``2h``).
    """

    column: str = ""
    unit: str = ""
    value: float | str | None = None


class Columns(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What each column of a trace of jobs means. None: the trace does not say.

    Attributes:
        name: of the job.
        submit: when it was submitted: a number, or a timestamp.
        start, finish: when it began and ended to run.
        duration: how long it ran; without it ``finish`` minus ``start``, or ``finish`` minus ``submit``.
        estimate: how long its owner said it would run.
        cpu, memory, gpu: what one of its pods asks for; a GPU below 1 is a share of one.
        gpu_model: the GPU models that will do, separated by ``|``.
        pods: how many pods it has.
        minimum: how many of them have to start together; without it all of them.
        queue, namespace: their names.
        priority: of its pods; more goes first.
        cpu_usage, memory_usage, gpu_usage: what one of its pods used on average.
    """

    name: Column | None = None
    submit: Column | None = None
    start: Column | None = None
    finish: Column | None = None
    duration: Column | None = None
    estimate: Column | None = None
    cpu: Column | None = None
    memory: Column | None = None
    gpu: Column | None = None
    gpu_model: Column | None = None
    pods: Column | None = None
    minimum: Column | None = None
    queue: Column | None = None
    priority: Column | None = None
    namespace: Column | None = None
    cpu_usage: Column | None = None
    memory_usage: Column | None = None
    gpu_usage: Column | None = None

    def written(self) -> dict[str, Column]:
        """Those that are given, by their name in a scenario."""
        fields = msgspec.structs.fields(self)
        values = ((field.encode_name, getattr(self, field.name)) for field in fields)
        return {name: value for name, value in values if value is not None}


def factor_of(field: str, column: Column) -> float:
    """What a number of a column is multiplied by to be in the model's unit.

    Raises:
        InputError: what it holds is not measured in this unit.
    """
    units = UNITS.get(field)
    if units is None:
        if column.unit:
            raise InputError(repr(column.unit), "no unit: it has none", field=f"columns.{field}.unit")
        return 1.0
    unit = column.unit or next(iter(units))
    if unit not in units:
        raise InputError(repr(unit), f"one of {', '.join(units)}", field=f"columns.{field}.unit")
    return units[unit]


def amount_of(field: str, column: Column) -> float:
    """The value of all rows, in the model's unit.

    Raises:
        InputError: it is not a number, quantity or duration of this kind.
    """
    place, factor = f"columns.{field}.value", factor_of(field, column)
    value = column.value
    if isinstance(value, str):
        if column.unit or field not in UNITS:
            raise InputError(repr(value), "a number", field=place)
        try:
            # Nanos of a core, byte or GPU, or seconds; factors hold for the usual unit.
            value = parse_period(value) if UNITS[field] is TIME else parse_quantity(value).nano / 1e9
        except InputError as error:
            raise error.at(field=place) from None
    least = -MOST if field == "priority" else 0
    if value is None or not least <= value <= MOST:
        raise InputError(str(value), "a number" if field == "priority" else "a number of 0 or more", field=place)
    return value * factor


def unknown_column(name: str, known: Sequence[str], field: str) -> InputError:
    """The error of a column that the trace does not have: the nearest one, and all there are."""
    near = get_close_matches(name, known, 1) or [one for one in known if one.lower() == name.lower()]
    listed = ", ".join(known[:_MOST_NAMED]) + (", ..." if len(known) > _MOST_NAMED else "")
    hint = f" (did you mean {near[0]}?)" if near else ""
    return InputError(f"the unknown column {name!r}{hint}", f"one of its columns: {listed}", field=field)
