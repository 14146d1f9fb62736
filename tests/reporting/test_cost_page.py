"""The page of costs: whole without scripts, inert, and areas, bars and cents as exact as the numbers they stand for."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_cost_pages import START, costs, costs_of, example_costs, example_trend, idle, trends, unmeasured_costs, web
from msgspec.structs import replace
from page_reading import LOADING, Page

from yuheng.model.cost import CostRow
from yuheng.reporting.cost_drawing import Moment, bars, treemap
from yuheng.reporting.cost_page import cost_page
from yuheng.reporting.treemap import Box, squarified

EXAMPLES = {"by the day": (example_costs(), example_trend()), "unmeasured": (unmeasured_costs(), None)}


def of_kind(page, tag, kind):
    return [attrs for name, attrs in page.elements if name == tag and kind in attrs.get("class", "").split()]


TOLD = {
    "by the day": (
        (example_costs(), example_trend()),
        (
            "2026-03-01 00:00 to 2026-03-04 00:00 UTC, by namespace",
            "In all $300.00 at this rate $3,041.67 a month",
            "Idle $75.00 25.0% of the nodes' $300.00",
            "Waste $120.00 requested and not used",
            "Efficiency 33% used of what was requested and measured",
            "At the end of the month $3,100.00 80% between $2,900.00 and $3,300.00",
            "web: $225.00, 75.0% of all; 33% of what it requested was used; $120.00 was not",
            "$300.00 on the known days of the month from 2026-03-01; $3,100.00 expected at its end, between $2,900.00",
            "between $2,900.00 and $3,300.00 with a probability of 80%",
            "2026-03-01: $100.00, of it idle $25.00",
            "2026-03-31: $100.00, expected",
            "web $180.00 $45.00 - $225.00 75.0% 33.3%",
            "idle room on nodes that nobody requested or used - - $75.00 $75.00 25.0% -",
            "All rows $180.00 $45.00 $75.00 $300.00 33.3%",
            "2 nodes have no price and are priced by rates",
        ),
    ),
    "unmeasured": (
        (unmeasured_costs(), None),
        (
            "by namespace, label:team",
            "In all EUR 1.75",
            "Nothing was measured: costs are of what was requested, and waste is not known.",
            "web / shop EUR 1.00 EUR 0.50 EUR 1.50 85.7%",
            "data / no label:team - EUR 0.25 EUR 0.25 14.3%",
            "EUR 0.75 of idle room are hidden",
        ),
    ),
}


@pytest.mark.parametrize(("shown", "sentences"), TOLD.values(), ids=TOLD)
def test_the_page_tells_it_without_scripts(shown, sentences):
    text = Page(cost_page(*shown)).text
    for sentence in sentences:
        assert sentence in text


def test_what_is_not_there_has_no_section():
    text = cost_page(unmeasured_costs())
    assert 'id="trend"' not in text
    assert 'id="assumptions"' not in text
    empty = cost_page(costs_of(()))
    assert 'id="map-of-costs"' not in empty
    assert "0 groups" in Page(empty).text


def test_waste_is_hatched_to_scale():
    page = Page(cost_page(example_costs(), example_trend()))
    [tile] = [attrs for attrs in of_kind(page, "rect", "wasted") if "x" in attrs][:1]
    [wide] = [one for one in treemap([web()], "USD") if one.name == "wide"]
    whole = wide.tiles[0]
    assert whole.waste / whole.box.width == pytest.approx(40 / 75, abs=1e-3)
    assert float(tile["x"]) + float(tile["width"]) == pytest.approx(whole.box.width * 0.75, rel=0.01)


def test_groups_that_cost_nothing_are_in_the_table_and_not_on_the_map():
    free = CostRow(group={"namespace": "free"})
    [wide, narrow] = treemap([web(), free], "USD")
    assert [tile.lines[0] for tile in wide.tiles] == [tile.lines[0] for tile in narrow.tiles] == ["web"]
    assert "free" in Page(cost_page(costs_of([web(), free]))).text


def test_many_groups_are_cut_and_told():
    rows = [replace(web(cost=1000.0 - i), group={"namespace": f"n{i:04d}"}) for i in range(900)]
    text = cost_page(costs_of(rows))
    page = Page(text)
    assert "900 groups, dearest first" in page.text
    assert "and 600 more groups" in page.text
    assert len(treemap(rows, "USD")[0].tiles) == 121
    assert len(text) < 1_000_000


@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60), st.floats(1, 2000), st.floats(1, 2000))
def test_areas_are_amounts_side_by_side_inside_the_box(amounts, width, height):
    amounts.sort(reverse=True)
    found = squarified(amounts, Box(0.0, 0.0, width, height))
    scale = width * height / sum(amounts)
    assert len(found) == len(amounts)
    for box, amount in zip(found, amounts, strict=True):
        assert box.width * box.height == pytest.approx(amount * scale, rel=1e-6)
        assert -1e-6 <= box.x <= box.x + box.width <= width * (1 + 1e-6) + 1e-6
        assert -1e-6 <= box.y <= box.y + box.height <= height * (1 + 1e-6) + 1e-6
    for one, other in pairwise(found):
        assert _shared(one, other) <= 1e-6 * width * height


def _shared(one, other):
    """The area that two boxes have in common."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(across, 0.0) * max(down, 0.0)


