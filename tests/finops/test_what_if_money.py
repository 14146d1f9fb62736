"""What a change would cost: each on a cluster small enough to work out by hand."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator
from made_consolidations import GIB, node, pod
from msgspec.structs import replace

from yuheng.errors import ConfigError
from yuheng.finops.pricing import price_nodes
from yuheng.finops.what_if import Known, Sizes, parse_ask, what_if
from yuheng.model.cluster import Snapshot
from yuheng.model.node import DeviceInventory, Taint, Toleration
from yuheng.model.pod import DeviceRequest, OwnerReference, PodSpec
from yuheng.model.prices import Price, PriceBook
from yuheng.model.units import HOURS_A_MONTH
from yuheng.reporting.schema import schema
from yuheng.scheduling.presets import PRESETS

POLICY = PRESETS["kubernetes"].policy
TYPES = {
    "m5.xlarge": (4, 16, 0.2),
    "m5.4xlarge": (16, 64, 0.8),
    "m7g.4xlarge": (16, 64, 0.65),
    "g5.xlarge": (4, 16, 1.0),
}
BOOK = PriceBook(
    Price(
        provider="aws",
        region="r",
        instance_type=kind,
        market=market,
        per_hour=price * (0.3 if market == "spot" else 1.0),
        cpu_milli=1000 * cores,
        memory=gib * GIB,
        gpus=int(kind.startswith("g5")),
    )
    for kind, (cores, gib, price) in TYPES.items()
    for market in ("on-demand", "spot")
)
JOB = OwnerReference("Job", "crunch", "", True)
DAEMON = OwnerReference("DaemonSet", "log", "", True)


def machine(name, kind="m5.xlarge", **fields):
    cores, gib, _ = TYPES[kind]
    labels = {"node.kubernetes.io/instance-type": kind, "topology.kubernetes.io/region": "r"}
    return replace(node(name, cores, gib, **labels), **fields)


def asked(cluster, *texts, **known):
    prices = price_nodes(cluster.nodes, BOOK, time=0.0)
    facts = Known(book=BOOK, time=0.0, policy=POLICY, **known)
    found = what_if(cluster, prices, [parse_ask(text) for text in texts], facts)
    Draft202012Validator(schema("WhatIf")).validate(found.to_dict())
    return found


def month(per_hour):
    return pytest.approx(per_hour * HOURS_A_MONTH, abs=0.01)


def pools():
    """A node of services, half idle, and one of batch work that is kept apart by a label and a taint."""
    own = Taint("pool", "NoSchedule", "batch")
    batch = machine("batch", taints=(own,))
    batch = replace(batch, labels={**batch.labels, "pool": "batch"})
    spec = PodSpec(requests={"cpu": 1000}, node_selector={"pool": "batch"}, tolerations=(Toleration("pool", "Exists"),))
    return Snapshot(
        nodes=(batch, machine("services")),
        pods=(pod("web", "services", 2), pod("crunch", "batch", spec=spec, owner=JOB)),
    )


def test_batch_work_moves_into_the_idle_room_of_services():
    found = asked(pools(), "colocate")
    packed, colocated = found.changes
    assert (packed.nodes, colocated.nodes) == (2, 1)
    assert found.to_dict()["savedPerMonth"] == month(0.2)
    assert (colocated.risk.amount, colocated.risk.unit) == (1.0, "batch pods beside services")


def test_batch_work_keeps_away_from_nodes_it_has_no_room_on():
    cluster = pools()
    full = replace(cluster, pods=(pod("web", "services", 3.5), cluster.pods[1]))
    assert asked(full, "colocate").changes[-1].nodes == 2


def gpus(count=2, **fields):
    """Pods with a whole GPU each, on nodes with one each."""
    devices = DeviceInventory(count=1, memory=24 * GIB, model="A10G")
    spec = PodSpec(requests={"cpu": 500, "nvidia.com/gpu": 1}, devices=DeviceRequest(count=1))
    made = [machine(f"g{i}", "g5.xlarge", devices=devices) for i in range(count)]
    nodes = tuple(replace(one, allocatable={**one.allocatable, "nvidia.com/gpu": 1}) for one in made)
    return Snapshot(nodes=nodes, pods=tuple(pod(f"p{i}", f"g{i}", spec=spec, **fields) for i in range(count)))


def test_services_share_gpus_by_halves_where_nothing_was_measured():
    found = asked(gpus(4), "share-gpus")
    assert [change.nodes for change in found.changes] == [4, 2]
    assert found.changes[-1].risk.amount == 4
    assert any("0.5" in sentence for sentence in found.changes[-1].assumptions)


def test_measured_use_decides_how_large_a_share_is():
    # 0.2 of a GPU and 15 % more are a quarter in twentieths: four share one.
    use = {f"default/p{i}": 0.2 for i in range(4)}
    assert asked(gpus(4), "share-gpus", gpu_use=use).changes[-1].nodes == 1
    assert asked(gpus(4), "share-gpus", gpu_use={"default/p0": 0.2, "default/p1": 0.2}).changes[-1].nodes == 3


def test_batch_work_keeps_its_gpus_where_nothing_was_measured():
    with pytest.raises(ConfigError, match="share-gpus: found no pod that could share"):
        asked(gpus(owner=JOB), "share-gpus")


def replicas(count=4, **fields):
    """Replicas, one to a machine, for they ask for most of it; each machine has a pod of a DaemonSet."""
    pods = [pod(f"p{i}", f"n{i}", 3, **fields) for i in range(count)]
    daemons = [pod(f"log{i}", f"n{i}", 0.1, owner=DAEMON) for i in range(count)]
    return Snapshot(nodes=tuple(machine(f"n{i}") for i in range(count)), pods=(*daemons, *pods))


def test_half_of_the_replicas_go_to_spot_machines():
    found = asked(replicas(), "spot=0.5")
    change = found.changes[-1]
    assert (change.nodes, change.unplaced) == (4, ())
    assert found.to_dict()["after"]["perMonth"] == month(2 * 0.2 + 2 * 0.06)
    assert change.risk.amount == pytest.approx(2 * 0.1)
    assert change.risk.unit == "interruptions a month"


def test_one_replica_of_a_service_is_never_interrupted_and_all_of_a_job_may_be():
    assert asked(replicas(), "spot=1").to_dict()["after"]["perMonth"] == month(0.2 + 3 * 0.06)
    assert asked(replicas(owner=JOB), "spot=1").to_dict()["after"]["perMonth"] == month(4 * 0.06)


KEPT = {
    "a StatefulSet": ({"owner": OwnerReference("StatefulSet", "db", "", True)}, {}),
    "a volume": ({"spec": PodSpec(requests={"cpu": 3000}, claims=("data",))}, {}),
    "an annotation": ({}, {f"default/p{i}": {"karpenter.sh/do-not-disrupt": "true"} for i in range(4)}),
    "nobody who starts it again": ({"owner": None}, {}),
}


@pytest.mark.parametrize("name", KEPT)
def test_who_may_not_be_interrupted_stays_on_demand(name):
    fields, annotations = KEPT[name]
    with pytest.raises(ConfigError, match="spot: found no replicas that may be interrupted"):
        asked(replicas(**fields), "spot=0.5", annotations=annotations)


def test_all_nodes_of_a_kind_become_one_type():
    found = asked(replicas(), "node-type=m7g.4xlarge")
    change = found.changes[-1]
    assert (change.nodes, change.unplaced) == (1, ())
    assert found.to_dict()["after"]["perMonth"] == month(0.65)
    assert "arm64" in change.risk.text


def test_pods_that_fit_no_new_node_are_told_and_keep_theirs():
    cluster = Snapshot(
        nodes=(machine("large", "m5.4xlarge"), machine("small")),
        pods=(pod("large", "large", 12), pod("small", "small", 1)),
    )
    change = asked(cluster, "node-type=m5.xlarge").changes[-1]
    assert (change.unplaced, change.nodes) == (("default/large",), 1)


def test_nodes_with_gpus_do_not_become_machines_without():
    with pytest.raises(ConfigError, match="found no node without GPUs"):
        asked(gpus(), "node-type=m5.xlarge")


def test_requests_become_what_was_recommended():
    sizes = Sizes({f"default/p{i}": (-2000, 0) for i in range(4)}, 42.0, "seasonal")
    found = asked(replicas(), "resize", sizes=sizes)
    assert [change.nodes for change in found.changes] == [4, 2]
    assert (found.changes[-1].risk.amount, found.changes[-1].risk.unit) == (42.0, "minutes above request a month")


def test_pods_that_outgrow_their_node_get_another():
    cluster = Snapshot(nodes=(machine("n0"), machine("n1")), pods=(pod("p", "n0", 2), pod("q", "n0", 1.5)))
    sizes = Sizes({"default/p": (1000, 0)}, 0.0, "vpa")
    change = asked(cluster, "resize", sizes=sizes).changes[-1]
    assert (change.nodes, change.unplaced) == (2, ())


def test_changes_come_one_on_top_of_the_other():
    found = asked(replicas(), "spot=0.5", "node-type=m5.4xlarge")
    told = found.to_dict()["changes"]
    assert [row["change"] for row in told] == ["consolidate", "spot=0.5", "node-type=m5.4xlarge"]
    assert [row["before"] for row in told[1:]] == [row["after"] for row in told[:-1]]
    # Two replicas fit one large machine of each market.
    assert told[-1]["after"] == {"nodes": 2, "perMonth": month(0.8 * 1.3)}


REFUSED = {
    "share": "expected colocate, share-gpus, spot=0.5",
    "spot": "expected colocate, share-gpus, spot=0.5",
    "spot=2": "expected a share above 0 and up to 1",
    "spot=many": "expected a share above 0 and up to 1",
    "node-type=": "expected an instance type",
    "colocate=1": "expected colocate",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_change_that_there_is_not_is_told(text):
    with pytest.raises(ConfigError, match=REFUSED[text]):
        parse_ask(text)


LACKING = {
    "colocate": (replicas(), "found no pods of Jobs"),
    "resize": (replicas(), "expected --usage"),
    "node-type=x9.huge": (replicas(), "found no such type"),
}


@pytest.mark.parametrize("text", LACKING)
def test_what_a_change_lacks_is_told(text):
    cluster, told = LACKING[text]
    with pytest.raises(ConfigError, match=told):
        asked(cluster, text)
