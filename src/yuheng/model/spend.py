"""Spend over time, by group: what budgets are held against."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["Spend"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What groups cost, stretch of time by stretch of time.

    Attributes:
        groups: of G groups, value by key as in ``--by`` of ``yuheng cost``: ``namespace``, ``cluster``, ``label:team``.
        who: (M,) which group a row speaks of.
        start: (M,) when its stretch begins, in seconds since the epoch; a multiple of ``step``.
        cost: (M,) US dollars in the stretch.
        step: seconds of a stretch: an hour or a day.
        end: until when costs are told, in seconds since the epoch.
        notes: what they rest on.
    """

    groups: tuple[Mapping[str, str], ...]
    who: Indices
    start: Numbers
    cost: Numbers
    step: float
    end: float
    notes: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """All keys that a group has."""
        return frozenset(key for group in self.groups for key in group)
