"""The bound is below every choice of nodes that holds the pods, the cheapest of all included."""

from __future__ import annotations

from itertools import combinations
from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_consolidations import node, pod, priced
from tests.scheduling.searching import examples

from yuheng.finops.consolidation import Terms, consolidate
from yuheng.model.cluster import Snapshot


def holds(rooms, pods):
    """Whether pods fit into rooms, each a list of amounts; by trying everything."""
    if not pods:
        return True
    first, rest = pods[0], pods[1:]
    tried = set()
    for i, room in enumerate(rooms):
        if tuple(room) in tried or any(a > b for a, b in zip(first, room, strict=True)):
            continue
        tried.add(tuple(room))
        left = [b - a for a, b in zip(first, room, strict=True)]
        if holds([*rooms[:i], left, *rooms[i + 1 :]], rest):
            return True
    return False


def cheapest(cluster, cost):
    """What the cheapest nodes cost that hold all pods."""
    rooms = {one.name: [one.allocatable["cpu"], one.allocatable["memory"]] for one in cluster.nodes}
    pods = sorted(([one.spec.requests["cpu"], one.spec.requests["memory"]] for one in cluster.pods), reverse=True)
    sets = (some for size in range(len(rooms) + 1) for some in combinations(rooms, size))
    return min(sum(cost[n] for n in some) for some in sets if holds([rooms[n] for n in some], pods))


def drawn(rng):
    nodes = tuple(node(f"n{i}", rng.choice((2, 4, 8)), rng.choice((4, 8, 16))) for i in range(rng.randint(1, 6)))
    room = {one.name: [one.allocatable["cpu"], one.allocatable["memory"]] for one in nodes}
    pods = []
    for i in range(rng.randint(0, 9)):
        cores, gib = rng.choice((0.5, 1, 1.5, 3)), rng.choice((1, 2, 3, 7))
        fits = [name for name, left in room.items() if left[0] >= cores * 1000 and left[1] >= gib * 2**30]
        if fits:
            where = rng.choice(fits)
            room[where] = [room[where][0] - int(cores * 1000), room[where][1] - gib * 2**30]
            pods.append(pod(f"p{i}", where, cores, gib))
    return Snapshot(nodes=nodes, pods=tuple(pods))


@examples(150)
@given(seed=st.integers(0, 10**6))
def test_the_bound_is_below_the_cheapest_nodes_and_those_are_below_the_result(seed):
    rng = Random(seed)
    cluster = drawn(rng)
    cost = {one.name: rng.choice((0.3, 1.0, 1.7, 2.2)) for one in cluster.nodes}
    found = consolidate(cluster, priced(cluster, cost), Terms(k=inf))
    best = cheapest(cluster, cost)
    assert found.bound <= best + 1e-6
    assert best <= found.after + 1e-6


def test_the_gap_is_nothing_where_the_result_cannot_be_better():
    cluster = Snapshot(nodes=(node("a"), node("b")), pods=(pod("p", "a", 4), pod("q", "b", 0, 0)))
    found = consolidate(cluster, priced(cluster), Terms(k=inf))
    assert (len(found.steps), found.after, found.gap) == (1, 1.0, pytest.approx(0.0))


def test_a_pod_that_may_not_move_keeps_its_node_in_the_bound():
    cluster = Snapshot(nodes=(node("a"), node("b")), pods=(pod("p", "a", 1), pod("q", "b", 1)))
    annotations = {one.key: {"karpenter.sh/do-not-disrupt": "true"} for one in cluster.pods}
    found = consolidate(cluster, priced(cluster), Terms(k=inf), annotations)
    assert (found.bound, found.gap, found.steps) == (pytest.approx(2.0), pytest.approx(0.0), ())


def test_a_pod_that_fits_no_cheap_node_whole_is_not_spread_over_several():
    nodes = (node("large", 8), node("s1", 2), node("s2", 2), node("s3", 2))
    cluster = Snapshot(nodes=nodes, pods=(pod("p", "large", 6),))
    found = consolidate(cluster, priced(cluster, {"large": 9.0}), Terms(k=inf))
    assert found.bound >= 9.0 * 6 / 8 - 1e-6
    assert found.after == pytest.approx(9.0)
