"""The cluster as the oracle keeps it, and the turn of one pod in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from msgspec.structs import replace

from tests.oracle.machine import Machine, hold_running
from tests.oracle.typical import Fragmentation, typical_workload
from yuheng.model.cluster import PersistentVolume, Snapshot
from yuheng.model.pod import DeviceRequest, Pod
from yuheng.model.policy import Policy


class World:
    """A cluster and the policy that is in force.

    Args:
        snapshot: the cluster.
        policy: the policy.
        order: all node names in the order that breaks ties; by name when not given.
    """

    def __init__(self, snapshot: Snapshot, policy: Policy, order: Sequence[str] = ()) -> None:
        self.snapshot = snapshot
        self.policy = policy
        self.machines = {node.name: Machine(node) for node in sorted(snapshot.nodes, key=lambda node: node.name)}
        self.place_in_order = {name: place for place, name in enumerate(order or self.machines)}
        bound = [pod for pod in snapshot.pods if pod.node is not None]
        for pod in bound:
            self.machines[pod.node].add(pod)
        hold_running(self.machines, bound)
        self._known: dict[tuple[object, ...], tuple[int, Any]] = {}

    def queue(self) -> list[Pod]:
        """The pods to place: high priority first, then old before young, then by namespace and name.

        Without DeviceFit nobody hands out GPUs: no pod is seen to ask for any.
        """
        waiting = [pod for pod in self.snapshot.pods if pod.node is None and not pod.spec.gates]
        if "DeviceFit" not in self.policy.filters:
            waiting = [replace(pod, spec=replace(pod.spec, devices=DeviceRequest())) for pod in waiting]
        return sorted(waiting, key=lambda pod: (-pod.priority, pod.created, pod.namespace, pod.name))

    def remember(self, question: Callable[[World, Pod, Machine], Any], pod: Pod, machine: Machine) -> Any:
        """The answer to a question about a pod's spec and one node, asked again only when the node has changed."""
        key = (question, pod.namespace, id(pod.spec), machine.node.name)
        version, answer = self._known.get(key, (-1, None))
        if version != machine.version:
            answer = question(self, pod, machine)
            self._known[key] = (machine.version, answer)
        return answer

    def volumes_of(self, pod: Pod) -> list[PersistentVolume]:
        keys = [f"{pod.namespace}/{claim}" for claim in pod.spec.claims]
        return [self.snapshot.volumes[key] for key in keys if key in self.snapshot.volumes]

    @cached_property
    def largest_cpu(self) -> int:
        """Milli-cores of the largest node; at least 1, to divide by."""
        return max([1, *(machine.node.allocatable.get("cpu", 0) for machine in self.machines.values())])

    @cached_property
    def largest_gpu(self) -> int:
        """GPU milli of the node that has most; at least 1, to divide by."""
        return max([1, *(1000 * machine.node.devices.count for machine in self.machines.values())])

    @cached_property
    def image_sizes(self) -> dict[str, tuple[int, int]]:
        """By image name: how large the first node that has it says it is, and how many nodes have it."""
        found: dict[str, tuple[int, int]] = {}
        for machine in self.machines.values():
            mine = {name: image.size_bytes for image in reversed(machine.node.images) for name in image.names}
            for name, size in mine.items():
                first, holders = found.get(name, (size, 0))
                found[name] = (first, holders + 1)
        return found

    @cached_property
    def fragmentation(self) -> Fragmentation:
        pods = [pod for pod in self.snapshot.pods if pod.node is not None or not pod.spec.gates]
        return Fragmentation(typical_workload(pods))
