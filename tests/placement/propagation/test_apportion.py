"""Webster's method: every seat goes where the quotient is largest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.placement.propagation.apportion import webster

VOTES = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 50), max_size=8)

# Seats by votes, from the tables of Karmada's tests of its Webster queue and its dispenser.
CASES = [
    ({"a": 1, "b": 2}, 9, {"a": 3, "b": 6}),
    ({"a": 1, "b": 3}, 9, {"a": 2, "b": 7}),
    ({"m1": 20, "m2": 12, "m3": 6}, 12, {"m1": 6, "m2": 4, "m3": 2}),
    ({"m1": 6, "m2": 12, "m3": 6}, 12, {"m1": 3, "m2": 6, "m3": 3}),
    ({"m1": 1, "m2": 1, "m3": 1}, 4, {"m1": 2, "m2": 1, "m3": 1}),
    ({"m1": 2, "m2": 1, "m3": 1, "m4": 1}, 8, {"m1": 3, "m2": 2, "m3": 2, "m4": 1}),
    ({"m1": 0, "m2": 5}, 3, {"m1": 0, "m2": 3}),
    ({"m1": 0}, 3, {"m1": 0}),
    ({}, 3, {}),
]


@pytest.mark.parametrize(("votes", "seats", "expected"), CASES)
def test_known_divisions(votes: dict[str, int], seats: int, expected: dict[str, int]) -> None:
    assert webster(votes, seats) == expected


def seat_by_seat(votes: dict[str, int], seats: int) -> dict[str, int]:
    """The definition: each next seat goes to the largest quotient; ties by fewer seats, then by name."""
    taken = dict.fromkeys(sorted(votes), 0)
    for _ in range(seats if any(votes.values()) else 0):
        best = min(
            (name for name in votes if votes[name]),
            key=lambda name: (-votes[name] / (2 * taken[name] + 1), taken[name], name),
        )
        taken[best] += 1
    return taken


@given(VOTES, st.integers(0, 200))
def test_it_is_what_its_definition_says(votes: dict[str, int], seats: int) -> None:
    assert webster(votes, seats) == seat_by_seat(votes, seats)


@given(VOTES.filter(lambda votes: any(votes.values())), st.integers(0, 200))
def test_all_seats_are_given_and_none_is_taken_back_when_there_is_one_more(votes: dict[str, int], seats: int) -> None:
    fewer, more = webster(votes, seats), webster(votes, seats + 1)
    assert sum(fewer.values()) == seats
    assert sorted(more[name] - fewer[name] for name in votes) == [0] * (len(votes) - 1) + [1]


@given(VOTES, st.data())
def test_nobody_gets_more_seats_than_votes_while_there_are_enough_votes(
    votes: dict[str, int], data: st.DataObject
) -> None:
    seats = data.draw(st.integers(0, sum(votes.values())))
    assert all(count <= votes[name] for name, count in webster(votes, seats).items())


def test_a_great_many_seats_take_no_longer() -> None:
    assert webster({"a": 1, "b": 2}, 3 * 10**9) == {"a": 10**9, "b": 2 * 10**9}


def test_ties_may_go_to_the_last_name() -> None:
    assert webster({"a": 1, "b": 1}, 3) == {"a": 2, "b": 1}
    assert webster({"a": 1, "b": 1}, 3, last_wins=True) == {"a": 1, "b": 2}
