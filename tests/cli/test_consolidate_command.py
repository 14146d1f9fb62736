"""``consolidate`` and ``plan --what-if`` from the command line: options, documents, errors."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from yuheng.reporting.schema import schema

CLUSTER = """\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: a, labels: &type {node.kubernetes.io/instance-type: m5.xlarge,
   topology.kubernetes.io/region: r}}, status: &room {allocatable: {cpu: "4", memory: 16Gi, pods: "110"}}}
- {apiVersion: v1, kind: Node, metadata: {name: b, labels: *type}, status: *room}
- {apiVersion: v1, kind: Node, metadata: {name: c, labels: *type}, status: *room}
- apiVersion: v1
  kind: Pod
  metadata: {name: web, namespace: shop, ownerReferences: [
    {apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u, controller: true}]}
  spec: {nodeName: a, containers: [&box {name: main, image: i, resources: {requests: {cpu: "1", memory: 1Gi}}}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: held, namespace: shop, annotations: {karpenter.sh/do-not-disrupt: "true"}}
  spec: {nodeName: b, containers: [*box]}
"""
PRICES = "InstanceType,vCPUs,MemoryGiB,Price,SpotPrice,Region\nm5.xlarge,4,16,0.2,0.06,r\nm5.large,2,8,0.1,0.03,r\n"


@pytest.fixture
def files(tmp_path):
    """A cluster of three nodes, one of which is empty, and what they cost."""
    (tmp_path / "cluster.yaml").write_text(CLUSTER, encoding="utf-8")
    (tmp_path / "prices.csv").write_text(PRICES, encoding="utf-8")
    return tmp_path / "cluster.yaml", "--prices", tmp_path / "prices.csv"


def valid(text, kind):
    document = json.loads(text)
    Draft202012Validator(schema(kind)).validate(document)
    return document


def test_the_table_tells_steps_and_obstacles(yuheng, files):
    done = yuheng("consolidate", *files)
    assert (done.code, done.err) == (0, "")
    assert "2 nodes of 3 can go: $292.00 a month saved" in done.out
    assert "shop/web > b" in done.out
    assert "shop/held: it is annotated karpenter.sh/do-not-disrupt=true" in done.out


def test_wide_names_every_eviction_with_its_round(yuheng, files):
    lines = yuheng("consolidate", *files, "-o", "wide").out.splitlines()
    (row,) = [line.split() for line in lines if line.split()[2:] == ["shop/web", "b"]]
    assert row[1] == "1"


def test_json_and_yaml_are_the_same_document(yuheng, files):
    document = valid(yuheng("consolidate", *files, "-o", "json").out, "Consolidation")
    assert document == yaml.safe_load(yuheng("consolidate", *files, "-o", "yaml").out)
    assert (document["before"]["perMonth"], document["after"]["perMonth"]) == (438.0, 146.0)


def test_no_more_than_so_many_nodes(yuheng, files):
    document = valid(yuheng("consolidate", *files, "--max-nodes", "1", "--k", "inf", "-o", "json").out, "Consolidation")
    assert (len(document["steps"]), document["k"]) == (1, None)


def test_a_node_that_stays_is_replaced_where_that_is_asked_for(yuheng, files):
    arguments = ("--max-nodes", "3", "--k", "inf", "--bare-pods", "--replace", "-o", "json")
    steps = valid(yuheng("consolidate", *files, *arguments).out, "Consolidation")["steps"]
    assert {step["action"] for step in steps} == {"remove"}


def test_changes_are_told_one_after_the_other(yuheng, files):
    document = valid(yuheng("plan", *files, "--what-if", "node-type=m5.large", "-o", "json").out, "WhatIf")
    assert [change["change"] for change in document["changes"]] == ["consolidate", "node-type=m5.large"]
    table = yuheng("plan", *files, "--what-if", "node-type=m5.large").out
    assert "pods lost with one node" in table


REFUSED = {
    "k that is none": (("consolidate", "--k", "many"), "--k: found 'many', expected a number above 0, or inf"),
    "k of nothing": (("consolidate", "--k", "0"), "--k: found '0', expected a number above 0, or inf"),
    "a change there is not": (("plan", "--what-if", "sell"), "--what-if: found 'sell', expected colocate"),
    "no usage": (("plan", "--what-if", "resize"), "found no usage to size requests by, expected --usage"),
    "two questions": (("plan", "--what-if", "colocate", "--strict"), "--strict: found with --what-if"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_asked_is_told_in_one_line(yuheng, files, name):
    (command, *arguments), told = REFUSED[name]
    done = yuheng(command, *files, *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert told in done.err


def test_prices_are_not_asked_for_in_vain(yuheng, files):
    done = yuheng("plan", *files)
    assert (done.code, done.err.strip()) == (2, "yuheng: --prices: found it without --what-if, expected both")


def test_replacements_need_prices(yuheng, files):
    done = yuheng("consolidate", files[0], "--replace")
    assert (done.code, "--replace: found no --prices" in done.err) == (2, True)
