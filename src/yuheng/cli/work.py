"""The long parts of a command, each under a progress bar that shows itself only when it takes long."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yuheng.cli.meter import Meter
from yuheng.errors import ConfigError
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Explanation, Headroom, Plan
from yuheng.model.policy import Policy

__all__ = ["chosen_policy", "explained", "measured", "planned", "snapshot_of"]

DEFAULT = "kubernetes"


def chosen_policy(name: str | None, config: Path | None) -> Policy:
    """The policy of a preset's name or of a scheduler configuration, not of both; of neither, kube-scheduler's.

    Raises:
        ConfigError: both were asked for, or the configuration cannot be used.
        NotFoundError: there is no such preset.
    """
    if config is not None:
        if name is not None:
            raise ConfigError(f"--policy {name} and --config {config}: found both, expected one of them")
        from yuheng.readers.scheduler_config import read_scheduler_config

        return read_scheduler_config(config)
    from yuheng.scheduling.presets import preset

    return preset(DEFAULT if name is None else name)


def snapshot_of(inputs: Sequence[str]) -> Snapshot:
    """Read the inputs."""
    from yuheng.readers import read

    with Meter("reading"):
        return read(*inputs)


def planned(snapshot: Snapshot, policy: Policy, seed: int) -> Plan:
    """Plan."""
    with _engine("planning") as meter:
        from yuheng.scheduling.planner import plan

        return plan(snapshot, policy, seed, meter.report)


def explained(snapshot: Snapshot, pod: str, policy: Policy, seed: int) -> Explanation:
    """Explain a pod."""
    with _engine("planning up to the pod's turn"):
        from yuheng.scheduling.planner import explain

        return explain(snapshot, pod, policy, seed)


def measured(snapshot: Snapshot, pod: str, policy: Policy, seed: int) -> Headroom:
    """Read a pod and measure how many more of it fit."""
    from yuheng.readers import read_pod

    model = read_pod(pod)
    with _engine("filling up") as meter:
        from yuheng.scheduling.planner import capacity

        return capacity(snapshot, model, policy, seed, meter.report)


def _engine(label: str) -> Meter:
    from yuheng.scheduling.kernel import is_warm

    return Meter(label if is_warm() else f"{label} (the first time, kernels are compiled: about half a minute)")
