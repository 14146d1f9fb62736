"""The distribution that tells a sample in the fewest words: a family where one fits, quantiles where none does.

Runtimes are told by lognormal, Weibull and Pareto distributions, and by mixtures of them (Feitelson, "Workload
Modeling for Computer Systems Performance Evaluation", 2015, on fitting distributions to data; Lublin and Feitelson,
JPDC 63, 2003, use a hyper-gamma one). A mixture needs no family here: quantiles tell it.

Each family gets its parameters by maximum likelihood; the one whose distribution function comes closest to the
sample's (Kolmogorov and Smirnov's distance) is taken, if it is close enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import numpy as np

from yuheng.model.scenario import Distribution
from yuheng.simulation.distributions import Numbers

__all__ = ["distance", "fit_counts", "fit_distribution", "rounded"]

# In a large sample every family fails a test of significance; one that is off by 5 of 100 jobs nowhere serves well.
CLOSE_ENOUGH: Final = 0.05
# Kolmogorov's distribution: 95% of samples of the family itself come closer than this over the root of their size.
CRITICAL: Final = 1.358
# The same for an exponential whose mean is estimated (Lilliefors, JASA 64, 1969): it has a parameter less than the
# others, one of which nearly always comes closer, and is taken whenever the sample does not speak against it.
CRITICAL_EXPONENTIAL: Final = 1.06
QUANTILES: Final = 101
# Fewer values than these say little of a family.
FEW: Final = 12
_STEPS: Final = 100
_Family = Literal["exponential", "lognormal", "pareto", "weibull"]


class _Candidate(NamedTuple):
    distribution: Distribution
    distance: float


def fit_distribution(values: Numbers) -> Distribution:
    """The distribution of a sample of durations.

    Args:
        values: (n,) finite numbers of 0 or more, in any order; at least one.

    Returns:
        ``constant`` where all are equal; ``exponential``, ``lognormal``, ``weibull`` or ``pareto``, within the smallest
        and the largest value, where one of them fits; else ``empirical`` with up to 101 quantiles.
    """
    values = np.sort(values)
    if values[0] == values[-1]:
        return Distribution(kind="constant", a=float(values[0]))
    if len(values) < FEW:
        return _quantiles(values)
    exponential, *others = (_Candidate(found, distance(found, values)) for found in _fitted(values))
    root = math.sqrt(len(values))
    if exponential.distance <= CRITICAL_EXPONENTIAL / root:
        return exponential.distribution
    best = min((exponential, *others), key=lambda candidate: candidate.distance)
    if best.distance <= max(CLOSE_ENOUGH, CRITICAL / root):
        return best.distribution
    return _quantiles(values)


def _fitted(values: Numbers) -> list[Distribution]:
    """One of each family, the exponential first; those of logarithms only where these differ."""
    logs = _logarithms(values)
    families = _FAMILIES if logs[0] < logs[-1] else _FAMILIES[:1]
    return [family(values) for family in families]


def fit_counts(values: Numbers) -> Distribution:
    """The distribution of whole numbers, such as the pods of a job: a constant, or quantiles, which are whole too."""
    values = np.sort(values)
    if values[0] == values[-1]:
        return Distribution(kind="constant", a=float(values[0]))
    return _quantiles(values)


def distance(distribution: Distribution, values: Numbers) -> float:
    """Kolmogorov and Smirnov's distance: how far apart two distribution functions are where they differ most.

    Args:
        distribution: of one of the families, with its ``least`` and ``most``.
        values: (n,) the sample, ascending.

    Returns:
        From 0 to 1.

    Raises:
        KeyError: the distribution is constant, uniform or empirical.
    """
    at, first, count = np.unique(values, return_index=True, return_counts=True)
    function = _FUNCTIONS[distribution.kind](distribution, at)
    # What the family puts below the least or above the most lies on these two.
    below = np.where(at <= distribution.least, 0.0, function)
    above = np.where(at >= distribution.most, 1.0, function)
    n = len(values)
    return float(max(np.max(np.abs(below - first / n)), np.max(np.abs(above - (first + count) / n))))


def rounded(number: float) -> float:
    """A number to six digits: more would pretend to know more than a sample says."""
    return float(f"{number:.6g}")


def _within(values: Numbers, kind: _Family, a: float, b: float = 0.0) -> Distribution:
    """A distribution of a family that keeps to what was seen: no draw is longer than any job was."""
    return Distribution(kind=kind, a=rounded(a), b=rounded(b), least=rounded(values[0]), most=rounded(values[-1]))


def _exponential(values: Numbers) -> Distribution:
    return _within(values, "exponential", float(values.mean()))


def _lognormal(values: Numbers) -> Distribution:
    logs = _logarithms(values)
    return _within(values, "lognormal", math.exp(logs.mean()), float(logs.std()))


def _pareto(values: Numbers) -> Distribution:
    logs = _logarithms(values)
    return _within(values, "pareto", math.exp(logs[0]), 1.0 / float(logs.mean() - logs[0]))


def _weibull(values: Numbers) -> Distribution:
    """The shape ``k`` solves ``sum(x^k log x) / sum(x^k) - mean(log x) = 1 / k``, whose left side grows with ``k``.

    (Cohen, "Maximum likelihood estimation in the Weibull distribution", Technometrics 7, 1965.) Halving an interval
    around it is slow and sure; values are taken relative to the largest, so that no power overflows.
    """
    logs = _logarithms(values)
    relative, mean = logs - logs[-1], float(logs.mean())

    def excess(shape: float) -> float:
        powers = np.exp(shape * relative)
        return float(powers @ logs / powers.sum()) - mean - 1.0 / shape

    low, high = 1e-3, 1e3
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
        if high / low < 1.0 + 1e-9:
            break
    scale = math.exp(logs[-1] + math.log(np.exp(low * relative).mean()) / low)
    return _within(values, "weibull", scale, low)


def _logarithms(values: Numbers) -> Numbers:
    """Logarithms of the values above 0; how many are 0 is judged with the distance."""
    found: Numbers = np.log(values[values > 0.0])
    return found


def _quantiles(values: Numbers) -> Distribution:
    """An empirical distribution: values of the sample at equal steps of probability.

    Draws lie on straight lines between them. A line from the last but one to the largest value would make a heavy tail
    far heavier, so the last is put where the line has the mean of the values beyond the last but one, if that is not
    beyond the largest.
    """
    found = np.quantile(values, np.linspace(0.0, 1.0, QUANTILES), method="inverted_cdf")
    beyond = values[math.ceil(len(values) * (QUANTILES - 2) / (QUANTILES - 1)) :]
    if len(beyond):
        found[-1] = min(values[-1], 2.0 * float(beyond.mean()) - found[-2])
    return Distribution(kind="empirical", values=tuple(rounded(value) for value in found))


def _exponential_function(distribution: Distribution, at: Numbers) -> Numbers:
    found: Numbers = -np.expm1(-at / distribution.a)
    return found


def _lognormal_function(distribution: Distribution, at: Numbers) -> Numbers:
    with np.errstate(divide="ignore"):
        places = np.log(at / distribution.a) / (distribution.b * math.sqrt(2.0))
    return 0.5 * np.fromiter((1.0 + math.erf(place) for place in places), dtype=np.float64, count=len(at))


def _pareto_function(distribution: Distribution, at: Numbers) -> Numbers:
    found: Numbers = 1.0 - np.power(distribution.a / np.maximum(at, distribution.a), distribution.b)
    return found


def _weibull_function(distribution: Distribution, at: Numbers) -> Numbers:
    with np.errstate(over="ignore"):
        found: Numbers = -np.expm1(-np.power(at / distribution.a, distribution.b))
    return found


_FAMILIES: Final[tuple[Callable[[Numbers], Distribution], ...]] = (_exponential, _lognormal, _weibull, _pareto)
_Function = Callable[[Distribution, Numbers], Numbers]
_FUNCTIONS: Final[Mapping[str, _Function]] = {
    "exponential": _exponential_function,
    "lognormal": _lognormal_function,
    "pareto": _pareto_function,
    "weibull": _weibull_function,
}
