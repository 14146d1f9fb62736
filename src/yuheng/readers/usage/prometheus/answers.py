"""What Prometheus answers, and what is wrong when it does not."""

from __future__ import annotations

from typing import Final

import msgspec

from yuheng.errors import InputError

__all__ = ["Answer", "Series", "TooMuchError", "decoded", "said"]

EXPECTED: Final = "an answer of the HTTP API of Prometheus"
_LONGEST_TOLD: Final = 300


class TooMuchError(InputError):
    """The server could not answer within its limits: the same question about less time may do."""


class Series(msgspec.Struct, frozen=True):
    """One series of an answer.

    Attributes:
        metric: its labels.
        value: (seconds since the epoch, number as text) of an instant.
        values: of a range, in order.
    """

    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct, frozen=True):
    result: list[Series] = []


class Answer(msgspec.Struct, frozen=True):
    """The envelope of every answer.

    Attributes:
        status: ``success`` or ``error``.
        warnings: of a federated query, those parts that did not answer.
    """

    status: str
    data: _Data | None = None
    errorType: str = ""  # noqa: N815 -- the API's own name
    error: str = ""
    warnings: list[str] = []

    @property
    def series(self) -> list[Series]:
        """The series of the result."""
        return self.data.result if self.data is not None else []


_DECODER: Final = msgspec.json.Decoder(Answer)


def decoded(body: bytes) -> Answer | None:
    """The answer that a body is; None where it is none."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def said(body: bytes, answer: Answer | None) -> str:
    """What an answer that is an error says, in at most one line."""
    text = answer.error if answer is not None else body[: 4 * _LONGEST_TOLD].decode("utf-8", "replace")
    if answer is None and "<html" in text.lower():
        return "an HTML page"
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TOLD else line[: _LONGEST_TOLD - 1] + "…"
