"""``share-gpus``: pods that use a part of the one GPU they have share it with others (MPS, time slicing)."""

from __future__ import annotations

from math import ceil
from typing import Final

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.node_pods import of_the_node
from yuheng.finops.what_if.question import Ask
from yuheng.finops.what_if.state import Changed, Known, State, is_batch
from yuheng.model.node import Node
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.what_if import Risk
from yuheng.model.words import count

__all__ = ["USUAL_SHARE", "share_gpus"]

# Of 143 inference containers in a day of Alibaba's GPU cluster (clusterdata, 2021), 85 in 100 kept the 95th percentile
# of their GPU's duty cycle at or below one half.
USUAL_SHARE: Final = 500
# What is given beyond what was measured, and in what steps: a twentieth of a GPU.
MARGIN: Final = 1.15
STEP: Final = 50
_WHOLE: Final = ("nvidia.com/gpu", "amd.com/gpu")


def share_gpus(state: State, known: Known, _ask: Ask) -> Changed:
    """Give pods with one whole GPU a share of it.

    Raises:
        ConfigError: no pod has a GPU of which it could give some away.
    """
    nodes = {node.name: node for node in state.snapshot.nodes}
    specs: dict[tuple[int, int, int], PodSpec] = {}
    pods, shared = [], 0
    for pod in state.snapshot.pods:
        milli = _milli(pod, known)
        if milli >= 1000:
            pods.append(pod)
            continue
        memory = _memory(nodes[pod.node or ""], milli)
        key = (id(pod.spec), milli, memory)
        if key not in specs:
            specs[key] = _sharing(pod.spec, milli, memory)
        pods.append(msgspec.structs.replace(pod, spec=specs[key]))
        shared += 1
    if not shared:
        expected = (
            "a service (no Job, no bare pod) with one whole GPU, or --usage"
            if known.gpu_use is None
            else "a pod with one whole GPU of which --usage tells that less would do"
        )
        raise ConfigError(f"--what-if share-gpus: found no pod that could share its GPU, expected {expected}")
    snapshot = msgspec.structs.replace(state.snapshot, pods=tuple(pods))
    return Changed(
        State(snapshot, state.prices),
        f"{count(shared, 'pod')} with one whole GPU: each takes a share of one",
        _risk,
        (),
        _assumptions(known),
    )


def _milli(pod: Pod, known: Known) -> int:
    """Thousandths of a GPU that a pod takes from then on; 1000 where it is left as it is."""
    devices = pod.spec.devices
    if devices.count != 1 or devices.is_share() or of_the_node(pod):
        return 1000
    if known.gpu_use is None:
        return 1000 if is_batch(pod) or pod.owner is None else USUAL_SHARE
    used = known.gpu_use.get(pod.key)
    # What was not measured is left alone.
    return 1000 if used is None else min(max(STEP * ceil(used * MARGIN * 1000 / STEP), STEP), 1000)


def _memory(node: Node, milli: int) -> int:
    """Bytes of the GPU's memory that go with a share: as much of them as of the GPU; 0 where that is not known."""
    return node.devices.memory * milli // 1000


def _sharing(spec: PodSpec, milli: int, memory: int) -> PodSpec:
    requests = {name: amount for name, amount in spec.requests.items() if name not in _WHOLE}
    devices = msgspec.structs.replace(spec.devices, count=1, milli=milli, memory=memory)
    changed: PodSpec = msgspec.structs.replace(spec, requests=requests, devices=devices)
    return changed


def _assumptions(known: Known) -> tuple[str, ...]:
    memory = "a share has as large a part of the GPU's memory; whether a model fits it is not known"
    if known.gpu_use is None:
        return (
            (
                f"without --usage every service with one GPU gets {USUAL_SHARE / 1000:g} of it: in a day of 143 "
                "published inference containers, 85 in 100 stayed below that 95 % of the time; batch pods keep theirs"
            ),
            memory,
        )
    return (
        f"a pod's share is what it used 95 % of the time, and {MARGIN - 1:.0%} more; what was not measured is left",
        memory,
    )


def _risk(state: State) -> Risk:
    """How many pods share a device with another."""
    holders: dict[str, int] = {}
    capacity = {node.name: node.devices.count for node in state.snapshot.nodes}
    for pod in state.snapshot.pods:
        if pod.spec.devices.is_share():
            holders[pod.node or ""] = holders.get(pod.node or "", 0) + 1
    beside = sum(count for name, count in holders.items() if count > capacity.get(name, 0))
    text = (
        f"at least {beside} pods run on nodes with more sharers than GPUs: a peak of one slows its neighbours, and a "
        "fault of one can end them (time slicing does not isolate memory, MPS shares a server)"
    )
    return Risk(text, float(beside), "pods that share a GPU")
