"""A bill of a provider, as FOCUS tells it, and how it agrees with what nodes should have cost."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

import msgspec

__all__ = [
    "CAUSES",
    "Bill",
    "BillStep",
    "Cause",
    "NodeBill",
    "NodeIdentity",
    "Reconciliation",
    "ResourceCharge",
    "ServiceCharge",
]

# In this order they lead from what nodes cost by the price book to all that is billed.
Cause = Literal[
    "unmatchedNodes",
    "prices",
    "discounts",
    "commitments",
    "otherUsage",
    "prepaid",
    "unmatchedCompute",
    "otherServices",
]
CAUSES: Final[dict[Cause, str]] = {
    "unmatchedNodes": "nodes that are on no line of the bill",
    "prices": "other list prices and hours than those of the price book",
    "discounts": "discounts and credits",
    "commitments": "commitments: reservations and savings plans",
    "otherUsage": "other charges of the same machines, such as traffic",
    "prepaid": "effective cost that was billed at another time, or is billed ahead",
    "unmatchedCompute": "compute that is none of these nodes",
    "otherServices": "other services",
}


class NodeIdentity(msgspec.Struct, frozen=True):
    """The names that a node may have on a bill.

    Attributes:
        name: its own, unique in its cluster.
        provider_id: ``spec.providerID``, such as ``aws:///us-east-1a/i-0123``; empty when it is not told.
        hostname: by its label; empty when it has none.
    """

    name: str
    provider_id: str = ""
    hostname: str = ""


class ServiceCharge(msgspec.Struct, frozen=True, kw_only=True):
    """What is billed for one service over a window, in US dollars.

    Attributes:
        provider, category, service: as the bill says.
        charges: how many lines.
        listed, contracted, billed, effective: costs of FOCUS.
        mended: the part of ``effective`` that the bill tells as nothing: what is billed stands for it.
    """

    provider: str
    category: str
    service: str
    charges: int
    listed: float
    contracted: float
    billed: float
    effective: float
    mended: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The service as it stands in the public format."""
        return {
            "provider": self.provider,
            "category": self.category,
            "service": self.service,
            "charges": self.charges,
            "listCost": _amount(self.listed),
            "contractedCost": _amount(self.contracted),
            "billedCost": _amount(self.billed),
            "effectiveCost": _amount(self.effective),
            "mendedCost": _amount(self.mended),
        }


class ResourceCharge(msgspec.Struct, frozen=True, kw_only=True):
    """What is billed for one resource of compute over a window, in US dollars; lines of one kind together.

    Attributes:
        provider, service: as the bill says.
        resource: its id; empty when there is none.
        name: of the resource; empty when there is none.
        tags: by key.
        is_machine: priced by time, as machines are; else by amount, as traffic is.
        is_committed: covered by a commitment.
        listed, contracted, billed, effective: costs of FOCUS, mended where they contradict each other.
    """

    provider: str
    service: str
    resource: str = ""
    name: str = ""
    tags: dict[str, str] = {}
    is_machine: bool = True
    is_committed: bool = False
    listed: float = 0.0
    contracted: float = 0.0
    billed: float = 0.0
    effective: float = 0.0


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A bill over a window; charges that are partly in the window count in part.

    Attributes:
        sources: the files.
        start, end: the window, in seconds since the epoch.
        services: dearest first.
        resources: of compute.
        notes: what had to be assumed.
    """

    sources: tuple[str, ...]
    start: float
    end: float
    services: tuple[ServiceCharge, ...]
    resources: tuple[ResourceCharge, ...]
    notes: tuple[str, ...] = ()

    @property
    def billed(self) -> float:
        """All that is billed."""
        return sum(service.billed for service in self.services)

    @property
    def effective(self) -> float:
        """All effective cost."""
        return sum(service.effective for service in self.services)


class BillStep(msgspec.Struct, frozen=True):
    """One cause of the difference between what nodes should have cost and the bill.

    Attributes:
        cause: one of `CAUSES`.
        amount: what it adds; negative for what it takes away.
        count: nodes, resources or services that it is about.
    """

    cause: Cause
    amount: float
    count: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The step as it stands in the public format."""
        return {"cause": self.cause, "amount": _amount(self.amount), "count": self.count}


