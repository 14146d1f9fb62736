"""Clusters with queues and jobs, drawn at random, as manifests; and what their queues deserve, worked out plainly.

The first of every choice is the plainest. Jobs run whole or not at all, and nothing runs where it does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

from tests.scheduling.batch.written import Manifest, configuration, node, pod_group, queue

PROTECTED = {"app": "protected"}
ALL_ACTIONS = ["enqueue", "allocate", "preempt", "reclaim", "backfill"]
PROPORTION: list[list[str | Manifest]] = [
    ["priority", "gang", "conformance"],
    ["predicates", "proportion", "nodeorder"],
]
CAPACITY: list[list[str | Manifest]] = [["priority", "gang", "conformance"], ["predicates", "capacity", "nodeorder"]]


class Drawn(NamedTuple):
    """A cluster in shorthand (see `written`); the budget allows so many disruptions of protected pods."""

    nodes: list[Manifest]
    queues: list[Manifest]
    jobs: list[Manifest]
    budget: int
    actions: list[str]
    tiers: list[list[str | Manifest]]

    def manifests(self) -> list[Manifest]:
        """The cluster as Kubernetes objects."""
        jobs = [manifest for job in self.jobs for manifest in pod_group(job)]
        settings = configuration(self.actions, self.tiers)
        return [*map(node, self.nodes), *map(queue, self.queues), *jobs, _budget(self.budget), settings]

    def leaves(self) -> list[str]:
        """The queues that have none below them."""
        parents = {each.get("parent") for each in self.queues}
        return [each["name"] for each in self.queues if each["name"] not in parents]

    def ancestry(self, name: str) -> list[str]:
        """A queue and those above it."""
        parents = {each["name"]: each.get("parent", "") for each in self.queues}
        found = []
        while name:
            found.append(name)
            name = parents[name]
        return found

    def total(self) -> int:
        """Cores of the cluster."""
        return sum(each["cpu"] for each in self.nodes)


def _budget(allowed: int) -> Manifest:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "protected", "namespace": "default"},
        "spec": {"maxUnavailable": allowed, "selector": {"matchLabels": PROTECTED}},
        "status": {"disruptionsAllowed": allowed},
    }


def cluster(rng: Random, actions: list[str], *, capacity: bool = False, units: bool = False) -> Drawn:
    """A cluster.

    Args:
        rng: draws everything.
        actions: of the scheduler.
        capacity: deserved amounts are written, rather than worked out from weights.
        units: every job is free to run any number of 1-core pods of one priority, and no queue has limits.
    """
    nodes: list[Manifest] = [
        {"name": f"n{index}", "cpu": rng.choice((4, 6, 8))} for index in range(rng.choice((2, 3, 4)))
    ]
    drawn = Drawn(nodes, _tree(rng), [], rng.choice((0, 1, 2)), actions, CAPACITY if capacity else PROPORTION)
    if capacity:
        _deserve(rng, drawn)
    if not units:
        _limit(rng, drawn)
    free = {each["name"]: each["cpu"] for each in nodes}
    for index in range(rng.choice((2, 4, 6, 8))):
        drawn.jobs.append(_job(rng, index, drawn.leaves(), free, units=units))
    return drawn


def _tree(rng: Random) -> list[Manifest]:
    queues: list[Manifest] = []
    for first in range(rng.choice((2, 3))):
        queues.append(_queue(rng, f"q{first}", ""))
        for second in range(rng.choice((0, 0, 2))):
            queues.append(_queue(rng, f"q{first}{second}", f"q{first}"))
            queues.extend(_queue(rng, f"q{first}{second}{third}", f"q{first}{second}") for third in _few(rng))
    return queues


def _few(rng: Random) -> range:
    return range(rng.choice((0, 0, 2)))


def _queue(rng: Random, name: str, parent: str) -> Manifest:
    return {"name": name, "weight": rng.choice((1, 2, 3)), **({"parent": parent} if parent else {})}


def _deserve(rng: Random, drawn: Drawn) -> None:
    """Share the cluster out among the leaves; those above have the sum of theirs."""
    amounts = dict.fromkeys((each["name"] for each in drawn.queues), 0)
    for _ in range(drawn.total()):
        for name in drawn.ancestry(rng.choice(drawn.leaves())):
            amounts[name] += 1
    for each in drawn.queues:
        each["deserved"] = {"cpu": amounts[each["name"]]}


def _limit(rng: Random, drawn: Drawn) -> None:
    """Guarantees of 1 to 2 cores for some leaves, and capabilities for some queues."""
    guaranteed = dict.fromkeys((each["name"] for each in drawn.queues), 0)
    for leaf in drawn.leaves():
        deserved = _named(drawn, leaf).get("deserved", {"cpu": 2})["cpu"]
        amount = min(rng.choice((0, 0, 1, 2)), deserved)
        if sum(guaranteed[name] for name in drawn.leaves()) + amount <= drawn.total() // 2:
            for name in drawn.ancestry(leaf):
                guaranteed[name] += amount
    for each in drawn.queues:
        if guaranteed[each["name"]]:
            each["guarantee"] = {"cpu": guaranteed[each["name"]]}
        if rng.choice((False, False, True)):
            least = max(guaranteed[each["name"]], each.get("deserved", {"cpu": 0})["cpu"], 1)
            each["capability"] = {"cpu": least + rng.choice((0, 1, 4))}


def _named(drawn: Drawn, name: str) -> Manifest:
    return next(each for each in drawn.queues if each["name"] == name)


def _job(rng: Random, index: int, leaves: list[str], free: dict[str, int], *, units: bool) -> Manifest:
    replicas = rng.choice((1, 2, 4, 8 if units else 3))
    job: Manifest = {
        "name": f"j{index}",
        "queue": rng.choice(leaves),
        "replicas": replicas,
        "min": 1 if units else rng.choice((1, replicas, (replicas + 1) // 2)),
        "cpu": 1 if units else rng.choice((1, 2)),
        "priority": 0 if units else rng.choice((0, 5, 10)),
        "created": rng.choice((0, 1, 2)),
    }
    if not units:
        job["labels"] = rng.choice(({}, {}, PROTECTED))
        job["namespace"] = rng.choice(("default", "default", "default", "kube-system"))
    if rng.choice((False, True)):
        job["running"] = _start(job, rng.choice((replicas, job["min"])), free)
    return job


def _start(job: Manifest, most: int, free: dict[str, int]) -> list[str]:
    """Nodes for so many pods of a job, or for none when its minimum does not fit."""
    left, homes = dict(free), []
    for _ in range(most):
        home = next((name for name, cores in left.items() if cores >= job["cpu"]), None)
        if home is not None:
            left[home] -= job["cpu"]
            homes.append(home)
    if len(homes) < job["min"]:
        return []
    free.update(left)
    return homes


# What queues deserve under proportion: section 3, word for word, with fractions.


def deserved(drawn: Drawn) -> dict[str, Fraction]:
    """Cores that each queue deserves."""
    found: dict[str, Fraction] = {}
    _share_out(drawn, "", Fraction(drawn.total()), usable(drawn), found)
    return found


def requests(drawn: Drawn) -> dict[str, int]:
    """Cores that each queue's jobs ask for, with those of the queues below it."""
    asked = dict.fromkeys((each["name"] for each in drawn.queues), 0)
    for job in drawn.jobs:
        for name in drawn.ancestry(job["queue"]):
            asked[name] += job["cpu"] * job["replicas"]
    return asked


