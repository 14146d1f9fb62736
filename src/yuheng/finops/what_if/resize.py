"""``resize``: requests become what `yuheng rightsize` recommends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.what_if.question import Ask
from yuheng.finops.what_if.state import Changed, Known, Sizes, State, moved
from yuheng.model.estate import Container, Estate, PodEstate, requested_together
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.rightsizing import ContainerAdvice, Rightsizing
from yuheng.model.what_if import Risk
from yuheng.model.words import count

__all__ = ["resize", "sizes_of"]


def sizes_of(estate: Estate, found: Rightsizing) -> Sizes:
    """The recommendations for workloads, as changes of their pods.

    Args:
        estate: the cluster.
        found: the recommendations.
    """
    # Where an autoscaler steers, request and replicas are chosen together, and replicas stay here.
    own = [row for row in found.containers if row.autoscaler is None]
    advice = {(row.kind, row.namespace, row.workload, row.container): row for row in own}
    changes, minutes = {}, dict[int, float]()
    for key, pod in estate.pods.items():
        owner = (pod.owner.kind, pod.namespace, pod.owner.name) if pod.owner.name else ("Pod", pod.namespace, pod.name)
        rows = [advice.get((*owner, container.name)) for container in pod.containers]
        change = _more(pod, rows)
        if any(change):
            changes[key] = change
        minutes |= {id(row): _minutes(row) for row in rows if row is not None}
    return Sizes(changes, sum(minutes.values()), found.strategy, len(found.containers) - len(own))


def _more(pod: PodEstate, rows: Sequence[ContainerAdvice | None]) -> tuple[int, int]:
    """How many milli-cores and bytes more are set aside for a pod; an init container may need what the others do not.

    Args:
        pod: as it is.
        rows: the advice on each of its containers; None for none.
    """
    sized = [
        container if row is None else _sized(container, row)
        for container, row in zip(pod.containers, rows, strict=True)
    ]
    before, after = pod.requested, requested_together(sized, pod.least, pod.overhead)
    return after.cpu - before.cpu, after.memory - before.memory


def _sized(container: Container, row: ContainerAdvice) -> Container:
    cpu = container.cpu if row.cpu.new is None else row.cpu.new
    memory = container.memory if row.memory.new is None else row.memory.new
    sized: Container = msgspec.structs.replace(container, cpu=cpu, memory=memory)
    return sized


def _minutes(row: ContainerAdvice) -> float:
    """Minutes a month in which a container of the workload uses more than the requests that are changed."""
    return sum(change.minutes or 0.0 for change in (row.cpu, row.memory) if change.new is not None)


def resize(state: State, known: Known, _ask: Ask) -> Changed:
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
        told.append(f"{count(sizes.steered, 'container')} that an autoscaler steers are left as they are")
    return Changed(
        result,
        f"{count(changed, 'pod')} with the requests that `yuheng rightsize` recommends ({sizes.strategy})",
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
