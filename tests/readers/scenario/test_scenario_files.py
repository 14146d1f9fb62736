"""What a scenario file says becomes a scenario."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from made_scenarios import COLUMNS, GENERATE, job_class, least, pool, preset, scenario

from yuheng.model.node import DeviceInventory, Node, Taint
from yuheng.model.pod import DeviceRequest
from yuheng.model.scenario import (
    ArrivalProcess,
    ArrivalSequence,
    Distribution,
    Failures,
    NodeChange,
    NodePool,
    Output,
    PriceSeries,
    Pricing,
)
from yuheng.readers.scenario import read_scenario


def test_what_is_not_said(tmp_path: Path) -> None:
    found = scenario(tmp_path, least())
    assert (found.name, found.seeds, found.confidence, found.measures) == ("s", (42,), 0.95, ())
    assert (found.cycle, found.startup, found.checkpoint, found.until) == (0, 0, math.inf, math.inf)
    assert (found.sample, found.epoch, found.workload, found.sequence) == (None, None, None, None)
    assert (found.failures, found.markets, found.changes, found.prices, found.outputs) == ((), (), (), (), ())
    assert [policy.name for policy in found.policies] == ["fgd"]
    assert found.warnings == ()
    assert json.loads(found.text) == least()


def test_times(tmp_path: Path) -> None:
    document = least(
        name="n",
        cycle="1s",
        startupDelay=1.5,
        checkpoint="10m",
        until="2w",
        sample="1h",
        epoch="2026-01-05T00:00:00Z",
        seeds=["42-44", 7],
        confidence=0.9,
        measures=["cost_usd"],
        outputs=[{"format": "html", "path": "out/report.html"}],
    )
    found = scenario(tmp_path, document)
    assert (found.name, found.cycle, found.startup, found.checkpoint) == ("n", 1, 1.5, 600)
    assert (found.until, found.sample, found.epoch) == (14 * 86400, 3600, 1767571200)
    assert (found.seeds, found.confidence, found.measures) == ((42, 43, 44, 7), 0.9, ("cost_usd",))
    assert found.outputs == (Output("html", str(tmp_path / "out/report.html")),)


@pytest.mark.parametrize(("seeds", "found"), [(7, (7,)), ("1-3", (1, 2, 3)), ("5,1", (5, 1)), ([3, "8-9"], (3, 8, 9))])
def test_seeds(tmp_path: Path, seeds: object, found: tuple[int, ...]) -> None:
    assert scenario(tmp_path, least(seeds=seeds)).seeds == found


@pytest.mark.parametrize("text", ["2026-01-05", "2026-01-05T00:00:00", "2026-01-05T02:00:00+02:00"])
def test_an_epoch_without_a_zone_is_utc(tmp_path: Path, text: str) -> None:
    assert scenario(tmp_path, least(epoch=text)).epoch == 1767571200


def test_a_pool(tmp_path: Path) -> None:
    node = {
        "cpu": "7500m",
        "memory": "32Gi",
        "gpu": 2,
        "gpuModel": "A100",
        "labels": {"zone": "a"},
        "taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}],
        "resources": {"example.com/x": 2, "ephemeral-storage": "1Gi"},
    }
    prices = [{"at": "0s", "price": 3}, {"at": "2d", "price": 2.5}]
    document = least(pools=[pool(node=node, min=1, max=5, initial=2, delay="3m", idle="10m", price=prices)])
    assert scenario(tmp_path, document).pools == (
        NodePool(
            name="gpu",
            node=Node(
                name="gpu",
                allocatable={
                    "cpu": 7500,
                    "memory": 32 * 2**30,
                    "pods": 110,
                    "nvidia.com/gpu": 2,
                    "example.com/x": 2,
                    "ephemeral-storage": 2**30,
                },
                labels={
                    "kubernetes.io/hostname": "gpu",
                    "nvidia.com/gpu.product": "A100",
                    "zone": "a",
                    "yuheng.io/pool": "gpu",
                },
                taints=(Taint("k", "NoSchedule", "v"),),
                devices=DeviceInventory(count=2, model="A100"),
            ),
            minimum=1,
            maximum=5,
            initial=2,
            delay=180,
            idle=600,
            price=PriceSeries((0, 172800), (3, 2.5)),
        ),
    )


def test_a_pool_starts_with_its_least_and_keeps_idle_nodes(tmp_path: Path) -> None:
    (found,) = scenario(tmp_path, least(pools=[pool(min=2, price=1)])).pools
    assert (found.initial, found.idle, found.price) == (2, math.inf, PriceSeries((0,), (1,)))


DISTRIBUTIONS: list[tuple[Any, Distribution]] = [
    ("2h", Distribution(kind="constant", a=7200)),
    (90, Distribution(kind="constant", a=90)),
    ({"constant": "1m"}, Distribution(kind="constant", a=60)),
    ({"uniform": {"from": "1m", "to": "2m"}}, Distribution(kind="uniform", a=60, b=120)),
    ({"exponential": {"mean": "1h"}}, Distribution(kind="exponential", a=3600)),
    (
        {"lognormal": {"median": "2h", "sigma": 1.2}, "least": "1m", "most": "7d"},
        Distribution(kind="lognormal", a=7200, b=1.2, least=60, most=604800),
    ),
    ({"pareto": {"least": 5, "tail": 1.1}}, Distribution(kind="pareto", a=5, b=1.1)),
    ({"weibull": {"scale": "1h", "shape": 0.5}}, Distribution(kind="weibull", a=3600, b=0.5)),
    ({"empirical": ["2m", 1, "1m"]}, Distribution(kind="empirical", values=(1, 60, 120))),
]


@pytest.mark.parametrize(("written", "found"), DISTRIBUTIONS)
def test_distributions(tmp_path: Path, written: object, found: Distribution) -> None:
    generator = scenario(tmp_path, least(workload=job_class(duration=written))).generator
    assert generator is not None
    assert generator.classes[0].duration == found


def test_a_class(tmp_path: Path) -> None:
    written = job_class(
        share=2,
        pods={"uniform": {"from": 1, "to": 4}},
        gang=False,
        cpu="500m",
        memory="1Gi",
        gpu=0.5,
        gpuModel=["A100", "H100"],
        priority=-10,
        labels={"app": "x"},
        namespace="team",
    )
    generator = scenario(tmp_path, least(workload=written)).generator
    assert generator is not None
    (found,) = generator.classes
    assert (found.name, found.share, found.gang) == ("train", 2, False)
    assert found.pods == Distribution(kind="uniform", a=1, b=4)
    template = found.template
    assert (template.name, template.namespace, template.labels, template.priority) == (
        "train",
        "team",
        {"app": "x"},
        -10,
    )
    assert template.spec.requests == {"cpu": 500, "memory": 2**30}
    assert template.spec.devices == DeviceRequest(count=1, milli=500, models=("A100", "H100"))


def test_whole_gpus_of_a_class(tmp_path: Path) -> None:
    generator = scenario(tmp_path, least(workload=job_class(gpu=4, gpuModel="T4"))).generator
    assert generator is not None
    spec = generator.classes[0].template.spec
    assert spec.devices == DeviceRequest(count=4, models=("T4",))
    assert spec.requests["nvidia.com/gpu"] == 4


@pytest.mark.parametrize(("rate", "per_hour"), [("120/h", 120), ("2/min", 120), ("48 / d", 2), ("0.5/s", 1800)])
def test_arrivals(tmp_path: Path, rate: str, per_hour: float) -> None:
    arrivals = {"rate": rate, "daily": [*range(24)], "weekly": [1] * 5 + [0, 0.5], "variation": 1.5}
    document = {"classes": GENERATE["classes"], "arrivals": arrivals, "length": "30d"}
    found = scenario(tmp_path, least(workload={"generate": document})).generator
    assert found is not None
    assert (found.jobs, found.length) == (None, 30 * 86400)
    daily = tuple(float(hour) for hour in range(24))
    assert found.arrivals == ArrivalProcess(
        rate=pytest.approx(per_hour), daily=daily, weekly=(1, 1, 1, 1, 1, 0, 0.5), variation=1.5
    )


def test_what_happens_to_nodes(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"metadata": {"gap_seconds": 60}, "data": [1, 0]}')
    document = least(
        nodes=["n.yaml"],
        failures=[{"mtbf": "30d", "mttr": "4h"}, {"nodes": {"labels": {"zone": "a"}}, "mtbf": 10, "mttr": 1}],
        markets=[
            {"name": "spot", "nodes": {"pool": "gpu"}, "availability": "a.json", "offset": "random"},
            {"name": "far", "nodes": {"labels": {"zone": "a"}}, "availability": "a.json", "offset": "1h"},
        ],
        events=[{"at": "3d", "drain": ["n-1", "gpu-2"]}, {"at": 5, "fail": ["n-1"]}],
        prices=[{"nodes": {"labels": {"zone": "a"}}, "price": 3}, {"price": [{"at": 0, "price": 1}]}],
    )
    found = scenario(tmp_path, document)
    assert found.failures == (
        Failures(mtbf=2592000, mttr=14400),
        Failures(labels={"zone": "a"}, mtbf=10, mttr=1),
    )
    spot, far = found.markets
    assert (spot.labels, spot.offset, spot.gap, spot.available.tolist()) == (
        {"yuheng.io/pool": "gpu"}, None, 60, [True, False]
    )  # fmt: skip
    assert (far.labels, far.offset) == ({"zone": "a"}, 3600)
    assert found.changes == (NodeChange(5, "fail", ("n-1",)), NodeChange(259200, "drain", ("n-1", "gpu-2")))
    assert found.prices == (
        Pricing({"zone": "a"}, PriceSeries((0,), (3,))),
        Pricing({}, PriceSeries((0,), (1,))),
    )


def test_a_trace_with_columns(tmp_path: Path) -> None:
    columns = {**COLUMNS, "queue": "team", "cpu": {"value": "2500m"}, "memory": {"column": "d", "unit": "GiB"}}
    work = {"trace": "t.csv", "columns": columns, "round": {"cpu": 1, "memory": "2Gi"}}
    found = scenario(tmp_path, least(workload=work)).workload
    assert found is not None
    assert (found.names, found.submit.tolist()) == (["a", "b"], [0, 10])
    assert {pod.queue for pod in found.templates} == {"red", "blue"}
    assert found.templates[0].spec.requests == {"cpu": 3000, "memory": 6 * 2**30}


def test_the_epoch_of_a_trace_holds_unless_the_scenario_has_one(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("t\n2026-01-05T00:00:00Z\n")
    work = {"trace": "u.csv", "columns": {"submit": "t", "duration": {"value": "1h"}}}
    assert scenario(tmp_path, least(workload=work)).epoch == 1767571200
    assert scenario(tmp_path, least(workload=work, epoch="1970-01-01T00:00:10Z")).epoch == 10


def test_an_arrival_sequence_needs_no_times(tmp_path: Path) -> None:
    document = least(nodes=["n.yaml"], workload={"trace": "t.csv", "columns": {"name": "id"}, "sequence": {}})
    del document["pools"]
    found = scenario(tmp_path, document)
    assert found.sequence == ArrivalSequence(1.3)
    assert found.workload is not None
    assert found.workload.duration.tolist() == [math.inf, math.inf]


def test_without_a_workload_the_pods_of_the_cluster_are_all_there_is(tmp_path: Path) -> None:
    found = scenario(tmp_path, {"nodes": ["n.yaml"], "policies": ["fgd"]})
    assert (found.workload, found.generator) == (None, None)
    assert [pod.name for pod in found.snapshot.pods] == ["waiting"]


QUEUE = """
apiVersion: scheduling.volcano.sh/v1beta1
kind: Queue
metadata: {name: red}
spec: {weight: 2}
---
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
metadata: {name: j}
spec:
  queue: blue
  tasks: [{name: t, replicas: 1, template: {spec: {containers: [{name: c, image: i}]}}}]