class NodeBill(msgspec.Struct, frozen=True, kw_only=True):
    """A node, and its lines on the bill.

    Attributes:
        node, cluster: its names.
        expected: by the price book.
        by: what it was found by: ``providerID``, ``name``, ``tag``; empty when it was not found.
        listed, billed, effective: of all its charges; where several nodes share one resource of the bill (a scale set),
            each has its part by what is expected of it.
    """

    node: str
    cluster: str = ""
    expected: float
    by: str = ""
    listed: float = 0.0
    billed: float = 0.0
    effective: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The node as it stands in the public format."""
        return {
            "node": self.node,
            "cluster": self.cluster or None,
            "by": self.by or None,
            "expectedCost": _amount(self.expected),
            "listCost": _amount(self.listed),
            "billedCost": _amount(self.billed),
            "effectiveCost": _amount(self.effective),
        }


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """From what nodes cost by the price book to what is billed, cause by cause.

    ``expected`` and all steps up to ``otherUsage`` add up to ``effective``, with ``prepaid`` to ``billed``, and with
    the rest to ``total``.

    Attributes:
        bill: what was compared with.
        expected: of all nodes, by the price book.
        effective, billed: of those nodes that are on the bill.
        total: all that is billed.
        steps: one for each cause, in their order.
        nodes: those with the largest difference first.
        unmatched: resources of compute that are none of the nodes, dearest first.
        currency: of all amounts.
    """

    bill: Bill
    expected: float
    effective: float
    billed: float
    total: float
    steps: tuple[BillStep, ...]
    nodes: tuple[NodeBill, ...]
    unmatched: tuple[ResourceCharge, ...]
    currency: str = "USD"

    def within(self, currency: str, rate: float) -> Reconciliation:
        """The same in another currency.

        Args:
            currency: its three letters.
            rate: units of it for one of this.
        """
        scaled = msgspec.structs.replace(
            self.bill,
            services=tuple(_times(service, rate) for service in self.bill.services),
            resources=tuple(_times(resource, rate) for resource in self.bill.resources),
        )
        return msgspec.structs.replace(
            self,
            bill=scaled,
            expected=self.expected * rate,
            effective=self.effective * rate,
            billed=self.billed * rate,
            total=self.total * rate,
            steps=tuple(msgspec.structs.replace(step, amount=step.amount * rate) for step in self.steps),
            nodes=tuple(_times(node, rate) for node in self.nodes),
            unmatched=tuple(_times(resource, rate) for resource in self.unmatched),
            currency=currency,
        )

    def to_dict(self) -> dict[str, Any]:
        """The section ``bill`` of a document of costs."""
        return {
            "sources": list(self.bill.sources),
            "currency": self.currency,
            "expectedCost": _amount(self.expected),
            "steps": [step.to_dict() for step in self.steps],
            "effectiveCost": _amount(self.effective),
            "billedCost": _amount(self.billed),
            "totalCost": _amount(self.total),
            "nodes": [node.to_dict() for node in self.nodes],
            "unmatched": [
                {
                    "provider": charge.provider,
                    "service": charge.service,
                    "resource": charge.resource or charge.name,
                    "billedCost": _amount(charge.billed),
                    "effectiveCost": _amount(charge.effective),
                }
                for charge in self.unmatched
            ],
            "services": [service.to_dict() for service in self.bill.services],
            "notes": list(self.bill.notes),
        }


_COSTS: Final = ("expected", "listed", "contracted", "billed", "effective", "mended")


Charge = TypeVar("Charge", ServiceCharge, ResourceCharge, NodeBill)


def _times(charge: Charge, rate: float) -> Charge:
    amounts = {name: getattr(charge, name) * rate for name in _COSTS if hasattr(charge, name)}
    return msgspec.structs.replace(charge, **amounts)


def _amount(value: float) -> float:
    return round(value, 9) + 0.0
