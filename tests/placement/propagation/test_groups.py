"""The choice of regions: the same set that walking all sets finds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.placement.propagation.groups import Group, choose_groups

Row = tuple[str, int, int]

# Name, clusters and weight of each group; minimum, maximum and clusters wanted; the names that Karmada chooses.
CASES: list[tuple[list[Row], int, int, int, list[str]]] = [
    ([], 2, 3, 1, []),
    ([("R1", 1, 80)], 2, 3, 1, []),
    ([("R1", 1, 80), ("R2", 2, 30)], 2, 3, 4, []),
    ([("R1", 1, 80)], 1, 3, 1, ["R1"]),
    (
        [("R1", 1, 80), ("R3", 1, 80), ("R2", 1, 60), ("R5", 2, 60), ("R4", 5, 50), ("R6", 3, 50)],
        1,
        3,
        10,
        ["R5", "R4", "R6"],
    ),
    (
        [("R1", 1, 80), ("R2", 4, 40), ("R3", 1, 30), ("R4", 3, 30), ("R5", 3, 20), ("R6", 5, 10)],
        2,
        6,
        5,
        ["R1", "R2"],
    ),
    (
        [("R1", 1, 60), ("R2", 1, 50), ("R3", 1, 40), ("R4", 3, 30), ("R5", 3, 20), ("R6", 3, 10)],
        1,
        3,
        6,
        ["R1", "R4", "R5"],
    ),
    ([("R1", 1, 60), ("R2", 2, 50), ("R3", 3, 40), ("R4", 4, 30)], 1, 2, 5, ["R1", "R4"]),
    ([("R4", 1, 60), ("R3", 3, 50), ("R1", 3, 40), ("R2", 4, 30)], 1, 2, 5, ["R3", "R1"]),
]


def chosen(rows: list[Row], minimum: int, maximum: int, target: int) -> list[str]:
    groups = [Group(name, (clusters,), weight) for name, clusters, weight in rows]
    return [group.name for group in choose_groups(groups, minimum, maximum, (target,))]


@pytest.mark.parametrize(("rows", "minimum", "maximum", "target", "expected"), CASES)
def test_known_choices(rows: list[Row], minimum: int, maximum: int, target: int, expected: list[str]) -> None:
    assert chosen(rows, minimum, maximum, target) == expected


def walked(rows: list[Row], minimum: int, maximum: int, target: int) -> list[str]:
    """The definition: all sets, smallest groups first, closed when sufficient; then the best, or a part of it."""
    rows = sorted(rows, key=lambda row: (row[1], -row[2], row[0]))
    closed: list[list[Row]] = []

    def walk(taken: list[Row], begin: int) -> None:
        if minimum <= len(taken) <= maximum and sum(row[1] for row in taken) >= target:
            closed.append(sorted(taken, key=lambda row: (-row[2], row[0])))
        elif len(taken) < maximum:
            for place in range(begin, len(rows)):
                walk([*taken, rows[place]], place + 1)

    walk([], 0)
    order = sorted(
        range(len(closed)),
        key=lambda i: (-sum(row[2] for row in closed[i]), -sum(row[1] for row in closed[i]), i),
    )
    best = closed[order[0]] if order else []
    for i in order[1:]:
        if len(closed[i]) < len(best) and best[: len(closed[i])] == closed[i]:
            best = closed[i]
    return [row[0] for row in best]


ROWS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 6)), max_size=7).map(
    lambda rows: [(f"R{place}", clusters, 10 * weight) for place, (clusters, weight) in enumerate(rows)]
)


@given(ROWS, st.integers(1, 4), st.integers(0, 4), st.integers(1, 14))
def test_it_is_what_walking_all_sets_finds(rows: list[Row], minimum: int, more: int, target: int) -> None:
    assert chosen(rows, minimum, minimum + more, target) == walked(rows, minimum, minimum + more, target)


def test_a_hundred_groups_are_no_trouble() -> None:
    rows = [(f"R{place:03}", 1 + place % 3, 1000 - place) for place in range(100)]
    found = chosen(rows, 5, 50, 40)
    assert 5 <= len(found) <= 50
