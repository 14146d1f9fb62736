"""Quantiles of Student's t distribution.

For ``n`` degrees of freedom ``P(|T| > t) = I_x(n / 2, 1 / 2)`` with ``x = n / (n + t^2)`` (Abramowitz and Stegun,
Handbook of Mathematical Functions, 26.5.27 with 26.7.1), where ``I`` is the regularised incomplete beta function. It
is computed from its continued fraction (NIST Digital Library of Mathematical Functions, 8.17.22) by Lentz's method as
Thompson and Barnett modified it (Journal of Computational Physics 64, 1986), and inverted by halving an interval: it
falls steadily with ``t``, and a sweep asks for few quantiles.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

__all__ = ["incomplete_beta", "two_sided_quantile"]

_TERMS: Final = 100_000
_TINY: Final = 1e-300
_PRECISION: Final = 3e-16


@lru_cache(maxsize=1024)
def two_sided_quantile(freedom: int, confidence: float) -> float:
    """The ``t`` between minus which and plus which a variable of Student's distribution lies with this probability.

    Args:
        freedom: degrees of freedom, 1 or more.
        confidence: the probability, 0 up to but not including 1.

    Raises:
        ValueError: an argument is outside of its range.
    """
    if freedom < 1 or not 0.0 <= confidence < 1.0:
        raise ValueError(f"no quantile for {freedom} degrees of freedom and a confidence of {confidence}")
    outside = 1.0 - confidence
    low, high = 0.0, 1.0
    while _outside(freedom, high) > outside:
        low, high = high, 2.0 * high
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return middle
        low, high = (middle, high) if _outside(freedom, middle) > outside else (low, middle)


def incomplete_beta(a: float, b: float, x: float, complement: float) -> float:
    """The regularised incomplete beta function ``I_x(a, b)``.

    Args:
        a: the first parameter, above 0.
        b: the second, above 0.
        x: from 0 to 1.
        complement: ``1 - x``, from whoever knows it to more digits than the subtraction leaves.
    """
    if x <= 0.0 or complement <= 0.0:
        return 0.0 if x <= 0.0 else 1.0
    # The fraction converges fast on the near side of the mean only; the far side is the other end's near side (8.17.4).
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(b, a, complement, x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * _log(x, complement) + b * _log(complement, x)
    return math.exp(logarithm) / (a * _fraction(a, b, x))


def _log(x: float, complement: float) -> float:
    return math.log(x) if x < 0.5 else math.log1p(-complement)


def _outside(freedom: int, t: float) -> float:
    """``P(|T| > t)``."""
    square = t * t
    return incomplete_beta(0.5 * freedom, 0.5, freedom / (freedom + square), square / (freedom + square))


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction ``1 + d1 / (1 + d2 / (1 + ...))`` of 8.17.22."""
    value, upper, lower = 1.0, 1.0, 0.0
    for term in range(1, _TERMS):
        coefficient = _coefficient(a, b, x, term)
        lower = 1.0 / _nonzero(1.0 + coefficient * lower)
        upper = _nonzero(1.0 + coefficient / upper)
        value *= upper * lower
        if abs(upper * lower - 1.0) <= _PRECISION:
            break
    return value


def _coefficient(a: float, b: float, x: float, term: int) -> float:
    m, odd = divmod(term, 2)
    if odd:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
