"""``node-type=TYPE``: all nodes of a kind replaced by as many of one type as hold their pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

from yuheng.errors import ConfigError
from yuheng.finops.consolidation.obstacles import node_obstacle
from yuheng.finops.machine import in_place_of, priced_as
from yuheng.finops.node_mix.kinds import architecture
from yuheng.finops.node_pods import of_the_node
from yuheng.finops.what_if.question import Ask
from yuheng.finops.what_if.state import Changed, Fresh, Known, State, moved
from yuheng.model.labels import ARCH, HOSTNAME, INSTANCE_TYPE, OLD_ARCH, OLD_INSTANCE_TYPE
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.pod import Pod
from yuheng.model.prices import Price
from yuheng.model.what_if import Risk
from yuheng.model.words import count

__all__ = ["node_type"]

# Room beyond the sum of all requests, so that pods of all sizes find a place; what is left over goes again.
SPARE: Final = 1.4
_MORE: Final = 3
_OWN: Final = (HOSTNAME, INSTANCE_TYPE, OLD_INSTANCE_TYPE, ARCH, OLD_ARCH)
MOST_NODES: Final = 20_000


def node_type(state: State, known: Known, ask: Ask) -> Changed:
    """Replace all nodes that have GPUs as the type has, or none as it has none, pool by pool.

    Raises:
        ConfigError: the price book does not know what the type has or costs, or there is no node to replace.
    """
    kind, shape = ask.kind, known.book.shape(ask.kind)
    if shape is None or not shape.cpu_milli or not shape.memory:
        raise ConfigError(
            f"--what-if node-type={kind}: found no such type with cpu and memory in the price book, expected one that "
            "--prices tells the size of"
        )
    old = [node for node in state.snapshot.nodes if bool(node.devices.count) == bool(shape.gpus)]
    old = [node for node in old if not node_obstacle(node)]
    if not old:
        having = "with" if shape.gpus else "without"
        raise ConfigError(f"--what-if node-type={kind}: found no node {having} GPUs to replace, expected one at least")
    fresh = [one for pool in _pools(old) for one in _new_nodes(state, known, pool, shape)]
    if len(fresh) > MOST_NODES:
        raise ConfigError(
            f"--what-if node-type={kind}: found that {len(fresh)} nodes would be needed, expected at most {MOST_NODES}"
        )
    names = {node.name for node in old}
    loose = [pod for pod in state.snapshot.pods if pod.node in names and not of_the_node(pod)]
    result, unplaced = moved(state, known, loose, fresh, names)
    return Changed(
        result,
        f"{count(len(old), 'node')} replaced by {kind}",
        lambda final: _risk(final, old, kind),
        unplaced,
        (
            (
                f"{kind} stands in the zones of the nodes it replaces, with the labels and taints of their pools, and "
                "keeps for itself what its provider's machines keep"
            ),
            "pods that fit no such node keep the one they have",
        ),
    )


def _pools(nodes: Sequence[Node]) -> Iterable[list[Node]]:
    """Nodes that are alike but for their machine."""
    pools: dict[tuple[object, ...], list[Node]] = {}
    for node in nodes:
        labels = frozenset(item for item in node.labels.items() if item[0] not in _OWN)
        pools.setdefault((labels, node.taints), []).append(node)
    return pools.values()


def _new_nodes(state: State, known: Known, pool: Sequence[Node], shape: Price) -> Iterable[Fresh]:
    """More nodes of the type than a pool's pods should need."""
    prices = state.by_name()
    like = prices[pool[0].name]
    price = _price(known, like, shape.instance_type)
    sample = in_place_of(pool[0], "", shape, price.market)
    names = {node.name for node in pool}
    pods = [pod for pod in state.snapshot.pods if pod.node in names]
    for i in range(_enough(sample, pods, pool[0].name)):
        node = in_place_of(pool[0], f"{pool[0].name}-{shape.instance_type}-{i + 1:03}", shape, price.market)
        yield Fresh(node, priced_as(node, like, price), pool[0].name)


def _enough(node: Node, pods: Sequence[Pod], sample: str) -> int:
    """How many nodes surely hold what pods request, but for pods that no node holds."""
    room: Counter[str] = Counter(node.allocatable)
    asked: Counter[str] = Counter()
    for pod in pods:
        amounts = {**pod.spec.requests, "pods": 1}
        if not of_the_node(pod):
            asked.update(amounts)
        elif pod.node == sample:
            room.subtract(amounts)
    shares = [amount / room[name] for name, amount in asked.items() if amount and room[name] > 0]
    return ceil(SPARE * max(shares)) + _MORE if shares else 0


def _price(known: Known, like: NodePrice, kind: str) -> Price:
    provider = like.price.provider if like.price is not None else ""
    for market in dict.fromkeys((like.market, "on-demand")):
        found = known.book.find(kind, market, provider=provider, region=like.region, zone=like.zone, time=known.time)
        if found is not None:
            return found
    where = like.zone or like.region or "any region"
    raise ConfigError(f"--what-if node-type={kind}: found no price of it in {where}, expected one in --prices")


def _risk(state: State, old: Sequence[Node], kind: str) -> Risk:
    """How much is lost with one node, and whether programs run on it."""
    nodes: Counter[str] = Counter()
    for pod in state.snapshot.pods:
        if not of_the_node(pod):
            nodes[pod.node or ""] += 1
    most = max(nodes.values(), default=0)
    text = f"every pod of these nodes restarts once; with the fullest node {most} pods are lost at once"
    if any(node.labels.get(ARCH, "amd64") != architecture(kind) for node in old):
        text += f"; images have to be there for {architecture(kind)}"
    return Risk(text, float(most), "pods lost with one node")
