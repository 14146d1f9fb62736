"""Claims on volumes: pods wait for some, others wait for pods, and the words are kube-scheduler's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.kubernetes.made_api_server import access_to, answering, status, unto, until
from tests.kubernetes.made_cluster import Cluster, cluster
from tests.kubernetes.test_turns import Running, Told, gang, warm

from yuheng.kubernetes.api import Api
from yuheng.kubernetes.mirror import Claims, Mirror
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone
from yuheng.kubernetes.running.service import Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.kubernetes.running.volumes import SELECTED, Volumes
from yuheng.scheduling.decider import Decider

__all__ = ["warm"]
UNBOUND = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."
COMPLETED = {"pv.kubernetes.io/bind-completed": "yes"}


@asynccontextmanager
async def scheduler(made: Cluster, patience: float = 600.0) -> AsyncIterator[Running]:
    async with Api(access_to(made.url)) as api:
        bell, told, stop = asyncio.Event(), Told(), asyncio.Event()
        mirror = Mirror("yuheng", bell.set)
        turns = Turns(mirror, Decider(), Binder(api), told, bell=bell, timing=api.timing)
        turns.volumes = Volumes(api, Claims(mirror), patience=patience)
        task = asyncio.ensure_future(Service(reflectors(api, mirror), turns, Alone()).run(stop))
        try:
            yield Running(turns, told, stop)
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)


def zones(made: Cluster, *names: str) -> None:
    for name in names:
        labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"zone-{name}"}
        made.node(name, metadata={"name": name, "labels": labels})


def storage_class(made: Cluster, name: str, mode: str, **fields: Any) -> None:
    body = {"metadata": {"name": name}, "provisioner": "csi.example.com", "volumeBindingMode": mode, **fields}
    made.create("storageclasses", body, namespace="")


def claim(made: Cluster, name: str, kind: str, **spec: Any) -> None:
    made.create("persistentvolumeclaims", {"metadata": {"name": name}, "spec": {"storageClassName": kind, **spec}})


def mounting(made: Cluster, name: str, *claims: str, **fields: Any) -> None:
    volumes = [{"name": one, "persistentVolumeClaim": {"claimName": one}} for one in claims]
    made.pod(name, volumes=volumes, **fields)


def selected(made: Cluster, name: str) -> str:
    found = made.found("persistentvolumeclaims", name)
    assert found is not None
    return found["metadata"].get("annotations", {}).get(SELECTED, "")


def provision(made: Cluster, name: str, node: str) -> None:
    """What a provisioner and the volume controller do."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
    affinity = {"required": {"nodeSelectorTerms": terms}}
    volume = {"metadata": {"name": f"pv-{name}"}, "spec": {"nodeAffinity": affinity}}
    made.create("persistentvolumes", volume, namespace="")
    found = made.found("persistentvolumeclaims", name)
    assert found is not None
    notes = {**found["metadata"].get("annotations", {}), **COMPLETED}
    body = {"metadata": {**found["metadata"], "annotations": notes}}
    made.create("persistentvolumeclaims", {**found, **body, "spec": {**found["spec"], "volumeName": f"pv-{name}"}})


async def test_a_pod_waits_for_a_claim_that_is_bound_at_once_and_goes_where_its_volume_is():
    async with cluster() as made:
        zones(made, "a", "b")
        storage_class(made, "now", "Immediate")
        claim(made, "data", "now")
        mounting(made, "p", "data")
        async with scheduler(made) as running:
            await until(lambda: ("refused", "default/p", UNBOUND) in running.told.lines)
            assert not selected(made, "data")
            provision(made, "data", "b")
            await until(lambda: made.homes() == {"p": "b"})


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (None, 'persistentvolumeclaim "data" not found'),
        ({"deletionTimestamp": "2026-01-01T00:00:00Z"}, 'persistentvolumeclaim "data" is being deleted'),
    ],
)
async def test_a_claim_that_is_not_there_or_goes_is_told_in_kube_schedulers_words(fields: dict[str, str], why: str):
    async with cluster() as made:
        zones(made, "a")
        if fields:
            made.create("persistentvolumeclaims", {"metadata": {"name": "data", **fields}, "spec": {}})
        mounting(made, "p", "data")
        made.pod("q")
        async with scheduler(made) as running:
            await until(lambda: "q" in made.homes())
            await until(lambda: ("refused", "default/p", f"0/1 nodes are available: {why}.") in running.told.lines)
            storage_class(made, "late", "WaitForFirstConsumer")
            assert "p" not in made.homes()


