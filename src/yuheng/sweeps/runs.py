"""Runs as tasks, and as bytes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from yuheng.errors import YuhengError
from yuheng.model.scenario import Scenario
from yuheng.model.simulation import Run
from yuheng.simulation.run import run_one

__all__ = ["Task", "attempt", "packed", "tasks_of", "unpacked"]


class Task(NamedTuple):
    """A run to be made: the place of its policy in the scenario, and its seed."""

    policy: int
    seed: int


def tasks_of(scenario: Scenario) -> list[Task]:
    """All runs of a scenario: by policy, then by seed, as the scenario has them."""
    return [Task(policy, seed) for policy in range(len(scenario.policies)) for seed in scenario.seeds]


def attempt(scenario: Scenario, task: Task) -> bytes | YuhengError:
    """Make a run; packed, or the error it ended with.

    The error is a result like any other: it has to get from one process to another without what is wrapped around
    exceptions there.
    """
    try:
        return packed(run_one(scenario, scenario.policies[task.policy], task.seed))
    except YuhengError as error:
        return error


def packed(run: Run) -> bytes:
    """A run as bytes (MessagePack), numbers exact."""
    return msgspec.msgpack.encode(run, enc_hook=_plain)


def unpacked(data: bytes) -> Run:
    """The run that was packed.

    Raises:
        msgspec.DecodeError: the bytes are no run.
    """
    fields = msgspec.msgpack.decode(data)
    run = msgspec.convert(fields, Run)
    # Counts are whole numbers and are told as such, though their fields are of floats.
    return msgspec.structs.replace(run, totals=fields["totals"], series=tuple(fields["series"]))


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"found a {type(value).__name__} in a run")
