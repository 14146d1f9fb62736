"""The one door to Numba: where kernels are declared, and where their compiled code is kept.

Numba keys a cached function by its own source only. A kernel that calls another would go on running yesterday's
callee, so the cache folder's name is a hash of *all* sources of this package: any edit moves every kernel to a fresh
folder, and the stale ones are never looked at again. Kernels of another package may call these and their neighbours:
their folder hangs on the sources of both packages. Nothing outside `yuheng.scheduling` imports Numba.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba

__all__ = ["cache_folder", "is_warm", "kernel"]

P = ParamSpec("P")
R = TypeVar("R")
_HERE: Final = Path(__file__).parent


def cache_folder(package: Path = _HERE) -> Path:
    """Where the compiled kernels of exactly these sources, at this level of optimisation, are kept.

    Args:
        package: the folder that the kernels stand in.

    Raises:
        RuntimeError: the user has no home directory.
    """
    settings: Any = numba.config
    digest = hashlib.sha256(str(settings.OPT).encode())
    for folder in dict.fromkeys((_HERE, package)):
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.read_bytes())
    chosen = os.environ.get("YUHENG_CACHE_DIR")
    base = Path(chosen or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / ("kernels" if chosen else "yuheng/kernels") / digest.hexdigest()[:16]


def is_warm() -> bool:
    """Whether kernels of these sources were compiled before, so that a first call does not take its time."""
    return bool(_FOLDER) and any(Path(_FOLDER).rglob("*.nbi"))


@lru_cache
def _writable(package: Path = _HERE) -> str:
    """The cache folder, made if need be; empty when there can be none: then kernels are compiled in every process."""
    try:
        folder = cache_folder(package)
        # What is unpickled from here runs as code: nobody else may write into it.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return ""
    return str(folder) if os.access(folder, os.W_OK) else ""


_FOLDER = _writable()


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function over arrays to machine code, kept on disk between runs.

    The plain Python function stays reachable as ``.py_func``: it is the twin that tests compare the compiled one with.
    Division follows C (no check for zero): kernels guard their divisors themselves.
    """
    # The cache folder is looked up when a kernel is declared, and Numba's setting is everybody's: ours is taken back.
    # Kernels allocate nothing, so Numba's reference counting is off.
    settings: Any = numba.config
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True, "_nrt": False, "no_cfunc_wrapper": True}
    before = settings.CACHE_DIR
    place = Path(function.__code__.co_filename).parent
    folder = _FOLDER if place.is_relative_to(_HERE) else _writable(place)
    settings.CACHE_DIR = folder or before
    try:
        return cast("Callable[P, R]", numba.njit(cache=bool(folder), **options)(function))
    finally:
        settings.CACHE_DIR = before
