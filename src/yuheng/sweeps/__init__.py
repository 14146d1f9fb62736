"""Many runs: every policy on every seed, over processes or a Ray cluster, kept on disk until they are all there.

    Scenario ──> sweep ──> processes or on_ray ──> run_one (yuheng.simulation), a policy and a seed at a time
                   │
                 store: a file for each run that is over, so that an interrupted sweep goes on where it was

A run goes from place to place packed (`runs`), whichever way it was made: what one process finds, two find, and a Ray
cluster, and what is read back from the disk, to the last digit.

This package imports numpy and Numba: import it where a simulation runs, not before.
"""

from __future__ import annotations

from yuheng.sweeps.store import RunStore, prune
from yuheng.sweeps.sweep import Engine, simulate
from yuheng.sweeps.warmth import is_warm

__all__ = ["Engine", "RunStore", "is_warm", "prune", "simulate"]
