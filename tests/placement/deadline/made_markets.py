"""Jobs and markets for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from yuheng.model.deadline import DeadlineJob, SpotZone

HOUR = 3600.0


def zone(bits: Sequence[int] | str, gap: float = 600.0, **changed) -> SpotZone:
    """A zone whose trace is written as ``1101``."""
    available = np.array([int(bit) for bit in bits], dtype=np.bool_)
    told = {"name": "a", "gap": gap, "available": available, "on_demand": 3.0, "spot": 1.0, **changed}
    return SpotZone(**told)


@st.composite
def zones(draw: st.DrawFn, most: int = 3) -> tuple[SpotZone, ...]:
    """One to three zones, whose traces are random, constant, flapping, or in spells."""
    found = []
    for number in range(draw(st.integers(1, most))):
        bits = draw(
            st.one_of(
                st.lists(st.integers(0, 1), min_size=1, max_size=60),
                st.sampled_from([[0], [1], [0, 1], [1, 0], [1, 1, 0]]),
                st.lists(st.tuples(st.integers(0, 1), st.integers(1, 30)), min_size=1, max_size=6).map(
                    lambda spells: [bit for bit, length in spells for _ in range(length)]
                ),
            )
        )
        found.append(
            zone(
                bits,
                gap=draw(st.sampled_from([60.0, 195.0, 600.0, 1000.0 / 3, 3600.0])),
                name=f"zone-{number}",
                on_demand=draw(st.sampled_from([3.0, 2.5, 3.06])),
                spot=draw(st.sampled_from([1.0, 0.9731, 2.9, 3.5, 0.0])),
                egress=draw(st.sampled_from([0.0, 0.1, 5.0])),
            )
        )
    return tuple(found)


@st.composite
def jobs(draw: st.DrawFn) -> DeadlineJob:
    """Jobs of a few hours; many with hardly any time to spare."""
    work = draw(st.sampled_from([1.0, 60.0, 2 * HOUR, 5 * HOUR + 7.0, 11 * HOUR / 3]))
    change_over = draw(st.sampled_from([0.0, 1.0, 120.0, 720.0, 5000.0]))
    spare = draw(st.one_of(st.sampled_from([0.0, 1e-9, 1.0, 720.0, 1440.0]), st.floats(0.0, 6 * HOUR)))
    return DeadlineJob(work, work + change_over + spare, change_over)
