"""Seeds as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import InputError
from yuheng.readers.scenario import parse_seeds


@pytest.mark.parametrize(
    ("text", "seeds"), [("42", (42,)), ("42-45", (42, 43, 44, 45)), ("3-4,1, 9 - 9", (3, 4, 1, 9)), ("0", (0,))]
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found '', expected seeds such as 42, 42-51 or 1-5,7"),
        ("a", "found 'a', expected seeds"),
        ("1,", "found '1,', expected seeds"),
        ("-1", "found '-1', expected seeds"),
        ("1.5", "found '1.5', expected seeds"),
        ("٣", "found '٣', expected seeds"),
        ("5-3", "found the range 5-3, expected a range that ends after it begins"),
        ("1-5,3", "found seed 3 twice, expected each seed once"),
        ("0-99999999999", "found '0-99999999999', expected at most 10000 seeds"),
        ("9" * 99, "expected seeds such as"),
    ],
)
def test_what_are_no_seeds(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_seeds(text)
    assert message in str(caught.value)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20, unique=True))
def test_what_is_written_is_read(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == tuple(seeds)
