"""The smallest single change that would place a refused pod.

Changes are looked for from the cheapest to make to the dearest: ask for less of one resource, if it is not much;
tolerate a taint, raise a skew, drop a selector; wait for a job, evict a pod of lower priority; add a node; ask for a
lot less. A change is only told if it works in the state the pod was refused in: either the record shows that it is all
that is missing on some node, or the engine was asked again with the change made (`whatif`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.node import Node, Taint, Toleration
from yuheng.model.pod import Pod, PodAffinity, PodSpec, TopologySpreadConstraint
from yuheng.model.quantity import format_amount
from yuheng.scheduling import arrays as a
from yuheng.scheduling.arrays import Bits
from yuheng.scheduling.engine import Engine, Hand, Told
from yuheng.scheduling.explain import resource_of
from yuheng.scheduling.filters import CORDON, untolerated_taints
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


# A change as a sentence, and the node the pod would then go to (-1: one that is not there yet).
Change = tuple[str, int]


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
        found: list[int] = np.flatnonzero((self.record & ~bits) == 0).tolist()
        return found

    def works(self, **changes: object) -> int:
        """The first node the pod would fit on with its spec changed; -1 for none."""
        spec: PodSpec = msgspec.structs.replace(self.pod.spec, **changes)
        changed: Pod = msgspec.structs.replace(self.pod, spec=spec)
        free = np.flatnonzero(rejections_if(self.engine, changed) == 0)
        return int(free[0]) if len(free) else -1

    def still_holds(self, told: Told) -> bool:
        """Whether a hint told to this class before is still good.

        A plan only ever fills nodes. Where no other pod has a say, a hint that stands on a node holds until something
        is placed there, and one that stands on none holds for good.
        """
        if self.counts:
            return False
        if told.node < 0:
            return True
        cluster = self.engine.cluster
        since = cluster.log_node[told.log_size : int(cluster.log_size[0])]
        return bool(self.record[told.node] == told.bits) and told.node not in since


def hint(engine: Engine, hand: Hand, pod: Pod, record: Bits) -> str:
    """The smallest single change that would place the pod, as a sentence; empty when there is none."""
    case = _Case(engine, hand, pod, record)
    key = (engine.classes.number(pod), pod.priority)
    told = engine.hints.get(key)
    if told is not None and case.still_holds(told):
        return told.text
    text, n = _smallest(case)
    bits = int(record[n]) if n >= 0 else 0
    engine.hints[key] = Told(text, n, bits, int(engine.cluster.log_size[0]))
    return text


def _smallest(case: _Case) -> Change:
    less = _ask_less(case)
    if less is not None and less[0] <= SMALL:
        return less[1]
    for find in _FINDERS:
        found = next(find(case), None)
        if found is not None:
            return found
    return less[1] if less is not None else ("", -1)


def _ask_less(case: _Case) -> tuple[float, Change] | None:
    """The least share by which one resource (or the GPUs) could be lowered, and the sentence."""
    options = [*_less_of_a_resource(case), *_less_of_a_gpu(case)]
    return min(options, default=None)


def _less_of_a_resource(case: _Case) -> Iterator[tuple[float, Change]]:
    window, w = case.hand.window, case.hand.row
    for i in range(int(window.need_start[w + 1] - window.need_start[w])):
        bit = a.BIT_RESOURCES + i
        name = resource_of(case.engine, case.hand, bit)
        if name == _GPU:
            continue
        asked = case.pod.spec.requests[name]
        nodes = case.only(1 << bit)
        if not nodes:
            continue
        free = _free(case, name)[nodes]
        n = nodes[int(free.argmax())]
        lacking = asked - int(free.max())
        if lacking < asked:
            less = format_amount(name, _typed(name, asked - lacking))
            text = f"ask for {less} of {name} instead of {format_amount(name, asked)}"
            yield lacking / asked, (f"{text}: it fits on {case.name(n)}", n)


def _free(case: _Case, name: str) -> NDArray[np.int64]:
    """(N,) what every node has left of a resource."""
    cluster, column = case.engine.cluster, case.engine.resources.column[name]
    left: NDArray[np.int64] = cluster.allocatable[:, column] - cluster.used[:, column]
    return left


def _typed(name: str, amount: int) -> int:
    """An amount that people would write: bytes down to whole mebibytes."""
    return amount // _MIB * _MIB if name in ("memory", "ephemeral-storage") and amount >= _MIB else amount


def _less_of_a_gpu(case: _Case) -> Iterator[tuple[float, Change]]:
    request = case.pod.spec.devices
    if not request.count:
        return
    nodes = case.only(_DEVICE_BITS | _resource_bit(case, _GPU))
    if not nodes or (request.is_share() and request.memory):
        return
    left = (_share_free(case) if request.is_share() else _whole_free(case))[nodes]
    n, most = nodes[int(left.argmax())], int(left.max())
    asked = request.milli if request.is_share() else request.count
    if 0 < most < asked:
        what = f"{most} milli of a GPU" if request.is_share() else f"{most} GPUs"
        yield 1 - most / asked, (f"ask for {what} instead of {asked}: it fits on {case.name(n)}", n)


def _resource_bit(case: _Case, name: str) -> int:
    window, w = case.hand.window, case.hand.row
    columns = window.needs[window.need_start[w] : window.need_start[w + 1]].tolist()
    column = case.engine.resources.column.get(name, -1)
    return 1 << (a.BIT_RESOURCES + columns.index(column)) if column in columns else 0


def _share_free(case: _Case) -> NDArray[np.int64]:
    """(N,) the milli left on the freest GPU of every node."""
    most: NDArray[np.int64] = case.engine.cluster.device_free.max(axis=1).astype(np.int64)
    return most


def _whole_free(case: _Case) -> NDArray[np.int64]:
    """(N,) the GPUs of every node that are untouched, and that its allocatable amount allows."""
    cluster = case.engine.cluster
    whole = (cluster.device_free == 1000) & (cluster.device_memory == cluster.device_size[:, None])
    left: NDArray[np.int64] = whole.sum(axis=1)
    if _resource_bit(case, _GPU):
        left = np.minimum(left, _free(case, _GPU))
    return left


def _tolerate(case: _Case) -> Iterator[Change]:
    """One toleration, of the taint that opens the most nodes."""
    opened: dict[Taint, list[int]] = {}
    for n in case.only(1 << a.BIT_TAINT):
        taints = untolerated_taints(case.engine.machines.nodes[n].taints, case.pod.spec.tolerations)
        if len(taints) == 1:
            opened.setdefault(taints[0], []).append(n)
    for taint, nodes in sorted(opened.items(), key=lambda item: (-len(item[1]), item[1])):
        text = f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
        toleration = Toleration(taint.key, "Equal", taint.value, taint.effect)
        if case.counts and case.works(tolerations=(*case.pod.spec.tolerations, toleration)) < 0:
            continue
        yield f"tolerate the taint {text}: it fits on {_places(case, nodes)}", nodes[0]


def _places(case: _Case, nodes: list[int]) -> str:
    more = len(nodes) - 1
    return case.name(nodes[0]) + (f" and {more} more" if more else "")


def _uncordon(case: _Case) -> Iterator[Change]:
    """A cordoned node; Kubernetes taints it as well."""
    for n in case.only((1 << a.BIT_UNSCHEDULABLE) | (1 << a.BIT_TAINT)):
        node = case.engine.machines.nodes[n]
        taints = untolerated_taints(node.taints, case.pod.spec.tolerations)
        if node.unschedulable and all(taint.key == CORDON.key for taint in taints):
            yield f"uncordon {case.name(n)}: it fits there", n


def _relax_nodes(case: _Case) -> Iterator[Change]:
    """Without one entry of the nodeSelector, or without the required node affinity."""
    if not case.only((1 << a.BIT_AFFINITY) | (1 << a.BIT_OUTSIDE)):
        return
    spec = case.pod.spec
    for key, value in sorted(spec.node_selector.items()):
        rest = {other: wanted for other, wanted in spec.node_selector.items() if other != key}
        n = case.works(node_selector=rest)
        if n >= 0:
            yield f"drop {key}={value} from its nodeSelector: it fits on {case.name(n)}", n
    if spec.affinity.node_affinity.required is not None:
        relaxed = msgspec.structs.replace(spec.affinity.node_affinity, required=None)
        n = case.works(affinity=msgspec.structs.replace(spec.affinity, node_affinity=relaxed))
        if n >= 0:
            yield f"drop its required node affinity: it fits on {case.name(n)}", n


def _raise_skew(case: _Case) -> Iterator[Change]:
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
                yield f"{change}: it fits on {case.name(n)}", n
        n = case.works(spread=_with(case.pod.spec, i, when_unsatisfiable="ScheduleAnyway"))
        if n >= 0:
            yield f"make its spread over {constraint.topology_key} soft (ScheduleAnyway): it fits on {case.name(n)}", n


def _with(spec: PodSpec, i: int, **changes: object) -> tuple[TopologySpreadConstraint, ...]:
    changed: TopologySpreadConstraint = msgspec.structs.replace(spec.spread[i], **changes)
    return (*spec.spread[:i], changed, *spec.spread[i + 1 :])


def _relax_pods(case: _Case) -> Iterator[Change]:
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
                yield f"drop its required {word} over {term.topology_key}: it fits on {case.name(n)}", n


def _free_a_node(case: _Case) -> Iterator[Change]:
    """One pod that ends by itself, or one of lower priority that is evicted."""
    nodes = case.only(_ROOM_BITS)[:_NODES_SEARCHED]
    for victim in victims(case.engine, case.hand, case.pod, nodes):
        if case.is_plain or feasible_after(case.engine, case.pod, without=victim.pod):
            yield victim.sentence, case.engine.machines.index[victim.pod.node or ""]


def _add_a_node(case: _Case) -> Iterator[Change]:
    """One more node of an existing kind, the smallest kind that does; its daemons will run there, too."""
    static = case.hand.window.static[case.hand.row] & ~((1 << a.BIT_UNSCHEDULABLE) | (1 << a.BIT_TAINT))
    allowed = np.flatnonzero(static == 0)
    _, firsts = np.unique(case.engine.machines.kinds[allowed], return_index=True)
    kinds = [case.engine.machines.nodes[n] for n in allowed[firsts].tolist()]
    kinds.sort(key=lambda node: (node.devices.count, node.allocatable.get("cpu", 0), node.name))
    large_enough = (like for like in kinds if _holds(like, case.pod.spec, _daemons(case, like)))
    fresh_nodes = ((like, node_of(case.engine, like)) for like in large_enough)
    admitting = ((like, fresh) for like, fresh in fresh_nodes if admits(case.engine, case.pod, fresh))
    for like, fresh in islice(admitting, _KINDS_TRIED):
        daemons = _daemons(case, like)
        if not case.counts or feasible_after(case.engine, case.pod, fresh=fresh, daemons=daemons):
            yield f"add one more node like {like.name}", -1


def _daemons(case: _Case, node: Node) -> list[Pod]:
    running = case.engine.running_on.get(node.name, ())
    return [pod for pod in running if pod.owner is not None and pod.owner.kind == "DaemonSet"]


def _holds(node: Node, spec: PodSpec, daemons: Sequence[Pod]) -> bool:
    """Whether an otherwise empty node of this kind has room for the pod beside its daemons."""
    needed = Counter(spec.requests)
    for daemon in daemons:
        needed.update(daemon.spec.requests)
    memory = spec.devices.memory if spec.devices.is_share() else 0
    return (
        node.devices.count >= spec.devices.count
        and node.devices.memory >= memory
        and node.allocatable.get("pods", 0) > len(daemons)
        and all(node.allocatable.get(name, 0) >= needed[name] for name in spec.requests)
    )


_FINDERS: Final[tuple[Callable[[_Case], Iterator[Change]], ...]] = (
    _tolerate,
    _raise_skew,
    _relax_nodes,
    _free_a_node,
    _uncordon,
    _relax_pods,
    _add_a_node,
)
