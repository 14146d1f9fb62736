"""Hints carried out: the change a hint proposes, made to the snapshot as an operator would make it."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node, Toleration
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.quantity import parse_quantity

Change = Callable[[Snapshot, Pod, re.Match[str]], Snapshot]


def carried_out(snapshot: Snapshot, key: str, hint: str) -> Snapshot:
    """The snapshot after the hint for a pod was followed; fails on a hint that it does not know."""
    pod = next(pod for pod in snapshot.pods if pod.key == key)
    for pattern, change in _CHANGES:
        match = re.fullmatch(pattern, hint)
        if match:
            return change(snapshot, pod, match)
    raise AssertionError(f"a hint nobody can follow: {hint!r}")


def _with_spec(snapshot: Snapshot, pod: Pod, **changes: object) -> Snapshot:
    spec: PodSpec = msgspec.structs.replace(pod.spec, **changes)
    changed = msgspec.structs.replace(pod, spec=spec)
    pods = tuple(changed if item.key == pod.key else item for item in snapshot.pods)
    return msgspec.structs.replace(snapshot, pods=pods)


def _less(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    quantity = parse_quantity(match["amount"])
    amount = quantity.milli() if match["name"] == "cpu" else quantity.value()
    assert amount < pod.spec.requests[match["name"]]
    return _with_spec(snapshot, pod, requests={**pod.spec.requests, match["name"]: amount})


def _smaller_share(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    devices = msgspec.structs.replace(pod.spec.devices, milli=int(match["milli"]))
    return _with_spec(snapshot, pod, devices=devices)


def _fewer_gpus(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    count = int(match["count"])
    requests = dict(pod.spec.requests)
    if "nvidia.com/gpu" in requests:
        requests["nvidia.com/gpu"] = count
    devices = msgspec.structs.replace(pod.spec.devices, count=count)
    return _with_spec(snapshot, pod, devices=devices, requests=requests)


def _tolerate(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    toleration = Toleration(match["key"], "Equal", match["value"] or "", match["effect"])
    return _with_spec(snapshot, pod, tolerations=(*pod.spec.tolerations, toleration))


def _raise_skew(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    return _respread(snapshot, pod, match["key"], int(match["old"]), max_skew=int(match["new"]))


def _soften(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    return _respread(snapshot, pod, match["key"], None, when_unsatisfiable="ScheduleAnyway")


def _respread(snapshot: Snapshot, pod: Pod, key: str, skew: int | None, **changes: object) -> Snapshot:
    spread = tuple(
        msgspec.structs.replace(constraint, **changes)
        if constraint.topology_key == key
        and constraint.when_unsatisfiable == "DoNotSchedule"
        and skew in (None, constraint.max_skew)
        else constraint
        for constraint in pod.spec.spread
    )
    return _with_spec(snapshot, pod, spread=spread)


def _drop_selector(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    rest = {key: value for key, value in pod.spec.node_selector.items() if key != match["key"]}
    return _with_spec(snapshot, pod, node_selector=rest)


def _drop_node_affinity(snapshot: Snapshot, pod: Pod, _: re.Match[str]) -> Snapshot:
    relaxed = msgspec.structs.replace(pod.spec.affinity.node_affinity, required=None)
    return _with_spec(snapshot, pod, affinity=msgspec.structs.replace(pod.spec.affinity, node_affinity=relaxed))


def _drop_pod_rule(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    field = "pod_anti_affinity" if match["anti"] else "pod_affinity"
    side = getattr(pod.spec.affinity, field)
    rest = tuple(term for term in side.required if term.topology_key != match["key"])
    relaxed = msgspec.structs.replace(side, required=rest)
    return _with_spec(snapshot, pod, affinity=msgspec.structs.replace(pod.spec.affinity, **{field: relaxed}))


def _without(snapshot: Snapshot, keep: Callable[[Pod], bool]) -> Snapshot:
    pods = tuple(pod for pod in snapshot.pods if keep(pod))
    assert len(pods) < len(snapshot.pods)
    return msgspec.structs.replace(snapshot, pods=pods)


def _end_job(snapshot: Snapshot, _: Pod, match: re.Match[str]) -> Snapshot:
    def stays(pod: Pod) -> bool:
        mine = pod.owner is not None and (pod.namespace, pod.owner.kind, pod.owner.name) == (
            match["namespace"],
            "Job",
            match["job"],
        )
        return not (mine and pod.node == match["node"])

    return _without(snapshot, stays)


def _finish(snapshot: Snapshot, _: Pod, match: re.Match[str]) -> Snapshot:
    return _without(snapshot, lambda item: item.key != match["pod"])


def _evict(snapshot: Snapshot, pod: Pod, match: re.Match[str]) -> Snapshot:
    victim = next(item for item in snapshot.pods if item.key == match["pod"])
    assert victim.priority < pod.priority
    return _without(snapshot, lambda item: item.key != match["pod"])


def _uncordon(snapshot: Snapshot, _: Pod, match: re.Match[str]) -> Snapshot:
    nodes = tuple(_healthy(node) if node.name == match["node"] else node for node in snapshot.nodes)
    return msgspec.structs.replace(snapshot, nodes=nodes)


def _healthy(node: Node) -> Node:
    taints = tuple(taint for taint in node.taints if not taint.key.startswith("node.kubernetes.io/"))
    return msgspec.structs.replace(node, unschedulable=False, taints=taints)


def _add_node(snapshot: Snapshot, _: Pod, match: re.Match[str]) -> Snapshot:
    like = next(node for node in snapshot.nodes if node.name == match["node"])
    labels = dict(like.labels)
    if "kubernetes.io/hostname" in labels:
        labels["kubernetes.io/hostname"] = "fresh"
    fresh = msgspec.structs.replace(_healthy(like), name="fresh", labels=labels)
    return msgspec.structs.replace(snapshot, nodes=(*snapshot.nodes, fresh))


_FITS = r"(: it fits on .*|: it fits there)"
_CHANGES: tuple[tuple[str, Change], ...] = (
    (rf"ask for (?P<milli>\d+) milli of a GPU instead of \d+{_FITS}", _smaller_share),
    (rf"ask for (?P<count>\d+) GPUs instead of \d+{_FITS}", _fewer_gpus),
    (rf"ask for (?P<amount>\S+) of (?P<name>\S+) instead of \S+{_FITS}", _less),
    (rf"tolerate the taint (?P<key>[^=:]+)(=(?P<value>[^:]*))?:(?P<effect>\w+){_FITS}", _tolerate),
    (rf"raise maxSkew over (?P<key>\S+) from (?P<old>\d+) to (?P<new>\d+){_FITS}", _raise_skew),
    (rf"make its spread over (?P<key>\S+) soft \(ScheduleAnyway\){_FITS}", _soften),
    (rf"drop (?P<key>[^=]+)=\S* from its nodeSelector{_FITS}", _drop_selector),
    (rf"drop its required node affinity{_FITS}", _drop_node_affinity),
    (rf"drop its required (?P<anti>anti-)?affinity over (?P<key>\S+?){_FITS}", _drop_pod_rule),
    (r"wait for job (?P<namespace>[^/]+)/(?P<job>\S+) to end on (?P<node>\S+)", _end_job),
    (r"wait for (?P<pod>\S+) to finish terminating on \S+", _finish),
    (r"evict (?P<pod>\S+) \(priority -?\d+\) from \S+", _evict),
    (rf"uncordon (?P<node>\S+?){_FITS}", _uncordon),
    (r"add one more node like (?P<node>\S+)", _add_node),
)
