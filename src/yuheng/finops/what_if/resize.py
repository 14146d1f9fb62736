"""``resize``: requests become what `yuheng rightsize` recommends."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.what_if.state import Changed, Known, Sizes, State, moved, several
from yuheng.model.estate import Estate
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.rightsizing import ContainerAdvice, Rightsizing
from yuheng.model.what_if import Risk

__all__ = ["resize", "sizes_of"]


def sizes_of(estate: Estate, found: Rightsizing) -> Sizes:
    """The recommendations for workloads, as changes of their pods.

    Args:
        estate: the cluster.
        found: the recommendations.
    """
    advice: dict[tuple[str, str, str, str], ContainerAdvice] = {}
    # Where an autoscaler steers, request and replicas are chosen together, and replicas stay here.
    steered = sum(row.autoscaler is not None for row in found.containers)
    rows_of_own = [row for row in found.containers if row.autoscaler is None]
    for row in rows_of_own:
        advice[row.kind, row.namespace, row.workload, row.container] = row
    changes = {}
    for key, pod in estate.pods.items():
        owner = (pod.owner.kind, pod.namespace, pod.owner.name) if pod.owner.name else ("Pod", pod.namespace, pod.name)
        rows = [advice.get((*owner, container.name)) for container in pod.containers]
        cpu = sum(_more(row.cpu.old, row.cpu.new) for row in rows if row is not None)
        memory = sum(_more(row.memory.old, row.memory.new) for row in rows if row is not None)
        if cpu or memory:
            changes[key] = (cpu, memory)
    both = [change for row in rows_of_own for change in (row.cpu, row.memory)]
    risks = [change.minutes or 0.0 for change in both if change.new is not None]
    return Sizes(changes, sum(risks), found.strategy, steered)


def _more(old: int, new: int | None) -> int:
    return 0 if new is None else new - old


def resize(state: State, known: Known) -> Changed:
    """Change requests; pods that outgrow their node get another.

    Raises:
        ConfigError: nothing was measured, or nothing is to be changed.
    """
    if known.sizes is None:
        raise ConfigError("--what-if resize: found no usage to size requests by, expected --usage")
    sizes = known.sizes
    pods = [_resized(pod, sizes.of_pod[pod.key]) if pod.key in sizes.of_pod else pod for pod in state.snapshot.pods]
    changed = sum(pod.key in sizes.of_pod for pod in pods)
    if not changed:
        raise ConfigError("--what-if resize: found no request to change by this usage, expected one at least")
    grown = State(msgspec.structs.replace(state.snapshot, pods=tuple(pods)), state.prices)
    result, unplaced = moved(grown, known, _outgrown(grown, sizes.of_pod))
    text = f"in {sizes.minutes:,.0f} minutes a month a container uses more than it requests, all containers together"
    told = ["usage goes on as it was measured; limits and replicas stay"]
    if sizes.steered:
        told.append(f"{several(sizes.steered, 'container')} that an autoscaler steers are left as they are")
    return Changed(
        result,
        f"{several(changed, 'pod')} with the requests that `yuheng rightsize` recommends ({sizes.strategy})",
        lambda _: Risk(text, sizes.minutes, "minutes above request a month"),
        unplaced,
        tuple(told),
    )


def _resized(pod: Pod, more: tuple[int, int]) -> Pod:
    spec = pod.spec
    requests = dict(spec.requests)
    for name, amount in zip(("cpu", "memory"), more, strict=True):
        requests[name] = max(requests.get(name, 0) + amount, 0)
    scoring = (max(spec.scoring_requests[0] + more[0], 0), max(spec.scoring_requests[1] + more[1], 0))
    changed: PodSpec = msgspec.structs.replace(spec, requests=requests, scoring_requests=scoring, held_requests=None)
    sized: Pod = msgspec.structs.replace(pod, spec=changed)
    return sized


def _outgrown(state: State, sizes: Mapping[str, tuple[int, int]]) -> list[Pod]:
    """The pods that grew on nodes which do not hold all of theirs any more."""
    left = {node.name: dict(node.allocatable) for node in state.snapshot.nodes}
    for pod in state.snapshot.pods:
        room = left[pod.node or ""]
        for name in ("cpu", "memory"):
            room[name] = room.get(name, 0) - pod.spec.requests.get(name, 0)
    over = {name for name, room in left.items() if room["cpu"] < 0 or room["memory"] < 0}
    return [pod for pod in state.snapshot.pods if pod.node in over and max(sizes.get(pod.key, (0, 0))) > 0]
