"""Options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["OutFile", "presets"]


def presets() -> list[str]:
    """The names that ``--policy`` completes to."""
    from yuheng.scheduling.presets import PRESETS

    return list(PRESETS)


OutFile = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there instead of to the terminal.")]
