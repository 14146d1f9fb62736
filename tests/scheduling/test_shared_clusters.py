"""Whole clusters of the shared folder: what the engine makes of them, the oracle makes of them too."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.scheduling.compared import engine_says, oracle_says
from yuheng.model.cluster import Snapshot
from yuheng.readers import read
from yuheng.scheduling.presets import PRESETS

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def trace(shared: Path) -> Snapshot:
    """Every twelfth node of the openb trace, and its first thousand pods: too many for those."""
    folder = shared / "data" / "openb"
    whole = read(folder / "openb_node_list_gpu_node.csv", folder / "openb_pod_list_default.csv")
    return msgspec.structs.replace(whole, nodes=whole.nodes[::12], pods=whole.pods[:1000])


@pytest.mark.parametrize("seed", [0, 42])
@pytest.mark.parametrize("name", ["fgd", "gpupacking", "gpuclustering", "dotproduct", "bestfit", "worstfit"])
def test_a_slice_of_the_openb_trace_is_placed_as_the_oracle_places_it(trace: Snapshot, name: str, seed: int):
    policy = PRESETS[name].policy
    found = engine_says(trace, policy, seed)
    assert found == oracle_says(trace, policy, seed)
    assert len(found["placed"]) > 500
    assert len(found["refused"]) > 10


def test_a_tenth_of_a_real_clusters_pods_is_placed_anew_as_the_oracle_places_it(shared: Path):
    cluster = read(shared / "data" / "kubernetes" / "cluster-500-nodes.json.gz")
    pods = [msgspec.structs.replace(pod, node=None) if i % 10 == 0 else pod for i, pod in enumerate(cluster.pods)]
    cluster = msgspec.structs.replace(cluster, pods=tuple(pods))
    found = engine_says(cluster, PRESETS["kubernetes"].policy)
    assert found == oracle_says(cluster, PRESETS["kubernetes"].policy)
    assert len(found["placed"]) > 200
    assert found["refused"]
