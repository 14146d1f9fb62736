"""Usage from a real Prometheus: what it was asked, and that the sums are right."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime

import duckdb
import pytest
from made_prometheus import (
    BEGIN,
    CPU,
    GAP,
    HOURS,
    MEMORY,
    RESET,
    SCRAPE,
    SELECTOR,
    cores,
    environment,
    pods,
    real_prometheus,
)

from yuheng.errors import InputError
from yuheng.readers.usage.prometheus import Bounds, Manners, Question, access_of, fetch

STEP = 300
PERIOD = (float(BEGIN), float(BEGIN + HOURS * 3600))
# Small enough that a namespace has to be taken apart, and that a period is several spans.
TIGHT = Bounds(series=12, points=40, samples=600, seconds=4 * 3600)
HASTY = Manners(interval=0.0)

CHILD = f"""
import sys
from pathlib import Path
from yuheng.readers.usage.prometheus import Bounds, Manners, Question, access_of, fetch
fetch(access_of(sys.argv[1]), Question(period={PERIOD}), Path(sys.argv[2]),
      bounds=Bounds(*{tuple(TIGHT)}), manners=Manners(interval=0.05))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with real_prometheus(tmp_path_factory.mktemp("prometheus")) as found:
        yield found


def asked(server, cache, bounds=TIGHT, **question):
    return fetch(access_of(server.url), Question(period=PERIOD, **question), cache, bounds=bounds, manners=HASTY)


def rows(fetched, select, where="true"):
    paths = [str(path) for path in fetched.paths]
    return duckdb.execute(f"SELECT {select} FROM read_parquet(?) WHERE {where}", [paths]).fetchall()  # noqa: S608


def seconds_of_cpu(fetched):
    found = rows(
        fetched, "namespace, pod, sum(cpu) * 300 GROUP BY 1, 2".replace(" GROUP BY 1, 2", ""), "true GROUP BY 1, 2"
    )
    return {(namespace, pod): used for namespace, pod, used in found}


def epoch(text):
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("bounds", [Bounds(), TIGHT], ids=["loose", "tight"])
def test_sums_are_right_through_a_reset_and_a_gap_however_it_is_asked(server, tmp_path, bounds):
    found = seconds_of_cpu(asked(server, tmp_path, bounds))
    expected = {key: cores(index) * HOURS * 3600 for index, key in enumerate(pods())}
    index = pods().index(("shop", "cart-0"))
    expected["shop", "cart-0"] -= cores(index) * (GAP[1] - GAP[0])
    # What was used between the last scrape before a counter began again and its start is nowhere to be seen.
    index = pods().index(("shop", "cart-1"))
    assert found.pop(("shop", "cart-1")) == pytest.approx(
        expected.pop(("shop", "cart-1")) - cores(index) * SCRAPE, rel=1e-3
    )
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_gap_stays_a_gap(server, tmp_path):
    fetched = asked(server, tmp_path)
    times = {time - BEGIN for (time,) in rows(fetched, "timestamp", "pod = 'cart-0' AND cpu IS NOT NULL")}
    assert times == {at for at in range(0, HOURS * 3600, STEP) if not GAP[0] <= at < GAP[1]}


def test_samples_begin_with_the_period_and_end_before_it_does(server, tmp_path):
    fetched = asked(server, tmp_path)
    assert rows(fetched, "min(timestamp), max(timestamp)") == [(PERIOD[0], PERIOD[1] - STEP)]
    assert (fetched.start, fetched.end) == PERIOD


def test_memory_is_the_largest_of_a_step_and_nodes_are_told(server, tmp_path):
    found = rows(asked(server, tmp_path), "max(memory), min(memory), any_value(node)", "pod = 'cart-2'")
    index = pods().index(("shop", "cart-2"))
    assert found == [(MEMORY + index + 5000, MEMORY + index, f"n{index % 3}")]


def test_gpus_of_a_container_are_added_up_in_devices(server, tmp_path):
    found = rows(asked(server, tmp_path), "namespace, pod, container, min(gpu), max(gpu)", "gpu > 0 GROUP BY ALL")
    assert found == [("batch", pods()[0][1], "app", 1.5, 1.5)]


def test_what_is_sent_is_egress_by_the_share_that_is_told(server, tmp_path):
    assert rows(asked(server, tmp_path), "count(egress_bytes)") == [(0,)]
    fetched = asked(server, tmp_path, egress_share=0.25)
    found = rows(fetched, "pod, container, sum(egress_bytes)", "egress_bytes > 0 GROUP BY ALL")
    assert found == [("cart-0", "app", pytest.approx(0.25 * 1000 * HOURS * 3600, rel=1e-6))]


def test_no_query_passes_a_bound(server, tmp_path):
    before = len(server.queries())
    asked(server, tmp_path)
    told = [query for query in server.queries()[before:] if query["step"]]
    assert len(told) > 3 * 2 * 5
    for query in told:
        start, end = epoch(query["start"]), epoch(query["end"])
        points = (end - start) / query["step"] + 1
        selector, _ = SELECTOR.search(query["query"]).groups()
        series = server.value(f"count(count_over_time({selector}[{int(end - start) + STEP}s]))", end)
        assert points <= TIGHT.points
        assert 0 < series <= TIGHT.series
        assert series * points <= TIGHT.samples


