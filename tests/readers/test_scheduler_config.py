"""A KubeSchedulerConfiguration read as kube-scheduler would read it: arguments, profiles, versions, files."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar

import msgspec
import pytest
import yaml
from made_scheduler_configs import HEAD, load, parse, with_arguments

from yuheng.errors import ConfigError, InputError, NotFoundError, YuhengError
from yuheng.model.pod import NodeAffinity, TopologySpreadConstraint
from yuheng.model.policy import Policy, ResourceWeight, ScoringStrategy, ShapePoint
from yuheng.model.selectors import (
    NodeSelector,
    NodeSelectorRequirement,
    NodeSelectorTerm,
    PreferredSchedulingTerm,
)
from yuheng.readers.scheduler_config import parse_scheduler_config, read_scheduler_config


class TestDefaults:
    @pytest.mark.parametrize(
        "body",
        [
            pytest.param("", id="nothing said"),
            pytest.param("profiles: []", id="no profile"),
            pytest.param("profiles: [{}]", id="an empty profile"),
            pytest.param("profiles: [{plugins: null, pluginConfig: null}]", id="nulls"),
            pytest.param("profiles: [{schedulerName: default-scheduler, plugins: {}}]", id="no plugins"),
            pytest.param("profiles: [{pluginConfig: [{name: NodeResourcesFit}]}]", id="no arguments"),
            pytest.param(
                """
                parallelism: 4
                leaderElection: {leaderElect: true, leaseDuration: 15s}
                clientConnection: {kubeconfig: /etc/kubernetes/scheduler.conf, qps: 50}
                podInitialBackoffSeconds: 2
                """,
                id="what has no influence on the decision",
            ),
        ],
    )
    def test_the_policy_is_that_of_kube_scheduler(self, body):
        assert parse(body) == Policy(name="default-scheduler")


class TestFitArguments:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ("{scoringStrategy: {type: MostAllocated}}", ScoringStrategy("MostAllocated")),
            (
                "{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 3}, {name: a}]}}",
                ScoringStrategy("MostAllocated", (ResourceWeight("cpu", 3), ResourceWeight("a", 1))),
            ),
            (
                "{scoringStrategy: {type: LeastAllocated, resources: [{name: cpu, weight: 0}]}}",
                ScoringStrategy("LeastAllocated", (ResourceWeight("cpu", 1),)),
            ),
            (
                """{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [
                {utilization: 0, score: 0}, {utilization: 40, score: 10}, {utilization: 100}]}}}""",
                ScoringStrategy(
                    "RequestedToCapacityRatio",
                    shape=(ShapePoint(0, 0), ShapePoint(40, 10), ShapePoint(100, 0)),
                ),
            ),
        ],
    )
    def test_strategy(self, arguments, expected):
        assert with_arguments("NodeResourcesFit", arguments).strategy == expected

    def test_ignored_resources(self):
        policy = with_arguments(
            "NodeResourcesFit", "{ignoredResources: [example.com/fpga], ignoredResourceGroups: [example.org]}"
        )

        assert policy.ignored_resources == ("example.com/fpga",)
        assert policy.ignored_resource_groups == ("example.org",)

    def test_what_extenders_manage_alone_takes_their_place(self):
        policy = parse("""
            profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {ignoredResources: [a.com/z]}}]}]
            extenders:
            - urlPrefix: http://gpu
              enableHTTPS: false
              managedResources: [{name: a.com/x, ignoredByScheduler: true}, {name: a.com/y}]
        """)

        assert policy.ignored_resources == ("a.com/x",)


class TestOtherArguments:
    def test_balanced_allocation(self):
        policy = with_arguments("NodeResourcesBalancedAllocation", "{resources: [{name: cpu}, {name: a.com/b}]}")

        assert policy.balanced == (ResourceWeight("cpu"), ResourceWeight("a.com/b"))

    def test_inter_pod_affinity(self):
        policy = with_arguments(
            "InterPodAffinity", "{hardPodAffinityWeight: 0, ignorePreferredTermsOfExistingPods: true}"
        )

        assert (policy.hard_pod_affinity_weight, policy.ignore_preferred_terms) == (0, True)

    def test_added_affinity(self):
        policy = with_arguments(
            "NodeAffinity",
            """{addedAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
                {matchExpressions: [
                    {key: pool, operator: In, values: [a, b]}, {key: size, operator: Gt, values: ["3"]}]},
                {matchFields: [{key: metadata.name, operator: In, values: [n1]}]}]},
            preferredDuringSchedulingIgnoredDuringExecution: [
                {weight: 7, preference: {matchExpressions: [{key: fast, operator: Exists}]}}]}}""",
        )

        pool = NodeSelectorRequirement("pool", "In", ("a", "b"))
        size = NodeSelectorRequirement("size", "Gt", ("3",))
        name = NodeSelectorRequirement("metadata.name", "In", ("n1",))
        fast = NodeSelectorTerm((NodeSelectorRequirement("fast", "Exists"),))
        assert policy.added_affinity == NodeAffinity(
            NodeSelector((NodeSelectorTerm((pool, size)), NodeSelectorTerm((), (name,)))),
            (PreferredSchedulingTerm(7, fast),),
        )

    def test_default_constraints(self):
        policy = with_arguments(
            "PodTopologySpread",
            """{defaultingType: List, defaultConstraints: [
            {maxSkew: 2, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, minDomains: 3},
            {maxSkew: 1, topologyKey: rack, whenUnsatisfiable: ScheduleAnyway, nodeTaintsPolicy: Honor,
             matchLabelKeys: [app]}]}""",
        )

        assert policy.default_spread == (
            TopologySpreadConstraint(2, "rack", "DoNotSchedule", min_domains=3),
            TopologySpreadConstraint(
                1, "rack", "ScheduleAnyway", node_taints_policy="Honor", match_label_keys=("app",)
            ),
        )
        assert not policy.system_defaulted

    def test_an_empty_list_spreads_nothing(self):
        policy = with_arguments("PodTopologySpread", "{defaultingType: List}")

        assert (policy.default_spread, policy.system_defaulted) == ((), False)

    def test_the_system_default_may_be_named(self):
        assert with_arguments("PodTopologySpread", "{defaultingType: System}") == parse()

    def test_arguments_may_name_their_own_type(self):
        policy = with_arguments(
            "InterPodAffinity",
            """{apiVersion: kubescheduler.config.k8s.io/v1, kind: InterPodAffinityArgs,
            hardPodAffinityWeight: 9}""",
        )

        assert policy.hard_pod_affinity_weight == 9

    def test_arguments_of_plugins_from_elsewhere_may_be_anything(self):
        assert with_arguments("Coscheduling", "{permitWaitingTimeSeconds: 10}") == parse()


class TestProfiles:
    PROFILES = """
        profiles:
        - {schedulerName: batch, plugins: {score: {disabled: [{name: "*"}]}}}
        - {schedulerName: default-scheduler}
    """

    def test_the_default_scheduler_is_chosen(self):
        policy = parse(self.PROFILES)

        assert policy.name == "default-scheduler"
        assert policy.scores

    def test_without_it_the_first_is_chosen(self):
        policy = parse(self.PROFILES.replace("default-scheduler", "other"))

        assert policy.name == "batch"
        assert not policy.scores

    def test_another_can_be_named(self):
        assert parse(self.PROFILES, profile="batch").name == "batch"

    def test_one_that_does_not_exist_is_not_found(self):
        with pytest.raises(NotFoundError) as caught:
            parse(self.PROFILES, profile="web")

        assert str(caught.value) == "s.yaml: found no profile 'web', only batch, default-scheduler"

    def test_a_single_profile_keeps_its_name(self):
        assert parse("profiles: [{schedulerName: mine}]").name == "mine"

    def test_a_wrong_profile_makes_the_file_useless_even_when_another_is_used(self):
        body = self.PROFILES.replace("score: {", "filter: {enabled: [{name: ImageLocality}]}, score: {")

        with pytest.raises(ConfigError, match=r"profiles\[0\].plugins.filter"):
            parse(body)


class TestVersions:
    @pytest.mark.parametrize("version", ["v1", "v1beta3"])
    def test_versions_that_mean_the_same(self, version):
        document = load(version=version)

        assert parse_scheduler_config(document) == parse()

    def test_v1beta2_had_other_weights(self):
        document = load('healthzBindAddress: ""', version="v1beta2")

        policy = parse_scheduler_config(document)

        assert {score.plugin: score.weight for score in policy.scores} == {
            "TaintToleration": 1,
            "NodeAffinity": 1,
            "PodTopologySpread": 2,
            "InterPodAffinity": 1,
            "NodeResourcesFit": 1,
            "NodeResourcesBalancedAllocation": 1,
            "ImageLocality": 1,
        }
        assert policy.warnings == ()

    def test_v1beta2_knew_plugins_that_are_gone(self):
        body = "profiles: [{plugins: {filter: {enabled: [{name: EBSLimits}]}}}]"
        document = load(body, version="v1beta2")

        assert parse_scheduler_config(document).warnings == (
            "plugin EBSLimits (filter) is left out: Yuheng does not have it",
        )


class TestFiles:
    DOCUMENT: ClassVar = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "profiles": [{"schedulerName": "mine"}],
    }

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(yaml.safe_dump(DOCUMENT), id="YAML"),
            pytest.param(msgspec.json.encode(DOCUMENT).decode(), id="JSON"),
            pytest.param(msgspec.json.format(msgspec.json.encode(DOCUMENT), indent=4).decode(), id="JSON in lines"),
            pytest.param("---\n" + yaml.safe_dump(DOCUMENT) + "---\n", id="an empty document besides"),
        ],
    )
    def test_yaml_and_json(self, tmp_path, text):
        path = tmp_path / "scheduler.conf"
        path.write_text(text)

        assert (
            read_scheduler_config(path)
            == read_scheduler_config(str(path))
            == parse("profiles: [{schedulerName: mine}]")
        )

    def test_a_profile_can_be_named(self, tmp_path):
        path = tmp_path / "scheduler.yaml"
        path.write_text(HEAD + "profiles: [{schedulerName: a}, {schedulerName: b}]")

        assert read_scheduler_config(path, profile="b").name == "b"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "found nothing, expected one KubeSchedulerConfiguration"),
            ("[]", "found a list, expected one KubeSchedulerConfiguration"),
            (HEAD + "---\n" + HEAD, "found 2 documents, expected one KubeSchedulerConfiguration"),
            (
                HEAD + "kind: X\n",
                "found key 'kind' a second time at line 3, column 1, expected each key once",
            ),
            (HEAD + "profiles: [", "malformed YAML at line 4, column 1"),
            (HEAD + "parallelism: 0", "parallelism: found 0, expected a whole number of 1 or more"),
        ],
    )
    def test_the_message_names_the_file(self, tmp_path, text, message):
        path = tmp_path / "scheduler.yaml"
        path.write_text(text)

        with pytest.raises(InputError) as caught:
            read_scheduler_config(path)

        assert str(caught.value).startswith(f"{path}: {message}")

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(NotFoundError) as caught:
            read_scheduler_config(tmp_path / "none.yaml")

        assert str(caught.value) == f"{tmp_path / 'none.yaml'}: no such file"

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(YuhengError) as caught:
            read_scheduler_config(tmp_path)

        assert str(caught.value) == (
            f"{tmp_path}: found what cannot be read: Is a directory, expected a KubeSchedulerConfiguration"
        )


def test_pydantic_is_not_imported_before_a_configuration_is_read():
    code = "import sys, yuheng.readers; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
