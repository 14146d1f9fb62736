"""Bills in FOCUS, the FinOps Open Cost and Usage Specification, versions 1.0 to 1.3: CSV and Parquet."""

from __future__ import annotations

from yuheng.readers.focus.identities import read_identities
from yuheng.readers.focus.reader import read_bill, read_period

__all__ = ["read_bill", "read_identities", "read_period"]
