"""Volcano's scheduler configuration."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from made_batch import named

from yuheng.errors import ConfigError, InputError, NotFoundError
from yuheng.model.batch import EXTENSION_POINTS, VOLCANO_DEFAULT, PluginOption
from yuheng.model.policy import (
    CPU_AND_MEMORY,
    KUBERNETES_FILTERS,
    KUBERNETES_SCORES,
    Policy,
    ResourceWeight,
    ScoreWeight,
    ScoringStrategy,
)
from yuheng.readers import read
from yuheng.readers.scheduler_config import parse_volcano_config, read_scheduler_config

DEFAULT = """
actions: "enqueue, allocate, backfill"
tiers:
- plugins:
  - name: priority
  - name: gang
  - name: conformance
- plugins:
  - name: overcommit
  - name: drf
  - name: predicates
  - name: proportion
  - name: nodeorder
"""


def parse(*plugins: Any, actions: str = "allocate", **parts: Any) -> Policy:
    """The policy of a configuration with these plugins in one tier, beside predicates."""
    entries = [{"name": "predicates"}, *({"name": one} if isinstance(one, str) else one for one in plugins)]
    return parse_volcano_config({"actions": actions, "tiers": [{"plugins": entries}], **parts}, "v.conf")


def plugin(name: str, arguments: dict[str, Any] | None = None, **switches: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments or {}, **switches}


def option(policy: Policy, name: str) -> PluginOption:
    assert policy.batch is not None
    found = policy.batch.plugin(name)
    assert found is not None
    return found


def config_map(text: str = DEFAULT, **parts: Any) -> dict[str, Any]:
    return named("ConfigMap", "volcano", "v1", data={"volcano-scheduler.conf": text, "other": "tiers actions"}, **parts)


def other_map(text: str) -> dict[str, Any]:
    """A ConfigMap that is not named as Volcano's."""
    return named("ConfigMap", "settings", "v1", data={"settings.yaml": text})


def test_volcanos_own_default() -> None:
    policy = parse_volcano_config(yaml.safe_load(DEFAULT))
    assert policy == Policy(name="volcano", batch=VOLCANO_DEFAULT)


class TestActions:
    @pytest.mark.parametrize(
        ("written", "actions"),
        [
            ("allocate", ("allocate",)),
            ("reclaim,preempt , backfill", ("reclaim", "preempt", "backfill")),
            ("allocate, allocate", ("allocate",)),
            ("gangpreempt, gangreclaim", ("preempt", "reclaim")),
            ("allocate, shuffle", ("allocate",)),
        ],
    )
    def test_run_in_their_order(self, written: str, actions: tuple[str, ...]) -> None:
        batch = parse(actions=written).batch
        assert batch is not None
        assert batch.actions == actions

    @pytest.mark.parametrize("action", ["gangpreempt", "gangreclaim", "shuffle"])
    def test_that_are_others_here_are_told(self, action: str) -> None:
        (warning,) = parse(actions=action).warnings
        assert f"the action {action} is" in warning


class TestSwitches:
    @pytest.mark.parametrize(("point", "key"), EXTENSION_POINTS.items())
    def test_keep_a_plugin_out(self, point: str, key: str) -> None:
        for spelling in (key, key.replace("enable", "enabled")):
            assert option(parse(plugin("gang", **{spelling: False})), "gang").off == (point,)
            assert option(parse(plugin("gang", **{spelling: True})), "gang").off == ()

    def test_tell_of_the_hierarchy(self) -> None:
        assert option(parse("drf"), "drf").hierarchy is None
        assert option(parse(plugin("drf", enableHierarchy=True)), "drf").hierarchy is True

    def test_of_points_that_are_not_here_are_told(self) -> None:
        assert parse(plugin("gang", enableTargetJob=True)).warnings == ()
        assert parse(plugin("gang", enableTargetJob=False)).warnings == (
            "volcano: the plugin gang: enableTargetJob is not looked at",
        )


