"""Scores of what a node is, whatever it holds: taints, labels, images, expected load, price.

Each returns a raw value for every node; `NORMALISED` says how the cycle scales it over the feasible nodes.
ImageLocality needs no scaling and is added as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.arrays import BY_MAXIMUM, BY_MAXIMUM_REVERSED
from yuheng.scheduling.filters import tolerated
from yuheng.scheduling.machines import Machines

__all__ = ["NORMALISED", "image_locality"]

Raw = NDArray[np.int64]
_MIB: Final = 1024 * 1024
_SMALLEST_IMAGE: Final = 23 * _MIB
_LARGEST_IMAGE: Final = 1000 * _MIB


def taint_toleration(machines: Machines, spec: PodSpec, _: Policy) -> Raw:
    """How many PreferNoSchedule taints of the node the pod does not tolerate."""
    tolerations = tuple(t for t in spec.tolerations if t.effect in ("", "PreferNoSchedule"))
    sets, ids = machines.taint_sets
    counts = [
        sum(taint.effect == "PreferNoSchedule" and not tolerated(taint, tolerations) for taint in taints)
        for taints in sets
    ]
    raw: Raw = np.array(counts, dtype=np.int64)[ids]
    return raw


def node_affinity(machines: Machines, spec: PodSpec, policy: Policy) -> Raw:
    """Sum of the weights of the preferred node affinity terms the node satisfies."""
    raw = np.zeros(len(machines), dtype=np.int64)
    for term in (*spec.affinity.node_affinity.preferred, *policy.added_affinity.preferred):
        raw += term.weight * machines.satisfying(term.preference)
    return raw


def load_aware(machines: Machines, _: PodSpec, __: Policy) -> Raw:
    """Predicted use of the node; a snapshot carries no usage, so all nodes are alike until a trace feeds it."""
    return np.zeros(len(machines), dtype=np.int64)


def price(machines: Machines, _: PodSpec, __: Policy) -> Raw:
    """What the node costs; a snapshot carries no prices, so all nodes are alike until a price list feeds it."""
    return np.zeros(len(machines), dtype=np.int64)


def image_locality(machines: Machines, spec: PodSpec) -> Raw:
    """0 to 100 by the bytes of the pod's images the node has, each scaled by how widely the image is spread.

    The bounds are kube-scheduler's: below 23 MiB nothing counts, 1000 MiB a container are the most.
    """
    total = np.zeros(len(machines), dtype=np.int64)
    for image in (*spec.images, *spec.volume_images):
        for i, size in machines.image_sizes.get(_tagged(image), {}).items():
            total[i] += size
    most = _LARGEST_IMAGE * max(len(spec.images), 1)
    scores: Raw = 100 * (np.clip(total, _SMALLEST_IMAGE, most) - _SMALLEST_IMAGE) // (most - _SMALLEST_IMAGE)
    return scores


def _tagged(image: str) -> str:
    """The image's name with a tag: kube-scheduler adds ``:latest`` when there is none."""
    return image if image.rfind(":") > image.rfind("/") else f"{image}:latest"


RawScore = Callable[[Machines, PodSpec, Policy], Raw]
NORMALISED: Final[Mapping[str, tuple[RawScore, int]]] = {
    "TaintToleration": (taint_toleration, BY_MAXIMUM_REVERSED),
    "NodeAffinity": (node_affinity, BY_MAXIMUM),
    "LoadAware": (load_aware, BY_MAXIMUM_REVERSED),
    "Price": (price, BY_MAXIMUM_REVERSED),
}
