"""Traces -> workloads: what arrived, when, for how long, and what it asked for.

    openb (CSV)            ──> openb ───────┐
                                            ├──> requests ──> Workload
    any CSV or Parquet ──> table ──> jobs ──┘    (one template for all pods that ask for the same)
      + columns                └── times, names
    availability (JSON)    ──> spot ──> Availability

A trace of a million jobs is read in seconds: DuckDB decodes the file, and from there on everything is columns. No text
of a file or a scenario ever becomes part of an SQL statement: columns are called ``c0``, ``c1`` and so on in there.

This package imports numpy, and DuckDB (0.2 s) once a generic trace is read: import it where a trace is read.
"""

from __future__ import annotations

from yuheng.readers.traces.columns import UNITS, Column, Columns
from yuheng.readers.traces.reader import read_trace
from yuheng.readers.traces.requests import Rounding
from yuheng.readers.traces.spot import Availability, read_availability

__all__ = ["UNITS", "Availability", "Column", "Columns", "Rounding", "read_availability", "read_trace"]