class TestPlugins:
    @pytest.mark.parametrize(
        "name",
        ["cdp", "extender", "numaaware", "rescheduling", "resource-strategy-fit", "resourcequota", "usage"],
    )
    def test_that_are_not_here_are_left_out_and_told(self, name: str) -> None:
        policy = parse(name)
        assert policy.batch is not None
        assert not policy.batch.has(name)
        assert policy.warnings == (f"volcano: the plugin {name} is left out: Yuheng does not have it",)

    def test_that_are_written_twice_count_once(self) -> None:
        policy = parse(plugin("sla", {"sla-waiting-time": "1h"}), plugin("sla", {"sla-waiting-time": "2h"}))
        assert option(policy, "sla").arguments == {"sla-waiting-time": "1h"}

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("overcommit", {"overcommit-factor": 1.5}),
            ("sla", {"sla-waiting-time": "1h2m3s"}),
            ("tdm", {"tdm.revocable-zone.rz1": "22:00-06:00", "tdm.evict.period": "1m"}),
            ("nodegroup", {"strict": False, "enablePreferredOrder": True}),
            ("task-topology", {"task-topology.weight": 10}),
            ("network-topology-aware", {"weight": 10, "hypernode.binpack.resources.nvidia.com/gpu": 2}),
            ("deviceshare", {"deviceshare.VGPUEnable": True}),
            ("reserve", {"reserve.factor": 0.5}),
            ("publicqueue", {"publicqueue.name": "public", "publicqueue.private-min-priority": 100}),
        ],
    )
    def test_keep_their_arguments(self, name: str, arguments: dict[str, Any]) -> None:
        policy = parse(plugin(name, arguments))
        assert option(policy, name).arguments == arguments
        assert policy.warnings == ()

    @pytest.mark.parametrize(
        ("name", "written", "read_as"),
        [
            ("overcommit", {"overcommit-factor": "1.5"}, {"overcommit-factor": 1.5}),
            ("nodeorder", {"nodeaffinity.weight": "3"}, {"nodeaffinity.weight": 3}),
            ("nodegroup", {"strict": "false"}, {"strict": False}),
        ],
    )
    def test_may_have_numbers_and_truths_as_text(self, name: str, written: Any, read_as: Any) -> None:
        assert option(parse(plugin(name, written)), name).arguments == read_as

    def test_have_arguments_that_are_told_where_nobody_knows_them(self) -> None:
        policy = parse(plugin("gang", {"gang.size": 3, "gang.off": False}))
        assert option(policy, "gang").arguments == {}
        assert policy.warnings == ("volcano: the plugin gang: gang.size is not looked at",)


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("NodeAffinityEnable", "NodeAffinity"),
        ("NodePortsEnable", "NodePorts"),
        ("TaintTolerationEnable", "TaintToleration"),
        ("PodAffinityEnable", "InterPodAffinity"),
        ("VolumeZoneEnable", "VolumeZone"),
        ("PodTopologySpreadEnable", "PodTopologySpread"),
    ],
)
@pytest.mark.parametrize("value", [False, "false", "F"])
def test_predicates_switch_filters(argument: str, name: str, value: object) -> None:
    document = {
        "actions": "allocate",
        "tiers": [{"plugins": [plugin("predicates", {f"predicate.{argument}": value})]}],
    }
    assert set(KUBERNETES_FILTERS) - set(parse_volcano_config(document).filters) == {name}


@pytest.mark.parametrize("plugins", [[], [plugin("predicates", enablePredicate=False)]])
def test_without_predicates_all_filters_stay_on(plugins: list[Any]) -> None:
    policy = parse_volcano_config({"actions": "allocate", "tiers": [{"plugins": plugins}]})
    assert policy.filters == KUBERNETES_FILTERS
    assert policy.warnings == ("volcano: predicates is not among the plugins: all filters stay on",)


class TestScores:
    def test_are_none_without_plugins_that_score(self) -> None:
        assert parse().scores == ()

    def test_have_the_weights_of_nodeorder(self) -> None:
        assert parse("nodeorder").scores == KUBERNETES_SCORES
        weights = {
            "nodeaffinity.weight": 11,
            "podaffinity.weight": 12,
            "leastrequested.weight": 13,
            "balancedresource.weight": 14,
            "tainttoleration.weight": 15,
            "imagelocality.weight": 16,
            "podtopologyspread.weight": 17,
        }
        assert {one.plugin: one.weight for one in parse(plugin("nodeorder", weights)).scores} == {
            "NodeAffinity": 11,
            "InterPodAffinity": 12,
            "NodeResourcesFit": 13,
            "NodeResourcesBalancedAllocation": 14,
            "TaintToleration": 15,
            "ImageLocality": 16,
            "PodTopologySpread": 17,
        }

    def test_of_weight_0_are_off(self) -> None:
        assert "ImageLocality" not in {
            one.plugin for one in parse(plugin("nodeorder", {"imagelocality.weight": 0})).scores
        }

    def test_of_a_plugin_that_is_kept_out_are_off(self) -> None:
        policy = parse(plugin("nodeorder", enableNodeOrder=False), plugin("binpack", enableNodeOrder=False))
        assert policy.scores == ()

    def test_fill_nodes_where_mostrequested_alone_has_a_weight(self) -> None:
        policy = parse(plugin("nodeorder", {"leastrequested.weight": 0, "mostrequested.weight": 7}))
        assert ScoreWeight("NodeResourcesFit", 7) in policy.scores
        assert policy.strategy == ScoringStrategy(type="MostAllocated")

    def test_cannot_fill_and_empty_nodes_at_once(self) -> None:
        policy = parse(plugin("nodeorder", {"mostrequested.weight": 7}))
        assert ScoreWeight("NodeResourcesFit", 1) in policy.scores
        assert policy.strategy == ScoringStrategy()
        assert "mostrequested.weight is not looked at" in policy.warnings[0]

    def test_pack(self) -> None:
        assert parse("binpack").scores == (ScoreWeight("BinPack", 1),)
        assert parse("binpack").pack == CPU_AND_MEMORY
        arguments = {
            "binpack.weight": 10,
            "binpack.cpu": 5,
            "binpack.resources": "nvidia.com/gpu, example.com/foo",
            "binpack.resources.nvidia.com/gpu": 2,
        }
        policy = parse(plugin("binpack", arguments))
        assert policy.scores == (ScoreWeight("BinPack", 10),)
        assert policy.pack == (
            ResourceWeight("cpu", 5),
            ResourceWeight("memory", 1),
            ResourceWeight("example.com/foo", 1),
            ResourceWeight("nvidia.com/gpu", 2),
        )


