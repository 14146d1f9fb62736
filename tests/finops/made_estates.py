"""Small clusters for tests of money, written by hand or drawn at random."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from yuheng.finops.allocation import Filter, Holding, Question, Shared
from yuheng.model.cluster import Snapshot
from yuheng.model.estate import Claim, Container, Estate, LoadBalancer, Owner, PodEstate, Requested
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.node_price import NodePrice
from yuheng.model.usage import ContainerKey, UsageSums, Window

GIB = 2**30
START = 1_767_225_600.0  # 2026-01-01T00:00:00Z
RATES = (0.031611, 0.004237, 0.95)
NAMESPACES = ("web", "data", "kube-system")
TEAMS = ("", "shop", "search")


def node(name, cores=4, gib=16, gpus=0):
    amounts = {"cpu": int(cores * 1000), "memory": int(gib * GIB), "pods": 110}
    return Node(name=name, allocatable=amounts, devices=DeviceInventory(count=gpus))


def price(of, per_hour):
    """A price split over a node's resources as the price book does."""
    cores, gib, gpus = of.allocatable["cpu"] / 1000, of.allocatable["memory"] / GIB, of.devices.count
    whole = cores * RATES[0] + gib * RATES[1] + gpus * RATES[2]
    cpu, memory, gpu = (rate * per_hour / whole if whole else 0.0 for rate in RATES)
    return NodePrice(node=of.name, per_hour=per_hour, cpu=cpu, memory=memory, gpu=gpu)


def pod(name, on="n", cores=1.0, gib=1.0, gpus=0.0, namespace="web", **fields):
    container = Container(name="main", cpu=int(cores * 1000), memory=int(gib * GIB), gpus=gpus)
    return PodEstate(namespace=namespace, name=name, node=on, **{"containers": (container,), **fields})


def estate(nodes, pods=(), **fields):
    return Estate(
        snapshot=Snapshot(nodes=tuple(nodes)), pods={f"{one.namespace}/{one.name}": one for one in pods}, **fields
    )


def sums(keys, rows, nodes=None, step=300.0, end=START + 3600.0, spans=None):
    """Usage from rows of (key, period, hours, held, used): amounts are of cpu, memory, gpu; all of it is told.

    Spans are the times of the first and of the last sample of each key.
    """
    times = np.array(spans or [(START, end - step)] * len(keys), dtype=np.float64).reshape(-1, 2)
    table = {name: np.array([row[place] for row in rows], dtype=np.float64) for place, name in ((2, "hours"),)}
    for place, name in enumerate(("cpu", "memory", "gpu")):
        table[name] = table[f"{name}_told"] = np.array([row[3][place] for row in rows], dtype=np.float64)
        table[f"{name}_used"] = np.array([row[4][place] for row in rows], dtype=np.float64)
    return UsageSums(
        keys=tuple(ContainerKey(*key) for key in keys),
        nodes=tuple(nodes or [""] * len(keys)),
        first=times[:, 0],
        last=times[:, 1],
        who=np.array([row[0] for row in rows], dtype=np.int64),
        period=np.array([row[1] for row in rows], dtype=np.int64),
        egress=np.array([row[5] if len(row) > 5 else 0.0 for row in rows], dtype=np.float64),
        step=step,
        start=START,
        end=end,
        samples=len(rows),
        **table,
    )


