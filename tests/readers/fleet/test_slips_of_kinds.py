"""An object that speaks of a fleet and is written wrongly is never passed over in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_fleets import cluster, deployment, fleet, node, ours, policy, region, written

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.readers.fleet import read_fleet, read_state

OWN = "yuheng.io/v1alpha1"
KARMADA = "policy.karmada.io/v1alpha1"


def in_version(kind: str, version: str | None, name: str = "x") -> dict[str, Any]:
    made = {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": {}}
    return made if version is not None else {key: value for key, value in made.items() if key != "apiVersion"}


# The kind, the apiVersion it is written with, what is found, and what should have been there.
SLIPS: list[tuple[str, str | None, str, str]] = [
    ("Region", None, "nothing", OWN),
    ("Region", "v1alpha1", "'v1alpha1'", OWN),
    ("Region", "yuhneg.io/v1alpha1", "'yuhneg.io/v1alpha1'", OWN),
    ("Region", "yuheng.io", "'yuheng.io'", OWN),
    ("Fleet", None, "nothing", OWN),
    ("PlacementPolicy", "", "nothing", OWN),
    ("Cluster", None, "nothing", f"{OWN} or cluster.karmada.io/v1alpha1"),
    (
        "Cluster",
        "cluster.kamarda.io/v1alpha1",
        "'cluster.kamarda.io/v1alpha1'",
        f"{OWN} or cluster.karmada.io/v1alpha1",
    ),
    ("Workflow", None, "nothing", f"{OWN} or argoproj.io/v1alpha1"),
    ("WorkflowTemplate", None, "nothing", "argoproj.io/v1alpha1"),
    ("PropagationPolicy", None, "nothing", KARMADA),
    ("PropagationPolicy", "karmada.io/v1alpha1", "'karmada.io/v1alpha1'", KARMADA),
    ("ClusterOverridePolicy", None, "nothing", KARMADA),
    ("ResourceBinding", None, "nothing", "work.karmada.io/v1alpha2"),
    ("WorkloadRebalancer", None, "nothing", "apps.karmada.io/v1alpha1"),
]


@pytest.mark.parametrize(("kind", "version", "found", "expected"), SLIPS)
def test_a_kind_without_its_api_version_is_told(
    tmp_path: Path, kind: str, version: str | None, found: str, expected: str
) -> None:
    """Whether it stands beside other objects of the fleet, or in a file that nothing else says is one of a fleet."""
    slip = in_version(kind, version)
    for files in ({"f": [cluster(), slip]}, {"f": cluster(), "g": slip}):
        folder = tmp_path / str(len(files))
        written(folder, **{f"{name}__json": objects for name, objects in files.items()})
        with pytest.raises(InputError) as caught:
            read_fleet(folder)
        file = folder / ("f.json" if len(files) == 1 else "g.json")
        key = "default/x" if kind in ("PlacementPolicy", "PropagationPolicy", "ResourceBinding") else "x"
        key = "default/x" if kind in ("Workflow", "WorkflowTemplate") else key
        assert str(caught.value) == f"{file}: {kind} {key}: apiVersion: found {found}, expected {expected}"


def test_nor_is_it_when_the_only_cluster_is_written_so(tmp_path: Path) -> None:
    written(tmp_path, f__json=[in_version("Cluster", None), deployment()])
    with pytest.raises(
        InputError, match=r"f\.json: Cluster x: apiVersion: found nothing, expected yuheng\.io/v1alpha1"
    ):
        read_state(tmp_path)


def test_nor_among_the_manifests_of_a_cluster(tmp_path: Path) -> None:
    written(
        tmp_path, f__json=cluster(manifests="state"), state_in_n__json=[node(), region(), in_version("Region", None)]
    )
    with pytest.raises(InputError, match=r"n\.json: Region x: apiVersion: found nothing"):
        read_fleet(tmp_path)


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("Cluster", "cluster.x-k8s.io/v1beta1"),
        ("Cluster", "postgresql.cnpg.io/v1"),
        ("Cluster", "clusterpedia.io/v1alpha2"),
        ("Region", "compute.cnrm.cloud.google.com/v1beta1"),
        ("Fleet", "agones.dev/v1"),
        ("Workflow", "example.com/v1"),
        ("PlacementPolicy", "placement.kubernetes-fleet.io/v1"),
    ],
)
def test_kinds_of_others_are_none_of_ours(kind: str, version: str) -> None:
    theirs = in_version(kind, version)
    found = fleet(cluster(), deployment(), theirs)
    assert [one.kind for one in found.skipped] == [kind]
    assert found.warnings == fleet(cluster(), deployment()).warnings
    assert isinstance(read_state([node(), theirs]), Snapshot)


def test_kinds_of_argo_and_karmada_that_are_not_read_are_counted() -> None:
    rollouts = [in_version("Rollout", "argoproj.io/v1alpha1", name) for name in ("a", "b")]
    works = [in_version("Work", "work.karmada.io/v1alpha1")]
    slips = [in_version("Worklfow", "argoproj.io/v1alpha1"), in_version("PropagatonPolicy", KARMADA)]
    said = fleet(cluster(), *rollouts, *works, *slips).warnings
    assert [one.replace(" passed over: it is not read", "") for one in said if "passed over" in one] == [
        "1 object of kind PropagatonPolicy (policy.karmada.io) is (did you mean PropagationPolicy?)",
        "2 objects of kind Rollout (argoproj.io) are",
        "1 object of kind Work (work.karmada.io) is",
        "1 object of kind Worklfow (argoproj.io) is (did you mean Workflow?)",
    ]


def test_our_own_kinds_are_told_by_name_when_they_are_misspelt(tmp_path: Path) -> None:
    written(tmp_path, f__json=[cluster(), policy(), ours("Regoin", "de")])
    with pytest.raises(InputError) as caught:
        read_fleet(tmp_path)
    assert str(caught.value).startswith(
        f"{tmp_path}/f.json: Regoin de: kind: found 'Regoin' (did you mean Region?), expected one of Cluster, Fleet, "
    )
