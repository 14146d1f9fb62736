"""Pods by template: what thousands of pods share is looked at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod, PodSpec

__all__ = ["Templates", "first_of", "numbered", "told_apart"]

I64 = NDArray[np.int64]
_spec_of = attrgetter("spec")


class Templates(NamedTuple):
    """The specifications of pods; those of one template share theirs.

    Attributes:
        specs: each of them once, told apart by identity, in order of appearance.
        rows: (pods,) which of them each pod has.
    """

    specs: Sequence[PodSpec]
    rows: I64

    @classmethod
    def of(cls, pods: Sequence[Pod]) -> Templates:
        """The templates of pods."""
        every = list(map(_spec_of, pods))
        rows = numbered(map(id, every), len(every))
        return cls([every[i] for i in first_of(rows).tolist()], rows)


def numbered(keys: Iterable[Hashable], count: int) -> I64:
    """(count,) a number for each of so many keys, equal for equal keys, in order of appearance."""
    numbers: defaultdict[Hashable, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return np.fromiter(map(numbers.__getitem__, keys), dtype=np.int64, count=count)


def first_of(rows: NDArray[np.integer[Any]]) -> I64:
    """The place at which each number from 0 up to the largest of (pods,) numbers is first met."""
    first = np.zeros(int(rows.max(initial=-1)) + 1, dtype=np.int64)
    # Of several values for one place the last is kept.
    first[rows[::-1]] = np.arange(len(rows) - 1, -1, -1)
    return first


def told_apart(rows: I64, columns: Iterable[Sequence[Hashable]]) -> I64:
    """(pods,) numbers that differ where the given ones do, or any feature of the pods does.

    Args:
        rows: (pods,) numbers.
        columns: features, each of every pod.
    """
    telling = [column for column in columns if len(set(column)) > 1]
    return numbered(zip(rows.tolist(), *telling, strict=True), len(rows)) if telling else rows