def test_what_else_is_written_is_told() -> None:
    policy = parse(configurations=[{"name": "enqueue", "arguments": {"x": 1}}], colour="red", metrics={"type": "x"})
    assert policy.warnings == (
        "volcano: configurations of enqueue: x is not looked at",
        "volcano: colour is not a field of the configuration",
    )


@pytest.mark.parametrize(
    ("plugins", "message"),
    [
        (["gangs"], "tiers[0].plugins[1].name: found 'gangs', expected a plugin among binpack, capacity"),
        (["proportion", "capacity"], "tiers: found proportion and capacity, expected either"),
        (["proportion", plugin("drf", enableHierarchy=True)], "tiers: found proportion and drf with enableHierarchy"),
        ([plugin("gang", enableJobOrder="no")], "plugin gang: enableJobOrder: found 'no', expected true or false"),
        ([plugin("gang", enableHierarchy=1)], "plugin gang: enableHierarchy: found 1, expected true or false"),
        (
            [plugin("overcommit", {"overcommit-factor": 0.9})],
            "plugin overcommit: arguments.overcommit-factor: found 0.9, expected a number of 1 or more",
        ),
        ([plugin("overcommit", {"overcommit-factor": "much"})], "found 'much', expected a number of 1 or more"),
        ([plugin("overcommit", {"overcommit-factor": True})], "found true, expected a number of 1 or more"),
        ([plugin("overcommit", {"overcommit-factor": float("inf")})], "found inf, expected a number of 1 or more"),
        (
            [plugin("sla", {"sla-waiting-time": "soon"})],
            "plugin sla: arguments.sla-waiting-time: found 'soon', expected a duration above 0",
        ),
        ([plugin("sla", {"sla-waiting-time": "0s"})], "found '0s', expected a duration above 0"),
        ([plugin("sla", {"sla-waiting-time": 60})], "found 60, expected a duration above 0"),
        (
            [plugin("tdm", {"tdm.revocable-zone.rz1": "24:00-06:00"})],
            "plugin tdm: arguments.tdm.revocable-zone.rz1: found '24:00-06:00', expected a window of the day",
        ),
        ([plugin("tdm", {"tdm.revocable-zone.rz1": 5})], "found 5, expected a window of the day"),
        ([plugin("tdm", {"tdm.evict.period": "1"})], "arguments.tdm.evict.period: found '1', expected a duration"),
        (
            [plugin("nodeorder", {"nodeaffinity.weight": "heavy"})],
            "plugin nodeorder: arguments.nodeaffinity.weight: found 'heavy', expected a weight",
        ),
        ([plugin("nodeorder", {"nodeaffinity.weight": -1})], "found -1, expected a weight"),
        ([plugin("nodeorder", {"nodeaffinity.weight": 1.5})], "found 1.5, expected a weight"),
        ([plugin("binpack", {"binpack.resources": ["a"]})], "arguments.binpack.resources: found a list, expected text"),
        ([plugin("nodegroup", {"strict": "perhaps"})], "arguments.strict: found 'perhaps', expected true or false"),
        ([plugin("reserve", {"reserve.factor": 0})], "found 0, expected a number above 0 and up to 1"),
        ([plugin("reserve", {"reserve.factor": 1.1})], "found 1.1, expected a number above 0 and up to 1"),
        ([plugin("publicqueue", {"publicqueue.name": " "})], "arguments.publicqueue.name: found nothing, expected a n"),
        ([plugin("publicqueue", {"publicqueue.private-min-priority": 0.5})], "found 0.5, expected a priority"),
        (
            [plugin("network-topology-aware", {"hypernode.binpack.normal-pod.fading": -1})],
            "found -1, expected a number",
        ),
        ([{"arguments": {}}], "tiers[0].plugins[1].name: found nothing, expected a value"),
        ([5], "tiers[0].plugins[1]: found 5, expected a map"),
        ([{"name": "gang", "arguments": []}], "tiers[0].plugins[1].arguments: found a list, expected a map"),
    ],
)
def test_what_is_refused(plugins: list[Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(*plugins)
    assert str(caught.value).startswith(f"v.conf: {message}") or f": {message}" in str(caught.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"actions": "allocate, fly", "tiers": []}, "v.conf: actions: found 'fly', expected actions among enqueue"),
        ({"actions": "", "tiers": []}, "v.conf: actions: found nothing, expected actions among"),
        ({"tiers": []}, "v.conf: actions: found nothing, expected a value"),
        ({"actions": "allocate"}, "v.conf: tiers: found nothing, expected a value"),
        ({"actions": ["allocate"], "tiers": []}, "v.conf: actions: found a list, expected text"),
        ({"actions": "allocate", "tiers": 5}, "v.conf: tiers: found 5, expected a list"),
    ],
)
def test_documents_that_are_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_volcano_config(document, "v.conf")


