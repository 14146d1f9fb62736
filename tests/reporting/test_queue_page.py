"""The page of queues: whole without scripts, inert, its bars as long as the amounts they stand for."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from made_queues import example_tree, queue_trees
from page_reading import LOADING, Page

from yuheng.model.batch_plan import QueueReport, QueueTree
from yuheng.reporting.queue_page import queues_page


def page_of(tree):
    return Page(queues_page(tree))


def bars_of(page):
    """The widths of the bars by what they show, in the page's order."""
    found = {}
    for tag, attrs in page.elements:
        if tag == "rect" and attrs["class"] != "room":
            found.setdefault(attrs["class"], []).append((float(attrs.get("x", 0)), float(attrs["width"])))
    return found


def test_the_page_tells_the_tree_and_the_amounts_without_scripts():
    text = page_of(example_tree()).text
    for words in (
        "Deserved amounts by capacity",
        "5 queues; the nodes offer cpu 64, memory 256Gi, nvidia.com/gpu 8",
        "Running 2 Admitted 1 Waiting 3",
        "production overused 1.5 250.0% 0.0% 1 0 0",
        "old closed not reclaimable 1 0.0% 0.0% 0 0 0",
        "queue old has no deserved amount.",
        "7 allocated and 16 requested of 8; a full bar is 8",
        "production overused 2 - 6 5 5 3",
        "nlp 4 2 - 2 4 -",
        "1 queue without cpu.",
    ):
        assert words in text


def test_the_root_is_told_by_the_heading_and_has_no_bar():
    page = page_of(example_tree())
    assert sum(tag == "svg" for tag, _ in page.elements) == 9
    lonely = page_of(QueueTree((QueueReport(name="default", allocated={"cpu": 1}),)))
    assert sum(tag == "svg" for tag, _ in lonely.elements) == 1


def test_bars_are_as_long_as_their_amounts():
    queue = QueueReport(
        name="q",
        deserved={"cpu": 40},
        guarantee={"cpu": 10},
        capability={"cpu": 80},
        allocated={"cpu": 60},
        requested={"cpu": 90},
        borrowed={"cpu": 20},
    )
    page = page_of(QueueTree((queue,), {"cpu": 100}))
    assert bars_of(page) == {
        "deserved": [(0, 44.44)],
        "asked": [(66.67, 33.33)],
        "own": [(0, 44.44)],
        "borrowed": [(44.44, 22.23)],
        "guarantee": [(0, 11.11)],
    }
    [limit] = [attrs for tag, attrs in page.elements if tag == "line" and attrs["class"] == "limit"]
    assert limit["x1"] == limit["x2"] == "88.89"


def test_what_is_asked_beyond_the_cluster_does_not_make_all_other_bars_short():
    queue = QueueReport(name="q", allocated={"cpu": 50}, requested={"cpu": 10**9}, capability={"cpu": 10**9})
    page = page_of(QueueTree((queue,), {"cpu": 100}))
    assert bars_of(page) == {"asked": [(50, 50)], "own": [(0, 50)]}
    assert "»" in page.text


@given(queue_trees)
def test_bars_never_leave_their_frame(tree):
    for bars in bars_of(page_of(tree)).values():
        assert all(start >= 0 and start + width <= 100.01 for start, width in bars)


@given(queue_trees)
def test_no_name_adds_an_element_or_a_script(tree):
    page = page_of(tree)
    assert [tag for tag, _, _ in page.raw] == ["style", "script", "script"]
    assert not any(tag == "img" for tag, _ in page.elements)
    assert page.text.isprintable()
    for tag, _, text in page.raw:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.policy["style-src" if tag == "style" else "script-src"]


def test_the_page_loads_nothing_and_styles_nothing_inline():
    for tag, attrs in page_of(example_tree()).elements:
        for name, value in attrs.items():
            assert name not in LOADING or value.startswith("#") or value == "data:,", f"<{tag} {name}={value}>"
            assert not name.startswith("on")
            assert name != "style"


def test_the_policy_forbids_everything_but_what_is_in_the_page():
    policy = page_of(example_tree()).policy
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == ["'none'"]


@pytest.mark.parametrize("tree", [QueueTree(()), QueueTree((), {"cpu": 1000})])
def test_a_cluster_without_queues_has_a_page_too(tree):
    assert "There are no queues." in page_of(tree).text


def test_the_same_queues_give_the_same_page():
    assert queues_page(example_tree()) == queues_page(example_tree())
