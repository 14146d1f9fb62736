"""A trace whose columns are told in the words of a scenario file, without one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from yuheng.readers.scenario.work import WorkloadFields
from yuheng.readers.scheduler_config.refusals import refusal

if TYPE_CHECKING:
    from yuheng.model.workload import Workload

__all__ = ["mapped_trace"]


def mapped_trace(path: Path, columns: Mapping[str, object], queue_by: str | None = None) -> Workload:
    """The jobs of a trace.

    Args:
        path: openb's table of pods, or any CSV or Parquet file.
        columns: what ``workload.columns`` of a scenario would say; empty for openb's.
        queue_by: the column whose value names the queue; None for none.

    Raises:
        InputError: the columns or the trace are not what they should be.
        NotFoundError: there is no such file.
    """
    written: dict[str, Any] = {"trace": str(path)}
    if columns:
        written["columns"] = dict(columns)
    if queue_by is not None:
        written["queueBy"] = queue_by
    try:
        fields = WorkloadFields.model_validate(written)
    except ValidationError as error:
        raise refusal(error) from None
    workload = fields.read(Path())
    assert workload is not None  # noqa: S101 -- it is not a generated one
    return workload
