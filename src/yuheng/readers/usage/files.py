"""Which files are usage: those that are named, those in a folder, those that a pattern fits."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["usage_files"]

SUFFIXES: Final = (".parquet", ".pq", ".csv", ".csv.gz")
EXPECTED: Final = "usage in Parquet or CSV"


def usage_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """All files, each once, in the order they were named; those of a folder or a pattern by name.

    Raises:
        InputError: a folder has none.
        NotFoundError: there is no such file, or none that the pattern fits.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _expanded(path):
            found.setdefault(file.resolve(), file)
    return tuple(found.values())


def _expanded(path: Path) -> list[Path]:
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if file.is_file() and file.name.lower().endswith(SUFFIXES))
        if not inside:
            raise InputError("a folder without .parquet, .csv or .csv.gz", EXPECTED, source=str(path))
        return inside
    if path.exists() or not glob.has_magic(str(path)):
        return [path]
    fitting = [Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if Path(name).is_file()]  # noqa: PTH207 -- a pattern may be absolute
    if not fitting:
        raise NotFoundError(f"{path}: no file fits this pattern")
    return fitting
