"""Scenarios for examples, drawn or written by hand; and runs with everything that happened, not only what was told.

A run tells measures. Tests want to see who was where: `run` looks over the shoulder of what decides and of what is
handed over to be measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

import msgspec
import numpy as np
from tests.scheduling.made_by_hand import GIB, HOSTNAME, ZONE, app, cluster, node, pod

from yuheng.model.batch import Action, BatchPolicy, PluginOption
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import (
    Affinity,
    DeviceRequest,
    HostPort,
    Pod,
    PodAffinity,
    PodAffinityTerm,
    TopologySpreadConstraint,
    WeightedPodAffinityTerm,
)
from yuheng.model.policy import Policy
from yuheng.model.queue import NodeGroupAffinity, Queue
from yuheng.model.scenario import NodeChange, Scenario
from yuheng.model.simulation import Run
from yuheng.model.workload import Workload
from yuheng.scheduling.presets import preset
from yuheng.scheduling.scheduler import Scheduler
from yuheng.simulation import run as running
from yuheng.simulation.deciders import ByQueue, PodByPod
from yuheng.simulation.measures import Happened, Measures
from yuheng.simulation.population import Population
from yuheng.simulation.record import Outcome

INFINITE = float("inf")
Actions = Sequence[Action]


class Decision(NamedTuple):
    """A pod was bound; ``node`` by name."""

    time: float
    pod: str
    node: str
    devices: tuple[int, ...] = ()


class Stay(NamedTuple):
    """A pod's stay on a node, from when it was bound to when it left."""

    pod: int
    node: int
    bound: float
    began: float
    ended: float
    outcome: Outcome
    lost: float


@dataclass
class Seen:
    """A run, and what happened in it.

    Attributes:
        decisions: every binding by a cycle, in order.
        evictions: when pods were evicted for others, and their names, in order.
    """

    run: Run
    happened: Happened
    decisions: list[Decision] = field(default_factory=list)
    evictions: list[tuple[float, str]] = field(default_factory=list)

    @property
    def population(self) -> Population:
        return self.happened.population

    def stays(self) -> list[Stay]:
        """All stays, in the order of their bindings."""
        columns = (column.tolist() for column in self.happened.stints)
        return [Stay(*row[:5], Outcome(row[5]), row[6]) for row in zip(*columns, strict=True)]

    def times(self) -> dict[str, list[tuple[float, float, Outcome]]]:
        """By pod, when its stays began and ended, and how."""
        found: dict[str, list[tuple[float, float, Outcome]]] = {}
        for stay in self.stays():
            found.setdefault(pod_name(self.population, stay.pod), []).append((stay.bound, stay.ended, stay.outcome))
        return found


def pod_name(population: Population, pod: int) -> str:
    """``namespace/name`` of a pod: of one pod of several, the job's name and the pod's number."""
    count = population.rows[0]
    if pod < count:
        return population.kinds.models[pod].key
    job = int(population.job_of[pod])
    pods = population.pods(job)
    return population.name(job) if len(pods) == 1 else f"{population.name(job)}-{pod - pods[0]}"


def run(scenario: Scenario, policy: Policy | str | None = None, seed: int | None = None) -> Seen:
    """Simulate, and see everything.

    Args:
        scenario: what is simulated.
        policy: None for the scenario's first.
        seed: None for the scenario's first.
    """
    chosen = scenario.policies[0] if policy is None else preset(policy) if isinstance(policy, str) else policy
    handed: list[Happened] = []
    placed: list[tuple[float, int, int, tuple[int, ...]]] = []
    evicted: list[tuple[float, int]] = []

    class Handed(Measures):
        def __init__(self, happened: Happened) -> None:
            handed.append(happened)
            super().__init__(happened)

    def watched(decider: type[Any]) -> type[Any]:
        class Watched(decider):  # type: ignore[misc]
            def cycle(self, now: float) -> Any:
                found = super().cycle(now)
                scheduler = getattr(self._scheduler, "base", self._scheduler)
                evicted.extend((now, pod) for pod in found.evicted)
                placed.extend((now, pod, int(scheduler.node_of[pod]), _devices(scheduler, pod)) for pod in found.placed)
                return found

        return Watched

    names = {"Measures": Handed, "PodByPod": watched(PodByPod), "ByQueue": watched(ByQueue)}
    with patch.multiple(running, **names):
        told = running.run_one(scenario, chosen, scenario.seeds[0] if seed is None else seed)
    happened = handed[0]
    nodes, population = happened.nodes, happened.population
    return Seen(
        told,
        happened,
        [Decision(time, pod_name(population, pod), nodes[n].name, devices) for time, pod, n, devices in placed],
        [(time, pod_name(population, pod)) for time, pod in evicted],
    )


