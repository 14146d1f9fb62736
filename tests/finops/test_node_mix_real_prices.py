"""Node mixes with real prices: cheaper than first-fit decreasing, on pods of a real trace and on drawn ones."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import msgspec
import pytest

from yuheng.finops.node_mix import Choice, demand_of, node_mix
from yuheng.model.cluster import Snapshot
from yuheng.readers import read
from yuheng.readers.prices import read_price_book

ROOT = Path(__file__).resolve().parents[2]
# Every so many pods of the trace: the shape of the whole, in seconds.
SAMPLE = 40
USUAL = Choice(regions=("us-east-1",), types=("c[4-9]*", "m[4-9]*", "r[4-9]*", "g4dn*", "g5.*", "g6.*"))


@pytest.fixture(scope="module")
def book(shared):
    """AWS' prices."""
    found, _ = read_price_book([shared / "data" / "prices" / "aws_compute_2024-08-09.csv"])
    return found


@pytest.fixture(scope="module")
def drawn():
    """The workloads of the benchmark."""
    source = spec_from_file_location("node_mix_benchmark", ROOT / "benchmarks" / "node_mix.py")
    benchmark = module_from_spec(source)
    source.loader.exec_module(benchmark)
    return benchmark.drawn


def check(found):
    """What holds of every mix."""
    assert not found.unheld
    assert found.bound <= found.per_hour * (1 + 1e-9)
    assert all(found.per_hour <= baseline.per_hour * (1 + 1e-9) for baseline in found.baselines)


@pytest.mark.shared_data
def test_a_real_trace_is_held_for_less(shared, book):
    trace = read(str(shared / "data" / "openb" / "openb_pod_list_default.csv"))
    found = node_mix(demand_of(msgspec.structs.replace(trace, pods=trace.pods[::SAMPLE])), book, USUAL)
    check(found)
    assert found.saving(found.baselines[0]) > 0.05
    assert found.gap < 0.15


@pytest.mark.shared_data
@pytest.mark.parametrize("seed", [2, 3])
def test_drawn_workloads_are_held_for_less(book, drawn, seed):
    found = node_mix(demand_of(Snapshot(pods=drawn(seed), namespaces={"default": {}})), book, USUAL)
    check(found)
    assert found.saving(found.baselines[0]) > 0.05
    assert found.gap < 0.05
