"""When spot capacity could be had in the zones of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.model.fleet import SpotTrace
from yuheng.readers.traces.spot import read_availability

if TYPE_CHECKING:
    from pathlib import Path

    from yuheng.readers.fleet.region_fields import SpotFields

__all__ = ["read_spot"]


def read_spot(fields: SpotFields, folder: Path) -> SpotTrace:
    """The trace of a zone.

    Args:
        fields: what is written.
        folder: what paths are relative to.

    Raises:
        InputError: the file is no such trace.
        NotFoundError: there is no such file.
    """
    found = read_availability(folder / fields.trace)
    return SpotTrace(
        zone=fields.zone,
        instance_type=fields.instance_type,
        gap=found.gap,
        available=tuple(found.available.tolist()),
    )
