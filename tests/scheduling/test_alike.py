"""Copies that are placed all at once go where they go one by one."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.made_by_hand import cluster as made_cluster
from tests.scheduling.made_by_hand import node, pod
from tests.scheduling.made_snapshots import snapshots
from tests.scheduling.searching import examples
from yuheng.model.cluster import Snapshot
from yuheng.scheduling.alike import are_alike, place_alike
from yuheng.scheduling.cycle import place
from yuheng.scheduling.engine import Engine, Setting
from yuheng.scheduling.presets import preset

LINES = 64


def placed(engine: Engine, number: int, pods: int, *, at_once: bool) -> list[int]:
    """The nodes of copies of a class."""
    cluster, hand = engine.cluster, engine.take([number])[number]
    first = int(cluster.log_size[0])
    if at_once:
        count = place_alike(cluster, hand.window, engine.rules, hand.row, pods)
    else:
        rows = np.full(pods, hand.row, dtype=np.int32)
        count = place(cluster, hand.window, hand.counters, engine.rules, rows, 0)
    assert int(cluster.log_size[0]) == first + count
    return cluster.log_node[first : first + count].tolist()


@examples(150)
@given(
    cluster=snapshots(),
    seed=st.integers(0, 3),
    ties=st.sampled_from(["name", "shuffled"]),
    pods=st.lists(st.integers(1, 6), min_size=1, max_size=4),
)
def test_copies_that_are_placed_at_once_go_where_trees_send_them(
    cluster: Snapshot, seed: int, ties: str, pods: list[int]
):
    policy = msgspec.structs.replace(preset("kubernetes"), ties=ties)
    engines = [Engine(cluster, policy, seed, setting=Setting(lines=LINES)) for _ in range(2)]
    for number in sorted(set(engines[0].class_of)):
        hand = engines[0].take([number])[number]
        if are_alike(engines[0].cluster, hand.window, engines[0].rules, hand.row):
            for count in pods:
                if int(engines[0].cluster.log_size[0]) + count <= LINES:
                    found = [placed(engine, number, count, at_once=i == 0) for i, engine in enumerate(engines)]
                    assert found[0] == found[1]
    assert engines[0].cluster.used.tolist() == engines[1].cluster.used.tolist()


def test_copies_fill_up_what_there_is_and_no_more():
    nodes = [node(f"n{i}", cpu=1000) for i in range(3)]
    engine = Engine(
        made_cluster(*nodes, pod("a", requests={"cpu": 400})), preset("kubernetes"), setting=Setting(lines=9)
    )
    assert sorted(placed(engine, 0, 9, at_once=True)) == [0, 0, 1, 1, 2, 2]


def test_copies_are_not_alike_where_rules_tell_nodes_apart():
    plain = pod("a", requests={"cpu": 100})
    picky = pod("b", node_selector={"kubernetes.io/hostname": "n0"})
    engine = Engine(made_cluster(*(node(f"n{i}") for i in range(4)), plain, picky), preset("kubernetes"))
    hands = engine.take(sorted(set(engine.class_of)))
    alike = [are_alike(engine.cluster, hands[c].window, engine.rules, hands[c].row) for c in engine.class_of]
    assert dict(zip([one.name for one in engine.queue], map(bool, alike), strict=True)) == {"a": True, "b": False}
