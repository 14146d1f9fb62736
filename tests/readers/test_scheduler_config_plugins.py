"""Which plugins a profile selects, with which weights, and what is said of those that are left out."""

from __future__ import annotations

import pytest
from made_scheduler_configs import load, parse, profile_of, with_plugins

from yuheng.errors import ConfigError
from yuheng.model.policy import KUBERNETES_FILTERS, KUBERNETES_SCORES
from yuheng.readers.scheduler_config import KNOWN_SCORES, parse_scheduler_config

DEFAULTS = {score.plugin: score.weight for score in KUBERNETES_SCORES}
OURS = sorted(set(KNOWN_SCORES) - set(DEFAULTS))
# What a scheduler needs beside filters and scores.
CORE = "+PrioritySort +DefaultBinder"


def weights(policy):
    return {score.plugin: score.weight for score in policy.scores}


class TestScores:
    @pytest.mark.parametrize(
        ("plugins", "changes"),
        [
            pytest.param("", {}, id="nothing said"),
            pytest.param("score: +ImageLocality=5", {"ImageLocality": 5}, id="a weight of its own"),
            pytest.param("score: +NodeAffinity", {"NodeAffinity": 1}, id="no weight is 1, not the default's"),
            pytest.param("score: +NodeAffinity=0", {"NodeAffinity": 1}, id="0 is 1"),
            pytest.param("score: +NodeAffinity=-1", {"NodeAffinity": -1}, id="below 0"),
            pytest.param("multiPoint: +NodeAffinity=7", {"NodeAffinity": 7}, id="a weight for all points"),
            pytest.param("multiPoint: +NodeAffinity", {"NodeAffinity": 1}, id="for all points none is 1, too"),
            pytest.param(
                "multiPoint: +NodeAffinity=7; score: +NodeAffinity=3",
                {"NodeAffinity": 3},
                id="one point comes before all",
            ),
            pytest.param(
                "score: -NodeAffinity +NodeAffinity=4",
                {"NodeAffinity": 4},
                id="enabled comes before disabled",
            ),
            pytest.param("multiPoint: -NodeAffinity +NodeAffinity=4", {"NodeAffinity": 4}, id="for all points, too"),
            pytest.param(
                "multiPoint: -NodeAffinity; score: +NodeAffinity=4",
                {"NodeAffinity": 4},
                id="disabled for all points, enabled for one",
            ),
            pytest.param("score: -ImageLocality", {"ImageLocality": None}, id="disabled"),
            pytest.param("multiPoint: -ImageLocality", {"ImageLocality": None}, id="disabled for all points"),
            pytest.param(
                "multiPoint: +ImageLocality=9; score: -ImageLocality",
                {"ImageLocality": None},
                id="enabled for all points, disabled for one",
            ),
            pytest.param("filter: -*", {}, id="the filters disabled"),
            pytest.param("preScore: -NodeAffinity", {}, id="the preparation disabled"),
            pytest.param("score: +FragmentationGradient=8", {"FragmentationGradient": 8}, id="one of ours"),
            pytest.param("multiPoint: +Price", {"Price": 1}, id="one of ours for all points"),
            pytest.param(
                "multiPoint: +ImageLocality +ImageLocality; score: +ImageLocality=6",
                {"ImageLocality": 6},
                id="twice for all points, set right by one",
            ),
        ],
    )
    def test_changes_to_the_defaults(self, plugins, changes):
        expected = {name: weight for name, weight in {**DEFAULTS, **changes}.items() if weight is not None}

        assert weights(with_plugins(plugins)) == expected

    @pytest.mark.parametrize(
        ("plugins", "expected"),
        [
            pytest.param("score: -*", {}, id="all disabled"),
            pytest.param("score: -* +NodeAffinity=2", {"NodeAffinity": 2}, id="all disabled but one"),
            pytest.param(
                f"multiPoint: -* {CORE} +NodeResourcesFit=5", {"NodeResourcesFit": 5}, id="at all points, too"
            ),
            pytest.param("score: -*; multiPoint: +NodeAffinity=5", {}, id="even what all points enable"),
        ],
    )
    def test_all_disabled(self, plugins, expected):
        assert weights(with_plugins(plugins)) == expected

    def test_defaults_stand_before_ours_and_ours_in_the_order_of_the_file(self):
        policy = with_plugins("score: +WorstFit +ImageLocality +BestFit +LoadAware")

        assert list(weights(policy)) == [*DEFAULTS, "WorstFit", "BestFit", "LoadAware"]

    @pytest.mark.parametrize("name", OURS)
    def test_every_score_of_ours_can_be_enabled(self, name):
        policy = with_plugins(f"score: -* +{name}=2")

        assert weights(policy) == {name: 2}
        assert policy.warnings == ()


