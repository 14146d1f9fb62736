"""Clusters in the engine's hands: what is counted fits, and what is taken back leaves no trace."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_fleets import GIB, NOW, made_node, made_pods, made_spec, small_fleet

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool, Fleet
from yuheng.model.node import Node
from yuheng.model.pod import DeviceRequest, HostPort, Pod, PodSpec
from yuheng.placement.headroom import Headroom
from yuheng.placement.machines import stock_of
from yuheng.placement.planner import Decision, Question
from yuheng.placement.shapes import Shapes
from yuheng.placement.sites import ANY, EXISTING, Site
from yuheng.placement.slots import Slots
from yuheng.scheduling.presets import preset

MOST = 40
some = settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class State(NamedTuple):
    """What placing pods changes in a compiled cluster."""

    used: list[list[int]]
    pods: list[int]
    devices: list[list[int]]


def _state(site: Site) -> State:
    arrays = site.engine.cluster
    return State(arrays.used.tolist(), arrays.pods.tolist(), arrays.device_free.tolist())


def _site(cluster: Cluster, pods: tuple[Pod, ...]) -> Site:
    stock = stock_of(cluster, Fleet(clusters=(cluster,), time=NOW), NOW, MOST)
    return Site(cluster, stock, preset("kubernetes"), 0, list({id(pod.spec): pod for pod in pods}.values()), Shapes())


def _cluster(kinds: list[str], bound: list[tuple[int, int]], pools: list[tuple[str, int]]) -> Cluster:
    nodes = tuple(made_node(f"n{i:02}", kind) for i, kind in enumerate(kinds))
    pods = tuple(
        Pod(name=f"old-{i}", spec=made_spec(cpu, 1), node=nodes[n % len(nodes)].name)
        for i, (n, cpu) in enumerate(bound)
        if nodes
    )
    return Cluster(
        name="c",
        snapshot=Snapshot(nodes=nodes, pods=pods, namespaces={"default": {}}),
        pools=tuple(
            ClusterPool(name=f"p{i}", node=made_node("", kind), maximum=maximum)
            for i, (kind, maximum) in enumerate(pools)
        ),
    )


KINDS = st.sampled_from(["small", "large", "lean", "gpu", "own"])
CLUSTERS = st.builds(
    _cluster,
    st.lists(KINDS, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from([100, 700, 1500])), max_size=4),
    st.lists(st.tuples(KINDS, st.integers(1, 3)), max_size=2),
)
PLAIN = st.builds(made_spec, st.sampled_from([0, 100, 900, 2500, 7000]), st.sampled_from([0, 0.5, 3, 10]))
SHARED_GPU = st.builds(
    lambda milli: PodSpec(requests={"cpu": 100}, devices=DeviceRequest(count=1, milli=milli)),
    st.sampled_from([200, 500, 600]),
)
WHOLE_GPU = st.builds(lambda count: made_spec(500, 1, count), st.integers(1, 2))
PORT = st.just(PodSpec(requests={"cpu": 100, "memory": GIB}, host_ports=(HostPort(port=8080),)))
SPECS = st.one_of(PLAIN, PLAIN, SHARED_GPU, WHOLE_GPU, PORT)


def _members(site: Site, group: int) -> list[bool]:
    """Which nodes are in a group."""
    if group == ANY:
        return [True] * len(site.group_of)
    if group == EXISTING:
        return [site.groups[g].exists for g in site.group_of]
    return [g == group for g in site.group_of]


def _nodes(site: Site) -> list[Node]:
    return list(site.engine.machines.nodes)


def _one_by_one(cluster: Cluster, site: Site, spec: PodSpec, group: int) -> int:
    """How many copies fit, counted node by node on paper."""
    found = 0
    for node, member in zip(_nodes(site), _members(site, group), strict=True):
        if not member:
            continue
        here = [pod for pod in cluster.snapshot.pods if pod.node == node.name]
        free = {
            name: amount - sum(pod.spec.requests.get(name, 0) for pod in here)
            for name, amount in node.allocatable.items()
        }
        free["pods"] = node.allocatable["pods"] - len(here)
        copies = min(free.get(name, 0) // amount for name, amount in {**spec.requests, "pods": 1}.items() if amount)
        devices = spec.devices
        if devices.count:
            each = 1000 // devices.milli if devices.is_share() else 1
            copies = min(copies, node.devices.count * each // devices.count)
        if spec.host_ports:
            copies = min(copies, 1)
        found += max(copies, 0)
    return found


@given(CLUSTERS, SPECS)
@some
def test_room_is_what_a_count_on_paper_finds(cluster: Cluster, spec: PodSpec) -> None:
    pods = made_pods("new", 1, spec)
    site = _site(cluster, pods)
    headroom = Headroom([site])
    for group in (ANY, EXISTING, *range(len(site.groups))):
        wanted = min(_one_by_one(cluster, site, spec, group), MOST)
        assert min(headroom.room(pods[0], 0, group, MOST), MOST) == wanted


@given(CLUSTERS, st.lists(SPECS, min_size=1, max_size=4))
@some
def test_room_is_kept_up_to_date_as_pods_come_and_go(cluster: Cluster, specs: list[PodSpec]) -> None:
    """What is told of a cluster with pods in it is what a cluster that was read with them tells."""
    kinds = [made_pods(f"new-{i}", 2, spec) for i, spec in enumerate(specs)]
    everybody = tuple(pod for pods in kinds for pod in pods)
    site = _site(cluster, everybody)
    headroom = Headroom([site])
    batches = []
    for pods in kinds:
        for other in kinds:
            headroom.room(other[0], 0, ANY, MOST)
        batch = site.place(pods, ANY)
        if batch is not None:
            headroom.changed(0, batch, 1)
            batches.append(batch)
    if batches:
        site.leave(batches[0])
        headroom.changed(0, batches.pop(0), -1)
    anew = _site(cluster, everybody)
    for batch in batches:
        anew.put_back(batch)
    assert _state(anew) == _state(site)
    counted = Headroom([anew])
    for pods in kinds:
        for group in (ANY, EXISTING, *range(len(site.groups))):
            known = headroom.room(pods[0], 0, group, MOST)
            assert min(known, MOST) == min(counted.room(pods[0], 0, group, MOST), MOST)


@given(st.sampled_from([200, 300, 70_000]), st.lists(st.integers(0, 3), max_size=6))
@some
def test_nodes_that_hold_any_number_of_pods_are_counted(limit: int, taken: list[int]) -> None:
    nodes = tuple(Node(name=f"n{i}", allocatable={"cpu": 10**9, "pods": limit + i}) for i in range(4))
    pods = made_pods("new", 1, PodSpec(requests={"cpu": 1}))
    site = _site(Cluster(name="c", snapshot=Snapshot(nodes=nodes, namespaces={"default": {}})), pods)
    headroom = Headroom([site])
    assert headroom.room(pods[0], 0, ANY, 10**6) == 4 * limit + 6
    for _ in taken:
        batch = site.place(pods, ANY)
        assert batch is not None
        headroom.changed(0, batch, 1)
    assert headroom.room(pods[0], 0, ANY, 10**6) == 4 * limit + 6 - len(taken)


@given(CLUSTERS, st.lists(st.tuples(SPECS, st.integers(1, 3)), min_size=2, max_size=6))
@some
def test_a_class_that_was_made_of_another_goes_where_one_that_was_not_goes(
    cluster: Cluster, wanted: list[tuple[PodSpec, int]]
) -> None:
    everybody = [made_pods(f"new-{i}", count, spec) for i, (spec, count) in enumerate(wanted)]
    some_pods = tuple(pod for pods in everybody for pod in pods)
    recast, anew = _site(cluster, some_pods), _site(cluster, some_pods)
    # The first one twice, as its trees are used from its second turn on.
    for pods in (everybody[0], *everybody):
        anew._hands.clear()
        anew._hand(anew._number(pods[0], ANY))
        found = [site.place(pods, ANY) for site in (recast, anew)]
        where = [batch.nodes.tolist() if batch is not None else None for batch in found]
        assert where[0] == where[1]
    assert _state(recast) == _state(anew)


@given(CLUSTERS, SPECS)
@some
def test_as_many_can_be_placed_as_there_is_room_for_and_not_one_more(cluster: Cluster, spec: PodSpec) -> None:
    pods = made_pods("new", MOST + 1, spec)
    site = _site(cluster, pods)
    before = _state(site)
    for group in (ANY, EXISTING, *range(len(site.groups))):
        room = Headroom([site]).room(pods[0], 0, group, MOST)
        if room < MOST:
            assert site.place(pods[: room + 1], group) is None
            assert _state(site) == before
        batch = site.place(pods[: min(room, MOST)], group)
        assert batch is not None
        members = _members(site, group)
        assert all(members[n] for n in batch.nodes)
        site.leave(batch)
        assert _state(site) == before


@given(CLUSTERS, st.lists(SPECS, min_size=1, max_size=3))
@some
def test_leaving_and_coming_back_leave_no_trace(cluster: Cluster, specs: list[PodSpec]) -> None:
    kinds = [made_pods(f"new-{i}", 2, spec) for i, spec in enumerate(specs)]
    site = _site(cluster, tuple(pod for pods in kinds for pod in pods))
    empty = _state(site)
    batches = [batch for pods in kinds if (batch := site.place(pods, ANY)) is not None]
    full = _state(site)
    for batch in batches:
        site.leave(batch)
    assert _state(site) == empty
    for batch in reversed(batches):
        site.put_back(batch)
    assert _state(site) == full


@given(st.integers(0, 10**6))
@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_workloads_that_are_released_and_restored_leave_no_trace(seed: int) -> None:
    fleet, objective = small_fleet(seed)
    decision = Decision(fleet, Question(objective=objective))
    sites = decision.assignment.sites
    empty = [_state(site) for site in sites]
    decision.decide()
    full = [_state(site) for site in sites]
    held = dict(decision.assignment.tenures)
    for key in held:
        decision.assignment.release(key)
    assert [_state(site) for site in sites] == empty
    assert decision.assignment.tenures == {}
    for key, tenure in held.items():
        decision.assignment.restore(key, tenure)
    assert [_state(site) for site in sites] == full
    assert list(decision.assignment.tenures) == list(held)


STEPS = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), st.integers(1, 4)), max_size=12)


def _running(taken: list[tuple[int, int, int]], moment: float) -> int:
    return sum(pods for start, seconds, pods in taken if start <= moment < start + seconds)


@given(st.integers(0, 5), STEPS)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_slots_are_given_at_the_first_moment_at_which_there_are_enough(
    limit: int, asked: list[tuple[int, int, int]]
) -> None:
    slots, taken = Slots(limit), []
    for start, seconds, pods in asked:
        found = slots.earliest(start, seconds, pods)
        free = [
            moment
            for moment in range(start, 200)
            if all(_running(taken, moment + step) + pods <= limit for step in range(seconds))
        ]
        assert found == (free[0] if free else None)
        if found is not None:
            slots.take(found, seconds, pods)
            taken.append((int(found), seconds, pods))
    assert all(_running(taken, moment) <= limit for moment in range(200))
    for start, seconds, pods in taken:
        slots.give_back(start, seconds, pods)
    assert slots.earliest(0, 100, limit) == (0 if limit >= 0 else None)