def _devices(scheduler: Scheduler, pod: int) -> tuple[int, ...]:
    """The GPUs of a pod that was just placed; none for one that asks for none."""
    model = scheduler.engine.classes.all[scheduler.class_of(pod)].pod
    return scheduler.devices_of(pod) if model.spec.devices.count else ()


def workload(
    templates: Sequence[Pod],
    jobs: Sequence[tuple[Any, ...]],
    *,
    names: Sequence[str] = (),
    estimates: Sequence[float] = (),
    **rest: Any,
) -> Workload:
    """A workload of rows ``(template, submit, duration)``, or ``(template, submit, duration, pods, minimum)``."""
    rows = [(*job, 1, 1) if len(job) == 3 else job for job in jobs]
    return Workload(
        templates=tuple(templates),
        template=np.array([row[0] for row in rows], dtype=np.int32),
        submit=np.array([row[1] for row in rows], dtype=np.float64),
        duration=np.array([row[2] for row in rows], dtype=np.float64),
        pods=np.array([row[3] for row in rows], dtype=np.int32),
        minimum=np.array([row[4] for row in rows], dtype=np.int32),
        estimate=np.array(estimates or [np.nan] * len(rows), dtype=np.float64),
        names=names,
        **rest,
    )


def scenario(
    snapshot: Snapshot,
    work: Workload | None = None,
    policy: str | Policy = "kubernetes",
    changes: Sequence[tuple[Any, ...]] = (),
    **rest: Any,
) -> Scenario:
    """A scenario of one policy; changes are rows ``(time, kind, node, ...)``."""
    chosen = preset(policy) if isinstance(policy, str) else policy
    made = tuple(NodeChange(time, kind, tuple(nodes)) for time, kind, *nodes in changes)
    return Scenario(name="made", snapshot=snapshot, workload=work, policies=(chosen,), changes=made, **rest)


# Scenarios drawn at random: a `random.Random`, seeded or Hypothesis's own. The first of every choice is the plainest.


def drawn_nodes(rng: Random, count: int) -> list[Node]:
    """Small nodes in up to three zones, some with GPUs."""
    found = []
    for i in range(count):
        gpus = rng.choice((0, 0, 2, 4))
        found.append(
            node(
                f"n{i}",
                cpu=rng.choice((4000, 4000, 8000)),
                pods=rng.choice((110, 110, 3)),
                labels={ZONE: rng.choice("abc"), "disk": rng.choice(("hdd", "ssd"))},
                gpus=gpus,
            )
        )
    return found


def drawn_template(rng: Random, *, peers: bool) -> Pod:
    """A pod: of cpu only, of shares of a GPU, of whole GPUs; where ``peers`` says so with rules about other pods."""
    cpu = rng.choice((1000, 500, 2000, 3500))
    devices = rng.choice(
        (DeviceRequest(), DeviceRequest(), DeviceRequest(1, 500), DeviceRequest(1, 250), DeviceRequest(2))
    )
    requests = {"cpu": cpu, "memory": rng.choice((GIB, 2 * GIB))}
    if devices.count and not devices.is_share():
        requests["nvidia.com/gpu"] = devices.count
    rest: dict[str, Any] = {}
    if rng.randrange(5) == 4:
        rest["host_ports"] = (HostPort(80),)
    if rng.randrange(5) == 4:
        rest["node_selector"] = {"disk": "ssd"}
    if peers:
        rest |= _rules(rng)
    return pod(
        "t",
        labels={"app": rng.choice(("web", "db"))},
        priority=rng.choice((0, 0, 10)),
        requests=requests,
        devices=devices,
        **rest,
    )


def _rules(rng: Random) -> dict[str, Any]:
    near, far = PodAffinityTerm(ZONE, app("db")), PodAffinityTerm(HOSTNAME, app("web"))
    soft = WeightedPodAffinityTerm(10, near)
    return rng.choice(
        (
            {},
            {"spread": (TopologySpreadConstraint(1, ZONE, "DoNotSchedule", app("web")),)},
            {"spread": (TopologySpreadConstraint(1, HOSTNAME, "ScheduleAnyway", app("web")),)},
            {"affinity": Affinity(pod_affinity=PodAffinity(required=(near,)))},
            {"affinity": Affinity(pod_anti_affinity=PodAffinity(required=(far,)))},
            {"affinity": Affinity(pod_affinity=PodAffinity(preferred=(soft,)))},
        )
    )