class TestFilters:
    @pytest.mark.parametrize(
        ("plugins", "without"),
        [
            pytest.param("", [], id="nothing said"),
            pytest.param("filter: -NodePorts", ["NodePorts"], id="disabled"),
            pytest.param("multiPoint: -NodePorts", ["NodePorts"], id="disabled for all points"),
            pytest.param("score: -*", [], id="the scores disabled"),
            pytest.param("preFilter: -*", [], id="the preparation disabled"),
            pytest.param("filter: +NodePorts", [], id="enabled once more"),
            pytest.param("preFilter: +NodeAffinity +VolumeZone", [], id="the preparation enabled once more"),
            pytest.param("filter: -DeviceFit", ["DeviceFit"], id="ours disabled"),
            pytest.param("multiPoint: -DeviceFit", ["DeviceFit"], id="ours disabled for all points"),
            pytest.param("multiPoint: -DeviceFit +DeviceFit", [], id="ours enabled after all"),
            pytest.param("score: -DeviceFit", [], id="ours disabled where it does nothing"),
        ],
    )
    def test_changes_to_the_defaults(self, plugins, without):
        expected = tuple(name for name in KUBERNETES_FILTERS if name not in without)

        assert with_plugins(plugins).filters == expected

    @pytest.mark.parametrize(
        ("plugins", "expected"),
        [
            pytest.param("filter: -*", ("DeviceFit",), id="all but ours"),
            pytest.param("filter: -* -DeviceFit", (), id="ours, too"),
            pytest.param(f"multiPoint: -* {CORE} +NodeName", ("NodeName", "DeviceFit"), id="all but two"),
        ],
    )
    def test_all_disabled(self, plugins, expected):
        assert with_plugins(plugins).filters == expected


class TestEngine:
    """What the engine has is told from outside."""

    def test_a_filter_and_a_score_that_are_new(self):
        policy = with_plugins(
            "filter: +Tide; multiPoint: +Moon=2",
            known_filters=(*KUBERNETES_FILTERS, "Tide"),
            known_scores=frozenset(("Moon", "NodeAffinity")),
        )

        assert policy.filters == (*KUBERNETES_FILTERS, "Tide")
        assert weights(policy) == {"NodeAffinity": 2, "Moon": 2}
        assert policy.warnings == ()

    def test_without_device_fit_there_is_none(self):
        assert with_plugins("", known_filters=("NodeName",)).filters == ("NodeName",)

    def test_a_default_that_is_lacking_is_named_when_it_is_asked_for(self):
        known = ("NodeAffinity",)

        assert with_plugins("", known_scores=known).warnings == ()
        assert with_plugins("score: +ImageLocality", known_scores=known).warnings == (
            "plugin ImageLocality (score) is left out: Yuheng does not have it",
        )


class TestWhatIsLeftOut:
    @pytest.mark.parametrize(
        ("plugins", "named"),
        [
            pytest.param("filter: +VolumeBinding", ["VolumeBinding (filter)"], id="a default, by name"),
            pytest.param("postFilter: +DefaultPreemption", ["DefaultPreemption (postFilter)"], id="preemption"),
            pytest.param("postFilter: -DefaultPreemption", [], id="preemption that is disabled"),
            pytest.param(
                "preFilter: +Gang; permit: +Gang; score: +Tide",
                ["Gang (preFilter, permit)", "Tide (score)"],
                id="others",
            ),
            pytest.param(
                "multiPoint: +SchedulingGates +PrioritySort +DefaultBinder +NodeName",
                [],
                id="what Yuheng does by itself",
            ),
            pytest.param("multiPoint: -* +Mine", ["Mine (multiPoint)"], id="what may sort and bind"),
        ],
    )
    def test_plugins(self, plugins, named):
        expected = tuple(f"plugin {one} is left out: Yuheng does not have it" for one in named)

        assert with_plugins(plugins).warnings == expected

    @pytest.mark.parametrize(
        ("args", "expected"),
        [
            (
                "{bindTimeoutSeconds: 5}",
                ("arguments of plugin VolumeBinding are left out: Yuheng does not have it",),
            ),
            ("{}", ()),
        ],
    )
    def test_arguments(self, args, expected):
        body = f"profiles: [{{pluginConfig: [{{name: VolumeBinding, args: {args}}}]}}]"

        assert parse(body).warnings == expected

    @pytest.mark.parametrize(
        ("everywhere", "in_profile", "named"),
        [
            ("30", "null", "30"),
            ("0", "null", "0"),
            ("100", "null", None),
            ("null", "5", "5"),
            ("30", "100", None),
            ("100", "0", "0"),
        ],
    )
    def test_sampling(self, everywhere, in_profile, named):
        body = f"percentageOfNodesToScore: {everywhere}\nprofiles: [{{percentageOfNodesToScore: {in_profile}}}]"
        sentence = f"percentageOfNodesToScore {named} is left out: Yuheng considers every node"

        assert parse(body).warnings == ((sentence,) if named else ())

    def test_extenders(self):
        assert parse("extenders: [{urlPrefix: 'http://a'}, {urlPrefix: 'http://b'}]").warnings == (
            "extender http://a is left out: Yuheng asks no other service",
            "extender http://b is left out: Yuheng asks no other service",
        )

    def test_profiles(self):
        assert parse("profiles: [{schedulerName: a}, {schedulerName: b}, {schedulerName: c}]").warnings == (
            "profile b is left out: a decides for all pods",
            "profile c is left out: a decides for all pods",
        )

    def test_v1beta2_ignores_what_is_said_of_all_points(self):
        policy = parse_scheduler_config(load(profile_of("multiPoint: -*"), version="v1beta2"))

        assert policy.filters == KUBERNETES_FILTERS
        assert policy.warnings == ("multiPoint is left out: kube-scheduler ignores it in v1beta2",)


