"""What changes of requests save of what is set aside for pods: never what an init container needs anyway."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.finops.rightsizing.saving import paid, paid_by_hour
from yuheng.model.rightsizing import Change, HourlyRequests
from yuheng.model.units import HOURS_A_MONTH


def changes(*sizes):
    return [Change(old=old, new=new, old_limit=None, why="") for old, new in sizes]


def saved(found):
    return [one.saved / HOURS_A_MONTH for one in found]


def test_each_container_saves_its_own_replica_by_replica():
    found = paid(changes((1000, 400), (500, None), (100, 200)), (3.0, 3.0), 0.001)
    assert saved(found) == pytest.approx([1.8, 0.0, -0.3])


def test_below_what_an_init_container_asks_for_nothing_is_saved():
    assert saved(paid(changes((1000, 400), (500, 100)), (2.0, 2.0), 0.001, least=3000.0)) == pytest.approx([0.0, 0.0])
    # Of 1000 only 200 are more than the init container asks for.
    assert saved(paid(changes((1000, 400), (500, None)), (1.0, 1.0), 0.001, least=1300.0)) == pytest.approx([0.2, 0.0])


def test_a_replica_less_saves_its_overhead_too():
    assert saved(paid(changes((1000, 1000)), (3.0, 2.0), 0.001, overhead=250.0)) == pytest.approx([1.25])


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.one_of(st.none(), st.integers(1, 4000))), min_size=1, max_size=4),
    st.floats(0, 9000),
    st.floats(0, 500),
)
def test_savings_add_up_to_what_is_set_aside_less(sizes, least, overhead):
    found = paid(changes(*sizes), (2.0, 2.0), 0.001, least, overhead)
    old, new = sum(one for one, _ in sizes), sum(was if now is None else now for was, now in sizes)
    less = 2 * (max(old, least) - max(new, least)) * 0.001
    assert sum(saved(found)) == pytest.approx(less, abs=1e-9)


def by_hour(*requests):
    """Requests for the two halves of every day."""
    rows = [(first,) * 12 + (second,) * 12 for first, second in requests]
    return [
        HourlyRequests(pattern="daily", requests=(row, row), mean=sum(row) / 24, risk=None, saved=0) for row in rows
    ]


def test_hour_by_hour_only_what_is_above_the_least_is_saved():
    (hours,) = by_hour((200, 800))
    for least, less in ((0, 500), (600, 300), (900, 100), (1500, 0)):
        (found,) = paid_by_hour(changes((1000, 900)), [hours], 2.0, 0.001, least)
        assert found.saved / HOURS_A_MONTH == pytest.approx(2 * less * 0.001)


def test_containers_by_the_hour_and_others_add_up_to_what_is_set_aside_less():
    first, second = by_hour((200, 800), (600, 100))
    static = paid(changes((1000, 900), (500, 300), (700, 650)), (2.0, 2.0), 0.001, 1500)
    found = paid_by_hour(static, [first, None, second], 2.0, 0.001, 1500)
    assert found[1] is None
    together = 2 * (2200 - (max(200 + 300 + 600, 1500) + max(800 + 300 + 100, 1500)) / 2) * 0.001
    parts = [one.saved if one else was.saved for one, was in zip(found, static, strict=True)]
    assert sum(parts) / HOURS_A_MONTH == pytest.approx(together)
