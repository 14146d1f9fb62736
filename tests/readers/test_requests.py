"""What a pod requests, as the API server defaults it and kube-scheduler sums it up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_objects import asking, pod, read_one

from yuheng.errors import InputError
from yuheng.readers import read

MI = 1024 * 1024
GI = 1024 * MI
UNSTATED = (100, 200 * MI)


def sidecar(requests: dict[str, Any]) -> dict[str, Any]:
    return asking(requests, restartPolicy="Always")


@pytest.mark.parametrize(
    ("spec", "requests"),
    [
        pytest.param({"containers": [asking({"cpu": "1", "memory": "1Gi"})]}, {"cpu": 1000, "memory": GI}, id="plain"),
        pytest.param({"containers": [asking({"cpu": 2, "memory": 1.5})]}, {"cpu": 2000, "memory": 2}, id="numbers"),
        pytest.param({"containers": [asking({"cpu": "1"}), asking({"cpu": "500m"})]}, {"cpu": 1500}, id="sum"),
        pytest.param({"containers": [asking()]}, {}, id="nothing"),
        pytest.param({"containers": [asking({"cpu": "0", "example.com/a": "0"})]}, {}, id="zero is nothing"),
        pytest.param(
            {"containers": [asking({"cpu": "1"}, limits={"cpu": "2", "memory": "1Gi"})]},
            {"cpu": 1000, "memory": GI},
            id="limit where there is no request",
        ),
        pytest.param(
            {"containers": [asking(limits={"nvidia.com/gpu": "2"})]},
            {"nvidia.com/gpu": 2},
            id="extended limit",
        ),
        pytest.param(
            {"containers": [asking({"memory": "500m"}), asking({"memory": "500m"})]},
            {"memory": 1},
            id="rounded once, at the end",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "100500u"}), asking({"cpu": "100500u"})]},
            {"cpu": 202},
            id="each rounded to a thousandth by the API server",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "1"})],
                "initContainers": [asking({"cpu": "3"}), asking({"cpu": "2"})],
            },
            {"cpu": 3000},
            id="largest init container",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "2"})], "initContainers": [asking({"cpu": "1"})]},
            {"cpu": 2000},
            id="small init container",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "1"})], "initContainers": [asking({"memory": "1Gi"})]},
            {"cpu": 1000, "memory": GI},
            id="each resource by itself",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "1"})], "initContainers": [sidecar({"cpu": "2"})]},
            {"cpu": 3000},
            id="sidecar runs beside",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "1"})],
                "initContainers": [sidecar({"cpu": "2"}), asking({"cpu": "4"})],
            },
            {"cpu": 6000},
            id="init container beside the sidecar before it",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "1"})],
                "initContainers": [asking({"cpu": "4"}), sidecar({"cpu": "2"})],
            },
            {"cpu": 4000},
            id="init container before the sidecar",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "1"})],
                "initContainers": [sidecar({"cpu": "1"}), sidecar({"cpu": "2"}), asking({"cpu": "1"})],
            },
            {"cpu": 4000},
            id="two sidecars",
        ),
        pytest.param(
            {
                "containers": [asking({"cpu": "1"})],
                "initContainers": [asking({"cpu": "3"})],
                "overhead": {"cpu": "250m", "memory": "64Mi"},
            },
            {"cpu": 3250, "memory": 64 * MI},
            id="overhead on top",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "8"})], "resources": {"requests": {"cpu": "2"}}},
            {"cpu": 2000},
            id="pod level replaces",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "1", "memory": "1Gi"})], "resources": {"requests": {"cpu": "2"}}},
            {"cpu": 2000, "memory": GI},
            id="pod level for what it names",
        ),
        pytest.param(
            {"containers": [asking()], "resources": {"limits": {"cpu": "2"}}},
            {"cpu": 2000},
            id="pod limit where nothing is requested",
        ),
        pytest.param(
            {"containers": [asking({"cpu": "1"})], "resources": {"limits": {"cpu": "2"}}},
            {"cpu": 1000},
            id="pod limit where containers request",
        ),
        pytest.param(
            {"containers": [asking()], "resources": {"requests": {"cpu": "1"}}, "overhead": {"cpu": "100m"}},
            {"cpu": 1100},
            id="overhead on the pod level",
        ),
        pytest.param(
            {"containers": [asking()], "resources": {"requests": {"hugepages-2Mi": "4Mi"}}},
            {"hugepages-2Mi": 4 * MI},
            id="huge pages of the pod",
        ),
        pytest.param(
            {"containers": [asking()], "resources": {"requests": {"example.com/a": "1"}}},
            {},
            id="no extended resources on the pod level",
        ),
        pytest.param(
            {"containers": [asking({"memory": "8Ei"}), asking({"memory": "8Ei"})]},
            {"memory": 2**56 - 1},
            id="never more than fits",
        ),
    ],
)
def test_the_effective_request(spec: dict[str, Any], requests: dict[str, int]) -> None:
    assert read_one(pod(**spec)).spec.requests == requests


@pytest.mark.parametrize(
    ("spec", "pending", "running"),
    [
        pytest.param({"containers": [asking({"cpu": "1", "memory": "1Gi"})]}, (1000, GI), None, id="stated"),
        pytest.param({"containers": [asking()]}, UNSTATED, None, id="not stated"),
        pytest.param({"containers": []}, (0, 0), None, id="nobody to state it"),
        pytest.param({"containers": [asking({"cpu": "0", "memory": "0"})]}, (0, 0), None, id="zero is stated"),
        pytest.param({"containers": [asking({"cpu": "1"}), asking()]}, (1100, 400 * MI), None, id="each container"),
        pytest.param({"containers": [asking(limits={"cpu": "1"})]}, (1000, 200 * MI), None, id="a limit states"),
        pytest.param(
            {"containers": [asking({"cpu": "50m"})], "initContainers": [asking()]},
            (100, 200 * MI),
            None,
            id="init containers too",
        ),
        pytest.param(
            {"containers": [asking()], "initContainers": [sidecar({"cpu": "1"}), asking()]},
            (1100, 400 * MI),
            None,
            id="sidecars too",
        ),
        pytest.param({"containers": [asking()], "overhead": {"cpu": "1"}}, (1100, 200 * MI), None, id="overhead"),
        pytest.param(
            {"containers": [asking()], "resources": {"requests": {"cpu": "2", "memory": "1Gi"}}},
            UNSTATED,
            (2000, GI),
            id="pod level counts when it runs",
        ),
        pytest.param(
            {"containers": [asking({"memory": "1Gi"}), asking()], "resources": {"requests": {"cpu": "2"}}},
            (200, GI + 200 * MI),
            (2000, GI),
            id="pod level, memory of one container",
        ),
        pytest.param(
            {"containers": [asking(), asking()], "resources": {"requests": {"cpu": "2"}}},
            (200, 400 * MI),
            (2000, 400 * MI),
            id="pod level, memory of none",
        ),
    ],
)
def test_what_it_is_scored_by(spec: dict[str, Any], pending: tuple[int, int], running: tuple[int, int] | None) -> None:
    found = read_one(pod(**spec)).spec
    assert (found.scoring_requests, found.held_requests) == (pending, running)


cores = st.integers(0, 8).map(lambda number: {"cpu": f"{number * 250}m"})


@given(st.lists(cores, min_size=1, max_size=3), st.lists(st.tuples(cores, st.booleans()), max_size=4))
def test_a_pod_never_requests_less_than_it_uses_at_any_time(
    running: list[dict[str, str]], init: list[tuple[dict[str, str], bool]]
) -> None:
    starts = [sidecar(amounts) if keeps_running else asking(amounts) for amounts, keeps_running in init]
    found = read_one(pod(containers=[asking(amounts) for amounts in running], initContainers=starts))
    sidecars, peak = 0, 0
    for amounts, keeps_running in init:
        own = int(amounts["cpu"][:-1])
        peak = max(peak, sidecars + own)
        sidecars += own if keeps_running else 0
    peak = max(peak, sidecars + sum(int(amounts["cpu"][:-1]) for amounts in running))
    assert found.spec.requests.get("cpu", 0) == peak


class TestWhileItIsResized:
    """The kubelet changes a running container step by step; the scheduler counts the largest step."""

    @staticmethod
    def resized(
        wanted: dict[str, str],
        *,
        promised: dict[str, str] | None = None,
        had: dict[str, str] | None = None,
        refused: bool = False,
    ) -> dict[str, int]:
        status: dict[str, Any] = {"name": "c"}
        if promised is not None:
            status["allocatedResources"] = promised
        if had is not None:
            status["resources"] = {"requests": had}
        condition = {"type": "PodResizePending", "reason": "Infeasible" if refused else "Deferred"}
        manifest = pod(
            containers=[asking(wanted)],
            nodeName="n",
            status={"phase": "Running", "conditions": [condition], "containerStatuses": [status]},
        )
        return read_one(manifest).spec.requests

    @pytest.mark.parametrize(
        ("step", "cpu"),
        [
            pytest.param({"promised": {"cpu": "1"}, "had": {"cpu": "1"}}, 1000, id="at rest"),
            pytest.param({"promised": {"cpu": "2"}, "had": {"cpu": "1"}}, 2000, id="promised more"),
            pytest.param({"promised": {"cpu": "500m"}, "had": {"cpu": "3"}}, 3000, id="not yet given back"),
            pytest.param({"promised": {"cpu": "500m"}, "had": {"cpu": "500m"}}, 1000, id="wanted more"),
            pytest.param(
                {"promised": {"cpu": "500m"}, "had": {"cpu": "500m"}, "refused": True},
                500,
                id="wanted in vain",
            ),
            pytest.param({"promised": {"cpu": "2"}}, 1000, id="nothing is said of what it has"),
            pytest.param({}, 1000, id="nothing is said"),
        ],
    )
    def test_the_largest_of_wanted_promised_and_had_counts(self, step: dict[str, Any], cpu: int) -> None:
        assert self.resized({"cpu": "1"}, **step) == {"cpu": cpu}

    def test_a_sidecar_is_resized_as_well(self) -> None:
        manifest = pod(
            containers=[asking({"cpu": "1"})],
            initContainers=[{**sidecar({"cpu": "1"}), "name": "s"}],
            status={"initContainerStatuses": [{"name": "s", "resources": {"requests": {"cpu": "3"}}}]},
        )
        assert read_one(manifest).spec.requests == {"cpu": 4000}

    def test_an_amount_that_is_malformed_is_an_error(self) -> None:
        with pytest.raises(
            InputError, match=r"status\.containerStatuses\.allocatedResources\.cpu: found 'x', expected"
        ):
            self.resized({"cpu": "1"}, promised={"cpu": "x"})

    def test_pods_at_rest_share_their_specification_with_pending_ones(self) -> None:
        status = {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "1000m"}}]}
        waiting, running = read(
            pod("a", containers=[asking({"cpu": "1"})]),
            pod("b", containers=[asking({"cpu": "1"})], status=status),
        ).pods
        assert running.spec is waiting.spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"containers": [asking(), asking({"cpu": "1x"})]},
            "spec.containers[1].resources.requests.cpu: found '1x', expected a quantity such as 100m, 1.5Gi, 1e3 or 2k",
        ),
        (
            {"initContainers": [asking(limits={"memory": "-1"})]},
            "spec.initContainers[0].resources.limits.memory: found '-1', expected an amount that is not negative",
        ),
        (
            {"containers": [asking({"nvidia.com/gpu": "0.5"})]},
            (
                "spec.containers[0].resources.requests[nvidia.com/gpu]: found '0.5', "
                "expected a whole number of an extended resource"
            ),
        ),
        (
            {"overhead": {"cpu": ""}},
            "spec.overhead.cpu: found '', expected a quantity such as 100m, 1.5Gi, 1e3 or 2k",
        ),
        (
            {"resources": {"limits": {"cpu": "1K"}}},
            "spec.resources.limits.cpu: found '1K', expected a quantity such as 100m, 1.5Gi, 1e3 or 2k",
        ),
        (
            {"containers": [asking({"cpu": True})]},
            "spec.containers[0].resources.requests.cpu: found true, expected a number or text",
        ),
    ],
)
def test_an_amount_that_the_api_server_refuses_names_its_field(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(pod(**spec))
    assert str(caught.value) == f"<object>: Pod default/p: {message}"
