"""From pods to nodes: what is held where, what is not and why, and that the engine agrees."""

from __future__ import annotations

import numpy as np
import pytest

from yuheng.finops.node_mix import Choice, demand_of, node_mix
from yuheng.finops.node_mix.peak import peak_of
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import (
    Affinity,
    DeviceRequest,
    HostPort,
    OwnerReference,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    PodSpec,
    TopologySpreadConstraint,
)
from yuheng.model.prices import Price, PriceBook
from yuheng.model.selectors import LabelSelector
from yuheng.model.workload import Workload
from yuheng.scheduling.planner import plan

GIB = 2**30
HOSTNAME = "kubernetes.io/hostname"
CHOICE = Choice(reserve="none")


def price(name, per_hour, cores, gib, **more):
    return Price(
        **{"instance_type": name, "per_hour": per_hour, "cpu_milli": cores * 1000, "memory": gib * GIB, **more}
    )


BOOK = PriceBook(
    [
        price("c.large", 1.0, 4, 8),
        price("r.large", 1.0, 2, 32),
        price("m.large", 2.5, 8, 32, zone="z1"),
        price("g.large", 9.0, 8, 32, gpus=2, gpu_model="T4"),
    ]
)


def pods(number, cpu, gib, *, name="p", labels=None, **spec):
    requests = {"cpu": cpu, "memory": gib * GIB} | spec.pop("requests", {})
    one = PodSpec(requests=requests, scoring_requests=(cpu, gib * GIB), **spec)
    return [Pod(name=f"{name}-{i}", spec=one, labels=labels or {}) for i in range(number)]


def mix(held, book=BOOK, choice=CHOICE, **snapshot):
    state = Snapshot(pods=tuple(held), namespaces={"default": {}}, **snapshot)
    return node_mix(demand_of(state), book, choice)


def bought(found):
    return {nodes.instance_type: nodes.count for nodes in found.nodes}


def test_each_ratio_gets_its_own_machines():
    found = mix([*pods(4, 2000, 4, name="c"), *pods(4, 1000, 16, name="r")])
    assert bought(found) == {"c.large": 2, "r.large": 2}
    assert found.per_hour == 4.0
    assert found.gap == pytest.approx(0, abs=1e-3)


def test_running_pods_count_and_where_they_run_does_not():
    running = [Pod(name=one.name, spec=one.spec, node="old") for one in pods(4, 2000, 4)]
    assert bought(mix(running, nodes=(Node(name="old", allocatable={"cpu": 99000}),))) == {"c.large": 2}


def test_every_node_carries_its_daemons():
    owner = OwnerReference("DaemonSet", "agent", controller=True)
    daemon = Pod(name="agent-1", spec=PodSpec(requests={"cpu": 1000, "memory": GIB}), owner=owner, node="old")
    found = mix([*pods(4, 1500, 2), daemon], nodes=(Node(name="old", allocatable={"cpu": 99000}),))
    # Two pods of 1.5 cores and the agent's core fill a machine of 4.
    assert bought(found) == {"c.large": 2}
    assert found.pods == 4
    assert found.nodes[0].cpu == 3000


def test_selectors_choose_among_what_names_and_books_tell():
    assert bought(mix(pods(1, 1000, 1, node_selector={"node.kubernetes.io/instance-type": "m.large"}))) == {
        "m.large": 1
    }
    (nodes,) = mix(pods(1, 1000, 1, node_selector={"topology.kubernetes.io/zone": "z1"})).nodes
    # What is sold at one price everywhere is sold in this zone, too.
    assert (nodes.each, nodes.zone) == (1.0, "z1")


def test_shares_of_gpus_are_packed():
    share = DeviceRequest(count=1, milli=500)
    assert bought(mix(pods(4, 1000, 1, devices=share))) == {"g.large": 1}


def test_gpu_models_are_held_to():
    share = DeviceRequest(count=1, milli=500, models=("V100",))
    found = mix(pods(2, 1000, 1, devices=share))
    assert found.nodes == ()
    assert [len(one.pods) for one in found.unheld] == [2]


REASONS = {
    "too large": (pods(1, 9000, 1), "it asks for cpu 9; the machines that it may be on have 8 at most for pods"),
    "too many GPUs": (
        pods(1, 1000, 1, devices=DeviceRequest(count=4), requests={"nvidia.com/gpu": 4}),
        "it asks for 4 GPUs; the machines that it may be on have 2 at most",
    ),
    "nowhere allowed": (
        pods(1, 1000, 1, node_selector={"pool": "x"}),
        "its node selector, node affinity, GPU model or volumes allow none of the machines",
    ),
    "a resource that is not sold": (
        pods(1, 1000, 1, requests={"example.com/card": 1}),
        "it asks for example.com/card 1; the machines that it may be on have 0 at most for pods",
    ),
    "everything at once": (pods(1, 5000, 1, requests={"memory": 40 * GIB}), "40Gi; the machines"),
}


@pytest.mark.parametrize(("held", "reason"), REASONS.values(), ids=REASONS)
def test_what_nothing_holds_is_told_with_a_reason(held, reason):
    found = mix(held)
    assert reason in found.unheld[0].reason
    assert found.per_hour == 0


