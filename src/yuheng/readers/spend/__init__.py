"""Costs over time, from tables and documents."""

from __future__ import annotations

from yuheng.readers.spend.reader import read_spend

__all__ = ["read_spend"]
