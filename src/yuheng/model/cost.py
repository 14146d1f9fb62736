"""What a cluster cost over a time, and who caused it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

import msgspec

from yuheng.model.fleet_plan import told_instant
from yuheng.model.plan import API_VERSION
from yuheng.model.units import DAY, FIRST_MONDAY, HOUR, WEEK

__all__ = ["GONE", "IDLE", "IDLE_MODES", "OTHER", "UNALLOCATED", "UNMOUNTED", "CostRow", "Costs", "IdleMode"]

IdleMode = Literal["show", "share", "hide"]
IDLE_MODES: Final[tuple[IdleMode, ...]] = get_args(IdleMode)

# Values of a group that no object has. OpenCost's names where it has one.
IDLE: Final = "__idle__"
UNALLOCATED: Final = "__unallocated__"
UNMOUNTED: Final = "__unmounted__"
GONE: Final = "__gone__"
OTHER: Final = "__other__"
# Seconds of a stretch that rows are told for; each begins at a multiple of its length since the epoch, weeks on Monday.
STRETCHES: Final = {"hour": HOUR, "day": DAY, "week": WEEK}
# The parts of a row that add up to its total.
_PARTS: Final = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle")


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one group of pods cost in one stretch of time, in the currency of the result.

    Attributes:
        group: value by key, in the order that was asked for: ``{"namespace": "web", "label:team": "shop"}``.
        start: when the stretch of time begins, in seconds since the epoch; None where there is only one, the window.
        cpu, memory, gpu: of nodes, for the greater of what was requested and what was used.
        storage: of persistent volumes.
        network: of egress and load balancers.
        shared: its part of what is shared among groups.
        idle: of nodes, what nobody requested or used: of this group where idle is shared or the group is a node or a
            cluster, else only of the row that is `IDLE`.
        measured: the part of ``cpu``, ``memory`` and ``gpu`` of which it is known how much was used.
        used: the part of ``measured`` that was used.
    """

    group: Mapping[str, str]
    start: float | None = None
    cpu: float = 0.0
    memory: float = 0.0
    gpu: float = 0.0
    storage: float = 0.0
    network: float = 0.0
    shared: float = 0.0
    idle: float = 0.0
    measured: float = 0.0
    used: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.cpu + self.memory + self.gpu + self.storage + self.network + self.shared + self.idle

    @property
    def waste(self) -> float:
        """What was requested and not used, as far as usage was measured."""
        return max(self.measured - self.used, 0.0)

    @property
    def efficiency(self) -> float | None:
        """The part that was used of what was paid for on nodes, 0 to 1; None where nothing was measured."""
        return self.used / self.measured if self.measured > 0 else None

    def times(self, rate: float) -> CostRow:
        """The same in another currency.

        Args:
            rate: units of it for one of this.
        """
        amounts = {part: getattr(self, part) * rate for part in (*_PARTS, "measured", "used")}
        return msgspec.structs.replace(self, **amounts)

    def to_dict(self) -> dict[str, Any]:
        """The row as it stands in the public format; amounts to a billionth, so that sums stay true to the cent."""
        efficiency = self.efficiency
        body: dict[str, Any] = {"group": dict(self.group), "start": told_instant(self.start)}
        body |= {f"{part}Cost": _amount(getattr(self, part)) for part in _PARTS}
        return {
            **body,
            "totalCost": _amount(self.total),
            "efficiency": None if efficiency is None else round(efficiency, 6),
        }


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster, or several, cost over a window, by group.

    The totals of all rows, and ``hidden``, add up to ``total``, whatever is filtered or shared.

    Attributes:
        start, end: the window, in seconds since the epoch.
        by: the keys of the groups.
        every: how long a stretch of time of the rows is: ``day``, ``hour``, ``week``; empty for the whole window.
        idle_mode: whether idle is rows of its own, shared among the groups, or not among the rows.
        rows: by time, dearest first; what has no group of its own (idle, everything else) last.
        total: of everything.
        nodes: of nodes alone: the price of each, times the hours of the window.
        idle: of nodes, what nobody requested or used, however it is shown.
        hidden: idle that is in no row, because it was to be hidden.
        currency: of all amounts.
        assumptions: what the numbers rest on.
    """

    start: float
    end: float
    by: tuple[str, ...]
    every: str = ""
    idle_mode: IdleMode = "show"
    rows: tuple[CostRow, ...]
    total: float
    nodes: float
    idle: float
    hidden: float = 0.0
    currency: str = "USD"
    assumptions: tuple[str, ...] = ()

    @property
    def hours(self) -> float:
        """The length of the window."""
        return (self.end - self.start) / HOUR

    def stretch(self, row: CostRow) -> tuple[float, float]:
        """When the time of a row begins and ends, in seconds since the epoch."""
        if row.start is None or not self.every:
            return self.start, self.end
        length, origin = STRETCHES[self.every], FIRST_MONDAY if self.every == "week" else 0.0
        # The first stretch may be cut by the window: it ends where all of its kind do.
        end = ((row.start - origin) // length + 1) * length + origin
        return max(row.start, self.start), min(end, self.end)

    def within(self, currency: str, rate: float) -> Costs:
        """The same in another currency.

        Args:
            currency: its three letters.
            rate: units of it for one of this.
        """
        amounts = {name: getattr(self, name) * rate for name in ("total", "nodes", "idle", "hidden")}
        rows = tuple(row.times(rate) for row in self.rows)
        return msgspec.structs.replace(self, currency=currency, rows=rows, **amounts)

    def to_dict(self) -> dict[str, Any]:
        """The costs in the public format (kind ``Cost``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Cost",
            "window": {"start": told_instant(self.start), "end": told_instant(self.end), "hours": round(self.hours, 6)},
            "currency": self.currency,
            "by": list(self.by),
            "every": self.every or None,
            "rows": [row.to_dict() for row in self.rows],
            "total": _amount(self.total),
            "nodes": _amount(self.nodes),
            "idle": {"mode": self.idle_mode, "cost": _amount(self.idle), "hidden": _amount(self.hidden)},
            "assumptions": list(self.assumptions),
        }


def _amount(value: float) -> float:
    return round(value, 9) + 0.0
