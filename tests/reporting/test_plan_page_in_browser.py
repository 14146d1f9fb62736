"""The page in a real browser, where one is installed: scripts run, nothing is refused, names stay text."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from made_plans import example_plan, large_plan
from made_queues import (
    HOSTILE,
    example_evictions,
    example_jobs,
    example_tree,
    large_evictions,
    large_jobs,
)
from msgspec.structs import replace

from yuheng.model.batch_plan import Eviction, JobReport, QueueReport, QueueTree, Wait
from yuheng.model.plan import NearMiss, NodeUsage, Placement, Plan, Reason, Refusal
from yuheng.reporting.html import plan_page
from yuheng.reporting.queue_page import queues_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def shown(result, folder):
    """The document after its scripts ran, and what the browser complained of."""
    file = folder / "page.html"
    page = plan_page(result) if isinstance(result, Plan) else queues_page(result)
    file.write_text(page, encoding="utf-8")
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


def rows_of(document, table="pods"):
    return document.split(f'id="{table}-rows"')[1].split("</tbody>")[0]


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


def test_jobs_and_evictions_come_a_page_at_a_time(tmp_path):
    plan = replace(large_plan(20, 50), jobs=large_jobs(5000), evictions=large_evictions(10000))
    document, complaints = shown(plan, tmp_path)
    assert complaints == []
    assert "1 to 20 of 5,000 jobs" in document
    assert "1 to 20 of 10,000 pods" in document
    assert rows_of(document, "jobs").count("<tr") == rows_of(document, "evictions").count("<tr") == 20
    assert "team-0/wait-00000" in rows_of(document, "jobs")


def test_a_job_shows_all_that_it_waits_for(tmp_path):
    plan = replace(example_plan(), jobs=example_jobs(), evictions=example_evictions())
    document, complaints = shown(plan, tmp_path)
    assert complaints == []
    bert = rows_of(document, "jobs").split("ml/bert")[1].split("</tr>")[0]
    for words in ("nlp", "waiting", "0/4", "2026-01-31T10:00:00Z, in 64.5 min", "quota", "gang", "8 have to"):
        assert words in bert
    assert rows_of(document, "evictions").count("ml/gpt") == 2


def test_hostile_names_of_jobs_and_queues_stay_text(tmp_path):
    job = JobReport(f"a/{HOSTILE}", HOSTILE, "waiting", 0, 1, waiting_for=(Wait("quota", HOSTILE),), place=1)
    eviction = Eviction(f"b/{HOSTILE}", f"c/{HOSTILE}", "reclaim", HOSTILE, HOSTILE)
    shown_text = r"[red]&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;\x1b[31m\u202e\u2028"
    document, complaints = shown(replace(example_plan(), jobs=(job,), evictions=(eviction,)), tmp_path)
    assert complaints == []
    assert "<img" not in document
    assert rows_of(document, "jobs").count(shown_text) == 3
    assert rows_of(document, "evictions").count(shown_text) == 4
    tree = QueueTree((QueueReport(name=HOSTILE, deserved={HOSTILE: 1, "cpu": 5}),), {HOSTILE: 2}, HOSTILE, (HOSTILE,))
    document, complaints = shown(tree, tmp_path)
    assert complaints == []
    assert "<img" not in document
    assert shown_text in document


def test_the_page_of_queues_runs_its_scripts(tmp_path):
    document, complaints = shown(example_tree(), tmp_path)
    assert complaints == []
    assert re.search(r'id="queues-form"(?![^>]*hidden)', document)
    assert 'data-theme="' in document
