"""Answers as Parquet: long, one file a query; then wide, the table of usage of a span."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from yuheng.readers.usage.prometheus.promql import COLUMNS

if TYPE_CHECKING:
    from yuheng.readers.usage.prometheus.answers import Series
    from yuheng.readers.usage.prometheus.promql import Metric

__all__ = ["Samples", "Writer", "samples_of"]

_LABELS: Final = ("namespace", "pod", "container", "node")
_FIRST: Final = "SELECT namespace, pod, min(container) AS first FROM pieces WHERE container <> '' GROUP BY ALL"
# Columns that are not written under their own names.
_WRITTEN: Final = {"egress": "egress_bytes"}


class Samples:
    """The samples of an answer.

    Attributes:
        labels: (S, 4) text: namespace, pod, container, node of each series.
        series: (N,) the series of each sample.
        timestamp: (N,) seconds since the epoch: the beginning of the step that the sample stands for.
        value: (N,) in the column's unit.
    """

    def __init__(self, answer: Sequence[Series], metric: Metric, step: int) -> None:
        names = (metric.namespace, metric.pod, metric.container, "node")
        self.labels = [[series.metric.get(name, "") for name in names] for series in answer]
        lengths = [len(series.values) for series in answer]
        self.series = np.repeat(np.arange(len(answer), dtype=np.int64), lengths)
        pairs = [pair for series in answer for pair in series.values]
        times = np.array([time for time, _ in pairs], dtype=np.float64) - step
        values = np.array([_number(text) for _, text in pairs], dtype=np.float64) * metric.scale
        is_told = np.isfinite(values)
        self.series, self.timestamp, self.value = self.series[is_told], times[is_told], values[is_told]

    def __len__(self) -> int:
        return len(self.value)


def samples_of(answer: Sequence[Series], metric: Metric, step: int) -> Samples:
    """The samples of an answer, those left out that are no numbers.

    Args:
        answer: the series.
        metric: what was asked for.
        step: in seconds.
    """
    return Samples(answer, metric, step)


class Writer:
    """Writes answers as Parquet.

    Args:
        scratch: a folder for what does not fit into a gigabyte of memory.
    """

    def __init__(self, scratch: Path) -> None:
        import duckdb  # noqa: PLC0415 -- 0.2 s that other readers need not pay

        self._base = duckdb.connect(
            ":memory:", config={"threads": "2", "memory_limit": "1GB", "temp_directory": str(scratch)}
        )
        self._base.execute("SET enable_progress_bar = false")

    def long(self, path: Path, samples: Samples, column: str) -> None:
        """Write what one query answered.

        Args:
            path: the file.
            samples: of the answer.
            column: that they tell, of `COLUMNS`.
        """
        labels = np.array(samples.labels, dtype=object).reshape(len(samples.labels), len(_LABELS))
        who = {name: labels[:, place] for place, name in enumerate(_LABELS)}
        told = {"series": samples.series, "timestamp": samples.timestamp, "value": samples.value}
        self._base.register("who", {"series": np.arange(len(labels), dtype=np.int64), **who})
        self._base.register("told", told)
        texts = ", ".join(f"{name}::VARCHAR AS {name}" for name in _LABELS)
        self._base.sql(
            f"SELECT '{column}' AS metric, timestamp, {texts}, value FROM told JOIN who USING (series)"  # noqa: S608
        ).write_parquet(str(path), compression="zstd")

    def wide(self, path: Path, pieces: Sequence[Path]) -> None:
        """Write the table of usage: a row for each container and step, a column for each resource.

        Where a container ran on two nodes within a step, what it used on both is added up. What is told of a pod as
        a whole stands with the first of its containers, so that who adds up containers has all of the pod.

        Args:
            path: the file.
            pieces: what queries answered.
        """
        columns = ", ".join(f"sum(value) FILTER (metric = '{name}') AS {_WRITTEN.get(name, name)}" for name in COLUMNS)
        self._base.read_parquet([str(piece) for piece in pieces]).create_view("pieces", replace=True)
        self._base.sql(
            f"SELECT timestamp, namespace, pod, coalesce(nullif(container, ''), first, '') AS container, "  # noqa: S608
            f"coalesce(max(node), '') AS node, {columns} FROM pieces LEFT JOIN ({_FIRST}) USING (namespace, pod) "
            "GROUP BY ALL ORDER BY namespace, pod, container, timestamp"
        ).write_parquet(str(path), compression="zstd")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
