"""Usage summed with SQL is what a plain loop over the samples gives."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_usage import plain_sums

from yuheng.errors import InputError
from yuheng.model.usage import ContainerKey, Requests, Window
from yuheng.readers.usage import open_usage
from yuheng.readers.usage.sums import summed

START = 1_767_225_600.0
STEP = 60.0
GIB = 2**30
NAMES = ("a", "b", "c")


def key(name):
    return ("web", name, "main")


def written(folder, samples, name="usage.csv"):
    path = folder / name
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("timestamp", "namespace", "pod", "container", "cpu", "memory"))
        for ts, who, cpu, memory in samples:
            rows.writerow((ts, *who, "" if cpu is None else cpu, "" if memory is None else memory))
    return path


def asked(requests):
    keys = tuple(ContainerKey(*who) for who in requests)
    cpu, memory = (np.array([amounts[place] for amounts in requests.values()]) for place in (0, 1))
    return Requests(keys=keys, cpu=cpu, memory=memory, gpu=np.zeros(len(keys)))


def sums_of(folder, samples, requests, window=None, every=0.0):
    with open_usage([written(folder, samples)]) as usage:
        chosen = window or Window(usage.start, usage.end, every)
        return summed(usage, asked(requests), chosen), chosen, usage.step


def by_key(found):
    table = {}
    for name in ("cpu", "memory", "cpu_used", "memory_used", "hours"):
        for who, amount in zip(found.who, getattr(found, name), strict=True):
            one = found.keys[who]
            table.setdefault((one.namespace, one.pod, one.container), []).append(amount)
    rows = len(found.who)
    return {one: tuple(values) for one, values in table.items()} if rows == len(found.keys) else None


AMOUNTS = st.one_of(st.none(), st.floats(0, 8).map(lambda value: round(value, 3)))
SERIES = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(NAMES), AMOUNTS, AMOUNTS.map(lambda v: v if v is None else v * GIB)),
    min_size=1,
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SERIES)
def test_sums_are_those_of_a_plain_loop(tmp_path, series):
    samples = [(START + tick * STEP, key(name), cpu, memory) for tick, name, cpu, memory in series]
    # What the usual step is must not hang on the series themselves: near it, a container counts as regular.
    samples += regular("z", 200, lambda _: 0.5)
    requests = {key("a"): (1.0, 2.0), key("b"): (0.25, 0.0)}
    found, window, step = sums_of(tmp_path, samples, requests)
    expected = plain_sums(samples, requests, window.start, window.end, step)
    got = by_key(found)
    assert set(got) == set(expected)
    for one, amounts in expected.items():
        assert got[one] == pytest.approx(amounts, abs=1e-9), one


def regular(name, ticks, cpu):
    return [(START + tick * STEP, key(name), cpu(tick), GIB) for tick in range(ticks)]


def test_a_spiky_container_costs_the_mean_of_maxima(tmp_path):
    """Averages first, and the peaks above the request were paid for by nobody: max(1, 1.6) is 1.6, not 2."""
    samples = regular("a", 60, lambda tick: 0.2 if tick < 30 else 3.0)
    found, _, _ = sums_of(tmp_path, samples, {key("a"): (1.0, 0.5)})
    assert (found.cpu[0], found.cpu_used[0], found.hours[0]) == pytest.approx((2.0, 1.6, 1.0))


def test_a_sample_stands_for_three_steps_at_most(tmp_path):
    samples = [
        sample for sample in regular("a", 60, lambda _: 4.0) if sample[0] < START + 600 or sample[0] >= START + 3000
    ]
    found, _, _ = sums_of(tmp_path, samples, {})
    # 9 samples of a minute, one of three, the gap, and ten more.
    assert found.hours.sum() == pytest.approx((9 + 3 + 10) / 60)
    assert found.cpu.sum() == pytest.approx(4 * (9 + 3 + 10) / 60)
    assert any("gaps" in note for note in found.notes)


def test_the_same_sample_twice_counts_once(tmp_path):
    samples = regular("a", 30, lambda _: 2.0)
    once, _, _ = sums_of(tmp_path, samples, {})
    twice, _, _ = sums_of(tmp_path, samples + samples, {})
    assert twice.cpu.sum() == pytest.approx(once.cpu.sum())
    assert twice.hours.sum() == pytest.approx(0.5)
    assert any("same time" in note for note in twice.notes)


def test_a_container_that_is_sampled_more_rarely_has_its_own_step(tmp_path):
    rare = [(START + tick * 300, key("b"), 1.0, GIB) for tick in range(12)]
    others = [sample for name in ("a", "c", "d") for sample in regular(name, 60, lambda _: 1.0)]
    found, _, step = sums_of(tmp_path, others + rare, {})
    assert step == STEP
    assert by_key(found)[key("b")][0] == pytest.approx(1.0)


def test_days_begin_at_midnight_and_add_up(tmp_path):
    samples = [(START + 80_000 + tick * STEP, key("a"), 1.0, GIB) for tick in range(300)]
    found, window, _ = sums_of(tmp_path, samples, {key("a"): (2.0, 0.0)}, every=86_400.0)
    assert window.edges().tolist() == [START + 80_000, START + 86_400, START + 98_000]
    assert found.period.tolist() == [0, 1]
    assert found.cpu.sum() == pytest.approx(2 * 5.0)
    assert found.cpu[0] == pytest.approx(2 * 107 / 60)


def test_a_window_without_samples_is_told(tmp_path):
    with pytest.raises(InputError, match=r"samples from 2026-01-01T00:00:00Z .* expected some between 2026-02"):
        sums_of(tmp_path, regular("a", 3, lambda _: 1.0), {}, Window(START + 31 * 86_400, START + 32 * 86_400))
