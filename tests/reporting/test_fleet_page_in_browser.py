"""The page of a fleet plan in a real browser, where one is installed: the table is there, nothing is refused."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from made_fleet_plans import example_drill, example_fleet_plan, example_state, large_fleet_plan
from made_queues import HOSTILE
from msgspec.structs import replace

from yuheng.reporting.drill_page import drill_page
from yuheng.reporting.fleet_page import fleet_page
from yuheng.reporting.fleet_plan_page import fleet_plan_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def shown(page, folder):
    """The document after its scripts ran, and what the browser complained of."""
    file = folder / "page.html"
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


def rows_of(document):
    body = document.split('<tbody id="workloads-rows"')[1].split("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in body.split("<tr ")[1:]]


def test_each_workload_has_its_row_and_clusters_lead_to_them(tmp_path):
    document, complaints = shown(fleet_plan_page(example_fleet_plan()), tmp_path)
    assert complaints == []
    train, cache, web = rows_of(document)
    assert "ml/train Job west-1 1 spot 2026-01-31 09:00 2026-01-31 21:30 $1.10 $17.20 92 g would cost +$1.90/h" in train
    assert "2 clusters refused" in train
    assert "none of 2" in cache
    assert "3 clusters refused east-1 : room for 0 of 2" in cache
    assert "Deployment, by PropagationPolicy shop/web east-1 4 west-1 1 on-demand+spot" in web
    assert not re.search(r"<button[^>]* data-cluster[^>]* disabled", document)
    assert document.count(">east-1</option>") == 1
    assert "1 to 3 of 3 workloads" in document


def test_a_large_fleet_shows_a_page_of_its_workloads(tmp_path):
    document, complaints = shown(fleet_plan_page(large_fleet_plan(100, 5000)), tmp_path)
    assert complaints == []
    assert len(rows_of(document)) == 20
    assert "1 to 20 of 5,000 workloads" in document
    assert "Page 1 of 250" in document


def test_hostile_names_stay_names(tmp_path):
    [train, *_] = example_fleet_plan().workloads
    bad = replace(train, workload=f"{HOSTILE.replace('/', '')}/x", replicas={HOSTILE: 1}, kind=HOSTILE, reason=HOSTILE)
    document, complaints = shown(fleet_plan_page(replace(example_fleet_plan(), workloads=(bad,))), tmp_path)
    assert complaints == []
    assert "<img" not in document


@pytest.mark.parametrize("page", [fleet_page(example_state()), drill_page(example_drill())], ids=["fleet", "drill"])
def test_the_other_pages_run_without_complaint(tmp_path, page):
    _, complaints = shown(page, tmp_path)
    assert complaints == []
