"""The paper that terminal reports are written on.

A terminal gets rich's tables: wrapped to its width, folded rather than cut, in colour. A pipe or a file
gets the same words on lines of their natural length, one row a line and no trailing blanks, so that
``grep`` and ``awk`` find whole names. Output asked for with every row (``wide``) is laid out the second way
on a terminal too: it is long, and a hundred thousand rows must not be measured one cell at a time.

Text is taken literally: no markup, no emoji codes, no highlighting, control characters escaped.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from yuheng.model.words import count
from yuheng.reporting.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

__all__ = ["Column", "Part", "Sheet"]

Part: TypeAlias = str | tuple[str, str]
"""A piece of a line: text, or text with a rich style."""

_GAP: Final = "  "
_ROWS_AT_ONCE: Final = 1000


class Column(NamedTuple):
    """A column of a table: its title, and whether it holds numbers."""

    title: str
    number: bool = False


class Sheet:
    """Writes lines and tables to a console.

    Args:
        console: where to write.
        wide: every row, on lines of natural length.
    """

    def __init__(self, console: Console, *, wide: bool = False) -> None:
        self.wide = wide
        self._console = console
        self._flat = wide or not console.is_terminal

    def heading(self, text: str) -> None:
        """A title with a blank line above it."""
        self.line()
        self.line((text, "bold"))

    def line(self, *parts: Part, label: Part = "", indent: int = 0) -> None:
        """A sentence behind a label; where the terminal is too narrow, it continues below its own start."""
        start = Text(" " * indent) + self._text((label, "dim") if isinstance(label, str) else label)
        text = Text().join(self._text(part) for part in parts)
        if self._flat:
            self._console.print(start + text, soft_wrap=True)
        elif start:
            self._console.print(_hanging(start, text))
        else:
            self._console.print(text, overflow="fold")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, indent: int = 0) -> None:
        """Rows below their titles; where the terminal is too narrow, cells are folded."""
        titled = [Column(self._shown(column.title), column.number) for column in columns]
        shown = self._cells(rows)
        if self._flat:
            for block in _blocks(_aligned(titled, shown, indent)):
                self._console.out(block, highlight=False)
        else:
            self._console.print(Padding(_table(titled, shown), (0, 0, 0, indent), expand=False))

    def names(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
        """A table of names, which are to be copied whole: too wide for a terminal, it gets a line a name."""
        shown = self._cells(rows)
        if self._flat or max(map(cell_len, _aligned(columns, shown, indent))) <= self._console.width:
            self.table(columns, rows, indent=indent)
            return
        for first, second, *others in shown:
            titled = zip(columns[2:], others, strict=True)
            rest = [f"{column.title.lower()} {cell}" for column, cell in titled if cell]
            self.line(first, indent=indent)
            self.line((_GAP.join((second, *rest)), "dim"), indent=indent + 2)

    def pages(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, indent: int = 0) -> None:
        """A table of numbers, which must not be folded: too wide for a terminal, its columns go on below themselves.

        Each part starts with the first column and has as many of the others as the terminal has room for.
        """
        shown = self._cells(rows)
        widths = [
            max(cell_len(self._shown(column.title)), *(cell_len(row[place]) for row in shown)) if shown else 0
            for place, column in enumerate(columns)
        ]
        room = self._console.width - indent - min(widths[0], self._console.width // 3)
        for number, part in enumerate([range(1, len(columns))] if self._flat else _parts(widths, room)):
            if number:
                self.line()
            places = (0, *part)
            self.table(
                [columns[place] for place in places], [[row[place] for place in places] for row in rows], indent=indent
            )

    def more(self, hidden: int, *, indent: int = 0) -> None:
        """The line that says how much was left out, if anything was."""
        if hidden > 0:
            self.line((f"{self.ellipsis} and {hidden:,} more (-o wide)", "dim"), indent=indent)

    def warnings(self, warnings: Sequence[str]) -> None:
        """What had to be assumed, a line each."""
        if warnings:
            self.heading(count(len(warnings), "warning"))
        for warning in warnings:
            self.line(warning, label="- ", indent=2)

    @property
    def ellipsis(self) -> str:
        """Three dots, as one character where the console can show it."""
        return self.sign("…", "...")

    def sign(self, wanted: str, plain: str) -> str:
        """A sign where the console can show it, else the plain one."""
        return wanted if self._shown(wanted) == wanted else plain

    def _cells(self, rows: Iterable[Sequence[str]]) -> list[list[str]]:
        return [[self._shown(cell) for cell in row] for row in rows]

    def _text(self, part: Part) -> Text:
        text, style = (part, "") if isinstance(part, str) else part
        return Text(self._shown(text), style=style)

    def _shown(self, text: str) -> str:
        return printable(text, self._console.encoding)


def _parts(widths: Sequence[int], room: int) -> list[list[int]]:
    """The places of all columns but the first, in as few parts as have room beside it."""
    parts: list[list[int]] = []
    left = 0
    for place, width in enumerate(widths[1:], 1):
        needed = width + len(_GAP)
        if not parts or needed > left:
            parts.append([])
            left = room
        parts[-1].append(place)
        left -= needed
    return parts


def _hanging(start: Text, text: Text) -> Table:
    row = Table.grid()
    row.add_column(no_wrap=True)
    row.add_column(overflow="fold")
    row.add_row(start, text)
    return row


def _table(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(Text(column.title), justify="right" if column.number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]], indent: int) -> Iterator[str]:
    """The table as lines, each column as wide as its widest cell."""
    titles = [column.title for column in columns]
    cells = zip(titles, *rows, strict=True)
    widths = [max(map(cell_len, column)) for column in cells]
    for row in (titles, *rows):
        padded = (
            _padded(cell, width, right=column.number) for cell, width, column in zip(row, widths, columns, strict=True)
        )
        yield (" " * indent + _GAP.join(padded)).rstrip()


def _padded(cell: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - cell_len(cell))
    return blanks + cell if right else cell + blanks


def _blocks(lines: Iterator[str]) -> Iterator[str]:
    while block := list(islice(lines, _ROWS_AT_ONCE)):
        yield "\n".join(block)
