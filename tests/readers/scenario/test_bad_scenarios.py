"""What is wrong with a scenario is said in one line, with the file and the key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_scenarios import COLUMNS, GENERATE, job_class, least, pool, scenario

from yuheng.errors import InputError, NotFoundError, YuhengError

EVENT = {"at": "1d", "drain": ["gpu-0"]}
MARKET = {"name": "spot", "nodes": {"pool": "gpu"}, "availability": "a.json"}
WORK = {"trace": "t.csv", "columns": COLUMNS}


def generated(**changed: Any) -> dict[str, Any]:
    return {"workload": {"generate": {**GENERATE, **changed}}}


def distributed(value: object) -> dict[str, Any]:
    return {"workload": job_class(duration=value)}


CASES: list[tuple[dict[str, Any], str]] = [
    ({"polices": []}, "polices: found an unknown key (did you mean policies?), expected one of name, nodes, pools"),
    ({"policies": []}, "policies: found no policy, expected one or more"),
    ({"policies": ["fdg"]}, "policies[0]: found 'fdg', expected one of fgd, bestfit"),
    ({"policies": ["fgd", "fgd"]}, "policies[1].name: found 'fgd', expected a name that comes once in policies"),
    ({"policies": [{"name": "fgd", "profile": "x"}]}, "policies[0].profile: found 'x', expected a config"),
    ({"policies": "fgd"}, "policies: found 'fgd', expected a list"),
    ({"seeds": "1-3,2"}, "seeds: found seed 2 twice, expected each seed once"),
    ({"seeds": ["4-2"]}, "seeds: found the range 4-2, expected a range that ends after it begins"),
    ({"seeds": [1, True]}, "seeds[1]: found true, expected a seed such as 42, or a range"),
    ({"seeds": []}, "seeds: found '', expected seeds such as 42"),
    ({"seeds": -1}, "seeds: found '-1', expected seeds such as 42"),
    ({"cycle": "-1s"}, "cycle: found '-1s', expected a duration such as 30d"),
    ({"cycle": -1}, "cycle: found -1, expected a duration such as 30d, 1h30m or 45s, or a number of seconds"),
    ({"startupDelay": True}, "startupDelay: found true, expected a duration"),
    ({"until": "0s"}, "until: found 0.0, expected a duration above 0"),
    ({"checkpoint": "soon"}, "checkpoint: found 'soon', expected a duration"),
    ({"epoch": "monday"}, "epoch: found 'monday', expected a time such as 2026-01-05T00:00:00Z"),
    ({"confidence": 1}, "confidence: found 1.0, expected a number between 0 and 1"),
    ({"measures": ["cost"]}, "measures[0]: found 'cost' (did you mean cost_usd?), expected one of jobs, finished"),
    ({"outputs": [{"format": "pdf", "path": "a"}]}, "outputs[0].format: found 'pdf', expected 'json', 'csv' or 'html'"),
    ({"name": ""}, "name: found nothing, expected a name"),
    # Nodes
    ({"pools": []}, "found neither nodes nor pools, expected one of them, or both"),
    ({"pools": [pool(), pool()]}, "pools[1].name: found 'gpu', expected a name that comes once in pools"),
    ({"pools": [pool(min=9)]}, "pools[0].min: found 9, expected no more than max, which is 3"),
    ({"pools": [pool(initial=9)]}, "pools[0].initial: found 9, expected a number from min (0) to max (3)"),
    ({"pools": [pool(min=1, initial=0)]}, "pools[0].initial: found 0, expected a number from min (1)"),
    ({"pools": [pool(delay="-1s")]}, "pools[0].delay: found '-1s', expected a duration"),
    ({"pools": [pool(max=-1)]}, "pools[0].max: found -1, expected a whole number from 0 to"),
    ({"pools": [{"name": "a", "node": pool()["node"]}]}, "pools[0].max: found nothing, expected a value"),
    ({"pools": [pool(price=-1)]}, "pools[0].price[0].price: found -1.0, expected a number of 0 or more"),
    ({"pools": [pool(price=[])]}, "pools[0].price: found nothing, expected a first price at 0s"),
    ({"pools": [pool(price=[{"at": 5, "price": 1}])]}, "pools[0].price[0].at: found 5.0, expected a first price at 0s"),
    (
        {"pools": [pool(price=[{"at": 0, "price": 1}, {"at": 0, "price": 2}])]},
        "pools[0].price[1].at: found 0.0, expected a time after 0 seconds",
    ),
    ({"pools": [pool(node={"cpu": "x", "memory": 1})]}, "pools[0].node.cpu: found 'x', expected a quantity"),
    ({"pools": [pool(node={"cpu": -1, "memory": 1})]}, "pools[0].node.cpu: found -1, expected an amount that is not"),
    ({"pools": [pool(node={"memory": 1})]}, "pools[0].node.cpu: found nothing, expected a value"),
    (
        {"pools": [pool(node={"cpu": 1, "memory": 1, "gpuModel": "T4"})]},
        "pools[0].node.gpuModel: found a GPU model of a node without GPUs",
    ),
    (
        {"pools": [pool(node={"cpu": 1, "memory": 1, "resources": {"cpu": 1}})]},
        "pools[0].node.resources.cpu: found a resource that has a key of its own",
    ),
    (
        {"pools": [pool(node={"cpu": 1, "memory": 1, "resources": {"a.b/c": 1.5}})]},
        "pools[0].node.resources[a.b/c]: found 1.5, expected a whole number",
    ),
    (
        {"pools": [pool(node={"cpu": 1, "memory": 1, "taints": [{"key": "a", "effect": "x"}]})]},
        "pools[0].node.taints[0].effect: found 'x', expected 'NoSchedule', 'PreferNoSchedule' or 'NoExecute'",
    ),
    (
        {"nodes": ["n.yaml"], "pools": [pool(name="n")]},
        "pools[0].name: found a pool whose nodes are called as node 'n-1' is, expected another name",
    ),
    ({"nodes": ["t.csv"]}, "found the columns id, t, d, team, expected sn,cpu_milli"),
    # What happens to them
    ({"events": [{"at": "1d"}]}, "events[0]: found none of them, expected one of add, remove, fail"),
    ({"events": [{**EVENT, "add": ["n-1"]}]}, "events[0]: found add and drain, expected one of add, remove"),
    ({"events": [{"at": "1d", "darin": []}]}, "events[0].darin: found an unknown key (did you mean drain?)"),
    ({"events": [{"at": "1d", "drain": []}]}, "events[0].drain: found no node, expected names of nodes"),
    (
        {"events": [EVENT, {"at": 0, "fail": ["gpu-3"]}]},
        "events[1].fail[0]: found the unknown node 'gpu-3' (did you mean gpu-2?), expected one of gpu-0, gpu-1, gpu-2",
    ),
    ({"failures": [{"mtbf": "30d"}]}, "failures[0].mttr: found nothing, expected a value"),
    ({"failures": [{"mtbf": 0, "mttr": 1}]}, "failures[0].mtbf: found 0.0, expected a duration above 0"),
    (
        {"failures": [{"mtbf": 1, "mttr": 1, "nodes": {"pool": "spot"}}]},
        "failures[0].nodes.pool: found the unknown pool 'spot', expected one of gpu",
    ),
    (
        {"markets": [{**MARKET, "nodes": {"pool": "gup"}}]},
        "markets[0].nodes.pool: found the unknown pool 'gup' (did you mean gpu?), expected one of gpu",
    ),
    ({"markets": [{**MARKET, "nodes": {}}]}, "markets[0].nodes: found all nodes, expected labels, or a pool"),
    ({"markets": [{**MARKET, "offset": "soon"}]}, "markets[0].offset: found 'soon', expected a duration"),
    ({"markets": [MARKET, MARKET]}, "markets[1].name: found 'spot', expected a name that comes once in markets"),
    (
        {"prices": [{"price": [{"at": 1, "price": 1}]}]},
        "prices[0].price[0].at: found 1.0, expected a first price at 0s",
    ),
    # Queues
    (
        {"queues": [{"name": "a"}, {"name": "a"}]},
        "queues[1].name: found 'a', expected a name that comes once in queues",
    ),
    ({"queues": [{"name": "a", "weight": 0}]}, "queues[0].weight: found 0, expected a whole number from 1"),
    ({"queues": [{"name": "a", "parent": "b"}]}, "Queue a: parent: found 'b', which is not in the input, expected"),
    ({"queues": [{"name": "a", "deserved": {"cpu": "x"}}]}, "queues[0].deserved.cpu: found 'x', expected a quantity"),
    ({"queues": [{"name": "a", "deserved": {"cpu": []}}]}, "queues[0].deserved.cpu: found a list, expected a quantity"),
    (
        {"queues": [{"name": "a", "deserved": {"gpu": 1, "nvidia.com/gpu": 1}}]},
        "queues[0].deserved.gpu: found 1, expected one of gpu and nvidia.com/gpu, which mean the same",
    ),
    (
        {"queues": [{"name": "a", "guarantee": {"cpu": 2}, "capability": {"cpu": 1}}]},
        "queues[0].guarantee.cpu: found 2, expected no more than the capability of 1",
    ),
    (
        {"queues": [{"name": "a", "guarantee": {"gpu": 7}}]},
        "Queue a: guarantee[nvidia.com/gpu]: found 7 guaranteed to this and other queues, expected no more than the 6",
    ),
    (
        {"queues": [{"name": "a"}], "workload": job_class(queue="b")},
        "workload.generate.classes[0].queue: found the unknown queue 'b', expected one of a, default",
    ),
    (
        {"queues": [{"name": "red"}], "workload": {**WORK, "queueBy": "team"}},
        "workload.queueBy: found the unknown queue 'blue', expected one of default, red",
    ),
    # Work
    ({"workload": {}}, "workload: found none of them, expected one of trace, generate"),
    ({"workload": {"sequence": {}}}, "workload: found none of them, expected one of trace, generate"),
    (
        {"workload": {**WORK, "generate": GENERATE}},
        "workload: found trace and generate, expected one of trace, generate",
    ),
    ({"workload": {"sequence": {}, "generate": GENERATE}}, "workload.sequence: found sequence beside generate"),
    ({"workload": {"round": {}, "generate": GENERATE}}, "workload.round: found round beside generate"),
    ({"workload": {**WORK, "sequence": {}}}, "pools: found what needs a clock, expected no such key beside"),
    (
        {"workload": {"trace": "t.csv", "columns": {**COLUMNS, "queue": "team"}, "queueBy": "team"}},
        "workload.queueBy: found 'team', expected one of queueBy and columns.queue",
    ),
    (
        {"workload": {"trace": "t.csv", "columns": {**COLUMNS, "cpus": "d"}}},
        "workload.columns.cpus: found an unknown key (did you mean cpu?), expected one of name, submit",
    ),
    (
        {"workload": {"trace": "t.csv", "columns": {**COLUMNS, "cpu": {"column": "d", "unit": "GiB"}}}},
        "workload.columns.cpu.unit: found 'GiB', expected one of cores, milli",
    ),
    (
        {"workload": {"trace": "t.csv", "columns": {**COLUMNS, "cpu": {"column": "d", "value": 1}}}},
        "workload.columns.cpu: found column and value, expected one of column, value",
    ),
    (
        {"workload": {"trace": "t.csv", "columns": {**COLUMNS, "submit": {"value": 1}}}},
        "workload.columns.submit.value: found one value for all rows, expected a column",
    ),
    (
        {"workload": {"trace": "t.csv", "columns": {**COLUMNS, "memory": {"value": "much"}}}},
        "workload.columns.memory.value: found 'much', expected a quantity",
    ),
    ({"workload": {**WORK, "round": {"cpu": "-1"}}}, "workload.round.cpu: found '-1', expected an amount that is not"),
    (generated(length="3d"), "workload.generate: found jobs and length, expected one of jobs, length"),
    (generated(classes=[]), "workload.generate.classes: found no class, expected one or more"),
    (generated(arrivals={"rate": 120}), "workload.generate.arrivals.rate: found 120, expected a rate above 0 such as"),
    (generated(arrivals={"rate": "0/h"}), "workload.generate.arrivals.rate: found '0/h', expected a rate above 0"),
    (
        generated(arrivals={"rate": "1/h", "daily": [1]}),
        "workload.generate.arrivals.daily: found 1 factors, expected 24, not all of them 0",
    ),
    (
        generated(arrivals={"rate": "1/h", "weekly": [0] * 7}),
        "workload.generate.arrivals.weekly: found 7 factors, expected 7, not all of them 0",
    ),
    (
        generated(classes=[GENERATE["classes"][0]] * 2),
        "workload.generate.classes[1].name: found 'train', expected a name that no other class has",
    ),
    ({"workload": job_class(gpu=1.5)}, "workload.generate.classes[0].gpu: found 1.5, expected a share of one GPU"),
    ({"workload": job_class(gpu=0.0001)}, "workload.generate.classes[0].gpu: found 0.0001, expected a share"),
    ({"workload": job_class(gpuModel="T4")}, "workload.generate.classes[0].gpuModel: found GPU models of pods without"),
    ({"workload": job_class(pods="2h")}, "workload.generate.classes[0].pods: found '2h', expected a number"),
    (
        {"workload": job_class(pods={"uniform": {"from": "1h", "to": 2}})},
        "workload.generate.classes[0].pods.uniform.from: found '1h', expected a number",
    ),
    ({"workload": job_class(share=0)}, "workload.generate.classes[0].share: found 0.0, expected a number above 0"),
    ({"workload": job_class(gang="yes")}, "workload.generate.classes[0].gang: found 'yes', expected true or false"),
    (distributed({}), "workload.generate.classes[0].duration: found none of them, expected one of constant, uniform"),
    (distributed({"lognorm": 1}), "workload.generate.classes[0].duration.lognorm: found an unknown key (did you mean"),
    (
        distributed({"lognormal": {"median": "2h"}}),
        "workload.generate.classes[0].duration.lognormal.sigma: found nothing, expected a value",
    ),
    (
        distributed({"constant": 1, "exponential": {"mean": 1}}),
        "workload.generate.classes[0].duration: found constant and exponential, expected one of",
    ),
    (
        distributed({"uniform": {"from": 3, "to": 2}}),
        "workload.generate.classes[0].duration.uniform.to: found 2.0, expected no less than from, which is 3",
    ),
    (
        distributed({"constant": 1, "least": 3, "most": 2}),
        "workload.generate.classes[0].duration.most: found 2.0, expected no less than least, which is 3",
    ),
    (distributed({"empirical": []}), "workload.generate.classes[0].duration.empirical: found an empty list, expected"),
    (distributed({"pareto": {"least": 1, "tail": 0}}), "workload.generate.classes[0].duration.pareto.tail: found 0.0"),
]


@pytest.mark.parametrize(("changed", "message"), CASES, ids=[message.partition(": found")[0] for _, message in CASES])
def test_what_is_wrong_is_said_with_its_key(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, least(**changed))
    told = str(caught.value)
    source = "t.csv" if message.startswith("found the columns") else "s.yaml"
    assert told.startswith(f"{tmp_path / source}: {message}")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found nothing, expected a scenario, which is a map in YAML"),
        ("[]", "found a list, expected a scenario, which is a map in YAML"),
        ("hello", "found text, expected a scenario, which is a map in YAML"),
        ("a: 1\n---\nb: 2\n", "found 2 documents, expected a scenario, which is a map in YAML"),
        ("a: [1\n", "malformed YAML at line 2, column 1"),
        ("name: a\nname: b\n", "found key 'name' a second time at line 2, column 1, expected each key once"),
    ],
)
def test_what_is_no_scenario(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path / 's.yaml'}: {message}")


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"nodes": ["nowhere.yaml"]}, "nowhere.yaml"),
        ({"workload": {"trace": "nowhere.csv", "columns": COLUMNS}}, "nowhere.csv"),
        ({"markets": [MARKET]}, "a.json"),
        ({"policies": [{"name": "x", "config": "nowhere.yaml"}]}, "nowhere.yaml"),
    ],
)
def test_files_that_are_not_there(tmp_path: Path, changed: dict[str, Any], missing: str) -> None:
    with pytest.raises(NotFoundError, match=f"{missing}: no such file"):
        scenario(tmp_path, least(**changed))


def test_a_scenario_needs_something_to_run_and_something_to_run_on(tmp_path: Path) -> None:
    document = least()
    del document["workload"]
    with pytest.raises(InputError, match=r"s\.yaml: workload: found nothing, and no pods in nodes"):
        scenario(tmp_path, document)
    (tmp_path / "empty.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    with pytest.raises(InputError, match=r"s\.yaml: nodes: found no node in these files, expected nodes, or pools"):
        scenario(tmp_path, least(nodes=["empty.yaml"], pools=[]))


def test_errors_of_a_trace_name_the_trace(tmp_path: Path) -> None:
    work = {"trace": "t.csv", "columns": {**COLUMNS, "cpu": "cpus"}}
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, least(workload=work))
    assert str(caught.value).startswith(f"{tmp_path / 't.csv'}: columns.cpu: found the unknown column 'cpus'")


def test_a_queue_that_the_cluster_has_too(tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text(
        "apiVersion: scheduling.volcano.sh/v1beta1\nkind: Queue\nmetadata: {name: a}\nspec: {weight: 1}\n"
    )
    with pytest.raises(InputError) as caught:
        scenario(tmp_path, least(nodes=["q.yaml"], queues=[{"name": "a"}]))
    told = str(caught.value)
    assert told.startswith(f"{tmp_path / 's.yaml'}: Queue a: found a second Queue of this name (the first: ")
    assert "q.yaml" in told


def test_a_key_that_needs_a_clock_is_refused_beside_a_sequence(tmp_path: Path) -> None:
    work = {"trace": "t.csv", "columns": {"name": "id"}, "sequence": {"inflate": 1.3}}
    for key, value in {"until": "3d", "failures": [{"mtbf": 1, "mttr": 1}], "cycle": 0, "epoch": "2026-01-05"}.items():
        with pytest.raises(YuhengError, match=f"s.yaml: {key}: found what needs a clock"):
            scenario(tmp_path, {"nodes": ["n.yaml"], "workload": work, "policies": ["fgd"], key: value})
