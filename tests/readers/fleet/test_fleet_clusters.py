"""Clusters of our own: where they are, their state, their pools, what they cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_fleets import POOL, cluster, fleet, node, ours, pod, region, settings, written

from yuheng.errors import InputError
from yuheng.model.node import Taint
from yuheng.model.prices import Rates
from yuheng.readers.fleet import read_fleet

BOOK = "instance_type,price_per_hour,vcpu,memory_gib,gpu_model,gpu_count\np4d,32,96,1152,A100,8\n"


def test_what_a_cluster_says_of_itself() -> None:
    taint = {"key": "edge", "effect": "NoSchedule"}
    made = ours(
        "Cluster",
        "a",
        {
            "provider": "aws",
            "region": "eu-west-1",
            "zones": ["x", "y"],
            "labels": {"tier": "gold"},
            "taints": [taint],
            "nodePools": [POOL],
            "rates": {"cpu": 0.03, "memory": 0.004, "gpu": 1},
            "priceFactor": 0,
            "startupDelay": "30s",
        },
        labels={"tier": "tin", "team": "ml"},
    )
    (found,) = fleet(made).clusters
    assert (found.provider, found.region, found.region_key) == ("aws", "eu-west-1", "aws/eu-west-1")
    assert found.zones == ("x", "y")
    assert found.labels == {"tier": "gold", "team": "ml"}
    assert found.taints == (Taint("edge", "NoSchedule"),)
    assert (found.rates, found.price_factor, found.startup) == (Rates(0.03, 0.004, 1.0), 0.0, 30.0)
    assert found.ready


def test_clusters_are_sorted() -> None:
    assert [one.name for one in fleet(cluster("b"), cluster("a"), cluster("c")).clusters] == ["a", "b", "c"]


def test_nodes_tell_what_a_cluster_does_not(tmp_path: Path) -> None:
    folder = written(tmp_path, f__json=ours("Cluster", "a", {"manifests": "n.json"}), n__json=node())
    (found,) = read_fleet(folder).clusters
    assert (found.region, found.zones) == ("eu-west-1", ("eu-west-1a",))


def test_state_and_pools_may_be_combined(tmp_path: Path) -> None:
    folder = written(tmp_path, f__json=cluster(manifests=["n.json"]), n__json=node())
    (found,) = read_fleet(folder).clusters
    assert (len(found.snapshot.nodes), len(found.pools)) == (1, 1)


def test_absolute_paths_will_do(tmp_path: Path) -> None:
    written(tmp_path, n__json=node())
    (found,) = fleet(cluster(manifests=[str(tmp_path / "n.json")])).clusters
    assert len(found.snapshot.nodes) == 1


def test_a_pool_has_a_node_that_knows_where_it_is() -> None:
    taints = [{"key": "spot", "effect": "NoSchedule"}]
    made = {**POOL, "zones": "eu-west-1b", "provisioningDelay": "2m", "labels": {"k": "v"}, "taints": taints}
    ((found,),) = [one.pools for one in fleet(cluster(nodePools=[made])).clusters]
    assert (found.name, found.maximum, found.delay, found.market) == ("p", 3, 120.0, "on-demand")
    assert found.node.allocatable == {"cpu": 2000, "memory": 8 * 2**30, "pods": 110}
    assert found.node.taints == (Taint("spot", "NoSchedule"),)
    assert (
        found.node.labels.items()
        >= {
            "node.kubernetes.io/instance-type": "m5.large",
            "topology.kubernetes.io/region": "eu-west-1",
            "topology.kubernetes.io/zone": "eu-west-1b",
            "karpenter.sh/capacity-type": "on-demand",
            "k": "v",
        }.items()
    )


def test_a_pool_is_one_for_each_zone_and_market() -> None:
    made = {**POOL, "markets": ["spot", "on-demand"]}
    ((*found,),) = [one.pools for one in fleet(cluster(zones=["x", "y"], nodePools=[made])).clusters]
    assert [(one.name, one.market, one.maximum) for one in found] == [
        ("p-x-spot", "spot", 3),
        ("p-x-on-demand", "on-demand", 3),
        ("p-y-spot", "spot", 3),
        ("p-y-on-demand", "on-demand", 3),
    ]
    assert [one.node.name for one in found] == [one.name for one in found]


def test_the_price_book_tells_what_machines_have(tmp_path: Path) -> None:
    made = cluster(nodePools=[{"name": "g", "instanceType": "p4d", "maximum": 1}])
    ((found,),) = [one.pools for one in read_fleet(written(tmp_path, f__json=made, b__csv=BOOK)).clusters]
    assert found.node.allocatable == {
        "cpu": 96000,
        "memory": 1152 * 2**30,
        "pods": 110,
        "nvidia.com/gpu": 8,
    }
    assert (found.node.devices.count, found.node.devices.model) == (8, "A100")
    assert found.node.labels["nvidia.com/gpu.product"] == "A100"


def test_rates_may_be_in_another_currency() -> None:
    rates = {"cpu": 0.02, "memory": 0.01}
    made = [cluster(rates=rates, currency="EUR"), settings(exchangeRates={"EUR": 1.5}, rates=rates)]
    found = fleet(*made)
    assert found.clusters[0].rates == Rates(0.03, 0.015, 0.0)
    assert found.rates == Rates(0.02, 0.01, 0.0)


def test_time_is_the_latest_that_a_state_tells_unless_it_is_said(tmp_path: Path) -> None:
    there = pod("q", on="n", creationTimestamp="2026-01-01T00:00:00Z")
    folder = written(tmp_path, f__json=cluster(manifests="s.json"), s__json=[node(), there])
    assert read_fleet(folder).time == 1767225600.0
    assert read_fleet(folder, settings(time="2026-01-02T00:00:00Z")).time == 1767312000.0
    assert fleet(cluster()).time is None


def test_a_provider_may_be_told_by_the_region() -> None:
    found = fleet(cluster(provider=""), region())
    assert found.clusters[0].region_key == "aws/eu-west-1"
    assert list(found.regions) == ["aws/eu-west-1"]


def kubectl(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a kubectl of our own on the path, that writes down how it was called."""
    path = folder / "bin" / "kubectl"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/calls"\n{script}\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}:/bin:/usr/bin")


