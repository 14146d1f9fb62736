"""Draws from distributions.

Every draw of a kind takes the same random numbers whatever its parameters are: two scenarios that differ in a median
see the same short and long jobs, and their difference is that of the median.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.scenario import Distribution

__all__ = ["Numbers", "draw"]

Numbers = NDArray[np.float64]


def draw(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    """Numbers drawn from a distribution.

    The parametric ones are drawn by inversion from standard exponential or normal numbers; a Pareto number is
    ``least * exp(E / tail)``, a Weibull one ``scale * E ** (1 / shape)``, with ``E`` exponential of mean 1.

    Args:
        distribution: what to draw from; its parameters are in the unit of the result.
        rng: where the random numbers come from.
        size: how many to draw.

    Returns:
        (size,) numbers between ``least`` and ``most``; infinite ones where the tail leaves what a float holds.

    Raises:
        InputError: an empirical distribution has no values.
    """
    with np.errstate(over="ignore"):
        drawn = _KINDS[distribution.kind](distribution, rng, size)
    return np.clip(drawn, distribution.least, distribution.most)


def _constant(distribution: Distribution, _rng: np.random.Generator, size: int) -> Numbers:
    return np.full(size, distribution.a, dtype=np.float64)


def _uniform(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    return distribution.a + (distribution.b - distribution.a) * rng.random(size)


def _exponential(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    return distribution.a * rng.standard_exponential(size)


def _lognormal(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    return distribution.a * np.exp(distribution.b * rng.standard_normal(size))


def _pareto(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    return distribution.a * np.exp(rng.standard_exponential(size) / distribution.b)


def _weibull(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    return distribution.a * np.power(rng.standard_exponential(size), 1.0 / distribution.b)


def _empirical(distribution: Distribution, rng: np.random.Generator, size: int) -> Numbers:
    if not distribution.values:
        raise InputError("no values", "the quantiles of an empirical distribution", field="empirical")
    places = np.linspace(0.0, 1.0, len(distribution.values))
    return np.interp(rng.random(size), places, distribution.values)


_Draw = Callable[[Distribution, np.random.Generator, int], Numbers]
_KINDS: Final[Mapping[str, _Draw]] = {
    "constant": _constant,
    "uniform": _uniform,
    "exponential": _exponential,
    "lognormal": _lognormal,
    "pareto": _pareto,
    "weibull": _weibull,
    "empirical": _empirical,
}
