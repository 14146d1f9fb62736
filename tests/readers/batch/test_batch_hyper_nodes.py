"""The parts of the network."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_batch import hyper_node, node

from yuheng.errors import InputError
from yuheng.model.job import HyperNode
from yuheng.readers import read

NODES = [node("n1", {"rack": "a"}), node("n2", {"rack": "a"}), node("n3", {"rack": "b"})]


def exactly(name: str, kind: str = "Node") -> dict[str, Any]:
    return {"type": kind, "selector": {"exactMatch": {"name": name}}}


def matching(pattern: str, kind: str = "Node") -> dict[str, Any]:
    return {"type": kind, "selector": {"regexMatch": {"pattern": pattern}}}


def labelled(**labels: str) -> dict[str, Any]:
    return {"type": "Node", "selector": {"labelMatch": {"matchLabels": labels}}}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([], ()),
        ([exactly("n2"), exactly("n1")], ("n1", "n2")),
        ([matching("n[13]")], ("n1", "n3")),
        ([matching("^n$")], ()),
        ([matching(r"^[[:alpha:]][[:digit:]]\z")], ("n1", "n2", "n3")),
        ([labelled(rack="a")], ("n1", "n2")),
        ([labelled()], ()),
        ([labelled(rack="b"), exactly("n1")], ("n1", "n3")),
    ],
)
def test_members_are_nodes(members: list[dict[str, Any]], expected: tuple[str, ...]) -> None:
    assert read([*NODES, hyper_node("s0", 1, *members)]).hyper_nodes == (HyperNode(name="s0", tier=1, nodes=expected),)


def test_members_of_members_are_members() -> None:
    found = read(
        [
            *NODES,
            hyper_node("spine", 2, matching("^leaf", "HyperNode")),
            hyper_node("leaf-b", 1, exactly("n3")),
            hyper_node("leaf-a", 1, labelled(rack="a")),
            hyper_node("core", 3, exactly("spine", "HyperNode")),
        ]
    )
    assert [(one.name, one.tier, one.nodes) for one in found.hyper_nodes] == [
        ("leaf-a", 1, ("n1", "n2")),
        ("leaf-b", 1, ("n3",)),
        ("spine", 2, ("n1", "n2", "n3")),
        ("core", 3, ("n1", "n2", "n3")),
    ]


@pytest.mark.parametrize("kind", ["Node", "HyperNode"])
def test_a_member_that_is_not_there_is_told(kind: str) -> None:
    found = read([*NODES, hyper_node("s0", 1, exactly("ghost", kind))])
    assert found.warnings == (f"HyperNode s0: its member {kind} 'ghost' is not in the input",)
    assert found.hyper_nodes[0].nodes == ()


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (
            [hyper_node("a", 1, exactly("a", "HyperNode"))],
            "HyperNode a: spec.members: found a circle: a -> a, expected",
        ),
        (
            [hyper_node("a", 1, exactly("b", "HyperNode")), hyper_node("b", 2, exactly("a", "HyperNode"))],
            "found a circle: a -> b -> a, expected members that do not contain",
        ),
        ([hyper_node("a", 1, matching("("))], "spec.members[0].selector.regexMatch.pattern: found '(', expected a reg"),
        ([hyper_node("a", 1, matching("[[:graph:]]"))], "found '[[:graph:]]', expected a regular expression"),
        ([hyper_node("a", 1, {"type": "Node"})], "spec.members[0].selector: found none of them, expected one of exact"),
        ([hyper_node("a", 1, {**labelled(rack="a"), "type": "HyperNode"})], "labelMatch: found a label selector"),
        ([hyper_node("a", -1)], "spec.tier: found -1, expected a tier of 0 or more"),
        ([hyper_node("a", 1, {"type": "Rack"})], "spec.members[0].type: found 'Rack', expected"),
    ],
)
def test_what_is_refused(objects: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(objects)
