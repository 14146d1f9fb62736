"""The arrival process of a trace: its rate, its daily and weekly shape, and how irregular it is.

A rate that is a product of a factor of the hour and a factor of the day is a Poisson log-linear model: the factors
that make the counts likeliest are found by scaling hours and days in turn until both margins agree (iterative
proportional fitting; Deming and Stephan, Annals of Mathematical Statistics 11, 1940). Every hour and day is counted
against the time of it that the trace saw, so a trace of nine days is not thought to have two busy Mondays.

Irregularity is measured in operational time (see `yuheng.simulation.arrivals`), where the busy hours are gone.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.scenario import ArrivalProcess
from yuheng.simulation.arrivals import HOUR, HOURS, WEEK, Clock, second_of_week
from yuheng.simulation.distributions import Numbers
from yuheng.simulation.fitted_distributions import rounded

__all__ = ["FittedArrivals", "fit_arrivals"]

DAY: Final = 24 * HOUR
# Traces often begin with a few old jobs long before the rest. Where the shortest stretch with nearly all the jobs is
# this much shorter than the whole, the rate is that of the stretch.
NEARLY_ALL: Final = 0.99
MUCH_SHORTER: Final = 0.5
# A factor is pulled towards 1 as if this many more jobs had come at the mean rate (of bursts, if jobs come in bursts):
# hours of which little was seen get no wild factors.
PRIOR: Final = 4.0
# Nobody can tell more regular arrivals than these from a clock's.
REGULAR: Final = 0.001
_ROUNDS: Final = 200
_SETTLED: Final = 1e-12


class FittedArrivals(NamedTuple):
    """An arrival process, and what had to be assumed, one sentence each."""

    process: ArrivalProcess
    warnings: tuple[str, ...]


class _Margins(NamedTuple):
    """What was seen of every hour of the week.

    Attributes:
        counts: (7, 24) jobs that arrived.
        hours: (7, 24) how many such hours the trace has, in parts where it began or ended within one.
        daily, weekly: whether it is long enough to tell hours, and days, apart.
    """

    counts: Numbers
    hours: Numbers
    daily: bool
    weekly: bool


def fit_arrivals(submit: Numbers, epoch: float | None) -> FittedArrivals:
    """The arrival process that times of submission look drawn from.

    Args:
        submit: seconds since the start, ascending.
        epoch: what second 0 is in seconds since the epoch; None for a Monday at midnight (UTC).

    Raises:
        InputError: there are not two jobs at different times.
    """
    if len(submit) < 2 or submit[0] == submit[-1]:
        raise InputError(
            f"{len(submit)} jobs that are submitted at one time" if len(submit) else "no jobs",
            "two jobs at different times at least: they tell no rate",
            field="submit",
        )
    times, warnings = _busy_stretch(submit)
    length = float(times[-1] - times[0])
    margins = _margins(times, second_of_week(epoch), daily=length >= DAY, weekly=length >= WEEK)
    warnings += _flatness(margins)
    # How strongly factors are pulled depends on the bursts, and these can be told only without the factors' waves.
    first = _process(margins, PRIOR)
    variation = _variation(first, times, epoch)
    process = _process(margins, PRIOR * max(1.0, variation**2))
    return FittedArrivals(_told(process, _variation(process, times, epoch)), tuple(warnings))


def _busy_stretch(submit: Numbers) -> tuple[Numbers, list[str]]:
    """The jobs of the shortest stretch with nearly all jobs where it is much shorter than the trace, else all."""
    most = math.ceil(NEARLY_ALL * len(submit))
    lengths = submit[most - 1 :] - submit[: len(submit) - most + 1]
    first = int(np.argmin(lengths))
    busy, whole = float(lengths[first]), float(submit[-1] - submit[0])
    if busy > MUCH_SHORTER * whole or busy == 0.0:
        return submit, []
    sentence = (
        f"{100 * NEARLY_ALL:g}% of the jobs arrive within {busy / DAY:.3g} of the {whole / DAY:.3g} days of the trace: "
        "rate and shape are those of that time"
    )
    return submit[first : first + most], [sentence]


def _margins(times: Numbers, start: float, *, daily: bool, weekly: bool) -> _Margins:
    # The first job opens the time that is looked at, and so is not part of what arrives within it.
    since_monday = times + start
    hour = (since_monday[1:] % WEEK // HOUR).astype(np.intp)
    counts = np.bincount(hour, minlength=HOURS).astype(np.float64)
    seen = (_hours_until(since_monday[-1]) - _hours_until(since_monday[0])) / HOUR
    return _Margins(counts.reshape(7, 24), seen.reshape(7, 24), daily, weekly)


def _hours_until(second: float) -> Numbers:
    """Seconds of every hour of the week from a Monday at midnight until a later second."""
    weeks, rest = divmod(second, WEEK)
    within: Numbers = np.clip(rest - HOUR * np.arange(HOURS), 0.0, HOUR)
    return weeks * HOUR + within


def _flatness(margins: _Margins) -> list[str]:
    sentences = []
    if not margins.daily:
        sentences.append("the trace is shorter than a day: no hour of the day is busier than another")
    if not margins.weekly:
        sentences.append("the trace is shorter than a week: no day of the week is busier than another")
    return sentences


def _process(margins: _Margins, prior: float) -> ArrivalProcess:
    """The likeliest process, its factors pulled towards 1 by ``prior`` jobs each."""
    counts, hours = margins.counts, margins.hours
    rate, daily, weekly = counts.sum() / hours.sum(), np.ones(24), np.ones(7)
    for _ in range(_ROUNDS):
        before = np.concatenate((daily, weekly))
        if margins.daily:
            daily = _pulled(counts.sum(axis=0), rate * (weekly @ hours), prior)
        if margins.weekly:
            weekly = _pulled(counts.sum(axis=1), rate * (hours @ daily), prior)
        rate = counts.sum() / float(weekly @ hours @ daily)
        if np.max(np.abs(np.concatenate((daily, weekly)) - before)) < _SETTLED:
            break
    return ArrivalProcess(rate=float(rate), daily=tuple(daily.tolist()), weekly=tuple(weekly.tolist()))


def _pulled(seen: Numbers, expected: Numbers, prior: float) -> Numbers:
    """Factors of mean 1: the mean of a gamma posterior whose prior has mean 1."""
    factors = (seen + prior) / (expected + prior)
    of_mean_1: Numbers = factors / factors.mean()
    return of_mean_1


def _variation(process: ArrivalProcess, times: Numbers, epoch: float | None) -> float:
    """Coefficient of variation of the times between arrivals where the rate does not change."""
    intervals: NDArray[np.float64] = np.diff(Clock(process, epoch).operational(times))
    return float(intervals.std() / intervals.mean())


def _told(process: ArrivalProcess, variation: float) -> ArrivalProcess:
    """The process in digits that the trace can vouch for."""
    return ArrivalProcess(
        rate=rounded(process.rate),
        daily=tuple(round(factor, 4) for factor in process.daily),
        weekly=tuple(round(factor, 4) for factor in process.weekly),
        variation=rounded(max(variation, REGULAR)),
    )
