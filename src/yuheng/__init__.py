"""Yuheng (玉衡): where every pod of a Kubernetes cluster runs, and why.

The public Python API: read a cluster, plan it, explain a pod, ask for headroom.

    import yuheng

    snapshot = yuheng.read("cluster.json")
    plan = yuheng.plan(snapshot, policy="kubernetes")
    print(plan.to_dict()["summary"])

The engine's kernels are imported when the first plan is made, not with this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from yuheng.errors import YuhengError
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Explanation, Headroom, Plan
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy

__all__ = [
    "Explanation",
    "Headroom",
    "Plan",
    "Pod",
    "Policy",
    "Snapshot",
    "YuhengError",
    "capacity",
    "explain",
    "plan",
    "read",
    "read_pod",
    "read_scheduler_config",
]

__version__ = version("yuheng")

Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]


def read(*sources: Source) -> Snapshot:
    """Read a cluster: what exists and what is pending.

    Args:
        sources: paths of files and folders (JSON, YAML, CSV of the openb trace; ``.gz`` too; ``-`` for standard input),
            or objects that are parsed already: dictionaries, and lists of them.

    Raises:
        InputError: something is not what it should be; the message names file, object and field.
        NotFoundError: a path does not exist.
    """
    from yuheng.readers import read as read_sources

    return read_sources(*sources)


def read_pod(source: str | Path | Mapping[str, Any]) -> Pod:
    """Read one pod from a manifest, or the pod a workload's template describes.

    Raises:
        InputError: it is not the manifest of a pod or a workload.
    """
    from yuheng.readers import read_pod as read_one

    return read_one(source)


def read_scheduler_config(source: str | Path) -> Policy:
    """Read a ``KubeSchedulerConfiguration`` as a policy; its ``warnings`` name what Yuheng does not have.

    Raises:
        ConfigError: it cannot be used; the message names file and field.
    """
    from yuheng.readers.scheduler_config import read_scheduler_config as read_config

    return read_config(source)


def plan(
    snapshot: Snapshot,
    policy: str | Policy = "kubernetes",
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Place every pending pod: by priority, then creation time, then name; every feasible node is considered.

    Args:
        snapshot: the cluster; it is not changed.
        policy: the name of a preset (see ``yuheng policies``) or a policy.
        seed: of everything random; the same seed gives the same plan.
        progress: called now and then with the pods decided and the pods to decide.

    Raises:
        NotFoundError: there is no preset of that name.
        InputError: a pod is bound to a node that is not in the snapshot.
    """
    from yuheng.scheduling.planner import plan as run

    return run(snapshot, policy, seed, progress)


def explain(snapshot: Snapshot, pod: str, policy: str | Policy = "kubernetes", seed: int = 0) -> Explanation:
    """Why a pod is pending, or would go where it would go, or is where it is.

    Args:
        snapshot: the cluster; it is not changed.
        pod: ``namespace/name``.
        policy: the name of a preset or a policy.
        seed: of everything random.

    Raises:
        NotFoundError: there is no such pod, or no preset of that name.
    """
    from yuheng.scheduling.planner import explain as run

    return run(snapshot, pod, policy, seed)


def capacity(snapshot: Snapshot, pod: Pod, policy: str | Policy = "kubernetes", seed: int = 0) -> Headroom:
    """How many more of a pod fit beside the pods that run, on which nodes, and what runs out first.

    Args:
        snapshot: the cluster; it is not changed, and its pending pods are not counted as placed.
        pod: the pod to repeat (see `read_pod`).
        policy: the name of a preset or a policy.
        seed: of everything random.

    Raises:
        NotFoundError: there is no preset of that name.
    """
    from yuheng.scheduling.planner import capacity as run

    return run(snapshot, pod, policy, seed)
