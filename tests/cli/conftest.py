"""The command line in this process: fast, and its exit code, output and errors in one value."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from yuheng.cli import main

INPUTS = Path(__file__).parent / "inputs"


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def yuheng(capsys, monkeypatch):
    """Run ``yuheng`` with these arguments; ``stdin`` are the bytes it is fed."""

    def run(*arguments: object, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["yuheng", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        return Done(int(exit_.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def small() -> Path:
    """A cluster of four nodes: three pods run, six wait, three of them in vain."""
    return INPUTS / "small.yaml"


@pytest.fixture
def shared() -> Path:
    """A cluster that a tree of queues shares: one of them borrows, a job reclaims from it, another waits."""
    return INPUTS / "queues.yaml"


@pytest.fixture
def fleet() -> Path:
    """A folder with a fleet of three clusters: five workloads to place, one of which fits nowhere."""
    return INPUTS / "fleet"


@pytest.fixture
def pod() -> Path:
    """The manifest of a pod that fits the small cluster many times."""
    return INPUTS / "pod.yaml"


@pytest.fixture
def fixed_seconds():
    """Make the only thing in an output that differs from run to run always the same."""

    def fixed(text: str) -> str:
        text = re.sub(r"planned in [\d.,]+ m?s", "planned in 12 ms", text)
        return re.sub(r'("?seconds"?: )[\d.]+', r"\g<1>0.012", text)

    return fixed
