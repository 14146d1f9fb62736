"""Files of budgets: ``apiVersion: yuheng.io/v1alpha1``, ``kind: Budget``."""

from __future__ import annotations

from yuheng.readers.budgets.reader import read_budgets

__all__ = ["read_budgets"]
