"""The page of a plan: whole, inert, self-contained, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_plans import example_plan, large_plan, plans
from made_queues import (
    HOSTILE,
    example_evictions,
    example_jobs,
    large_evictions,
    large_jobs,
)
from msgspec.structs import replace
from page_reading import LOADING, Page

from yuheng.model.plan import NearMiss, NodeUsage, Placement, Plan, Refusal
from yuheng.reporting import html
from yuheng.reporting.html import plan_page
from yuheng.reporting.payload import embedded
from yuheng.reporting.wording import printable

ASSETS = Path(html.__file__).parent / "assets"


def page_of(plan):
    return Page(plan_page(plan))


def rebuilt(data):
    """Placements and refusals as the page's scripts would tell them."""
    pods = data["pods"]
    placements, refusals = [], []
    for place, name, node, devices, said in zip(
        pods["namespace"], pods["name"], pods["node"], pods["devices"], pods["refusal"], strict=True
    ):
        key = f"{data['namespaces'][place]}/{name}"
        if node >= 0:
            placements.append(Placement(key, data["nodes"][node], tuple(map(int, filter(None, devices.split(","))))))
        else:
            words = data["refusals"][said]
            near = tuple(NearMiss(data["nodes"][node], lacks) for node, lacks in words["closest"])
            refusals.append(Refusal(key, words["message"], (), near, words["hint"]))
    return tuple(placements), tuple(refusals)


def without_reasons(refusal):
    return Refusal(refusal.pod, refusal.message, (), refusal.closest, refusal.hint)


@given(plans())
def test_the_data_of_the_page_is_the_plan(plan):
    data = page_of(plan).data
    assert rebuilt(data) == (plan.placements, tuple(map(without_reasons, plan.unschedulable)))
    assert data["nodes"][: len(plan.usage)] == [usage.node for usage in plan.usage]
    for resource, columns in data["usage"].items():
        for when, column in columns.items():
            assert column == [getattr(usage, when).get(resource, 0) for usage in plan.usage]


@given(plans())
def test_the_data_of_the_page_has_every_job_and_eviction(plan):
    data = page_of(plan).data
    words, evictions, jobs = data["words"], data["evictions"], data["jobs"]
    said = [[words[place] for place in evictions[column]] for column in ("by", "rule", "reason", "node")]
    assert list(zip(evictions["name"], *said, strict=True)) == [
        (item.pod, item.by, item.rule, item.reason, item.node) for item in plan.evictions
    ]
    waits = [[(words[kind], words[message]) for kind, message in pairs] for pairs in jobs["waits"]]
    told = zip(jobs["name"], (words[place] for place in jobs["queue"]), map(tuple, jobs["ready"]), waits, strict=True)
    expected = [
        (job.job, job.queue, (job.ready, job.min_available), [(wait.kind, wait.message) for wait in job.waiting_for])
        for job in plan.jobs
    ]
    assert sorted(told) == sorted(expected)


@given(plans())
def test_no_name_adds_an_element_or_a_script(plan):
    page = page_of(plan)
    empty = page_of(Plan("p", (), (), plan.summary, plan.usage))
    assert not any(tag == "img" for tag, _ in page.elements)
    assert [tag for tag, _, _ in page.raw] == [tag for tag, _, _ in empty.raw]
    hashes = page.policy
    for tag, attrs, text in page.raw:
        if attrs.get("type") != "application/json":
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in hashes["style-src" if tag == "style" else "script-src"]


