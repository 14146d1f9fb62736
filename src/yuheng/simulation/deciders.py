"""The engine as a simulation sees it."""

from __future__ import annotations

from collections.abc import Sequence

from yuheng.scheduling.scheduler import Scheduler
from yuheng.simulation.simulator import Decisions

__all__ = ["PodByPod"]


class PodByPod:
    """Pods are decided on one by one, as kube-scheduler does: there are no queues and no gangs."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._backlog = scheduler.backlog

    @property
    def waiting(self) -> int:
        """How many pods wait."""
        return self._backlog.waiting

    @property
    def restless(self) -> bool:
        """Whether a pod whose rules look at other pods might find room now that others were placed."""
        return self._backlog.is_open

    def submit(self, job: int, pods: Sequence[int]) -> None:  # noqa: ARG002 -- pods stand for themselves here
        """Pods wait from now on."""
        for pod in pods:
            self._scheduler.submit(pod)

    def cycle(self, now: float) -> Decisions:  # noqa: ARG002 -- nothing here depends on the time
        """Give every waiting pod its turn."""
        return Decisions(self._scheduler.cycle())

    def node_of(self, pod: int) -> int:
        """The node that a pod is on."""
        return int(self._scheduler.node_of[pod])

    def leave(self, pods: Sequence[int], *, finished: bool) -> None:  # noqa: ARG002 -- both free the same room
        """Pods are taken off their nodes."""
        self._scheduler.leave(pods)

    def close(self, nodes: Sequence[int]) -> None:
        """Nothing more may be placed on these nodes."""
        self._scheduler.close(nodes)

    def open(self, nodes: Sequence[int]) -> None:
        """Pods may be placed on these nodes."""
        self._scheduler.open(nodes)
