"""Budgets: costs over time -> how each budget stands.

Spend ── series (groups of a budget, on a grid) ──┬── forecasting (the rest of the month)
                                                  ├── runaway (the last hours)
                                                  └── judging ──> BudgetReport
"""

from __future__ import annotations

from yuheng.finops.budgets.judging import budget_report
from yuheng.finops.budgets.runaway import rate_of

__all__ = ["budget_report", "rate_of"]
