"""One pod of a DaemonSet for every node that takes it."""

from __future__ import annotations

import re

import msgspec
import pytest
from made_workloads import DAEMON_SET, SAFE, missing, names, node, pod

from yuheng.model.node import Taint
from yuheng.model.pod import Affinity, NodeAffinity, PodSpec
from yuheng.model.selectors import NodeSelector, NodeSelectorRequirement, NodeSelectorTerm


class TestDaemonSet:
    def missing(self, spec, nodes, pods=()):
        return missing(DAEMON_SET.replace("SPEC", spec), pods, nodes)

    def nodes_of(self, pods):
        terms = [one.spec.affinity.node_affinity.required.node_selector_terms for one in pods]
        return [term.match_fields[0].values[0] for (term,) in terms]

    def test_every_node_gets_a_pod_that_is_pinned_to_it(self):
        pods = self.missing("{containers: []}", [node("n1"), node("n2")])

        assert self.nodes_of(pods) == ["n1", "n2"]
        assert all(re.fullmatch(f"agent-{SAFE}{{5}}", name) for name in names(pods))
        assert len(set(names(pods))) == 2
        required = pods[0].spec.affinity.node_affinity.required
        assert required.matches({}, "n1")
        assert not required.matches({}, "n2")
        assert pods[0].labels["app"] == "agent"
        assert re.fullmatch(f"{SAFE}+", pods[0].labels["controller-revision-hash"])

    def test_the_name_replaces_required_terms_and_keeps_preferred_ones(self):
        spec = """{affinity: {nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
                {matchExpressions: [{key: disk, operator: Exists}]}]},
            preferredDuringSchedulingIgnoredDuringExecution: [
                {weight: 1, preference: {matchExpressions: [{key: fast, operator: Exists}]}}]}}}"""

        (only,) = self.missing(spec, [node("n1"), node("n2", disk="ssd")])

        affinity = only.spec.affinity.node_affinity
        assert self.nodes_of([only]) == ["n2"]
        assert affinity.required.node_selector_terms[0].match_expressions == ()
        assert len(affinity.preferred) == 1

    @pytest.mark.parametrize(
        ("spec", "expected"),
        [
            pytest.param("{nodeSelector: {disk: ssd}}", ["labelled"], id="node selector"),
            pytest.param("{nodeName: plain}", ["plain"], id="node name"),
            pytest.param(
                "{tolerations: [{key: gpu, operator: Exists}]}",
                ["plain", "labelled", "gpu", "soft", "cordoned", "pressed", "unready"],
                id="toleration",
            ),
            pytest.param("{}", ["plain", "labelled", "soft", "cordoned", "pressed", "unready"], id="taints"),
            pytest.param(
                "{hostNetwork: true}",
                ["plain", "labelled", "soft", "cordoned", "pressed", "unready", "offline"],
                id="host network needs no network",
            ),
        ],
    )
    def test_it_runs_where_the_controller_would_run_it(self, spec, expected):
        nodes = [
            node("plain"),
            node("labelled", disk="ssd"),
            node("gpu", Taint("gpu", "NoSchedule", "yes")),
            node("evicting", Taint("spot", "NoExecute")),
            node("soft", Taint("gpu", "PreferNoSchedule")),
            node("cordoned", Taint("node.kubernetes.io/unschedulable", "NoSchedule")),
            node("pressed", Taint("node.kubernetes.io/disk-pressure", "NoSchedule")),
            node("unready", Taint("node.kubernetes.io/not-ready", "NoExecute")),
            node("offline", Taint("node.kubernetes.io/network-unavailable", "NoSchedule")),
        ]

        assert self.nodes_of(self.missing(spec, nodes)) == expected

    @pytest.mark.parametrize("terminating", [False, True])
    def test_nodes_that_have_one_are_left_out(self, terminating):
        ours = NodeAffinity(required=NodeSelector((NodeSelectorTerm((NodeSelectorRequirement("a", "Exists"),)),)))
        bound = msgspec.structs.replace(
            pod("a", "DaemonSet", "agent", node="n1", terminating=terminating),
            spec=PodSpec(affinity=Affinity(node_affinity=ours)),
        )
        (pinned,) = self.missing("{}", [node("n2")])

        assert self.nodes_of(self.missing("{}", [node("n1"), node("n2"), node("n3")], [bound, pinned])) == ["n3"]

    def test_the_generation_of_the_template_becomes_a_label(self):
        text = DAEMON_SET.replace("SPEC", "{}").replace(
            "uid: u1", "annotations: {deprecated.daemonset.template.generation: '4'}"
        )

        (only,) = missing(text, [], [node("n1")])

        assert only.labels["pod-template-generation"] == "4"
