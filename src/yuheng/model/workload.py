"""A workload: jobs over time, as columns, so that a million of them are a few arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod

__all__ = ["Workload"]

Seconds = NDArray[np.float64]
Counts = NDArray[np.int32]


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs in the order they are submitted; row ``j`` of every column is job ``j``.

    Attributes:
        templates: pods to copy: specification, labels, namespace, priority and queue are theirs.
        template: (J,) which template a job's pods are copies of.
        submit: (J,) seconds since the start of the simulation, ascending.
        duration: (J,) seconds that each pod of the job works; infinite for one that never ends by itself.
        pods: (J,) how many pods the job has.
        minimum: (J,) how many of them have to start together; 1 for no gang.
        estimate: (J,) how long its owner says it works; NaN where nobody said.
        names: (J,) names of the jobs, unique; empty when they are numbered.
        usage: (J,) by resource name, what one pod uses on average, in the resource's own unit (cpu in milli-cores,
            memory in bytes, ``gpu`` in thousandths of a GPU); NaN where unknown. Absent resources are unknown.
        epoch: what second 0 is in seconds since the epoch; None when the trace does not say.
        warnings: what the reader had to assume, one sentence each.
    """

    templates: tuple[Pod, ...]
    template: Counts
    submit: Seconds
    duration: Seconds
    pods: Counts
    minimum: Counts
    estimate: Seconds
    names: Sequence[str] = ()
    usage: Mapping[str, Seconds] = {}
    epoch: float | None = None
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.template)

    def name(self, job: int) -> str:
        """The name of a job."""
        return self.names[job] if self.names else f"job-{job:07d}"
