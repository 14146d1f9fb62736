"""Claims on volumes: pods wait for some, others wait for pods, and the words are kube-scheduler's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.kubernetes.made_api_server import access_to, answering, status, until, unto
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
        turns.carrier.volumes = Volumes(api, Claims(mirror), patience=patience)
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
        storage_class(made, "late", "WaitForFirstConsumer", allowedTopologies=[{"matchLabelExpressions": [expression]}])
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
            await until(made.homes)


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


def local_volume(made: Cluster, name: str, node: str, size: str = "10Gi", kind: str = "local") -> None:
    """A volume on the disk of a node, made beforehand."""
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}]
    spec = {"storageClassName": kind, "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"]}
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}
    body = {"metadata": {"name": name}, "spec": {**spec, **affinity}, "status": {"phase": "Available"}}
    made.create("persistentvolumes", body, namespace="")


def local_claim(made: Cluster, name: str, size: str = "5Gi") -> None:
    amount = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    claim(made, name, "local", **amount)


def owner(made: Cluster, name: str) -> str:
    """The claim that a volume is kept for."""
    found = made.found("persistentvolumes", name, "")
    assert found is not None
    return found["spec"].get("claimRef", {}).get("name", "")


def complete(made: Cluster, name: str, volume: str) -> None:
    """What the volume controller does."""
    found = made.found("persistentvolumeclaims", name)
    assert found is not None
    body = {"metadata": {**found["metadata"], "annotations": COMPLETED}}
    made.create("persistentvolumeclaims", {**found, **body, "spec": {**found["spec"], "volumeName": volume}})


async def test_a_volume_on_a_nodes_disk_is_kept_for_the_claim_of_a_pod_that_goes_there():
    async with cluster() as made:
        zones(made, "a", "b", "c")
        storage_class(made, "local", "WaitForFirstConsumer", provisioner="kubernetes.io/no-provisioner")
        local_volume(made, "small", "a", "1Gi")
        local_volume(made, "large", "b", "20Gi")
        local_volume(made, "fitting", "b", "10Gi")
        local_volume(made, "other", "c", kind="other")
        local_claim(made, "data")
        mounting(made, "p", "data")
        async with scheduler(made):
            await until(lambda: owner(made, "fitting") == "data")
            complete(made, "data", "fitting")
            await until(lambda: made.homes() == {"p": "b"})
            assert not owner(made, "large")


async def test_where_no_volume_is_there_it_is_told_in_kube_schedulers_words_until_one_comes():
    why = "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind."
    async with cluster() as made:
        zones(made, "a")
        storage_class(made, "local", "WaitForFirstConsumer", provisioner="kubernetes.io/no-provisioner")
        local_volume(made, "small", "a", "1Gi")
        local_claim(made, "data")
        mounting(made, "p", "data")
        async with scheduler(made) as running:
            await until(lambda: ("refused", "default/p", why) in running.told.lines)
            local_volume(made, "late", "a")
            await until(lambda: owner(made, "late") == "data")


async def test_two_claims_never_get_the_same_volume():
    async with cluster() as made:
        zones(made, "a", "b")
        storage_class(made, "local", "WaitForFirstConsumer", provisioner="kubernetes.io/no-provisioner")
        for name in ("a", "b"):
            local_volume(made, f"on-{name}", name)
        for i in range(2):
            local_claim(made, f"data{i}")
            mounting(made, f"p{i}", f"data{i}")
        async with scheduler(made):
            await until(lambda: owner(made, "on-a") and owner(made, "on-b"))
            assert {owner(made, "on-a"), owner(made, "on-b")} == {"data0", "data1"}
            for name in ("a", "b"):
                complete(made, owner(made, f"on-{name}"), f"on-{name}")
            await until(lambda: len(made.homes()) == 2)
        assert sorted(made.homes().values()) == ["a", "b"]


async def test_a_pod_that_waits_for_its_volume_gives_up_its_room_to_one_that_matters_more_and_need_not_go():
    async with cluster() as made:
        made.node("a", cpu="1")
        storage_class(made, "late", "WaitForFirstConsumer")
        claim(made, "data", "late")
        mounting(made, "p", "data")
        async with scheduler(made):
            await until(lambda: selected(made, "data"))
            made.pod("high", priority=100)
            await until(lambda: made.homes() == {"high": "a"})
        assert not made.evictions
        assert made.found("pods", "p")
