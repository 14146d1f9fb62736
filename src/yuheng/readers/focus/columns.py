"""The columns of FOCUS that are read, as expressions of SQL that mend what providers write.

Columns are named by their position in the file; of the text of a file nothing goes into a statement. Text is cleared
of blanks, and of ``NULL`` where it is spelled out; times without a zone are UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.model.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.readers.traces.opening import Opened

__all__ = ["NUMBERS", "PART", "REQUIRED", "TIMES", "BillFile", "Cells", "is_slip", "slips_text"]

# What our names mean in the specification; the first name that a file has counts. Version 1.3 names those who
# provide a service and those who host it apart, where earlier ones know one provider.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "billed": ("BilledCost",),
    "effective": ("EffectiveCost",),
    "listed": ("ListCost",),
    "contracted": ("ContractedCost",),
    "currency": ("BillingCurrency",),
    "starts": ("ChargePeriodStart",),
    "ends": ("ChargePeriodEnd",),
    "charge": ("ChargeCategory",),
    "provider": ("ServiceProviderName", "ProviderName", "PublisherName"),
    "category": ("ServiceCategory",),
    "service": ("ServiceName",),
    "resource": ("ResourceId",),
    "name": ("ResourceName",),
    "commitment": ("CommitmentDiscountId",),
    "unit": ("PricingUnit",),
    "consumed": ("ConsumedUnit",),
    "tags": ("Tags",),
}
NUMBERS: Final = ("billed", "effective", "listed", "contracted")
TIMES: Final = ("starts", "ends")
REQUIRED: Final = ("billed", "currency", "starts", "ends", "provider", "service")
_NESTED: Final = ("MAP", "STRUCT")
# The part of a charge that is in the window; one without a length is in it or not.
PART: Final = """
    CASE WHEN ends > starts THEN greatest(least(ends, $until) - greatest(starts, $since), 0) / (ends - starts)
         WHEN starts >= $since AND starts < $until THEN 1.0 ELSE 0.0 END
"""


def is_slip(charge: str, effective: str, billed: str) -> str:
    """A condition: something is billed for usage and its effective cost is 0, so that what is billed is effective.

    What a purchase costs is effective when it is used, and 0 on its own line: that is no slip.

    Args:
        charge: the expression of its ChargeCategory.
        effective: of its EffectiveCost; NULL where nothing is written.
        billed: of its BilledCost.
    """
    return f"coalesce({charge}, 'Usage') <> 'Purchase' AND coalesce({effective}, 0) = 0 AND {billed} <> 0"


def slips_text(charges: int) -> str:
    """What was mended of so many charges."""
    return (
        f"{count(charges, 'charge')} for usage with a BilledCost and an EffectiveCost of 0: "
        "what is billed counts as effective"
    )


class Cells(NamedTuple):
    """Where a file tells what.

    Attributes:
        places: position by our name.
        types: of all columns of the file.
        names: of all columns of the file.
    """

    places: Mapping[str, int]
    types: Sequence[str]
    names: Sequence[str]

    @classmethod
    def of(cls, names: Sequence[str], types: Sequence[str], source: str) -> Cells:
        """The columns of a file, in any order, upper and lower case alike; others are left alone.

        Raises:
            InputError: it lacks a column that no bill can be read without.
        """
        known = {name.strip().lower(): index for index, name in enumerate(names)}
        places = {}
        for field, written in _NAMES.items():
            found = next((known[name.lower()] for name in written if name.lower() in known), None)
            if found is not None:
                places[field] = found
        missing = [_NAMES[field][0] for field in REQUIRED if field not in places]
        if missing:
            found_names = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
            expected = f"the columns of a FOCUS bill, {', '.join(missing)} among them"
            raise InputError(f"the columns {found_names}", expected, source=source)
        return cls(places, types, names)

    def written(self, field: str) -> str:
        """The name of a column in the file."""
        return self.names[self.places[field]] if field in self.places else _NAMES[field][0]

    def text(self, field: str) -> str:
        """An expression for text; NULL where there is none."""
        if field not in self.places:
            return "NULL::VARCHAR"
        place = self.places[field]
        if self.types[place].startswith(_NESTED):
            return f"to_json(c{place})::VARCHAR"
        plain = f"trim(c{place}::VARCHAR)"
        return f"CASE WHEN {plain} IN ('', 'NULL', 'null') THEN NULL ELSE {plain} END"

    def number(self, field: str) -> str:
        """An expression for a number; NULL where there is none that can be read."""
        return f"TRY_CAST({self.text(field)} AS DOUBLE)"

    def instant(self, field: str) -> str:
        """An expression for seconds since the epoch; NULL where there is no time that can be read."""
        place = self.places[field]
        if self.types[place].startswith(("TIMESTAMP", "DATE")):
            return f"epoch(c{place}::TIMESTAMPTZ)"
        return f"epoch(TRY_CAST({self.text(field)} AS TIMESTAMPTZ))"


class BillFile(NamedTuple):
    """A file of a bill: as DuckDB reads it, where its columns are, and its path as it was given."""

    found: Opened
    cells: Cells
    source: str

    @property
    def relation(self) -> str:
        """What stands behind FROM; its parameter is called ``path``."""
        return self.found.relation.replace("?", "$path", 1)
