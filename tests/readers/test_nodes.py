"""Nodes, as the API server completes them."""

from __future__ import annotations

from typing import Any

import pytest
from made_objects import node

from yuheng.errors import InputError
from yuheng.model.node import ContainerImage, Node, Taint
from yuheng.readers import read


def the_node(manifest: dict[str, Any]) -> Node:
    return read(manifest).nodes[0]


def test_everything_that_scheduling_looks_at_is_read() -> None:
    found = the_node(
        node(
            "a",
            metadata={"labels": {"zone": "z"}},
            spec={"taints": [{"key": "gpu", "value": "true", "effect": "NoSchedule"}], "unschedulable": True},
            status={
                "allocatable": {"cpu": "3920m", "memory": "8000Ki", "pods": "110", "example.com/fpga": "2"},
                "capacity": {"cpu": "4"},
                "images": [{"names": ["a:1", "a@sha256:0"], "sizeBytes": 5}],
            },
        )
    )
    assert found == Node(
        name="a",
        allocatable={"cpu": 3920, "memory": 8000 * 1024, "pods": 110, "example.com/fpga": 2},
        labels={"zone": "z"},
        taints=(Taint("gpu", "NoSchedule", "true"),),
        unschedulable=True,
        images=(ContainerImage(("a:1", "a@sha256:0"), 5),),
    )


def test_the_capacity_stands_in_for_what_is_allocatable() -> None:
    assert the_node(node(status={"capacity": {"cpu": "2"}})).allocatable == {"cpu": 2000}


@pytest.mark.parametrize("status", [None, {}, {"allocatable": None}, {"allocatable": {}, "capacity": {}}])
def test_a_node_that_offers_nothing_is_an_error(status: dict[str, Any] | None) -> None:
    with pytest.raises(InputError, match=r"Node n: status.allocatable: found nothing, expected the amounts"):
        read(node(status=status))


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        pytest.param([{"type": "Ready", "status": "True"}], True, id="ready"),
        pytest.param([{"type": "Ready", "status": "False"}], False, id="not ready"),
        pytest.param([{"type": "Ready", "status": "Unknown"}], False, id="lost"),
        pytest.param([{"type": "DiskPressure", "status": "False"}], True, id="nothing is said"),
        pytest.param(None, True, id="no conditions"),
    ],
)
def test_a_node_is_ready_unless_it_says_otherwise(conditions: list[dict[str, str]] | None, ready: bool) -> None:
    assert the_node(node(status={"capacity": {"cpu": "2"}, "conditions": conditions})).ready is ready


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"status": {"allocatable": {"cpu": "-4"}}},
            "status.allocatable.cpu: found '-4', expected an amount that is",
        ),
        (
            {"status": {"capacity": {"pods": "many"}}},
            "status.capacity.pods: found 'many', expected a quantity such as",
        ),
        (
            {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "Never"}]}},
            "spec.taints[1].effect: found 'Never', expected NoSchedule, PreferNoSchedule or NoExecute",
        ),
        ({"spec": {"taints": [{"key": "a"}]}}, "spec.taints[0].effect: found nothing, expected a value"),
        ({"metadata": {"labels": {"a": "b", "c": 1, "d": "e"}}}, "metadata.labels.c: found 1, expected text"),
        ({"metadata": {"labels": ["a"]}}, "metadata.labels: found a list, expected a map"),
    ],
)
def test_what_is_wrong_with_a_node_is_said_with_its_place(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(node(**parts))
    assert str(caught.value).startswith(f"<object>: Node n: {message}")