class TestMisfortunes:
    """What kube-scheduler would stumble over and Yuheng does not is told, too."""

    @pytest.mark.parametrize(
        ("plugins", "named"),
        [
            pytest.param(
                "preFilter: -PodTopologySpread",
                ["PodTopologySpread is on at filter and off at preFilter"],
                id="a filter",
            ),
            pytest.param(
                "preScore: -*; score: -InterPodAffinity",
                [
                    "PodTopologySpread is on at score and off at preScore",
                    "TaintToleration is on at score and off at preScore",
                ],
                id="scores",
            ),
            pytest.param("preFilter: -NodePorts; filter: -NodePorts", [], id="off altogether"),
            pytest.param("preFilter: -NodeAffinity; preScore: -NodeAffinity", [], id="one that needs no preparation"),
        ],
    )
    def test_plugins_without_their_preparation(self, plugins, named):
        expected = tuple(f"kube-scheduler would schedule no pod: {one}" for one in named)

        assert with_plugins(plugins).warnings == expected

    @pytest.mark.parametrize(
        ("plugins", "named"),
        [
            pytest.param("multiPoint: -* +PrioritySort", ["a plugin at bind and finds none"], id="nothing binds"),
            pytest.param(
                "multiPoint: -* +DefaultBinder",
                ["one plugin at queueSort and finds none"],
                id="no sorting",
            ),
            pytest.param("queueSort: -* +PrioritySort", [], id="enabled by name"),
        ],
    )
    def test_plugins_that_every_scheduler_needs(self, plugins, named):
        expected = tuple(f"kube-scheduler would not start: it wants {one}" for one in named)

        assert with_plugins(plugins).warnings == expected

    def test_two_plugins_that_sort(self):
        assert with_plugins("queueSort: +My").warnings == (
            "plugin My (queueSort) is left out: Yuheng does not have it",
            "kube-scheduler would not start: it wants one plugin at queueSort and finds My and PrioritySort",
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("plugins", "message"),
        [
            ("filter: +NodeName +ImageLocality", "filter.enabled[1].name: found 'ImageLocality'"),
            ("score: +DeviceFit", "score.enabled[0].name: found 'DeviceFit'"),
            ("filter: +Price", "filter.enabled[0].name: found 'Price'"),
        ],
    )
    def test_a_plugin_where_it_has_nothing_to_do(self, plugins, message):
        with pytest.raises(ConfigError) as caught:
            with_plugins(plugins)

        point = plugins.partition(":")[0]
        expected = f"expected a plugin that has something to do at {point}"
        assert str(caught.value) == f"s.yaml: profiles[0].plugins.{message}, {expected}"

    @pytest.mark.parametrize(
        ("plugins", "message"),
        [
            ("score: +NodeAffinity +NodeAffinity", "score: found NodeAffinity twice"),
            ("multiPoint: +ImageLocality +ImageLocality", "score: found ImageLocality twice"),
            ("permit: +Mine +Mine", "permit: found Mine twice"),
        ],
    )
    def test_a_plugin_twice(self, plugins, message):
        with pytest.raises(ConfigError) as caught:
            with_plugins(plugins)

        assert str(caught.value) == f"s.yaml: profiles[0].plugins.{message}, expected each plugin once"
