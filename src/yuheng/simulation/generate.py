"""A workload drawn from a seed.

Arrivals, classes, sizes and durations have a stream of random numbers each, sizes and durations one per class: who
changes how long the jobs of a class work changes neither when they arrive nor how long others work.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.scenario import Distribution, Generator
from yuheng.model.workload import Workload
from yuheng.simulation.arrivals import arrivals
from yuheng.simulation.distributions import Numbers, draw

__all__ = ["generate"]

_MOST_PODS = float(2**31 - 1)


def generate(generator: Generator, seed: int, epoch: float | None) -> Workload:
    """Draw a workload.

    Args:
        generator: when jobs arrive and what they are.
        seed: 0 or more; the same seed gives the same jobs on every machine.
        epoch: what second 0 is in seconds since the epoch; None for a Monday at midnight (UTC).

    Returns:
        Jobs in the order they arrive, one template for each class in the generator's order; jobs are numbered, nobody
        estimated how long they work, and what they use is unknown.

    Raises:
        InputError: there is no class, shares are negative or all 0, or the arrivals cannot be drawn.
    """
    when, which, durations, sizes = np.random.SeedSequence(seed).spawn(4)
    chances = _cumulative_shares(generator)
    submit = arrivals(generator.arrivals, _rng(when), epoch, jobs=generator.jobs, length=generator.length)
    template = np.searchsorted(chances, _rng(which).random(len(submit)), side="right").astype(np.int32)
    drawn = _by_class(template, [item.pods for item in generator.classes], sizes)
    pods = np.clip(np.rint(drawn), 1.0, _MOST_PODS).astype(np.int32)
    gangs = np.array([item.gang for item in generator.classes])
    return Workload(
        templates=tuple(item.template for item in generator.classes),
        template=template,
        submit=submit,
        duration=_by_class(template, [item.duration for item in generator.classes], durations),
        pods=pods,
        minimum=np.where(gangs[template], pods, 1).astype(np.int32),
        estimate=np.full(len(submit), np.nan),
        epoch=epoch,
    )


def _rng(stream: np.random.SeedSequence) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(stream))


def _cumulative_shares(generator: Generator) -> Numbers:
    """The upper end of each class's part of [0, 1), that of the last one with a share being 1."""
    shares = np.array([item.share for item in generator.classes], dtype=np.float64)
    if not len(shares):
        raise InputError("no classes", "one class of jobs at least", field="classes")
    if not np.all(np.isfinite(shares)) or np.any(shares < 0.0) or not np.any(shares > 0.0):
        raise InputError(f"shares from {shares.min():g} to {shares.max():g}", "0 or more, not all 0", field="classes")
    chances: Numbers = np.cumsum(shares) / shares.sum()
    chances[np.flatnonzero(shares)[-1] :] = 1.0
    return chances


def _by_class(
    template: NDArray[np.int32], distributions: Sequence[Distribution], stream: np.random.SeedSequence
) -> Numbers:
    """A number for each job, drawn from the distribution of its class."""
    drawn = np.empty(len(template), dtype=np.float64)
    order = np.argsort(template, kind="stable")
    ends = np.searchsorted(template[order], np.arange(len(distributions) + 1))
    for number, (distribution, child) in enumerate(zip(distributions, stream.spawn(len(distributions)), strict=True)):
        jobs = order[ends[number] : ends[number + 1]]
        drawn[jobs] = draw(distribution, _rng(child), len(jobs))
    return drawn
