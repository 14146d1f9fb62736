"""How many pods of jobs may run in a region at a time: who comes too many waits."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["Slots", "most_at_a_time"]


class Slots:
    """The pods of jobs in one region over time.

    Attributes:
        limit: how many may run at a time.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken: list[tuple[float, float, int]] = []

    def earliest(self, start: float, seconds: float, pods: int) -> float | None:
        """The first moment from which on there is room for so many pods for so long; None when there never is."""
        if pods > self.limit:
            return None
        ends = sorted(end for _, end, _ in self._taken if end > start)
        return next((time for time in (start, *ends) if self._fits(time, seconds, pods)), None)

    def _fits(self, time: float, seconds: float, pods: int) -> bool:
        end = time + seconds
        begins = [begin for begin, stop, _ in self._taken if time < begin < end and stop > time]
        return all(self._running(moment) + pods <= self.limit for moment in (time, *begins))

    def _running(self, moment: float) -> int:
        return sum(pods for begin, end, pods in self._taken if begin <= moment < end)

    def take(self, start: float, seconds: float, pods: int) -> None:
        """Let pods run."""
        self._taken.append((start, start + seconds, pods))

    def give_back(self, start: float, seconds: float, pods: int) -> None:
        """They do not run after all."""
        self._taken.remove((start, start + seconds, pods))

    @property
    def most(self) -> int:
        """How many pods run at a time at the most."""
        return most_at_a_time(self._taken)


def most_at_a_time(spans: Iterable[tuple[float, float, int]]) -> int:
    """The largest sum of amounts that hold at one moment, each from its begin until before its end."""
    changes = sorted(
        change for begin, end, amount in spans for change in ((begin, amount), (end, -amount)) if end > begin
    )
    most = now = 0
    for _, amount in changes:
        now += amount
        most = max(most, now)
    return most
