"""Which nodes of a cluster can go, where their pods go, and how near that is to the least there could be.

obstacles   what becomes of each pod when its node goes, and what keeps a node where it is
worth       whether a saving is worth its disruption
ground      all of that, looked at once
housing     the cluster compiled: nodes are emptied, and filled again where that was in vain
search      which nodes are to go
execution   the steps, as the cluster's own scheduler carries them out
bound       the linear program that no choice of nodes is below
plan        the whole of it
"""

from __future__ import annotations

from yuheng.finops.consolidation.plan import DEFAULT_K, Terms, consolidate
from yuheng.finops.consolidation.worth import Worth

__all__ = ["DEFAULT_K", "Terms", "Worth", "consolidate"]
