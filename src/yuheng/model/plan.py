"""What the engine answers: a plan, an explanation, a headroom. Immutable, and ready to be printed or serialised.

The dictionaries that ``to_dict`` gives are the public format ``yuheng.io/v1alpha1``; their JSON Schemas ship in
``yuheng/reporting/schemas``.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from yuheng.model.batch_plan import Eviction, JobReport, QueueReport, quantities

__all__ = [
    "Allocation",
    "Candidate",
    "Explanation",
    "Headroom",
    "NearMiss",
    "NodeHeadroom",
    "NodeUsage",
    "Placement",
    "Plan",
    "Reason",
    "Refusal",
    "Summary",
    "listed",
]

API_VERSION: Final = "yuheng.io/v1alpha1"


class Placement(msgspec.Struct, frozen=True, omit_defaults=True):
    """A pod and the node (and GPUs, by index) that were chosen for it."""

    pod: str
    node: str
    devices: tuple[int, ...] = ()


class Reason(msgspec.Struct, frozen=True):
    """Why nodes were rejected: the filter, its words, and how many nodes it said them of."""

    filter: str
    detail: str
    nodes: int


class NearMiss(msgspec.Struct, frozen=True):
    """A node that comes close, and what it lacks: amounts by resource, or a rule's words by filter."""

    node: str
    lacks: dict[str, str]


class Refusal(msgspec.Struct, frozen=True):
    """A pod that stays pending: kube-scheduler's sentence, the reasons, the closest nodes, the smallest change."""

    pod: str
    message: str
    reasons: tuple[Reason, ...] = ()
    closest: tuple[NearMiss, ...] = ()
    hint: str = ""


class Allocation(msgspec.Struct, frozen=True):
    """The share of the allocatable amount of a resource that is requested, before and after the plan.

    1 is all of it; running pods that hold more than their nodes have make it more.
    """

    before: float
    after: float


class NodeUsage(msgspec.Struct, frozen=True):
    """A node's allocatable amounts and what is requested of them, by resource name.

    ``gpu`` (in device milli) stands beside the Kubernetes resources where the node has devices.
    """

    node: str
    allocatable: dict[str, int]
    before: dict[str, int]
    after: dict[str, int]


class Summary(msgspec.Struct, frozen=True):
    """A plan in numbers.

    Attributes:
        pods: the pending pods that were considered (placed + unschedulable).
        bound: pods that ran already.
        allocation: by resource name, over all nodes.
        seconds: wall-clock time of planning, without reading the input.
    """

    nodes: int
    pods: int
    placed: int
    unschedulable: int
    bound: int
    allocation: dict[str, Allocation]
    seconds: float


class Plan(msgspec.Struct, frozen=True):
    """The decisions for a snapshot, with their reasons.

    Attributes:
        policy: the name of the policy that decided.
        placements: in the order they were made.
        unschedulable: in the order they were refused.
        usage: each node before and after, sorted by name.
        warnings: what had to be assumed or left out, one sentence each.
        evictions: the running pods that have to go first, in the order they were chosen.
        jobs: every job after the plan, those that run first, then in the order they wait; empty without queues.
    """

    policy: str
    placements: tuple[Placement, ...]
    unschedulable: tuple[Refusal, ...]
    summary: Summary
    usage: tuple[NodeUsage, ...] = ()
    warnings: tuple[str, ...] = ()
    evictions: tuple[Eviction, ...] = ()
    jobs: tuple[JobReport, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The plan in the public format (kind ``Plan``): plain dictionaries, lists, strings and numbers."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Plan",
            "policy": self.policy,
            "placements": [
                {"pod": placement.pod, "node": placement.node, "devices": list(placement.devices)}
                for placement in self.placements
            ],
            "unschedulable": listed(msgspec.to_builtins(self.unschedulable)),
            "evictions": [msgspec.to_builtins(eviction) for eviction in self.evictions],
            "jobs": [report.to_dict() for report in self.jobs],
            "summary": msgspec.to_builtins(self.summary),
            "warnings": list(self.warnings),
        }

    def to_frame(self) -> list[dict[str, Any]]:
        """One row a pod, in the form that ``pandas.DataFrame(rows)`` and ``polars.DataFrame(rows)`` take.

        Columns: ``namespace``, ``pod``, ``node`` (None when it stays pending), ``devices`` (comma-separated
        indices), ``message`` and ``hint`` (empty when placed).
        """
        placed = (
            (placement.pod, placement.node, ",".join(map(str, placement.devices)), "", "")
            for placement in self.placements
        )
        refused = ((refusal.pod, None, "", refusal.message, refusal.hint) for refusal in self.unschedulable)
        columns = ("namespace", "pod", "node", "devices", "message", "hint")
        return [dict(zip(columns, (*key.split("/", 1), *rest), strict=True)) for key, *rest in (*placed, *refused)]


