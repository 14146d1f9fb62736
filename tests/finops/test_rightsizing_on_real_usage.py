"""The claim, on usage that was measured: no more minutes above than VPA and KRR, at least a tenth less requested."""

from __future__ import annotations

from functools import partial

import duckdb
import numpy as np
import pytest

from yuheng.finops.rightsizing import Rule, krr, rightsize, vpa
from yuheng.finops.rightsizing.held_out import held_out_risk
from yuheng.finops.rightsizing.judging import dominates, judge, verdict
from yuheng.finops.rightsizing.samples import Samples
from yuheng.finops.rightsizing.seasonal import price_within, slots
from yuheng.finops.rightsizing.trying import try_out
from yuheng.model.cluster import Snapshot
from yuheng.model.estate import Container, Estate, WorkloadEstate
from yuheng.model.usage_matrices import PodContainer, UsageMatrices

pytestmark = pytest.mark.shared_data
SPLIT = 0.7
STEP = 300.0
MAIN = (Container(name="main", cpu=1000, memory=1),)
ESTATE = Estate(snapshot=Snapshot(), workloads=(WorkloadEstate(kind="Pod", namespace="n", name="vm", containers=MAIN),))


@pytest.fixture(scope="module")
def crane(shared):
    """Containers at one minute."""
    tables = [
        np.loadtxt(path, delimiter=",", skiprows=1) for path in sorted((shared / "data/usage/crane").glob("*.gz"))
    ]
    return [Samples(table[:, 0], table[:, 1]) for table in tables]


@pytest.fixture(scope="module")
def bitbrains(shared):
    """Machines in cores, every five minutes: a row holds for its duration."""
    folder = str(shared / "data/usage/bitbrains")
    rows = duckdb.execute(
        "SELECT t.id, epoch(t.timestamp) AS till, t.duration / 1000 AS lasts, "
        "t.cpu_usage * m.cpu_count / m.cpu_capacity FROM read_parquet(?) t JOIN read_parquet(?) m USING (id) "
        "ORDER BY t.id, till",
        [f"{folder}/trace.parquet", f"{folder}/meta.parquet"],
    ).fetchall()
    machines = {}
    for name, *row in rows:
        machines.setdefault(name, []).append(row)
    return [series for series in map(expanded, machines.values()) if series.values.max() > 0]


def expanded(rows):
    till, lasts, cores = np.array(rows).T
    times = np.arange(till[0] - lasts[0], till[-1] - STEP / 2, STEP)
    return Samples(times, cores[np.minimum(np.searchsorted(till, times + STEP / 2), len(till) - 1)])


def by_vpa(seen, _later):
    return vpa.cpu([seen], 0.0).target


def by_krr(seen, _later):
    return krr.cpu([seen], 0.0)


def ours(price=3.0):
    return lambda seen, later: try_out(seen).best(price).at(later)


def on(series, strategy):
    return verdict(judge(one, strategy, SPLIT) for one in series)


def test_the_default_dominates_vpa_and_krr(crane, bitbrains):
    both = [*crane, *bitbrains]
    assert len(both) == 58
    found = on(both, ours())
    assert dominates(found, on(both, by_vpa))
    assert dominates(found, on(both, by_krr))


@pytest.mark.parametrize("name", ["crane", "bitbrains"])
def test_it_does_so_on_each_of_the_two(name, request):
    series = request.getfixturevalue(name)
    assert dominates(on(series, ours()), on(series, by_vpa))
    assert dominates(on(series, ours()), on(series, by_krr))


def test_at_the_minutes_that_vpa_would_have_it_dominates_vpa(crane, bitbrains):
    both = [*crane, *bitbrains]
    seen = [Samples(*(part[: int(SPLIT * len(part))] for part in one)) for one in both]
    risks = [held_out_risk([one], lambda known: by_vpa(known[0], None), every=True) or 0.0 for one in seen]
    price = price_within([try_out(one) for one in seen], 0.7 * float(np.mean(risks)))
    assert dominates(on(both, ours(price)), on(both, by_vpa))


def test_so_does_what_the_command_recommends(crane, bitbrains):
    """Through the whole of it: matrices, one price for all, milli-cores and floors, hours where they ask for less."""
    found = {strategy: advised([*crane, *bitbrains], strategy) for strategy in ("seasonal", "vpa", "krr")}
    assert dominates(found["seasonal"], found["vpa"])
    assert dominates(found["seasonal"], found["krr"])


def advised(both, strategy):
    """What the requests of a strategy are worth, on the days that it did not see."""
    measured = []
    for series in both:
        count = int(SPLIT * len(series.times))
        names = (PodContainer("n", "vm", "main"),)
        cells = series.values[:count].astype(np.float32)[None]
        usage = UsageMatrices(names, series.times[:count], cells, cells, STEP, STEP)
        [row] = rightsize(ESTATE, usage, (), Rule(strategy)).containers
        measured.append(judge(series, partial(recommended, row), SPLIT))
    return verdict(measured)


def recommended(row, _seen, later):
    kind, hour = slots(later)
    return np.array(row.hours.requests)[kind, hour] / 1000 if row.hours else row.cpu.new / 1000
