"""Prices of changes for the tests of their reports: an example, and any there could be."""

from __future__ import annotations

from hypothesis import strategies as st
from made_queues import HOSTILE, few

from yuheng.model.cost_change import (
    ChangeFit,
    ChangeRates,
    ChangeRow,
    ChangeSide,
    CostChange,
    CostRange,
    MoreNodes,
    NoPlace,
)
from yuheng.model.prices import Rates

GIB = 2**30


def example_change():
    """A workload that gets an autoscaler, one that moves, a claim, a daemon on unknown nodes, a job."""
    web = ChangeSide(minimum=2, maximum=2, cpu=500, memory=GIB, per_month=CostRange(29.26, 29.26), per_hour=0.04)
    scaled = ChangeSide(
        minimum=2, maximum=10, cpu=750, memory=GIB, scaled="web", per_month=CostRange(40.8, 204.0), per_hour=0.28
    )
    cache = ChangeSide(cpu=1000, memory=2 * GIB, gpus=0.5, storage=10 * GIB, per_month=CostRange(400, 400))
    disk = ChangeSide(storage=100 * GIB, storage_class="fast", per_month=CostRange(4, 4))
    agent = ChangeSide(minimum=None, maximum=None, cpu=100, memory=GIB // 8, per_hour=0.0037)
    job = ChangeSide(minimum=1, maximum=1, cpu=2000, memory=2 * GIB, per_hour=0.0717)
    return CostChange(
        base="base",
        head="head",
        rates=ChangeRates(compute=Rates(0.031611, 0.004237, 0.95), carbon=400.0, source="the mean of 3 nodes"),
        rows=(
            ChangeRow(
                kind="Deployment",
                namespace="shop",
                name="web",
                change="changed",
                before=web,
                after=scaled,
                increase=CostRange(11.54, 174.74),
                carbon=CostRange(500.0, 7400.0),
            ),
            ChangeRow(
                kind="StatefulSet",
                namespace="shop",
                name="cache",
                change="moved",
                moved_from="ops",
                before=cache,
                after=cache,
                increase=CostRange(),
                carbon=CostRange(),
            ),
            ChangeRow(
                kind="PersistentVolumeClaim",
                namespace="shop",
                name="data",
                change="removed",
                before=disk,
                increase=CostRange(-4, -4),
            ),
            ChangeRow(kind="DaemonSet", namespace="shop", name="agent", change="added", after=agent),
            ChangeRow(kind="CronJob", namespace="shop", name="report", change="added", after=job),
        ),
        unchanged=3,
        before=CostRange(433.26, 433.26),
        after=CostRange(440.8, 604.0),
        increase=CostRange(7.54, 170.74),
        carbon=CostRange(500.0, 7400.0),
        fits=(
            ChangeFit(cluster="east", replicas="fewest", pods=3, kept=2, removed=1, nodes=1),
            ChangeFit(
                cluster="east",
                pods=11,
                kept=2,
                removed=1,
                nodes=1,
                more=(MoreNodes(like="m5.large", nodes=2, per_month=140.16),),
                refused=(NoPlace("Deployment shop/web", 3, "0/3 nodes are available: 3 Insufficient cpu."),),
            ),
            ChangeFit(cluster="west", pods=11, nodes=4, more=(MoreNodes(like="big", nodes=1, per_month=None),)),
        ),
        budget=100.0,
        assumptions=("what requests nothing costs nothing here: Deployment shop/bare",),
    )


amounts = st.floats(-1e9, 1e9, allow_nan=False)
ranges = st.tuples(amounts, amounts).map(lambda ends: CostRange(*sorted(ends)))
positive = st.floats(0, 1e9)
texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from([HOSTILE, "@everyone", "#1", "a|b", "`x`", "[a](javascript:x)", "www.example.com", "http://e.vil"]),
)
sides = st.builds(
    ChangeSide,
    minimum=st.none() | st.integers(0, 9),
    maximum=st.none() | st.integers(9, 99),
    cpu=st.integers(0, 10**6),
    memory=st.integers(0, 2**50),
    gpus=st.floats(0, 64),
    storage=st.integers(0, 2**50),
    storage_class=texts,
    scaled=texts,
    per_month=st.none() | ranges,
    per_hour=positive,
    carbon=st.none() | ranges,
)
rows = st.builds(
    ChangeRow,
    kind=texts,
    namespace=texts,
    name=texts,
    change=st.sampled_from(["added", "removed", "changed", "moved"]),
    moved_from=texts,
    before=st.none() | sides,
    after=st.none() | sides,
    increase=st.none() | ranges,
    carbon=st.none() | ranges,
)
fits = st.builds(
    ChangeFit,
    cluster=texts,
    replicas=st.sampled_from(["fewest", "most"]),
    pods=st.integers(0, 99),
    nodes=st.integers(0, 99),
    more=few(st.builds(MoreNodes, like=texts, nodes=st.integers(1, 9), per_month=st.none() | positive)),
    refused=few(st.builds(NoPlace, texts, st.integers(1, 9), texts)),
)
changes = st.builds(
    CostChange,
    base=texts,
    head=texts,
    rates=st.builds(
        ChangeRates, source=texts, carbon=st.none() | positive, classes=st.dictionaries(texts, positive, max_size=2)
    ),
    rows=few(rows),
    unchanged=st.integers(0, 99),
    before=ranges,
    after=ranges,
    increase=ranges,
    carbon=st.none() | ranges,
    fits=few(fits),
    budget=st.none() | amounts,
    assumptions=few(texts),
)
