"""The roles of the manifests, on a real API server that holds to them: enough to schedule, and for nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.kubernetes.real.made_objects import node, pod
from tests.kubernetes.real.real_server import RealServer, what_is_missing
from tests.kubernetes.real.scheduler_process import scheduling

pytestmark = pytest.mark.real_server
MANIFESTS = Path(__file__).resolve().parents[3] / "deploy" / "manifests" / "yuheng.yaml"
ACCOUNT = "system:serviceaccount:yuheng-system:yuheng"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server with role-based access control, and all of the manifests."""
    if missing := what_is_missing():
        pytest.skip(missing)
    with RealServer(tmp_path_factory.mktemp("guarded"), authorization="RBAC") as made:
        made.kubectl("apply", "--validate=strict", "-f", str(MANIFESTS))
        yield made


@pytest.fixture(scope="module")
def kubeconfig(guarded: RealServer) -> Path:
    """Of one who is the scheduler's service account."""
    token = guarded.kubectl("create", "token", "yuheng", "--namespace=yuheng-system").strip()
    content = json.loads(guarded.kubeconfig.read_text(encoding="utf-8"))
    content["users"][0]["user"] = {"token": token}
    path = guarded.folder / "account"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


async def test_the_service_account_schedules(guarded: RealServer, kubeconfig: Path):
    guarded.apply(node("a", cpu=2), pod("fits"), pod("large", cpu="3"))
    async with scheduling(kubeconfig, "--lease=yuheng-system/yuheng") as process:
        guarded.kubectl("wait", "pod/fits", "--for=condition=PodScheduled", "--timeout=60s")
        guarded.kubectl("wait", "pod/large", "--for=condition=PodScheduled=False", "--timeout=60s")
        told = guarded.kubectl("events", "--for=pod/large")
        assert "Insufficient cpu" in told
        assert not [line for line in process.lines if "forbidden" in line]
    lease = json.loads(guarded.kubectl("get", "lease", "yuheng", "--namespace=yuheng-system", "-o", "json"))
    assert lease["spec"]["holderIdentity"] == ""


@pytest.mark.parametrize(
    "words",
    [
        ("get", "secrets"),
        ("list", "configmaps"),
        ("delete", "pods"),
        ("create", "pods"),
        ("patch", "pods"),
        ("patch", "nodes"),
        ("update", "leases", "--namespace=kube-system"),
        ("create", "clusterrolebindings"),
    ],
)
def test_the_service_account_may_do_nothing_else(guarded: RealServer, words: tuple[str, ...]):
    with pytest.raises(subprocess.CalledProcessError):
        guarded.kubectl("auth", "can-i", *words, f"--as={ACCOUNT}")


def test_the_pods_are_admitted_where_pod_security_is_enforced(guarded: RealServer):
    spec = next(
        one["spec"]["template"]["spec"]
        for one in yaml.safe_load_all(MANIFESTS.read_text(encoding="utf-8"))
        if one["kind"] == "Deployment"
    )
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": "yuheng-system"}, "spec": spec}
    assert "created" in guarded.kubectl("create", "--dry-run=server", "-f", "-", text=json.dumps(made))
