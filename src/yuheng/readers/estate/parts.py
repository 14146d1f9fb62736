"""The parts of a pod that ask for something, so that together they are what the scheduler sets aside for it.

Containers that run on are told one by one. What a pod sets aside beyond them is told of the pod: what an init
container asks for beside the sidecars before it, what is requested for the pod as a whole, the overhead of its runtime
class. kube-scheduler counts all of that for as long as a pod is bound, also when its init containers have ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yuheng.model.estate import NOTHING, Container, Requested
from yuheng.readers.objects.devices import device_request
from yuheng.readers.objects.requests import Amounts, Containers, Level, Needs, amounts, container_amounts, pod_level
from yuheng.readers.objects.requests import whole as whole_units
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import QuantityText, Resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.pod import DeviceRequest, PodSpec
    from yuheng.readers.estate.wire import ContainerPart, RunningSpecification, Specification
    from yuheng.readers.wire import Annotations

__all__ = ["Parts", "PodSums", "devices_of", "fitted", "held_by"]


class Parts(NamedTuple):
    """What asks for something in a pod (see `PodEstate`)."""

    containers: tuple[Container, ...]
    least: Requested = NOTHING
    overhead: Requested = NOTHING


class PodSums:
    """Sums up what is written in pods and in pod templates, by the rules of the scheduler."""

    def __init__(self) -> None:
        self._resources = Shared[Amounts](Resources, {}, "resources", container_amounts)
        self._levels = Shared[Level](Resources, Level(), "spec.resources", pod_level)
        self._overheads = Shared[Amounts](dict[str, QuantityText], {}, "spec.overhead", amounts)

    def overhead(self, spec: Specification | RunningSpecification) -> Requested:
        """The overhead of a pod; devices among it count as requests.

        Raises:
            InputError: an amount is malformed or negative.
        """
        found = self._overheads.get(bytes(spec.overhead))
        if not found:
            return NOTHING
        told = whole_units(found)
        return Requested(cpu=told.get("cpu", 0), memory=told.get("memory", 0))

    def requested(self, spec: Specification | RunningSpecification, words: Annotations) -> Requested:
        """What would be set aside for a pod of a template.

        Args:
            spec: of the template.
            words: its annotations that speak of devices.

        Raises:
            InputError: an amount is malformed or negative.
        """
        overhead = self._overheads.get(bytes(spec.overhead))
        needs = Needs(self._containers(spec), overhead=overhead, level=self._levels.get(bytes(spec.resources)))
        told = whole_units(needs.requests())
        gpus = devices_of(device_request(told, words), 0)
        return Requested(cpu=told.get("cpu", 0), memory=told.get("memory", 0), gpus=gpus)

    def pod_level(self, spec: Specification | RunningSpecification) -> dict[str, int]:
        """What is requested for the pod as a whole, in the units of the model; empty where nothing is.

        A limit of the pod stands for a request of a resource that neither the pod nor a container requests.

        Raises:
            InputError: an amount is malformed or negative.
        """
        level = self._levels.get(bytes(spec.resources))
        if not level.requests and not level.limits:
            return {}
        asked = self._containers(spec).together({})
        unasked = {name: amount for name, amount in level.limits.items() if name not in asked}
        return whole_units(unasked | level.requests)

    def _containers(self, spec: Specification | RunningSpecification) -> Containers:
        init = ((self._of(part), part.restart_policy == "Always") for part in spec.init_containers or ())
        return Containers(tuple(map(self._of, spec.containers)), tuple(init))

    def _of(self, part: ContainerPart) -> Amounts:
        return self._resources.get(bytes(part.resources))


def devices_of(devices: DeviceRequest, device_memory: int) -> float:
    """GPUs; a share is the larger of that of cores and that of memory, and a whole one where neither is known.

    Args:
        devices: what is asked for.
        device_memory: bytes of memory of one GPU of the node; 0 when unknown.
    """
    gpus = devices.count * devices.milli / 1000
    if not devices.memory:
        return gpus
    return max(gpus, min(devices.memory / device_memory, 1.0)) if device_memory else gpus or 1.0


def held_by(spec: PodSpec, device_memory: int) -> Requested:
    """What the scheduler sets aside for a pod that it knows."""
    return Requested(
        cpu=spec.requests.get("cpu", 0),
        memory=spec.requests.get("memory", 0),
        gpus=devices_of(spec.devices, device_memory),
    )


def fitted(containers: Sequence[Container], total: Requested, overhead: Requested) -> Parts:
    """The parts of a pod that are ``total`` together.

    Where containers ask for more than the scheduler counts (it goes by what the kubelet has given, while a pod is
    being resized and the kubelet has refused), each counts for less in proportion.

    Args:
        containers: that run on.
        total: what the scheduler sets aside for the pod.
        overhead: the part of it that is overhead.
    """
    beside = Requested(cpu=min(overhead.cpu, total.cpu), memory=min(overhead.memory, total.memory))
    room = Requested(cpu=total.cpu - beside.cpu, memory=total.memory - beside.memory, gpus=total.gpus)
    cpu, memory = sum(one.cpu for one in containers), sum(one.memory for one in containers)
    gpus = sum(one.gpus for one in containers)
    if cpu > room.cpu or memory > room.memory or gpus > room.gpus:
        containers = _shrunk(containers, room)
    if cpu >= room.cpu and memory >= room.memory and gpus >= room.gpus:
        return Parts(tuple(containers), NOTHING, beside)
    least = Requested(
        cpu=room.cpu if cpu < room.cpu else 0,
        memory=room.memory if memory < room.memory else 0,
        gpus=room.gpus if gpus < room.gpus else 0.0,
    )
    return Parts(tuple(containers), least, beside)


def _shrunk(containers: Sequence[Container], room: Requested) -> list[Container]:
    cpu = _divided([one.cpu for one in containers], room.cpu)
    memory = _divided([one.memory for one in containers], room.memory)
    all_gpus = sum(one.gpus for one in containers)
    factor = min(room.gpus / all_gpus, 1.0) if all_gpus else 1.0
    return [
        msgspec.structs.replace(one, cpu=cpu[place], memory=memory[place], gpus=one.gpus * factor)
        for place, one in enumerate(containers)
    ]


def _divided(values: Sequence[int], most: int) -> list[int]:
    """Whole numbers in proportion to others that are ``most`` together at most."""
    together = sum(values)
    if together <= most:
        return list(values)
    found, passed = [], 0
    for value in values:
        # What is left of the division goes to whoever comes next, so that nothing is lost.
        found.append((passed + value) * most // together - passed * most // together)
        passed += value
    return found
