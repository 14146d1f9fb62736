"""Where input comes from: files, folders, compressed files, standard input, several at once."""

from __future__ import annotations

import gzip
import json

import pytest

import yuheng as api
from yuheng.cli.example import example_list


@pytest.fixture
def summary(yuheng):
    """The summary of the plan of these inputs, without its seconds."""

    def of(*arguments: object, stdin: bytes = b"") -> dict[str, object]:
        done = yuheng("plan", *arguments, "-o", "json", stdin=stdin)
        assert (done.code, done.err) == (0, "")
        found = json.loads(done.out)["summary"]
        del found["seconds"]
        return found

    return of


def test_standard_input_a_compressed_file_and_a_folder_all_give_the_same_plan(summary, small, tmp_path):
    text = small.read_bytes()
    compressed = tmp_path / "cluster.yaml.gz"
    compressed.write_bytes(gzip.compress(text))
    expected = summary(small)
    assert summary("-", stdin=text) == expected
    assert summary("-", stdin=gzip.compress(text)) == expected
    assert summary(compressed) == expected
    assert summary(tmp_path) == expected


def test_several_inputs_are_one_cluster(summary, small, tmp_path):
    documents = small.read_text().split("\n---\n")
    nodes = [text for text in documents if "kind: Node" in text]
    pods = [text for text in documents if "kind: Pod" in text]
    (tmp_path / "nodes.yaml").write_text("\n---\n".join(nodes))
    assert summary(tmp_path / "nodes.yaml", "-", stdin="\n---\n".join(pods).encode()) == summary(small)


def test_the_pod_of_capacity_may_come_from_standard_input(yuheng, small, pod):
    done = yuheng("capacity", "--pod", "-", small, "-o", "json", stdin=pod.read_bytes())
    assert json.loads(done.out)["total"] == 19


def test_a_saved_demo_is_the_cluster_that_was_shown(summary, yuheng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yuheng("demo", "--save", "cluster.json")
    assert json.loads((tmp_path / "cluster.json").read_text()) == example_list()
    found = summary("cluster.json")
    assert (found["nodes"], found["bound"], found["pods"]) == (30, 200, 40)


def test_a_scheduler_configuration_decides(yuheng, small, tmp_path):
    path = tmp_path / "scheduler.yaml"
    path.write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n"
        "- schedulerName: default-scheduler\n  pluginConfig:\n  - name: NodeResourcesFit\n    args:\n"
        "      scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 1}]}\n"
    )
    plan = json.loads(yuheng("plan", small, "--config", path, "-o", "json").out)
    assert plan["placements"] == api.plan(api.read(small), api.read_scheduler_config(path)).to_dict()["placements"]
    assert {"pod": "shop/web-1", "node": "blue-1", "devices": []} in plan["placements"]


def test_the_seed_decides_what_is_random(yuheng, small):
    def placements(seed):
        text = yuheng("plan", small, "--policy", "random", "--seed", seed, "-o", "json").out
        return json.loads(text)["placements"]

    assert placements(1) == placements(1)
    assert len({json.dumps(placements(seed)) for seed in range(8)}) > 1
