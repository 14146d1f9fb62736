"""What users of the published peers met: each issue as the behaviour that was missed there."""

from __future__ import annotations

from typing import Any

import pytest

import yuheng
from tests.scheduling.batch.judged import applied
from tests.scheduling.batch.written import Manifest, manifests
from yuheng.model.cluster import Snapshot

NOW = 1767268800.0
GANGS: list[list[str]] = [["priority", "gang", "conformance"], ["overcommit", "drf", "predicates"]]


def cluster(**short: Any) -> Snapshot:
    """A cluster written in shorthand (see `written`)."""
    extra: list[Manifest] = short.pop("extra", [])
    return yuheng.read([*manifests(short), *extra])


def plan(snapshot: Snapshot) -> dict[str, Any]:
    return yuheng.plan(snapshot, now=NOW).to_dict()


def report(plan: dict[str, Any], job: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in plan["jobs"] if each["job"] == f"default/{job}")
    return found


# Volcano 2357: a pod group that lacks resources said no more than "3/3 tasks in gang unschedulable".


def short_of_gpus() -> Snapshot:
    """A gang of three that asks 2 GPUs a pod, on two nodes with 2 each."""
    return cluster(
        nodes=[{"name": "a", "cpu": 8, "gpu": 2}, {"name": "b", "cpu": 8, "gpu": 2}],
        jobs=[{"name": "train", "replicas": 3, "cpu": 1, "gpu": 2}],
        actions=["allocate"],
        tiers=[["priority", "gang"], ["predicates", "nodeorder"]],
    )


def test_volcano_2357_the_gang_does_not_hide_what_it_lacks():
    held = report(plan(short_of_gpus()), "train")
    assert set(held["waitingFor"]) == {"gang", "resources"}
    reasons = {reason["kind"]: reason["message"] for reason in held["reasons"]}
    assert "nvidia.com/gpu" in reasons["resources"]
    assert "3" in reasons["gang"]


def test_volcano_2357_each_pod_says_what_the_nodes_lack():
    refusals = plan(short_of_gpus())["unschedulable"]
    assert {refusal["pod"] for refusal in refusals} == {f"default/train-{index}" for index in range(3)}
    assert any("nvidia.com/gpu" in refusal["message"] for refusal in refusals)


def test_volcano_2357_explaining_a_pod_tells_of_its_job_too():
    found = yuheng.explain(short_of_gpus(), "default/train-2").to_dict()
    assert found["verdict"] == "pending"
    assert set(found["job"]["waitingFor"]) == {"gang", "resources"}


# Volcano 4679: with the cluster full of another queue's pods, overcommit never lets the owner's job in to reclaim.


def full(actions: list[str], replicas: int = 4) -> Snapshot:
    """The borrower has all 10 cores; by weight 5 are the owner's. Overcommit would let 10 * 1.2 - 10 = 2 in."""
    return cluster(
        nodes=[{"name": "n", "cpu": 10}],
        queues=[{"name": "owner"}, {"name": "borrower"}],
        jobs=[
            {"name": "lent", "queue": "borrower", "replicas": 10, "min": 1, "running": ["n"] * 10},
            {"name": "claim", "queue": "owner", "replicas": replicas},
        ],
        actions=actions,
        tiers=[["priority", "gang", "conformance"], ["overcommit", "predicates", "proportion", "nodeorder"]],
    )


def test_volcano_4679_enqueue_does_not_block_reclaim():
    found = plan(full(["enqueue", "allocate", "reclaim", "backfill"]))
    assert report(found, "claim")["state"] == "running"
    assert len(found["placements"]) == len(found["evictions"]) == 4
    assert {eviction["rule"] for eviction in found["evictions"]} == {"reclaim"}


def test_volcano_4679_without_reclaim_overcommit_holds_the_job_at_the_door():
    found = plan(full(["enqueue", "allocate", "backfill"]))
    assert report(found, "claim")["state"] == "waiting"
    assert not found["evictions"]


def test_volcano_4679_a_job_beyond_what_its_queue_deserves_is_held_still():
    found = plan(full(["enqueue", "allocate", "reclaim", "backfill"], replicas=6))
    assert report(found, "claim")["state"] == "waiting"
    assert not found["evictions"]


