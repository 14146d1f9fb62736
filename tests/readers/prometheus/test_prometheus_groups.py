"""Series in groups, and time in spans: everything once, nothing too large."""

from __future__ import annotations

import json
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from yuheng.readers.usage.prometheus.promql import equal, escaped
from yuheng.readers.usage.prometheus.spans import Bounds, spans
from yuheng.readers.usage.prometheus.splitting import namespace_groups, pod_groups

NAMES = st.text(alphabet="ab1-.", min_size=1, max_size=8)
SERIES = st.dictionaries(NAMES, st.integers(1, 6), min_size=1, max_size=40)
CONDITION = re.compile(r'\w+(=~|!~|=)("(?:[^"\\]|\\.)*")')


def meets(value: str, matchers: str) -> bool:
    """Whether a label's value meets conditions, as Prometheus would say."""
    for kind, text in CONDITION.findall(matchers):
        pattern = json.loads(text)
        found = value == pattern if kind == "=" else re.fullmatch(pattern, value) is not None
        if found == (kind == "!~"):
            return False
    return True


@given(SERIES, st.integers(1, 12))
def test_every_pod_is_asked_for_once_within_the_limit(series, limit):
    groups, large = pod_groups(series, limit)
    assert set(large) == {name for name, count in series.items() if count > limit}
    for name in series:
        assert sum(meets(name, group) for group in groups) == (name not in large)
    for group in groups:
        assert sum(count for name, count in series.items() if meets(name, group)) <= limit


@given(SERIES, st.integers(1, 12))
def test_every_namespace_is_asked_for_once_within_the_limit(series, limit):
    groups, large = namespace_groups(series, limit)
    for name in series:
        assert sum(meets(name, group) for group in groups) == (name not in large)
    for group in groups:
        assert 0 < sum(count for name, count in series.items() if meets(name, group)) <= limit


def test_pods_that_end_alike_are_told_apart_further_up():
    series = {f"job-{number}-exec-1": 1 for number in range(100)}
    groups, large = pod_groups(series, 20)
    assert not large
    assert 5 <= len(groups) <= 10


def test_ten_thousand_pods_are_few_short_queries():
    series = {f"web-{number:05d}": 1 for number in range(10_000)}
    groups, _ = pod_groups(series, 2_000)
    assert len(groups) == 5
    assert max(map(len, groups)) < 100


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(1, 5000), st.integers(1, 50), st.integers(100, 10**5))
def test_spans_are_the_period_once_in_order_and_within_bounds(start, length, step, points, seconds):
    bounds = Bounds(points=points, seconds=seconds)
    found = spans(start, start + length, step, bounds)
    assert all(first.end == second.start for first, second in pairwise(found))
    if found:
        assert 0 <= found[0].start - start < step
        assert 0 <= start + length - found[-1].end < step
    for span in found:
        assert span.start % step == span.end % step == 0
        assert 1 <= span.points(step) <= points
        assert span.end - span.start <= max(seconds, step)


@given(st.text(max_size=20))
def test_a_quoted_value_is_one_string(value):
    text = equal("label", value).removeprefix("label=")
    assert json.loads(text) == value
    assert "\n" not in text


@given(st.text(alphabet="a.b-*+?()[]{}^$|\\", max_size=10))
def test_an_escaped_value_meets_itself_alone(value):
    assert re.fullmatch(escaped(value), value)
    assert not re.fullmatch(escaped(value), value + "x")
