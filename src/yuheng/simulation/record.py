"""What happened: who was where from when to when. Measures are worked out from it afterwards."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NodeSpan", "Outcome", "Record", "Sample", "Stints"]


class Outcome(IntEnum):
    """How a pod's stay on a node ended."""

    RUNNING = 0
    FINISHED = 1
    PREEMPTED = 2
    LOST = 3
    STOPPED = 4


class NodeSpan(NamedTuple):
    """A node exists from one time to another, in seconds."""

    node: int
    since: float
    until: float


class Sample(NamedTuple):
    """What can only be seen while it happens.

    Attributes:
        time: when, in seconds.
        fragmented: idle GPU milli that the typical workload cannot use.
        queues: by queue, the parts of the cluster that it deserves (no more than it asks for) and holds.
    """

    time: float
    fragmented: float
    queues: Mapping[str, tuple[float, float]] = {}


class Stints(NamedTuple):
    """Stays of pods on nodes, as columns; one that is not over ends with the simulation.

    Attributes:
        pod, node: (S,) numbers.
        bound, began, ended: (S,) when it was bound, when its work began (NaN if never), when it was over.
        outcome: (S,) an `Outcome`.
        lost: (S,) seconds of work that were lost with it.
    """

    pod: NDArray[np.int64]
    node: NDArray[np.int64]
    bound: NDArray[np.float64]
    began: NDArray[np.float64]
    ended: NDArray[np.float64]
    outcome: NDArray[np.int8]
    lost: NDArray[np.float64]


class Record:
    """Written while the simulation runs.

    Attributes:
        pod, node, outcome: of each stint so far, by its number.
        began: when its work began; NaN before.
        spans: nodes that existed, as far as their time is over.
        samples: in order of time.
    """

    def __init__(self) -> None:
        self.pod = array("q")
        self.outcome = array("b")
        self.began = array("d")
        self.spans: list[NodeSpan] = []
        self.samples: list[Sample] = []
        self.node = array("q")
        self._bound = array("d")
        self._ended = array("d")
        self._lost = array("d")

    def open(self, pod: int, node: int, time: float) -> int:
        """A pod was bound to a node; the number of the stint."""
        self.pod.append(pod)
        self.node.append(node)
        self._bound.append(time)
        self.began.append(float("nan"))
        self._ended.append(float("nan"))
        self._lost.append(0.0)
        self.outcome.append(Outcome.RUNNING)
        return len(self.pod) - 1

    def close(self, stint: int, time: float, outcome: Outcome, lost: float = 0.0) -> None:
        """A stint is over."""
        self._ended[stint] = time
        self.outcome[stint] = outcome
        self._lost[stint] = lost

    def stints(self, end: float) -> Stints:
        """All stints; those that are not over yet end now."""
        ended = np.array(self._ended, dtype=np.float64)
        ended[np.isnan(ended)] = end
        return Stints(
            np.array(self.pod, dtype=np.int64),
            np.array(self.node, dtype=np.int64),
            np.array(self._bound, dtype=np.float64),
            np.array(self.began, dtype=np.float64),
            ended,
            np.array(self.outcome, dtype=np.int8),
            np.array(self._lost, dtype=np.float64),
        )
