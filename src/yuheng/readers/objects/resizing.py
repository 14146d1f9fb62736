"""Pods that are being resized in place.

While a container's resources change, its specification says what is wanted, ``allocatedResources`` what the
kubelet has promised, and ``resources`` in its status what it has. kube-scheduler counts the largest of the
three, or the last two alone when the kubelet has refused the wish.
"""

from __future__ import annotations

from typing import Final

from yuheng.readers.objects.requests import Amounts, Containers, amounts
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import ContainerStatus, PodObject, PodStatus, QuantityText, Resources

__all__ = ["Resizing"]

REFUSED: Final = ("PodResizePending", "Infeasible")
Given = tuple[Amounts | None, Amounts | None]


class Resizing:
    """Finds out what counts for a pod beside its specification."""

    def __init__(self) -> None:
        self._allocated = Shared[Amounts](
            dict[str, QuantityText], {}, "status.containerStatuses.allocatedResources", amounts
        )
        self._actual = Shared[Amounts](Resources, {}, "status.containerStatuses.resources", _requested)

    def counted(self, pod: PodObject, wanted: Containers) -> tuple[Containers, ...]:
        """What counts in the place of the specification; nothing when that is all there is to it.

        Args:
            pod: the pod.
            wanted: the requests of its specification.

        Raises:
            InputError: an amount is malformed.
        """
        status = pod.status
        if status is None or not (status.container_statuses or status.init_container_statuses):
            return ()
        names = [container.name for container in (*pod.spec.containers, *(pod.spec.init_containers or ()))]
        given = self._given(status)
        wishes = (*wanted.running, *(init for init, _ in wanted.init))
        if all(_agrees(given.get(name), wish) for name, wish in zip(names, wishes, strict=True)):
            return ()
        refused = _is_refused(status)
        return _versions(wanted, [given.get(name, (None, None)) for name in names], refused=refused)

    def _given(self, status: PodStatus) -> dict[str, Given]:
        statuses = (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
        return {one.name: self._amounts(one) for one in statuses}

    def _amounts(self, status: ContainerStatus) -> Given:
        allocated = self._allocated.get(bytes(status.allocated_resources))
        return allocated or None, self._actual.get(bytes(status.resources)) or None


def _requested(resources: Resources) -> Amounts:
    return amounts(resources.requests, "requests")


def _agrees(given: Given | None, wish: Amounts) -> bool:
    return given is None or (given[0] in (None, wish) and given[1] in (None, wish))


def _is_refused(status: PodStatus) -> bool:
    return any((condition.type, condition.reason) == REFUSED for condition in status.conditions or ())


def _versions(wanted: Containers, given: list[Given], *, refused: bool) -> tuple[Containers, ...]:
    """What is promised, what is had, and (unless refused) what is wanted."""
    wishes: list[Amounts] = [*wanted.running, *(init for init, _ in wanted.init)]
    unsaid: list[Amounts] = [{} for _ in wishes] if refused else wishes
    promised = [allocated or wish for (allocated, _), wish in zip(given, unsaid, strict=True)]
    had = [actual or allocated or wish for (allocated, actual), wish in zip(given, unsaid, strict=True)]
    versions = (_like(wanted, promised), _like(wanted, had))
    return versions if refused else (wanted, *versions)


def _like(wanted: Containers, parts: list[Amounts]) -> Containers:
    count = len(wanted.running)
    sidecars = (is_sidecar for _, is_sidecar in wanted.init)
    return Containers(tuple(parts[:count]), tuple(zip(parts[count:], sidecars, strict=True)))