def usable(drawn: Drawn) -> dict[str, int]:
    """Cores that each queue has a use for: no more than the limits below it let it take, and its guarantees."""
    asked = requests(drawn)
    for each in reversed(drawn.queues):
        below = [other for other in drawn.queues if other.get("parent") == each["name"]]
        name, guarantee = each["name"], _cores(each, "guarantee", 0)
        amount = sum(asked[other["name"]] for other in below) if below else asked[name]
        asked[name] = max(guarantee, min(amount, _cores(each, "capability", 10**6)))
    return asked


def _share_out(
    drawn: Drawn, parent: str, amount: Fraction, asked: Mapping[str, int], found: dict[str, Fraction]
) -> None:
    """Fill the queues below one with what it has, and each of them the queues below it."""
    children = [each for each in drawn.queues if each.get("parent", "") == parent]
    if not children:
        return
    floors = {each["name"]: Fraction(_cores(each, "guarantee", 0)) for each in children}
    ceilings = {}
    for each in children:
        name = each["name"]
        real = amount - sum(floors.values()) + floors[name]
        real = min(real, Fraction(_cores(each, "capability", 10**6)))
        ceilings[name] = max(floors[name], min(real, Fraction(asked[name])))
    filled = fill(amount, {each["name"]: each["weight"] for each in children}, floors, ceilings)
    for name, value in filled.items():
        found[name] = Fraction(int(value * 1000), 1000)
        _share_out(drawn, name, found[name], asked, found)


def fill(
    amount: Fraction, weights: Mapping[str, int], floors: Mapping[str, Fraction], ceilings: Mapping[str, Fraction]
) -> dict[str, Fraction]:
    """The weighted max-min fair division: raise one level until the amount is used up or all are at their ceiling."""
    bends = sorted({bound / weights[name] for bounds in (floors, ceilings) for name, bound in bounds.items()})

    def at(level: Fraction) -> dict[str, Fraction]:
        return {name: min(ceilings[name], max(floors[name], weights[name] * level)) for name in weights}

    below = Fraction(0)
    for level in bends:
        if sum(at(level).values()) > amount:
            used, more = sum(at(below).values()), sum(at(level).values())
            return at(below + (level - below) * (amount - used) / (more - used)) if more > used else at(below)
        below = level
    return at(below)


def cores(amounts: Mapping[str, Any]) -> Fraction:
    """Cores as the public format writes them."""
    text = str(amounts.get("cpu", "0"))
    return Fraction(text[:-1]) / 1000 if text.endswith("m") else Fraction(text)


def _cores(short: Manifest, field: str, default: int) -> int:
    amounts: Mapping[str, int] = short.get(field, {})
    return amounts.get("cpu", default)
