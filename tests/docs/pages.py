"""The pages of the documentation, taken apart into what a reader would type and what should be seen.

- A block ```` ```console ```` holds commands (``$ ``, continued by ``> ``) with what they print, standard error
  included. A line that is only ``…`` stands for any lines, ``…`` within a line for any text; a command that nothing
  follows may print anything. Exit codes are 0, unless the next command is ``echo $?``.
- A block with ``title="name"`` behind its language is a file.
- A block ```` ```python ```` is a program; those of one page are one session.

Everything else (```` ```sh ````, ```` ```text ````) is only read: it needs a network or a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w+)?(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_SECONDS = re.compile(r"planned in [\d.,]+ m?s|\"?seconds\"?: [\d.]+")


class File(NamedTuple):
    """A file that the reader is told to make."""

    name: str
    text: str


class Command(NamedTuple):
    """A command, what it prints if that is shown, and whether its exit code is looked at by the next one."""

    text: str
    output: str | None
    may_fail: bool


class Program(NamedTuple):
    """Python code."""

    text: str


def steps(page: str) -> Iterator[File | Command | Program]:
    """What there is to do on a page, in order."""
    for language, info, body in _FENCE.findall(page):
        title = _TITLE.search(info)
        if title:
            yield File(title[1], body)
        elif language == "console":
            yield from _commands(body)
        elif language == "python":
            yield Program(body)


def _commands(body: str) -> Iterator[Command]:
    parts: list[tuple[list[str], list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            parts.append(([line[2:]], []))
        elif line.startswith("> ") and not parts[-1][1]:
            parts[-1][0].append(line[2:])
        else:
            parts[-1][1].append(line)
    texts = ["\n".join(typed) for typed, _ in parts]
    for text, (_, shown), following in zip(texts, parts, [*texts[1:], ""], strict=True):
        yield Command(text, "\n".join(shown) if shown else None, following == "echo $?")


def is_as_shown(shown: str, printed: str) -> bool:
    """Whether an output is what a page shows of it."""
    patterns = []
    for line in _settled(shown).splitlines():
        if line.strip() == "…":
            patterns.append(r"(?:.*\n)*?")
        else:
            patterns.append(re.escape(line.rstrip()).replace("…", ".*") + "\n")
    lines = "".join(f"{line.rstrip()}\n" for line in _settled(printed).splitlines())
    return re.fullmatch("".join(patterns), lines) is not None


def _settled(text: str) -> str:
    return _SECONDS.sub("some time", text)
