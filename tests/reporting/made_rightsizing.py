"""Advice on requests, for the tests of what is written about it."""

from __future__ import annotations

from hypothesis import strategies as st

from yuheng.model.rightsizing import (
    AutoscalerEffect,
    Change,
    ContainerAdvice,
    HourlyReplicas,
    HourlyRequests,
    Rightsizing,
    UsageLevels,
)

MIB = 2**20
HOURS = ((100,) * 8 + (400,) * 8 + (100,) * 8, (100,) * 24)


def example():
    """A service with hours, an autoscaled one with a sidecar, one that is left."""
    web = ContainerAdvice(
        kind="Deployment",
        namespace="shop",
        workload="web",
        container="web",
        replicas=3,
        pods=5,
        days=14,
        cpu=Change(
            old=1000,
            new=450,
            saved=30.0,
            risk=0.01,
            risk_before=0.0,
            usage=UsageLevels(150, 140, 400, 440, 500),
        ),
        memory=Change(
            old=1024 * MIB,
            new=614 * MIB,
            old_limit=2048 * MIB,
            new_limit=1228 * MIB,
            saved=4.5,
            risk=0.0,
            risk_before=0.0,
            usage=UsageLevels(300 * MIB, 300 * MIB, 400 * MIB, 500 * MIB, 512 * MIB),
            why="killed for want of memory at 512Mi: never below 614Mi",
        ),
        hours=HourlyRequests(pattern="daily", requests=HOURS, mean=170.0, risk=0.005, saved=45.0),
        together=HourlyReplicas(request=225, replicas=((2,) * 24, (1,) * 24), risk=None, saved=50.0),
    )
    proxy = ContainerAdvice(
        kind="Deployment",
        namespace="shop",
        workload="api",
        container="proxy",
        sidecar=True,
        replicas=4,
        pods=4,
        days=14,
        cpu=Change(old=0, new=20, saved=-1.0),
        memory=Change(old=64 * MIB, new=64 * MIB),
        autoscaler=AutoscalerEffect(
            name="api",
            minimum=2,
            maximum=10,
            utilization=0.7,
            replicas_before=None,
            replicas=3.3,
            most=7,
            cpu_before=None,
            cpu=66.0,
        ),
        notes=("requests no cpu now: what it uses unasked counts as free",),
    )
    left = ContainerAdvice(
        kind="Job",
        namespace="shop",
        workload="idle",
        container="idle",
        cpu=Change(old=1000, why="no usage is known"),
        memory=Change(old=0, why="no usage is known"),
    )
    return Rightsizing(
        strategy="seasonal",
        price=3.0,
        start=1767225600.0,
        end=1768434900.0,
        containers=(web, proxy, left),
        assumptions=("a month is 730 hours",),
        warnings=("1 container has no usage",),
    )


_text = st.text(max_size=8)
_share = st.none() | st.floats(0, 1)
_amount = st.integers(0, 2**40)
_money = st.floats(-1e6, 1e6)
_hours = st.tuples(*[st.lists(st.integers(0, 10**5), min_size=24, max_size=24).map(tuple)] * 2)
_changes = st.builds(
    Change,
    old=_amount,
    new=st.none() | _amount,
    old_limit=st.none() | _amount,
    new_limit=st.none() | _amount,
    saved=_money,
    risk=_share,
    risk_before=_share,
    usage=st.none() | st.builds(UsageLevels, *[st.floats(0, 1e12)] * 5),
    why=_text,
)
_rows = st.builds(
    ContainerAdvice,
    kind=st.sampled_from(["Deployment", "StatefulSet", "CronJob", "Pod", "Job", "Odd"]),
    namespace=_text,
    workload=_text,
    container=_text,
    sidecar=st.booleans(),
    replicas=st.floats(0, 1e4),
    pods=st.integers(0, 99),
    days=st.floats(0, 99),
    cpu=_changes,
    memory=_changes,
    hours=st.none()
    | st.builds(
        HourlyRequests,
        pattern=st.sampled_from(["daily", "weekly"]),
        requests=_hours,
        mean=st.floats(0, 1e5),
        risk=_share,
        saved=_money,
    ),
    together=st.none() | st.builds(HourlyReplicas, request=_amount, replicas=_hours, risk=_share, saved=_money),
    notes=st.lists(_text, max_size=2).map(tuple),
)
rightsizings = st.builds(
    Rightsizing,
    strategy=st.sampled_from(["seasonal", "vpa", "krr"]),
    price=st.none() | st.floats(0, 100),
    risk=_share,
    containers=st.lists(_rows, max_size=4).map(tuple),
    assumptions=st.lists(_text, max_size=2).map(tuple),
    warnings=st.lists(_text, max_size=2).map(tuple),
)
