"""The pods that are missing: every workload's answer, in the order of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from yuheng.errors import InputError
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.refusing import Refuse, strictly
from yuheng.readers.workloads.daemons import daemon_set_pods
from yuheng.readers.workloads.fields import (
    CronJob,
    DaemonSet,
    Deployment,
    Job,
    ReplicaSet,
    StatefulSet,
    Workload,
    read_workload,
)
from yuheng.readers.workloads.jobs import cron_job_pods, job_pods
from yuheng.readers.workloads.replicas import deployment_pods, replica_set_pods, stateful_set_pods
from yuheng.readers.workloads.scene import Scene

__all__ = ["WORKLOAD_KINDS", "missing_pods"]

CONTROLLERS: Final[Mapping[type[Workload], Callable[[Any, Scene], list[Pod]]]] = {
    Deployment: deployment_pods,
    ReplicaSet: replica_set_pods,
    StatefulSet: stateful_set_pods,
    DaemonSet: daemon_set_pods,
    Job: job_pods,
    CronJob: cron_job_pods,
}
WORKLOAD_KINDS: Final = frozenset(kind.__name__ for kind in CONTROLLERS)


def missing_pods(
    objects: Iterable[Mapping[str, Any]],
    pods: Iterable[Pod],
    nodes: Sequence[Node],
    make_pod: Callable[[Mapping[str, Any]], Pod],
    refuse: Refuse = strictly,
) -> list[Pod]:
    """The pods that the controllers of these workloads would create next.

    They are pending, except where a template names its node: such a pod is bound from the start.

    Args:
        objects: decoded workloads (see ``WORKLOAD_KINDS``), without nulls; other kinds are passed over.
        pods: the pods that exist and are not finished; ``owner`` is the controller.
        nodes: the nodes, which decide where a DaemonSet runs.
        make_pod: from a complete v1 Pod to a pod of the model; called once for all pods that differ only by
            name and labels.
        refuse: is told of each workload that cannot be used; ``subject`` is the workload.

    Returns:
        The pods in the order of ``objects``, each workload's by their number. The same input gives the
        same names.

    Raises:
        InputError: a workload lacks its name or its template, has a negative count or a field of the wrong
            type, or ``make_pod`` refuses its template; and ``refuse`` raises it.
    """
    workloads = list(_read(objects, refuse))
    scene = Scene(workloads, pods, nodes, make_pod)
    found: list[Pod] = []
    for workload in workloads:
        # What is being deleted creates nothing any more.
        if workload.metadata.deletion_timestamp is None:
            try:
                found += CONTROLLERS[type(workload)](workload, scene)
            except InputError as error:
                refuse(error)
    return found


def _read(objects: Iterable[Mapping[str, Any]], refuse: Refuse) -> Iterator[Workload]:
    for document in objects:
        try:
            workload = read_workload(document)
        except InputError as error:
            refuse(error)
            continue
        if workload is not None:
            yield workload
