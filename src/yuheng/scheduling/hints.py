"""The smallest single change that would place a refused pod.

Changes are looked for from the cheapest to make to the dearest: ask for less of one resource, if it is not much;
tolerate a taint, raise a skew, drop a selector; wait for a job, evict a pod of lower priority; add a node; ask for a
lot less. A change is only told if it works in the state the pod was refused in: either the record shows that it is all
that is missing on some node, or the engine was asked again with the change made (`whatif`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from yuheng.model.node import Node, Taint
from yuheng.model.pod import Pod, PodAffinity, PodSpec, TopologySpreadConstraint
from yuheng.model.quantity import format_amount
from yuheng.scheduling import arrays as a
from yuheng.scheduling.arrays import Bits
from yuheng.scheduling.engine import Engine, Hand
from yuheng.scheduling.explain import missing, resource_of
from yuheng.scheduling.filters import CORDON, untolerated_taints
from yuheng.scheduling.room import untouched
from yuheng.scheduling.victims import victims
from yuheng.scheduling.whatif import admits, feasible_after, node_of, rejections_if

__all__ = ["hint"]

# Asking for up to this share less counts as a small change, and is told before any other.
SMALL: Final = 0.25
_ROOM_BITS: Final = (
    (1 << a.BIT_PORTS)
    | (1 << a.BIT_PODS)
    | (1 << a.BIT_DEVICE_WHOLE)
    | (1 << a.BIT_DEVICE_SHARE)
    | sum(1 << bit for bit in range(a.BIT_RESOURCES, 63))
)
_DEVICE_BITS: Final = (1 << a.BIT_DEVICE_WHOLE) | (1 << a.BIT_DEVICE_SHARE)
_GPU: Final = "nvidia.com/gpu"
_MIB: Final = 2**20
# Nodes that are searched for a pod to evict, and kinds of nodes that are tried as one more.
_NODES_SEARCHED: Final = 50
_KINDS_TRIED: Final = 3


class _Case:
    """One refusal to find a hint for."""

    def __init__(self, engine: Engine, hand: Hand, pod: Pod, record: Bits) -> None:
        self.engine = engine
        self.hand = hand
        self.pod = pod
        self.record = record

    @property
    def counts(self) -> bool:
        """Whether spread or pod affinity has a say, so that room alone does not decide."""
        first = self.hand.window.counter_first
        return bool(first[self.hand.row + 1] > first[self.hand.row])

    @property
    def is_plain(self) -> bool:
        """Whether resources alone decide once static filters are passed."""
        return not (self.counts or self.pod.spec.devices.count or self.pod.spec.host_ports)

    def name(self, n: int) -> str:
        return self.engine.machines.nodes[n].name

    def only(self, bits: int) -> list[int]:
        """The nodes where nothing but these bits stands in the way."""
        return np.flatnonzero((self.record & ~bits) == 0).tolist()

    def works(self, **changes: object) -> int:
        """The first node the pod would fit on with its spec changed; -1 for none."""
        spec: PodSpec = msgspec.structs.replace(self.pod.spec, **changes)
        changed: Pod = msgspec.structs.replace(self.pod, spec=spec)
        free = np.flatnonzero(rejections_if(self.engine, changed) == 0)
        return int(free[0]) if len(free) else -1


def hint(engine: Engine, hand: Hand, pod: Pod, record: Bits) -> str:
    """The smallest single change that would place the pod, as a sentence; empty when there is none."""
    case = _Case(engine, hand, pod, record)
    less = _ask_less(case)
    if less is not None and less[0] <= SMALL:
        return less[1]
    for find in _FINDERS:
        found = next(find(case), "")
        if found:
            return found
    return less[1] if less is not None else ""


def _ask_less(case: _Case) -> tuple[float, str] | None:
    """The least share by which one resource (or the GPUs) could be lowered, and the sentence."""
    options = [*_less_of_a_resource(case), *_less_of_a_gpu(case)]
    return min(options, default=None)


def _less_of_a_resource(case: _Case) -> Iterator[tuple[float, str]]:
    window, w = case.hand.window, case.hand.row
    for i in range(int(window.need_start[w + 1] - window.need_start[w])):
        bit = a.BIT_RESOURCES + i
        name = resource_of(case.engine, case.hand, bit)
        if name == _GPU:
            continue
        asked = case.pod.spec.requests[name]
        short = [(missing(case.engine, case.hand, name, n), n) for n in case.only(1 << bit)]
        lacking, n = min(short, default=(asked, -1))
        if lacking < asked:
            less = format_amount(name, _typed(name, asked - lacking))
            text = f"ask for {less} of {name} instead of {format_amount(name, asked)}"
            yield lacking / asked, f"{text}: it fits on {case.name(n)}"


def _typed(name: str, amount: int) -> int:
    """An amount that people would write: bytes down to whole mebibytes."""
    return amount // _MIB * _MIB if name in ("memory", "ephemeral-storage") and amount >= _MIB else amount


def _less_of_a_gpu(case: _Case) -> Iterator[tuple[float, str]]:
    request = case.pod.spec.devices
    if not request.count:
        return
    gpu_bits = _DEVICE_BITS | _resource_bit(case, _GPU)
    cluster = case.engine.cluster
    if request.is_share():
        nodes = case.only(gpu_bits) if not request.memory else []
        left, n = max(((int(cluster.device_free[n].max()), -n) for n in nodes), default=(0, 0))
        if 0 < left < request.milli:
            text = f"ask for {left} milli of a GPU instead of {request.milli}: it fits on {case.name(-n)}"
            yield 1 - left / request.milli, text
        return
    free = ((_whole_free(case, n), -n) for n in case.only(gpu_bits))
    left, n = max(free, default=(0, 0))
    if 0 < left < request.count:
        text = f"ask for {left} GPUs instead of {request.count}: it fits on {case.name(-n)}"
        yield 1 - left / request.count, text


def _resource_bit(case: _Case, name: str) -> int:
    window, w = case.hand.window, case.hand.row
    columns = window.needs[window.need_start[w] : window.need_start[w + 1]].tolist()
    column = case.engine.resources.column.get(name, -1)
    return 1 << (a.BIT_RESOURCES + columns.index(column)) if column in columns else 0


def _whole_free(case: _Case, n: int) -> int:
    left = int(untouched(case.engine.cluster, n))
    if not _resource_bit(case, _GPU):
        return left
    return min(left, case.pod.spec.requests[_GPU] - missing(case.engine, case.hand, _GPU, n))


def _tolerate(case: _Case) -> Iterator[str]:
    """One toleration, of the taint that opens the most nodes."""
    opened: dict[Taint, list[int]] = {}
    for n in case.only(1 << a.BIT_TAINT):
        taints = untolerated_taints(case.engine.machines.nodes[n].taints, case.pod.spec.tolerations)
        if len(taints) == 1:
            opened.setdefault(taints[0], []).append(n)
    for taint, nodes in sorted(opened.items(), key=lambda item: (-len(item[1]), item[1])):
        text = f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
        yield f"tolerate the taint {text}: it fits on {_places(case, nodes)}"


def _places(case: _Case, nodes: list[int]) -> str:
    more = len(nodes) - 1
    return case.name(nodes[0]) + (f" and {more} more" if more else "")


def _uncordon(case: _Case) -> Iterator[str]:
    """A cordoned node; Kubernetes taints it as well."""
    for n in case.only((1 << a.BIT_UNSCHEDULABLE) | (1 << a.BIT_TAINT)):
        node = case.engine.machines.nodes[n]
        taints = untolerated_taints(node.taints, case.pod.spec.tolerations)
        if node.unschedulable and all(taint.key == CORDON.key for taint in taints):
            yield f"uncordon {case.name(n)}: it fits there"


def _relax_nodes(case: _Case) -> Iterator[str]:
    """Without one entry of the nodeSelector, or without the required node affinity."""
    if not case.only((1 << a.BIT_AFFINITY) | (1 << a.BIT_OUTSIDE)):
        return
    spec = case.pod.spec
    for key, value in sorted(spec.node_selector.items()):
        rest = {other: wanted for other, wanted in spec.node_selector.items() if other != key}
        n = case.works(node_selector=rest)
        if n >= 0:
            yield f"drop {key}={value} from its nodeSelector: it fits on {case.name(n)}"
    if spec.affinity.node_affinity.required is not None:
        relaxed = msgspec.structs.replace(spec.affinity.node_affinity, required=None)
        n = case.works(affinity=msgspec.structs.replace(spec.affinity, node_affinity=relaxed))
        if n >= 0:
            yield f"drop its required node affinity: it fits on {case.name(n)}"


def _raise_skew(case: _Case) -> Iterator[str]:
    """A higher maxSkew of one hard spread constraint; or the constraint made soft."""
    if not case.only((1 << a.BIT_SPREAD_SKEW) | (1 << a.BIT_SPREAD_LABEL)):
        return
    for i, constraint in enumerate(case.pod.spec.spread):
        if constraint.when_unsatisfiable != "DoNotSchedule":
            continue
        for skew in (*range(constraint.max_skew + 1, constraint.max_skew + 5),):
            n = case.works(spread=_with(case.pod.spec, i, max_skew=skew))
            if n >= 0:
                change = f"raise maxSkew over {constraint.topology_key} from {constraint.max_skew} to {skew}"
                yield f"{change}: it fits on {case.name(n)}"
        n = case.works(spread=_with(case.pod.spec, i, when_unsatisfiable="ScheduleAnyway"))
        if n >= 0:
            yield f"make its spread over {constraint.topology_key} soft (ScheduleAnyway): it fits on {case.name(n)}"


def _with(spec: PodSpec, i: int, **changes: object) -> tuple[TopologySpreadConstraint, ...]:
    changed: TopologySpreadConstraint = msgspec.structs.replace(spec.spread[i], **changes)
    return (*spec.spread[:i], changed, *spec.spread[i + 1 :])


def _relax_pods(case: _Case) -> Iterator[str]:
    """Without one required term of pod affinity or anti-affinity."""
    bits = (1 << a.BIT_POD_AFFINITY) | (1 << a.BIT_POD_ANTI_AFFINITY)
    if not case.only(bits):
        return
    affinity = case.pod.spec.affinity
    sides: tuple[tuple[str, str, PodAffinity], ...] = (
        ("pod_affinity", "affinity", affinity.pod_affinity),
        ("pod_anti_affinity", "anti-affinity", affinity.pod_anti_affinity),
    )
    for field, word, side in sides:
        for i, term in enumerate(side.required):
            rest = msgspec.structs.replace(side, required=(*side.required[:i], *side.required[i + 1 :]))
            n = case.works(affinity=msgspec.structs.replace(affinity, **{field: rest}))
            if n >= 0:
                yield f"drop its required {word} over {term.topology_key}: it fits on {case.name(n)}"


def _free_a_node(case: _Case) -> Iterator[str]:
    """One job that ends, or one pod of lower priority that is evicted."""
    nodes = case.only(_ROOM_BITS)[:_NODES_SEARCHED]
    for victim in victims(case.engine, case.hand, case.pod, nodes):
        if case.is_plain or feasible_after(case.engine, case.pod, without=victim.pod):
            if victim.ends and victim.pod.owner is not None:
                yield f"wait for job {victim.pod.namespace}/{victim.pod.owner.name} to end on {victim.pod.node}"
            else:
                yield f"evict {victim.pod.key} (priority {victim.pod.priority}) from {victim.pod.node}"


def _add_a_node(case: _Case) -> Iterator[str]:
    """One more node of an existing kind, the smallest kind that does."""
    static = case.hand.window.static[case.hand.row] & ~((1 << a.BIT_UNSCHEDULABLE) | (1 << a.BIT_TAINT))
    kinds: dict[tuple[object, ...], Node] = {}
    for n in np.flatnonzero(static == 0).tolist():
        node = case.engine.machines.nodes[n]
        kinds.setdefault((tuple(sorted(node.allocatable.items())), node.taints, node.devices), node)
    sized = sorted(kinds.values(), key=lambda node: (node.devices.count, node.allocatable.get("cpu", 0), node.name))
    fresh_nodes = ((like, node_of(case.engine, like)) for like in sized if _holds(like, case.pod.spec))
    admitting = ((like, fresh) for like, fresh in fresh_nodes if admits(case.engine, case.pod, fresh))
    for like, fresh in islice(admitting, _KINDS_TRIED):
        nodes = (*case.engine.snapshot.nodes, fresh)
        if not case.counts or feasible_after(case.engine, case.pod, nodes=nodes):
            yield f"add one more node like {like.name}"


def _holds(node: Node, spec: PodSpec) -> bool:
    """Whether an empty node of this kind has room for the pod."""
    memory = spec.devices.memory if spec.devices.is_share() else 0
    return (
        node.devices.count >= spec.devices.count
        and node.devices.memory >= memory
        and node.allocatable.get("pods", 0) > 0
        and all(node.allocatable.get(name, 0) >= amount for name, amount in spec.requests.items())
    )


_FINDERS: Final[tuple[Callable[[_Case], Iterator[str]], ...]] = (
    _tolerate,
    _raise_skew,
    _relax_nodes,
    _free_a_node,
    _uncordon,
    _relax_pods,
    _add_a_node,
)