PROXY = Container(name="proxy", cpu=500, memory=GIB)
# What pods have beside or instead of the one container that they have mostly.
MORE = (
    {},
    {},
    {"containers": (Container(name="main"),)},
    {"containers": (Container(name="main", cpu=1000), PROXY), "least": Requested(cpu=3000, gpus=1.0)},
    {"overhead": Requested(cpu=250, memory=GIB // 2)},
)
AMOUNTS = st.floats(0, 20, allow_nan=False).map(lambda value: round(value, 3))


@st.composite
def clusters(draw, periods, name=""):
    """A cluster with prices and usage; what is used may be more than there is, and of pods and nodes nobody knows."""
    nodes = [
        node(
            f"{name}n{index}", draw(st.sampled_from((0, 2, 4))), draw(st.sampled_from((0, 8))), draw(st.integers(0, 2))
        )
        for index in range(draw(st.integers(1, 3)))
    ]
    prices = tuple(price(one, draw(AMOUNTS)) for one in nodes)
    places = [*(one.name for one in nodes), "", "vanished"]
    pods = [
        pod(
            f"p{index}",
            draw(st.sampled_from(places)),
            draw(AMOUNTS),
            draw(AMOUNTS),
            draw(st.sampled_from((0.0, 0.25, 1.0))),
            draw(st.sampled_from(NAMESPACES)),
            labels={"team": draw(st.sampled_from(TEAMS))},
            owner=Owner("Deployment", draw(st.sampled_from(("", "api", "db")))),
            queue=draw(st.sampled_from(("", "batch"))),
            claims=tuple(draw(st.lists(st.sampled_from(("c0", "c1")), max_size=2))),
            started=draw(st.sampled_from((None, START - 60, START + 1800, START + 5400, START + 1e6))),
            **draw(st.sampled_from(MORE)),
        )
        for index in range(draw(st.integers(0, 4)))
    ]
    known = [(one.namespace, one.name, container) for one in pods for container in ("main", "proxy", "")]
    keys = draw(st.lists(st.sampled_from([*known, ("web", "old", "main"), ("data", "old", "")]), unique=True))
    rows = []
    for index in range(len(keys)):
        for period in draw(st.lists(st.integers(0, periods - 1), unique=True)):
            held = [draw(AMOUNTS) for _ in range(3)]
            used = [draw(st.floats(0, 1)) * amount for amount in held]
            rows.append((index, period, draw(st.floats(0, 1)), held, used, draw(st.sampled_from((0.0, 3e9)))))
    claims = tuple(
        Claim(namespace=namespace, name=f"c{index}", size=int(draw(AMOUNTS) * GIB), storage_class=f"s{index}")
        for index, namespace in enumerate(draw(st.lists(st.sampled_from(NAMESPACES), max_size=2)))
    )
    balancers = tuple(
        LoadBalancer(namespace=namespace, name="lb", selector={"team": "shop"})
        for namespace in draw(st.lists(st.sampled_from(NAMESPACES), unique=True, max_size=2))
    )
    found = estate(nodes, pods, cluster=name, claims=claims, balancers=balancers)
    told = [draw(st.sampled_from(places)) for _ in keys]
    spans = []
    for _ in keys:
        first = START + 600 * draw(st.integers(0, 8))
        spans.append((first, first + 600 * draw(st.integers(0, 6))))
    return Holding(found, prices, sums(keys, rows, told, spans=spans) if keys else None)


KEYS = st.lists(
    st.sampled_from(("cluster", "node", "namespace", "controller", "pod", "container", "queue", "label:team")),
    min_size=1,
    max_size=3,
    unique=True,
)


@st.composite
def questions(draw, every=""):
    filters = st.builds(
        Filter,
        st.sampled_from(("namespace", "label:team", "node", "pod")),
        st.just(("web", "shop", "n0", "p*")),
        st.booleans(),
    )
    shared = st.builds(
        Shared, st.just("namespace"), st.sampled_from(("kube-system", "*")), st.sampled_from(("even", "weighted"))
    )
    return Question(
        by=tuple(draw(KEYS)),
        every=every,
        filters=tuple(draw(st.lists(filters, max_size=2))),
        idle=draw(st.sampled_from(("show", "share", "hide"))),
        shared=tuple(draw(st.lists(shared, max_size=2))),
        storage={"": draw(AMOUNTS), "s1": 0.17},
        balancer=draw(AMOUNTS),
        egress=draw(AMOUNTS),
    )


@st.composite
def cases(draw):
    """Clusters, a question and a window."""
    every = draw(st.sampled_from(("", "hour")))
    window = Window(START + 600, START + 600 + 2 * 3600.0, 3600.0 if every else 0.0)
    periods = len(window.edges()) - 1
    names = draw(st.sampled_from((("",), ("east", "west"))))
    return [draw(clusters(periods, name)) for name in names], draw(questions(every)), window