def apart(key):
    term = PodAffinityTerm(key, LabelSelector(match_labels={"app": "a"}))
    return Affinity(pod_anti_affinity=PodAffinity(required=(term,)))


def test_pods_that_repel_each_other_get_a_node_each():
    assert mix(pods(3, 100, 1, labels={"app": "a"}, affinity=apart(HOSTNAME))).count == 3


def test_pods_that_spread_over_hostnames_are_at_most_the_skew_on_each():
    rule = TopologySpreadConstraint(2, HOSTNAME, "DoNotSchedule", LabelSelector(match_labels={"app": "a"}))
    found = mix(pods(5, 100, 1, labels={"app": "a"}, spread=(rule,)))
    assert found.count == 3
    assert any("maxSkew" in one for one in found.warnings)


def test_host_ports_are_taken_once():
    assert mix(pods(2, 100, 1, host_ports=(HostPort(80),))).count == 2


def test_what_the_engine_refuses_on_one_zone_is_told():
    # Two pods that must not share a zone, and machines of one zone only.
    book = PriceBook([price("m.large", 2.5, 8, 32, zone="z1")])
    found = mix(pods(2, 100, 1, labels={"app": "a"}, affinity=apart("topology.kubernetes.io/zone")), book)
    assert found.pods == 1
    assert "the engine refuses it on nodes of its own" in found.unheld[0].reason


def test_the_engine_places_every_pod_where_the_mix_says():
    random = np.random.Generator(np.random.PCG64(3))
    held = [
        one
        for kind in range(12)
        for one in pods(int(random.integers(1, 9)), int(random.integers(1, 30)) * 100, int(random.integers(1, 8)),
                        name=f"k{kind}")
    ]  # fmt: skip
    found = mix(held)
    sizes = {"c.large": (4000, 8), "r.large": (2000, 32), "m.large": (8000, 32), "g.large": (8000, 32)}
    names = sorted({one.node for one in found.placements})
    nodes = []
    for name in names:
        cpu, gib = sizes[name.split("-")[0]]
        nodes.append(Node(name=name, allocatable={"cpu": cpu, "memory": gib * GIB, "pods": 110}))
    where = {one.pod: one.node for one in found.placements}
    pinned = [Pod(name=one.name, spec=PodSpec(requests=one.spec.requests, node_name=where[one.key])) for one in held]
    done = plan(Snapshot(nodes=tuple(nodes), pods=tuple(pinned)))
    assert len(done.placements) == len(held) == found.pods
    assert found.per_hour <= found.baselines[0].per_hour


def test_the_same_question_has_the_same_answer():
    held = [*pods(7, 1300, 3, name="a"), *pods(9, 700, 5, name="b"), *pods(3, 2100, 1, name="c")]
    first, second = mix(held), mix(held)
    assert first.placements == second.placements
    assert first.nodes == second.nodes


def workload(rows):
    """Rows of (submit, duration, template, pods)."""
    submit, duration, template, number = (np.array(column) for column in zip(*rows, strict=True))
    return Workload(
        templates=(pods(1, 1000, 1)[0], pods(1, 4000, 4)[0]),
        template=template.astype(np.int32),
        submit=submit.astype(np.float64),
        duration=duration.astype(np.float64),
        pods=number.astype(np.int32),
        minimum=number.astype(np.int32),
        estimate=np.full(len(rows), np.nan),
        names=[f"j{i}" for i in range(len(rows))],
    )


PEAKS = {
    "one job": ([(0, 10, 0, 1)], 0, ["j0"]),
    "the dearest, not the most": ([(0, 10, 0, 1), (1, 2, 0, 1), (5, 9, 1, 1)], 5, ["j0", "j2"]),
    "one leaves as another comes": ([(0, 5, 1, 1), (5, 5, 1, 1)], 0, ["j0"]),
    "a job that never ends": ([(0, np.inf, 0, 1), (3, 1, 0, 2)], 3, ["j0", "j1-0", "j1-1"]),
}


@pytest.mark.parametrize(("rows", "moment", "names"), PEAKS.values(), ids=PEAKS)
def test_the_peak_is_when_most_is_asked_for(rows, moment, names):
    found = peak_of(workload(rows))
    assert (found.seconds, [pod.name for pod in found.pods]) == (moment, names)


def test_a_free_scheduler_gets_the_nodes_that_it_needs():
    # Three machines hold a large pod each, one the four small ones; whoever spreads puts one of those on each machine.
    held = [*pods(4, 1000, 1, name="a-small"), *pods(3, 4000, 1, name="b-large")]
    book = PriceBook([price("c.large", 1.0, 4, 8)])
    state = Snapshot(pods=tuple(held), namespaces={"default": {}})
    meant = node_mix(demand_of(state), book, CHOICE)
    free = node_mix(demand_of(state), book, CHOICE, free=True)
    assert meant.scheduler[0] < len(held)
    assert free.scheduler[0] == free.pods == len(held)
    assert free.count > meant.count
    where = {one.pod: one.node for one in free.placements}
    assert set(where.values()) == {f"c.large-on-demand-{n:04}" for n in range(1, free.count + 1)}
