"""Consolidation and what-if as pages: everything is told without scripts, and nothing in them is alive."""

from __future__ import annotations

import base64
import hashlib

import pytest
from made_queues import HOSTILE
from msgspec.structs import replace
from page_reading import LOADING, Page

from yuheng.model.consolidation import Consolidation, Relocation, Stay, Step
from yuheng.model.what_if import Risk, WhatIf, WhatIfChange
from yuheng.reporting import consolidation_page as pages
from yuheng.reporting.consolidation_page import consolidation_page
from yuheng.reporting.consolidation_wording import bound_text
from yuheng.reporting.what_if_page import what_if_page


def consolidation(name="n", **fields):
    moves = (Relocation(f"shop/{name}-0", "b", (0, 1), 1), Relocation(f"shop/{name}-1", "c", (), 2))
    steps = (
        Step(node=name, instance_type="m5.large", per_hour=1.0, disruption=1.5, score=2.0, evictions=moves,
             vanish=("kube-system/log",)),
        Step(node="r", instance_type="m5.2xlarge", market="spot", replacement="m5.xlarge", replacement_node="r-new",
             per_hour=0.5, disruption=1.0, score=0.7),
    )  # fmt: skip
    stays = (Stay("b", 2.0, f"{name}: it is annotated", name),)
    return Consolidation(
        policy="kubernetes", k=2.0, nodes=4, per_hour=4.0, bound=2.0, kept=1, steps=steps, stays=stays,
        unplaced=(f"shop/{name}-w",), assumptions=(f"a month has 730 hours {name}",), warnings=(name,), **fields,
    )  # fmt: skip


def what_if(name="spot=0.5", per_hour=1.0):
    first = WhatIfChange(change="consolidate", text="nodes go", nodes=3, per_hour=3.0, risk=Risk("restarts"))
    risk = Risk(f"{name} is taken back", 3.5, "interruptions a month")
    second = WhatIfChange(
        change=name, text=f"{name} moves", nodes=5, per_hour=per_hour, unplaced=(f"shop/{name}",), risk=risk,
        assumptions=(f"{name} is assumed",),
    )  # fmt: skip
    return WhatIf(nodes=4, per_hour=4.0, changes=(first, second), assumptions=("730 hours",), warnings=(name,))


PAGES = {
    "consolidation": lambda name: consolidation_page(consolidation(name)),
    "what if": lambda name: what_if_page(what_if(name)),
}


def widths(page, name):
    return [float(a["width"]) for tag, a in page.elements if tag == "rect" and a["class"] == name]


def test_the_page_tells_steps_evictions_money_and_the_bound():
    page = Page(consolidation_page(consolidation()))
    for part in (
        "1 node of 4 can go, 1 node can be replaced",
        "Saved a month $1,095.00 37.5% of what the nodes cost now",
        "no set of these nodes that holds the pods costs less, the 1 node that has to stay among them; gap 25.0%",
        "m5.large, on-demand",
        "m5.2xlarge → m5.xlarge, spot, as r-new",
        "2 pods move, 1 pod of the node ends with it Round 1 shop/n-0 → b GPU 0, 1",
        "Round 2, when those before run again shop/n-1 → c",
        "b 1,460.00 n: it is annotated",
        "shop/n-w",
        "a month has 730 hours",
    ):
        assert part in page.text
    # Now, after and bound; then what is left after each step.
    assert widths(page, "kept") == [100.0, 62.5, 50.0, 75.0, 62.5]
    assert widths(page, "gained") == [25.0, 12.5]


def test_the_page_tells_each_change_with_its_risk():
    page = Page(what_if_page(what_if()))
    for part in (
        "Less a month $2,190.00 75.0% of what the nodes cost now",
        "4 → 3",
        "2,190.00 → 730.00",
        "3.5 interruptions a month",
        "spot=0.5 is taken back",
        "spot=0.5 is assumed",
        "1 pod without a place",
    ):
        assert part in page.text
    assert (widths(page, "kept"), widths(page, "gained"), widths(page, "lost")) == ([75.0, 25.0], [25.0, 50.0], [])


def test_a_change_that_costs_more_is_drawn_so():
    page = Page(what_if_page(what_if(per_hour=5.0)))
    assert "More a month $730.00" in page.text
    assert (widths(page, "kept"), widths(page, "gained"), widths(page, "lost")) == ([60.0, 60.0], [20.0], [40.0])


@pytest.mark.parametrize("name", PAGES)
def test_no_name_comes_alive(name):
    page = Page(PAGES[name](HOSTILE))
    assert [tag for tag, _, _ in page.raw] == ["style", "script", "script"]
    assert page.text.isprintable()
    for tag, _, text in page.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy["style-src" if tag == "style" else "script-src"]
    assert not any(tag == "img" for tag, _ in page.elements)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_loads_nothing_and_is_the_same_twice(name):
    text = PAGES[name]("n")
    for tag, attrs in Page(text).elements:
        loads = {key: value for key, value in attrs.items() if key in LOADING}
        assert all(value.startswith("#") or value == "data:," for value in loads.values()), (tag, loads)
        assert "style" not in attrs
        assert not any(key.startswith("on") for key in attrs)
    assert PAGES[name]("n") == text


def test_a_large_plan_tells_how_much_is_left_out(monkeypatch):
    for limit in ("_STEPS_SHOWN", "_EVICTIONS_SHOWN", "_STAYS_SHOWN"):
        monkeypatch.setattr(pages, limit, 1)
    text = Page(consolidation_page(replace(consolidation(), stays=consolidation().stays * 3))).text
    assert "and 1 more step, which -o json names" in text
    assert "and 1 more pod, which -o json names" in text
    assert "and 2 more nodes, which -o json names" in text


def test_nothing_that_can_go_has_a_page_too():
    empty = Consolidation(policy="kubernetes", k=float("inf"), nodes=0, per_hour=0.0, bound=0.0)
    text = Page(consolidation_page(empty)).text
    assert "0 nodes of 0 can go" in text
    assert bound_text(empty) == "no set of these nodes that holds the pods costs less"
