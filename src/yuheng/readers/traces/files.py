"""A trace is one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yuheng.errors import InputError, NotFoundError
from yuheng.readers.sources.files import contents

if TYPE_CHECKING:
    from yuheng.readers.sources.files import Content

__all__ = ["beginning", "one_file"]


def one_file(path: str | Path, expected: str) -> Content:
    """The content of a file, decompressed.

    Args:
        path: where it is.
        expected: what it should be, for the error message.

    Raises:
        InputError: it cannot be read, is empty, or is a folder.
        NotFoundError: there is no such file.
    """
    if Path(path).is_dir():
        raise InputError("a folder", expected, source=str(path))
    (content,) = contents(path)
    return content


def beginning(path: Path, expected: str, size: int = 8) -> bytes:
    """The first bytes of a file, as they are.

    Raises:
        InputError: it cannot be read, is empty, or is a folder.
        NotFoundError: there is no such file.
    """
    try:
        with path.open("rb") as stream:
            found = stream.read(size)
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file") from error
    except IsADirectoryError as error:
        raise InputError("a folder", expected, source=str(path)) from error
    except OSError as error:
        raise InputError(f"what cannot be read: {error.strerror}", expected, source=str(path)) from error
    if not found:
        raise InputError("an empty file", expected, source=str(path))
    return found
