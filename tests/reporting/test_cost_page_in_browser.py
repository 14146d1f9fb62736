"""The page of costs in a real browser, where one is installed: the table can be sorted, nothing is refused."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from made_cost_pages import costs_of, example_costs, example_trend, idle, web
from made_queues import HOSTILE
from msgspec.structs import replace

from yuheng.reporting.cost_page import cost_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--enable-logging=stderr")


def shown(page, folder):
    """The document after its scripts ran, and what the browser complained of."""
    file = folder / "page.html"
    file.write_text(page, encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    done = subprocess.run(
        [BROWSER, *OPTIONS, profile, "--virtual-time-budget=3000", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def clicked(page, title, times):
    """The page as it is when a title of the table was clicked so often.

    The policy of the page allows only its own scripts, so that the clicks are put in its place.
    """
    policy = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
    click = (
        "for (const title of document.querySelectorAll('#costs-table th button')) "
        f"if (title.textContent === '{title}') for (let i = 0; i < {times}; i += 1) title.click();"
    )
    return policy.sub("", page).replace("</body>", f"<script>{click}</script></body>")


def names_of(document):
    body = document.split('id="costs-table"')[1].split("<tbody>")[1].split("</tbody>")[0]
    return re.findall(r'<th scope="row" class="name" data-value="([^"]*)"', body)


ROWS = [
    replace(web(cost=cost), group={"namespace": name}) for name, cost in (("b-10", 30.0), ("a", 20.0), ("b-9", 10.0))
]
ORDERS = {
    "as it comes": ("Total", 0, ["b-10", "a", "b-9"]),
    "dearest first": ("Total", 1, ["b-10", "a", "b-9"]),
    "cheapest first": ("Total", 2, ["b-9", "a", "b-10"]),
    "by name": ("namespace", 1, ["a", "b-9", "b-10"]),
    "by name, backwards": ("namespace", 2, ["b-10", "b-9", "a"]),
}


@pytest.mark.parametrize(("title", "times", "expected"), ORDERS.values(), ids=ORDERS)
def test_a_title_sorts_the_table(tmp_path, title, times, expected):
    document, complaints = shown(clicked(cost_page(costs_of(ROWS)), title, times), tmp_path)
    assert complaints == []
    assert names_of(document) == expected


def test_nothing_is_refused_and_no_name_runs(tmp_path):
    hostile = replace(web(), group={"namespace": HOSTILE})
    found = replace(example_costs(), rows=(*example_costs().rows, hostile, idle()), assumptions=(HOSTILE,))
    document, complaints = shown(cost_page(found, example_trend()), tmp_path)
    assert complaints == []
    assert "<img" not in document
