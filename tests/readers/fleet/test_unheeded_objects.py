"""What is in the input and comes to nothing is said: overrides of nothing, bindings to clusters that are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_fleets import cluster, deployment, fleet, policy, written

from yuheng.errors import InputError
from yuheng.readers.fleet import read_fleet


def karmadas(kind: str, group: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": f"{group}.karmada.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def override(kind: str) -> dict[str, Any]:
    selector = {"apiVersion": "apps/v1", "kind": kind}
    return karmadas("OverridePolicy", "policy", "changes", {"resourceSelectors": [selector], "overrideRules": []})


def binding(**clusters: int) -> dict[str, Any]:
    resource = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web"}
    placed = [{"name": name, "replicas": replicas} for name, replicas in clusters.items()]
    return karmadas("ResourceBinding", "work", "web-deployment", {"resource": resource, "clusters": placed})


def about(words: str, *objects: dict[str, Any]) -> list[str]:
    return [warning for warning in fleet(cluster(), deployment(), *objects).warnings if words in warning]


def test_an_override_policy_that_selects_no_workload() -> None:
    (said,) = about("OverridePolicy", override("StatefulSet"))
    assert said.endswith("OverridePolicy default/changes selects no workload")
    assert not about("OverridePolicy", override("Deployment"))


def test_a_binding_to_a_cluster_that_is_not_in_the_fleet() -> None:
    (said,) = about("binding", binding(a=1, gone=2))
    assert said.endswith("the binding of Deployment default/web names clusters that are not in the fleet: gone")
    assert not about("binding", binding(a=1))


@pytest.mark.parametrize(
    ("objects", "where"),
    [
        (
            [deployment(annotations={"yuheng.io/objective": "luck"})],
            "Deployment default/web: metadata.annotations[yuheng.io/objective]: found 'luck', expected one of cost,",
        ),
        (
            [deployment(), policy(objective="0*cost")],
            "PlacementPolicy default/rules: spec.objective: found '0*cost', expected one of cost, time, carbon,",
        ),
    ],
)
def test_an_objective_that_is_none_is_told_with_its_place(tmp_path: Path, objects: list[Any], where: str) -> None:
    written(tmp_path, f__json=[cluster(), *objects])
    with pytest.raises(InputError) as refused:
        read_fleet(tmp_path)
    assert f"f.json: {where}" in str(refused.value)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (
            {"name": "w", "annotations": {"yuheng.io/interruptible": True}},
            r"annotations\[yuheng.io/interruptible\]: found",
        ),
        ({"name": 0}, "metadata.name: found 0, expected text"),
        (True, "metadata: found true, expected a map"),
    ],
)
def test_metadata_that_are_none_are_refused_in_one_line(metadata: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fleet(cluster(), {**deployment(), "metadata": metadata})
