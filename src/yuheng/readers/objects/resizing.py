"""Pods that are being resized in place.

While a container's resources change, its specification says what is wanted, ``allocatedResources`` what the
kubelet has promised, and ``resources`` in its status what it has. Once the kubelet tells what a container has,
kube-scheduler counts the largest of the three, container by container, or the last two alone when the kubelet
has refused the wish (``k8s.io/component-helpers/resource`` ``PodRequests``).
"""

from __future__ import annotations

from typing import NamedTuple

from yuheng.readers.objects.requests import Amounts, Containers, amounts, largest
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import ContainerStatus, PodObject, PodStatus, QuantityText, Resources

__all__ = ["Resizing"]


class _Given(NamedTuple):
    promised: Amounts
    has: Amounts


class Resizing:
    """Finds out what counts for a pod in the place of its specification."""

    def __init__(self) -> None:
        self._allocated = Shared[Amounts](
            dict[str, QuantityText], {}, "status.containerStatuses.allocatedResources", amounts
        )
        self._actual = Shared[Amounts](Resources, {}, "status.containerStatuses.resources", _requested)

    def forget(self) -> None:
        """Forget all texts: those that come again are decoded again."""
        self._allocated.forget()
        self._actual.forget()

    def counted(self, pod: PodObject, wanted: Containers) -> Containers | None:
        """What counts in the place of the specification; nothing when the specification does.

        Args:
            pod: the pod.
            wanted: the requests of its specification.

        Raises:
            InputError: an amount is malformed.
        """
        status = pod.status
        if status is None or not (status.container_statuses or status.init_container_statuses):
            return None
        given = self._given(status)
        refused = _is_refused(status)
        running = (
            _effective(given.get(container.name), wish, refused=refused)
            for container, wish in zip(pod.spec.containers, wanted.running, strict=True)
        )
        init = (
            (_effective(given.get(container.name) if is_sidecar else None, wish, refused=refused), is_sidecar)
            for container, (wish, is_sidecar) in zip(pod.spec.init_containers or (), wanted.init, strict=True)
        )
        found = Containers(tuple(running), tuple(init))
        return None if found == wanted else found

    def _given(self, status: PodStatus) -> dict[str, _Given]:
        """What containers were given, by name, of those whose status tells what they have."""
        statuses = (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
        amounts_of = {one.name: self._amounts(one) for one in statuses}
        return {one.name: amounts_of[one.name] for one in statuses if bytes(one.resources) not in (b"", b"null")}

    def _amounts(self, status: ContainerStatus) -> _Given:
        promised = self._allocated.get(bytes(status.allocated_resources))
        return _Given(promised, self._actual.get(bytes(status.resources)))


def _requested(resources: Resources) -> Amounts:
    return amounts(resources.requests, "requests")


def _effective(given: _Given | None, wish: Amounts, *, refused: bool) -> Amounts:
    if given is None:
        return wish
    counted = largest(given.promised, given.has)
    return counted if refused else largest(counted, wish)


def _is_refused(status: PodStatus) -> bool:
    """Whether the kubelet cannot fulfil the wish; the first condition that speaks of it decides."""
    pending = [condition for condition in status.conditions or () if condition.type == "PodResizePending"]
    return bool(pending) and pending[0].reason == "Infeasible"
