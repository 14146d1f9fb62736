"""What DuckDB says of a usage file, in one line and in our words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from yuheng.errors import InputError
from yuheng.readers.traces import opening
from yuheng.readers.usage.files import EXPECTED

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["own_words"]

TOO_MUCH = "a smaller trace"


@contextmanager
def own_words(source: str) -> Iterator[None]:
    """Errors of a trace are told as errors of usage.

    Raises:
        InputError: DuckDB cannot do what it is asked to do with the file.
    """
    try:
        with opening.own_words(source):
            yield
    except InputError as error:
        instead = {opening.EXPECTED: EXPECTED, TOO_MUCH: "less usage at a time"}.get(error.expected, error.expected)
        raise InputError(
            error.found, instead, source=error.source, subject=error.subject, field=error.field
        ) from error.__cause__
