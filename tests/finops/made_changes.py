"""Versions of manifests for tests of the price of a change: by hand, as objects of Kubernetes, or drawn at random."""

from __future__ import annotations

from hypothesis import strategies as st

from yuheng.finops.change.rows import compare
from yuheng.finops.change.sides import sides_of
from yuheng.model.cluster import Snapshot
from yuheng.model.cost_change import ChangeRates
from yuheng.model.estate import Autoscaler, Claim, Container, Estate, LoadBalancer, Owner, WorkloadEstate

GIB = 2**30
HOURS = 730
RATES = ChangeRates()
# A month of a replica of half a core and a GiB, at the default rates.
REPLICA = HOURS * (0.5 * 0.031611 + 0.004237)


def workload(name="web", replicas=2, cpu=500, gib=1.0, *, kind="Deployment", namespace="shop", **fields):
    container = Container(name="main", cpu=cpu, memory=round(gib * GIB), gpus=fields.pop("gpus", 0.0))
    return WorkloadEstate(
        kind=kind, namespace=namespace, name=name, replicas=replicas, **{"containers": (container,), **fields}
    )


def claim(name="data", gib=100, namespace="shop", storage_class=""):
    return Claim(namespace=namespace, name=name, size=gib * GIB, storage_class=storage_class)


def balancer(name="web", namespace="shop"):
    return LoadBalancer(namespace=namespace, name=name)


def scaler(minimum, maximum, name="web", kind="Deployment", namespace="shop"):
    return Autoscaler(
        namespace=namespace, name=f"{name}-scaler", target=Owner(kind, name), minimum=minimum, maximum=maximum
    )


def version(*workloads, scalers=(), claims=(), balancers=()):
    return Estate(
        snapshot=Snapshot(),
        workloads=workloads,
        autoscalers=tuple(scalers),
        claims=tuple(claims),
        balancers=tuple(balancers),
    )


def change(base, head, rates=RATES, **options):
    """The price of going from one estate to another."""
    counted = {key: options.pop(key) for key in ("daemons", "nodes") if key in options}
    return compare(
        sides_of(base, rates, **counted), sides_of(head, rates, **counted), rates, names=("base", "head"), **options
    )


names = st.sampled_from(["web", "api", "db"])
spaces = st.sampled_from(["shop", "ops"])


@st.composite
def versions(draw):
    """A version of a few workloads, some of them with an autoscaler, claims and load balancers."""
    keys = draw(st.sets(st.tuples(spaces, names), max_size=5))
    workloads, scalers = [], []
    for namespace, name in sorted(keys):
        kind = draw(st.sampled_from(["Deployment", "StatefulSet", "Job"]))
        own = (claim(gib=draw(st.integers(1, 50))),) if kind == "StatefulSet" else ()
        workloads.append(
            workload(
                name,
                draw(st.integers(0, 4)),
                draw(st.integers(0, 4000)),
                draw(st.integers(0, 8)),
                kind=kind,
                namespace=namespace,
                claims=own,
                gpus=draw(st.sampled_from([0.0, 0.5, 2.0])),
            )
        )
        if draw(st.booleans()):
            low = draw(st.integers(0, 4))
            scalers.append(scaler(low, low + draw(st.integers(0, 6)), name, kind, namespace))
    claims = [claim(name, gib, space) for space, name, gib in draw(st.sets(st.tuples(spaces, names, st.just(5))))]
    balancers = [balancer(name, space) for space, name in draw(st.sets(st.tuples(spaces, names), max_size=2))]
    return version(*workloads, scalers=scalers, claims=claims, balancers=balancers)
