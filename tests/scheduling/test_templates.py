"""Pods by template: numbers tell apart what differs, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.compile import add_up
from yuheng.scheduling.peers import Peers
from yuheng.scheduling.templates import Templates, first_of, numbered, told_apart

SPECS = [PodSpec(requests={"cpu": 100 * i}) for i in range(3)]
many = settings(max_examples=100, derandomize=True, deadline=None)
PODS = st.lists(
    st.builds(
        lambda spec, space, app, gone: Pod(
            name="p", spec=SPECS[spec], namespace=space, labels={"app": app, "x": "y"}, terminating=gone
        ),
        st.integers(0, 2),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["web", "db"]),
        st.booleans(),
    ),
    max_size=30,
)


@many
@given(st.lists(st.sampled_from("abcd"), max_size=20))
def test_keys_are_numbered_as_they_appear(keys: list[str]):
    rows = numbered(keys, len(keys))
    order = list(dict.fromkeys(keys))
    assert rows.tolist() == [order.index(key) for key in keys]
    assert first_of(rows).tolist() == [keys.index(key) for key in order]


@many
@given(PODS)
def test_pods_of_one_template_share_a_row(pods: list[Pod]):
    specs, rows = Templates.of(pods)
    assert [id(specs[row]) for row in rows.tolist()] == [id(pod.spec) for pod in pods]
    assert len({id(spec) for spec in specs}) == len(specs)
    features = [[pod.namespace for pod in pods], [pod.terminating for pod in pods]]
    found = told_apart(rows, features).tolist()
    keys = [(id(pod.spec), pod.namespace, pod.terminating) for pod in pods]
    assert len(set(zip(found, keys, strict=True))) == len(set(found)) == len(set(keys))


@many
@given(PODS, st.booleans())
def test_many_pods_get_the_numbers_that_they_get_one_by_one(pods: list[Pod], selected: bool):
    selectors = [LabelSelector({"app": "web"})] if selected else []
    at_once, alone = (Peers(Snapshot(), SPECS, selectors) for _ in range(2))
    assert at_once.numbers(pods, Templates.of(pods)).tolist() == [alone.number(pod) for pod in pods]
    assert at_once.kinds == alone.kinds


@many
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), max_size=20))
def test_amounts_are_added_up_node_by_node(pods: list[tuple[int, int]]):
    amounts = np.array([[1, 20], [300, 4000]], dtype=np.int64)
    nodes, rows = (np.array([pod[i] for pod in pods], dtype=np.int64) for i in range(2))
    found = np.zeros((4, 2), dtype=np.int64)
    add_up(found, nodes, rows, amounts)
    expected = np.zeros((4, 2), dtype=np.int64)
    np.add.at(expected, nodes, amounts[rows])
    assert found.tolist() == expected.tolist()
