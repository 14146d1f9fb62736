"""A trouble is told at once, by cause, then now and then while it lasts, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from yuheng.kubernetes.api import ApiError, ForbiddenError, UnauthorizedError, UnreachableError
from yuheng.kubernetes.troubles import AGAIN, CALM, GATHER, Troubles

AWAY = UnreachableError("https://eu: no connection to the API server: Connection refused")


class Told:
    """Troubles with a clock that is set, and the lines they wrote."""

    def __init__(self) -> None:
        self.time = 0.0
        self.troubles = Troubles("cannot keep up", lambda: self.time, subject="kinds")
        self.lines: list[dict[str, Any]] = []

    def tell(self, error: Exception, *kinds: str, at: float) -> list[dict[str, Any]]:
        self.time = at
        with capture_logs() as lines:
            for kind in kinds:
                self.troubles.tell(error, kind)
        return lines

    def over(self, *kinds: str, at: float) -> list[dict[str, Any]]:
        self.time = at
        with capture_logs() as lines:
            for kind in kinds:
                self.troubles.over(kind)
        return lines


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_first_is_told_at_once_and_others_who_meet_the_same_when_it_lasts(told: Told) -> None:
    (line,) = told.tell(AWAY, "nodes", "pods", "services", at=0)
    assert line["event"] == "cannot keep up"
    assert line["kinds"] == "nodes"
    assert line["reason"] == str(AWAY)
    assert told.tell(AWAY, "nodes", at=AGAIN / 2) == []
    (line,) = told.tell(AWAY, "nodes", at=AGAIN)
    assert line["kinds"] == "nodes, pods, services"
    assert (line["times"], line["seconds"]) == (5, 300)


def test_rules_that_a_role_lacks_are_told_together_within_moments(told: Told) -> None:
    no = ForbiddenError(403, "Forbidden", "no role allows it")
    assert len(told.tell(no, "nodes", "pods", "services", at=0)) == 1
    assert told.tell(no, "nodes", at=GATHER / 2) == []
    (line,) = told.tell(no, "nodes", at=GATHER)
    assert line["kinds"] == "nodes, pods, services"
    assert told.tell(no, "nodes", "pods", at=GATHER * 5) == []


def test_what_lasts_is_told_every_few_minutes_with_a_count(told: Told) -> None:
    told.tell(AWAY, "nodes", at=0)
    lines = [line for second in range(1, 3000, 5) for line in told.tell(AWAY, "nodes", at=second)]
    assert len(lines) == 3000 // int(AGAIN) - 1
    assert [line["times"] for line in lines] == sorted({line["times"] for line in lines})


def test_the_end_is_told_once_and_only_when_it_is_over_for_everybody(told: Told) -> None:
    told.tell(AWAY, "nodes", "pods", at=0)
    assert told.over("nodes", at=10) == []
    (line,) = told.over("pods", at=11)
    assert (line["event"], line["log_level"]) == ("works again", "info")
    assert told.over("pods", "nodes", "services", at=12) == []


def test_what_comes_and_goes_does_not_fill_the_log(told: Told) -> None:
    lines = []
    for second in range(600):
        lines += told.tell(AWAY, "nodes", at=second)
        lines += told.over("nodes", at=second + 0.5)
    assert len(lines) == 4


def test_after_a_calm_the_same_is_news(told: Told) -> None:
    told.tell(AWAY, "nodes", at=0)
    told.over("nodes", at=1)
    assert len(told.tell(AWAY, "nodes", at=1 + CALM)) == 1


def test_words_that_differ_by_who_asked_are_one_cause(told: Told) -> None:
    lines = [
        line
        for error, code in ((UnauthorizedError, 401), (ForbiddenError, 403))
        for kind in ("nodes", "pods", "services")
        for line in told.tell(error(code, "", f"GET {kind}: no"), kind, at=0)
    ]
    assert [line["reason"] for line in lines] == ["GET nodes: no", "GET nodes: no"]


def test_another_cause_is_told_at_once(told: Told) -> None:
    told.tell(AWAY, "nodes", at=0)
    lines = told.tell(ApiError(500, "", "broken"), "nodes", at=0.1)
    assert [line["reason"] for line in lines] == ["broken"]
    assert [line["event"] for line in told.over("nodes", at=1)] == ["works again"]


def test_nothing_is_told_by_one_that_is_silent() -> None:
    silent = Troubles("cannot keep up", lambda: 0.0, is_silent=True)
    with capture_logs() as lines:
        silent.tell(AWAY)
        silent.over()
    assert lines == []
    assert silent.count == 1
