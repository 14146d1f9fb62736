"""The strategies told again, slowly and plainly: what `yuheng.finops.rightsizing` is compared with."""

from __future__ import annotations

import math

import numpy as np

DAY = 86400.0
PRICES = (1.0, 1.5, 2.0, 2.5, 3.75, 6.0, 12.0, 50.0, 500.0)
MARGINS = (3, 4, 6, 10, 16, 24, 40)
HELD_OUT = (1, 2, 3, 5, 7)
# A day held out counts for seven, a week for three.
COUNTS = (7, 6, 5, 4, 3)
# Half-life in days, share of all hours, weight of the other kind of day.
PATTERNS = ((4.0, 0.2, 1.0), (4.0, 1.0, 1.0), (8.0, 0.2, 0.2))


def percentile_of_histogram(samples, share, first, largest):
    """VPA's decaying histogram, a sample at a time: the end of the bucket in which the percentile falls."""
    count = math.ceil(math.log(largest * 0.05 / first + 1) / math.log(1.05)) + 1
    held, total, reference = [0.0] * count, 0.0, samples[0][0]
    for time, value in samples:
        bucket = 0 if value < first else min(int(math.log(value * 0.05 / first + 1) / math.log(1.05)), count - 1)
        weight = 0.1 * 2 ** ((time - reference) / DAY)
        held[bucket] += weight
        total += weight
    heavy = [bucket for bucket in range(count) if held[bucket] >= 1e-4]
    bucket, below = heavy[0], 0.0
    while bucket < heavy[-1]:
        below += held[bucket]
        if below >= share * total:
            break
        bucket += 1
    ends_at = bucket + 1 if bucket < count - 1 else bucket
    return first * (1.05**ends_at - 1) / 0.05


def vpa(samples, first, largest, times):
    """Lower bound, target and upper bound of so many (time, value), with the confidence of all times."""
    days = max(min((max(times) - min(times)) / DAY, len(times) / 1440), 1e-9)
    low, target, high = (1.15 * percentile_of_histogram(samples, p, first, largest) for p in (0.5, 0.9, 0.95))
    return low * (1 + 0.001 / days) ** -2, target, high * (1 + 1 / days)


def daily_peaks(samples):
    """VPA's peaks of 24 hours from the first sample on, each dated to the end of its interval."""
    end, peaks = samples[0][0], []
    for time, value in samples:
        if time < end:
            peaks[-1] = (end, max(peaks[-1][1], value))
        else:
            end += math.floor((time - end) / DAY) * DAY + DAY
            peaks.append((end, value))
    return peaks


def krr_quantile(values):
    """Prometheus' quantile_over_time(0.95): linear between the two nearest ranks."""
    ordered = sorted(values)
    rank = 0.95 * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] * (1 - (rank - low)) + ordered[high] * (rank - low)


def slot_of(time):
    """(weekend?, hour)."""
    days = int(time // DAY)
    return int((days + 3) % 7 >= 5), int(time % DAY // 3600)


def seasonal(times, usage):
    """What `try_out` gives: levels of the whole history, and what was asked and above on the days held out."""
    peak = float(max(usage)) or 1.0
    back = [int((times[-1] - time) // DAY) for time in times]
    level = [math.ceil(value / peak * 200 - 1e-9) for value in usage]
    place = [slot_of(time) for time in times]
    counts = np.zeros((back[0] + 1, 2, 24, 201))
    for day, (kind, hour), one in zip(back, place, level, strict=True):
        counts[day, kind, hour, one] += 1
    origins = [days for days in HELD_OUT if back[0] + 1 - days >= 2]
    asked, above = np.zeros((2, 3, 9, 7))
    for origin, counts_for in zip(origins, COUNTS, strict=False):
        weight = counts_for / sum(COUNTS[: len(origins)])
        fitted, top = fit(counts, origin)
        tried = counts[:origin].sum(axis=0)
        for index, margin in np.ndenumerate(np.broadcast_to(MARGINS, asked.shape)):
            request = np.minimum(fitted[index[:2]] + margin, top)
            over = tried * (np.arange(201) > request[..., None])
            asked[index] += weight * (request * tried.sum(axis=-1)).sum() / top / tried.sum()
            above[index] += weight * over.sum() / tried.sum()
    return fit(counts, 0)[0], (asked, above) if origins else None


def fit(counts, origin):
    """(patterns, prices, 2, 24) the cheapest level by what was seen before an origin, and the highest level seen."""
    known = counts[origin:]
    top = max(int(np.flatnonzero(known.sum(axis=(0, 1, 2)))[-1]), 1)
    fitted = np.zeros((3, 9, 2, 24), int)
    for number, (half_life, others, other_kind) in enumerate(PATTERNS):
        weights = 2.0 ** (-np.arange(len(known)) / half_life)
        held = np.tensordot(weights, known, 1)
        everything = held.sum(axis=(0, 1)) / held.sum()
        for kind, hour in np.ndindex(2, 24):
            own = held[kind, hour] + other_kind * held[1 - kind, hour]
            own = own / own.sum() if own.sum() > 0 else everything
            share = np.cumsum((1 - others) * own + others * everything)
            for place, price in enumerate(PRICES):
                cost = np.arange(201) / top - price * share
                fitted[number, place, kind, hour] = int(np.flatnonzero(cost <= cost.min() + 1e-9)[0])
    return fitted, top
