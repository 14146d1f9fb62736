"""What holds of every plan, whatever the fleet: pods fit, limits are kept, sums add up, order does not matter."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_fleets import NOW, small_fleet

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool, Fleet
from yuheng.model.fleet_plan import FleetPlan, WorkloadPlan
from yuheng.model.node import Node
from yuheng.model.objective import parse_objective
from yuheng.model.prices import PriceBook
from yuheng.placement.losses import losses_of
from yuheng.placement.planner import Question, plan

SEEDS = st.integers(1000, 10**9)
some = settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
few = settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _planned(seed: int, **question: Any) -> tuple[Fleet, str, FleetPlan]:
    fleet, objective = small_fleet(seed)
    return fleet, objective, plan(fleet, Question(objective=objective, **question))


def _node(cluster: Cluster, name: str) -> tuple[Node, ClusterPool | None]:
    """A node of a cluster or of one of its pools, which have no more than they may."""
    for node in cluster.snapshot.nodes:
        if node.name == name:
            return node, None
    pool = next(pool for pool in cluster.pools if name.rpartition("-")[0] == pool.name)
    assert 0 <= int(name.rpartition("-")[2]) < pool.maximum
    return pool.node, pool


@given(SEEDS)
@some
def test_every_pod_fits_its_node(seed: int) -> None:
    fleet, _, found = _planned(seed)
    clusters = {cluster.name: cluster for cluster in fleet.clusters}
    specs = {pod.key: pod.spec for one in fleet.workloads for pod in one.pods}
    used: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    devices: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for cluster in fleet.clusters:
        for pod in cluster.snapshot.pods:
            used[cluster.name, pod.node or ""].update({**pod.spec.requests, "pods": 1})
    for name, placement in found.placements:
        spec = specs[placement.pod]
        used[name, placement.node].update({**spec.requests, "pods": 1})
        assert len(placement.devices) == spec.devices.count
        devices[name, placement.node] += placement.devices
    for (name, node_name), amounts in used.items():
        node, _ = _node(clusters[name], node_name)
        assert all(amount <= node.allocatable.get(resource, 0) for resource, amount in amounts.items())
        taken = devices[name, node_name]
        assert len(taken) == len(set(taken))
        assert all(0 <= device < node.devices.count for device in taken)


@given(SEEDS)
@some
def test_a_workload_has_all_its_replicas_or_none_and_a_reason(seed: int) -> None:
    fleet, _, found = _planned(seed)
    where: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, placement in found.placements:
        where[placement.pod.rpartition("-")[0]][name] += 1
    pending = Counter(refusal.pod.rpartition("-")[0] for _, refusal in found.unschedulable)
    for one, told in zip(fleet.workloads, found.workloads, strict=True):
        assert (told.workload, told.wanted) == (one.key, len(one.pods))
        assert dict(told.replicas) == dict(where[one.key])
        if told.replicas:
            assert sum(told.replicas.values()) == told.wanted
            assert told.reason == ""
            assert one.divisible or len(told.replicas) == 1
        else:
            assert told.reason
            assert pending[one.key] == told.wanted
    assert found.summary.pods == len(found.placements)
    assert found.summary.pending == len(found.unschedulable)
    assert found.summary.placed + found.summary.unschedulable == len(fleet.workloads)


@given(SEEDS)
@some
def test_sums_are_those_of_the_workloads(seed: int) -> None:
    _, objective, found = _planned(seed)
    summary, placed = found.summary, [one for one in found.workloads if one.replicas]
    dollars = sum(one.compute + one.egress + one.storage for one in placed)
    seconds = summary.hours * 3600
    assert summary.total == pytest.approx(dollars)
    assert summary.per_hour == pytest.approx(sum(one.per_hour for one in placed))
    assert summary.carbon_grams == pytest.approx(sum(one.carbon_grams for one in placed))
    factors = parse_objective(objective).factors(found.reference)
    assert summary.value == pytest.approx(
        factors.cost * summary.total + factors.time * seconds + factors.carbon * summary.carbon_grams
    )
    for one in placed:
        if one.total is not None:
            assert one.total == pytest.approx(one.compute + one.egress + one.storage)
            assert one.egress == pytest.approx(sum(item.cost for item in one.transfers))
        assert (one.total is None) == (one.finish is None)
    ending = sum(one.finish - NOW for one in placed if one.finish is not None)
    assert seconds >= ending - 1e-6


@given(SEEDS)
@some
def test_a_plan_is_not_better_than_its_bound(seed: int) -> None:
    _, _, found = _planned(seed)
    summary = found.summary
    assert summary.bound <= summary.value
    if summary.gap is not None:
        assert summary.gap >= 0
        assert summary.value == pytest.approx(summary.bound * (1 + summary.gap))


@given(SEEDS)
@some
def test_regions_markets_and_deadlines_are_kept(seed: int) -> None:
    fleet, _, found = _planned(seed)
    clusters = {cluster.name: cluster for cluster in fleet.clusters}
    owner = {pod.key: one for one in fleet.workloads for pod in one.pods}
    for name, placement in found.placements:
        needs = owner[placement.pod].requirements
        _, pool = _node(clusters[name], placement.node)
        market = pool.market if pool is not None else "on-demand"
        assert not needs.regions or clusters[name].region in needs.regions
        assert not needs.markets or market in needs.markets
        assert market != "spot" or needs.interruptible or "spot" in needs.markets
    for one, told in zip(fleet.workloads, found.workloads, strict=True):
        needs = one.requirements
        if told.replicas and needs.within is not None:
            assert told.finish is not None
            assert told.finish <= NOW + needs.within + 1e-6
        if told.start is not None and needs.not_before is not None:
            assert told.start >= needs.not_before


@given(SEEDS)
@some
def test_the_runner_up_is_not_better_than_the_choice(seed: int) -> None:
    """Of a service no dollars in all are told: there only seconds and grams can be compared."""
    _, objective, found = _planned(seed)
    factors = parse_objective(objective).steering(found.reference)
    for one in found.workloads:
        other = one.runner_up
        if other is None:
            continue
        ours = factors.cost * (one.compute + one.egress) + factors.carbon * one.carbon_grams
        if other.total is not None:
            more = factors.cost * other.total + factors.time * other.seconds + factors.carbon * other.carbon_grams
            # What only breaks ties is smaller than what the solver tells apart.
            assert more >= -1e-7 * ours - 1e-12
        elif objective == "time":
            assert other.seconds >= -1e-3
        elif objective == "carbon":
            assert other.carbon_grams >= -1e-3 * one.carbon_grams


def _body(found: FleetPlan) -> dict[str, Any]:
    body = found.to_dict()
    del body["summary"]["seconds"]
    return body


@given(SEEDS)
@few
def test_the_same_question_has_the_same_answer(seed: int) -> None:
    assert _body(_planned(seed)[2]) == _body(_planned(seed)[2])


@given(SEEDS, st.integers(0, 10**6))
@few
def test_the_order_in_which_things_are_listed_does_not_matter(seed: int, order: int) -> None:
    """That of pools and pods of a cluster, of regions and prices; a fleet's clusters and nodes are sorted by name."""
    fleet, objective = small_fleet(seed)
    draw = random.Random(order)
    clusters = tuple(_shuffled(cluster, draw) for cluster in fleet.clusters)
    regions = dict(draw.sample(sorted(fleet.regions.items()), len(fleet.regions)))
    prices = PriceBook(draw.sample(list(fleet.prices), len(fleet.prices)))
    other = msgspec.structs.replace(fleet, clusters=clusters, regions=regions, prices=prices)
    question = Question(objective=objective)
    assert _body(plan(other, question)) == _body(plan(fleet, question))


