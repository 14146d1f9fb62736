"""Volcano's queues: shares, limits, and the tree."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_batch import group, node, queue, read_queue, vcjob

from yuheng.errors import InputError
from yuheng.model.queue import NodeGroupAffinity, Queue
from yuheng.readers import read

REQUIRED, PREFERRED = (f"{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred"))


def test_a_queue_with_nothing_written_in_it() -> None:
    assert read(queue()).queues == (Queue(name="default"), Queue(name="q"))


def test_amounts_are_in_the_units_of_nodes() -> None:
    found = read_queue(
        queue(
            capability={"cpu": "4", "memory": "1Gi"},
            guarantee={"resource": {"cpu": "500m"}},
            deserved={"cpu": 2, "nvidia.com/gpu": 1},
        )
    )
    assert found.capability == {"cpu": 4000, "memory": 2**30}
    assert found.guarantee == {"cpu": 500}
    assert found.deserved == {"cpu": 2000, "nvidia.com/gpu": 1}


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        ({"weight": 3}, "weight", 3),
        ({"weight": None}, "weight", 1),
        ({"reclaimable": False}, "reclaimable", False),
        ({"priority": -5}, "priority", -5),
        ({"dequeueStrategy": "fifo"}, "dequeue", "fifo"),
        ({"dequeueStrategy": "traverse"}, "dequeue", "traverse"),
        ({"state": "Open"}, "closed", False),
        ({"state": "Closed"}, "closed", True),
        ({"state": "Closing"}, "closed", True),
        ({"state": "Unknown"}, "closed", True),
        ({"annotations": {"yuheng.io/public-queue": "true"}}, "public", True),
        ({"annotations": {"yuheng.io/private-min-priority": "100"}}, "private_priority", 100),
        ({"annotations": {"yuheng.io/private-min-priority": "-1"}}, "private_priority", -1),
        (
            {"annotations": {"volcano.sh/nodegroup-resource-limits": '{"g": {"cpu": "1500m", "memory": 1024}}'}},
            "node_group_limits",
            {"g": {"cpu": 1500, "memory": 1024}},
        ),
    ],
)
def test_fields(spec: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(read_queue(queue(**spec)), field) == expected


def test_node_groups() -> None:
    affinity = {
        "nodeGroupAffinity": {REQUIRED: ["a"], PREFERRED: ["b"]},
        "nodeGroupAntiAffinity": {REQUIRED: ["c"], PREFERRED: ["d", "e"]},
    }
    assert read_queue(queue(affinity=affinity)).affinity == NodeGroupAffinity(("a",), ("b",), ("c",), ("d", "e"))


class TestTree:
    def test_the_root_is_no_parent_unless_it_is_an_object(self) -> None:
        assert read_queue(queue(parent="root")).parent == ""
        assert read_queue(queue(parent="root"), queue("root")).parent == "root"
        assert read_queue(queue(), queue("root")).parent == ""

    def test_a_parent_is_kept(self) -> None:
        assert read_queue(queue(parent="above"), queue("above")).parent == "above"

    @pytest.mark.parametrize(
        ("path", "weights"), [("root/sci/dev", "1/2/8"), ("sci/dev", "2/8")], ids=["as written", "without the root"]
    )
    def test_a_path_makes_queues_of_its_inner_elements(self, path: str, weights: str) -> None:
        annotations = {"volcano.sh/hierarchy": path, "volcano.sh/hierarchy-weights": weights}
        found = read(queue(annotations=annotations, weight=5)).queues
        assert [(one.name, one.parent, one.weight) for one in found] == [
            ("default", "", 1),
            ("q", "root/sci", 8),
            ("root/sci", "", 2),
        ]

    def test_a_path_leads_through_a_queue_of_that_name(self) -> None:
        annotations = {"volcano.sh/hierarchy": "root/sci/dev", "volcano.sh/hierarchy-weights": "1/2/8"}
        assert read_queue(queue(annotations=annotations), queue("sci")).parent == "sci"

    def test_a_parent_overrules_a_path(self) -> None:
        annotations = {"volcano.sh/hierarchy": "root/sci/dev", "volcano.sh/hierarchy-weights": "1/2/8"}
        found = read_queue(queue(annotations=annotations, parent="above", weight=5), queue("above"))
        assert (found.parent, found.weight) == ("above", 5)

    def test_of_two_weights_of_an_element_one_is_told(self) -> None:
        first, second = (
            {"volcano.sh/hierarchy": f"root/sci/{name}", "volcano.sh/hierarchy-weights": weights}
            for name, weights in (("a", "1/2/8"), ("b", "1/3/8"))
        )
        (warning,) = read([queue("a", annotations=first), queue("b", annotations=second)]).warnings
        assert "Queue b: weight 3 of root/sci" in warning


class TestDefault:
    @pytest.mark.parametrize("given", [queue(), group(), vcjob()], ids=["a queue", "a pod group", "a job"])
    def test_is_there_as_soon_as_anything_is(self, given: dict[str, Any]) -> None:
        assert "default" in {one.name for one in read(given).queues}

    def test_is_what_the_input_says(self) -> None:
        assert read_queue(queue("default", weight=7), name="default").weight == 7

    def test_is_not_there_without_batch(self) -> None:
        assert read(node()).queues == ()


def hierarchy(path: str, weights: str) -> dict[str, str]:
    return {"volcano.sh/hierarchy": path, "volcano.sh/hierarchy-weights": weights}


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([queue(weight=0)], "Queue q: spec.weight: found 0, expected a weight of 1 or more"),
        ([queue(capability={"cpu": "-1"})], "Queue q: spec.capability.cpu: found '-1', expected an amount that is not"),
        ([queue(deserved={"cpu": "x"})], "Queue q: spec.deserved.cpu: found 'x', expected a quantity"),
        (
            [queue(capability={"cpu": "1"}, guarantee={"resource": {"cpu": "2"}})],
            "Queue q: spec.guarantee.resource.cpu: found 2, expected no more than the capability of 1",
        ),
        ([queue(parent="nowhere")], "Queue q: spec.parent: found 'nowhere', which is not in the input, expected a que"),
        ([queue(parent="q")], "Queue q: spec.parent: found a circle: q -> q, expected"),
        (
            [queue("a", parent="b"), queue("b", parent="a")],
            "Queue a: spec.parent: found a circle: a -> b -> a, expected",
        ),
        (
            [
                node(),
                queue("a", guarantee={"resource": {"cpu": "3"}}),
                queue("b", guarantee={"resource": {"cpu": "2"}}),
            ],
            "b: spec.guarantee.resource.cpu: found 5 guaranteed to this and other queues, expected no more than the 4",
        ),
        ([queue(dequeueStrategy="lifo")], "Queue q: spec.dequeueStrategy: found 'lifo', expected"),
        (
            [queue(annotations=hierarchy("root/a", "1"))],
            "metadata.annotations[volcano.sh/hierarchy-weights]: found '1', expected as many weights",
        ),
        ([queue(annotations=hierarchy("root/a", "1/0"))], "found '0', expected weights above 0"),
        ([queue(annotations=hierarchy("root/a", "1/x"))], "found 'x', expected weights above 0"),
        ([queue(annotations=hierarchy("root//a", "1/1/1"))], "found 'root//a', expected names"),
        (
            [queue(annotations={"volcano.sh/nodegroup-resource-limits": "{"})],
            "metadata.annotations[volcano.sh/nodegroup-resource-limits]: found '{', expected amounts by node group",
        ),
        (
            [queue(annotations={"volcano.sh/nodegroup-resource-limits": '{"g": {"cpu": "x"}}'})],
            "metadata.annotations[volcano.sh/nodegroup-resource-limits].g.cpu: found 'x', expected a quantity",
        ),
        (
            [queue(annotations={"yuheng.io/private-min-priority": "high"})],
            "metadata.annotations[yuheng.io/private-min-priority]: found 'high', expected a priority",
        ),
    ],
)
def test_what_is_refused(objects: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(objects)


def test_without_nodes_guarantees_are_not_checked() -> None:
    assert read_queue(queue(guarantee={"resource": {"cpu": "1000"}})).guarantee == {"cpu": 1_000_000}


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        (queue(deserved={"cpu": 2}, capability={"cpu": 1}), "Queue q: its capability has less cpu than it deserves"),
        (queue(capability={"volcano.sh/vgpu-number": 2}), "Queue q: volcano.sh/vgpu-number is not counted by queue"),
    ],
)
def test_what_is_warned_of(given: dict[str, Any], warning: str) -> None:
    (found,) = read(given).warnings
    assert found.startswith(warning)
