"""Which pods a new node comes with: one rule, whoever asks."""

from __future__ import annotations

import pytest
from made_consolidations import GIB, node, pod
from msgspec.structs import replace

from yuheng.finops.node_mix import Choice, demand_of, node_mix
from yuheng.finops.node_pods import daemons_of, inherited, on_node, served, unbound
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Taint, Toleration
from yuheng.model.pod import Affinity, NodeAffinity, OwnerReference, PodSpec
from yuheng.model.prices import Price, PriceBook
from yuheng.model.selectors import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm

OPEN = (Toleration("", "Exists"),)


def daemon(name, on, *expressions, **spec):
    """A pod as the controller of DaemonSets makes it: its affinity names its node."""
    named = NodeSelectorTerm(expressions, (NodeSelectorRequirement("metadata.name", "In", (on,)),))
    affinity = Affinity(node_affinity=NodeAffinity(required=NodeSelector((named,))))
    made = PodSpec(requests={"cpu": 500, "memory": GIB}, affinity=affinity, **spec)
    return pod(f"{name}-{on}", on, spec=made, owner=OwnerReference("DaemonSet", name, "", True))


def static(name, on):
    return pod(f"{name}-{on}", on, 0.5, owner=OwnerReference("Node", on, "", True), namespace="kube-system")


ARM = NodeSelectorRequirement("kubernetes.io/arch", "In", ("arm64",))
GIVEN = {
    "the name of the node that it was made for does not count": (daemon("log", "a"), {}, (), True),
    "what else its affinity says does": (daemon("log", "a", ARM), {}, (), False),
    "and lets it on": (daemon("log", "a", ARM), {"kubernetes.io/arch": "arm64"}, (), True),
    "its selector counts": (daemon("log", "a", node_selector={"disk": "ssd"}), {}, (), False),
    "a taint that it does not tolerate": (daemon("log", "a"), {}, (Taint("t", "NoSchedule"),), False),
    "a taint that it tolerates": (daemon("log", "a", tolerations=OPEN), {}, (Taint("t", "NoSchedule"),), True),
    "a static pod": (static("kube-proxy", "a"), {}, (), True),
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_node_that_is_like_none_gets_what_it_lets_on(name):
    one, labels, taints, comes = GIVEN[name]
    fresh = replace(node("fresh", **labels), taints=taints)
    state = Snapshot(nodes=(node("a"),), pods=(one,))
    assert bool(served(fresh, daemons_of(state), state)) == comes


def test_a_node_in_the_place_of_another_gets_what_ran_there_whatever_its_taints():
    fresh = replace(node("fresh"), taints=(Taint("t", "NoSchedule"),))
    there = [unbound(one) for one in (daemon("log", "a"), daemon("arm", "a", ARM), static("proxy", "a"))]
    assert [one.name for one in on_node(fresh, inherited(fresh, there))] == ["log-a-fresh", "proxy-a-fresh"]
    assert {one.node for one in on_node(fresh, there)} == {"fresh"}


def test_static_pods_of_the_control_plane_come_to_no_other_node():
    master = node("m", **{"node-role.kubernetes.io/control-plane": ""})
    state = Snapshot(nodes=(master, node("a")), pods=(static("etcd", "m"), static("proxy", "a"), static("proxy", "m")))
    assert [one.name for one in daemons_of(state)] == ["proxy-a"]


def test_static_pods_are_weighed_by_the_mix_and_not_held():
    master = node("m", **{"node-role.kubernetes.io/control-plane": ""})
    own = (static("etcd", "m"), static("proxy", "a"), *(pod(f"p{i}", None, 1.5) for i in range(4)))
    book = PriceBook([Price(instance_type="c.large", per_hour=1.0, cpu_milli=4000, memory=8 * GIB)])
    state = Snapshot(nodes=(master, node("a")), pods=own, namespaces={"default": {}})
    found = node_mix(demand_of(state), book, Choice(reserve="none"))
    # Half a core of each machine is the static pod's: two pods of 1.5 fit beside it.
    assert (found.pods, found.count, found.nodes[0].cpu) == (4, 2, 3500)
    assert any("proxy" in one for one in found.warnings)


def test_daemon_sets_of_one_name_in_two_namespaces_are_two():
    one = daemon("log", "a")
    state = Snapshot(nodes=(node("a"),), pods=(one, replace(one, namespace="other")))
    written = daemons_of(state)[:1]
    assert [item.namespace for item in demand_of(state, written).daemons] == ["default", "other"]
