"""Costs of groups as a FOCUS file (version 1.2, CSV), for tools that read bills.

One row is one kind of cost of one group in one stretch of time. What a bill knows and an allocation does not (an
invoice, units of pricing) stays empty where the specification lets it; list, contracted, billed and effective cost are
the same: what was allocated.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from yuheng.model.months import month_of
from yuheng.reporting.rows_csv import rows_csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yuheng.model.cost import Costs

__all__ = ["COLUMNS", "focus_csv"]

COLUMNS: Final = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "Tags",
)
# What each part of a row is: its category and subcategory among those that the specification allows.
_PARTS: Final = {
    "cpu": ("Compute", "Containers"),
    "memory": ("Compute", "Containers"),
    "gpu": ("Compute", "Containers"),
    "storage": ("Storage", "Block Storage"),
    "network": ("Networking", "Network Connectivity"),
    "shared": ("Compute", "Containers"),
    "idle": ("Compute", "Containers"),
}
_ACCOUNT: Final = "kubernetes"
_PROVIDER: Final = "Kubernetes"
_ISSUER: Final = "Yuheng"


def focus_csv(costs: Costs) -> str:
    """Costs as a FOCUS file; the sum of ``BilledCost`` is what all rows cost.

    Args:
        costs: of groups; idle that is hidden is in no row, as everywhere.
    """
    return rows_csv(COLUMNS, ([fields[name] for name in COLUMNS] for fields in _charges(costs)))


def _charges(costs: Costs) -> Iterator[dict[str, object]]:
    for row in costs.rows:
        start, end = map(round, costs.stretch(row))
        for part, (category, subcategory) in _PARTS.items():
            amount = round(getattr(row, part), 9)
            if not amount:
                continue
            names = "/".join(row.group.values())
            yield {
                **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), amount),
                "BillingAccountId": row.group.get("cluster") or _ACCOUNT,
                "BillingAccountName": row.group.get("cluster") or None,
                "BillingAccountType": "Cluster",
                "BillingCurrency": costs.currency,
                "BillingPeriodStart": _told(month_of(start)[0]),
                "BillingPeriodEnd": _told(month_of(end - 1)[1]),
                "ChargeCategory": "Usage",
                "ChargeClass": None,
                "ChargeDescription": f"{part} of {names}",
                "ChargeFrequency": "Usage-Based",
                "ChargePeriodStart": _told(start),
                "ChargePeriodEnd": _told(end),
                "InvoiceIssuerName": _ISSUER,
                "PricingQuantity": None,
                "PricingUnit": None,
                "ProviderName": _PROVIDER,
                "PublisherName": _PROVIDER,
                "ResourceId": ",".join(f"{key}={value}" for key, value in row.group.items()),
                "ResourceName": names,
                "ResourceType": "+".join(row.group),
                "ServiceCategory": category,
                "ServiceName": f"Kubernetes {part}",
                "ServiceSubcategory": subcategory,
                "Tags": json.dumps(dict(row.group)),
            }


def _told(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
