"""The jobs that wait, those that are alike together: when one of them gets nothing, neither do those behind it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator
from typing import NamedTuple

__all__ = ["Alike", "WaitingJobs"]


class Alike(NamedTuple):
    """Jobs that wait and are alike, and more of them than are looked at.

    Attributes:
        last: the last that is looked at.
        rest: those behind it.
    """

    last: str
    rest: list[str]


class WaitingJobs:
    """Jobs by name, with the pods of each that wait.

    A job is *fresh* while all of its pods wait and it was not let in; fresh jobs of one likeness stand in the order of
    their turns, and may be looked at from the front only.
    """

    def __init__(self) -> None:
        self._pods: dict[str, list[int]] = {}
        self._fresh: dict[Hashable, list[tuple[int, str]]] = {}
        self._place: dict[str, tuple[Hashable, int]] = {}
        self._known: dict[str, None] = {}

    def add(self, job: str, pod: int) -> None:
        """A pod waits."""
        pods = self._pods.get(job)
        if pods is None:
            pods = self._pods[job] = []
            self._known[job] = None
        pods.append(pod)

    def remove(self, job: str, pod: int) -> None:
        """A pod waits no more."""
        self.tell_apart(job)
        pods = self._pods[job]
        pods.remove(pod)
        if not pods:
            del self._pods[job]
            self._known.pop(job, None)

    def put_together(self, job: str, likeness: Hashable, turn: int) -> None:
        """A fresh job stands with those that it is like, by its turn."""
        self._known.pop(job, None)
        self._place[job] = likeness, turn
        insort(self._fresh.setdefault(likeness, []), (turn, job))

    def tell_apart(self, job: str) -> None:
        """A job is fresh no more: it is looked at by itself from now on, if it waits still."""
        place = self._place.pop(job, None)
        if place is None:
            return
        likeness, turn = place
        line = self._fresh[likeness]
        del line[bisect_left(line, (turn, job))]
        if not line:
            del self._fresh[likeness]
        if job in self._pods:
            self._known[job] = None

    def pods(self, job: str) -> list[int]:
        """The pods of a job that wait."""
        return self._pods[job]

    def first(self, most: int) -> tuple[list[str], list[Alike]]:
        """The jobs to look at: all that are not fresh, and the first so many of each likeness; and who is left out."""
        jobs = list(self._known)
        cut = []
        for line in self._fresh.values():
            jobs += [job for _, job in line[:most]]
            if len(line) > most:
                cut.append(Alike(line[most - 1][1], [job for _, job in line[most:]]))
        return jobs, cut

    def every(self) -> Iterator[str]:
        """All jobs that wait."""
        return iter(self._pods)
