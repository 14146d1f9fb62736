"""What runs over several seeds say together: means with intervals, and differences of policies paired by seed.

Two policies on one seed see the same jobs and the same failures. Their difference is therefore taken seed by seed: what
the seed does to both cancels, and the interval of the difference is far narrower than those of the policies (common
random numbers; Law, "Simulation Modeling and Analysis", 2015, on variance reduction and on paired-t intervals).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from yuheng.errors import InputError
from yuheng.model.simulation import MEASURES, Difference, Run, Summary
from yuheng.simulation.student import two_sided_quantile

__all__ = ["Interval", "differences", "interval", "summarise"]


class Interval(NamedTuple):
    """A mean and where, with some confidence, the true one lies."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], confidence: float) -> Interval:
    """The mean of independent values and its interval by Student's t distribution.

    Args:
        values: one at least, all finite; a single one, or values that are all equal, have an interval without width.
        confidence: how often such an interval covers the true mean, from 0 up to but not including 1.
    """
    if min(values) == max(values):
        return Interval(values[0], values[0], values[0])
    count = len(values)
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = two_sided_quantile(count - 1, confidence) * deviation / math.sqrt(count)
    return Interval(mean, mean - half, mean + half)


def summarise(runs: Sequence[Run], confidence: float, measures: Collection[str] = ()) -> tuple[Summary, ...]:
    """The measures of each policy over its seeds.

    Args:
        runs: of any policies and seeds.
        confidence: of the intervals.
        measures: names of `MEASURES`; empty for all.

    Returns:
        By policy in the order of appearance, then in the order of `MEASURES`; without measures that no run of the
        policy has. A run that lacks one, or where it is not finite, does not count for it.

    Raises:
        InputError: a measure has an unknown name.
    """
    names = _selected(measures)
    return tuple(
        Summary(policy, measure, *interval(values, confidence))
        for policy, totals in _by_policy(runs).items()
        for measure in names
        if (values := _values(totals.values(), measure))
    )


def differences(
    runs: Sequence[Run], baseline: str, confidence: float, measures: Collection[str] = ()
) -> tuple[Difference, ...]:
    """The measures of each policy minus those of the baseline, paired by seed.

    Args:
        runs: of any policies and seeds.
        baseline: the policy the others are compared with.
        confidence: of the intervals.
        measures: names of `MEASURES`; empty for all.

    Returns:
        In the order of `summarise`, without the baseline itself; only seeds that both have count.

    Raises:
        InputError: a measure has an unknown name.
    """
    names = _selected(measures)
    by_policy = _by_policy(runs)
    against = by_policy.pop(baseline, {})
    return tuple(
        Difference(policy, baseline, measure, *interval(values, confidence))
        for policy, totals in by_policy.items()
        for measure in names
        if (values := _values(_pairwise(totals, against, measure), measure))
    )


_Totals = dict[str, float]


def _by_policy(runs: Iterable[Run]) -> dict[str, dict[int, _Totals]]:
    """Totals by seed, by policy."""
    found: dict[str, dict[int, _Totals]] = {}
    for run in runs:
        found.setdefault(run.policy, {})[run.seed] = run.totals
    return found


def _pairwise(totals: dict[int, _Totals], against: dict[int, _Totals], measure: str) -> Iterable[_Totals]:
    """What one policy has more of a measure than the other, for each seed where both have it."""
    for seed, own in totals.items():
        other = against.get(seed, {})
        if measure in own and measure in other:
            yield {measure: own[measure] - other[measure]}


def _values(totals: Iterable[_Totals], measure: str) -> list[float]:
    return [one[measure] for one in totals if math.isfinite(one.get(measure, math.nan))]


def _selected(measures: Collection[str]) -> list[str]:
    for name in measures:
        if name not in MEASURES:
            raise InputError(repr(name), f"one of {', '.join(MEASURES)}", field="measures")
    return [name for name in MEASURES if not measures or name in measures]
