"""The page of a simulation in a real browser, where one is installed: plots are drawn, nothing is refused."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from made_simulations import arrival_sequence, hostile, one_run, over_time

from yuheng.reporting.simulation_page import simulation_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def shown(made, folder):
    """The document after its scripts ran, and what the browser complained of."""
    file = folder / "page.html"
    file.write_text(simulation_page(made), encoding="utf-8")
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


def section(document, name):
    return document.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_a_plot_a_policy_tells_the_mean_and_the_range_at_its_end(tmp_path):
    document, complaints = shown(arrival_sequence(), tmp_path)
    assert complaints == []
    series = section(document, "series")
    assert series.count("<figure>") == 6
    assert re.findall(r'class="stroke"[^>]*><line class="line-(\d)"', series.split('id="series-plots"')[1]) == list(
        "012345"
    )
    assert series.count("<canvas") == 7  # and the bar to zoom with
    said = re.findall(r'class="readout">(\d+\.\d\d)% \((\d+\.\d\d)% to (\d+\.\d\d)%\) at 130%', series)
    assert len(said) == 6
    assert all(float(low) < float(mean) < float(high) for mean, low, high in said)
    assert re.search(r'<option value="\d" selected="">GPU unallocated', series)
    assert 'aria-label="GPU unallocated: fgd"' in series


def test_queues_and_the_week_are_drawn_and_can_be_chosen_from(tmp_path):
    document, complaints = shown(over_time(), tmp_path)
    assert complaints == []
    shares = section(document, "shares")
    assert shares.count("<canvas") == 1
    assert len(re.findall(r"% of \d+\.\d\d% deserved at 14d", shares)) == 3
    assert [shares.count(f">{name}</option>") for name in ("fifo", "proportion", "1", "3", "research")] == [1] * 5
    assert not re.search(r'id="rush-form"[^>]* hidden', document)


def test_one_difference_is_shown_at_a_time_and_what_all_share_on_request(tmp_path):
    document, complaints = shown(over_time(), tmp_path)
    assert complaints == []
    bodies = re.findall(r"<tbody data-plot[^>]*>", section(document, "differences"))
    assert sum("hidden" not in body for body in bodies) == 1
    same = re.findall(r'<tr class="same"[^>]*>', section(document, "summary"))
    assert len(same) == 5
    assert all("hidden" in row for row in same)


def test_one_run_needs_no_choice_of_policies(tmp_path):
    document, complaints = shown(one_run(), tmp_path)
    assert complaints == []
    series = section(document, "series")
    assert series.count("<figure>") == 1
    assert '<select name="view"' not in series


def test_hostile_names_stay_text(tmp_path):
    document, complaints = shown(hostile(), tmp_path)
    assert complaints == []
    assert "<img" not in document
    assert "<script>alert" not in document
    text = r"[red]&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;\x1b[31m\u202e\u2028"
    assert section(document, "series").count(text) >= 4
    assert section(document, "shares").count(text) >= 4
