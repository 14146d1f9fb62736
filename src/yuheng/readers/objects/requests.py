"""What a pod requests: containers, sidecars, init containers, pod-level resources and overhead in one sum.

The rules are those of the API server's defaulting (a missing request is the limit; every quantity is rounded
up to a thousandth) and of ``k8s.io/component-helpers/resource`` ``PodRequests``, which kube-scheduler fits
and scores by. Amounts in here are whole thousandths of the resource's unit, so that sums are exact; `whole`
rounds once, at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.quantity import parse_quantity
from yuheng.readers.decoding import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.readers.wire import QuantityText, Resources

__all__ = ["Amounts", "Containers", "Level", "Needs", "amounts", "container_amounts", "largest", "pod_level", "whole"]

Amounts = dict[str, int]
# 64 pebibytes less one: a hundred such amounts still add up within 64 bits.
LARGEST: Final = 2**56 - 1
# What kube-scheduler counts a container for that states no request, when it scores nodes: 100m and 200 MiB.
UNSTATED: Final[Amounts] = {"cpu": 100, "memory": 200 * 1024 * 1024 * 1000}


def amounts(texts: Mapping[str, QuantityText], field: str = "") -> Amounts:
    """Thousandths by resource name.

    Args:
        texts: quantities by resource name, as they were written.
        field: where they stand, for the error message.

    Raises:
        InputError: an amount is malformed, negative, or a fraction of an extended resource.
    """
    return {name: _thousandths(name, text, field) for name, text in texts.items()}


def _thousandths(name: str, text: QuantityText, field: str) -> int:
    place = joined(field, name)
    try:
        amount = parse_quantity(text if isinstance(text, str) else repr(text)).milli()
    except InputError as error:
        raise error.at(field=place) from error
    if amount < 0:
        raise InputError(repr(text), "an amount that is not negative", field=place)
    if amount % 1000 and _is_extended(name):
        raise InputError(repr(text), "a whole number of an extended resource", field=place)
    return amount


def _is_extended(name: str) -> bool:
    return "/" in name and "kubernetes.io/" not in name


def whole(milli: Amounts) -> dict[str, int]:
    """Amounts in the units of the model: cpu in thousandths, everything else rounded up to whole units."""
    return {name: min(amount if name == "cpu" else -(-amount // 1000), LARGEST) for name, amount in milli.items()}


def container_amounts(resources: Resources) -> Amounts:
    """The requests of a container: what is not requested is the limit of the same resource.

    Raises:
        InputError: an amount is malformed, negative, or a fraction of an extended resource.
    """
    return amounts(resources.limits, "limits") | amounts(resources.requests, "requests")


class Level(msgspec.Struct, frozen=True):
    """Pod-level resources: those that may be given for the pod as a whole (cpu, memory, huge pages)."""

    requests: Amounts = {}
    limits: Amounts = {}

    def stated(self, containers: Amounts) -> Amounts:
        """The pod-level requests after defaulting, which replace what the containers request together.

        Where there are limits, cpu and memory that the pod does not request are what the containers request,
        and what they do not request either is the limit.
        """
        if not self.limits:
            return self.requests
        native = {name: containers[name] for name in UNSTATED if name in containers}
        return self.limits | native | self.requests


def pod_level(resources: Resources) -> Level:
    """Pod-level resources from ``spec.resources``.

    Raises:
        InputError: an amount is malformed or negative.
    """
    return Level(_supported(amounts(resources.requests, "requests")), _supported(amounts(resources.limits, "limits")))


def _supported(milli: Amounts) -> Amounts:
    return {name: amount for name, amount in milli.items() if name in UNSTATED or name.startswith("hugepages-")}


class Containers(msgspec.Struct, frozen=True):
    """What the containers of a pod request, each for itself.

    Attributes:
        running: of each container.
        init: of each init container, and whether it is a sidecar, which keeps running.
    """

    running: tuple[Amounts, ...]
    init: tuple[tuple[Amounts, bool], ...] = ()

    def together(self, floor: Amounts) -> Amounts:
        """What they request together: each init container runs beside the sidecars before it.

        Args:
            floor: what a container counts for that says nothing of a resource.
        """
        total = _sum(floor | container for container in self.running)
        sidecars: Amounts = {}
        peak: Amounts = {}
        for container, is_sidecar in self.init:
            beside = _sum((floor | container, sidecars))
            if is_sidecar:
                total = _sum((total, floor | container))
                sidecars = beside
            peak = largest(peak, beside)
        return largest(total, peak)


class Needs(msgspec.Struct, frozen=True):
    """Everything in a pod that requests something.

    Attributes:
        containers: what the specification says.
        counted: what counts in their place once the pod runs, while it is being resized.
    """

    containers: Containers
    counted: Containers | None = None
    overhead: Amounts = {}
    level: Level = Level()

    def requests(self) -> Amounts:
        """The effective request, by which a pod fits or does not."""
        return self._total({}, self._stated())

    def scoring_requests(self) -> tuple[int, int]:
        """``(cpu milli, memory bytes)`` of a pod that is to be placed.

        A container that states nothing counts a little. Pod-level resources do not count here: the scorer of
        kube-scheduler 1.36 is not told of them.
        """
        return _native(_sum((self.containers.together(UNSTATED), self.overhead)))

    def held_requests(self) -> tuple[int, int]:
        """The same of a pod that runs.

        Where pod-level requests are stated, the little is for a resource that nobody in the pod requests.
        """
        stated = self._stated()
        requests = self.requests() if stated else {}
        floor = {name: amount for name, amount in UNSTATED.items() if name not in requests}
        return _native(self._total(floor, stated))

    def _stated(self) -> Amounts:
        return self.level.stated(self.containers.together({}))

    def _total(self, floor: Amounts, stated: Amounts) -> Amounts:
        containers = self.containers if self.counted is None else self.counted
        return _sum((containers.together(floor) | stated, self.overhead))


def _native(milli: Amounts) -> tuple[int, int]:
    amounts_of = whole(milli)
    return amounts_of.get("cpu", 0), amounts_of.get("memory", 0)


def _sum(parts: Iterable[Amounts]) -> Amounts:
    total: Amounts = {}
    for part in parts:
        for name, amount in part.items():
            total[name] = total.get(name, 0) + amount
    return total


def largest(left: Amounts, right: Amounts) -> Amounts:
    """The larger amount of each resource."""
    return left | {name: max(left.get(name, 0), amount) for name, amount in right.items()}
