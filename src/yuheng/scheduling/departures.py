"""Pods leave their nodes, those that this engine placed and those that ran before it was opened, and are put back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.scheduling.arrays import DEVICES_A_WORD, I32, I64, Cluster, Window
from yuheng.scheduling.compile import Holding, held_requests
from yuheng.scheduling.engine import Engine
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.room import leave, occupy

__all__ = ["Residents", "revert", "seat"]


@kernel
def revert(cluster: Cluster, window: Window, rows: I32, nodes: I32, devices: I64) -> None:
    """Take pods off their nodes again, the last first; the log gets a line for each.

    Args:
        cluster: the nodes.
        window: the classes in hand.
        rows: (pods,) the class of each, as a row of the window.
        nodes: (pods,) where they are.
        devices: (pods, words) the devices they hold, as the log told them.
    """
    for line in range(nodes.shape[0] - 1, -1, -1):
        n = nodes[line]
        w = rows[line]
        for d in range(cluster.device_free.shape[1] if window.device_count[w] > 0 else 0):
            if devices[line, d // DEVICES_A_WORD] >> (d % DEVICES_A_WORD) & 1:
                _give_back(cluster, window, w, n, d)
        if window.device_count[w] > 0:
            kind = 0 if window.device_milli[w] < 1000 else window.device_count[w]
            cluster.device_kinds[n, kind] -= 1
        leave(cluster, window, w, n)
        size = cluster.log_size[0]
        cluster.log_node[size] = n
        cluster.log_kind[size] = window.kind[w]
        cluster.log_sign[size] = -1
        cluster.log_size[0] = size + 1


@kernel
def _give_back(cluster: Cluster, window: Window, w: int, n: int, d: int) -> None:
    """Free what one pod of class ``w`` holds of device ``d``."""
    if window.device_milli[w] < 1000:
        cluster.device_free[n, d] += window.device_milli[w]
        cluster.device_memory[n, d] += window.device_memory[w]
    else:
        cluster.device_free[n, d] = 1000
        cluster.device_memory[n, d] = cluster.device_size[n]


@kernel
def seat(cluster: Cluster, window: Window, w: int, n: int, devices: I64) -> None:
    """Put a pod of class ``w`` on a node that was decided on elsewhere; the log gets a line.

    Args:
        cluster: the nodes.
        window: the class in hand.
        w: the class.
        n: the node.
        devices: (words,) the devices it holds, as a line of the log tells them.
    """
    size = cluster.log_size[0]
    for d in range(cluster.device_free.shape[1] if window.device_count[w] > 0 else 0):
        if devices[d // DEVICES_A_WORD] >> (d % DEVICES_A_WORD) & 1:
            cluster.device_free[n, d] -= min(window.device_milli[w], 1000)
            cluster.device_memory[n, d] -= window.device_memory[w]
            if window.device_milli[w] >= 1000:
                cluster.device_memory[n, d] = 0
    if window.device_count[w] > 0:
        kind = 0 if window.device_milli[w] < 1000 else window.device_count[w]
        cluster.device_kinds[n, kind] += 1
    occupy(cluster, window, w, n)
    cluster.log_node[size] = n
    cluster.log_kind[size] = window.kind[w]
    cluster.log_sign[size] = 1
    cluster.log_size[0] = size + 1


class Residents:
    """Pods that may leave and return by what they hold, whatever class they are of.

    Attributes:
        homes: (pods,) the node of each, where it was last.
        holdings: what those with GPUs hold of them.
    """

    def __init__(
        self, engine: Engine, pods: Sequence[Pod], homes: NDArray[np.int64], kinds: I32, requests: NDArray[np.int64]
    ) -> None:
        """Take pods in.

        Args:
            engine: the engine on whose nodes they are.
            pods: the pods.
            homes: (pods,) the node of each; -1 where it is on none.
            kinds: (pods,) the number of each among `Peers`.
            requests: (pods, R) what each asks for.
        """
        self._cluster = engine.cluster
        self.homes = homes
        self.holdings: dict[int, Holding] = dict(engine.holdings)
        self._kinds = kinds
        self._requests = requests
        self._held = np.array([held_requests(pod.spec) for pod in pods], dtype=np.int64).reshape(-1, 2)
        self._ports = {i: held for i, pod in enumerate(pods) if (held := engine.ports.held_by(pod.spec))}

    def shift(self, pods: NDArray[np.int64], sign: int, in_jobs: NDArray[np.bool_] | None = None) -> None:
        """Pods leave their nodes (sign -1), or return (1); the log gets a line for each and must have the room.

        Args:
            pods: their numbers.
            sign: whether they leave or return.
            in_jobs: (pods,) which of them count as batch; needed where room is reserved for services.
        """
        cluster = self._cluster
        nodes = self.homes[pods]
        rows = self._requests[pods] * sign
        np.add.at(cluster.used, nodes, rows)
        np.add.at(cluster.scoring_used, nodes, self._held[pods] * sign)
        np.add.at(cluster.pods, nodes, sign)
        if cluster.batch_used.shape[0] and in_jobs is not None:
            np.add.at(cluster.batch_used, nodes[in_jobs], rows[in_jobs])
        for i in pods.tolist():
            for port in self._ports.get(i, ()):
                cluster.ports[self.homes[i], port] += sign
            if i in self.holdings:
                self._shift_devices(self.holdings[i], sign)
        size = int(cluster.log_size[0])
        lines = slice(size, size + len(pods))
        cluster.log_node[lines] = nodes
        cluster.log_kind[lines] = self._kinds[pods]
        cluster.log_sign[lines] = sign
        cluster.log_size[0] = size + len(pods)

    def _shift_devices(self, holding: Holding, sign: int) -> None:
        cluster = self._cluster
        cluster.device_kinds[holding.node, holding.kind] += sign
        for d, milli, memory in holding.parts:
            cluster.device_free[holding.node, d] -= sign * milli
            cluster.device_memory[holding.node, d] -= sign * memory
