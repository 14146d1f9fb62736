"""Which policy is a workload's."""

from __future__ import annotations

from typing import Any

import pytest
from tests.placement.propagation.made_members import make_policy, make_workload

from yuheng.model.propagation import ResourceSelector
from yuheng.model.selectors import LabelSelector
from yuheng.placement.propagation import PolicyIndex

DEPLOYMENT: dict[str, Any] = {"api_version": "apps/v1", "kind": "Deployment"}
BY_KIND = (ResourceSelector(**DEPLOYMENT),)
BY_LABEL = (ResourceSelector(**DEPLOYMENT, label_selector=LabelSelector({"app": "web"})),)
BY_NAME = (ResourceSelector(**DEPLOYMENT, name="web"),)
OTHER = (ResourceSelector(**DEPLOYMENT, name="db"), ResourceSelector(api_version="apps/v1", kind="StatefulSet"))
ELSEWHERE = (ResourceSelector(**DEPLOYMENT, namespace="elsewhere"),)
WRONG_LABEL_RIGHT_NAME = (ResourceSelector(**DEPLOYMENT, name="web", label_selector=LabelSelector({"app": "no"})),)

Policy = tuple[str, str, dict[str, Any]]


def of(policies: list[Policy], **fields: Any) -> str:
    index = PolicyIndex(make_policy(name, namespace, **more) for name, namespace, more in policies)
    found = index.policy_for(make_workload(labels={"app": "web"}, **fields))
    return found.key if found else ""


CASES: list[tuple[str, list[Policy], str]] = [
    ("none", [], ""),
    ("one for something else", [("a", "default", {"resource_selectors": OTHER})], ""),
    ("one for another namespace", [("a", "", {"resource_selectors": ELSEWHERE})], ""),
    ("one of another namespace", [("a", "elsewhere", {"resource_selectors": BY_NAME})], ""),
    (
        "by name before by labels before by kind",
        [
            ("a", "default", {"resource_selectors": BY_KIND}),
            ("b", "default", {"resource_selectors": BY_LABEL}),
            ("c", "default", {"resource_selectors": BY_NAME}),
        ],
        "default/c",
    ),
    (
        "by labels before by kind",
        [("a", "default", {"resource_selectors": BY_KIND}), ("b", "default", {"resource_selectors": BY_LABEL})],
        "default/b",
    ),
    ("labels do not count beside a name", [("a", "", {"resource_selectors": WRONG_LABEL_RIGHT_NAME})], "a"),
    (
        "the best of several selectors counts",
        [("a", "default", {"resource_selectors": BY_LABEL}), ("b", "default", {"resource_selectors": OTHER + BY_NAME})],
        "default/b",
    ),
    (
        "priority before precision",
        [
            ("a", "default", {"resource_selectors": BY_KIND, "priority": 1}),
            ("b", "default", {"resource_selectors": BY_NAME}),
        ],
        "default/a",
    ),
    ("the first name when all else is the same", [("b", "default", {}), ("a", "default", {})], "default/a"),
    (
        "one of the namespace before a cluster-wide one of any priority",
        [("a", "", {"resource_selectors": BY_NAME, "priority": 99}), ("b", "default", {"priority": -1})],
        "default/b",
    ),
]


@pytest.mark.parametrize(("policies", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_precedence(policies: list[Policy], expected: str) -> None:
    assert of(policies) == expected


HELD: list[tuple[str, list[Policy], str, str]] = [
    (
        "it stays with what placed it",
        [("a", "default", {"priority": 9}), ("b", "default", {})],
        "default/b",
        "default/b",
    ),
    (
        "unless one of higher priority preempts",
        [("a", "default", {"priority": 9, "preempts": True}), ("b", "default", {})],
        "default/b",
        "default/a",
    ),
    (
        "not of the same priority",
        [("a", "default", {"preempts": True}), ("b", "default", {})],
        "default/b",
        "default/b",
    ),
    (
        "a namespace's takes from a cluster-wide one",
        [("a", "default", {"preempts": True}), ("b", "", {"priority": 9})],
        "b",
        "default/a",
    ),
    ("but only when it preempts", [("a", "default", {}), ("b", "", {})], "b", "b"),
    (
        "a cluster-wide one takes from a cluster-wide one",
        [("a", "", {"priority": 1, "preempts": True}), ("b", "", {})],
        "b",
        "a",
    ),
    (
        "a cluster-wide one takes nothing from a namespace's",
        [("a", "", {"priority": 9, "preempts": True}), ("b", "default", {})],
        "default/b",
        "default/b",
    ),
    ("what placed it is gone", [("a", "default", {})], "default/b", "default/a"),
    (
        "what placed it no longer selects it",
        [("a", "default", {}), ("b", "default", {"resource_selectors": OTHER})],
        "default/b",
        "default/a",
    ),
]


@pytest.mark.parametrize(
    ("policies", "holder", "expected"), [case[1:] for case in HELD], ids=[case[0] for case in HELD]
)
def test_a_workload_that_is_placed_already(policies: list[Policy], holder: str, expected: str) -> None:
    assert of(policies, policy_name=holder) == expected


def test_policies_that_select_nothing_are_told() -> None:
    index = PolicyIndex(
        [
            make_policy("used"),
            make_policy("by-name", resource_selectors=OTHER),
            make_policy("wide", ""),
            make_policy("away", "elsewhere"),
        ]
    )
    assert [policy.key for policy in index.selecting_nothing([make_workload()])] == [
        "default/by-name",
        "elsewhere/away",
    ]
