"""The cheapest mix of instance types and markets that holds a workload: see `yuheng.finops.node_mix.mix`."""

from __future__ import annotations

from yuheng.finops.node_mix.demand import Demand, demand_of
from yuheng.finops.node_mix.mix import node_mix
from yuheng.finops.node_mix.offers import Choice, offers_of
from yuheng.finops.node_mix.reserve import RESERVES

__all__ = ["RESERVES", "Choice", "Demand", "demand_of", "node_mix", "offers_of"]
