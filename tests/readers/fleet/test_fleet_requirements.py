"""What workloads need beyond their pods: annotations, and policies."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_fleets import annotated, cluster, deployment, fleet, policy, workload

from yuheng.model.requirements import DataUse, LatencyObjective, Requirements, RunTime

HOME = "aws/eu-west-1"
TIME = 1767225600.0
IMAGES = DataUse(name="images", gigabytes=150.0, regions=(HOME, "aws/us-east-1"))
# What is written as annotations, and as the spec of a policy; and what it means.
SAME: list[tuple[dict[str, str], dict[str, Any], dict[str, Any]]] = [
    ({"run_time": "2h"}, {"runTime": "2h"}, {"run_time": {"*": RunTime(7200.0)}}),
    (
        {"run_time.m5.large": "1h", "run_time": "mean=2h,p95=3h"},
        {"runTime": {"m5.large": "1h", "*": {"mean": "2h", "p95": "3h"}}},
        {"run_time": {"m5.large": RunTime(3600.0), "*": RunTime(7200.0, ((0.95, 10800.0),))}},
    ),
    (
        {"reads": "images=150GB@eu-west-1|us-east-1"},
        {"reads": [{"name": "images", "sizeGB": 150, "regions": ["eu-west-1", "us-east-1"]}]},
        {"reads": (IMAGES,)},
    ),
    (
        {"reads": "a=1TB, b = 20 GiB @eu-west-1"},
        {"reads": [{"name": "a", "sizeGB": "1TB"}, {"name": "b", "sizeGB": "20GiB", "regions": "eu-west-1"}]},
        {
            "reads": (
                DataUse(name="a", gigabytes=1000.0),
                DataUse(name="b", gigabytes=20 * 2**30 / 1e9, regions=(HOME,)),
            )
        },
    ),
    (
        {"writes": '[{"name": "m", "sizeGB": 2, "mayLiveIn": ["eu-*"], "copies": true}]'},
        {"writes": [{"name": "m", "sizeGB": 2, "mayLiveIn": "eu-*", "copies": True}]},
        {"writes": (DataUse(name="m", gigabytes=2.0, may_live_in=("eu-*",), copies=True),)},
    ),
    ({"regions": "eu-*, us-east-1"}, {"regions": ["eu-*", "us-east-1"]}, {"regions": ("eu-*", "us-east-1")}),
    ({"markets": "spot,reserved"}, {"markets": ["spot", "reserved"]}, {"markets": ("spot", "reserved")}),
    ({"deadline": "2d"}, {"deadline": "2d"}, {"within": 172800.0, "deadline": None}),
    ({"deadline": "2026-01-01T00:00:00Z"}, {"deadline": "2026-01-01T00:00:00Z"}, {"within": None, "deadline": TIME}),
    ({"not_before": "2026-01-01"}, {"notBefore": "2026-01-01"}, {"not_before": TIME}),
    (
        {"windows": "22:00-06:30,12:00-13:00"},
        {"windows": ["22:00-06:30", "12:00-13:00"]},
        {"windows": ((1320, 390), (720, 780))},
    ),
    ({"latest_start": "6h"}, {"latestStart": "6h"}, {"latest_start": 21600.0}),
    (
        {"interruptible": "true", "checkpoint": "5m"},
        {"interruptible": True, "checkpoint": "5m"},
        {"interruptible": True, "checkpoint": 300.0},
    ),
    (
        {"slo": "p99<300ms@eu-west-1"},
        {"slo": {"quantile": 0.99, "within": "300ms", "users": "eu-west-1"}},
        {"latency": LatencyObjective(quantile=0.99, seconds=0.3, users=(HOME,))},
    ),
    ({"objective": "carbon"}, {"objective": "carbon"}, {"objective": "carbon"}),
]


@pytest.mark.parametrize(("annotations", "spec", "expected"), SAME, ids=[",".join(one) for one, _, _ in SAME])
def test_annotations_and_policies_say_the_same(annotations, spec, expected) -> None:
    assert workload(annotated(**annotations)).requirements == Requirements(**expected)
    assert workload(deployment(), policy(**spec)).requirements == Requirements(**expected, policy="default/rules")


def test_annotations_win_over_the_policy() -> None:
    rules = policy(runTime={"*": "2h", "T4": "1h"}, markets="spot", deadline="1h")
    found = workload(annotated(run_time="3h", deadline="2026-02-01"), rules).requirements
    assert found.run_time == {"*": RunTime(10800.0), "T4": RunTime(3600.0)}
    assert (found.markets, found.within, found.policy) == (("spot",), None, "default/rules")
    assert found.deadline is not None


def test_annotations_of_the_template_count_too() -> None:
    made = annotated(markets="spot")
    made["spec"]["template"]["metadata"]["annotations"] = {
        "yuheng.io/markets": "reserved",
        "yuheng.io/checkpoint": "1m",
    }
    found = workload(made).requirements
    assert (found.markets, found.checkpoint) == (("spot",), 60.0)


def test_annotations_of_others_are_passed_over() -> None:
    made = deployment(annotations={"example.com/deadline": "x", "yuheng.io/running-estimate": "1h"})
    assert workload(made).requirements == Requirements()


SELECTORS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"names": "web"}, True),
    ({"names": ["db", "web"]}, True),
    ({"names": "db"}, False),
    ({"kinds": "Deployment"}, True),
    ({"kinds": "Job"}, False),
    ({"labelSelector": {"matchLabels": {"team": "ml"}}}, True),
    ({"labelSelector": {"matchLabels": {"team": "web"}}}, False),
    ({"labelSelector": {"matchExpressions": [{"key": "team", "operator": "In", "values": ["ml"]}]}}, True),
    ({"names": "web", "labelSelector": {"matchLabels": {"team": "web"}}}, False),
]


@pytest.mark.parametrize(("selector", "expected"), SELECTORS)
def test_what_a_policy_selects(selector: dict[str, Any], expected: bool) -> None:
    made = [cluster(), deployment(labels={"team": "ml"}), policy(selector=selector, markets="spot")]
    found = fleet(*made)
    assert (found.workloads[0].requirements.markets == ("spot",)) is expected
    said = [one for one in found.warnings if "selects no workload" in one]
    assert said == ([] if expected else ["<object>: PlacementPolicy default/rules selects no workload"])


def test_a_policy_speaks_of_its_namespace() -> None:
    made = policy(markets="spot")
    made["metadata"]["namespace"] = "other"
    assert workload(deployment(), made).requirements.markets == ()


def test_the_most_precise_policy_counts() -> None:
    made = [
        policy("a", markets="spot"),
        policy("b", markets="on-demand", selector={"labelSelector": {"matchLabels": {"team": "ml"}}}),
        policy("c", markets="reserved", selector={"names": "web"}),
        policy("d", markets="spot", selector={"names": "web"}),
    ]
    web = deployment(labels={"team": "ml"})
    assert workload(web, *made).requirements.policy == "default/c"
    assert workload(web, *made[:2]).requirements.policy == "default/b"
    assert workload(web, made[0]).requirements.policy == "default/a"


def test_a_mean_is_worked_out_where_only_percentiles_are_known() -> None:
    spec = policy(runTime={"*": {"p50": "1h", "quantiles": {"0.75": "2h"}}})
    (found,) = workload(deployment(), spec).requirements.run_time.values()
    assert found.quantiles == ((0.5, 3600.0), (0.75, 7200.0))
    assert found.mean == pytest.approx(0.5 * 3600 + 0.25 * 5400 + 0.25 * 7200)


@given(
    seconds=st.lists(st.integers(1, 10**6), min_size=4, max_size=4).map(sorted),
    level=st.floats(0.01, 0.99),
)
def test_a_quantile_lies_between_those_that_are_written(seconds: list[int], level: float) -> None:
    names = ("p50", "p90", "p95", "p99")
    spec = policy(runTime={"*": dict(zip(names, seconds, strict=True))})
    (found,) = workload(deployment(), spec).requirements.run_time.values()
    assert seconds[0] <= found.quantile(level) <= seconds[-1]
    assert seconds[0] * (1 - 1e-9) <= found.mean <= seconds[-1] * (1 + 1e-9)
