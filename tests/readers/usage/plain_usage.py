"""The oracle of usage sums: one sample after the other, in plain Python."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from statistics import median

HOUR = 3600.0
GIB = 2**30


def plain_sums(samples, requests, start, end, step):
    """Core-hours and GiB-hours by container: of the greater of request and usage, and of usage.

    Args:
        samples: (ts, key, cpu, memory); memory in bytes, an amount may be None.
        requests: (cores, GiB) by key.
    """
    series = defaultdict(lambda: defaultdict(list))
    for ts, key, cpu, memory in samples:
        if start <= ts < end:
            series[key][ts].append((cpu, memory))
    found = {}
    for key, by_time in series.items():
        times = sorted(by_time)
        waits = [later - earlier for earlier, later in pairwise(times)]
        own = min(median(waits), 5 * step) if waits else step
        stands = [min(wait, 3 * own, end - ts) for wait, ts in zip([*waits, own], times, strict=True)]
        total = [0.0] * 5
        for ts, seconds in zip(times, stands, strict=True):
            total[4] += seconds / HOUR
            for place, unit in ((0, 1.0), (1, GIB)):
                told = [values[place] / unit for values in by_time[ts] if values[place] is not None]
                used = sum(told) / len(told) if told else 0.0
                total[place] += max(used, requests.get(key, (0.0, 0.0))[place]) * seconds / HOUR
                total[place + 2] += used * seconds / HOUR
        found[key] = tuple(total)
    return found