def drawn_changes(rng: Random, names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Nodes that fail, are drained, come and go before the 60th second; not all of them come back."""
    found: list[tuple[Any, ...]] = []
    for name in names:
        kinds = rng.choice(((), ("fail", "recover"), ("drain", "uncordon"), ("remove", "add"), ("add",), ("fail",)))
        times = sorted(rng.sample((3.0, 5.0, 10.0, 17.5, 20.0, 31.0, 40.0), len(kinds)))
        found += [(time, kind, name) for time, kind in zip(times, kinds, strict=True)]
    if names and rng.randrange(3) == 2:
        found.append((25.0, "drain", *names[:2]))
    return found


def drawn_jobs(rng: Random, templates: int, count: int, most: int = 3, *, gangs: bool = False) -> list[tuple[Any, ...]]:
    """Jobs within the first minute, many at the same times; the last one works until the 500th second."""
    rows: list[tuple[Any, ...]] = []
    for _ in range(count):
        pods = rng.choice((1, 1, *range(1, most + 1)))
        submit = rng.choice((0.0, 0.0, 3.0, 10.0, 20.0, 22.5, 31.0, 45.0))
        minimum = rng.choice((pods, 1, (pods + 1) // 2)) if gangs else 1
        rows.append(
            (rng.randrange(templates), submit, rng.choice((20.0, 5.0, 7.5, 60.0, 1.0 if gangs else 0.0)), pods, minimum)
        )
    return [*sorted(rows, key=lambda row: row[1]), (0, 50.0, 450.0, 1, 1)]


def drawn(rng: Random, policy: str | Policy, *, peers: bool = False, residents: bool = True) -> Scenario:
    """A scenario without queues."""
    nodes = drawn_nodes(rng, rng.randint(1, 5))
    templates = [drawn_template(rng, peers=peers) for _ in range(rng.randint(1, 4))]
    templates[0] = pod("t", requests={"cpu": 500})
    changes = drawn_changes(rng, [each.name for each in nodes if rng.randrange(2)]) if rng.randrange(2) else []
    pods = _running_and_waiting(rng, _there_at_first(nodes, changes), templates) if residents else []
    return scenario(
        cluster(*nodes, *pods),
        workload(templates, drawn_jobs(rng, len(templates), rng.randint(1, 14))),
        policy,
        changes,
        cycle=rng.choice((0.0, 0.0, 7.0)),
        startup=rng.choice((0.0, 0.0, 2.0)),
        checkpoint=rng.choice((INFINITE, 5.0)),
        until=1000.0,
        seeds=(rng.randrange(100),),
    )


def _there_at_first(nodes: Sequence[Node], changes: Sequence[tuple[Any, ...]]) -> list[Node]:
    first: dict[str, str] = {}
    for _, kind, *names in sorted(changes, key=lambda change: change[0]):
        for name in names:
            first.setdefault(name, kind)
    return [each for each in nodes if first.get(each.name) != "add"]


def _running_and_waiting(rng: Random, nodes: Sequence[Node], templates: Sequence[Pod]) -> list[Pod]:
    """Pods without GPUs that run at the start, and pods that wait then: created before, and some end by themselves."""
    found: list[Pod] = []
    free = {each.name: each.allocatable["cpu"] for each in nodes}
    for i in range(rng.choice((0, 0, 2, 4))):
        model = rng.choice(templates)
        cores = model.spec.requests["cpu"]
        home = next((name for name in rng.sample(list(free), len(free)) if free[name] >= cores), None)
        if model.spec.devices.count or rng.randrange(2) or sum(each.node == home for each in found) > 2:
            home = None
        if home:
            free[home] -= cores
        created = i - 100.0 if home else i - 50.0
        found.append(
            msgspec.structs.replace(
                model, name=f"old-{i}", node=home, created=created, estimate=rng.choice((30.0, 12.5))
            )
        )
    return found


# Scenarios with queues.

GROUP, REVOCABLE = "volcano.sh/nodegroup-name", "volcano.sh/revocable-zone"
GANGS = tuple(PluginOption(name) for name in ("priority", "gang", "conformance"))
EVERY_ACTION: Actions = ("enqueue", "allocate", "preempt", "reclaim", "backfill")
SHARED_OUT: Actions = ("enqueue", "allocate", "backfill")


def by_queue(
    *plugins: str | PluginOption, actions: Actions = SHARED_OUT, first: Sequence[PluginOption] = GANGS
) -> Policy:
    """kube-scheduler's scores under a Volcano configuration: these plugins in its second tier."""
    second = tuple(PluginOption(each) if isinstance(each, str) else each for each in plugins)
    return Policy(name="by-queue", batch=BatchPolicy(tuple(actions), (tuple(first), second)))


def drawn_queues(rng: Random, *, capacity: bool) -> tuple[Queue, ...]:
    """Two queues, one of them with two below it; deserved amounts are written for ``capacity``."""
    names = (("a", ""), ("b", ""), ("b1", "b"), ("b2", "b"))
    found = []
    for name, parent in names[: rng.choice((2, 4))]:
        deserved = {"cpu": rng.choice((2000, 4000, 8000))} if capacity else None
        limit = {"cpu": rng.choice((4000, 6000))} if rng.randrange(4) == 3 else {}
        found.append(Queue(name=name, parent=parent, weight=rng.choice((1, 2, 3)), deserved=deserved, capability=limit))
    return tuple(found)


def drawn_by_queue(
    rng: Random, policy: Policy, *, capacity: bool = False, estimates: bool = False, places: bool = False
) -> Scenario:
    """A scenario with queues and gangs.

    Args:
        rng: draws everything.
        policy: what decides.
        capacity: deserved amounts are written.
        estimates: most jobs say how long they work, rightly or too long.
        places: nodes are in node groups, that queues prefer, and some in a revocable zone, that some pods may use.
    """
    nodes = drawn_nodes(rng, rng.randint(1, 5))
    queues = drawn_queues(rng, capacity=capacity)
    if places:
        choices: tuple[tuple[dict[str, str], ...], ...] = (
            ({}, {GROUP: "g1"}, {GROUP: "g2"}),
            ({}, {}, {REVOCABLE: "day"}),
        )
        groups = [{**rng.choice(choices[0]), **rng.choice(choices[1])} for _ in nodes]
        nodes = [
            msgspec.structs.replace(each, labels={**each.labels, **labels})
            for each, labels in zip(nodes, groups, strict=True)
        ]
        wishes = NodeGroupAffinity(preferred=("g1",))
        queues = tuple(msgspec.structs.replace(each, affinity=rng.choice((each.affinity, wishes))) for each in queues)
    leaves = [queue.name for queue in queues if queue.name not in {other.parent for other in queues}]
    templates = [
        msgspec.structs.replace(drawn_template(rng, peers=False), queue=rng.choice(leaves))
        for _ in range(rng.randint(1, 4))
    ]
    templates[0] = pod("t", requests={"cpu": 500})
    templates[0] = msgspec.structs.replace(templates[0], queue=leaves[0])
    if places:
        templates = [msgspec.structs.replace(each, revocable=rng.choice((True, False))) for each in templates]
    rows = drawn_jobs(rng, len(templates), rng.randint(1, 14), most=5, gangs=True)
    told = [rng.choice((row[2], row[2], 2 * row[2], float("nan"))) for row in rows] if estimates else []
    return scenario(
        msgspec.structs.replace(cluster(*nodes), queues=queues),
        workload(templates, rows, estimates=told),
        policy,
        drawn_changes(rng, [each.name for each in nodes if rng.randrange(2)]) if rng.randrange(3) == 2 else (),
        cycle=rng.choice((0.0, 0.0, 7.0)),
        startup=rng.choice((0.0, 0.0, 2.0)),
        checkpoint=rng.choice((INFINITE, 5.0)),
        until=1000.0,
        seeds=(rng.randrange(100),),
    )


def crowded(rng: Random, made: Scenario) -> Scenario:
    """The same with many more jobs than fit, most of them alike, and no limits of queues in most cases."""
    assert made.workload is not None
    count = len(made.workload.templates)
    rows = []
    for _ in range(rng.randint(20, 60)):
        pods = rng.choice((1, 1, 2, 3))
        submit, lasts = rng.choice((0.0, 0.0, 5.0, 20.0, 21.0, 40.0)), rng.choice((20.0, 20.0, 5.0, 7.5, 60.0))
        rows.append((rng.randrange(count), submit, lasts, pods, rng.choice((pods, 1))))
    rows.sort(key=lambda row: row[1])
    queues = made.snapshot.queues
    if rng.randrange(3):
        queues = tuple(msgspec.structs.replace(each, capability={}) for each in queues)
    return msgspec.structs.replace(
        made,
        workload=workload(made.workload.templates, rows),
        snapshot=msgspec.structs.replace(made.snapshot, queues=queues),
        until=3000.0,
    )
