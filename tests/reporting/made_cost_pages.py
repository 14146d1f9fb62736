"""Costs for the tests of their page: by the day with a forecast, without usage, and any there could be."""

from __future__ import annotations

from hypothesis import strategies as st
from made_queues import HOSTILE

from yuheng.model.cost import IDLE, UNALLOCATED, CostRow, Costs
from yuheng.model.cost_trend import CostTrend, DayCost

DAY = 86400.0
START = 1_772_323_200.0  # 2026-03-01T00:00:00Z


def costs_of(rows, days=1, **fields):
    """Costs that add up, of a window of so many days."""
    rows = tuple(rows)
    total, idle = sum(row.total for row in rows), sum(row.idle for row in rows)
    fields = {"start": START, "end": START + days * DAY, "by": ("namespace",), **fields}
    return Costs(rows=rows, total=total, nodes=total, idle=idle, **fields)


def web(start=None, cost=60.0):
    """60 dollars of nodes, of which 20 were used, and 15 of storage."""
    return CostRow(group={"namespace": "web"}, start=start, cpu=cost, storage=cost / 4, measured=cost, used=cost / 3)


def idle(start=None, cost=25.0):
    return CostRow(group={"namespace": IDLE}, start=start, idle=cost)


def example_costs():
    """Three days of one namespace and idle nodes."""
    days = [START + day * DAY for day in range(3)]
    return costs_of(
        [row for day in days for row in (web(day), idle(day))],
        days=3,
        every="day",
        assumptions=("2 nodes have no price and are priced by rates",),
    )


def example_trend():
    """What comes after them, as far as anybody knows."""
    coming = tuple(DayCost(START + day * DAY, 100.0) for day in range(3, 31))
    days = tuple(DayCost(START + day * DAY, 100.0) for day in range(3))
    return CostTrend(
        days=days, coming=coming, month=START, spent=300.0, expected=3100.0, low=2900.0, high=3300.0, level=0.8
    )


def unmeasured_costs():
    """Two keys, nothing measured, in another currency; idle is hidden."""
    rows = (
        CostRow(group={"namespace": "web", "label:team": "shop"}, cpu=1.0, memory=0.5),
        CostRow(group={"namespace": "data", "label:team": UNALLOCATED}, memory=0.25),
    )
    return costs_of(rows, by=("namespace", "label:team"), currency="EUR", hidden=0.75, idle_mode="hide")


texts = st.one_of(st.text(max_size=12), st.sampled_from([HOSTILE, IDLE, UNALLOCATED, "<svg onload=alert(1)>"]))
amounts = st.one_of(st.just(0.0), st.floats(0, 1e12), st.floats(0, 1e-3))


@st.composite
def costs(draw):
    """Any costs."""
    by = draw(st.lists(texts, unique=True, max_size=2))
    every = draw(st.sampled_from(["", "hour", "day", "week"]))
    rows = []
    for place in range(draw(st.integers(0, 12))):
        measured = draw(amounts)
        rows.append(
            CostRow(
                group={key: draw(texts) for key in by},
                start=START + DAY * (place % 3) if every else None,
                cpu=draw(amounts) + measured,
                storage=draw(amounts),
                shared=draw(amounts),
                idle=draw(amounts),
                measured=measured,
                used=measured * draw(st.floats(0, 1)),
            )
        )
    return costs_of(
        rows,
        days=3,
        by=tuple(by),
        every=every,
        currency=draw(st.sampled_from(["USD", "EUR"])),
        hidden=draw(amounts),
        assumptions=tuple(draw(st.lists(texts, max_size=2))),
    )


trends = st.none() | st.builds(
    CostTrend,
    days=st.just(()),
    coming=st.lists(amounts, max_size=5).map(
        lambda found: tuple(DayCost(START + DAY * (3 + i), cost) for i, cost in enumerate(found))
    ),
    month=st.just(START),
    spent=amounts,
    expected=st.none() | amounts,
    low=st.none() | amounts,
    high=st.none() | amounts,
    level=st.just(0.8),
)
