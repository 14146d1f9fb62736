"""The GPU study's scores and its choice of devices, restated from section 5 of the rules.

C is a node's free cpu, G its free GPU milli summed over devices, c and g what the pod asks. A score is never below 0,
though a node may hold more than it has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from tests.oracle.machine import Machine
from tests.oracle.world import World
from yuheng.model.pod import DeviceRequest, Pod


def _asked_cpu(pod: Pod) -> int:
    return pod.spec.requests.get("cpu", 0) or 100


def _asked_gpu(pod: Pod) -> int:
    return pod.spec.devices.count * pod.spec.devices.milli


def _free_gpu(machine: Machine) -> int:
    return sum(device.milli for device in machine.devices)


def _left_over(world: World, pod: Pod, machine: Machine) -> float:
    """The mean share of the largest node's cpu and GPU that would be left free."""
    cpu = (machine.free("cpu") - _asked_cpu(pod)) / world.largest_cpu
    gpu = (_free_gpu(machine) - _asked_gpu(pod)) / world.largest_gpu
    return 0.5 * (cpu + gpu)


def best_fit(world: World, pod: Pod, machine: Machine) -> int:
    return max(int(100 * (1 - _left_over(world, pod, machine))), 0)


def worst_fit(world: World, pod: Pod, machine: Machine) -> int:
    return max(int(100 * _left_over(world, pod, machine)), 0)


def dot_product(world: World, pod: Pod, machine: Machine) -> int:
    cpu = (machine.free("cpu") / world.largest_cpu) * (_asked_cpu(pod) / world.largest_cpu)
    gpu = (_free_gpu(machine) / world.largest_gpu) * (_asked_gpu(pod) / world.largest_gpu)
    return max(int(100 * (1 - 0.5 * (cpu + gpu))), 0)


def gpu_packing(_: World, pod: Pod, machine: Machine) -> int:
    """Devices in use before untouched ones of a node in use before untouched nodes."""
    request = pod.spec.devices
    if not request.count:
        return 0
    untouched = len(machine.untouched_devices())
    if untouched == len(machine.devices):
        return max(33 - untouched, untouched)
    if request.is_share():
        device = machine.devices[tightest(machine, request)]
        if not device.untouched():
            return max(100 - (100 * device.milli // 1000) // 10, 50)
    return max(50 - request.count, 33)


def gpu_clustering(world: World, pod: Pod, machine: Machine) -> int:
    """Pods of one kind together: shares with shares, n whole devices with n whole devices."""
    request = pod.spec.devices
    if not request.count:
        return 0
    base = 25 * (world.largest_gpu - _free_gpu(machine)) // world.largest_gpu
    kinds = {_kind(other) for other in machine.gpu_holders()}
    if not kinds:
        return base + 25
    if _kind(request) not in kinds:
        return base
    return base + (75 if len(kinds) == 1 else 50)


def _kind(request: DeviceRequest) -> int:
    return 0 if request.is_share() else request.count


def fragmentation_gradient(world: World, pod: Pod, machine: Machine) -> int:
    """FGD: the drop of fragmentation that the placement causes; for a share, on the device where it is best."""
    return max(_gradients(world, pod, machine).values())


def _gradients(world: World, pod: Pod, machine: Machine) -> dict[int, int]:
    """The score by device for a share; a single one, under -1, for whole devices and for none."""
    model = machine.node.devices.model
    free = machine.free("cpu")
    cpu = free - pod.spec.requests.get("cpu", 0)
    before = world.fragmentation.of(model, free, [device.milli for device in machine.devices])
    return {
        index: int(100 / (1 + math.exp(-(before - world.fragmentation.of(model, cpu, left)) / 1000)))
        for index, left in _outcomes(pod, machine)
    }


def _outcomes(pod: Pod, machine: Machine) -> Iterator[tuple[int, list[int]]]:
    """What would be left of each device, for each way to give the pod its devices."""
    request = pod.spec.devices
    left = [device.milli for device in machine.devices]
    if request.is_share():
        for index in machine.fitting_devices(request):
            yield index, [*left[:index], left[index] - request.milli, *left[index + 1 :]]
        return
    taken = set(machine.untouched_devices()[: request.count])
    yield -1, [0 if index in taken else milli for index, milli in enumerate(left)]


GPU_SCORES: dict[str, Callable[[World, Pod, Machine], int]] = {
    "FragmentationGradient": fragmentation_gradient,
    "GpuPacking": gpu_packing,
    "GpuClustering": gpu_clustering,
    "DotProduct": dot_product,
    "BestFit": best_fit,
    "WorstFit": worst_fit,
}


def tightest(machine: Machine, share: DeviceRequest) -> int:
    """The device with the least left of those the share fits on, the first of equals."""
    return min(machine.fitting_devices(share), key=lambda index: (machine.devices[index].milli, index))


def devices_for(world: World, pod: Pod, machine: Machine) -> tuple[int, ...]:
    """The devices that a pod takes on a node that has room for it."""
    request = pod.spec.devices
    if not request.is_share():
        return tuple(machine.untouched_devices()[: request.count])
    if world.policy.devices == "fragmentation":
        gradients = _gradients(world, pod, machine)
        return (max(gradients, key=lambda index: (gradients[index], -index)),)
    return (tightest(machine, request),)
