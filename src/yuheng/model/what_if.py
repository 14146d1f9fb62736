"""What a change of how a cluster is run would cost: money before and after, nodes, and what is risked.

The dictionary that ``to_dict`` gives is of the public format ``yuheng.io/v1alpha1``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from yuheng.model.plan import API_VERSION
from yuheng.model.units import per_month

__all__ = ["Risk", "WhatIf", "WhatIfChange"]


class Risk(msgspec.Struct, frozen=True):
    """What a change risks.

    Attributes:
        text: as a sentence.
        amount: how much of it.
        unit: what is counted, such as ``interruptions a month``.
    """

    text: str
    amount: float = 0.0
    unit: str = ""


class WhatIfChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change, on top of those before it.

    Attributes:
        change: as it was asked for, such as ``spot=0.5``; ``consolidate`` for none but fewer nodes.
        text: what is changed, as a sentence.
        nodes: how many there are afterwards, those gone that can go.
        per_hour: US dollars per hour of them.
        unplaced: pods that find no place: they keep the node they have, or wait as they do now.
        risk: what is risked.
        assumptions: what the numbers stand on, a sentence each.
    """

    change: str
    text: str
    nodes: int
    per_hour: float
    unplaced: tuple[str, ...] = ()
    risk: Risk
    assumptions: tuple[str, ...] = ()


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """Several changes, one after the other.

    Attributes:
        nodes: how many there are now.
        per_hour: US dollars per hour of them.
        changes: the first is that nothing changes but that nodes go which can.
        assumptions: what all numbers stand on.
        warnings: what has to be known to read the result rightly.
    """

    nodes: int
    per_hour: float
    changes: tuple[WhatIfChange, ...]
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def saved(self) -> float:
        """US dollars per hour that all changes save together; less than 0 where they cost more."""
        return self.per_hour - self.changes[-1].per_hour

    def before(self, place: int) -> tuple[int, float]:
        """Nodes, and US dollars per hour, before a change."""
        if place == 0:
            return self.nodes, self.per_hour
        return self.changes[place - 1].nodes, self.changes[place - 1].per_hour

    def to_dict(self) -> dict[str, Any]:
        """The result in the public format."""
        last = self.changes[-1]
        return {
            "apiVersion": API_VERSION,
            "kind": "WhatIf",
            "currency": "USD",
            "before": _side(self.nodes, self.per_hour),
            "after": _side(last.nodes, last.per_hour),
            "savedPerMonth": per_month(self.saved),
            "changes": [self._change(place, change) for place, change in enumerate(self.changes)],
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
        }

    def _change(self, place: int, change: WhatIfChange) -> dict[str, Any]:
        nodes, per_hour = self.before(place)
        return {
            "change": change.change,
            "text": change.text,
            "before": _side(nodes, per_hour),
            "after": _side(change.nodes, change.per_hour),
            "savedPerMonth": per_month(per_hour - change.per_hour),
            "unplaced": list(change.unplaced),
            "risk": {"text": change.risk.text, "amount": round(change.risk.amount, 4), "unit": change.risk.unit},
            "assumptions": list(change.assumptions),
        }


def _side(nodes: int, per_hour: float) -> dict[str, Any]:
    return {"nodes": nodes, "perMonth": per_month(per_hour)}
