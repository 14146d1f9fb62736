"""The worked cases of Karmada: inputs and outputs of its own scheduler, restated as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.placement.propagation.made_members import (
    AGGREGATED,
    DYNAMIC,
    affinity,
    divided,
    make_clusters,
    make_policy,
    make_workload,
    room,
    static,
)

from yuheng.placement.propagation import propagate
from yuheng.placement.propagation.groups import Group, choose_groups

pytestmark = pytest.mark.shared_data

Case = dict[str, Any]


def weighted(case: Case) -> object:
    weights = case.get("weights_list") or list(case["weights"].items())
    names = case.get("candidates") or sorted({name for name, _ in weights})
    policy = make_policy(replicaScheduling=static(weights))
    found = propagate(make_workload(case["replicas"]), policy, make_clusters(names), room({}))
    return found.replicas or "UNSCHEDULABLE"


def by_room(case: Case) -> object:
    scheduling = DYNAMIC if case["kind"] == "dynamic_weight" else AGGREGATED
    names = sorted({*case["allocatable"], *case["previous"]})
    workload = make_workload(case["replicas"], previous=case["previous"])
    found = propagate(
        workload, make_policy(replicaScheduling=scheduling), make_clusters(names), room(case["allocatable"])
    )
    return found.replicas or "UNSCHEDULABLE"


def overflowing(case: Case) -> object:
    tiers = case["tiers_allocatable"]
    overflow = [{"affinityName": f"tier-{i}", **affinity(*tier)} for i, tier in enumerate(tiers) if i]
    term = {"affinityName": "first", **affinity(*tiers[0]), "overflowAffinities": overflow}
    policy = make_policy(clusterAffinities=[term], replicaScheduling=DYNAMIC)
    allocatable = {name: count for tier in tiers for name, count in tier.items()}
    workload = make_workload(case["replicas"], previous=case["previous"])
    found = propagate(workload, policy, make_clusters(allocatable), room(allocatable))
    return found.replicas or "UNSCHEDULABLE"


def spread(case: Case) -> object:
    by_name = {cluster["name"]: cluster for cluster in case["clusters"]}
    strategies = {
        "nil(Duplicated)": None,
        "static weight": static([("member1", 2)]),
        "Divided": divided("Weighted", dynamicWeight="AvailableReplicas"),
    }
    constraint = {"spreadByField": "cluster", "minGroups": case["minGroups"], "maxGroups": case["maxGroups"]}
    policy = make_policy(spreadConstraints=[constraint], replicaScheduling=strategies[case["strategy"]])
    found = propagate(
        make_workload(case["need"]),
        policy,
        make_clusters(by_name),
        lambda name: by_name[name]["avail"],
        score=lambda name: by_name[name]["score"],
    )
    return list(found.selected) or f"ERROR {found.reason}"


def regions(case: Case) -> object:
    groups = [Group(name, (clusters,), score) for name, clusters, score in case["groups_name_clusters_score"]]
    found = choose_groups(groups, case["minGroups"], case["maxGroups"], (case["cluster_minGroups"],))
    return [group.name for group in found] or "NONE"


KINDS = {
    "static_weight": weighted,
    "dynamic_weight": by_room,
    "aggregated": by_room,
    "overflow_affinities+dynamic_weight": overflowing,
    "spread_by_cluster": spread,
    "region_group_selection": regions,
}


def test_every_case_comes_out_as_in_karmada(shared: Path) -> None:
    cases = json.loads((shared / "cases/karmada.json").read_text())["cases"]
    assert len(cases) >= 27
    for case in cases:
        found = KINDS[case["kind"]](case)
        if str(case["expect"]).startswith("ERROR"):
            assert str(found).startswith(case["expect"]), case["id"]
        else:
            assert found == case["expect"], case["id"]