@given(st.recursive(st.text() | st.just(HOSTILE), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_embedded_data_survives_and_cannot_leave_its_element(value):
    text = embedded(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not set("<>&") & set(text)


@given(plans())
def test_nobody_sees_an_invisible_character(plan):
    text = page_of(plan).text
    assert text.isprintable()
    assert " ".join(printable(plan.policy).split()) in text


def test_the_page_loads_nothing():
    page = page_of(example_plan())
    for tag, attrs in page.elements:
        for name, value in attrs.items():
            assert name not in LOADING or value.startswith("#") or value == "data:,", f"<{tag} {name}={value}>"
            assert not name.startswith("on"), f"<{tag} {name}>"
            assert name != "style", f"<{tag} style> would need unsafe-inline"
    [style] = [text for tag, _, text in page.raw if tag == "style"]
    assert not re.search(r"url\(|@import|@font-face", style)
    for path in sorted(ASSETS.glob("page/*.js")):
        assert not re.search(
            r"https?:|fetch\(|XMLHttpRequest|WebSocket|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(",
            path.read_text(encoding="utf-8"),
        ), path.name


def test_the_policy_forbids_everything_but_what_is_in_the_page():
    policy = page_of(example_plan()).policy
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == policy["form-action"] == ["'none'"]
    assert policy["img-src"] == ["data:"]
    assert len(policy["script-src"]) == 3
    assert all(value.startswith("'sha256-") for value in policy["script-src"] + policy["style-src"])


@pytest.mark.parametrize("path", sorted(ASSETS.rglob("*.[jc]s*")), ids=lambda path: path.name)
def test_an_asset_can_stand_inside_its_element(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"</(script|style)|<!--", text, re.IGNORECASE)
    assert "\r" not in text  # a browser would read it as a line feed and find another hash


def test_the_chart_library_stays_small_and_names_its_licences():
    library = (ASSETS / "echarts.min.js").read_text(encoding="utf-8")
    assert len(library) < 600_000
    assert "Apache-2.0" in library[:200]
    licences = (ASSETS / "echarts.LICENSES.txt").read_text(encoding="utf-8")
    assert all(part in licences for part in re.findall(r"(?:echarts|zrender|tslib) [\d.]+", library[:200]))


def test_the_same_plan_gives_the_same_page():
    assert plan_page(large_plan(50, 200)) == plan_page(large_plan(50, 200))


def test_the_page_tells_the_plan_without_scripts():
    text = page_of(example_plan()).text
    for words in (
        "Placed 3 of 6 pending pods, 50.0%",
        "Still pending 3 2 reasons",
        "Bound before 11",
        "cpu 41.0% 62.5% +21.5",
        "Volcano's plugin nodegroup is not known to Yuheng and was left out.",
        "0/4 nodes are available: 3 Insufficient cpu, 1 node(s) had untolerated taint {gpu: true}.",
        "Hint request 500m less cpu",
        "node-2 cpu 500m",
        "4 Insufficient nvidia.com/gpu DeviceFit",
    ):
        assert words in text


def test_pods_with_the_same_reasons_are_told_together():
    plan = large_plan(300, 400)
    page = page_of(plan)
    buttons = [attrs["data-group"] for tag, attrs in page.elements if "data-group" in attrs]
    assert buttons == ["0", "1", "2"]
    assert "for 8 pods" in page.text
    assert len(page.data["refusals"]) <= len(plan.unschedulable)


def test_more_reasons_than_fit_are_left_to_the_table():
    refusals = tuple(Refusal(f"a/{number}", f"reason {number:03}") for number in range(60))
    page = page_of(Plan("p", (), refusals, example_plan().summary))
    assert sum(tag == "article" for tag, _ in page.elements) == 50
    assert "10 more reasons: choose one in the table of pods." in page.text
    assert "1 pod: reason 059" in page.text


def test_hints_that_are_not_shown_are_counted():
    refusals = tuple(Refusal(f"a/{number}", "the same", hint=f"hint {number}") for number in range(7))
    text = page_of(Plan("p", (), refusals, example_plan().summary)).text
    assert "4 more hints, each with its pod in the table below." in text


def test_a_plan_without_usage_has_no_map_and_no_chart_library():
    page = page_of(Plan("p", (), (), example_plan().summary))
    assert not any(attrs.get("id") == "map" for _, attrs in page.elements)
    assert len([tag for tag, _, _ in page.raw if tag == "script"]) == 3
    assert "Nothing is pending" in page.text


def test_jobs_and_evictions_are_told_without_scripts():
    text = page_of(replace(example_plan(), jobs=example_jobs(), evictions=example_evictions())).text
    for words in (
        "pods that ran already, 3 evicted",
        "Jobs 5 jobs after the plan",
        "Running 2 their minimum runs or is placed Admitted 1 let in, and not started Waiting 2 not let in",
        "3 quota queue nlp uses 4 of 4 nvidia.com/gpu ml/bert, ml/yolo, ml/elastic",
        "Evictions 3 running pods that have to go first",
        "2 reclaim ml/gpt queue production borrows 2 nvidia.com/gpu and 1 more reason",
        "1 tdm nobody the zone night closes at 06:00",
    ):
        assert words in text


def test_a_plan_without_jobs_has_no_sections_for_them():
    sections = [attrs.get("id") for tag, attrs in page_of(example_plan()).elements if tag == "section"]
    assert sections == ["summary", "nodes", "pending", "pods"]


def test_thousands_of_jobs_and_evictions_are_rows_of_data_not_of_the_page():
    page = page_of(replace(example_plan(), jobs=large_jobs(5000), evictions=large_evictions(10000)))
    assert sum(tag == "tr" for tag, _ in page.elements) < 100
    assert "490 more jobs" in page.text
    assert len(page.data["jobs"]["name"]) == 5000
    assert len(page.data["words"]) < 800


def test_a_share_above_one_and_a_shrinking_one_still_fit_their_bar():
    summary = example_plan().summary
    share = type(summary.allocation["cpu"])
    over = type(summary)(1, 0, 0, 0, 0, {"cpu": share(1.2, 1.5), "memory": share(0.9, 0.25)}, 0.0)
    page = page_of(Plan("p", (), (), over, (NodeUsage("n", {"cpu": 1}, {}, {"cpu": 2}),)))
    bars = [attrs for tag, attrs in page.elements if tag == "rect" and attrs["class"] != "room"]
    assert [float(bar["width"]) for bar in bars] == [100, 0, 0, 25, 0, 65]


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_can_be_read_on_every_colour_of_both_themes():
    themes = (ASSETS / "page/tokens.css").read_text(encoding="utf-8").split(":root")[1:]
    pairs = [(f"ink-{band}", f"band-{band}") for band in range(11)]
    pairs += [(ink, ground) for ink in ("text", "muted", "accent") for ground in ("panel", "ground", "sunken")]
    pairs += [("good", "panel"), ("warn", "panel"), ("warn", "warn-soft"), ("accent", "accent-soft")]
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", theme))
        for ink, ground in pairs:
            light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{ink} on {ground}"
