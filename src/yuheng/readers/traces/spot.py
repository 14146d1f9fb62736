"""When a spot market has capacity: JSON of the form ``{"metadata": {"gap_seconds": 195}, "data": [0, 1, ...]}``.

Each element says how many instances could be had, or went on running, at that time; in traces of one instance that is 0
or 1. Availability traces (an instance was asked for) and preemption traces (one was kept running) mean the same by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from yuheng.errors import InputError
from yuheng.readers.traces.files import one_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Availability", "read_availability"]


class Availability(NamedTuple):
    """Whether an instance can be had.

    Attributes:
        gap: seconds that each element stands for.
        available: (S,) one element after the other.
    """

    gap: float
    available: NDArray[np.bool_]


def read_availability(path: str | Path) -> Availability:
    """The availability of a market over time.

    Args:
        path: the file, plain or compressed with gzip.

    Raises:
        InputError: it is not such JSON, has no gap or no elements, or an element is not 0 or 1.
        NotFoundError: there is no such file.
    """
    content = one_file(path, "a JSON file")
    try:
        document = msgspec.json.decode(bytes(content.data))
    except msgspec.DecodeError as error:
        raise InputError(f"malformed JSON: {error}", source=content.name) from error
    try:
        return _availability(document)
    except InputError as error:
        raise error.at(source=content.name) from None


def _availability(document: Any) -> Availability:  # noqa: ANN401 -- any JSON
    fields = document if isinstance(document, dict) else {}
    metadata, data = fields.get("metadata"), fields.get("data")
    gap = metadata.get("gap_seconds") if isinstance(metadata, dict) else None
    if isinstance(gap, bool) or not isinstance(gap, int | float) or not 0 < gap < 2**53:
        found = "nothing" if gap is None else repr(gap)
        raise InputError(found, "a number of seconds above 0", field="metadata.gap_seconds")
    if not isinstance(data, list) or not data:
        raise InputError("nothing", "a list of 0 and 1", field="data")
    wrong = next((index for index, value in enumerate(data) if not _is_bit(value)), None)
    if wrong is not None:
        raise InputError(repr(data[wrong]), "0 or 1", field=f"data[{wrong}]")
    return Availability(float(gap), np.array(data, dtype=np.bool_))


def _is_bit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value in (0, 1)
