"""Money in other currencies, as US dollars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.errors import InputError
from yuheng.model.prices import Rates, Tier
from yuheng.readers.fleet.values import CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from yuheng.readers.fleet.cluster_fields import RateFields
    from yuheng.readers.fleet.region_fields import TierFields

__all__ = ["Exchange"]


class Exchange:
    """Exchange rates.

    Args:
        rates: US dollars for one unit of each currency.
        usual: the currency of prices that do not say theirs.
    """

    def __init__(self, rates: Mapping[str, float], usual: str = CURRENCY) -> None:
        self._rates = {**rates, CURRENCY: 1.0}
        self.usual = usual

    def rate(self, currency: str | None) -> float:
        """US dollars for one unit.

        Args:
            currency: its three letters; nothing for the usual one.

        Raises:
            InputError: no rate of it is known.
        """
        name = currency or self.usual
        found = self._rates.get(name)
        if found is None:
            raise InputError(f"prices in {name}", f"{CURRENCY}, or a rate of {name} in exchangeRates of a Fleet")
        return found

    def tiers(self, tiers: Iterable[TierFields], currency: str | None) -> tuple[Tier, ...]:
        """Tiers of the model.

        Raises:
            InputError: no rate of the currency is known.
        """
        rate = self.rate(currency)
        return tuple(Tier(tier.above_gb, tier.per_gb * rate) for tier in tiers)

    def rates_of(self, fields: RateFields, currency: str | None) -> Rates:
        """Rates of the model.

        Raises:
            InputError: no rate of the currency is known.
        """
        rate = self.rate(currency)
        return Rates(fields.cpu * rate, fields.memory * rate, fields.gpu * rate)
