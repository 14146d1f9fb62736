"""Containers: what each asks for, may take, and has suffered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.estate import Container
from yuheng.model.pod import DeviceRequest
from yuheng.readers.decoding import below
from yuheng.readers.estate.java import Heap, heap_of
from yuheng.readers.estate.parts import Parts, PodSums, devices_of, fitted, held_by
from yuheng.readers.objects.devices import device_request
from yuheng.readers.objects.requests import amounts, container_amounts, whole
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import Annotations, Resources

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.model.pod import PodSpec
    from yuheng.readers.estate.wire import ContainerPart, ContainerState, RunningSpecification, Specification

__all__ = ["ContainerReader"]

OUT_OF_MEMORY: Final = "OOMKilled"
NO_WORDS: Final = Annotations()
NATIVE: Final = ("cpu", "memory")
Strings = tuple[str, ...]


class _Sizes(msgspec.Struct, frozen=True):
    """What a container asks for and may take (see `Container`).

    Attributes:
        devices: GPUs, whole ones or a share.
    """

    cpu: int = 0
    memory: int = 0
    devices: DeviceRequest = DeviceRequest()
    cpu_limit: int | None = None
    memory_limit: int | None = None


class ContainerReader:
    """Makes containers of the model; those of one template are made once."""

    def __init__(self) -> None:
        self._sizes = Shared[_Sizes](Resources, _Sizes(), "resources", _sizes)
        self._sums = PodSums()
        self._environments = Shared[dict[str, str]](list[dict[str, Any]], {}, "env", _environment)
        self._commands = Shared[Strings](Strings, (), "command")
        self._known: dict[tuple[object, ...], Container] = {}

    def read(
        self,
        spec: Specification | RunningSpecification,
        words: Annotations = NO_WORDS,
        states: Sequence[ContainerState] = (),
        device_memory: int = 0,
        held: PodSpec | None = None,
    ) -> Parts:
        """The containers of a pod, sidecars first, and what is set aside for it beyond them.

        Args:
            spec: of the pod.
            words: its annotations that speak of devices.
            states: what the kubelet tells of its containers.
            device_memory: bytes of memory of one GPU of its node, to tell shares by; 0 when unknown.
            held: the pod as the scheduler counts it; None for a template.

        Raises:
            InputError: a container is not one the API server would take.
        """
        sidecars = [part for part in spec.init_containers or () if part.restart_policy == "Always"]
        found = [self._container("spec.initContainers", part, device_memory, True) for part in sidecars]
        found += [self._container("spec.containers", part, device_memory, False) for part in spec.containers]
        found = _with_pod_level(found, self._sums.pod_level(spec))
        if not any(one.gpus for one in found):
            found = _with_annotated(found, words)
        told = {state.name: state for state in states if _is_telling(state)}
        lived = [_lived(one, told[one.name]) if one.name in told else one for one in found]
        total = self._sums.requested(spec, words) if held is None else held_by(held, device_memory)
        return fitted(lived, total, self._sums.overhead(spec))

    def _container(self, field: str, part: ContainerPart, device_memory: int, sidecar: bool) -> Container:
        key = (
            part.name,
            part.image,
            bytes(part.resources),
            bytes(part.env),
            bytes(part.command),
            bytes(part.args),
            device_memory,
            sidecar,
        )
        if key not in self._known:
            try:
                self._known[key] = self._made(part, device_memory, sidecar)
            except InputError as error:
                raise below(f"{field}[{part.name}]", error) from error
        return self._known[key]

    def _made(self, part: ContainerPart, device_memory: int, sidecar: bool) -> Container:
        sizes = self._sizes.get(bytes(part.resources))
        heap = self._heap(part)
        return Container(
            name=part.name,
            image=part.image,
            cpu=sizes.cpu,
            memory=sizes.memory,
            gpus=devices_of(sizes.devices, device_memory),
            cpu_limit=sizes.cpu_limit,
            memory_limit=sizes.memory_limit,
            heap=heap.size,
            heap_share=heap.share,
            sidecar=sidecar,
        )

    def _heap(self, part: ContainerPart) -> Heap:
        texts = bytes(part.command) + bytes(part.args) + bytes(part.env)
        # Few containers run Java, and to look for its flags takes longer than all the rest.
        if b"-X" not in texts:
            return Heap()
        command = self._commands.get(bytes(part.command)) + self._commands.get(bytes(part.args))
        return heap_of(command, self._environments.get(bytes(part.env)))


def _sizes(resources: Resources) -> _Sizes:
    requests = whole(container_amounts(resources))
    limits = whole(amounts(resources.limits, "limits"))
    return _Sizes(
        cpu=requests.get("cpu", 0),
        memory=requests.get("memory", 0),
        devices=device_request(requests, NO_WORDS),
        cpu_limit=limits.get("cpu"),
        memory_limit=limits.get("memory"),
    )


def _environment(variables: list[dict[str, Any]]) -> dict[str, str]:
    """The variables that have a value of their own; those that are taken from elsewhere are not known."""
    return {
        str(one["name"]): one["value"]
        for one in variables
        if isinstance(one.get("name"), str) and isinstance(one.get("value"), str)
    }


def _with_pod_level(containers: list[Container], level: Mapping[str, int]) -> list[Container]:
    """Containers that together ask for what is requested for the pod as a whole.

    What the pod requests beyond its containers is spread evenly over those that state nothing, or else over all.
    """
    for resource in NATIVE:
        more = level.get(resource, 0) - sum(getattr(one, resource) for one in containers)
        silent = [i for i, one in enumerate(containers) if not getattr(one, resource)] or list(range(len(containers)))
        if more <= 0 or not silent:
            continue
        for place, i in enumerate(silent):
            part = more // len(silent) + (place < more % len(silent))
            stated = {resource: getattr(containers[i], resource) + part}
            containers[i] = msgspec.structs.replace(containers[i], **stated)
    return containers


def _with_annotated(containers: list[Container], words: Annotations) -> list[Container]:
    """Containers of a pod whose annotations ask for GPUs: the first main one has them."""
    if not words.gpu_milli and not words.gpu_count:
        return containers
    devices = device_request({}, words)
    main = next((i for i, one in enumerate(containers) if not one.sidecar), None)
    if main is not None:
        containers[main] = msgspec.structs.replace(containers[main], gpus=devices.count * devices.milli / 1000)
    return containers


def _is_telling(state: ContainerState) -> bool:
    return bool(state.restart_count) or _out_of_memory(state) is not None


def _lived(container: Container, state: ContainerState) -> Container:
    lived: Container = msgspec.structs.replace(
        container, restarts=state.restart_count, out_of_memory=_out_of_memory(state)
    )
    return lived


def _out_of_memory(state: ContainerState) -> float | None:
    """When the container was last killed for want of memory; 0 where the time is not told, None when it was not."""
    ends = [one.terminated for one in (state.state, state.last_state) if one is not None and one.terminated is not None]
    times = [end.finished_at.timestamp() if end.finished_at else 0.0 for end in ends if end.reason == OUT_OF_MEMORY]
    return max(times, default=None)
