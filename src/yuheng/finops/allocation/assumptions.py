"""What the numbers of an allocation rest on, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from yuheng.finops.allocation.question import Question
from yuheng.model.units import HOUR
from yuheng.model.words import count, first_of

if TYPE_CHECKING:
    from yuheng.finops.allocation.accounts import Account, Holding
    from yuheng.model.estate import Estate
    from yuheng.model.usage import UsageSums, Window

__all__ = ["assumed"]

# Usage that covers less of the window than this is told.
_NEARLY_ALL: Final = 0.98


def assumed(accounts: Sequence[Account], question: Question, window: Window) -> tuple[str, ...]:
    """What had to be assumed.

    Args:
        accounts: the clusters, all of whose costs have been entered.
        question: what was asked.
        window: the time.
    """
    holdings = [account.holding for account in accounts]
    found = [
        *_of_usage(holdings, window),
        *_of_nodes(accounts),
        *_of_pods(accounts),
        *_of_extras(holdings, question),
    ]
    return tuple(dict.fromkeys(found))


def _of_usage(holdings: Sequence[Holding], window: Window) -> Iterator[str]:
    unknown = [holding.estate.cluster for holding in holdings if holding.sums is None]
    if len(unknown) == len(holdings):
        yield (
            "no usage is known: containers cost what they request, and one that requests nothing costs nothing; "
            "--usage or --prometheus tell what was used"
        )
    elif unknown:
        which = f"{count(len(unknown), 'cluster')} of {len(holdings):,}"
        yield f"no usage is known of {which} ({first_of(unknown)}): containers there cost what they request"
    for holding in holdings:
        if holding.sums is not None:
            where = f" of cluster {holding.estate.cluster}" if len(holdings) > 1 else ""
            yield from _of_samples(holding.estate, holding.sums, window, where)


def _of_samples(estate: Estate, sums: UsageSums, window: Window, where: str) -> Iterator[str]:
    """What is told of a cluster's usage; ``where`` names it among several."""
    yield (
        f"usage{where}: {sums.samples:,} samples of {len(sums.keys):,} containers, one every {sums.step:g} s; "
        "containers cost the greater of request and usage, sample by sample"
    )
    covered = (min(sums.end, window.end) - max(sums.start, window.start)) / HOUR
    if covered < _NEARLY_ALL * window.hours:
        yield (
            f"usage{where} covers {covered:,.1f} of {window.hours:,.1f} hours: pods cost their requests in the others, "
            "from their start on"
        )
        startless = sum(bool(pod.node) and pod.started is None for pod in estate.pods.values())
        if startless and sums.start > window.start + sums.step:
            yield (
                f"{count(startless, 'pod')}{where} without a time of start: what usage tells of them costs nothing "
                "before its first sample"
            )
    yield from (f"{note}{where and f' ({where.strip()})'}" for note in sums.notes)


def _of_nodes(accounts: Sequence[Account]) -> Iterator[str]:
    nodes = sum(len(account.holding.prices) for account in accounts)
    are = "is" if nodes == 1 else "are"
    yield f"the state is that of one moment: its {count(nodes, 'node')} {are} paid for during the whole window"
    rated = sum(price.price is None for account in accounts for price in account.holding.prices)
    if rated:
        yield f"{rated:,} of {count(nodes, 'node')} have no price in the book: rates count (see `yuheng prices`)"
    crowded = sum(int(account.crowded.sum()) for account in accounts)
    if crowded:
        yield (
            f"{count(crowded, 'node')} had more used or requested of a resource than they have: all of their "
            "containers pay less in proportion"
        )


def _of_pods(accounts: Sequence[Account]) -> Iterator[str]:
    gone, cost = sum(int(one.gone.sum()) for one in accounts), sum(one.gone_cost for one in accounts)
    if gone:
        yield (
            f"{count(gone, 'pod')} in usage {'is' if gone == 1 else 'are'} gone from the state: kept, {cost:,.2f} "
            "USD, at the rates of their node, or the mean rate of what is free where usage does not tell it; what "
            "usage does not tell of them (labels, controllers) is __gone__"
        )
    estates = [account.holding.estate for account in accounts]
    waiting = sum(not pod.node for estate in estates for pod in estate.pods.values())
    if waiting:
        yield f"{count(waiting, 'pod')} without a node cost nothing yet"
    unknown: set[str] = set()
    for estate in estates:
        bound = {pod.node for pod in estate.pods.values() if pod.node}
        unknown |= bound - {node.name for node in estate.snapshot.nodes}
    if unknown:
        nodes = count(len(unknown), "node")
        yield f"{nodes} that pods are bound to are not in the input: what is free on the others pays for them"


def _of_extras(holdings: Sequence[Holding], question: Question) -> Iterator[str]:
    claims = sum(len(holding.estate.claims) for holding in holdings)
    if claims:
        prices = ", ".join(
            f"${price:g}" + (f" of class {name}" if name else "") for name, price in question.storage.items()
        )
        yield f"{count(claims, 'volume')} at {prices} per GiB and month, by the pods that mount them"
    balancers = sum(len(holding.estate.balancers) for holding in holdings)
    if balancers:
        yield f"{count(balancers, 'load balancer')} at ${question.balancer:g} per hour, by the pods behind them"
    if any(holding.sums is not None and float(holding.sums.egress.sum()) > 0 for holding in holdings):
        yield f"egress at ${question.egress:g} per GiB"
