"""A period cut into spans: what one query may cover, and what can be kept and used again.

Spans begin and end at multiples of their length since the epoch, so that runs on different days meet the same ones.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from yuheng.model.units import DAY

__all__ = ["Bounds", "Span", "spans"]


class Bounds(NamedTuple):
    """What no query passes.

    Attributes:
        series: that are selected.
        points: of one series; Prometheus refuses more than 11,000.
        samples: of an answer, all series together.
        seconds: from its beginning to its end, but at least one step.
    """

    series: int = 2_000
    points: int = 11_000
    samples: int = 1_000_000
    seconds: int = int(DAY)

    def length(self, step: int) -> int:
        """Seconds of a span: whole steps."""
        return step * max(min(self.seconds // step, self.points, self.samples), 1)

    def series_of(self, span: Span, step: int) -> int:
        """The most series that may be asked for at once over a span."""
        return max(min(self.series, self.samples // max(span.points(step), 1)), 1)


class Span(NamedTuple):
    """From a time, up to another, in whole seconds since the epoch; both are multiples of the step.

    Attributes:
        start: the beginning of the first sample.
        end: the end of the last sample.
    """

    start: int
    end: int

    def points(self, step: int) -> int:
        """How many samples a series has at most."""
        return (self.end - self.start) // step

    def halves(self, step: int) -> tuple[Span, Span] | None:
        """Two parts of about the same length; None for a single sample."""
        points = self.points(step)
        if points < 2:
            return None
        middle = self.start + points // 2 * step
        return Span(self.start, middle), Span(middle, self.end)

    def is_whole(self, length: int) -> bool:
        """Whether it is not cut off by the beginning or end of a period."""
        return self.start % length == 0 and self.end - self.start == length

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"


def spans(start: float, end: float, step: int, bounds: Bounds) -> list[Span]:
    """The spans of a period, oldest first; what is less than a step at its ends is left out.

    Args:
        start: in seconds since the epoch.
        end: likewise.
        step: seconds that one sample stands for.
        bounds: how long they may be.
    """
    first, last = int(-(-start // step) * step), int(end // step * step)
    length = bounds.length(step)
    cuts = [first, *range((first // length + 1) * length, last, length), last]
    return [Span(*pair) for pair in pairwise(cuts) if pair[0] < pair[1]]