async def test_a_claim_that_waits_for_its_pod_is_told_the_node_and_the_pod_is_bound_after_it():
    async with cluster() as made:
        zones(made, "a", "b")
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made):
            await until(lambda: selected(made, "data"))
            await asyncio.sleep(0.05)
            assert not made.homes()
            node = selected(made, "data")
            provision(made, "data", node)
            await until(lambda: made.homes() == {"p": node})


async def test_the_room_of_a_pod_that_waits_for_its_volume_is_taken():
    async with cluster() as made:
        made.node("a", cpu="1")
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made) as running:
            await until(lambda: selected(made, "data"))
            made.pod("q")
            await until(lambda: any(line[:2] == ("refused", "default/q") for line in running.told.lines))
            provision(made, "data", "a")
            await until(lambda: made.homes() == {"p": "a"})


async def test_only_the_topologies_that_the_class_allows_are_chosen():
    expression = {"key": "topology.kubernetes.io/zone", "values": ["zone-c"]}
    async with cluster() as made:
        zones(made, "a", "b", "c")
        storage_class(
            made, "late", "WaitForFirstConsumer", allowedTopologies=[{"matchLabelExpressions": [expression]}]
        )
        for i in range(3):
            claim(made, f"data{i}", "late")
            mounting(made, f"p{i}", f"data{i}")
        async with scheduler(made):
            await until(lambda: [selected(made, f"data{i}") for i in range(3)] == ["c"] * 3)


async def test_where_the_provisioner_gives_up_the_pod_is_tried_anew():
    async with cluster() as made:
        zones(made, "a", "b")
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made):
            await until(lambda: selected(made, "data"))
            await asyncio.sleep(0.3)
            made.node(selected(made, "data"), cpu="0")
            await asyncio.sleep(0.1)
            found = made.found("persistentvolumeclaims", "data")
            assert found is not None
            first = selected(made, "data")
            made.create("persistentvolumeclaims", {**found, "metadata": {**found["metadata"], "annotations": {}}})
            await until(lambda: selected(made, "data") not in ("", first))


async def test_a_volume_that_does_not_come_in_time_is_tried_for_again():
    async with cluster() as made:
        zones(made, "a")
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made, patience=0.2):
            await until(lambda: selected(made, "data"))
            await asyncio.sleep(0.5)
            provision(made, "data", "a")
            await until(lambda: made.homes() == {"p": "a"})


async def test_a_claim_that_cannot_be_written_is_tried_again():
    async with cluster() as made:
        zones(made, "a")
        made.faults.append(unto("PATCH", "data", answering(lambda: status(403, "Forbidden", "not now"))))
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made):
            await until(lambda: selected(made, "data") == "a")
            provision(made, "data", "a")
            await until(lambda: made.homes())


async def test_a_scheduler_that_is_told_to_stop_does_not_wait_for_volumes():
    async with cluster() as made:
        zones(made, "a")
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made):
            await until(lambda: selected(made, "data"))
    assert not made.homes()


async def test_a_gang_waits_as_a_whole_for_the_claim_of_one_of_its_pods():
    async with cluster() as made:
        zones(made, "a", "b")
        storage_class(made, "now", "Immediate")
        claim(made, "data", "now")
        gang(made, "g", 3, 2)
        mounting(made, "g-2", "data", annotations={"scheduling.k8s.io/group-name": "g"})
        async with scheduler(made) as running:
            await until(lambda: ("refused", "default/g-2", UNBOUND) in running.told.lines)
            await asyncio.sleep(0.3)
            assert not made.homes()
            assert sum(line[:2] == ("refused", "default/g-2") for line in running.told.lines) < 4
            provision(made, "data", "b")
            await until(lambda: len(made.homes()) == 3)
            assert made.homes()["g-2"] == "b"
