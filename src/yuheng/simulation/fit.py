"""The parameters of a generator, from a trace: `fit` is the inverse of `generate`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from yuheng.model.scenario import Generator
from yuheng.model.workload import Workload
from yuheng.simulation.fitted_arrivals import fit_arrivals
from yuheng.simulation.fitted_classes import fit_classes

__all__ = ["Fitted", "fit"]


class Fitted(NamedTuple):
    """A generator, and what of the trace it does not tell, one sentence each."""

    generator: Generator
    warnings: tuple[str, ...]


def fit(workload: Workload, epoch: float | None = None) -> Fitted:
    """The generator whose workloads look like this one.

    Args:
        workload: a trace.
        epoch: what its second 0 is in seconds since the epoch; None for what the trace says, or a Monday at midnight
            (UTC) where it says nothing.

    Returns:
        A generator of as many jobs; arrivals as `yuheng.simulation.fitted_arrivals` says, classes as
        `yuheng.simulation.fitted_classes` says.

    Raises:
        InputError: the trace has not two jobs at different times.
    """
    arrivals = fit_arrivals(workload.submit, workload.epoch if epoch is None else epoch)
    classes = fit_classes(workload)
    generator = Generator(arrivals=arrivals.process, classes=classes.classes, jobs=len(workload))
    return Fitted(generator, (*arrivals.warnings, *classes.warnings, *_left_out(workload)))


def _left_out(workload: Workload) -> list[str]:
    """What the trace tells and a generator has no place for."""
    sentences = []
    if np.any(np.isfinite(workload.estimate)):
        sentences.append("estimates of how long jobs work are not told by a generator")
    if workload.usage:
        sentences.append(f"usage ({', '.join(sorted(workload.usage))}) is not told by a generator")
    return sentences
