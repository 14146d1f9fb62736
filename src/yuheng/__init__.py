"""Yuheng (玉衡): where every pod of a Kubernetes cluster, or of a fleet of them, runs, and why.

The public Python API: read a cluster, plan it, explain a pod or a job, ask for headroom and for the state of queues;
read a fleet, plan it, lose its parts in turn; read a scenario and simulate it.

    import yuheng

    snapshot = yuheng.read("cluster.json")
    plan = yuheng.plan(snapshot, policy="kubernetes")
    print(plan.to_dict()["summary"])

    fleet = yuheng.read_fleet("clusters/")
    print(yuheng.plan(fleet, objective="0.6*cost+0.4*time").summary.per_hour)

The engine's kernels are imported when the first plan is made, not with this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from yuheng.errors import ConfigError, YuhengError
from yuheng.model.batch_plan import QueueTree
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet_plan import Drill, FleetPlan, FleetState
from yuheng.model.plan import Explanation, Headroom, Plan
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.simulation import Simulation

if TYPE_CHECKING:
    from yuheng.model.deadline import DeadlineScenario
    from yuheng.model.fleet import Fleet
    from yuheng.model.scenario import Scenario
    from yuheng.model.shifting import ShiftingScenario

__all__ = [
    "Drill",
    "Explanation",
    "Fleet",
    "FleetPlan",
    "FleetState",
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
    "drill",
    "explain",
    "plan",
    "queues",
    "read",
    "read_fleet",
    "read_pod",
    "read_scenario",
    "read_scheduler_config",
    "simulate",
    "survey",
]

__version__ = version("yuheng")

Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> type:
        """`Fleet` and `Scenario`, once somebody asks for them: they import numpy, and help answers without."""
        if name not in ("Fleet", "Scenario"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found: type = getattr(import_module(f"yuheng.model.{name.lower()}"), name)
        return found


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


def read_fleet(*sources: Source) -> Fleet:
    """Read a fleet: clusters, regions, prices, policies, and the workloads that are decided for together.

    Args:
        sources: as for `read`; price books and egress prices are CSV among them. Paths in a file are relative to it.

    Raises:
        InputError: something is not what it should be; the message names file, object and field.
        NotFoundError: a path does not exist.
    """
    from yuheng.readers.fleet import read_fleet as read_sources

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


@overload
def plan(
    snapshot: Snapshot,
    policy: str | Policy | None = None,
    seed: int = 0,
    *,
    now: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Plan: ...


@overload
def plan(
    snapshot: Fleet,
    policy: str | Policy | None = None,
    seed: int = 0,
    *,
    now: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    objective: str | None = None,
    within: float | None = None,
    without: Sequence[str] = (),
    rebalance: bool = False,
    pareto: bool = False,
) -> FleetPlan: ...


def plan(  # noqa: PLR0913 -- a fleet is asked more than a cluster
    snapshot: Snapshot | Fleet,
    policy: str | Policy | None = None,
    seed: int = 0,
    *,
    now: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    objective: str | None = None,
    within: float | None = None,
    without: Sequence[str] = (),
    rebalance: bool = False,
    pareto: bool = False,
) -> Plan | FleetPlan:
    """Place every pending pod of a cluster, or every workload of a fleet.

    Pods of a cluster are placed by priority, then creation time, then name; every feasible node is considered. Jobs of
    queues are placed by their queues' rules before them, and may evict running pods.

    Args:
        snapshot: the cluster, or the fleet; it is not changed.
        policy: the name of a preset (see ``yuheng policies``) or a policy, which decides inside clusters; None for the
            configuration that the snapshot brings, or kube-scheduler's defaults.
        seed: of everything random; the same seed gives the same plan.
        now: the time it is, in seconds since the epoch; None for the latest time that the input tells of.
        progress: called now and then with the pods, or workloads, decided and to decide.
        objective: of a fleet: ``cost``, ``time``, ``carbon``, ``balanced``, or a sum such as ``0.6*cost+0.4*time``;
            None for cost, and for Karmada's policies to divide as Karmada does.
        within: of a fleet: the seconds within which everything that ends has to be finished; None for no limit.
        without: of a fleet: what is taken away before, such as ``region=eu-west-1``.
        rebalance: of a fleet: whether what runs may move.
        pareto: of a fleet: whether to make the plan under each objective, too.

    Raises:
        NotFoundError: there is no preset of that name, or nothing in the fleet that is taken away.
        InputError: a pod is bound to a node that is not in the snapshot.
        ConfigError: what only a fleet has an answer to was asked of a cluster; or the objective cannot be read.
    """
    if isinstance(snapshot, Snapshot):
        if objective is not None or within is not None or without or rebalance or pareto:
            raise ConfigError("objective, within, without, rebalance or pareto: found a cluster, expected a fleet")
        from yuheng.scheduling.planner import plan as run

        return run(snapshot, policy, seed, progress, now=now)
    from yuheng.placement.pareto import pareto as run_each
    from yuheng.placement.planner import Question
    from yuheng.placement.planner import plan as run_fleet

    question = Question(policy, objective, within, tuple(without), rebalance, seed, now)
    return (run_each if pareto else run_fleet)(snapshot, question, progress or _silent)


def drill(
    fleet: Fleet,
    policy: str | Policy | None = None,
    seed: int = 0,
    *,
    now: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    objective: str | None = None,
    without: Sequence[str] = (),
) -> Drill:
    """Lose each cluster, zone, region and provider of a fleet in turn: what moves, what finds no place, what it costs.

    Args:
        fleet: as it stands; what is pending finds its place before. It is not changed.
        policy: as for `plan`.
        seed: of everything random.
        now: as for `plan`.
        progress: called now and then with the losses tried and the losses to try.
        objective: as for `plan`: what the replacement is chosen by.
        without: as for `plan`: what is gone already.

    Raises:
        YuhengError: as for `plan`.
    """
    from yuheng.placement.drill import drill as run
    from yuheng.placement.planner import Question

    question = Question(policy, objective, None, tuple(without), rebalance=False, seed=seed, now=now)
    return run(fleet, question, progress)


def survey(fleet: Fleet, *, now: float | None = None) -> FleetState:
    """A fleet as it stands: what is free in its clusters, what they cost, what is known of its regions.

    Args:
        fleet: the fleet; it is not changed.
        now: the time of prices and carbon intensities, in seconds since the epoch; None for the latest time that the
            input tells of.
    """
    from yuheng.placement.survey import survey as run

    return run(fleet, now)


def _silent(done: int, total: int) -> None:
    """Progress that nobody asked for."""


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


def read_scenario(path: str | Path) -> Scenario | DeadlineScenario | ShiftingScenario:
    """Read a scenario: a cluster, a workload, what goes wrong, and the policies to compare on it; or of another kind.

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


def simulate(
    scenario: str | Path | Scenario | DeadlineScenario | ShiftingScenario, *, workers: int | None = None
) -> Simulation:
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
