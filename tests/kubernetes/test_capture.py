"""A capture has what plans, explains and prices a cluster, and nothing else of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kubernetes.made_api_server import answering, status, unto
from tests.kubernetes.made_capture import Lists, as_list, captured
from tests.kubernetes.made_live_objects import PLANTED, cluster, node, pod

from yuheng.errors import ConfigError
from yuheng.kubernetes.api import KINDS, ForbiddenError, MissingError, UnauthorizedError
from yuheng.kubernetes.capture import CAPTURED, check_suffix, list_of
from yuheng.readers import read
from yuheng.readers.estate import read_estate
from yuheng.readers.estate.autoscalers import AUTOSCALERS
from yuheng.readers.inventory import GROUPS
from yuheng.readers.sources.documents import VOLCANO_CONFIGURATION
from yuheng.readers.sources.files import contents
from yuheng.readers.sources.yaml_documents import yaml_documents


def items(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text())["items"]


def test_what_is_read_of_a_capture_is_what_is_read_of_the_cluster(tmp_path: Path) -> None:
    path = tmp_path / "cluster.json"
    found = captured(Lists(cluster()), path)
    original = read(as_list(cluster()))
    again = read(path)
    assert found.notes == ()
    # ConfigMaps without a configuration are not written, and so not counted either.
    assert plain(again, "skipped") == plain(original, "skipped")
    assert again.configuration == original.configuration is not None
    assert len(again.pods) > 8
    assert again.jobs
    assert len(again.queues) > 3


def test_what_is_paid_for_is_the_same(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.json", tmp_path / "cluster.json"
    whole.write_text(json.dumps(as_list(cluster())))
    captured(Lists(cluster()), path, ("team", "example.com/note", "example.com/inner"))
    original, again = read_estate(whole), read_estate(path)
    for field in ("claims", "balancers", "autoscalers", "time", "namespaces", "annotations"):
        assert getattr(again, field) == getattr(original, field), field
    for part in ("pods", "workloads"):
        assert plain(getattr(again, part), "source") == plain(getattr(original, part), "source")


def plain(value: Any, *without: str) -> Any:
    """Plain data, without what differs on purpose: what a template that nobody rolled out yet will be called."""
    return cleared(msgspec.to_builtins(value), {"controller-revision-hash", *without})


def cleared(value: Any, without: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: cleared(item, without) for key, item in value.items() if key not in without}
    return [cleared(item, without) for item in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", ["cluster.json", "cluster.yaml", "cluster.yml", "cluster.json.gz", "cluster.yaml.gz"])
def test_it_is_written_as_the_name_says(tmp_path: Path, name: str) -> None:
    captured(Lists(cluster()), tmp_path / "plain.json")
    captured(Lists(cluster()), tmp_path / name)
    again, plain = read(tmp_path / name), read(tmp_path / "plain.json")
    assert msgspec.structs.replace(again, configuration=None) == msgspec.structs.replace(plain, configuration=None)
    data = (tmp_path / name).read_bytes()
    assert data.startswith(b"\x1f\x8b") == name.endswith(".gz")
    assert (b'"items"' in (gzip.decompress(data) if name.endswith(".gz") else data)) == (".json" in name)


def test_nothing_secret_is_written(tmp_path: Path) -> None:
    for name in ("cluster.json", "cluster.yaml"):
        captured(Lists(cluster()), tmp_path / name)
        text = (tmp_path / name).read_text()
        assert PLANTED not in text
        for word in ("managedFields", "last-applied", "secret:", '"secret":', "configMap", "env", "command", "args"):
            assert word not in text, word


def test_only_get_and_list_are_asked_and_no_secret(tmp_path: Path) -> None:
    lists = Lists(cluster())
    captured(lists, tmp_path / "cluster.json")
    assert {method for method, _ in lists.asked} == {"GET"}
    assert not [path for _, path in lists.asked if "secret" in path or "watch" in path]


def test_of_config_maps_only_names_are_asked_and_the_scheduler_s_is_read(tmp_path: Path) -> None:
    lists = Lists(cluster())
    captured(lists, tmp_path / "cluster.json")
    single = [path for _, path in lists.asked if "/configmaps/" in path]
    assert single == [
        "/api/v1/namespaces/volcano-system/configmaps/my-scheduler",
        "/api/v1/namespaces/volcano-system/configmaps/volcano-scheduler-configmap",
    ]
    (kept,) = [item for item in items(tmp_path / "cluster.json") if item["kind"] == "ConfigMap"]
    assert list(kept["data"]) == ["volcano-scheduler.conf"]
    assert json.loads(kept["data"]["volcano-scheduler.conf"])["actions"] == "enqueue, allocate"


def test_of_a_scheduler_s_configuration_only_what_is_looked_at_is_written(tmp_path: Path) -> None:
    objects = cluster()
    plugins = [
        {"name": "gang", "enableJobOrder": False, "token": f"{PLANTED}switch"},
        {"name": "binpack", "arguments": {"binpack.weight": 3, "binpack.resources.a/b": 2, "other": f"{PLANTED}other"}},
        {"name": "extender", "arguments": {"extender.urlPrefix": f"http://me:{PLANTED}extender@host"}},
        {"name": "priority", "arguments": f"{PLANTED}text"},
        f"{PLANTED}entry",
    ]
    written = {"actions": "allocate", "tiers": [{"plugins": plugins}, f"{PLANTED}tier", {"plugins": PLANTED}]}
    more = {"configurations": [{"name": "allocate", "arguments": {"a": f"{PLANTED}action"}}], "metrics": {"p": PLANTED}}
    objects["/api/v1/configmaps"][-1]["data"]["volcano-scheduler.conf"] = json.dumps({**written, **more})
    captured(Lists(objects), tmp_path / "cluster.json")
    (kept,) = [item for item in items(tmp_path / "cluster.json") if item["kind"] == "ConfigMap"]
    assert json.loads(kept["data"]["volcano-scheduler.conf"]) == {
        "actions": "allocate",
        "tiers": [
            {
                "plugins": [
                    {"name": "gang", "enableJobOrder": False},
                    {"name": "binpack", "arguments": {"binpack.weight": 3, "binpack.resources.a/b": 2}},
                    {"name": "extender", "arguments": {}},
                    {"name": "priority"},
                ]
            },
            {"plugins": []},
        ],
    }


def test_of_two_configurations_none_is_written(tmp_path: Path) -> None:
    objects = cluster()
    maps = objects["/api/v1/configmaps"]
    maps.append({**maps[-1], "metadata": {"name": "other-scheduler", "namespace": "volcano-system"}})
    found = captured(Lists(objects), tmp_path / "cluster.json")
    assert "--config" in found.notes[0]
    assert read(tmp_path / "cluster.json").configuration is None


def test_chosen_annotations_are_kept(tmp_path: Path) -> None:
    captured(Lists(cluster()), tmp_path / "cluster.json", ("team",))
    (lone,) = [item for item in items(tmp_path / "cluster.json") if item["metadata"]["name"] == "lone"]
    assert lone["metadata"]["annotations"] == {"volcano.sh/preemptable": "true", "team": "pay"}


def test_every_kind_that_readers_use_is_captured() -> None:
    wanted = {(kind, group) for kind, groups in GROUPS.items() for group in groups if group != "extensions"}
    wanted |= set(AUTOSCALERS.items()) | {("Job", "batch.volcano.sh")}
    assert {(KINDS[name].kind, KINDS[name].group) for name in CAPTURED} == wanted
    assert VOLCANO_CONFIGURATION in GROUPS


def test_long_lists_are_read_in_pages(tmp_path: Path) -> None:
    objects = {"/api/v1/nodes": [node("n1")], "/api/v1/pods": [pod(f"p{number}", "n1") for number in range(1203)]}
    lists = Lists(objects)
    found = captured(lists, tmp_path / "cluster.json")
    assert found.counts == {"nodes": 1, "pods": 1203}
    assert len([path for _, path in lists.asked if path.startswith("/api/v1/pods")]) == 3
    assert len(items(tmp_path / "cluster.json")) == 1204


def test_a_list_that_becomes_too_old_is_begun_again_and_nothing_is_there_twice(tmp_path: Path) -> None:
    objects = {"/api/v1/nodes": [node("n1")], "/api/v1/pods": [pod(f"p{number}", "n1") for number in range(1203)]}
    lists = Lists(objects)
    lists.faults.extend(unto("GET", "continue", answering(lambda: status(410, "Expired"))) for _ in range(2))
    found = captured(lists, tmp_path / "cluster.json")
    assert found.counts["pods"] == 1203
    names = [item["metadata"]["name"] for item in items(tmp_path / "cluster.json")]
    assert len(names) == len(set(names)) == 1204
    # The last time in one piece.
    assert lists.asked[-1] == ("GET", "/api/v1/pods")


def test_pods_whose_node_came_or_went_meanwhile_do_not_hang_in_the_air(tmp_path: Path) -> None:
    class Moving(Lists):
        """A node comes after the nodes were listed, and is there when it is asked for."""

        def _one(self, path: str) -> dict[str, Any] | None:
            return node("new") if path == "/api/v1/nodes/new" else super()._one(path)

    pods = [pod("a", "n1"), pod("b", "new"), pod("c", "new"), pod("d", "gone")]
    lists = Moving({"/api/v1/nodes": [node("n1")], "/api/v1/pods": pods})
    found = captured(lists, tmp_path / "cluster.json")
    assert found.notes == ("1 pods are left out: their nodes went while the cluster was read",)
    assert found.counts == {"nodes": 2, "pods": 3}
    again = read(tmp_path / "cluster.json")
    assert [each.name for each in again.nodes] == ["n1", "new"]
    assert [(each.name, each.node) for each in again.pods] == [("a", "n1"), ("b", "new"), ("c", "new")]


def test_kinds_that_are_not_there_are_no_matter(tmp_path: Path) -> None:
    found = captured(Lists({"/api/v1/nodes": [node("n1")], "/api/v1/pods": []}), tmp_path / "cluster.json")
    assert found == ({"nodes": 1}, ())


@pytest.mark.parametrize("code", [403, 406])
def test_kinds_that_cannot_be_read_are_told_and_left_out(tmp_path: Path, code: int) -> None:
    lists = Lists(cluster())
    lists.faults.append(unto("GET", "/poddisruptionbudgets", answering(lambda: status(code, "No", "not you"))))
    found = captured(lists, tmp_path / "cluster.json")
    (note,) = found.notes
    assert note.startswith("poddisruptionbudgets.policy are left out: ")
    if code == 403:
        assert 'apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: ["list"]' in note
    assert read(tmp_path / "cluster.json").budgets == ()


@pytest.mark.parametrize("kind", ["pods", "nodes"])
def test_pods_and_nodes_have_to_be_readable(tmp_path: Path, kind: str) -> None:
    lists = Lists(cluster())
    lists.faults.append(unto("GET", f"/api/v1/{kind}?", answering(lambda: status(403, "Forbidden", "not you"))))
    with pytest.raises(ForbiddenError, match=rf'resources: \["{kind}"\]'):
        captured(lists, tmp_path / "cluster.json")


def test_what_is_no_cluster_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingError):
        captured(Lists({}), tmp_path / "cluster.json")


def test_expired_credentials_are_not_told_kind_by_kind(tmp_path: Path) -> None:
    lists = Lists(cluster())
    lists.faults.append(answering(lambda: status(401, "Unauthorized")))
    with pytest.raises(UnauthorizedError):
        captured(lists, tmp_path / "cluster.json")


def test_another_version_of_a_foreign_kind_is_read_and_told(tmp_path: Path) -> None:
    objects = cluster()
    for name in ("clusterqueues", "cohorts", "localqueues"):
        objects[f"/apis/kueue.x-k8s.io/v1beta2/{name}"] = objects.pop(f"/apis/kueue.x-k8s.io/v1beta1/{name}")
    found = captured(Lists(objects), tmp_path / "cluster.json")
    assert found.counts["clusterqueues.kueue.x-k8s.io"] == 1
    assert "clusterqueues.kueue.x-k8s.io are read in version v1beta2" in found.notes[0]
    assert {queue.name for queue in read(tmp_path / "cluster.json").queues} >= {"team", "all"}


def test_an_object_that_is_none_is_left_out(tmp_path: Path) -> None:
    objects = cluster()
    objects["/apis/topology.volcano.sh/v1alpha1/hypernodes"].append({"metadata": {"name": "odd"}, "spec": "none"})
    found = captured(Lists(objects), tmp_path / "cluster.json")
    assert found.notes == ("one of hypernodes.topology.volcano.sh is left out: it is not what its API defines",)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.gz", "a.csv", "json"])
def test_a_name_has_to_say_the_form(name: str) -> None:
    with pytest.raises(ConfigError, match="found another ending"):
        check_suffix(Path(name))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.from_regex(r"[-+.0-9a-zA-Z_:~]{1,8}"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["y", "1"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=3))
def test_yaml_reads_as_what_was_written(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    path = tmp_path_factory.mktemp("yaml") / "list.yaml"
    with path.open("wb") as file, list_of(file, path) as take:
        for value in values:
            take(msgspec.json.encode({"value": value}))
    (document,) = yaml_documents(path.read_bytes(), "list.yaml")
    assert msgspec.json.decode(document)["items"] == [{"value": value} for value in values]
    assert list(contents(path))
