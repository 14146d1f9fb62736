"""CSV as rows, each with its line: small tables that are read whole."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from yuheng.readers.sources.files import Content

__all__ = ["Rows", "number"]

EXPECTED: Final = "CSV with a header"


class Rows(NamedTuple):
    """The rows of a table.

    Attributes:
        source: the file.
        header: names of the columns, as they are written.
        lines: the rows, blank ones left out, each with the number of its line.
    """

    source: str
    header: tuple[str, ...]
    lines: list[tuple[int, list[str]]]

    @classmethod
    def of(cls, content: Content) -> Rows:
        """The rows of a file.

        Raises:
            InputError: it is not CSV in UTF-8, or has no header.
        """
        try:
            text = bytes(content.data).decode("utf-8-sig")
            reader = csv.reader(io.StringIO(text, newline=""))
            header = tuple(name.strip() for name in next(reader, []))
            lines = [(reader.line_num, row) for row in reader if row]
        except UnicodeDecodeError as error:
            raise InputError(f"text that is not UTF-8: {error.reason}", EXPECTED, source=content.name) from error
        except csv.Error as error:
            raise InputError(f"what is not CSV ({error})", EXPECTED, source=content.name) from error
        if not any(header):
            raise InputError("no header", EXPECTED, source=content.name)
        return cls(content.name, header, lines)

    def places(self) -> dict[str, int]:
        """Where a column is, by its name in lower case.

        Raises:
            InputError: a column is there twice.
        """
        found: dict[str, int] = {}
        for index, name in enumerate(self.header):
            if name and name.lower() in found:
                raise InputError(f"column {name!r} twice", "each column once", source=self.source)
            found[name.lower()] = index
        return found

    def cells(self, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        """The cells of some columns, without blanks around them; empty where a row or the table lacks one.

        Args:
            columns: their names in lower case.
        """
        places = self.places()
        indexes = [places.get(name, -1) for name in columns]
        for line, row in self.lines:
            length = len(row)
            yield line, [row[index].strip() if 0 <= index < length else "" for index in indexes]

    def wrong(self, line: int, column: str, found: str, expected: str) -> InputError:
        """The error of a cell."""
        shown = repr(found) if found else "nothing"
        written = next((name for name in self.header if name.lower() == column), column)
        return InputError(shown, expected, source=self.source, subject=f"line {line}", field=written)

    def number(self, line: int, column: str, text: str) -> float | None:
        """A number of 0 or more; None where nothing is written.

        Raises:
            InputError: the cell holds something else.
        """
        if not text:
            return None
        found = number(text)
        if found is None:
            raise self.wrong(line, column, text, "a number of 0 or more")
        return found


def number(text: str) -> float | None:
    """The number of 0 or more that a text is; None when it is none, not a number, or infinite."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if found >= 0 and math.isfinite(found) else None
