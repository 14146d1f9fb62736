"""Step functions, beside sums and integrals that are worked out interval by interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scheduling.searching import examples

from yuheng.simulation.steps import Steps

TIMES = st.integers(0, 12).map(float)
HELD = st.tuples(TIMES, TIMES, st.integers(-3, 5).map(float)).map(lambda row: (min(row[:2]), max(row[:2]), row[2]))


def steps(rows: list[tuple[float, float, float]]) -> Steps:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    return Steps.of(*columns)


def held(rows: list[tuple[float, float, float]], time: float) -> float:
    """What is held at a time: from its beginning on, at its end no more."""
    return sum(amount for since, until, amount in rows if since <= time < until)


@examples(200)
@given(rows=st.lists(HELD, max_size=12), times=st.lists(st.integers(-2, 28).map(lambda n: n / 2), max_size=8))
def test_values_are_what_is_held_then(rows: list[tuple[float, float, float]], times: list[float]) -> None:
    found = steps(rows).at(np.array(times, dtype=np.float64))
    assert found.tolist() == [held(rows, time) for time in times]


@examples(200)
@given(rows=st.lists(HELD, max_size=12), times=st.lists(st.integers(-2, 28).map(lambda n: n / 2), max_size=8))
def test_integrals_are_areas(rows: list[tuple[float, float, float]], times: list[float]) -> None:
    found = steps(rows).until(np.array(times, dtype=np.float64))
    areas = [sum(amount * max(min(time, until) - since, 0.0) for since, until, amount in rows) for time in times]
    assert found.tolist() == pytest.approx(areas)


def test_what_lasts_no_time_is_never_held() -> None:
    found = steps([(3.0, 3.0, 7.0)])
    assert found.at(np.array([2.0, 3.0, 4.0])).tolist() == [0.0, 0.0, 0.0]
    assert found.until(np.array([9.0])).tolist() == [0.0]
