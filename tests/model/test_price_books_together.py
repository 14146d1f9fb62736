"""Two price books as one: what the first prices counts, what only the second prices is not lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yuheng.model.prices import MARKETS, Price, PriceBook

ROWS = st.lists(
    st.builds(
        Price,
        provider=st.sampled_from(("", "aws")),
        region=st.sampled_from(("", "r1", "r2")),
        zone=st.sampled_from(("", "a", "b")),
        instance_type=st.sampled_from(("m", "n")),
        market=st.sampled_from(MARKETS),
        per_hour=st.integers(1, 50).map(float),
        since=st.sampled_from((float("-inf"), 10.0, 20.0)),
    ),
    max_size=12,
)
ASKED = st.tuples(
    st.sampled_from(("m", "n")),
    st.sampled_from(MARKETS),
    st.sampled_from(("", "aws", "gcp")),
    st.sampled_from(("", "r1", "r2", "r3")),
    st.sampled_from(("", "a", "b")),
)


def row(per_hour, **fields):
    return Price(**{"instance_type": "m", "region": "r1", "per_hour": per_hour, **fields})


def found(book, kind="m", market="on-demand", provider="", region="r1", zone="", time=15.0):
    price = book.find(kind, market, provider=provider, region=region, zone=zone, time=time)
    return None if price is None else price.per_hour


@given(ROWS, ROWS, ASKED)
def test_what_the_first_book_prices_is_what_it_says_alone(first, second, asked):
    alone = found(PriceBook(first), *asked)
    if alone is not None:
        assert found(PriceBook(first).over(PriceBook(second)), *asked) == alone


def test_what_only_the_second_book_prices_is_not_lost():
    both = PriceBook([row(1.0)]).over(PriceBook([row(9.0), row(2.0, region="r2"), row(3.0, instance_type="n")]))
    assert (found(both), found(both, region="r2"), found(both, kind="n"), len(both)) == (1.0, 2.0, 3.0, 3)


def test_a_price_for_everywhere_comes_before_one_of_a_region_in_the_second_book():
    both = PriceBook([row(1.0, region="")]).over(PriceBook([row(9.0), row(8.0, market="spot")]))
    assert (found(both), found(both, market="spot")) == (1.0, 8.0)


def test_an_older_price_of_the_first_book_comes_before_a_newer_one_of_the_second():
    both = PriceBook([row(1.0)]).over(PriceBook([row(9.0, since=10.0)]))
    assert found(both) == 1.0


def test_what_machines_have_is_known_from_both():
    shape = row(0.0, instance_type="n", cpu_milli=4000)
    both = PriceBook([row(1.0, cpu_milli=2000)]).over(PriceBook([row(9.0, cpu_milli=8000)], shapes=[shape]))
    assert both.shape("m").cpu_milli == 2000
    assert both.shape("n").cpu_milli == 4000
