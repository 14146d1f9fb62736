"""The data that the page of a fleet plan carries: its workloads as columns, and every text that repeats kept once.

The page's scripts read exactly what is written here:

- ``words``: names and sentences, each once; - ``refusals``: lists of refused clusters that workloads share: pairs of a
reason and of clusters, all of them places of words; - ``workloads``: a row each as columns. ``replicas`` are pairs of
the place of a cluster and a number; ``market``, ``kind``, ``policy``, ``reason`` and ``alternative`` are places of
words; ``refused`` is a place among the refusals. Amounts stand there in words, and as numbers to sort by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yuheng.reporting.fleet_facts import alternatives, by_reason
from yuheng.reporting.fleet_wording import carbon_text, day_text, gigabytes_text, money_text
from yuheng.reporting.payload import Register, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.fleet_plan import FleetPlan, RefusedCluster, WorkloadPlan

__all__ = ["workloads_data"]

_COLUMNS = (
    "name",
    "kind",
    "replicas",
    "wanted",
    "moved",
    "market",
    "start",
    "finish",
    "perHour",
    "total",
    "carbon",
    "amounts",
    "policy",
    "reason",
    "alternative",
    "data",
    "refused",
)


class _Refusals:
    """Lists of refused clusters, each once."""

    def __init__(self, words: Register) -> None:
        self.said: list[list[Any]] = []
        self._words = words
        self._places: dict[tuple[RefusedCluster, ...], int] = {}

    def place(self, refused: tuple[RefusedCluster, ...]) -> int:
        """Where this list stands."""
        place = self._places.setdefault(refused, len(self.said))
        if place == len(self.said):
            self.said.append(
                [
                    [self._words.place(reason), list(map(self._words.place, clusters))]
                    for reason, clusters in by_reason(refused)
                ]
            )
        return place


def workloads_data(plan: FleetPlan) -> dict[str, Any]:
    """What the page's scripts work with."""
    words = Register([""])
    refusals = _Refusals(words)
    rows = [_row(workload, words, refusals) for workload in plan.workloads]
    return {"workloads": columns(_COLUMNS, rows), "refusals": refusals.said, "words": words.names}


def _row(workload: WorkloadPlan, words: Register, refusals: _Refusals) -> Sequence[object]:
    ranked = sorted(workload.replicas.items(), key=lambda item: (-item[1], item[0]))
    moved = "; ".join(
        f"{item.data}, {gigabytes_text(item.gigabytes)} from {item.source} to {item.destination}"
        for item in workload.transfers
        if item.source != item.destination
    )
    return (
        workload.workload,
        words.place(workload.kind),
        [[words.place(cluster), pods] for cluster, pods in ranked],
        workload.wanted,
        workload.moved,
        words.place(workload.market),
        day_text(workload.start),
        day_text(workload.finish),
        money_text(workload.per_hour),
        money_text(workload.total),
        carbon_text(workload.carbon_grams),
        [
            round(workload.per_hour, 6),
            None if workload.total is None else round(workload.total, 6),
            round(workload.carbon_grams, 3),
        ],
        words.place(workload.policy),
        words.place(workload.reason),
        words.place("; ".join(alternatives(workload))),
        words.place(moved),
        refusals.place(workload.refused),
    )
