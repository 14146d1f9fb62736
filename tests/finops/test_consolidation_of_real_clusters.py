"""Consolidation of a dump and of a trace: thousands of pods, each of which keeps a place."""

from __future__ import annotations

from math import inf

import pytest

from yuheng.finops.consolidation import Terms, consolidate
from yuheng.finops.pricing import price_nodes
from yuheng.model.prices import PriceBook
from yuheng.readers.fleet import read_state

STATES = {
    "a dump of 500 nodes": ("kubernetes/cluster-500-nodes.json.gz",),
    "openb": ("openb/openb_node_list_gpu_node.csv", "openb/openb_pod_list_default.csv"),
}


@pytest.mark.shared_data
@pytest.mark.parametrize("name", STATES)
def test_every_pod_keeps_a_place(shared, name):
    cluster = read_state(*(shared / "data" / part for part in STATES[name]))
    found = consolidate(cluster, price_nodes(cluster.nodes, PriceBook(), time=0.0), Terms(k=inf, bare=True))
    left = {stay.node for stay in found.stays}
    gone = {step.node for step in found.steps}
    assert gone
    assert left | gone == {node.name for node in cluster.nodes}
    home = {pod.key: pod.node for pod in cluster.pods if pod.node} | {one.pod: one.node for one in found.waiting}
    home |= {one.pod: one.node for step in found.steps for one in step.evictions}
    assert set(home.values()) <= left
    room = {node.name: dict(node.allocatable) for node in cluster.nodes}
    for pod in cluster.pods:
        if pod.key in home:
            for resource, amount in pod.spec.requests.items():
                room[home[pod.key]][resource] -= amount
    assert min(amount for amounts in room.values() for amount in amounts.values()) >= 0
    assert found.bound <= found.after