def _shuffled(cluster: Cluster, draw: random.Random) -> Cluster:
    pods = cluster.snapshot.pods
    snapshot = msgspec.structs.replace(cluster.snapshot, pods=tuple(draw.sample(pods, len(pods))))
    pools = tuple(draw.sample(cluster.pools, len(cluster.pools)))
    return msgspec.structs.replace(cluster, snapshot=snapshot, pools=pools)


@given(SEEDS, st.integers(0, 100))
@few
def test_a_fleet_that_lost_something_is_planned_as_one_that_never_had_it(seed: int, which: int) -> None:
    fleet, objective = small_fleet(seed)
    losses = [loss for loss in losses_of(fleet) if loss.field != "zone"]
    loss = losses[which % len(losses)]
    left = tuple(cluster for cluster in fleet.clusters if not loss.takes(cluster))
    never = plan(msgspec.structs.replace(fleet, clusters=left), Question(objective=objective))
    lost = plan(fleet, Question(objective=objective, without=(str(loss),)))
    assert lost.placements == never.placements
    assert lost.new_nodes == never.new_nodes
    assert [_decision(one) for one in lost.workloads] == [_decision(one) for one in never.workloads]
    assert lost.summary.value == never.summary.value
    gone = {cluster.name for cluster in fleet.clusters} - {cluster.name for cluster in left}
    assert {report.cluster for report in lost.clusters if report.lost} == gone
    for one in lost.workloads:
        assert gone <= {item.cluster for item in one.refused if item.reason == "it is lost"}


def _decision(one: WorkloadPlan) -> WorkloadPlan:
    return msgspec.structs.replace(one, refused=())


@given(SEEDS)
@few
def test_a_lost_zone_takes_its_nodes_and_pools(seed: int) -> None:
    fleet, objective = small_fleet(seed)
    zoned = tuple(_zoned(cluster) for cluster in fleet.clusters)
    kept = tuple(_without_zone(cluster) for cluster in zoned)
    question = Question(objective=objective)
    if zoned == kept:
        return
    lost = plan(msgspec.structs.replace(fleet, clusters=zoned), question._replace(without=("zone=b",)))
    never = plan(msgspec.structs.replace(fleet, clusters=kept), question)
    assert lost.placements == never.placements
    assert lost.summary.value == never.summary.value


ZONE = "topology.kubernetes.io/zone"


def _zoned(cluster: Cluster) -> Cluster:
    """The nodes in zones a and b in turn, and so the pools."""

    def marked(node: Node, i: int) -> Node:
        return msgspec.structs.replace(node, labels={**node.labels, ZONE: "ab"[i % 2]})

    nodes = tuple(marked(node, i) for i, node in enumerate(cluster.snapshot.nodes))
    pools = tuple(msgspec.structs.replace(pool, node=marked(pool.node, i + 1)) for i, pool in enumerate(cluster.pools))
    snapshot = msgspec.structs.replace(cluster.snapshot, nodes=nodes)
    return msgspec.structs.replace(cluster, snapshot=snapshot, pools=pools)


def _without_zone(cluster: Cluster) -> Cluster:
    nodes = tuple(node for node in cluster.snapshot.nodes if node.labels[ZONE] == "a")
    names = {node.name for node in nodes}
    pods = tuple(pod for pod in cluster.snapshot.pods if pod.node in names)
    snapshot: Snapshot = msgspec.structs.replace(cluster.snapshot, nodes=nodes, pods=pods)
    pools = tuple(pool for pool in cluster.pools if pool.node.labels[ZONE] == "a")
    return msgspec.structs.replace(cluster, snapshot=snapshot, pools=pools)