class TestFile:
    def test_is_read_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "v.conf").write_text(DEFAULT)
        assert read_scheduler_config(tmp_path / "v.conf").batch == VOLCANO_DEFAULT

    def test_may_be_a_config_map(self, tmp_path: Path) -> None:
        (tmp_path / "cm.json").write_text(json.dumps(config_map()))
        assert read_scheduler_config(tmp_path / "cm.json", profile="volcano").batch == VOLCANO_DEFAULT

    def test_has_one_profile(self, tmp_path: Path) -> None:
        (tmp_path / "v.conf").write_text(DEFAULT)
        with pytest.raises(NotFoundError, match="found no profile 'other', only volcano"):
            read_scheduler_config(tmp_path / "v.conf", profile="other")

    def test_that_is_another_config_map_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "cm.json").write_text(json.dumps(other_map("a: b")))
        with pytest.raises(InputError, match="found a ConfigMap without a scheduler configuration"):
            read_scheduler_config(tmp_path / "cm.json")


class TestAmongTheInput:
    def test_is_the_configuration_of_the_snapshot(self, tmp_path: Path) -> None:
        (tmp_path / "v.yaml").write_text(DEFAULT)
        found = read(tmp_path)
        assert found.configuration is not None
        assert found.configuration.batch == VOLCANO_DEFAULT

    def test_may_stand_in_a_config_map(self) -> None:
        found = read([config_map(), {**config_map(), "kind": "Secret"}])
        assert found.configuration is not None
        assert found.configuration.batch == VOLCANO_DEFAULT

    @pytest.mark.parametrize(
        "text", ["a: b", "tiers actions", "actions: {", "- actions\n- tiers", "tiers: []\nx: actions"]
    )
    def test_other_config_maps_are_passed_over(self, text: str) -> None:
        found = read(other_map(text))
        assert found.configuration is None
        assert [one.kind for one in found.skipped] == ["ConfigMap"]

    @pytest.mark.parametrize(
        "text", ["", "a: b", "actions: {", "- actions\n- tiers", "actions: allocate", "\ttiers: []"]
    )
    def test_what_is_named_as_volcanos_and_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(InputError, match=r"ConfigMap volcano: data\[volcano-scheduler\.conf\]: found"):
            read(config_map(text))

    def test_the_same_twice_is_one(self) -> None:
        given = config_map(metadata={"uid": "1"})
        assert read([given, given]).configuration is not None

    def test_two_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "v.yaml").write_text(DEFAULT)
        with pytest.raises(InputError, match=r"found 2 scheduler configurations: .*, expected one, or none"):
            read(tmp_path, config_map())

    def test_two_in_a_config_map_are_refused(self) -> None:
        given = config_map()
        given["data"]["again"] = DEFAULT
        with pytest.raises(InputError, match="found 2 scheduler configurations"):
            read(given)

    def test_an_error_says_where(self) -> None:
        with pytest.raises(
            ConfigError, match=re.escape("<object>: ConfigMap volcano: data[volcano-scheduler.conf]: ac")
        ):
            read(config_map("actions: fly\ntiers: []"))


def test_pydantic_is_imported_where_there_is_a_configuration_only() -> None:
    script = "import sys; from yuheng.readers import read; read(); assert 'pydantic' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