# Kueue 14543 (and 3779, 6947, 13662): workloads that take room from each other for ever.


def kueue_queue(name: str, cores: int) -> Manifest:
    quota = {"name": "cpu", "nominalQuota": cores}
    return {
        "apiVersion": "kueue.x-k8s.io/v1beta1",
        "kind": "ClusterQueue",
        "metadata": {"name": name},
        "spec": {
            "cohort": "all",
            "namespaceSelector": {},
            "preemption": {"reclaimWithinCohort": "Any", "withinClusterQueue": "LowerPriority"},
            "resourceGroups": [{"coveredResources": ["cpu"], "flavors": [{"name": "plain", "resources": [quota]}]}],
        },
    }


def cohort(quotas: dict[str, int], jobs: list[Manifest], cores: int) -> Snapshot:
    return cluster(
        nodes=[{"name": "n", "cpu": cores}],
        jobs=jobs,
        actions=["enqueue", "allocate", "preempt", "reclaim", "backfill"],
        tiers=[["priority", "gang", "conformance"], ["predicates", "capacity", "nodeorder"]],
        extra=[kueue_queue(name, amount) for name, amount in quotas.items()],
    )


def on_one_node(name: str, queue: str, pods: int, *, runs: bool = False, priority: int = 0) -> Manifest:
    running = ["n"] * pods if runs else []
    return {"name": name, "queue": queue, "replicas": pods, "running": running, "priority": priority}


PING_PONG = {
    # tenant-a runs 5 of its 3 and asks 1 more; best-effort owns nothing and runs 1 of the 6. It is not above a due that
    # tenant-a still has: tenant-a is at its own already.
    "a borrower does not reclaim from a borrower": (
        cohort(
            {"tenant-a": 3, "tenant-b": 3, "best-effort": 0},
            [
                on_one_node("a1", "tenant-a", 5, runs=True),
                on_one_node("effort", "best-effort", 1, runs=True),
                on_one_node("a2", "tenant-a", 1),
            ],
            6,
        ),
        set(),
    ),
    # tenant-b asks its own 3 back: of what tenant-a borrows, and of best-effort, which owns nothing.
    "an owner takes its own back once": (
        cohort(
            {"tenant-a": 3, "tenant-b": 3, "best-effort": 0},
            [
                on_one_node("a1", "tenant-a", 3, runs=True),
                on_one_node("effort", "best-effort", 3, runs=True),
                on_one_node("b1", "tenant-b", 3),
            ],
            6,
        ),
        {"effort"},
    ),
    # A job too large for its queue's quota does not evict on behalf of one behind it, nor does it stand in its way.
    "a job that cannot start does not make others go": (
        cohort(
            {"tenant-a": 3, "tenant-b": 0},
            [
                on_one_node("b1", "tenant-b", 1, runs=True),
                on_one_node("a4", "tenant-a", 4),
                on_one_node("a3", "tenant-a", 3),
            ],
            3,
        ),
        {"b1"},
    ),
    # Priority in one queue and quota between queues do not chase each other: low takes nothing back from high.
    "a victim of higher priority in a queue with less quota does not come back": (
        cohort(
            {"tenant-a": 4, "tenant-b": 2},
            [
                on_one_node("b1", "tenant-b", 3, runs=True, priority=10),
                on_one_node("b2", "tenant-b", 3, runs=True, priority=10),
                on_one_node("a1", "tenant-a", 4),
            ],
            6,
        ),
        {"b1", "b2"},
    ),
}


@pytest.mark.parametrize(("snapshot", "victims"), PING_PONG.values(), ids=PING_PONG.keys())
def test_kueue_14543_no_ping_pong(snapshot: Snapshot, victims: set[str]):
    first = plan(snapshot)
    assert {eviction["pod"].rpartition("-")[0].removeprefix("default/") for eviction in first["evictions"]} == victims
    after = snapshot
    for _ in range(4):
        after = applied(after, plan(after))
    for _ in range(3):
        following = plan(after)
        assert following["evictions"] == []
        after = applied(after, following)
