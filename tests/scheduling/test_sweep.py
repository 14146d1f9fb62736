"""Nodes looked at all in one go get what they get one by one."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.made_by_hand import cluster as made_cluster
from tests.scheduling.made_by_hand import node, pod, whole
from tests.scheduling.made_snapshots import snapshots
from tests.scheduling.searching import examples
from yuheng.model.cluster import Snapshot
from yuheng.model.policy import ResourceWeight, ScoreWeight
from yuheng.scheduling.arrays import Rules
from yuheng.scheduling.cycle import prepare
from yuheng.scheduling.engine import Engine
from yuheng.scheduling.presets import preset
from yuheng.scheduling.sweep import can_sweep

WEIGHTS = st.lists(st.sampled_from([("cpu", 1), ("memory", 3), ("cpu", 2), ("memory", 1)]), max_size=3)
PLUGINS = st.lists(
    st.sampled_from([("NodeResourcesFit", 1), ("NodeResourcesFit", 4), ("NodeResourcesBalancedAllocation", 2)]),
    max_size=2,
    unique_by=lambda score: score[0],
)


def unswept(rules: Rules) -> Rules:
    """The same rules, for nodes that are looked at one by one."""
    return Rules(**{name: 0 if name == "sweepable" else getattr(rules, name) for name in Rules.__annotations__})


@examples(150)
@given(cluster=snapshots(), weights=WEIGHTS, plugins=PLUGINS, filters=st.booleans())
def test_a_sweep_finds_what_looking_at_node_after_node_finds(
    cluster: Snapshot, weights: list[tuple[str, int]], plugins: list[tuple[str, int]], filters: bool
):
    base = preset("kubernetes")
    policy = msgspec.structs.replace(
        base,
        scores=tuple(ScoreWeight(name, weight) for name, weight in plugins),
        strategy=msgspec.structs.replace(
            base.strategy, resources=tuple(ResourceWeight(name, weight) for name, weight in dict(weights).items())
        ),
        filters=base.filters if filters else tuple(name for name in base.filters if name != "NodeResourcesFit"),
    )
    engine = Engine(cluster, policy)
    assert engine.rules.sweepable
    numbers = sorted(set(engine.class_of))
    for number, hand in engine.take(numbers).items() if numbers else ():
        swept = can_sweep(engine.cluster, hand.window, engine.rules, hand.row)
        prepare(engine.cluster, hand.window, engine.rules, hand.row)
        found = np.array(hand.window.tree[hand.row]).tolist()
        prepare(engine.cluster, hand.window, unswept(engine.rules), hand.row)
        assert found == hand.window.tree[hand.row].tolist(), (number, swept)


def test_a_sweep_is_made_where_most_nodes_are_in_question_and_amounts_are_all_that_counts():
    plain, picky = pod("a", requests={"cpu": 100}), pod("b", node_selector={"kubernetes.io/hostname": "n0"})
    shared = whole("c", 1)
    engine = Engine(
        made_cluster(*(node(f"n{i}", gpus=2) for i in range(4)), plain, picky, shared), preset("kubernetes")
    )
    hands = engine.take(sorted(set(engine.class_of)))
    swept = [can_sweep(engine.cluster, hands[c].window, engine.rules, hands[c].row) for c in engine.class_of]
    assert dict(zip([one.name for one in engine.queue], map(bool, swept), strict=True)) == {
        "a": True,
        "b": False,
        "c": False,
    }
