"""The progress bar: late, on a terminal only, and gone when the work is done."""

from __future__ import annotations

import io
import sys
import threading
from typing import ClassVar

import pytest

from yuheng.cli.meter import PATIENCE_SECONDS, Meter


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self):
        return True


class Timer:
    """A timer that goes off when it is told to, unless it was cancelled."""

    started: ClassVar[list[Timer]] = []

    def __init__(self, seconds, function):
        self.seconds = seconds
        self.function = function
        self.cancelled = False

    def start(self):
        self.started.append(self)

    def cancel(self):
        self.cancelled = True

    @classmethod
    def strike(cls):
        for timer in cls.started:
            if not timer.cancelled:
                timer.function()


def on_a_terminal(monkeypatch):
    """Standard error as a terminal. Not a fixture: pytest puts its own in place when a test begins."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm-256color")
    return stream


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr("yuheng.cli.meter.threading.Timer", Timer)
    monkeypatch.setattr(Timer, "started", [])
    return Timer


def test_work_that_is_quick_shows_nothing(monkeypatch, clock):
    terminal = on_a_terminal(monkeypatch)
    with Meter("planning") as meter:
        meter.report(1, 2)
    clock.strike()
    assert terminal.getvalue() == ""


def test_work_that_takes_long_shows_what_is_going_on_and_how_far_it_is(monkeypatch, clock):
    terminal = on_a_terminal(monkeypatch)
    with Meter("planning") as meter:
        clock.strike()
        meter.report(1, 2)
        assert "planning" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is wiped


def test_patience_is_a_second(monkeypatch, clock):
    on_a_terminal(monkeypatch)
    with Meter("planning"):
        assert [timer.seconds for timer in clock.started] == [PATIENCE_SECONDS] == [1.0]


def test_it_appears_by_itself_when_patience_is_over(monkeypatch):
    terminal = on_a_terminal(monkeypatch)
    shown = threading.Event()
    write = terminal.write
    terminal.write = lambda text: (shown.set(), write(text))[1]
    with Meter("planning", patience=0.01):
        assert shown.wait(timeout=30)
    assert "planning" in terminal.getvalue()


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch, clock):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with Meter("planning") as meter:
        clock.strike()
        meter.report(1, 2)
    assert clock.started == []
    assert stream.getvalue() == ""


def test_an_error_ends_the_bar_and_passes_through(monkeypatch, clock):
    terminal = on_a_terminal(monkeypatch)

    def fail():
        clock.strike()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), Meter("planning"):
        fail()
    assert terminal.getvalue().endswith("\x1b[2K")