def test_a_context_is_asked_with_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, n__json={"kind": "List", "items": [node()]})
    answer = f'case "$*" in *api-resources*) echo nodes; echo pods; echo other.io;; *) cat "{tmp_path}/n.json";; esac'
    kubectl(tmp_path, monkeypatch, answer)
    folder = written(tmp_path / "f", f__json=cluster(context="prod", kubeconfig="k.conf", nodePools=[]))
    (found,) = read_fleet(folder).clusters
    assert [one.name for one in found.snapshot.nodes] == ["n"]
    options = f"--context=prod --kubeconfig={folder}/k.conf"
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"{options} api-resources --verbs=list -o name",
        f"{options} get nodes,pods --all-namespaces -o json",
    ]


def test_what_cannot_be_used_of_a_context_is_left_out_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = {"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "PodGroup", "metadata": {"name": "g"}}
    written(tmp_path, n__json={"kind": "List", "items": [node(), {**group, "spec": {"queue": "nope"}}]})
    answer = f'case "$*" in *api-resources*) echo nodes;; *) cat "{tmp_path}/n.json";; esac'
    kubectl(tmp_path, monkeypatch, answer)
    fleet = read_fleet(written(tmp_path / "f", f__json=cluster(context="prod", nodePools=[])))
    assert [one.name for one in fleet.clusters[0].snapshot.nodes] == ["n"]
    assert [one for one in fleet.warnings if "context prod: PodGroup default/g: spec.queue: found queue 'nope'" in one]


def test_a_kubectl_that_fails_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl(tmp_path, monkeypatch, 'echo "first" >&2; echo "error: no context exists" >&2; exit 1')
    with pytest.raises(InputError, match="that kubectl failed: error: no context exists, expected a cluster") as caught:
        fleet(cluster(context="prod"))
    assert str(caught.value).startswith("<object>: Cluster a: spec.context: ")


def test_without_kubectl_a_context_cannot_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"Cluster a: spec\.context: found no kubectl on the PATH"):
        fleet(cluster(context="prod"))


def test_what_is_assumed_is_said_once_for_all() -> None:
    made = [cluster(f"c{number}") for number in range(5)]
    found, *others = fleet(*made).warnings
    assert found == (
        "the price book has no price of some machines of 5 clusters (c0, c1, c2 and 2 more): their resources count at "
        "0.031611 $ per core, 0.004237 $ per GiB and 0.95 $ per GPU and hour"
    )
    assert others == [
        "no Region describes 1 region (aws/eu-west-1): only tables of prices may speak of them",
        "no carbon intensity is known of 1 region (aws/eu-west-1)",
    ]


def test_a_cluster_that_is_paid_for_needs_no_price() -> None:
    assert not any("price book" in one for one in fleet(cluster(priceFactor=0)).warnings)
    assert not any("price book" in one for one in fleet(cluster(rates={"cpu": 1, "memory": 1})).warnings)
