"""VPA and KRR give what their definitions say."""

from __future__ import annotations

import math

import numpy as np
import plain_rightsizing as plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.finops.rightsizing import krr, vpa
from yuheng.finops.rightsizing.samples import Samples

MIB = 2**20
seeds = st.integers(0, 2**32 - 1)


def history(seed, middle, gap):
    """Samples of one pod at random times."""
    draws = np.random.default_rng(seed)
    count = draws.integers(1, 500)
    times = 1.7e9 + np.cumsum(draws.uniform(30, gap, count))
    return Samples(times, np.exp(draws.normal(middle, 2, count)))


@given(seeds, st.integers(1, 3))
def test_vpa_of_cpu_is_its_histogram(seed, pods):
    found = [history(seed + pod, -1, 3000) for pod in range(pods)]
    pairs = sorted((t, v) for pod in found for t, v in zip(*pod, strict=True))
    expected = plain.vpa(pairs, 0.01, 1000, [t for t, _ in pairs])
    told = vpa.cpu(found, 0.0)
    assert (told.lower, told.target, told.upper) == pytest.approx(expected, rel=1e-9)


@given(seeds, st.integers(1, 3))
def test_vpa_of_memory_is_its_histogram_of_daily_peaks(seed, pods):
    found = [history(seed + pod, 20, 3000) for pod in range(pods)]
    peaks = sorted(peak for pod in found for peak in plain.daily_peaks(list(zip(*pod, strict=True))))
    expected = plain.vpa(peaks, 1e7, 1e12, [t for pod in found for t in pod.times])
    told = vpa.memory(found, 0.0)
    assert (told.lower, told.target, told.upper) == pytest.approx(expected, rel=1e-9)


def test_a_sample_a_day_old_counts_half():
    now = 1.7e9
    newer = Samples(np.array([now - 86400, now]), np.array([1.0, 0.1]))
    assert vpa.cpu([newer], 0.0).target > 1.0  # a third of the weight is above P90's tenth
    older = Samples(np.array([now - 4 * 86400, now]), np.array([1.0, 0.1]))
    assert vpa.cpu([older], 0.0).target < 0.2  # a seventeenth is not


BUMPS = {
    "a small container gets 100 MiB": (100, 150, 250),
    "a large one a fifth": (1000, 900, 1200),
    "what was used counts where it is more than what was asked": (100, 2000, 2400),
}


@pytest.mark.parametrize(("requested", "peak", "expected"), BUMPS.values(), ids=BUMPS)
def test_after_a_kill_for_want_of_memory(requested, peak, expected):
    assert vpa.after_oom(requested * MIB, peak * MIB) == pytest.approx(expected * MIB)


def test_least_amounts():
    still = [Samples(np.array([0.0, 300.0]), np.array([0.0, 0.0]))]
    assert vpa.cpu(still).target == 0.025
    assert vpa.memory(still).target == 250 * MIB
    assert krr.cpu(still) == 0.010
    assert krr.memory(still) == 100 * MIB


@given(st.lists(st.lists(st.floats(0, 1e3), min_size=1, max_size=60), min_size=1, max_size=4))
def test_krr_takes_the_pod_where_the_percentile_is_highest(pods):
    found = [Samples(np.arange(len(values)) * 300.0, np.array(values)) for values in pods]
    assert krr.cpu(found, 0.0) == pytest.approx(max(map(plain.krr_quantile, pods)), abs=1e-9)
    assert krr.memory(found, 0.0, 0.0) == pytest.approx(1.15 * max(map(max, pods)))


def test_krr_goes_a_quarter_above_the_limit_of_a_kill():
    calm = [Samples(np.array([0.0]), np.array([200.0 * MIB]))]
    assert krr.memory(calm, oom=400.0 * MIB) == 500 * MIB


def test_bounds_close_in_as_the_history_grows():
    widths = []
    for days in (1, 4, 16):
        times = 60.0 * np.arange(days * 1440)
        told = vpa.cpu([Samples(times, np.ones(len(times)))], 0.0)
        widths.append(told.upper / told.lower)
    assert widths == sorted(widths, reverse=True)
    assert math.isclose(widths[0], 2 * 1.001**2, rel_tol=1e-3)
