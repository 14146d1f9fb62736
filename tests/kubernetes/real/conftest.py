"""A real API server for the tests of this folder, started once; what a test made is gone after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.kubernetes.real.made_objects import POD_GROUPS, gang, node, pod
from tests.kubernetes.real.real_server import RealServer, what_is_missing
from tests.kubernetes.real.scheduler_process import RUN

# What tests make, by the path it is deleted at.
_MADE = (
    "/api/v1/namespaces/default/pods?gracePeriodSeconds=0",
    "/apis/scheduling.volcano.sh/v1beta1/namespaces/default/podgroups",
    "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
    "/api/v1/namespaces/default/persistentvolumeclaims",
    "/api/v1/persistentvolumes",
    "/apis/storage.k8s.io/v1/storageclasses",
    "/api/v1/nodes",
    "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases",
)


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The server, with Volcano's PodGroups."""
    if missing := what_is_missing():
        pytest.skip(missing)
    with RealServer(tmp_path_factory.mktemp("real")) as made:
        made.apply(POD_GROUPS)
        made.kubectl("wait", "--for=condition=Established", "crd/podgroups.scheduling.volcano.sh", "--timeout=60s")
        warm(made)
        yield made


def warm(server: RealServer) -> None:
    """Kernels are compiled before anybody waits for them: pod by pod, and by queue."""
    for waiting in ([pod("a"), pod("b")], gang("g", 2)):
        server.apply(node("n"), *waiting)
        command = [sys.executable, "-c", RUN, "run", "--kubeconfig", str(server.kubeconfig), "--once"]
        subprocess.run([*command, "--no-leader-elect"], check=True, capture_output=True, timeout=400)
        clean(server)


def clean(server: RealServer) -> None:
    """Delete what tests make."""
    for path in _MADE:
        server.ask("DELETE", path)


@pytest.fixture
def server(started: RealServer) -> Iterator[RealServer]:
    """The server, empty."""
    yield started
    clean(started)


@pytest.fixture(scope="session")
def repetitions() -> int:
    """How often tests that repeat something at random moments do: 50 times where YUHENG_LONG_TESTS is set."""
    return 50 if os.environ.get("YUHENG_LONG_TESTS") else 3
