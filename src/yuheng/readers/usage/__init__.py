"""What containers used: samples in Parquet and CSV, asked with SQL.

`open_usage` gives all files as one view, ``usage(ts, namespace, pod, container, node, cluster, cpu, memory, gpu,
egress)``.
SQL stays in this package; what leaves it are arrays and nouns of the model.
"""

from __future__ import annotations

from yuheng.readers.usage.opening import Usage, open_usage

__all__ = ["Usage", "open_usage"]
