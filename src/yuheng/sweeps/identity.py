"""What determines the result of a run, as a few letters: equal letters, equal result."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from yuheng.model.policy import Policy
from yuheng.model.scenario import Scenario

__all__ = ["engine_digest", "policy_digest", "scenario_digest"]

# Where the code is that a result comes from, and what else a result could change with.
_ROOMS: Final = ("model", "scheduling", "simulation", "sweeps")
_LIBRARIES: Final = ("yuheng", "numpy", "numba")
# What a scenario says about which runs are made and what becomes of them, and not about what a run finds.
_BESIDE: Final[dict[str, Any]] = {
    "name": "",
    "policies": (),
    "seeds": (),
    "measures": (),
    "confidence": 0.0,
    "outputs": (),
    "text": "",
    "warnings": (),
}
_LETTERS: Final = 32


@cache
def engine_digest() -> str:
    """The code that simulates: its sources, and the versions of what it is built on."""
    digest = hashlib.sha256("".join(f"{name} {version(name)}\n" for name in _LIBRARIES).encode())
    root = Path(__file__).parents[1]
    for room in _ROOMS:
        for source in sorted((root / room).rglob("*.py")):
            digest.update(f"{source.relative_to(root).as_posix()}\n".encode() + source.read_bytes())
    return digest.hexdigest()[:_LETTERS]


def scenario_digest(scenario: Scenario) -> str:
    """A scenario, and the code that simulates it; which policies and seeds it names does not count.

    Runs of a sweep are found again when policies or seeds are added to it, or another report is asked for.
    """
    return _digest(engine_digest(), msgspec.structs.replace(scenario, **_BESIDE))


def policy_digest(policy: Policy) -> str:
    """A policy, its name included: runs bear it."""
    return _digest("", policy)


def _digest(prefix: str, subject: Scenario | Policy) -> str:
    arrays: list[np.ndarray[Any, Any]] = []

    def apart(value: object) -> object:
        """A number in place of an array: its content is hashed where it lies."""
        if not isinstance(value, np.ndarray):
            raise TypeError(f"found a {type(value).__name__} in a scenario")
        if value.dtype == object:
            return value.tolist()
        arrays.append(np.ascontiguousarray(value))
        return [len(arrays), value.dtype.str, list(value.shape)]

    # Sets and maps in an order of their own: that of their making may differ from process to process.
    text = msgspec.msgpack.encode(subject, enc_hook=apart, order="deterministic")
    digest = hashlib.sha256(prefix.encode() + text)
    for array in arrays:
        digest.update(array.view(np.uint8).reshape(-1).data if array.size else b"")
    return digest.hexdigest()[:_LETTERS]
