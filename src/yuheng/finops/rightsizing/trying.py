"""Every pattern, price and margin, tried on days that were held out.

One series of two weeks at five minutes is 189 schedules tried on five splits: as a kernel about a millisecond.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.rightsizing.samples import F64, Samples
from yuheng.finops.rightsizing.seasonal import HELD_OUT, LEVELS, MARGINS, PATTERNS, PRICES, TIE, Trials, tried
from yuheng.model.units import DAY, HOUR
from yuheng.scheduling.kernel import kernel

__all__ = ["try_out"]

I64 = NDArray[np.int64]
SLOTS: Final = 48
_HALF_LIVES: Final = np.array([p.half_life for p in PATTERNS])
_OTHERS: Final = np.array([p.others for p in PATTERNS])
_OTHER_KIND: Final = np.array([p.other_kind for p in PATTERNS])


class Series(NamedTuple):
    """A series in steps, and the day that divides it.

    Attributes:
        back: (N,) whole days before the last sample.
        slot: (N,) kind of day x 24 + hour.
        level: (N,) usage in steps of the peak, rounded up.
    """

    back: I64
    slot: I64
    level: I64


class Rules(NamedTuple):
    """What is tried; as in `seasonal`."""

    half_lives: F64
    others: F64
    other_kind: F64
    prices: F64
    margins: I64


class Desk(NamedTuple):
    """Where the kernels put what they work out: they allocate nothing.

    Attributes:
        held: (slots, levels + 1) weight seen before the origin.
        everything: (levels + 1,) the same of all slots, as shares.
        within: (slots, levels + 1) held-out samples at or below a level.
        weights: (days,) of a day by its age.
        chosen: (patterns, prices, slots) levels.
        totals: (slots,) weight of all levels.
        share: (levels + 1,) at or below a level, of the slot at hand.
    """

    held: F64
    everything: F64
    within: F64
    weights: F64
    chosen: I64
    totals: F64
    share: F64


_RULES: Final = Rules(_HALF_LIVES, _OTHERS, _OTHER_KIND, PRICES, MARGINS.astype(np.int64))
_SHAPE: Final = (len(PATTERNS), len(PRICES))


def try_out(samples: Samples, zone: float = 0.0) -> Trials:
    """Fit every pattern at every price, and try each with every margin on the last days.

    Args:
        samples: of one container; at least one.
        zone: seconds that local time is ahead of UTC.

    Raises:
        ValueError: times do not ascend, or a value is negative or not a number.
    """
    times, usage = (np.ascontiguousarray(part, np.float64) for part in samples)
    if not len(times) or not np.isfinite(usage).all() or (usage < 0).any() or (np.diff(times) < 0).any():
        raise ValueError("found a series that is empty, does not ascend in time or is negative, expected none of these")
    peak = float(usage.max())
    series = Series(*np.empty((3, len(times)), np.int64))
    days = int((times[-1] - times[0]) // DAY) + 1
    desk = _desk(days)
    count_cells(times, usage, zone, peak if peak > 0.0 else 1.0, series)
    held = HELD_OUT[days - HELD_OUT >= 2]
    asked, above = np.zeros((2, len(held), *_SHAPE, len(MARGINS)))
    for place, origin in enumerate(held):
        top = choose(series, int(origin), _RULES, desk)
        try_margins(series, int(origin), top, _RULES, desk, asked[place], above[place])
    choose(series, 0, _RULES, desk)
    levels = desk.chosen.reshape(*_SHAPE, 2, 24).astype(np.int16)
    return tried(levels, asked, above, peak, zone)


def _desk(days: int) -> Desk:
    held, within = np.empty((2, SLOTS, LEVELS + 1))
    everything, share = np.empty((2, LEVELS + 1))
    chosen = np.empty((*_SHAPE, SLOTS), np.int64)
    return Desk(held, everything, within, np.empty(days), chosen, np.empty(SLOTS), share)


@kernel
def count_cells(times: F64, usage: F64, zone: float, peak: float, series: Series) -> None:
    """Fill a series in steps from one in seconds and in cores or bytes."""
    n = len(times)
    for i in range(n):
        # A floor after a division is four times as fast as a floor division, and the same on times of seconds.
        series.back[i] = math.floor((times[n - 1] - times[i]) / DAY)
        local = times[i] + zone
        day = math.floor(local / DAY)
        series.slot[i] = (24 if (day + 3) % 7 >= 5 else 0) + math.floor((local - day * DAY) / HOUR)
        series.level[i] = math.ceil(usage[i] / peak * LEVELS - 1e-9)


@kernel
def choose(series: Series, origin: int, rules: Rules, desk: Desk) -> int:
    """Fill `desk.chosen` with the cheapest levels by what was seen before an origin; the highest level seen by then."""
    top = 1
    for i in range(len(series.back)):
        if series.back[i] >= origin and series.level[i] > top:
            top = series.level[i]
    half_life = -1.0
    for p in range(len(rules.half_lives)):
        if rules.half_lives[p] != half_life:
            half_life = rules.half_lives[p]
            _weigh(series, origin, half_life, desk)
        count = 1 if rules.others[p] == 1.0 else (24 if rules.other_kind[p] == 1.0 else SLOTS)
        for s in range(count):
            _cheapest(p, s, top, rules, desk)
            for again in range(s + count, SLOTS, count):
                for j in range(len(rules.prices)):
                    desk.chosen[p, j, again] = desk.chosen[p, j, s]
    return top


@kernel
def _weigh(series: Series, origin: int, half_life: float, desk: Desk) -> None:
    """Fill `desk.held` and `desk.everything` with what was seen before an origin."""
    for age in range(series.back[0] + 1 - origin):
        desk.weights[age] = 2.0 ** (-age / half_life)
    desk.held[:, :] = 0.0
    for i in range(len(series.back)):
        if series.back[i] >= origin:
            desk.held[series.slot[i], series.level[i]] += desk.weights[series.back[i] - origin]
    total = 0.0
    desk.everything[:] = 0.0
    for s in range(SLOTS):
        desk.totals[s] = 0.0
        for k in range(LEVELS + 1):
            desk.everything[k] += desk.held[s, k]
            desk.totals[s] += desk.held[s, k]
        total += desk.totals[s]
    for k in range(LEVELS + 1):
        desk.everything[k] /= max(total, 1e-300)


@kernel
def _cheapest(pattern: int, slot: int, top: int, rules: Rules, desk: Desk) -> None:
    """Fill in the lowest level with the lowest cost in a slot, for each price."""
    others, other_kind = rules.others[pattern], rules.other_kind[pattern]
    twin = slot + 24 if slot < 24 else slot - 24
    total = desk.totals[slot] + other_kind * desk.totals[twin]
    share = 0.0
    for k in range(top + 1):
        mass = desk.everything[k]
        if others < 1.0 and total > 0.0:
            own = (desk.held[slot, k] + other_kind * desk.held[twin, k]) / total
            mass = (1 - others) * own + others * mass
        share += mass
        desk.share[k] = share
    first = 0
    for j in range(len(rules.prices)):
        price = rules.prices[j]
        least = math.inf
        for k in range(first, top + 1):
            least = min(least, k / top - price * desk.share[k])
        while first / top - price * desk.share[first] > least + TIE:
            first += 1
        # A higher price never asks for less: the next search begins here.
        desk.chosen[pattern, j, slot] = first


@kernel
def try_margins(series: Series, origin: int, top: int, rules: Rules, desk: Desk, asked: F64, above: F64) -> None:
    """Add what each choice would have asked for, and the share above it, on the days after the origin."""
    total = _count_later(series, origin, desk)
    for p in range(asked.shape[0]):
        for j in range(asked.shape[1]):
            for g in range(asked.shape[2]):
                cost, covered = 0.0, 0.0
                for s in range(SLOTS):
                    request = min(desk.chosen[p, j, s] + rules.margins[g], top)
                    covered += desk.within[s, request]
                    cost += request * desk.within[s, LEVELS]
                asked[p, j, g] += cost / (top * total)
                above[p, j, g] += 1.0 - covered / total


@kernel
def _count_later(series: Series, origin: int, desk: Desk) -> float:
    """Fill `desk.within` with the days after an origin; how many samples these are."""
    desk.within[:, :] = 0.0
    total = 0.0
    for i in range(len(series.back)):
        if series.back[i] < origin:
            desk.within[series.slot[i], series.level[i]] += 1.0
            total += 1.0
    for s in range(SLOTS):
        for k in range(LEVELS):
            desk.within[s, k + 1] += desk.within[s, k]
    return total
