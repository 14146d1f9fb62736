"""Reserved capacity: what was used over time, and how much of it is worth committing to."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.plan import API_VERSION
from yuheng.model.units import HOURS_A_MONTH

__all__ = ["Commitments", "DemandLine", "DemandSeries", "Fall", "ReservationPlan", "Reserved", "Term"]


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """A way to commit.

    Attributes:
        name: such as ``1y``.
        discount: the share of the on-demand price that it saves, where the price book has no price for it.
        is_assumed: whether nobody said so.
    """

    name: str
    discount: float
    is_assumed: bool = False


class DemandLine(msgspec.Struct, frozen=True, kw_only=True):
    """How many machines of one type, or cores of one family, were in use over time.

    Attributes:
        provider, region: empty when not told.
        instance_type: the machine; empty where only its family is told.
        family: of the machine; empty where it is to be read from its name.
        amounts: (T,) machines, or cores where `is_cores`.
        is_cores: whether amounts are cores.
    """

    provider: str = ""
    region: str = ""
    instance_type: str = ""
    family: str = ""
    amounts: NDArray[np.float64]
    is_cores: bool = False


class DemandSeries(msgspec.Struct, frozen=True, kw_only=True):
    """What was in use over time.

    Attributes:
        hours: (T,) how long each sample holds.
        lines: what was in use.
        source: where it is from.
        warnings: what had to be assumed.
    """

    hours: NDArray[np.float64]
    lines: tuple[DemandLine, ...]
    source: str = ""
    warnings: tuple[str, ...] = ()


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation of one family in one region.

    Attributes:
        unit: what amounts are of: ``vCPU``, or ``machine`` where sizes are not known.
        amount: how much to reserve.
        on_demand: US dollars per unit and hour on-demand.
        reserved: US dollars per unit and hour reserved.
        coverage: the share of demand that it meets.
        utilization: the share of it that is used; 1 where nothing is reserved.
        lowest, average, highest: of demand, in units.
        before: US dollars per month, all on-demand.
        after: US dollars per month with the reservation.
        source: where the reserved price is from.
    """

    provider: str
    region: str
    family: str
    term: str
    unit: str
    amount: float
    on_demand: float
    reserved: float
    coverage: float
    utilization: float
    lowest: float
    average: float
    highest: float
    before: float
    after: float
    source: str

    @property
    def break_even(self) -> float:
        """The share of hours that a unit has to be in use to be worth reserving."""
        return self.reserved / self.on_demand if self.on_demand else 0.0

    @property
    def saving(self) -> float:
        """What is saved, as a share of the cost before."""
        return 1 - self.after / self.before if self.before else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The reservation in the public format."""
        return {
            "provider": self.provider,
            "region": self.region,
            "family": self.family,
            "term": self.term,
            "unit": self.unit,
            "amount": round(self.amount, 6),
            "onDemandUnitCost": round(self.on_demand, 8),
            "reservedUnitCost": round(self.reserved, 8),
            "breakEven": round(self.break_even, 6),
            "coverage": round(self.coverage, 6),
            "utilization": round(self.utilization, 6),
            "lowest": round(self.lowest, 6),
            "average": round(self.average, 6),
            "highest": round(self.highest, 6),
            "monthlyBefore": round(self.before, 2),
            "monthlyAfter": round(self.after, 2),
            "saving": round(max(self.saving, 0.0), 6),
            "source": self.source,
        }


class Fall(msgspec.Struct, frozen=True):
    """What becomes of a plan when all demand falls by a share: what is saved then, and how much of it is used."""

    by: float
    saving: float
    utilization: float

    def to_dict(self) -> dict[str, Any]:
        """The fall in the public format."""
        return {"by": self.by, "saving": round(self.saving, 6), "utilization": round(self.utilization, 6)}


class ReservationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """All reservations of one term.

    Attributes:
        term: its name.
        per_hour: US dollars per hour that are paid whatever is used.
        before: US dollars per month, all on-demand.
        after: US dollars per month with the reservations.
        coverage: the share of the on-demand cost that reservations meet.
        utilization: the share of what is reserved that is used, by its price.
        falls: what becomes of it when demand falls.
    """

    term: str
    per_hour: float
    before: float
    after: float
    coverage: float
    utilization: float
    falls: tuple[Fall, ...] = ()

    @property
    def saving(self) -> float:
        """What is saved, as a share of the cost before."""
        return 1 - self.after / self.before if self.before else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The plan in the public format."""
        return {
            "term": self.term,
            "hourlyCommitment": round(self.per_hour, 6),
            "monthlyBefore": round(self.before, 2),
            "monthlyAfter": round(self.after, 2),
            "saving": round(max(self.saving, 0.0), 6),
            "coverage": round(self.coverage, 6),
            "utilization": round(self.utilization, 6),
            "ifDemandFalls": [one.to_dict() for one in self.falls],
        }


class Commitments(msgspec.Struct, frozen=True, kw_only=True):
    """What to reserve.

    Attributes:
        hours: of demand that were looked at.
        plans: one for each term.
        reservations: by term, then those that save most first.
        warnings: what had to be assumed.
    """

    hours: float
    plans: tuple[ReservationPlan, ...]
    reservations: tuple[Reserved, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The advice in the public format."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Commitments",
            "currency": "USD",
            "hours": round(self.hours, 6),
            "hoursPerMonth": HOURS_A_MONTH,
            "summary": [plan.to_dict() for plan in self.plans],
            "reservations": [one.to_dict() for one in self.reservations],
            "warnings": list(self.warnings),
        }
