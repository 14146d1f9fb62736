"""Runs on a Ray cluster: the one that ``RAY_ADDRESS`` names, or that runs on this machine, or else one of our own.

Ray starts the processes, on whichever machines it has, and makes a run again when its machine is lost. The machines
need the same Yuheng as this one; a run says so when they have another.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, Final

from yuheng.errors import ConfigError, YuhengError
from yuheng.model.scenario import Scenario
from yuheng.sweeps.identity import engine_digest
from yuheng.sweeps.runs import Task, attempt

__all__ = ["on_ray"]

_PATIENCE_SECONDS: Final = 5.0


def on_ray(
    scenario: Scenario, tasks: Sequence[Task], workers: int | None, *, first_alone: bool
) -> Generator[tuple[Task, bytes | YuhengError], None, None]:
    """Make runs on a Ray cluster; closing the iterator cancels them.

    Args:
        scenario: what to simulate; sent once to the cluster.
        tasks: the runs to make.
        workers: how many at a time; None for as many as the cluster has room for.
        first_alone: whether the first run is made before the others begin.

    Yields:
        What `attempt` says of each task, as they are done.

    Raises:
        ConfigError: Ray is not installed, or its cluster cannot be reached.
        YuhengError: Ray lost a run for good.
    """
    ray = _imported()
    ours = not ray.is_initialized()
    if ours:
        _connect(ray)
    waiting, running = deque(tasks), dict[Any, Task]()
    most = 1 if first_alone else workers or len(tasks)
    try:
        content = ray.put(pickle.dumps(scenario, pickle.HIGHEST_PROTOCOL))
        run = ray.remote(_run)
        while waiting or running:
            while waiting and len(running) < most:
                task = waiting.popleft()
                running[run.remote(content, task, engine_digest())] = task
            for reference in ray.wait(list(running))[0]:
                yield running[reference], _result(ray, reference)
                del running[reference]
            most = workers or len(tasks)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        if ours:
            ray.shutdown()


def _imported() -> Any:  # noqa: ANN401 -- Ray is not there when types are checked
    try:
        import ray  # noqa: PLC0415 -- an extra
    except ImportError as error:
        raise ConfigError('engine ray: found no Ray, expected it to be installed: pip install "yuheng[ray]"') from error
    return ray


def _connect(ray: Any) -> None:  # noqa: ANN401
    _check_answers(os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"engine ray: found no cluster that answers ({reason}), expected one, or none") from error


def _check_answers(address: str) -> None:
    """Refuse an address at which nobody listens: Ray itself would go on trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"RAY_ADDRESS: found nobody who answers at {address}, expected a Ray cluster") from error


def _result(ray: Any, reference: Any) -> bytes | YuhengError:  # noqa: ANN401
    try:
        result: bytes | YuhengError = ray.get(reference)
    except (ray.exceptions.RaySystemError, ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
        raise YuhengError(f"engine ray: a run was lost: {' '.join(str(error).split())}") from error
    return result


def _run(content: bytes, task: Task, engine: str) -> bytes | YuhengError:
    """Make a run, on whatever machine this is."""
    if engine_digest() != engine:
        return ConfigError("engine ray: found another version of Yuheng on the cluster, expected this one")
    return attempt(pickle.loads(content), Task(*task))  # noqa: S301 -- our own, by way of Ray
