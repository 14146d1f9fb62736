"""Yuheng (玉衡): where every pod of a Kubernetes cluster runs, and why.

The public Python API: read a cluster, plan it, explain a pod or a job, ask for headroom and for the state of queues;
read a scenario and simulate it.

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
from typing import TYPE_CHECKING, Any

from yuheng.errors import YuhengError
from yuheng.model.batch_plan import QueueTree
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Explanation, Headroom, Plan
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.simulation import Simulation

if TYPE_CHECKING:
    from yuheng.model.scenario import Scenario

__all__ = [
    "Explanation",
    "Headroom",
    "Plan",
    "Pod",
    "Policy",
    "QueueTree",
    "Scenario",
    "Simulation",
    "Snapshot",
    "YuhengError",
    "capacity",
    "explain",
    "plan",
    "queues",
    "read",
    "read_pod",
    "read_scenario",
    "read_scheduler_config",
    "simulate",
]

__version__ = version("yuheng")

Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> type:
        """`Scenario`, once somebody asks for it: it imports numpy, and help answers without."""
        if name != "Scenario":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from yuheng.model.scenario import Scenario

        return Scenario


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
    policy: str | Policy | None = None,
    seed: int = 0,
    *,
    now: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Place every pending pod: by priority, then creation time, then name; every feasible node is considered.

    Jobs of queues are placed by their queues' rules before them, and may evict running pods.

    Args:
        snapshot: the cluster; it is not changed.
        policy: the name of a preset (see ``yuheng policies``) or a policy; None for the configuration that the snapshot
            brings, or kube-scheduler's defaults.
        seed: of everything random; the same seed gives the same plan.
        now: the time it is, in seconds since the epoch; None for the latest time that the snapshot tells of.
        progress: called now and then with the pods decided and the pods to decide.

    Raises:
        NotFoundError: there is no preset of that name.
        InputError: a pod is bound to a node that is not in the snapshot.
    """
    from yuheng.scheduling.planner import plan as run

    return run(snapshot, policy, seed, progress, now=now)


def explain(
    snapshot: Snapshot,
    pod: str,
    policy: str | Policy | None = None,
    seed: int = 0,
    *,
    now: float | None = None,
) -> Explanation:
    """Why a pod or a job is pending, or would go where it would go, or is where it is.

    Args:
        snapshot: the cluster; it is not changed.
        pod: ``namespace/name`` of a pod, or of a job when no pod has that name.
        policy: as for `plan`.
        seed: of everything random.
        now: as for `plan`.

    Raises:
        NotFoundError: there is no such pod or job, or no preset of that name.
    """
    from yuheng.scheduling.planner import explain as run

    return run(snapshot, pod, policy, seed, now=now)


def capacity(snapshot: Snapshot, pod: Pod, policy: str | Policy | None = None, seed: int = 0) -> Headroom:
    """How many more of a pod fit beside the pods that run, on which nodes, and what runs out first.

    Args:
        snapshot: the cluster; it is not changed, and its pending pods are not counted as placed.
        pod: the pod to repeat (see `read_pod`).
        policy: as for `plan`.
        seed: of everything random.

    Raises:
        NotFoundError: there is no preset of that name.
    """
    from yuheng.scheduling.planner import capacity as run

    return run(snapshot, pod, policy, seed)


def queues(snapshot: Snapshot, policy: str | Policy | None = None, *, now: float | None = None) -> QueueTree:
    """What each queue deserves, holds, asks for and borrows, and how many of its jobs run and wait.

    Args:
        snapshot: the cluster; it is not changed.
        policy: as for `plan`; its batch side decides.
        now: as for `plan`.

    Raises:
        NotFoundError: there is no preset of that name.
    """
    from yuheng.scheduling.planner import queues as run

    return run(snapshot, policy, now)


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario: a cluster, a workload, what goes wrong, and the policies to compare on it.

    Args:
        path: the file, in YAML or JSON; the paths in it are relative to its folder.

    Raises:
        InputError: the scenario, or a file it refers to, is not what it should be.
        ConfigError: a scheduler configuration it refers to cannot be used.
        NotFoundError: there is no such file.
    """
    from yuheng.readers.scenario import read_scenario as read_from
    from yuheng.scheduling.presets import preset

    return read_from(path, preset)


def simulate(scenario: str | Path | Scenario, *, workers: int | None = None) -> Simulation:
    """Simulate a scenario: every policy on every seed, and how they compare.

    Args:
        scenario: the scenario, or the path of its file. Its ``outputs`` are not written.
        workers: how many processes make runs; None for one for each cpu. The results are the same.

    Raises:
        YuhengError: as for `read_scenario`; something in the scenario cannot be worked with; or a process was killed,
            as happens when memory runs out.
    """
    from yuheng.sweeps import simulate as run

    return run(read_scenario(scenario) if isinstance(scenario, str | Path) else scenario, workers=workers)
