"""What holds of every plan with queues and jobs, whatever the cluster: section 6 of the rules."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import yuheng
from tests.scheduling.batch.judged import applied
from tests.scheduling.batch.made_queues import ALL_ACTIONS, Drawn, cluster, cores, deserved, requests
from tests.scheduling.batch.written import Manifest
from tests.scheduling.searching import examples
from yuheng.model.cluster import Snapshot

NOW = 1767268800.0
RECLAIM = ["enqueue", "allocate", "reclaim", "backfill"]
PREEMPT = ["enqueue", "allocate", "preempt", "backfill"]
Answer = dict[str, Any]


@st.composite
def clusters(draw: st.DrawFn, actions: list[str], *, capacity: bool | None = None, units: bool = False) -> Drawn:
    """A cluster with either source of deserved amounts, unless one is asked for."""
    rng = draw(st.randoms(use_true_random=False))
    return cluster(rng, actions, capacity=rng.choice((False, True)) if capacity is None else capacity, units=units)


class Aftermath:
    """A plan, and the cluster after it."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.snapshot: Snapshot = yuheng.read(drawn.manifests())
        self.plan: Answer = yuheng.plan(self.snapshot, now=NOW).to_dict()
        self.after = applied(self.snapshot, self.plan)
        self.jobs = {job["name"]: job for job in drawn.jobs}

    def job(self, pod: str) -> Manifest:
        """The job of a pod, by its ``namespace/name``."""
        return self.jobs[pod.rpartition("/")[2].rpartition("-")[0]]

    def running(self, snapshot: Snapshot) -> Counter[str]:
        """Pods that run, by job."""
        return Counter(self.job(pod.key)["name"] for pod in snapshot.pods if pod.node is not None)

    def held(self, snapshot: Snapshot) -> Counter[str]:
        """Cores that queues hold, with those of the queues below them."""
        found: Counter[str] = Counter()
        for name, count in self.running(snapshot).items():
            for queue in self.drawn.ancestry(self.jobs[name]["queue"]):
                found[queue] += count * self.jobs[name]["cpu"]
        return found


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_no_node_is_over_what_it_offers(drawn: Drawn):
    found = Aftermath(drawn)
    used: Counter[str] = Counter()
    for pod in found.after.pods:
        used[pod.node or ""] += pod.spec.requests.get("cpu", 0)
    assert all(used[node.name] <= node.allocatable["cpu"] for node in found.after.nodes)


@examples(160)
@given(drawn=clusters(ALL_ACTIONS))
def test_a_gang_is_whole_or_absent(drawn: Drawn):
    found = Aftermath(drawn)
    for name, count in found.running(found.after).items():
        assert count >= found.jobs[name]["min"], name


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_a_job_is_told_to_run_when_its_minimum_does(drawn: Drawn):
    found = Aftermath(drawn)
    running = found.running(found.after)
    for report in found.plan["jobs"]:
        name = report["job"].rpartition("/")[2]
        assert report["ready"] == running[name], name
        assert (report["state"] == "running") == (running[name] >= found.jobs[name]["min"]), name


@examples(160)
@given(drawn=clusters(ALL_ACTIONS))
def test_a_job_that_does_not_run_says_what_holds_it(drawn: Drawn):
    plan = Aftermath(drawn).plan
    waiting = [report for report in plan["jobs"] if report["state"] != "running"]
    places = [report["place"] for report in waiting]
    assert len(set(places)) == len(places)
    assert all(places)
    for report in waiting:
        assert report["waitingFor"], report["job"]
        assert all(reason["message"] for reason in report["reasons"]), report["job"]


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_a_queue_is_told_with_those_below_it(drawn: Drawn):
    snapshot = yuheng.read(drawn.manifests())
    reports = {report["name"]: report for report in yuheng.queues(snapshot, now=NOW).to_dict()["queues"]}
    asked, held = requests(drawn), Aftermath(drawn).held(snapshot)
    for queue in drawn.queues:
        name = queue["name"]
        report = reports[name]
        assert cores(report["requested"]) == asked[name], name
        assert cores(report["allocated"]) == held[name], name
        jobs = [job for job in drawn.jobs if name in drawn.ancestry(job["queue"])]
        assert sum(report["jobs"].values()) == len(jobs), name


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_no_queue_passes_its_capability(drawn: Drawn):
    found = Aftermath(drawn)
    before, after = found.held(found.snapshot), found.held(found.after)
    for queue in drawn.queues:
        name, most = queue["name"], queue.get("capability", {}).get("cpu", drawn.total())
        assert after[name] <= max(most, before[name]), name


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_no_queue_takes_what_is_guaranteed_to_its_siblings(drawn: Drawn):
    found = Aftermath(drawn)
    before, after = found.held(found.snapshot), found.held(found.after)
    tops = [queue for queue in drawn.queues if "parent" not in queue]
    guaranteed = {queue["name"]: queue.get("guarantee", {}).get("cpu", 0) for queue in tops}
    for name, own in guaranteed.items():
        assert after[name] <= max(drawn.total() - sum(guaranteed.values()) + own, before[name]), name


