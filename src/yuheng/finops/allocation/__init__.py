"""Who caused what a cluster costs.

estate + prices + usage ──> holders   who may hold something: containers, and what is set aside beyond them
                        ──> demand    what each holds of its node: the greater of request and usage
                        ──> division  what that costs; what is left of each node is idle
                        ──> extras    volumes, load balancers, egress
                        ──> accounts  all of it, for a few stretches of time at a time
                        ──> spreading idle and shared costs, where they are to be shared out
                        ──> rows      groups, filters, totals

Every step keeps the sum: whatever is asked for, the rows add up to what the nodes, volumes, load balancers and egress
cost. The formulas are in ``docs/concepts/allocation.md``.
"""

from __future__ import annotations

from yuheng.finops.allocation.accounts import Holding
from yuheng.finops.allocation.allocate import allocate
from yuheng.finops.allocation.holders import requests_of
from yuheng.finops.allocation.question import (
    STORAGE_PRICE,
    Filter,
    Question,
    Shared,
    parse_filter,
    parse_keys,
    parse_shared,
)

__all__ = [
    "STORAGE_PRICE",
    "Filter",
    "Holding",
    "Question",
    "Shared",
    "allocate",
    "parse_filter",
    "parse_keys",
    "parse_shared",
    "requests_of",
]