class Candidate(msgspec.Struct, frozen=True):
    """A feasible node with its score: the total, and each plugin's share of it (weight included)."""

    node: str
    total: int
    plugins: dict[str, int]


class Explanation(msgspec.Struct, frozen=True):
    """Why one pod is where it is, would go where it would go, or waits.

    Attributes:
        verdict: ``fits`` (pending, and the plan places it), ``pending`` (the plan cannot place it) or ``bound``.
        scores: every feasible node, best first, ties by name.
        job: the pod's job after the plan; None without queues. When a job was asked for, ``pod`` is its name.
        queue: the job's queue before the plan.
        borrowers: the queues that use more than their own entitlement, and how much.
        eviction: what takes a bound pod's place, when the plan evicts it.
    """

    pod: str
    verdict: Literal["fits", "pending", "bound"]
    message: str
    reasons: tuple[Reason, ...] = ()
    closest: tuple[NearMiss, ...] = ()
    hint: str = ""
    scores: tuple[Candidate, ...] = ()
    node: str = ""
    job: JobReport | None = None
    queue: QueueReport | None = None
    borrowers: tuple[tuple[str, dict[str, int]], ...] = ()
    eviction: Eviction | None = None

    def to_dict(self) -> dict[str, Any]:
        """The explanation in the public format (kind ``Explanation``); what concerns queues only where there are."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        for key in ("job", "queue", "borrowers", "eviction"):
            del body[key]
        body = listed(body)
        if self.job is not None:
            body["job"] = self.job.to_dict()
        if self.queue is not None:
            body["queue"] = self.queue.to_dict()
            body["borrowers"] = {name: quantities(amounts) for name, amounts in self.borrowers}
        if self.eviction is not None:
            body["eviction"] = msgspec.to_builtins(self.eviction)
        return {"apiVersion": API_VERSION, "kind": "Explanation", **body}


class NodeHeadroom(msgspec.Struct, frozen=True):
    """How many more of the pod fit on one node."""

    node: str
    pods: int


class Headroom(msgspec.Struct, frozen=True):
    """How many more of a pod fit on a cluster.

    Attributes:
        total: how many more fit, placed one after the other by the policy.
        nodes: those that take at least one, most first, ties by name.
        message: why the next one does not fit, in kube-scheduler's words.
        reasons: the same, counted: what runs out.
        limit: the words said of most nodes in that moment: what runs out first.
    """

    pod: str
    policy: str
    total: int
    nodes: tuple[NodeHeadroom, ...]
    message: str
    reasons: tuple[Reason, ...] = ()
    limit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The headroom in the public format (kind ``Headroom``)."""
        body: dict[str, Any] = msgspec.to_builtins(self)
        return {"apiVersion": API_VERSION, "kind": "Headroom", **listed(body)}


def listed(value: Any) -> Any:  # noqa: ANN401 -- walks plain data of any depth
    """Tuples as lists, all the way down, so that the dictionary equals its own JSON."""
    if isinstance(value, dict):
        return {key: listed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [listed(item) for item in value]
    return value
