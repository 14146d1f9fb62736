"""The page in a real browser, where one is installed: scripts run, nothing is refused, names stay text."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from made_plans import HOSTILE, example_plan, large_plan

from yuheng.model.plan import NearMiss, NodeUsage, Placement, Plan, Reason, Refusal
from yuheng.reporting.html import plan_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def shown(plan, folder):
    """The document after its scripts ran, and what the browser complained of."""
    file = folder / "plan.html"
    file.write_text(plan_page(plan), encoding="utf-8")
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            "--dump-dom",
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def rows_of(document):
    return document.split('id="pods-rows"')[1].split("</tbody>")[0]


def test_the_scripts_run_and_the_policy_refuses_nothing(tmp_path):
    document, complaints = shown(large_plan(200, 300), tmp_path)
    assert complaints == []
    assert "1 to 50 of 300 pods" in document
    assert "Page 1 of 6" in document
    assert rows_of(document).count("<tr") == 50
    assert re.search(r'id="map-count"[^>]*>200 nodes<', document)
    assert "<canvas" in document


def test_the_example_shows_every_pod_and_why_it_waits(tmp_path):
    document, complaints = shown(example_plan(), tmp_path)
    assert complaints == []
    rows = rows_of(document)
    assert [rows.count(words) for words in (">placed<", ">pending<", ">0,1<", "node-2</span> lacks cpu 500m")] == [
        3,
        3,
        1,
        2,
    ]


def test_hostile_names_stay_text(tmp_path):
    near = NearMiss(HOSTILE, {HOSTILE: HOSTILE})
    plan = Plan(
        HOSTILE,
        (Placement(f"a/{HOSTILE}", HOSTILE),),
        (Refusal(f"b/{HOSTILE}", HOSTILE, (Reason(HOSTILE, HOSTILE, 1),), (near,), HOSTILE),),
        example_plan().summary,
        (NodeUsage(HOSTILE, {"cpu": 1000, HOSTILE: 5}, {HOSTILE: 1}, {"cpu": 10}),),
        (HOSTILE,),
    )
    document, complaints = shown(plan, tmp_path)
    assert complaints == []
    assert "<img" not in document
    assert rows_of(document).count(r"[red]&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;\x1b[31m\u202e\u2028") == 8
