"""What keeps a pod off a node, filter by filter, and kube-scheduler's words for it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.scheduling.made_by_hand import GIB, MIB, ZONE, cluster, homes, node, pod, share, whole, words, zoned
from yuheng.model.cluster import PersistentVolume
from yuheng.model.node import DeviceInventory, Node, Taint, Toleration
from yuheng.model.pod import Affinity, DeviceRequest, HostPort, NodeAffinity, Pod
from yuheng.model.policy import KUBERNETES_FILTERS, Policy
from yuheng.model.selectors import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm
from yuheng.scheduling.planner import plan


class Case(NamedTuple):
    """A node, a pod that wants to go there, pods that are there already, and what is said; nothing when it fits."""

    node: Node
    pod: Pod
    words: str = ""
    running: tuple[Pod, ...] = ()


def requiring(*terms: NodeSelectorTerm) -> Affinity:
    return Affinity(NodeAffinity(NodeSelector(terms)))


def matching(key: str, operator: str, *values: str) -> NodeSelectorTerm:
    return NodeSelectorTerm((NodeSelectorRequirement(key, operator, values),))


def named(*names: str, operator: str = "In") -> NodeSelectorTerm:
    return NodeSelectorTerm(match_fields=(NodeSelectorRequirement("metadata.name", operator, names),))


CORDON = "node.kubernetes.io/unschedulable"
GPU_TAINT = Taint("gpu", "NoSchedule", "true")
TAINTED = "node(s) had untolerated taint(s)"
ELSEWHERE = "node(s) didn't match Pod's node affinity/selector"
OUTSIDE = "node(s) didn't satisfy plugin(s) [NodeAffinity]"
PORTS = "node(s) didn't have free ports for the requested pod ports"
FULL_GPUS = "node(s) didn't have enough untouched GPUs"
NO_SHARE = "node(s) didn't have a GPU with enough left for the share"
SSD = node("a", labels={"disk": "ssd", "generation": "5"})
PLAIN = node("a")
TWO_GPUS = node("a", gpus=2, devices=DeviceInventory(2, 16 * GIB, "T4"))

CASES = {
    "a cordoned node": Case(node("a", unschedulable=True), pod("p"), "node(s) were unschedulable"),
    "a cordon that is tolerated": Case(
        node("a", unschedulable=True), pod("p", tolerations=(Toleration(CORDON, "Exists"),))
    ),
    "a pod that asks for another node by name": Case(
        PLAIN, pod("p", node_name="b"), "node(s) didn't match the requested node name"
    ),
    "a pod that asks for this node by name": Case(PLAIN, pod("p", node_name="a")),
    "a taint": Case(node("a", taints=(GPU_TAINT,)), pod("p"), TAINTED),
    "a NoExecute taint": Case(node("a", taints=(Taint("x", "NoExecute"),)), pod("p"), TAINTED),
    "a PreferNoSchedule taint forbids nothing": Case(node("a", taints=(Taint("x", "PreferNoSchedule"),)), pod("p")),
    "a toleration of the key": Case(
        node("a", taints=(GPU_TAINT,)), pod("p", tolerations=(Toleration("gpu", "Exists"),))
    ),
    "a toleration of the value": Case(
        node("a", taints=(GPU_TAINT,)), pod("p", tolerations=(Toleration("gpu", "Equal", "true"),))
    ),
    "a toleration of another value": Case(
        node("a", taints=(GPU_TAINT,)), pod("p", tolerations=(Toleration("gpu", "Equal", "no"),)), TAINTED
    ),
    "a toleration of another effect": Case(
        node("a", taints=(GPU_TAINT,)), pod("p", tolerations=(Toleration("gpu", "Exists", "", "NoExecute"),)), TAINTED
    ),
    "a toleration of everything": Case(
        node("a", taints=(GPU_TAINT, Taint("x", "NoExecute"))), pod("p", tolerations=(Toleration("", "Exists"),))
    ),
    "one of two taints tolerated": Case(
        node("a", taints=(GPU_TAINT, Taint("x", "NoExecute"))),
        pod("p", tolerations=(Toleration("gpu", "Exists"),)),
        TAINTED,
    ),
    "a comparison, which is behind a feature gate": Case(
        node("a", taints=(Taint("level", "NoSchedule", "3"),)),
        pod("p", tolerations=(Toleration("level", "Gt", "2"),)),
        TAINTED,
    ),
    "a nodeSelector": Case(SSD, pod("p", node_selector={"disk": "ssd"})),
    "a nodeSelector for another value": Case(SSD, pod("p", node_selector={"disk": "hdd"}), ELSEWHERE),
    "In": Case(SSD, pod("p", affinity=requiring(matching("disk", "In", "hdd", "ssd")))),
    "In without the value": Case(SSD, pod("p", affinity=requiring(matching("disk", "In", "hdd"))), ELSEWHERE),
    "NotIn": Case(SSD, pod("p", affinity=requiring(matching("disk", "NotIn", "ssd"))), ELSEWHERE),
    "NotIn is satisfied by a missing label": Case(
        PLAIN, pod("p", affinity=requiring(matching("disk", "NotIn", "ssd")))
    ),
    "Exists": Case(PLAIN, pod("p", affinity=requiring(matching("disk", "Exists"))), ELSEWHERE),
    "DoesNotExist": Case(PLAIN, pod("p", affinity=requiring(matching("disk", "DoesNotExist")))),
    "Gt": Case(SSD, pod("p", affinity=requiring(matching("generation", "Gt", "4")))),
    "Gt is not satisfied by the same number": Case(
        SSD, pod("p", affinity=requiring(matching("generation", "Gt", "5"))), ELSEWHERE
    ),
    "Lt": Case(SSD, pod("p", affinity=requiring(matching("generation", "Lt", "10")))),
    "Lt is not satisfied by a word": Case(SSD, pod("p", affinity=requiring(matching("disk", "Lt", "10"))), ELSEWHERE),
    "any of two terms": Case(
        SSD, pod("p", affinity=requiring(matching("disk", "In", "hdd"), matching("disk", "Exists")))
    ),
    "a term without requirements": Case(SSD, pod("p", affinity=requiring(NodeSelectorTerm())), ELSEWHERE),
    "a node that is not named": Case(PLAIN, pod("p", affinity=requiring(named("b"))), OUTSIDE),
    "a node that is named": Case(PLAIN, pod("p", affinity=requiring(named("a")))),
    "a node that is excluded by name": Case(
        PLAIN, pod("p", affinity=requiring(named("a", operator="NotIn"))), ELSEWHERE
    ),
    "a node that only one of two terms names": Case(PLAIN, pod("p", affinity=requiring(named("b"), named("a")))),
    "a node that the other term does not need named": Case(
        PLAIN, pod("p", affinity=requiring(named("b"), matching("disk", "DoesNotExist")))
    ),
    "no named node is asked before its cordon": Case(
        node("a", unschedulable=True), pod("p", affinity=requiring(named("b"))), OUTSIDE
    ),
    "a port that is taken": Case(
        PLAIN, pod("p", host_ports=(HostPort(80),)), PORTS, (pod("r", on="a", host_ports=(HostPort(80),)),)
    ),
    "a port of another protocol": Case(
        PLAIN, pod("p", host_ports=(HostPort(80),)), "", (pod("r", on="a", host_ports=(HostPort(80, "UDP"),)),)
    ),
    "a port on another address": Case(
        PLAIN,
        pod("p", host_ports=(HostPort(80, ip="10.0.0.1"),)),
        "",
        (pod("r", on="a", host_ports=(HostPort(80, ip="10.0.0.2"),)),),
    ),
    "a port on every address": Case(
        PLAIN,
        pod("p", host_ports=(HostPort(80),)),
        PORTS,
        (pod("r", on="a", host_ports=(HostPort(80, ip="10.0.0.2"),)),),
    ),
    "too many pods": Case(node("a", pods=1), pod("p"), "Too many pods", (pod("r", on="a"),)),
    "a node that allows no pods": Case(node("a", pods=0), pod("p"), "Too many pods"),
    "not enough cpu": Case(
        PLAIN, pod("p", requests={"cpu": 3001}), "Insufficient cpu", (pod("r", on="a", requests={"cpu": 1000}),)
    ),
    "just enough cpu": Case(PLAIN, pod("p", requests={"cpu": 3000}), "", (pod("r", on="a", requests={"cpu": 1000}),)),
    "a pod without requests where more is held than there is": Case(
        PLAIN, pod("p"), "", (pod("r", on="a", requests={"cpu": 9000}),)
    ),
    "not enough memory": Case(PLAIN, pod("p", requests={"memory": 8 * GIB + 1}), "Insufficient memory"),
    "no ephemeral storage": Case(PLAIN, pod("p", requests={"ephemeral-storage": 1}), "Insufficient ephemeral-storage"),
    "no extended resource": Case(PLAIN, pod("p", requests={"example.com/foo": 1}), "Insufficient example.com/foo"),
    "an extended resource of which none is asked": Case(PLAIN, pod("p", requests={"example.com/foo": 0})),
    "a terminating pod still holds what it holds": Case(
        PLAIN,
        pod("p", requests={"cpu": 3001}),
        "Insufficient cpu",
        (pod("r", on="a", requests={"cpu": 1000}, terminating=True),),
    ),
    "another GPU model": Case(
        TWO_GPUS,
        pod("p", devices=DeviceRequest(1, models=("A100",))),
        "node(s) didn't have the requested GPU model",
    ),
    "a GPU model where there are no GPUs": Case(
        PLAIN, pod("p", devices=DeviceRequest(1, models=("A100",))), "node(s) didn't have the requested GPU model"
    ),
    "one of the GPU models": Case(TWO_GPUS, pod("p", devices=DeviceRequest(2, models=("A100", "T4")))),
    "a GPU of which a share is held is not untouched": Case(
        TWO_GPUS, pod("p", devices=DeviceRequest(2)), FULL_GPUS, (share("r", 1, on="a", holds=(0,)),)
    ),
    "a GPU whose memory alone is held is not untouched": Case(
        TWO_GPUS,
        pod("p", devices=DeviceRequest(2)),
        FULL_GPUS,
        (pod("r", on="a", holds=(0,), devices=DeviceRequest(1, 0, GIB)),),
    ),
    "a share that fits on one of two GPUs": Case(TWO_GPUS, share("p", 900), "", (whole("r", 1, on="a"),)),
    "two halves on two GPUs are not one": Case(
        TWO_GPUS,
        share("p", 600),
        NO_SHARE,
        (share("r", 500, on="a", holds=(0,)), share("s", 500, on="a", holds=(1,))),
    ),
    "a share that needs more memory than a GPU has": Case(
        TWO_GPUS, pod("p", devices=DeviceRequest(1, 100, 16 * GIB + MIB)), NO_SHARE
    ),
    "a share where there are no GPUs": Case(PLAIN, share("p", 100), NO_SHARE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_node_is_rejected_for(case: Case):
    found = plan(cluster(case.node, case.pod, *case.running))
    assert words(found) == ({"p": f"0/1 nodes are available: 1 {case.words}."} if case.words else {})


def test_all_resources_that_are_short_are_told_and_a_node_counts_for_each():
    small, smaller = node("a", cpu=1000), node("b", cpu=1000, memory=GIB)
    found = plan(cluster(small, smaller, pod("p", requests={"cpu": 2000, "memory": 2 * GIB})))
    assert words(found) == {"p": "0/2 nodes are available: 1 Insufficient memory, 2 Insufficient cpu."}


def test_a_node_is_told_of_once_by_the_first_filter_that_rejects_it():
    tainted = node("a", unschedulable=True, taints=(GPU_TAINT,), cpu=0)
    found = plan(cluster(tainted, node("b", taints=(GPU_TAINT,), cpu=0), pod("p", requests={"cpu": 1})))
    assert words(found) == {
        "p": "0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable."
    }


def test_reasons_come_with_their_filter_most_nodes_first():
    found = plan(
        cluster(node("a", cpu=1), node("b", cpu=1), node("c", unschedulable=True), pod("p", requests={"cpu": 2}))
    )
    (refusal,) = found.unschedulable
    assert [(reason.filter, reason.detail, reason.nodes) for reason in refusal.reasons] == [
        ("NodeResourcesFit", "Insufficient cpu", 2),
        ("NodeUnschedulable", "node(s) were unschedulable", 1),
    ]


def test_terms_that_name_different_nodes_contradict_each_other():
    both = NodeSelectorTerm(
        match_fields=(*named("a").match_fields, *named("b").match_fields),
    )
    found = plan(cluster(node("a"), node("b"), pod("p", affinity=requiring(both))))
    assert words(found) == {"p": "0/2 nodes are available: pod affinity terms conflict."}


def test_a_contradiction_is_nobodys_business_when_node_affinity_is_off():
    both = NodeSelectorTerm(match_fields=(*named("a").match_fields, *named("b").match_fields))
    policy = Policy(filters=tuple(name for name in KUBERNETES_FILTERS if name != "NodeAffinity"))
    found = plan(cluster(node("a", cpu=1), pod("p", requests={"cpu": 2}, affinity=requiring(both))), policy)
    assert words(found) == {"p": "0/1 nodes are available: 1 Insufficient cpu."}


def test_affinity_that_the_policy_adds_has_words_of_its_own_and_goes_first():
    policy = Policy(added_affinity=NodeAffinity(NodeSelector((matching("pool", "In", "batch"),))))
    nodes = node("a"), node("b", labels={"pool": "batch"})
    found = plan(cluster(*nodes, pod("p", node_selector={"disk": "ssd"})), policy)
    assert words(found) == {
        "p": "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "1 node(s) didn't match scheduler-enforced node affinity."
    }


@pytest.mark.parametrize(
    ("ignored", "fits"),
    [
        ({}, False),
        ({"ignored_resources": ("example.com/foo",)}, True),
        ({"ignored_resource_groups": ("example.com",)}, True),
        ({"ignored_resource_groups": ("example",)}, False),
        ({"filters": ()}, True),
    ],
    ids=["checked", "ignored by name", "ignored by group", "another group", "no filters"],
)
def test_resources_that_the_policy_ignores_are_not_checked(ignored: dict[str, tuple[str, ...]], fits: bool):
    found = plan(cluster(node("a"), pod("p", requests={"example.com/foo": 1})), Policy(**ignored))
    assert bool(found.placements) == fits


class TestVolumes:
    """A pod goes where its bound volumes can be reached from."""

    CONFLICT = "node(s) didn't match PersistentVolume's node affinity"
    NO_ZONE = "node(s) had no available volume zone"
    BETA = "failure-domain.beta.kubernetes.io/zone"

    @staticmethod
    def told(*nodes: Node, **volumes: PersistentVolume) -> dict[str, str]:
        claims = {f"default/{name}": volume for name, volume in volumes.items()}
        return words(plan(cluster(*nodes, pod("p", claims=("data", "unbound")), volumes=claims)))

    def test_a_node_in_another_zone_is_rejected(self):
        volume = PersistentVolume("pv", {ZONE: ("z1", "z2")})
        assert self.told(zoned("a", "z2"), data=volume) == {}
        assert self.told(zoned("a", "z3"), data=volume) == {"p": f"0/1 nodes are available: 1 {self.NO_ZONE}."}

    def test_a_node_without_any_zone_is_taken_to_reach_everything(self):
        assert self.told(node("a"), data=PersistentVolume("pv", {ZONE: ("z1",)})) == {}

    def test_a_node_that_has_a_region_only_reaches_no_zone(self):
        region = node("a", labels={"topology.kubernetes.io/region": "r"})
        assert self.told(region, data=PersistentVolume("pv", {ZONE: ("z1",)})) == {
            "p": f"0/1 nodes are available: 1 {self.NO_ZONE}."
        }

    def test_an_old_zone_label_of_a_volume_is_compared_with_the_nodes_new_one(self):
        volume = PersistentVolume("pv", {self.BETA: ("z1",)})
        assert self.told(zoned("a", "z1"), data=volume) == {}
        assert self.told(zoned("a", "z2"), data=volume) == {"p": f"0/1 nodes are available: 1 {self.NO_ZONE}."}

    def test_a_volumes_own_node_affinity_holds(self):
        volume = PersistentVolume("pv", {}, NodeSelector((matching("disk", "In", "ssd"),)))
        assert self.told(SSD, data=volume) == {}
        assert self.told(PLAIN, data=volume) == {"p": f"0/1 nodes are available: 1 {self.CONFLICT}."}

    def test_a_node_that_breaks_both_rules_is_told_of_once(self):
        volume = PersistentVolume("pv", {ZONE: ("z1",)}, NodeSelector((matching("disk", "In", "ssd"),)))
        assert self.told(zoned("a", "z2"), data=volume) == {"p": f"0/1 nodes are available: 1 {self.CONFLICT}."}

    def test_a_claim_of_another_namespace_is_another_claim(self):
        volume = PersistentVolume("pv", {ZONE: ("z1",)})
        found = plan(cluster(zoned("a", "z2"), pod("p", claims=("data",)), volumes={"other/data": volume}))
        assert homes(found) == {"p": "a"}
