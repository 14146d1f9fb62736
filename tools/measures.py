"""Hold the code to the house's measures of size: files, functions, annotations of names that say nothing.

Prints the figures and fails when a limit is passed. Limits: a file 500 lines, nine in ten files below that and half of
them below 200; a function 80 lines, nine in ten below 35, half of them below 10.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src"
LONGEST_FILE, NINE_IN_TEN_FILES, HALF_OF_FILES = 500, 500, 200
LONGEST_FUNCTION, NINE_IN_TEN_FUNCTIONS, HALF_OF_FUNCTIONS = 80, 35, 10
EMPTY_NAMES = {"utils", "helpers", "common", "misc", "manager"}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name with its line, and length in lines, docstring not counted, of every function of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            first = node.body[0]
            if ast.get_docstring(node) is not None and first.end_lineno is not None:
                length -= first.end_lineno - first.lineno + 1
            yield f"{node.name} (line {node.lineno})", length


def quantile(values: Sequence[int], share: float) -> int:
    """The value that this share of the values does not exceed."""
    return sorted(values)[int(share * (len(values) - 1))]


def complaints() -> Iterator[str]:
    """Every measure that is not kept, one line each."""
    paths = sorted(SOURCE.rglob("*.py"))
    files = {path: path.read_text(encoding="utf-8").count("\n") for path in paths}
    lengths = {(path, name): length for path in paths for name, length in functions(path)}
    for path, lines in files.items():
        if lines > LONGEST_FILE:
            yield f"{path}: {lines} lines, at most {LONGEST_FILE}"
        if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES:
            yield f"{path}: the name says nothing"
    for (path, name), length in lengths.items():
        if length > LONGEST_FUNCTION:
            yield f"{path}: {name} has {length} lines, at most {LONGEST_FUNCTION}"
    for what, values, half, nine in (
        ("file", list(files.values()), HALF_OF_FILES, NINE_IN_TEN_FILES),
        ("function", list(lengths.values()), HALF_OF_FUNCTIONS, NINE_IN_TEN_FUNCTIONS),
    ):
        median, most = quantile(values, 0.5), quantile(values, 0.9)
        print(f"{len(values)} {what}s: median {median} lines, nine in ten at most {most}, longest {max(values)}")
        if median > half or most > nine:
            yield f"{what}s: median {median} (at most {half}), nine in ten {most} (at most {nine})"


if __name__ == "__main__":
    found = list(complaints())
    sys.stderr.writelines(f"{line}\n" for line in found)
    sys.exit(1 if found else 0)