"""


def test_queues_are_joined_with_those_of_the_cluster(tmp_path: Path) -> None:
    (tmp_path / "q.yaml").write_text(QUEUE)
    queues = [
        {"name": "blue", "weight": 3, "deserved": {"gpu": 2, "cpu": "500m"}, "parent": "all", "priority": 5},
        {"name": "all", "guarantee": {"gpu": 6}, "capability": {"memory": "1Gi"}, "reclaimable": False},
    ]
    work = {"trace": "t.csv", "columns": COLUMNS, "queueBy": "team"}
    found = scenario(tmp_path, least(nodes=["n.yaml", "q.yaml"], queues=queues, workload=work))
    by_name = {queue.name: queue for queue in found.snapshot.queues}
    assert sorted(by_name) == ["all", "blue", "default", "red"]
    assert (by_name["red"].weight, by_name["blue"].weight) == (2, 3)
    assert by_name["blue"].deserved == {"nvidia.com/gpu": 2, "cpu": 500}
    assert (by_name["blue"].parent, by_name["blue"].priority) == ("all", 5)
    assert by_name["all"].guarantee == {"nvidia.com/gpu": 6}
    assert (by_name["all"].capability, by_name["all"].reclaimable) == ({"memory": 2**30}, False)
    assert [job.queue for job in found.snapshot.jobs] == ["blue"]


def test_queues_that_only_jobs_name_get_the_same_weight(tmp_path: Path) -> None:
    work = {"trace": "t.csv", "columns": COLUMNS, "queueBy": "team"}
    found = scenario(tmp_path, least(workload=work))
    assert [(queue.name, queue.weight) for queue in found.snapshot.queues] == [("blue", 1), ("default", 1), ("red", 1)]
    assert found.warnings == ("no queues are given; those that jobs name get the same weight: blue, red",)


def test_a_scheduler_configuration_is_a_policy(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n"
        "- {schedulerName: packing, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: "
        "{type: MostAllocated, resources: [{name: cpu, weight: 1}]}}}]}\n- schedulerName: default-scheduler\n"
    )
    policies = [
        "bestfit",
        {"name": "mine", "config": "c.yaml", "profile": "packing"},
        {"name": "p", "config": "c.yaml"},
    ]
    found = scenario(tmp_path, least(policies=policies)).policies
    assert [(policy.name, policy.strategy.type) for policy in found] == [
        ("bestfit", "LeastAllocated"),
        ("mine", "MostAllocated"),
        ("p", "LeastAllocated"),
    ]


def test_what_a_configuration_leaves_out_is_a_warning_of_its_policy(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "profiles: [{plugins: {score: {enabled: [{name: Mine}]}}}]\n"
    )
    (warning,) = scenario(tmp_path, least(policies=[{"name": "mine", "config": "c.yaml"}])).warnings
    assert warning.startswith("policy mine: ")


@pytest.mark.shared_data
@pytest.mark.parametrize("nodes", ["gpu_node", "all_node"])
@pytest.mark.parametrize("pods", ["default", "cpu050", "gpushare40", "gpuspec10", "multigpu20"])
def test_the_openb_trace(shared: Path, tmp_path: Path, nodes: str, pods: str) -> None:
    folder = shared / "data/openb"
    has_times = pods != "multigpu20"
    work = {"trace": str(folder / f"openb_pod_list_{pods}.csv")}
    work |= {"queueBy": "qos"} if has_times else {"sequence": {"inflate": 1.3}}
    document = {"nodes": [str(folder / f"openb_node_list_{nodes}.csv")], "workload": work, "policies": ["fgd"]}
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(document))
    found = read_scenario(path, preset)
    assert len(found.snapshot.nodes) == {"gpu_node": 1213, "all_node": 1523}[nodes]
    assert found.workload is not None
    assert len(found.workload) == {"cpu050": 7439, "multigpu20": 8324}.get(pods, 8152)
    assert len(found.snapshot.queues) == (5 if has_times else 0)
