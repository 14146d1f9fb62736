"""The price of a change: two versions of manifests, what differs, what it costs, and whether it still fits.

    sides    what each workload, claim and load balancer of one version costs
    rows     both versions matched, and the difference of each pair
    fit      the head's pods on a cluster, by the scheduling engine, and the nodes that are lacking
    growth   which nodes to add, and how many
    study    the whole question

The functions are pure: who reads the versions and the cluster is the caller's business.
"""

from __future__ import annotations

from yuheng.finops.change.rates import carbon_intensity, with_prices
from yuheng.finops.change.study import Place, Terms, concerned, study

__all__ = ["Place", "Terms", "carbon_intensity", "concerned", "study", "with_prices"]
