"""The documentation as a whole: links lead somewhere, generated pages are fresh, make knows the targets."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from pages import PAGES, ROOT, is_as_shown

OTHERS = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "changelog.d/README.md")]
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def headings(path):
    """The anchors that a page has, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", [*PAGES, *OTHERS], ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        if target.startswith(("http:", "https:")):
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), target
        if anchor:
            assert anchor in headings(found), target + anchor


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target, _ in LINK.findall(index.read_text(encoding="utf-8"))}
    pages = {path for path in PAGES if "docs" in path.parts and path != index}
    decisions = {path for path in pages if path.parent.name == "decisions"}
    assert pages - decisions <= linked


def test_every_decision_is_in_its_list():
    folder = ROOT / "docs" / "decisions"
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert all(f"({path.name})" in text for path in folder.glob("0*.md"))


def test_the_generated_pages_are_fresh():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "reference.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_make_has_the_targets_that_pages_name():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in [*PAGES, *OTHERS]:
        named = re.findall(r"(?:`|^)make ([a-z]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, path


SHOWN = {
    "the same": ("one\ntwo", "one\ntwo\n", True),
    "something else": ("one\ntwo", "one\n2\n", False),
    "less": ("one\ntwo", "one\n", False),
    "more": ("one", "one\ntwo\n", False),
    "lines left out": ("one\n…\nfour", "one\ntwo\nthree\nfour\n", True),
    "no lines left out": ("one\n…\ntwo", "one\ntwo\n", True),
    "the rest of a line left out": ("one …", "one two three\n", True),
    "other seconds": ("planned in 12 ms.", "planned in 3.4 s.\n", True),
    "blanks at the end": ("one", "one  \n", True),
}


@pytest.mark.parametrize(("shown", "printed", "same"), SHOWN.values(), ids=SHOWN)
def test_outputs_are_compared_but_for_what_is_left_out(shown, printed, same):
    assert is_as_shown(shown, printed) == same
