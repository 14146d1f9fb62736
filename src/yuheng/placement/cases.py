"""What is placed, and where it could go or is: the nouns of `yuheng.placement.assignment`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet import FleetWorkload
from yuheng.model.objective import Terms
from yuheng.model.pod import Pod
from yuheng.placement.opened import Tenant
from yuheng.placement.quote import Quote
from yuheng.placement.sites import Batch
from yuheng.placement.terrain import Terrain

__all__ = ["Case", "Part", "Proposal", "Tenure"]


class Part(NamedTuple):
    """So many pods of one template, in one group (or anywhere in a cluster: see `yuheng.placement.sites`)."""

    template: int
    site: int
    group: int
    pods: int


class Proposal(NamedTuple):
    """Where a workload could go, and what it would be worth.

    Attributes:
        parts: by template, then in the order in which they are filled.
        terms: what it adds to cost, time and carbon; once it is in force, without the nodes that are bought.
        score: the same in the objective.
        wait: seconds that it waits for a slot in its region.
        per_hour: US dollars per hour that it adds; what it adds to the bill of nodes that are bought, over its hours.
    """

    parts: tuple[Part, ...]
    terms: Terms
    score: float
    wait: float = 0.0
    per_hour: float = 0.0


class Tenure(NamedTuple):
    """Where a workload is.

    Attributes:
        proposal: as it turned out.
        batches: the pods on their nodes, by cluster.
        templates: of each batch.
        tenant: who pays for the nodes.
        slots: the region, start, seconds and pods of the slots it holds.
    """

    proposal: Proposal
    batches: tuple[tuple[int, Batch], ...]
    templates: tuple[int, ...]
    tenant: Tenant
    slots: tuple[tuple[int, float, float, int], ...] = ()


class Case(NamedTuple):
    """A workload to place.

    Attributes:
        workload: the workload.
        quote: what it would cost where.
        counts: of each template of the quote, how many pods are to be placed.
        score: (T, G) see `Quote.scores`.
        factors: what a dollar, a second and a gram weigh.
        sites: the clusters that it may go to, as places in the fleet; None for all.
        by_policy: whether a Karmada policy divides it.
        everywhere: whether all machines of all clusters may be used.
    """

    workload: FleetWorkload
    quote: Quote
    counts: tuple[int, ...]
    score: NDArray[np.float64]
    factors: Terms
    sites: frozenset[int] | None = None
    by_policy: bool = False
    everywhere: bool = False

    @property
    def priority(self) -> int:
        """The highest of its pods."""
        return max((pod.priority for pod in self.workload.pods), default=0)

    def limited(self, open_: NDArray[np.bool_]) -> Case:
        """The same workload, if only some groups (G,) were open to it."""
        quote = self.quote._replace(open=self.quote.open & open_)
        return self._replace(quote=quote, score=np.where(open_, self.score, np.inf), everywhere=False)

    def is_open(self, terrain: Terrain, s: int) -> bool:
        """Whether all machines of a cluster may be used."""
        return self.everywhere or bool(self.quote.open[terrain.first[s] : terrain.first[s + 1]].all())

    def usable(self, terrain: Terrain) -> NDArray[np.bool_]:
        """(G,) the groups that it may go to."""
        usable = self.quote.open
        if self.sites is not None:
            usable = usable & np.isin(terrain.site, list(self.sites))
        return usable

    def pod(self, template: int, cluster: str) -> Pod:
        """A pod of a template as it is in a cluster."""
        variants = self.workload.variants.get(cluster)
        if variants is None:
            return self.quote.templates[template][0]
        return variants[self.indices(template)[0]]

    def indices(self, template: int) -> list[int]:
        """Which of the workload's pods are of a template."""
        if len(self.quote.templates) == 1:
            return list(range(len(self.workload.pods)))
        spec = self.quote.templates[template][0].spec
        return [i for i, pod in enumerate(self.workload.pods) if pod.spec is spec]
