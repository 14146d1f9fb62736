"""Traces made for tests."""

from __future__ import annotations

from pathlib import Path

from yuheng.readers.traces import Column, Columns

PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli"
PODS_WITH_TIMES = f"{PODS},gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"
TIMES = Columns(submit=Column(column="submit"), duration=Column(column="duration"))


def written(folder: Path, *lines: str, name: str = "trace.csv") -> Path:
    """A file of these lines."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def columns(**fields: str | Column) -> Columns:
    """A mapping; a text is the name of a column."""
    return Columns(**{name: Column(column=one) if isinstance(one, str) else one for name, one in fields.items()})


def in_unit(column: str, unit: str) -> Column:
    return Column(column=column, unit=unit)


def always(value: float | str, unit: str = "") -> Column:
    return Column(value=value, unit=unit)
