"""The best slots of a job that can be interrupted.

Without a price on interruptions the cheapest seconds are taken until there are enough of them, which is exact. With
one, or with parts of the day in which alone a job may start or resume, a dynamic program decides on slots of equal
length:

    on[i, w]     the least cost when slot i is worked in and is the w-th that is
    ended[i, w]  the least cost when w slots have been worked in before slot i
    on[i, w]     = cost(i) + min(on[i-1, w-1], ended[i - gap, w-1] + restart before slot i)

A resumption runs for `restart` seconds before it gets on with the work, and those are paid for too; they need not fill
slots. A job is never worse off than in one go: that is tried as well (`best_start`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.placement.shifting.cost import Cost, areas, changes, rates
from yuheng.placement.shifting.start import SAME, best_start
from yuheng.placement.shifting.windows import Window, allowed, openings

__all__ = ["Slots", "best_slots"]

# A slot is the time between two changes of the series, or the first of these parts of it that everything fits into.
PARTS: Final = (1, 2, 3, 4, 6, 12)
MOST_SLOTS: Final = 1000
# Of a slot: seconds since the epoch hold no more digits.
LITTLE: Final = 1e-6


class Slots(NamedTuple):
    """When a job runs, and what that costs.

    Attributes:
        parts: start and end of each uninterrupted run, in seconds since the epoch, ascending; a resumption's restart is
            the beginning of its part.
        value: of all parts.
    """

    parts: tuple[tuple[float, float], ...]
    value: float


class _Grid(NamedTuple):
    """Slots of equal length.

    Attributes:
        first: when the first begins.
        width: seconds of each.
        slots: how many there are.
        work: how many the job needs.
        head: seconds that it needs of the first of those, at its end; it needs all of the others.
    """

    first: float
    width: float
    slots: int
    work: int
    head: float

    def edges(self) -> NDArray[np.float64]:
        return self.first + self.width * np.arange(self.slots + 1, dtype=np.float64)


def best_slots(
    cost: Cost,
    duration: float,
    earliest: float,
    deadline: float,
    windows: Sequence[Window] = (),
    *,
    restart: float = 0.0,
) -> Slots | None:
    """The parts of the time until a deadline in which an interruptible job costs least.

    Exact without `restart` and `windows`. With them exact on slots: as long as the series' values hold, or a part of
    that, a twelfth at most, where start and duration need it; longer ones where there would be more than `MOST_SLOTS`.

    Args:
        cost: of a second; see `Cost`.
        duration: the work, in seconds; above 0.
        earliest: when it may start, in seconds since the epoch.
        deadline: when all of it is done.
        windows: the parts of the day (UTC) in which it may start and resume, as first and last minute; none for any.
        restart: seconds that each resumption runs before the work goes on.

    Returns:
        None when the work cannot be done in time.
    """
    whole = best_start(cost, duration, earliest, deadline - duration, windows)
    if not windows and restart <= 0:
        return None if whole is None else _cheapest(cost, duration, earliest, deadline)
    found = _planned(cost, _grid(cost, duration, earliest, deadline), openings(windows, earliest, deadline), restart)
    if whole is None or (found is not None and found.value < whole.value - SAME * abs(whole.value)):
        return found
    return Slots(((whole.start, whole.start + duration),), whole.value)


def _cheapest(cost: Cost, duration: float, earliest: float, deadline: float) -> Slots:
    """The cheapest seconds; of equally cheap ones the first."""
    edges = np.concatenate(([earliest], changes(cost, earliest, deadline), [deadline]))
    begins, lengths = edges[:-1], np.diff(edges)
    rate = rates(cost, begins)
    order = np.argsort(rate, kind="stable")
    filled = np.cumsum(lengths[order])
    last = min(int(np.searchsorted(filled, duration * (1 - LITTLE))), len(order) - 1)
    taken = np.zeros(len(begins))
    taken[order[:last]] = lengths[order[:last]]
    cell = int(order[last])
    taken[cell] = min(duration - float(filled[last] - lengths[cell]), float(lengths[cell]))
    starts = begins.copy()
    if cell + 1 < len(taken) and taken[cell + 1] > 0 and not (cell and taken[cell - 1] > 0):
        # The rest of the work fits at either end of its cell; at this one it is no interruption.
        starts[cell] += lengths[cell] - taken[cell]
    used = taken > 0
    parts = [(float(start), float(start + length)) for start, length in zip(starts[used], taken[used], strict=True)]
    return Slots(_joined(parts), float(np.dot(rate[used], taken[used])))


def _grid(cost: Cost, duration: float, earliest: float, deadline: float) -> _Grid:
    """The slots that a job is planned in, such that the series changes between slots where it can be had."""
    moments = changes(cost, earliest, deadline)
    step = float(np.diff(moments).min()) if len(moments) > 1 else duration
    spans = np.append(moments, earliest + duration) - earliest
    width = step / next((part for part in PARTS if _fits(spans, step / part)), PARTS[-1])
    width = max(width, (deadline - earliest) / MOST_SLOTS)
    first = earliest
    if len(moments):
        first = float(moments[0]) - math.ceil(spans[0] / width - LITTLE) * width
    work = max(math.ceil(duration / width - LITTLE), 1)
    count = math.floor((deadline - first) / width + LITTLE)
    return _Grid(first, width, count, work, duration - (work - 1) * width)


def _fits(spans: NDArray[np.float64], width: float) -> bool:
    """Whether each span is a whole number of slots."""
    slots = spans / width
    return bool(np.all(np.abs(slots - np.rint(slots)) < LITTLE))


def _planned(cost: Cost, grid: _Grid, stretches: NDArray[np.float64], restart: float) -> Slots | None:
    """The best slots by dynamic programming; None when there are too few.

    Args:
        cost: of a second.
        grid: the slots.
        stretches: (K, 2) when the job may start and resume.
        restart: seconds that each resumption runs before the work goes on.
    """
    if grid.slots < grid.work or not len(stretches):
        return None
    edges = grid.edges()
    area = areas(cost, edges)
    starts, resumes = edges[1:] - grid.head, edges[:-1] - restart
    program = _Program(
        grid,
        price=np.diff(area),
        first=np.where(allowed(stretches, starts), area[1:] - areas(cost, starts), np.inf),
        again=np.where(allowed(stretches, resumes), area[:-1] - areas(cost, resumes), np.inf),
        # A restart right after the end of a part would be no interruption, but work thrown away.
        gap=math.floor(restart / grid.width + LITTLE) + 1,
    )
    return program.solve(edges, restart)


class _Program:
    """The dynamic program over slots, and the way back through it.

    Args:
        grid: the slots.
        price: (N,) what it costs to work in each of them.
        first: (N,) what the head of the work costs at the end of each; infinite where the job may not start then.
        again: (N,) what the restart before each costs; infinite where the job may not resume then.
        gap: how many slots lie idle at least, or in part in a restart, between two parts.

    Attributes:
        resumed: (N, W + 1) whether slot i, as the w-th, is best begun by a resumption.
        ended: (N + 1, W + 1) the least cost of w slots before slot i.
        last: (N + 1, W + 1) the slot after the last of those.
    """

    def __init__(
        self,
        grid: _Grid,
        *,
        price: NDArray[np.float64],
        first: NDArray[np.float64],
        again: NDArray[np.float64],
        gap: int,
    ) -> None:
        self.grid, self.gap = grid, gap
        count, work = grid.slots, grid.work
        self.resumed = np.zeros((count, work + 1), dtype=np.bool_)
        self.ended = np.full((count + 1, work + 1), np.inf)
        self.last = np.zeros((count + 1, work + 1), dtype=np.int32)
        on = np.full(work + 1, np.inf)
        for i in range(count):
            go_on = on[:-1]
            resume = self.ended[i - gap, :-1] + again[i] if i >= gap else np.full(work, np.inf)
            self.resumed[i, 1:] = resume < go_on
            on = np.append(np.inf, price[i] + np.minimum(go_on, resume))
            on[1] = first[i]
            better = on < self.ended[i]
            self.ended[i + 1] = np.where(better, on, self.ended[i])
            self.last[i + 1] = np.where(better, i + 1, self.last[i])

    def solve(self, edges: NDArray[np.float64], restart: float) -> Slots | None:
        """The parts of the best plan; None when there is none."""
        value = float(self.ended[self.grid.slots, self.grid.work])
        if not math.isfinite(value):
            return None
        parts: list[tuple[float, float]] = []
        end, work = int(self.last[self.grid.slots, self.grid.work]), self.grid.work
        while True:
            slot = end - 1
            while work > 1 and not self.resumed[slot, work]:
                slot, work = slot - 1, work - 1
            begin = edges[slot] - restart if work > 1 else edges[slot + 1] - self.grid.head
            parts.append((float(begin), float(edges[end])))
            if work == 1:
                return Slots(_joined(parts[::-1]), value)
            work -= 1
            end = int(self.last[slot - self.gap, work])


def _joined(parts: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Parts that touch, made one."""
    found = [parts[0]]
    for start, end in parts[1:]:
        if start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)
