"""Pods that are alike to every cluster: the same amounts, and the same nodes that they may be on."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from yuheng.model.pod import Pod, PodSpec

__all__ = ["Shape", "Shapes"]

_encode = msgspec.msgpack.Encoder(order="sorted").encode


class Shape(NamedTuple):
    """What clusters see of a pod when they ask how many more of it fit.

    Attributes:
        number: equal for pods that are alike.
        places: equal for pods that may, and would rather, go to the same nodes.
        plain: whether nothing but room, and what nodes are, decides about it.
        countable: whether that is so when whole GPUs count as room, too.
    """

    number: int
    places: int
    plain: bool
    countable: bool


class Shapes:
    """The shapes of the pods that were shown, numbered as they are met."""

    def __init__(self) -> None:
        # Specifications are held on to, so that no other takes the identity of one.
        self._known: dict[int, tuple[PodSpec, Shape]] = {}
        self._numbers: dict[tuple[object, ...], int] = {}
        self._places: dict[bytes, int] = {}

    def of(self, pod: Pod) -> Shape:
        """The shape of a pod."""
        known = self._known.get(id(pod.spec))
        if known is None:
            known = self._known[id(pod.spec)] = (pod.spec, self._made(pod.spec))
        return known[1]

    def _made(self, spec: PodSpec) -> Shape:
        models = spec.devices.models if spec.devices.count else ()
        told = _encode((spec.node_selector, spec.affinity.node_affinity, spec.tolerations, spec.node_name, models))
        places = self._places.setdefault(told, len(self._places))
        countable = _is_countable(spec)
        plain = countable and not spec.devices.count
        # A pod with rules of its own is like no other.
        key = (places, tuple(sorted(spec.requests.items()))) if plain else (id(spec),)
        return Shape(self._numbers.setdefault(key, len(self._numbers)), places, plain, countable)


def _is_countable(spec: PodSpec) -> bool:
    rules = spec.affinity.pod_affinity.required or spec.affinity.pod_anti_affinity.required
    hard = any(item.when_unsatisfiable == "DoNotSchedule" for item in spec.spread)
    return not (rules or hard or spec.host_ports or spec.claims or spec.devices.is_share())
