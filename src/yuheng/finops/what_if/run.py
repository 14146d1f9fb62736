"""Changes, one on top of the other, each followed by the nodes that can go then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from yuheng.finops.consolidation.ground import settled
from yuheng.finops.consolidation.plan import Terms, consolidate
from yuheng.finops.what_if.colocate import colocate
from yuheng.finops.what_if.node_type import node_type
from yuheng.finops.what_if.question import Ask
from yuheng.finops.what_if.resize import resize
from yuheng.finops.what_if.share_gpus import share_gpus
from yuheng.finops.what_if.spot import spot
from yuheng.finops.what_if.state import Changed, Known, State, after
from yuheng.model.cluster import Snapshot
from yuheng.model.node_price import NodePrice
from yuheng.model.units import HOURS_A_MONTH
from yuheng.model.what_if import Risk, WhatIf, WhatIfChange

__all__ = ["what_if"]

Progress = Callable[[int, int], None]
Change = Callable[[State, Known, Ask], Changed]

CHANGES: Final[Mapping[str, Change]] = {
    "colocate": colocate,
    "share-gpus": share_gpus,
    "spot": spot,
    "node-type": node_type,
    "resize": resize,
}
"""What makes each change that can be asked for (`yuheng.finops.what_if.question.NAMES`)."""


def what_if(
    snapshot: Snapshot,
    prices: Sequence[NodePrice],
    asks: Sequence[Ask],
    known: Known,
    progress: Progress | None = None,
) -> WhatIf:
    """What changes cost and save, one on top of the other.

    Before the first, and after each, the nodes go that can: what a change saves is beyond what packing saves already.

    Args:
        snapshot: the cluster; it is not changed.
        prices: of each of its nodes.
        asks: the changes.
        known: what they may look up.
        progress: called now and then with the steps done so far and all there are.

    Raises:
        ConfigError: a change has nothing to change, or lacks what it needs to know.
        InputError: a pod is bound to a node that is not in the snapshot.
    """
    now = settled(snapshot, known.policy, known.seed, None)
    alone: Snapshot = msgspec.structs.replace(now.snapshot, queues=(), configuration=None)
    state = State(alone, tuple(prices))
    first = Changed(state, "nothing changes but that nodes go which can", _no_risk, now.unplaced)
    rows = [_row("consolidate", first, known)]
    for place, ask in enumerate(asks):
        if progress is not None:
            progress(place + 1, len(asks) + 1)
        changed = CHANGES[ask.name](state, known, ask)
        rows.append(_row(ask.text, changed, known))
        state = changed.state
    per_hour = sum(price.per_hour for price in prices)
    return WhatIf(
        nodes=len(snapshot.nodes),
        per_hour=per_hour,
        changes=tuple(rows),
        assumptions=_assumptions(prices, snapshot),
        warnings=snapshot.warnings,
    )


def _row(name: str, changed: Changed, known: Known) -> WhatIfChange:
    """What a change costs when the nodes have gone that can."""
    terms = Terms(k=float("inf"), bare=True, steady=True, policy=known.policy, seed=known.seed)
    found = consolidate(changed.state.snapshot, changed.state.prices, terms)
    final = after(changed.state, found)
    return WhatIfChange(
        change=name,
        text=changed.text,
        nodes=found.nodes_after,
        per_hour=found.after,
        unplaced=changed.unplaced,
        risk=changed.risk(final),
        assumptions=changed.assumptions,
    )


def _no_risk(_: State) -> Risk:
    return Risk("pods of the nodes that go restart once")


def _assumptions(prices: Sequence[NodePrice], snapshot: Snapshot) -> tuple[str, ...]:
    found = [
        f"a month has {HOURS_A_MONTH:g} hours; prices stay as they are",
        "what may not be disturbed today is restarted within a month: budgets, annotations and bare pods keep no node",
    ]
    rated = sum(price.price is None for price in prices)
    if rated:
        found.append(f"{rated} of {len(prices)} nodes have no price in the book: rates of their resources count")
    if snapshot.queues:
        found.append("queues do not narrow down where pods may go")
    return tuple(found)
