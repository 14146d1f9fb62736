"""Jobs are let in and started, and their PodGroups say so: Volcano's controllers make pods of those only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.kubernetes.made_api_server import access_to, answering, status, until, unto
from tests.kubernetes.made_cluster import Cluster, cluster

from yuheng.kubernetes.api import Api
from yuheng.kubernetes.mirror import Known, Mirror
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone, DryBinder
from yuheng.kubernetes.running.podgroups import PodGroups
from yuheng.kubernetes.running.service import Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.scheduling.decider import Decider, warm

GROUP = "scheduling.k8s.io/group-name"


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """They are compiled before anybody waits for them."""
    warm()


class Silent:
    def placed(self, known: Known, node: str) -> None: ...
    def failed(self, known: Known, node: str, why: str) -> None: ...
    def refused(self, known: Known, message: str) -> None: ...
    def nominated(self, known: Known, node: str) -> None: ...
    def preempted(self, victim: Known, by: str, node: str) -> None: ...


@asynccontextmanager
async def scheduler(made: Cluster, lines: list[str] | None = None) -> AsyncIterator[None]:
    async with Api(access_to(made.url)) as api:
        bell, stop, alone = asyncio.Event(), asyncio.Event(), Alone()
        mirror = Mirror("yuheng", bell.set)
        binder = Binder(api, alone.leading) if lines is None else DryBinder()
        turns = Turns(mirror, Decider(), binder, Silent(), bell=bell, timing=api.timing)
        groups = PodGroups(api, mirror, alone.leading, lines.append if lines is not None else None)
        turns.carrier.admitted = groups.admit
        task = asyncio.ensure_future(Service(reflectors(api, mirror), turns, alone, beside=(groups,)).run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


def job(made: Cluster, name: str, scheduler: str = "yuheng", pods: int = 2, cpu: str = "1") -> None:
    """A Volcano Job and the PodGroup that its controller makes, and no pods yet."""
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
    tasks = [{"name": "main", "replicas": pods, "template": {"spec": {"containers": [container]}}}]
    spec = {"schedulerName": scheduler, "minAvailable": pods, "tasks": tasks}
    uid = made.create("jobs", {"metadata": {"name": name}, "spec": spec})["metadata"]["uid"]
    owner = {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "name": name, "uid": uid}
    metadata = {"name": f"{name}-group", "ownerReferences": [{**owner, "controller": True}]}
    spec = {"minMember": pods, "minResources": {"cpu": str(pods * int(cpu))}}
    made.create("podgroups", {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}})


def queue(made: Cluster, capability: str) -> None:
    made.create("queues", {"metadata": {"name": "default"}, "spec": {"capability": {"cpu": capability}}}, namespace="")


def member(made: Cluster, name: str, job: str) -> None:
    words = {GROUP: f"{job}-group", "volcano.sh/job-name": job, "volcano.sh/task-spec": "main"}
    made.pod(name, annotations=words)


def phase(made: Cluster, group: str) -> str:
    found: Any = made.found("podgroups", group)
    return str(found["status"]["phase"])


async def test_a_job_without_pods_is_let_in_and_started():
    async with cluster() as made:
        made.node("a", cpu="4")
        job(made, "train")
        async with scheduler(made):
            await until(lambda: phase(made, "train-group") == "Inqueue")
            for i in range(2):
                member(made, f"train-{i}", "train")
            await until(lambda: phase(made, "train-group") == "Running", 15)
            assert set(made.homes()) == {"train-0", "train-1"}


async def test_a_job_for_which_its_queue_has_no_room_waits_outside():
    async with cluster() as made:
        made.node("a", cpu="8")
        queue(made, capability="2")
        job(made, "large", pods=3)
        job(made, "small", pods=1)
        async with scheduler(made):
            await until(lambda: phase(made, "small-group") == "Inqueue")
            assert phase(made, "large-group") == "Pending"
            queue(made, capability="4")
            await until(lambda: phase(made, "large-group") == "Inqueue")


async def test_jobs_of_other_schedulers_are_left_to_them():
    async with cluster() as made:
        made.node("a", cpu="8")
        job(made, "theirs", scheduler="volcano")
        job(made, "ours")
        async with scheduler(made):
            await until(lambda: phase(made, "ours-group") == "Inqueue")
            await asyncio.sleep(0.3)
    assert phase(made, "theirs-group") == "Pending"


async def test_a_group_of_other_pods_says_so_too():
    async with cluster() as made:
        made.node("a", cpu="4")
        made.create("podgroups", {"metadata": {"name": "g"}, "spec": {"minMember": 2}})
        for i in range(2):
            made.pod(f"g-{i}", annotations={GROUP: "g"})
        async with scheduler(made):
            await until(lambda: "status" in made.found("podgroups", "g") and phase(made, "g") == "Running", 15)


async def test_what_could_not_be_written_is_written_later():
    async with cluster() as made:
        made.node("a", cpu="4")
        made.faults.append(unto("PATCH", "/status", answering(lambda: status(409, "Conflict", "changed meanwhile"))))
        job(made, "train")
        async with scheduler(made):
            await until(lambda: not made.faults)
            await until(lambda: phase(made, "train-group") == "Inqueue", 15)


async def test_a_dry_run_says_so_once_and_writes_nothing():
    lines: list[str] = []
    async with cluster() as made:
        made.node("a", cpu="4")
        job(made, "train")
        async with scheduler(made, lines):
            await until(lambda: lines)
            made.node("b", cpu="4")
            await asyncio.sleep(0.5)
    assert lines == ["set PodGroup default/train-group Inqueue"]
    assert phase(made, "train-group") == "Pending"
