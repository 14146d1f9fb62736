"""Rounded amounts add up to their rounded sum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.reporting.cents import cents


@given(st.lists(st.floats(0, 1e6, allow_nan=False), max_size=50))
def test_they_add_up_and_none_is_a_cent_off(amounts):
    total = sum(amounts)
    found = cents(amounts, total)
    assert sum(found) == round(total * 100)
    assert all(abs(whole - amount * 100) < 1 + 1e-6 for whole, amount in zip(found, amounts, strict=True))


def test_those_with_most_behind_the_point_are_rounded_up():
    assert cents([0.333, 0.333, 0.334], 1.0) == [33, 33, 34]
    assert cents([0.005, 0.005], 0.01) in ([1, 0], [0, 1])


def test_amounts_that_are_not_the_total_are_rounded_on_their_own():
    assert cents([1.004, 2.006], 100.0) == [100, 201]


@pytest.mark.parametrize("amounts", [[], [0.0]])
def test_nothing_is_nothing(amounts):
    assert cents(amounts, 0.0) == [0] * len(amounts)