@examples(40)
@given(drawn=clusters(RECLAIM, units=True, capacity=False))
def test_every_queue_reaches_what_it_deserves_when_it_may_reclaim(drawn: Drawn):
    drawn.jobs[:] = [{**job, "namespace": "default", "labels": {}} for job in drawn.jobs]
    found = Aftermath(drawn)
    asked, due, after = requests(drawn), deserved(drawn), found.held(found.after)
    for leaf in drawn.leaves():
        assert after[leaf] >= min(asked[leaf], int(due[leaf])), leaf


@examples(40)
@given(drawn=clusters(ALL_ACTIONS, capacity=False))
def test_deserved_amounts_are_filled_in_level_by_level(drawn: Drawn):
    reports = yuheng.queues(yuheng.read(drawn.manifests()), now=NOW).to_dict()["queues"]
    told = {report["name"]: cores(report["deserved"]) for report in reports}
    for name, amount in deserved(drawn).items():
        assert abs(told[name] - amount) <= 1 / 500, name


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_a_victim_of_preemption_is_of_the_same_queue_and_not_of_higher_priority(drawn: Drawn):
    found = Aftermath(drawn)
    for eviction in found.plan["evictions"]:
        victim, claimant = found.job(eviction["pod"]), found.jobs[eviction["by"].rpartition("/")[2]]
        if eviction["rule"] == "preempt":
            assert victim["queue"] == claimant["queue"]
            assert victim["priority"] < claimant["priority"]
        else:
            assert victim["queue"] != claimant["queue"]


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_a_claimant_that_others_make_room_for_is_placed(drawn: Drawn):
    found = Aftermath(drawn)
    placed = {found.job(placement["pod"])["name"] for placement in found.plan["placements"]}
    assert {eviction["by"].rpartition("/")[2] for eviction in found.plan["evictions"]} <= placed


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_an_evicted_pod_is_not_placed_again_by_the_same_plan(drawn: Drawn):
    plan = Aftermath(drawn).plan
    victims = [eviction["pod"] for eviction in plan["evictions"]]
    assert len(set(victims)) == len(victims)
    assert not set(victims) & {placement["pod"] for placement in plan["placements"]}


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_budgets_and_system_pods_are_respected(drawn: Drawn):
    found = Aftermath(drawn)
    victims = [found.job(eviction["pod"]) for eviction in found.plan["evictions"]]
    assert sum(bool(victim["labels"]) and victim["namespace"] == "default" for victim in victims) <= drawn.budget
    assert not [victim for victim in victims if victim["namespace"] == "kube-system"]


@examples(40)
@given(drawn=clusters(ALL_ACTIONS), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(drawn: Drawn, shuffle: Random):
    manifests = drawn.manifests()
    mixed = shuffle.sample(manifests, len(manifests))
    assert _facts(mixed) == _facts(manifests)


def _facts(manifests: list[Manifest]) -> tuple[Answer, Answer]:
    snapshot = yuheng.read(manifests)
    plan = yuheng.plan(snapshot, now=NOW).to_dict()
    del plan["summary"]["seconds"]
    return plan, yuheng.queues(snapshot, now=NOW).to_dict()


@examples(160)
@given(drawn=clusters(RECLAIM))
def test_reclaiming_again_after_a_plan_evicts_nobody(drawn: Drawn):
    found = Aftermath(drawn)
    assert yuheng.plan(found.after, now=NOW).to_dict()["evictions"] == []


@examples(160)
@given(drawn=clusters(PREEMPT))
def test_preempting_again_after_a_plan_evicts_nobody(drawn: Drawn):
    found = Aftermath(drawn)
    assert yuheng.plan(found.after, now=NOW).to_dict()["evictions"] == []


@examples(40)
@given(drawn=clusters(ALL_ACTIONS))
def test_plans_that_follow_each_other_come_to_rest(drawn: Drawn):
    snapshot: Snapshot = yuheng.read(drawn.manifests())
    for _ in range(6):
        plan = yuheng.plan(snapshot, now=NOW).to_dict()
        if not plan["evictions"] and not plan["placements"]:
            return
        snapshot = applied(snapshot, plan)
    pytest.fail("pods come and go after six plans still")
