"""A node and what is on it: requests, host ports, GPUs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from yuheng.model.node import Node
from yuheng.model.pod import DeviceRequest, Pod, PodSpec


@dataclass
class Device:
    """One GPU: what is left of it, and its memory when nobody holds any."""

    milli: int
    memory: int
    size: int

    def untouched(self) -> bool:
        return self.milli == 1000 and self.memory == self.size

    def has_room_for(self, share: DeviceRequest) -> bool:
        return self.milli >= share.milli and self.memory >= share.memory

    def give(self, request: DeviceRequest) -> None:
        """Give a share of the device away, or all of it; it is never less than empty."""
        if request.is_share():
            self.milli = max(self.milli - request.milli, 0)
            self.memory = max(self.memory - request.memory, 0)
        else:
            self.milli = self.memory = 0


class Machine:
    """A node with its pods.

    ``version`` counts its changes: as long as it stays, nothing about the node can have changed.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.pods: list[Pod] = []
        self.requested: Counter[str] = Counter()
        self.scored: Counter[str] = Counter()
        size = node.devices.memory
        self.devices = [Device(1000, size, size) for _ in range(node.devices.count)]
        self.version = 0

    def add(self, pod: Pod) -> None:
        """Everything of a pod but its GPUs."""
        self.pods.append(pod)
        self.requested.update(pod.spec.requests)
        cpu, memory = pod.spec.held_requests or pod.spec.scoring_requests
        self.scored.update({"cpu": cpu, "memory": memory})
        self.version += 1

    def free(self, resource: str) -> int:
        return self.node.allocatable.get(resource, 0) - self.requested[resource]

    def gpu_holders(self) -> list[DeviceRequest]:
        return [pod.spec.devices for pod in self.pods if pod.spec.devices.count]

    def hold(self, pod: Pod) -> None:
        """Give a pod that runs already its GPUs.

        As recorded; else, for whole ones, those that are untouched, and for a share the one with the least left that
        has room; else those with the most left, because the node then holds more than it has.
        """
        request = pod.spec.devices
        chosen = [index for index in pod.device_indices if index < len(self.devices)]
        if not chosen and request.is_share():
            chosen = self._for_a_running_share(request)
        elif not chosen:
            by_room = sorted(
                range(len(self.devices)),
                key=lambda i: (not self.devices[i].untouched(), -self.devices[i].milli, i),
            )
            chosen = by_room[: request.count]
        for index in chosen:
            self.devices[index].give(request)

    def _for_a_running_share(self, request: DeviceRequest) -> list[int]:
        """One device; memory is no argument where the node does not say how much its devices have."""
        known = self.node.devices.memory > 0
        fitting = [
            index
            for index, device in enumerate(self.devices)
            if device.milli >= request.milli and (device.memory >= request.memory or not known)
        ]
        if fitting:
            return [min(fitting, key=lambda index: (self.devices[index].milli, index))]
        return sorted(range(len(self.devices)), key=lambda index: (-self.devices[index].milli, index))[:1]

    def fitting_devices(self, share: DeviceRequest) -> list[int]:
        return [index for index, device in enumerate(self.devices) if device.has_room_for(share)]

    def untouched_devices(self) -> list[int]:
        return [index for index, device in enumerate(self.devices) if device.untouched()]

    def has_devices_for(self, spec: PodSpec) -> bool:
        if spec.devices.is_share():
            return bool(self.fitting_devices(spec.devices))
        return len(self.untouched_devices()) >= spec.devices.count


def hold_running(machines: dict[str, Machine], bound: list[Pod]) -> None:
    """Give running pods their GPUs: first those whose indices are known, then whole devices, then shares."""
    holders = [pod for pod in bound if pod.spec.devices.count]
    for pod in sorted(holders, key=lambda pod: (not pod.device_indices, pod.spec.devices.is_share(), pod.key)):
        machines[pod.node].hold(pod)
