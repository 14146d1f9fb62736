"""The clock's order of events, with SimPy as the oracle; and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from tests.scheduling.searching import examples

from yuheng.simulation.clock import Clock, Kind

PRIORITIES = 4


class Planned(NamedTuple):
    """An event: how long after its cause it happens, its priority, and what it causes, in that order."""

    delay: float
    priority: int
    causes: tuple[Any, ...]


# Quarters add up exactly; few of them, so that many events share a time.
DELAYS = st.sampled_from((0.0, 0.25, 0.5, 1.0, 1.0, 2.75))
PLANNED = st.recursive(
    st.builds(Planned, DELAYS, st.integers(0, PRIORITIES - 1), st.just(())),
    lambda below: st.builds(Planned, DELAYS, st.integers(0, PRIORITIES - 1), st.lists(below, max_size=4).map(tuple)),
    max_leaves=25,
)
PROGRAMS = st.lists(PLANNED, min_size=1, max_size=12)
History = list[tuple[float, tuple[int, ...]]]


def by_clock(program: list[Planned]) -> History:
    """When each event happened; an event is known by its place among those of its cause, and its cause's."""
    clock, history = Clock(), []

    def cause(events: tuple[Planned, ...] | list[Planned], path: tuple[int, ...]) -> None:
        for i, event in enumerate(events):
            clock.schedule(clock.now + event.delay, event.priority, (event, (*path, i)))

    def happens(subject: tuple[Planned, tuple[int, ...]]) -> None:
        event, path = subject
        history.append((clock.now, path))
        cause(event.causes, path)

    cause(program, ())
    assert clock.run([happens] * PRIORITIES) == len(history)
    return history


def by_simpy(program: list[Planned]) -> History:
    environment, history = simpy.Environment(), []

    def cause(events: tuple[Planned, ...] | list[Planned], path: tuple[int, ...]) -> None:
        for i, event in enumerate(events):
            made = simpy.Event(environment)
            made._ok, made._value = True, None
            made.callbacks.append(happens(event, (*path, i)))
            environment.schedule(made, event.priority, event.delay)

    def happens(event: Planned, path: tuple[int, ...]) -> Callable[[simpy.Event], None]:
        def callback(_: simpy.Event) -> None:
            history.append((environment.now, path))
            cause(event.causes, path)

        return callback

    cause(program, ())
    environment.run()
    return history


@examples(150)
@given(program=PROGRAMS)
def test_events_happen_in_the_order_of_simpy(program: list[Planned]) -> None:
    assert by_clock(program) == by_simpy(program)


def test_events_of_one_time_and_priority_happen_as_they_were_scheduled() -> None:
    clock, seen = Clock(), []
    for i in range(100):
        clock.schedule(1.0, 0, i)
    clock.run([seen.append])
    assert seen == list(range(100))


def test_what_frees_room_comes_before_what_takes_it() -> None:
    order = [Kind.FINISH, Kind.NODE_RECOVERED, Kind.NODE_FAILED, Kind.SUBMIT, Kind.START, Kind.CYCLE, Kind.SAMPLE]
    assert order == sorted(order)
    assert max(Kind) == Kind.END


@pytest.mark.parametrize("time", [9.999, -1.0, float("-inf"), float("nan")])
def test_no_event_is_accepted_in_the_past(time: float) -> None:
    clock = Clock()
    refused: list[str] = []

    def happens(_: None) -> None:
        with pytest.raises(ValueError, match=r"expected 10\.0 or later") as caught:
            clock.schedule(time, 0)
        refused.append(str(caught.value))
        clock.schedule(10.0, 0, "now")

    clock.schedule(10.0, 1)
    clock.run([refused.append, happens])
    assert len(refused) == 2
    assert refused[-1] == "now"


def test_a_clock_stops_when_it_is_told_to() -> None:
    clock, seen = Clock(), []
    for time in (1.0, 2.0, 3.0):
        clock.schedule(time, 0, time)
    assert clock.run([seen.append], lambda: len(seen) < 2) == 2
    assert (seen, clock.now, len(clock)) == ([1.0, 2.0], 2.0, 1)
