"""What the numbers of an allocation rest on, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from yuheng.finops.allocation.demand import Demand
from yuheng.finops.allocation.division import Divided
from yuheng.finops.allocation.question import Question
from yuheng.model.usage import HOUR, UsageSums, Window

if TYPE_CHECKING:
    from yuheng.finops.allocation.allocate import Holding

__all__ = ["assumed"]

# Usage that covers less of the window than this is told.
_NEARLY_ALL: Final = 0.98
_CENT: Final = 0.005

Told = Sequence[tuple["Holding", Demand, Divided]]


def assumed(told: Told, question: Question, window: Window) -> tuple[str, ...]:
    """What had to be assumed.

    Args:
        told: each cluster, what its containers held, and how its price was divided.
        question: what was asked.
        window: the time.
    """
    found = [
        *_of_usage([holding.sums for holding, _, _ in told], window),
        *_of_nodes(told),
        *_of_pods(told),
        *_of_extras([holding for holding, _, _ in told], question),
    ]
    return tuple(dict.fromkeys(found))


def _of_usage(sums: Sequence[UsageSums | None], window: Window) -> Iterator[str]:
    known = [item for item in sums if item is not None]
    if not known:
        yield (
            "no usage is known: containers cost what they request, and one that requests nothing costs nothing; "
            "--usage or --prometheus tell what was used"
        )
    for item in known:
        yield (
            f"usage: {item.samples:,} samples of {len(item.keys):,} containers, one every {item.step:g} s; containers "
            "cost the greater of request and usage, sample by sample"
        )
        covered = (min(item.end, window.end) - max(item.start, window.start)) / HOUR
        if covered < _NEARLY_ALL * window.hours:
            yield f"usage covers {covered:,.1f} of {window.hours:,.1f} hours: pods cost their requests in the others"
        yield from item.notes


def _of_nodes(told: Told) -> Iterator[str]:
    nodes = sum(len(holding.prices) for holding, _, _ in told)
    yield f"the state is that of one moment: its {_counted(nodes, 'node')} are paid for during the whole window"
    rated = sum(price.price is None for holding, _, _ in told for price in holding.prices)
    if rated:
        yield f"{rated:,} of {_counted(nodes, 'node')} have no price in the book: rates count (see `yuheng prices`)"
    crowded = sum(divided.crowded for _, _, divided in told)
    if crowded:
        yield (
            f"{_counted(crowded, 'node')} had more used or requested of a resource than they have: all of their "
            "containers pay less in proportion"
        )


def _of_pods(told: Told) -> Iterator[str]:
    gone, cost = 0, 0.0
    for holding, demand, divided in told:
        is_gone = np.array([f"{space}/{name}" not in holding.estate.pods for space, name in demand.pods], dtype=bool)
        gone += int(is_gone.sum())
        if is_gone.any():
            cost += float(divided.costs[is_gone[demand.pod]].sum())
    if gone:
        yield (
            f"{_counted(gone, 'pod')} in usage {'is' if gone == 1 else 'are'} gone from the state: kept, {cost:,.2f} "
            "USD, at the rates of their node, or the mean rate of what is free where usage does not tell it; what "
            "usage does not tell of them (labels, controllers) is __gone__"
        )
    waiting = sum(not pod.node for holding, _, _ in told for pod in holding.estate.pods.values())
    if waiting:
        yield f"{_counted(waiting, 'pod')} without a node cost nothing yet"
    unknown: set[str] = set()
    for holding, _, _ in told:
        bound = {pod.node for pod in holding.estate.pods.values() if pod.node}
        unknown |= bound - {node.name for node in holding.estate.snapshot.nodes}
    if unknown:
        nodes = _counted(len(unknown), "node")
        yield f"{nodes} that pods are bound to are not in the input: what is free on the others pays for them"


def _of_extras(holdings: Sequence[Holding], question: Question) -> Iterator[str]:
    claims = sum(len(holding.estate.claims) for holding in holdings)
    if claims:
        prices = ", ".join(
            f"${price:g}" + (f" of class {name}" if name else "") for name, price in question.storage.items()
        )
        yield f"{_counted(claims, 'volume')} at {prices} per GiB and month, by the pods that mount them"
    balancers = sum(len(holding.estate.balancers) for holding in holdings)
    if balancers:
        yield f"{_counted(balancers, 'load balancer')} at ${question.balancer:g} per hour, by the pods behind them"
    if any(holding.sums is not None and float(holding.sums.egress.sum()) > 0 for holding in holdings):
        yield f"egress at ${question.egress:g} per GiB"


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"
