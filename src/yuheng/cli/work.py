"""The long parts of a command, each under a progress bar that shows itself only when it takes long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from yuheng.cli.meter import Meter
from yuheng.errors import ConfigError, NotFoundError
from yuheng.model.batch_plan import QueueTree
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Explanation, Headroom, Plan
from yuheng.model.policy import Policy

if TYPE_CHECKING:
    from yuheng.model.fleet import Fleet

__all__ = [
    "chosen_policy",
    "chosen_time",
    "engine",
    "explained",
    "measured",
    "planned",
    "shared",
    "snapshot_of",
    "state_of",
]


def chosen_policy(name: str | None, config: Path | None) -> Policy | None:
    """The policy of a preset's name or of a scheduler configuration, not of both; None of neither: the engine chooses.

    Raises:
        ConfigError: both were asked for, or the configuration cannot be used.
        NotFoundError: there is no such preset.
    """
    if config is not None:
        if name is not None:
            raise ConfigError(f"--policy {name} and --config {config}: found both, expected one of them")
        from yuheng.readers.scheduler_config import read_scheduler_config

        return read_scheduler_config(config)
    if name is None:
        return None
    from yuheng.scheduling.presets import preset

    return preset(name)


def chosen_time(text: str | None) -> float | None:
    """The seconds since the epoch that ``--now`` means; None where it was not given.

    Raises:
        ConfigError: it is no time, or one without a time zone.
    """
    if text is None:
        return None
    if text == "now":
        return time.time()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ConfigError(f"--now: found {text!r}, expected a time such as 2026-01-31T09:00:00Z")
    return found.timestamp()


def state_of(inputs: Sequence[str]) -> Fleet | Snapshot:
    """Read the inputs: a fleet where they hold a Cluster, else the state of one cluster."""
    from yuheng.readers.fleet import read_state

    with Meter("reading"):
        return read_state(*inputs)


def snapshot_of(inputs: Sequence[str], instead: str) -> Snapshot:
    """Read the inputs as the state of one cluster.

    Args:
        inputs: what is read.
        instead: what answers the question of a fleet.

    Raises:
        ConfigError: they are a fleet.
    """
    state = state_of(inputs)
    if not isinstance(state, Snapshot):
        raise ConfigError(f"{', '.join(inputs)}: found a fleet, expected the state of one cluster; {instead}")
    return state


def planned(snapshot: Snapshot, policy: Policy | None, seed: int, now: float | None = None) -> Plan:
    """Plan."""
    with engine("planning") as meter:
        from yuheng.scheduling.planner import plan

        return plan(snapshot, policy, seed, meter.report, now=now)


def explained(snapshot: Snapshot, name: str, policy: Policy | None, seed: int, now: float | None = None) -> Explanation:
    """Explain a pod or a job."""
    with engine("planning up to the pod's turn"):
        from yuheng.scheduling.planner import explain

        try:
            return explain(snapshot, name, policy, seed, now=now)
        except NotFoundError as error:
            # What was left out of a capture is there all the same.
            said = next((one for one in snapshot.warnings if f" {name}: " in one), None)
            if said is None:
                raise
            raise NotFoundError(f"pod: found no {name!r} to be explained: {said}") from error


def shared(snapshot: Snapshot, policy: Policy | None, now: float | None) -> QueueTree:
    """Share the cluster out among its queues."""
    with engine("sharing out"):
        from yuheng.scheduling.planner import queues

        return queues(snapshot, policy, now)


def measured(snapshot: Snapshot, pod: str, policy: Policy | None, seed: int) -> Headroom:
    """Read a pod and measure how many more of it fit."""
    from yuheng.readers import read_pod

    model = read_pod(pod)
    with engine("filling up") as meter:
        from yuheng.scheduling.planner import capacity

        return capacity(snapshot, model, policy, seed, meter.report)


def engine(label: str) -> Meter:
    """A progress bar that says so where kernels are compiled first."""
    from yuheng.scheduling.kernel import is_warm

    return Meter(label if is_warm() else f"{label} (the first time, kernels are compiled: about half a minute)")
