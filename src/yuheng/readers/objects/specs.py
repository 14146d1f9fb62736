"""What scheduling looks at in a pod: made once for all pods of a template, and shared by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from yuheng.errors import InputError
from yuheng.model.node import Toleration
from yuheng.model.pod import Affinity, HostPort, PodSpec, TopologySpreadConstraint
from yuheng.readers.decoding import below
from yuheng.readers.objects.admission import admitted_tolerations
from yuheng.readers.objects.devices import (
    MODEL_LABEL,
    VGPU_NUMBER,
    device_request,
    takes_parts_of_several,
    without_devices,
)
from yuheng.readers.objects.requests import (
    Amounts,
    Containers,
    Level,
    Needs,
    amounts,
    container_amounts,
    pod_level,
    whole,
)
from yuheng.readers.objects.resizing import Resizing
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import (
    Annotations,
    Container,
    ContainerPort,
    PodObject,
    PodSpecification,
    QuantityText,
    Resources,
    SchedulingGate,
)

if TYPE_CHECKING:
    from collections.abc import Container as Collected
    from collections.abc import Iterable

    import msgspec

__all__ = ["SpecReader"]

NO_ANNOTATIONS: Final = Annotations()
ANY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 -- Kubernetes' own spelling of "any address"
T = TypeVar("T")


class SpecReader:
    """Makes specifications of the model; each that is asked for again is the same object again.

    Args:
        ignored_gates: gates that do not keep a pod from being scheduled.
    """

    def __init__(self, ignored_gates: frozenset[str] = frozenset()) -> None:
        self._ignored_gates = ignored_gates
        self._node_selectors = Shared[dict[str, str]](dict[str, str], {}, "spec.nodeSelector")
        self._affinities = Shared[Affinity](Affinity, Affinity(), "spec.affinity")
        self._tolerations = Shared[tuple[Toleration, ...]](tuple[Toleration, ...], (), "spec.tolerations")
        self._spreads = Shared[tuple[TopologySpreadConstraint, ...]](
            tuple[TopologySpreadConstraint, ...], (), "spec.topologySpreadConstraints"
        )
        self._gates = Shared[tuple[SchedulingGate, ...]](tuple[SchedulingGate, ...], (), "spec.schedulingGates")
        self._overheads = Shared[Amounts](dict[str, QuantityText], {}, "spec.overhead", amounts)
        self._levels = Shared[Level](Resources, Level(), "spec.resources", pod_level)
        self._resources = Shared[Amounts](Resources, {}, "resources", container_amounts)
        self._ports = Shared[tuple[ContainerPort, ...]](tuple[ContainerPort, ...], (), "ports")
        self._resizing = Resizing()
        self._known: dict[object, PodSpec] = {}
        self._rounded: list[str] = []

    def read(self, pod: PodObject, labels: dict[str, str]) -> PodSpec:
        """The specification of a pod.

        Args:
            pod: the pod.
            labels: its labels, one of which may name GPU models.

        Raises:
            InputError: the pod is not one the API server would take; ``field`` says where.
        """
        containers = self._containers(pod.spec)
        counted = self._resizing.counted(pod, containers)
        key = _key(pod, labels) if counted is None else None
        found = self._known.get(key)
        if found is None:
            found = self._made(pod, labels, containers, counted)
            if key is not None:
                self._known[key] = found
        return found

    def __len__(self) -> int:
        return len(self._known)

    def forget(self, used: Collected[int]) -> None:
        """Forget the specifications that nobody has any more.

        Args:
            used: the identities of those that somebody has.
        """
        self._known = {key: spec for key, spec in self._known.items() if id(spec) in used}
        self._rounded.clear()
        self._resizing.forget()
        for shared in (
            self._node_selectors,
            self._affinities,
            self._tolerations,
            self._spreads,
            self._gates,
            self._overheads,
            self._levels,
            self._resources,
            self._ports,
        ):
            shared.forget()

    def warnings(self) -> list[str]:
        """One sentence for each kind of pod whose shares of several devices are counted as whole ones."""
        return [f"{pod}: {VGPU_NUMBER} above 1 with a part of each: counted as whole devices" for pod in self._rounded]

    def _made(
        self, pod: PodObject, labels: dict[str, str], containers: Containers, counted: Containers | None
    ) -> PodSpec:
        spec = pod.spec
        needs = Needs(
            containers,
            counted,
            overhead=self._overheads.get(bytes(spec.overhead)),
            level=self._levels.get(bytes(spec.resources)),
        )
        requests = whole(needs.requests())
        scoring, held = needs.scoring_requests(), needs.held_requests()
        if takes_parts_of_several(requests):
            self._rounded.append(f"{pod.metadata.namespace or 'default'}/{pod.metadata.name}")
        annotations = pod.metadata.annotations or NO_ANNOTATIONS
        return PodSpec(
            requests={name: amount for name, amount in without_devices(requests).items() if amount},
            scoring_requests=scoring,
            held_requests=None if held == scoring else held,
            node_selector=self._node_selectors.get(bytes(spec.node_selector)),
            affinity=self._affinities.get(bytes(spec.affinity)),
            tolerations=admitted_tolerations(self._tolerations.get(bytes(spec.tolerations))),
            spread=self._spreads.get(bytes(spec.topology_spread_constraints)),
            host_ports=self._host_ports(spec),
            images=tuple(part.image for part in (*(spec.init_containers or ()), *spec.containers)),
            volume_images=_volume_images(spec),
            claims=_claims(pod),
            devices=device_request(requests, annotations, labels.get(MODEL_LABEL, "")),
            gates=tuple(
                gate.name
                for gate in self._gates.get(bytes(spec.scheduling_gates))
                if gate.name not in self._ignored_gates
            ),
        )

    def _containers(self, spec: PodSpecification) -> Containers:
        init = spec.init_containers or ()
        found = _each("spec.initContainers", self._resources, (part.resources for part in init))
        return Containers(
            tuple(_each("spec.containers", self._resources, (part.resources for part in spec.containers))),
            tuple(zip(found, map(_is_sidecar, init), strict=True)),
        )

    def _host_ports(self, spec: PodSpecification) -> tuple[HostPort, ...]:
        """Ports on the host, of sidecars and of containers; other init containers do not keep theirs."""
        init = spec.init_containers or ()
        found = _each("spec.initContainers", self._ports, (part.ports for part in init))
        ports = [part for part, source in zip(found, init, strict=True) if _is_sidecar(source)]
        ports += _each("spec.containers", self._ports, (part.ports for part in spec.containers))
        taken = (_host_port(port, bool(spec.host_network)) for part in ports for port in part)
        return tuple(port for port in taken if port.port > 0)


def _key(pod: PodObject, labels: dict[str, str]) -> tuple[object, ...]:
    """Everything that a specification is made of."""
    spec = pod.spec
    return (
        tuple(map(_container_key, spec.containers)),
        tuple(map(_container_key, spec.init_containers or ())),
        bytes(spec.node_selector),
        bytes(spec.affinity),
        bytes(spec.tolerations),
        bytes(spec.topology_spread_constraints),
        bytes(spec.scheduling_gates),
        bytes(spec.overhead),
        bytes(spec.resources),
        spec.host_network,
        _claims(pod),
        _volume_images(spec),
        _device_words(pod),
        labels.get(MODEL_LABEL),
    )


def _device_words(pod: PodObject) -> tuple[str, ...]:
    words = pod.metadata.annotations
    return () if words is None else (words.gpu_milli, words.gpu_count, words.gpu_model)


def _container_key(container: Container) -> tuple[object, ...]:
    return container.image, container.restart_policy, bytes(container.resources), bytes(container.ports)


def _each(field: str, shared: Shared[T], texts: Iterable[msgspec.Raw]) -> list[T]:
    """A field of each container.

    Raises:
        InputError: the field of one of them is wrong; it says of which.
    """
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(shared.get(bytes(text)))
        except InputError as error:
            raise below(f"{field}[{index}]", error) from error
    return found


def _is_sidecar(container: Container) -> bool:
    return container.restart_policy == "Always"


def _host_port(port: ContainerPort, host_network: bool) -> HostPort:
    """On the host's own network a port without a host port takes its number there."""
    number = port.host_port or (port.container_port if host_network else 0)
    return HostPort(number, port.protocol or "TCP", port.host_ip or ANY_ADDRESS)


def _volume_images(spec: PodSpecification) -> tuple[str, ...]:
    return tuple([volume.image.reference for volume in spec.volumes or () if volume.image])


def _claims(pod: PodObject) -> tuple[str, ...]:
    """Names of the claims that are mounted; the claim of an ephemeral volume is named after its pod."""
    return tuple(
        [
            volume.persistent_volume_claim.claim_name
            if volume.persistent_volume_claim
            else f"{pod.metadata.name}-{volume.name}"
            for volume in pod.spec.volumes or ()
            if volume.persistent_volume_claim or volume.ephemeral
        ]
    )
