"""How much to reserve: the program against the newsvendor's closed form, and sums by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yuheng.errors import ConfigError
from yuheng.finops.commitments import commitments, newsvendor, reserve
from yuheng.model.commitments import DemandLine, DemandSeries, Term
from yuheng.model.prices import Price, PriceBook

GIB = 2**30
BOOK = PriceBook(
    [
        Price(instance_type="m5.large", per_hour=0.1, cpu_milli=2000, memory=8 * GIB, region="r1"),
        Price(instance_type="m5.xlarge", per_hour=0.2, cpu_milli=4000, memory=16 * GIB, region="r1"),
        Price(instance_type="c5.large", per_hour=0.08, cpu_milli=2000, memory=4 * GIB, region="r1"),
        Price(instance_type="c5.large", per_hour=0.06, market="reserved", region="r1"),
        Price(instance_type="odd", per_hour=1.0, region="r1"),
    ]
)
YEAR = (Term(name="1y", discount=0.4),)


def series(**lines):
    """A line for each machine, an hour a sample; its underscores are points."""
    found = tuple(
        DemandLine(instance_type=name.replace("_", "."), region="r1", amounts=np.array(amounts, dtype=np.float64))
        for name, amounts in lines.items()
    )
    return DemandSeries(hours=np.ones(len(found[0].amounts)), lines=found, source="demand.csv")


def cost(demand, hours, on_demand, reserved, amount):
    return float(hours.sum() * reserved * amount + on_demand * (np.maximum(demand - amount, 0) @ hours))


levels = st.lists(st.integers(0, 40), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60)
@given(levels, st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_program_is_the_newsvendors_quantile(demand, discount, random):
    amounts = np.array(demand, dtype=np.float64)
    hours = np.array([random.choice((1.0, 2.0, 5.0)) for _ in demand])
    price = 1 - discount / 100
    found, closed = reserve(amounts, hours, 1.0, price), newsvendor(amounts, hours, 1.0, price)
    assert cost(amounts, hours, 1.0, price, found) == pytest.approx(cost(amounts, hours, 1.0, price, closed), rel=1e-6)
    best = min(cost(amounts, hours, 1.0, price, amount) for amount in (0.0, *amounts))
    assert cost(amounts, hours, 1.0, price, found) <= best * (1 + 1e-6) + 1e-9


QUANTILES = {
    "37% off: what is there for 63% of the time": (0.37, 37),
    "half off": (0.5, 50),
    "nothing off": (0.0, 0),
    "almost free": (0.99, 99),
}


@pytest.mark.parametrize(("discount", "amount"), QUANTILES.values(), ids=QUANTILES)
def test_the_quantile_at_the_discount_is_reserved(discount, amount):
    demand = np.arange(1.0, 101.0)
    assert newsvendor(demand, np.ones(100), 1.0, 1 - discount) == amount
    assert reserve(demand, np.ones(100), 1.0, 1 - discount) == pytest.approx(amount, abs=1)


def test_sizes_of_a_family_are_reserved_together():
    found = commitments(series(m5_large=[2, 4, 4, 4], m5_xlarge=[1, 1, 1, 3]), BOOK, YEAR)
    (one,) = found.reservations
    # 8, 12, 12 and 20 cores; at 40% off a core pays when it is in use for 60% of the hours.
    assert (one.family, one.unit, one.amount, one.lowest, one.highest) == ("m5", "vCPU", 12, 8, 20)
    assert one.on_demand == pytest.approx(0.05)
    assert one.break_even == pytest.approx(0.6)
    assert one.utilization == pytest.approx(44 / 48)
    assert one.coverage == pytest.approx(44 / 52)
    assert one.before == pytest.approx(52 * 0.05 / 4 * 730)
    assert one.after == pytest.approx((12 * 4 * 0.03 + 8 * 0.05) / 4 * 730)


def test_prices_of_the_book_are_a_term_of_their_own():
    found = commitments(series(c5_large=[3, 3]), BOOK, YEAR)
    assert [(one.term, one.amount, one.source) for one in found.reservations] == [
        ("book", 6, "the price book"),
        ("1y", 6, "40% off on-demand"),
    ]
    assert found.plans[0].saving == pytest.approx(0.25)


def test_discounts_that_nobody_stated_are_called_assumed():
    found = commitments(series(m5_large=[3, 3]), BOOK)
    assert [one.source for one in found.reservations] == ["37% off on-demand, assumed", "55% off on-demand, assumed"]
    assert any("the discounts are assumed" in text for text in found.warnings)
    stated = commitments(series(m5_large=[3, 3]), BOOK, YEAR)
    assert not any("assumed" in text for text in (*stated.warnings, stated.reservations[0].source))


def test_what_is_held_already_is_not_known_and_that_is_told():
    assert any("subtract what you hold besides" in text for text in commitments(series(m5_large=[3]), BOOK).warnings)


def test_machines_of_unknown_size_are_counted_as_machines():
    (one,) = commitments(series(odd=[2, 2]), BOOK, YEAR).reservations
    assert (one.unit, one.amount, one.family) == ("machine", 2, "odd")


def test_less_demand_leaves_less_of_the_saving():
    (plan,) = commitments(series(m5_large=[10, 10]), BOOK, YEAR).plans
    assert plan.saving == pytest.approx(0.4)
    # At 90% of the demand 20 cores are paid at 0.03 and 18 would cost 0.05 each.
    assert [fall.saving for fall in plan.falls] == pytest.approx([1 - 0.6 / 0.9, 1 - 0.6 / 0.8])
    assert [fall.utilization for fall in plan.falls] == pytest.approx([0.9, 0.8])


def test_what_has_no_price_is_told_and_left_out():
    found = commitments(series(m5_large=[1], z9_large=[4]), BOOK, YEAR)
    assert "not looked at, for they have no on-demand price: z9.large in r1" in found.warnings
    assert len(found.reservations) == 1


def test_without_any_price_there_is_nothing_to_say():
    with pytest.raises(ConfigError, match=r"found no on-demand price of anything in demand\.csv"):
        commitments(series(z9_large=[4]), BOOK, YEAR)


def test_a_familys_price_weighs_its_sizes_by_what_is_used_over_time():
    demand = DemandSeries(
        hours=np.array([1.0, 99.0]),
        lines=(
            DemandLine(instance_type="m5.large", region="r1", amounts=np.array([0.0, 10.0])),
            DemandLine(instance_type="m5.huge", region="r1", amounts=np.array([5.0, 0.0])),
        ),
        source="demand.csv",
    )
    book = PriceBook(
        [*BOOK, Price(instance_type="m5.huge", per_hour=8.0, cpu_milli=4000, memory=16 * GIB, region="r1")]
    )
    (plan,) = commitments(demand, book, YEAR).plans
    paid = (1 * 5 * 8.0 + 99 * 10 * 0.1) / 100 * 730
    assert plan.before == pytest.approx(paid)


def test_a_family_has_the_prices_that_hold_at_the_time():
    book = PriceBook(
        [
            Price(instance_type="m5.large", per_hour=1.0, cpu_milli=2000, memory=GIB, region="r1", since=0.0),
            Price(instance_type="m5.large", per_hour=3.0, cpu_milli=2000, memory=GIB, region="r1", since=100.0),
            Price(instance_type="m5.large", per_hour=9.0, cpu_milli=2000, memory=GIB, region="r1", since=900.0),
        ]
    )
    cores = DemandLine(family="m5", region="r1", is_cores=True, amounts=np.array([2.0]))
    (plan,) = commitments(DemandSeries(hours=np.ones(1), lines=(cores,), source="d.csv"), book, YEAR, time=500.0).plans
    assert plan.before == pytest.approx(2 * 1.5 * 730)
