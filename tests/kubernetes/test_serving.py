"""Measures and health endpoints: what Prometheus and the kubelet get."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from yuheng.errors import ConfigError
from yuheng.kubernetes.api import Asked
from yuheng.kubernetes.running.measures import Measures
from yuheng.kubernetes.running.serving import Address, Pulse, Serving

Get = Callable[..., Awaitable[tuple[int, str, Any]]]


def samples(measures: Measures) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(measures.text().decode())
        for sample in family.samples
    }


def buckets(measures: Measures, name: str) -> list[float]:
    found = {float(dict(labels)["le"]) for each, labels in samples(measures) if each == f"{name}_bucket"}
    return sorted(found)[:-1]


def serve(check: Callable[[Get, Serving], Awaitable[None]], live: str = "", ready: str = "") -> None:
    async def play() -> None:
        serving = Serving(Address("127.0.0.1:0"), Measures("yuheng"), lambda: live, lambda: ready)
        async with serving, aiohttp.ClientSession() as client:

            async def get(path: str, method: str = "GET") -> tuple[int, str, Any]:
                async with client.request(method, f"http://127.0.0.1:{serving.port}{path}") as answer:
                    return answer.status, await answer.text(), answer.headers

            await check(get, serving)

    asyncio.run(play())


def test_names_and_labels_are_those_of_kube_scheduler() -> None:
    measures = Measures("yuheng")
    measures.attempted("scheduled", 0.01, pods=3)
    measures.attempted("unschedulable", 0.01)
    measures.scheduled(2, 1.5)
    measures.scheduled(40, 1.5)
    measures.cycled(4, 0.04)
    measures.preempted(3)
    measures.leader("kube-system/yuheng", lambda: True)
    measures.pending(lambda: {"active": 7})
    measures.cache(lambda: {"nodes": 3})
    measures.asked(Asked("https://10.0.0.1:6443", "POST", "/api/v1/pods"), 201, 0.003)
    measures.asked(Asked("https://10.0.0.1:6443", "GET", "/api/v1/pods"), 0, 0.003)
    found = samples(measures)
    expected = {
        ("scheduler_schedule_attempts_total", (("profile", "yuheng"), ("result", "scheduled"))): 3,
        ("scheduler_schedule_attempts_total", (("profile", "yuheng"), ("result", "unschedulable"))): 1,
        ("scheduler_scheduling_attempt_duration_seconds_count", (("profile", "yuheng"), ("result", "scheduled"))): 3,
        ("scheduler_scheduling_algorithm_duration_seconds_sum", ()): 0.01,
        ("scheduler_pod_scheduling_attempts_sum", ()): 42,
        ("scheduler_pod_scheduling_sli_duration_seconds_count", (("attempts", "2"),)): 1,
        ("scheduler_pod_scheduling_sli_duration_seconds_count", (("attempts", "15+"),)): 1,
        ("scheduler_preemption_attempts_total", ()): 1,
        ("scheduler_preemption_victims_sum", ()): 3,
        ("scheduler_pending_pods", (("queue", "active"),)): 7,
        ("scheduler_pending_pods", (("queue", "gated"),)): 0,
        ("scheduler_cache_size", (("type", "nodes"),)): 3,
        ("leader_election_master_status", (("name", "kube-system/yuheng"),)): 1,
        ("rest_client_requests_total", (("code", "201"), ("host", "10.0.0.1:6443"), ("method", "POST"))): 1,
        ("rest_client_requests_total", (("code", "<error>"), ("host", "10.0.0.1:6443"), ("method", "GET"))): 1,
        ("rest_client_request_duration_seconds_count", (("host", "10.0.0.1:6443"), ("verb", "POST"))): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert not [name for name, _ in found if name.endswith("_created")]


def test_buckets_are_those_of_kube_scheduler() -> None:
    measures = Measures("yuheng")
    measures.attempted("error", 0.01)
    measures.scheduled(1, 1.0)
    doubling = [0.001 * 2**power for power in range(15)]
    assert buckets(measures, "scheduler_scheduling_attempt_duration_seconds") == pytest.approx(doubling)
    assert buckets(measures, "scheduler_scheduling_algorithm_duration_seconds") == pytest.approx(doubling)
    assert buckets(measures, "scheduler_pod_scheduling_sli_duration_seconds") == pytest.approx(
        [0.01 * 2**power for power in range(20)]
    )
    assert buckets(measures, "scheduler_pod_scheduling_attempts") == [1, 2, 4, 8, 16]
    assert buckets(measures, "scheduler_preemption_victims") == [1, 2, 4, 8, 16, 32, 64]


def test_what_is_our_own_is_named_so() -> None:
    measures = Measures("yuheng", process=False)
    measures.compiled(0.5)
    measures.cycled(10, 0.1)
    measures.half_bound(lambda: 2)
    measures.unreadable(lambda: {"Pod": 3})
    measures.recorded(lambda: 4096)
    measures.watches(lambda: {"pods": 3})
    measures.events_dropped(lambda: 5)
    found = samples(measures)
    expected = {
        ("yuheng_compile_duration_seconds_count", ()): 1,
        ("yuheng_cycles_total", ()): 1,
        ("yuheng_cycle_pods_sum", ()): 10,
        ("yuheng_half_bound_gangs", ()): 2,
        ("yuheng_unreadable_objects", (("kind", "Pod"),)): 3,
        ("yuheng_record_bytes", ()): 4096,
        ("yuheng_watch_restarts_total", (("kind", "pods"),)): 3,
        ("yuheng_events_dropped_total", ()): 5,
    }
    assert {key: found.get(key) for key in expected} == expected


def test_two_schedulers_in_one_process_measure_apart() -> None:
    one, other = Measures("one"), Measures("other")
    one.compiled(1.0)
    assert samples(other)["yuheng_compile_duration_seconds_count", ()] == 0


def test_measures_are_served_in_the_format_of_prometheus() -> None:
    async def check(get: Get, _: Serving) -> None:
        status, text, headers = await get("/metrics")
        assert status == 200
        assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "process_resident_memory_bytes" in text

    serve(check)


@pytest.mark.parametrize(
    ("live", "ready", "statuses"),
    [("", "", (200, 200, 200)), ("stuck", "", (500, 500, 200)), ("", "pods are not listed yet", (200, 200, 500))],
)
def test_health_is_told_by_the_status(live: str, ready: str, statuses: tuple[int, ...]) -> None:
    async def check(get: Get, _: Serving) -> None:
        answers = [await get(path) for path in ("/livez", "/healthz", "/readyz")]
        assert tuple(status for status, _, _ in answers) == statuses
        assert [text for _, text, _ in answers] == [live or "ok", live or "ok", ready or "ok"]

    serve(check, live, ready)


def test_nothing_else_is_served_and_nothing_is_told_back() -> None:
    async def check(get: Get, _: Serving) -> None:
        for path in ("/", "/metrics/../etc/passwd", "/<script>", "/debug/pprof"):
            status, text, headers = await get(path)
            assert (status, text) == (404, "not found\n")
            assert headers["X-Content-Type-Options"] == "nosniff"
        assert (await get("/metrics", "POST"))[0] == 405
        assert (await get("/livez", "DELETE"))[0] == 405
        assert (await get("/livez", "HEAD"))[:2] == (200, "")

    serve(check)


def test_a_port_that_is_taken_is_told_in_a_line() -> None:
    async def check(_: Get, serving: Serving) -> None:
        other = Serving(Address(f"127.0.0.1:{serving.port}"), Measures("x"), str, str)
        with pytest.raises(ConfigError, match=rf"cannot serve metrics at 127.0.0.1:{serving.port}: .*in use"):
            await other.__aenter__()

    serve(check)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":9090", None, 9090),
        ("127.0.0.1:9090", "127.0.0.1", 9090),
        ("[::1]:0", "::1", 0),
        ("localhost:80", "localhost", 80),
    ],
)
def test_addresses_are_read_as_go_reads_them(text: str, host: str | None, port: int) -> None:
    address = Address(text)
    assert (address.host, address.port, str(address)) == (host, port, text)


@pytest.mark.parametrize("text", ["", "9090", "host", ":", ":99999", "::1:9090", "a b:1", "http://x:1", ":-1", ":1\n"])
def test_what_is_no_address_is_told_in_a_line(text: str) -> None:
    with pytest.raises(ConfigError, match="expected HOST:PORT or :PORT"):
        Address(text)


def test_a_pulse_that_stops_is_a_problem_after_a_while() -> None:
    seconds = 100.0
    pulse = Pulse(lambda: seconds, patience=60.0)
    seconds += 59
    assert pulse.problem() == ""
    seconds += 2
    assert pulse.problem() == "nothing has turned for 61 s"
    pulse.beat()
    assert pulse.problem() == ""
