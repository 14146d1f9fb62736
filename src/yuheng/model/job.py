"""Jobs: pods that belong together, how many of them must start together, and where.

A job is read from a Volcano ``Job``, from a ``PodGroup`` that none owns, or from a ``Job`` that Kueue admits. Pods that
belong to none of these are jobs of their own (see `yuheng.scheduling.batch`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from yuheng.model.queue import DEFAULT_QUEUE
from yuheng.model.selectors import LabelSelector

__all__ = ["HyperNode", "Job", "JobTask", "NetworkTopology", "SubGroupPolicy", "TaskTopology"]


class NetworkTopology(msgspec.Struct, frozen=True):
    """How near to each other pods must (hard) or should (soft) run: in one `HyperNode` of at most this tier.

    Attributes:
        highest_tier: the highest tier allowed; None for any.
    """

    mode: Literal["hard", "soft"] = "hard"
    highest_tier: int | None = None


class SubGroupPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Pods of a job that form groups of their own, each whole or absent.

    Attributes:
        name: of the policy.
        selector: the pods it speaks of; None for all pods of the job.
        keys: labels; pods with equal values of all of them are one subgroup.
        size: pods that make a subgroup ready.
        minimum: subgroups that have to be ready before the job starts; 0 for none.
        topology: how near the pods of one subgroup run to each other.
    """

    name: str
    selector: LabelSelector | None = None
    keys: tuple[str, ...] = ()
    size: int = 1
    minimum: int = 0
    topology: NetworkTopology | None = None


class JobTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a job: pods of one template.

    Attributes:
        name: unique in the job.
        min_available: pods of it that must start with the job; 0 for none. The minima of all tasks bind only where
            `Job.min_available` is at least their sum, as in Volcano.
        depends_on: tasks that have to run before its pods start.
        depends_on_any: whether one of them is enough.
        succeeded: pods of it that ended well.
    """

    name: str
    min_available: int = 0
    depends_on: tuple[str, ...] = ()
    depends_on_any: bool = False
    succeeded: int = 0


class TaskTopology(msgspec.Struct, frozen=True):
    """Tasks of a job that would rather run together, or apart, by node; a task alone in ``apart`` avoids itself.

    Attributes:
        together: sets of task names.
        apart: sets of task names.
        order: the order in which tasks are placed, the first first.
    """

    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()
    order: tuple[str, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job. Its pods name it by `Pod.job`.

    Attributes:
        name, namespace: together its `key`.
        kind: what it was read from: ``Job``, ``PodGroup``.
        queue: the queue it is in.
        min_available: pods that must start together (with those that ended well).
        tasks: its tasks, in the order they were written.
        min_resources: what admission counts for it; None for what its first ``min_available`` pods ask for.
        priority: the value of its priority class; None for that of its pods.
        created: seconds since the epoch; jobs without a creation time sort last.
        admitted: it was let into scheduling before (``Inqueue`` or ``Running``).
        waiting_time: seconds that it may wait (SLA); None for the configuration's.
        preemptable: whether it gives way, and does not preempt others (tdm).
        disruption_min_available, disruption_max_unavailable: bounds of how many of its pods may be evicted in a step,
            as written (``2``, ``50%``); empty for none.
        topology: how near to each other its pods run.
        sub_groups: groups within the job.
        task_topology: tasks together, tasks apart.
        succeeded: pods that ended well.
    """

    name: str
    namespace: str = "default"
    kind: str = "Job"
    queue: str = DEFAULT_QUEUE
    min_available: int = 1
    tasks: tuple[JobTask, ...] = ()
    min_resources: dict[str, int] | None = None
    priority: int | None = None
    created: float = float("inf")
    admitted: bool = False
    waiting_time: float | None = None
    preemptable: bool | None = None
    disruption_min_available: str = ""
    disruption_max_unavailable: str = ""
    topology: NetworkTopology | None = None
    sub_groups: tuple[SubGroupPolicy, ...] = ()
    task_topology: TaskTopology = TaskTopology()
    succeeded: int = 0

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


class HyperNode(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the network (``topology.volcano.sh/v1alpha1``), its members resolved.

    Attributes:
        name: unique in the cluster.
        tier: how far apart its nodes are; lower is nearer.
        nodes: names of all nodes in it, those of its members' members too; sorted.
    """

    name: str
    tier: int
    nodes: tuple[str, ...] = ()
