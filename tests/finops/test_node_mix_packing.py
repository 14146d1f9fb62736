"""The packing against what is best, on problems small enough to know it; and its parts on cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_problems import cheapest, drawn, problem

from yuheng.finops.node_mix import generation
from yuheng.finops.node_mix.cheapest import packed
from yuheng.finops.node_mix.flow import flow
from yuheng.finops.node_mix.generation import Generation
from yuheng.finops.node_mix.karpenter import karpenter
from yuheng.finops.node_mix.packing import Packing, downsized, is_valid
from yuheng.finops.node_mix.problem import devices_needed, pack_shares, without_dominated


def solvable(seed):
    """A drawn problem without the kinds that no machine holds."""
    found = drawn(seed)
    return found.holding(found.alone().max(axis=0) > 0)


@pytest.mark.parametrize("seed", range(24))
def test_the_bound_is_below_the_optimum_and_the_packing_above_it(seed):
    found = solvable(seed)
    best, answer = cheapest(found), packed(found)
    price = answer.packing.price(found)
    assert is_valid(found, answer.packing)
    assert answer.bound <= best + 1e-6 <= price + 2e-6
    assert price <= answer.baseline.price(found) + 1e-9


def test_small_packings_are_nearly_always_the_best_there_is():
    found = [solvable(seed) for seed in range(24)]
    best = [cheapest(one) for one in found]
    prices = [packed(one).packing.price(one) for one in found]
    assert sum(price <= least + 1e-6 for price, least in zip(prices, best, strict=True)) >= 22
    assert max(price / least for price, least in zip(prices, best, strict=True)) < 1.1


@pytest.mark.parametrize("seed", range(24))
def test_pods_that_flow_in_parts_cost_no_more_than_whole_ones(seed):
    found = solvable(seed)
    alone = np.minimum(found.alone(), found.counts)
    assert 0 < flow(found, alone).bound <= cheapest(found) + 1e-6


@pytest.mark.parametrize("seed", range(12))
def test_column_generation_proves_its_value_without_a_bound_to_begin_with(seed, monkeypatch):
    found = solvable(seed)
    alone = np.minimum(found.alone(), found.counts)
    first = flow(found, alone)
    monkeypatch.setattr(generation, "flow", lambda *_: first._replace(bound=0.0))
    done = Generation(found).go(1000)
    assert 0.98 * done.prices.value <= done.bound <= done.prices.value + 1e-6
    assert done.bound <= cheapest(found) + 1e-6


def test_machines_are_matched_to_the_ratio_of_what_pods_ask_for():
    # Half of the pods want cpu, half memory; together they waste neither on machines of their own kind.
    found = problem([(1000, 1), (1, 1000)], [8, 8], [1.0, 1.0, 3.0], [(4000, 500), (500, 4000), (4000, 4000)])
    answer = packed(found)
    assert answer.packing.price(found) == pytest.approx(4.0)
    assert answer.bound == pytest.approx(4.0, rel=1e-3)


def test_karpenter_sorts_by_cpu_and_takes_the_cheapest_type_that_is_left():
    found = problem([(3000, 1000), (1000, 1000)], [2, 3], [1.0, 1.9], [(4000, 8000), (8000, 16000)])
    machine, held = karpenter(found)
    # 3 + 3 cores open a node-to-be for the large type; two of the small pods fit beside them, the third opens another.
    assert held.tolist() == [[2, 2], [0, 1]]
    assert machine.tolist() == [1, 0]


def test_karpenter_tries_the_node_with_the_fewest_pods_first():
    found = problem([(5000, 1), (4000, 1), (2000, 1), (1000, 1)], [1, 1, 1, 1], [1.0], [(8000, 8000)])
    _, held = karpenter(found)
    # 5 | 4: of two nodes with a pod each the older takes the 2, and so the other the 1.
    assert held.tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]


def test_what_is_beaten_in_everything_is_not_looked_at():
    found = problem([(1000, 1000)], [9], [1.0, 1.0, 0.9, 2.0], [(4000, 4000), (3000, 4000), (4000, 4000), (8000, 4000)])
    assert without_dominated(found).tolist() == [False, False, True, True]


def test_a_machine_that_alone_is_open_to_a_kind_is_kept():
    found = problem([(1000, 1000)] * 2, [1, 1], [1.0, 2.0], [(4000, 4000)] * 2, shut=[(0, 1)])
    assert without_dominated(found).all()


def test_kinds_that_repel_each_other_are_on_different_machines():
    found = problem([(1000, 1)] * 2, [2, 2], [1.0], [(8000, 8000)], clash=[(0, 1)])
    packing = packed(found).packing
    assert is_valid(found, packing)
    assert packing.price(found) == 2.0


def test_kinds_that_repel_themselves_get_a_machine_each():
    found = problem([(1000, 1)], [3], [1.0], [(8000, 8000)], most=[1])
    assert packed(found).packing.price(found) == 3.0


def test_machines_shrink_to_what_is_on_them():
    found = problem([(1000, 1)], [1], [1.0, 5.0], [(1000, 1000), (8000, 8000)])
    shrunk = downsized(found, Packing(np.array([1]), np.array([[1]])))
    assert shrunk.machine.tolist() == [0]


SHARES = {
    "none": ([], 0, True),
    "two halves": ([500, 500], 1, True),
    "three of 400": ([400, 400, 400], 1, False),
    "best fit fails": ([550] * 6 + [370] * 5 + [320, 270, 270, 230, 160, 160], 7, True),
}


@pytest.mark.parametrize(("sizes", "devices", "fits"), SHARES.values(), ids=SHARES)
def test_shares_are_packed_onto_gpus(sizes, devices, fits):
    assert (pack_shares(sizes, devices) is not None) == fits


def test_gpus_are_counted_whole_and_in_shares():
    needed = devices_needed(np.array([2, 0, 0]), np.array([0, 600, 400]), np.array([[1, 2, 1], [0, 0, 3]]))
    assert needed.tolist() == [4, 2]


def test_shares_of_one_gpu_are_not_spread_over_two():
    found = problem([(100, 1)], [3], [1.0], [(8000, 8000)], share=[600], gpus=[2])
    assert packed(found).packing.price(found) == 2.0
