"""The clusters that a change of manifests is for, read from ``--fleet`` and ``--prices``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yuheng.finops.change.places import Surroundings
    from yuheng.readers.versions import Written

__all__ = ["read_places"]


def read_places(
    versions: tuple[Written, Written],
    states: Sequence[str],
    prices: Sequence[Path],
    clusters: Sequence[str],
    time: float | None,
) -> Surroundings:
    """Read the clusters and what their nodes cost.

    Args:
        versions: both versions of the manifests.
        states: where the clusters are read from.
        prices: price books.
        clusters: names of the clusters that count; empty for those that run the application.
        time: when prices are looked up, in seconds since the epoch; None for the latest the input tells of.

    Raises:
        ConfigError: a cluster does not exist or has no nodes, or no price is of any node.
        InputError: something that was read is not what it should be.
    """
    from yuheng.cli.work import state_of
    from yuheng.finops.change.places import as_fleet, surroundings
    from yuheng.readers.prices import read_written_prices

    written = read_written_prices(prices)
    fleet = as_fleet(state_of(states), written.book, written.rates)
    base, head = versions
    found = surroundings(
        fleet,
        (base.estate(), head.estate()),
        lambda nodes: (base.estate(nodes), head.estate(nodes)),
        clusters,
        time,
    )
    return found._replace(assumptions=(*written.warnings, *found.assumptions))
