"""The data of the workplace: what a real API server wrote, and the real trace."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from yuheng.model.pod import PodSpec
from yuheng.readers import read

pytestmark = pytest.mark.shared_data


def test_the_cluster_of_500_nodes(shared: Path) -> None:
    found = read(shared / "data/kubernetes/cluster-500-nodes.json.gz")
    assert (len(found.nodes), len(found.pods), len(found.pending())) == (500, 3050, 50)
    assert (found.skipped, found.warnings) == ((), ())
    assert len({id(pod.spec) for pod in found.pods}) < 600
    assert sum(node.devices.count for node in found.nodes) == sum(
        node.allocatable.get("nvidia.com/gpu", 0) for node in found.nodes
    )
    assert all(pod.spec.requests["cpu"] > 0 for pod in found.pods)


def test_the_recorded_cases_of_kube_scheduler(shared: Path) -> None:
    for path in sorted((shared / "cases/kube-scheduler").glob("case*.json")):
        case = json.loads(path.read_text())
        snapshot = read(case["snapshot"])
        probes = [read(probe["pod"]).pods[0] for probe in case["probes"]]
        assert (len(snapshot.nodes), len(snapshot.pods), len(probes)) == (40, 160, 160)
        assert any(pod.spec.host_ports for pod in probes)
        assert any(node.images for node in snapshot.nodes)


@pytest.mark.parametrize(
    ("pods", "count"),
    [("default", 8152), ("cpu050", 7439), ("gpushare40", 8152), ("gpuspec10", 8152), ("multigpu20", 8324)],
)
def test_the_openb_trace(shared: Path, pods: str, count: int) -> None:
    folder = shared / "data/openb"
    found = read(folder / "openb_node_list_gpu_node.csv", folder / f"openb_pod_list_{pods}.csv")
    assert (len(found.nodes), len(found.pods), len(found.pending())) == (1213, count, count)
    assert sum(node.devices.count for node in found.nodes) == 6212
    assert Counter(pod.spec.devices.is_share() for pod in found.pods)[True] > 1000
    assert all(sum_is_whole(pod.spec) for pod in found.pods)


def sum_is_whole(spec: PodSpec) -> bool:
    """Whole devices are requested as an amount too, shares are not."""
    asked = 0 if spec.devices.is_share() else spec.devices.count
    return spec.requests.get("nvidia.com/gpu", 0) == asked
