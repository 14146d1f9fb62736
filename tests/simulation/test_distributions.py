"""Draws have the means and medians of the textbook, keep to their bounds, and share their random numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import InputError
from yuheng.model.scenario import Distribution
from yuheng.simulation.distributions import draw

SIZE = 200_000
GAMMA_OF_2_3 = math.gamma(1 + 1 / 1.5)
# Distribution, mean, standard deviation, median; all by their closed forms.
CLOSED_FORMS = [
    (Distribution(kind="constant", a=7.0), 7.0, 0.0, 7.0),
    (Distribution(kind="uniform", a=10.0, b=30.0), 20.0, 20 / math.sqrt(12), 20.0),
    (Distribution(kind="exponential", a=50.0), 50.0, 50.0, 50.0 * math.log(2)),
    (
        Distribution(kind="lognormal", a=100.0, b=0.8),
        100.0 * math.exp(0.32),
        100.0 * math.exp(0.32) * math.sqrt(math.expm1(0.64)),
        100.0,
    ),
    (Distribution(kind="pareto", a=60.0, b=3.0), 90.0, 60.0 * math.sqrt(0.75), 60.0 * 2 ** (1 / 3)),
    (
        Distribution(kind="weibull", a=200.0, b=1.5),
        200.0 * GAMMA_OF_2_3,
        200.0 * math.sqrt(math.gamma(1 + 2 / 1.5) - GAMMA_OF_2_3**2),
        200.0 * math.log(2) ** (1 / 1.5),
    ),
    (Distribution(kind="empirical", values=(0.0, 10.0, 30.0)), 12.5, 8.78, 10.0),
    (Distribution(kind="empirical", values=(4.0,)), 4.0, 0.0, 4.0),
]


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.mark.parametrize(("distribution", "mean", "deviation", "median"), CLOSED_FORMS)
def test_means_and_medians(distribution: Distribution, mean: float, deviation: float, median: float) -> None:
    drawn = draw(distribution, rng(), SIZE)
    assert len(drawn) == SIZE
    assert drawn.mean() == pytest.approx(mean, abs=5 * deviation / math.sqrt(SIZE) + 1e-9)
    assert np.median(drawn) == pytest.approx(median, rel=0.02)
    assert drawn.std() == pytest.approx(deviation, rel=0.05, abs=1e-9)


@pytest.mark.parametrize("distribution", [case[0] for case in CLOSED_FORMS])
def test_draws_beyond_the_bounds_are_moved_there(distribution: Distribution) -> None:
    plain = draw(distribution, rng(), 1000)
    bounded = Distribution(
        kind=distribution.kind, a=distribution.a, b=distribution.b, values=distribution.values, least=15.0, most=90.0
    )
    assert np.array_equal(draw(bounded, rng(), 1000), np.clip(plain, 15.0, 90.0))


@pytest.mark.parametrize("kind", ["exponential", "lognormal", "pareto", "weibull"])
def test_a_larger_scale_stretches_the_same_draws(kind: str) -> None:
    small, large = (draw(Distribution(kind=kind, a=a, b=1.5), rng(), 100) for a in (10.0, 70.0))
    assert large == pytest.approx(7 * small)


def test_a_tail_that_no_float_holds_is_infinite_and_warns_nobody() -> None:
    assert np.all(draw(Distribution(kind="pareto", a=1.0, b=1e-6), rng(), 5) == np.inf)
    assert np.all(draw(Distribution(kind="pareto", a=1.0, b=1e-6, most=60.0), rng(), 5) == 60.0)


def test_an_empirical_distribution_without_values() -> None:
    with pytest.raises(InputError, match="empirical: found no values, expected the quantiles"):
        draw(Distribution(kind="empirical"), rng(), 1)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20).map(sorted), st.integers(0, 100))
def test_empirical_draws_lie_between_the_ends(values: list[float], size: int) -> None:
    drawn = draw(Distribution(kind="empirical", values=tuple(values)), rng(), size)
    assert len(drawn) == size
    assert np.all((drawn >= values[0]) & (drawn <= values[-1]))