def test_only_series_with_the_label_are_asked_for(server, tmp_path):
    fetched = asked(server, tmp_path, matchers=(("node", "n1"),))
    assert rows(fetched, "DISTINCT node") == [("n1",)]


def test_values_are_quoted(server, tmp_path):
    with pytest.raises(InputError, match="no usage of containers"):
        asked(server, tmp_path, matchers=(("node", '"} or vector(1) #\\\n'),))
    assert server.queries()[-1]["query"].startswith("count by (namespace) (count_over_time(")


def test_a_second_run_asks_only_the_time(server, tmp_path):
    first = asked(server, tmp_path)
    second = asked(server, tmp_path)
    assert second.asked == 1
    assert second.paths == first.paths
    assert not [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and path not in {*first.paths} and path.name not in ("manifest.json", ".lock")
    ]


def test_a_longer_period_asks_only_what_is_new(server, tmp_path):
    length = TIGHT.length(STEP)
    half = (PERIOD[0], PERIOD[0] // length * length + 3 * length)
    fetch(access_of(server.url), Question(period=half), tmp_path, bounds=TIGHT, manners=HASTY)
    before = len(server.queries())
    asked(server, tmp_path)
    assert {epoch(query["start"]) >= half[1] for query in server.queries()[before + 1 :]} == {True}


def test_a_run_that_is_killed_goes_on_where_it_was(server, tmp_path):
    whole = asked(server, tmp_path / "whole")
    before = len(server.queries())
    cache = tmp_path / "cache"
    command = [sys.executable, "-c", CHILD, server.url, str(cache)]
    with subprocess.Popen(command, env=environment()) as child:
        deadline = time.monotonic() + 60
        while not list(cache.rglob("usage.parquet")) or not [*cache.rglob("[0-9a-f]*.parquet")]:
            assert time.monotonic() < deadline
            assert child.poll() is None
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    killed = len(server.queries())
    assert 0 < killed - before < whole.asked
    again = asked(server, cache)
    assert seconds_of_cpu(again) == pytest.approx(seconds_of_cpu(whole))
    told = [(query["query"], query["start"], query["end"]) for query in server.queries()[before:]]
    told = [query for query in told if query[0] != "vector(time())"]
    # What was under way when it was killed was not kept, and is asked again; nothing else is.
    assert len(told) - len(set(told)) <= 1
    assert len(set(told)) == whole.asked - 1


def test_a_damaged_file_of_the_cache_is_asked_again(server, tmp_path):
    first = asked(server, tmp_path)
    expected = seconds_of_cpu(first)
    first.paths[0].write_bytes(first.paths[0].read_bytes()[:-10])
    (first.paths[1].parent / "manifest.json").write_bytes(b'{"settled": tr')
    second = asked(server, tmp_path)
    assert second.asked > 1
    assert seconds_of_cpu(second) == pytest.approx(expected)


def test_what_has_only_just_happened_is_asked_again(server, tmp_path):
    """The server's clock is that of this machine: a period up to now holds nothing, and is asked for every time."""
    now = time.time()
    question = Question(period=(now - 7200, now))
    for _ in range(2):
        with pytest.raises(InputError, match="no usage of containers"):
            fetch(access_of(server.url), question, tmp_path, manners=HASTY)
    counts = [query for query in server.queries() if epoch(query["end"]) > now - 3600 and CPU in query["query"]]
    assert len(counts) >= 2


def test_spans_that_nobody_will_ask_for_again_are_removed_after_a_week(server, tmp_path):
    question = Question(period=(PERIOD[0] + 3600, PERIOD[1]))
    (cut, *whole) = fetch(access_of(server.url), question, tmp_path, bounds=TIGHT, manners=HASTY).paths
    left = cut.parent.parent / ".scratch-1"
    left.mkdir()
    for folder in (cut.parent, whole[0].parent, left):
        os.utime(folder, (time.time() - 8 * 86_400,) * 2)
    later = Question(period=(PERIOD[0] + 4 * 3600, PERIOD[1]))
    fetch(access_of(server.url), later, tmp_path, bounds=TIGHT, manners=HASTY)
    assert [folder.exists() for folder in (cut.parent, whole[0].parent, left)] == [False, True, False]


def test_a_step_of_less_than_two_scrapes_is_told(server, tmp_path):
    question = Question(step=30.0, period=(PERIOD[0], PERIOD[0] + 3600))
    fetched = fetch(access_of(server.url), question, tmp_path, manners=HASTY)
    assert any("less than two scrapes" in note for note in fetched.notes)


def test_what_is_told_of_the_period_is_whole_steps(server, tmp_path):
    question = Question(period=(PERIOD[0] + 100, PERIOD[0] + 3700))
    fetched = fetch(access_of(server.url), question, tmp_path, manners=HASTY)
    assert (fetched.start - BEGIN, fetched.end - BEGIN) == (300, 3600)


def test_the_reset_is_within_the_period():
    assert BEGIN < BEGIN + RESET < PERIOD[1]
