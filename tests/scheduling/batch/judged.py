"""What a scenario expects, compared with what the public API says.

``placed``        pods placed, by job: how many, or on which nodes (sorted). A job that is not named has none.
``evictions``     pods evicted, by job: how many, or ``{count, by, rule, pods}``. Without it nobody is evicted;
                  ``any`` says nothing.
``jobs``          fields of a job's report; ``waitingFor`` is the exact set, or ``{includes, excludes, any}``.
``queues``        fields of a queue's report at present, amounts in part.
``order``         jobs in the order in which their first pods are placed.
``podOrder``      pods in the order in which they are placed.
``told``          words that an error or a warning says (nothing else is then looked at).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

import yuheng
from tests.scheduling.batch.written import Scenario
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.pod import Pod
from yuheng.model.quantity import parse_quantity

Answer = dict[str, Any]


class Outcome:
    """The answers to a scenario, as dictionaries."""

    def __init__(self, scenario: Scenario) -> None:
        self.snapshot = yuheng.read(scenario.objects)
        self.plan: Answer = yuheng.plan(self.snapshot, now=scenario.now).to_dict()
        self.queues: Answer = yuheng.queues(self.snapshot, now=scenario.now).to_dict()
        self.job_of = {pod.key: job_of(pod.job or pod.key) for pod in self.snapshot.pods}

    def placed(self) -> dict[str, list[str]]:
        """Nodes of the pods that are placed, sorted, by job."""
        found: dict[str, list[str]] = {}
        for placement in self.plan["placements"]:
            found.setdefault(self.job_of[placement["pod"]], []).append(placement["node"])
        return {job: sorted(nodes) for job, nodes in found.items()}


def job_of(key: str) -> str:
    """A job's name without the default namespace."""
    return key.removeprefix("default/")


def judge(scenario: Scenario) -> None:
    """Compare all that is expected."""
    if "told" in scenario.expect:
        _told(scenario)
        return
    outcome = Outcome(scenario)
    for key, expected in {"evictions": {}, **scenario.expect}.items():
        if expected != "any":
            JUDGES[key](outcome, expected)


def _told(scenario: Scenario) -> None:
    try:
        outcome = Outcome(scenario)
    except yuheng.YuhengError as error:
        words = str(error)
    else:
        words = " ".join([*outcome.snapshot.warnings, *outcome.plan["warnings"], *outcome.queues["warnings"]])
    for word in scenario.expect["told"]:
        assert word in words


def _placed(outcome: Outcome, expected: Mapping[str, Any]) -> None:
    found: dict[str, Any] = dict(outcome.placed())
    for job, value in expected.items():
        if isinstance(value, int):
            found[job] = len(found.get(job, ()))
    assert found == {job: sorted(value) if isinstance(value, list) else value for job, value in expected.items()}


def _evictions(outcome: Outcome, expected: Mapping[str, Any]) -> None:
    victims = outcome.plan["evictions"]
    counts = Counter(outcome.job_of[victim["pod"]] for victim in victims)
    wanted: dict[str, Any] = {
        job: {"count": value} if isinstance(value, int) else value for job, value in expected.items()
    }
    assert counts == {job: value["count"] for job, value in wanted.items()}
    for job, value in wanted.items():
        own = [victim for victim in victims if outcome.job_of[victim["pod"]] == job]
        assert {victim["rule"] for victim in own} == {value.get("rule", own[0]["rule"])}
        assert {job_of(victim["by"]) for victim in own} == {value.get("by", job_of(own[0]["by"]))}
        assert {job_of(victim["pod"]) for victim in own} >= set(value.get("pods", ()))


def _jobs(outcome: Outcome, expected: Mapping[str, Any]) -> None:
    reports = {job_of(report["job"]): report for report in outcome.plan["jobs"]}
    for job, fields in expected.items():
        for key, value in fields.items():
            if key == "waitingFor":
                _waits(job, set(reports[job][key]), value)
            else:
                assert (job, key, reports[job][key]) == (job, key, value)


def _waits(job: str, found: set[str], value: Any) -> None:
    if isinstance(value, list):
        assert (job, found) == (job, set(value))
        return
    assert found >= set(value.get("includes", ())), job
    assert not found & set(value.get("excludes", ())), job
    assert not value.get("any") or found & set(value["any"]), job


def _queues(outcome: Outcome, expected: Mapping[str, Any]) -> None:
    reports = {report["name"]: report for report in outcome.queues["queues"]}
    for queue, fields in expected.items():
        for key, value in fields.items():
            found = reports[queue][key]
            if isinstance(value, dict) and key != "jobs":
                found = _amounts({name: found.get(name, "0") for name in value})
                assert (queue, key, found) == (queue, key, _amounts(value))
            else:
                assert (queue, key, found) == (queue, key, value)


def _amounts(written: Mapping[str, str]) -> dict[str, int]:
    return {name: parse_quantity(text).nano for name, text in written.items()}


def _order(outcome: Outcome, expected: list[str]) -> None:
    starts = dict.fromkeys(outcome.job_of[placement["pod"]] for placement in outcome.plan["placements"])
    assert list(starts) == expected


def _pod_order(outcome: Outcome, expected: list[str]) -> None:
    assert [job_of(placement["pod"]) for placement in outcome.plan["placements"]] == expected


JUDGES: dict[str, Callable[[Outcome, Any], None]] = {
    "placed": _placed,
    "evictions": _evictions,
    "jobs": _jobs,
    "queues": _queues,
    "order": _order,
    "podOrder": _pod_order,
}


def applied(snapshot: Snapshot, plan: Answer) -> Snapshot:
    """The cluster after a plan: what it places runs, what it evicts waits again; budgets are used, jobs let in."""
    homes: dict[str, str | None] = {victim["pod"]: None for victim in plan["evictions"]}
    homes.update({placement["pod"]: placement["node"] for placement in plan["placements"]})
    pods = tuple(
        msgspec.structs.replace(pod, node=homes[pod.key], started=None) if pod.key in homes else pod
        for pod in snapshot.pods
    )
    victims = [pod for pod in pods if pod.key in homes and homes[pod.key] is None]
    budgets = tuple(_used_up(budget, victims) for budget in snapshot.budgets)
    inside = {report["job"] for report in plan["jobs"] if report["state"] != "waiting"}
    jobs = tuple(msgspec.structs.replace(job, admitted=job.admitted or job.key in inside) for job in snapshot.jobs)
    return msgspec.structs.replace(snapshot, pods=pods, budgets=budgets, jobs=jobs)


def _used_up(budget: PodDisruptionBudget, victims: list[Pod]) -> PodDisruptionBudget:
    """A budget less the victims it selects; the budgets here select by plain labels."""
    labels = budget.selector.match_labels.items()
    count = sum(pod.namespace == budget.namespace and labels <= pod.labels.items() for pod in victims)
    return msgspec.structs.replace(budget, disruptions_allowed=budget.disruptions_allowed - count)