def test_bars_are_as_high_as_the_days_are_dear():
    moments = [Moment(START, 100.0, 25.0), Moment(START + 86400, 50.0), Moment(START + 2 * 86400, 75.0, coming=True)]
    wide, _ = bars(moments, "day", "USD")
    heights = [bar.height for bar in wide.bars]
    assert [height / heights[0] for height in heights] == pytest.approx([1.0, 0.5, 0.75], abs=0.01)
    assert wide.bars[0].idle == pytest.approx(heights[0] / 4, abs=0.1)
    assert [bar.coming for bar in wide.bars] == [False, False, True]
    assert all(0 <= bar.top <= wide.foot and bar.x + bar.width <= wide.width for bar in wide.bars)


def test_one_stretch_of_time_is_no_plot():
    assert bars([Moment(START, 100.0)], "day", "USD") == ()


@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 3), min_size=1, max_size=12))
def test_cents_add_up_along_rows_and_down_columns(table):
    rows = [
        CostRow(group={"namespace": f"n{i:02d}"}, cpu=cpu / 977, memory=memory / 977, idle=idle_ / 977)
        for i, (cpu, memory, idle_) in enumerate(table)
    ]
    body = cost_page(costs_of(rows)).split("<tbody>")[1]
    printed = [
        [round(100 * float(text.replace(",", ""))) for text in re.findall(r">\$([\d,.]+)</td>", line)]
        for line in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]
    for amounts in printed:
        assert sum(amounts[:-1]) == amounts[-1]
    *groups, sums = printed
    assert sum(amounts[-1] for amounts in groups if amounts) == sums[-1]
    assert sums[-1] == pytest.approx(100 * sum(row.total for row in rows), abs=1)


def test_the_map_and_the_table_tell_the_same_cents():
    rows = [CostRow(group={"namespace": f"n{i}"}, cpu=1 / 3) for i in range(3)]
    text = cost_page(costs_of(rows))
    mapped = sorted(re.findall(r'<text class="amount"[^>]*>(\S+)</text>', text))
    listed = re.findall(r'data-title="total" data-value="[^"]*">(\S+)</td>', text)
    assert mapped == sorted(listed * 2) == ["$0.33"] * 4 + ["$0.34"] * 2


def check_inert(page):
    assert {tag for tag, _, _ in page.raw} == {"style", "script"}
    assert len(page.raw) == 3
    assert page.text.isprintable()
    for tag, _, text in page.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy["style-src" if tag == "style" else "script-src"]


@given(costs(), trends)
def test_no_name_adds_an_element_or_a_script(found, trend):
    page = Page(cost_page(found, trend))
    check_inert(page)
    assert not [tag for tag, _ in page.elements if tag in ("img", "a") and "href" not in dict(_)]


@pytest.mark.parametrize("shown", EXAMPLES.values(), ids=EXAMPLES)
def test_the_page_loads_nothing_and_styles_nothing_inline(shown):
    page = Page(cost_page(*shown))
    assert page.policy["default-src"] == page.policy["base-uri"] == page.policy["form-action"] == ["'none'"]
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            assert name not in LOADING or value.startswith("#") or value == "data:,", f"<{tag} {name}={value}>"
            assert not name.startswith("on")
            assert name != "style"
            assert "url(" not in (value or "") or value in ("url(#waste)", "url(#idle)")


def test_the_same_costs_give_the_same_page():
    assert cost_page(example_costs(), example_trend()) == cost_page(example_costs(), example_trend())


def test_idle_rows_come_after_those_of_groups():
    rows = [idle(cost=500.0), web(cost=10.0)]
    text = Page(cost_page(costs_of(rows))).text
    groups = text.split("Groups 2 groups")[1]
    assert groups.index("web") < groups.index("idle")
