"""Whether the kernels that a scenario needs were compiled before.

Kernels are compiled when they are first called, half a minute in all, and kept on disk for every process after that. A
sweep that starts cold makes one run first: what it compiles, the others need not. Which kernels are called depends on
the kind of the scenario, so that a plan, or a sweep of another kind, leaves some of them cold.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from yuheng.model.scenario import Scenario
from yuheng.scheduling.kernel import cache_folder

__all__ = ["is_warm", "warmed"]


def is_warm(scenario: Scenario) -> bool:
    """Whether a run of a scenario of this kind was made with this engine."""
    with suppress(OSError, RuntimeError):
        return _mark(scenario).exists()
    return False


def warmed(scenario: Scenario) -> None:
    """Remember that a run of this scenario was made."""
    with suppress(OSError, RuntimeError):
        _mark(scenario).touch()


def _mark(scenario: Scenario) -> Path:
    clock = "sequence" if scenario.sequence is not None else "clock"
    return cache_folder() / f"simulated-{clock}-{'batch' if scenario.snapshot.is_batch() else 'pods'}"
