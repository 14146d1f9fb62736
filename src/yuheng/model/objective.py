"""What is minimised: money, time, carbon, or a weighted blend of them."""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple

from yuheng.errors import ConfigError

__all__ = ["PRESETS", "TERMS", "TIE", "Objective", "Terms", "parse_objective"]

TERMS: Final = ("cost", "time", "carbon")
# What a term without a weight weighs where all else is equal, relative to the others.
TIE: Final = 1e-9
_TERM: Final = re.compile(r"\s*(?:([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*\*\s*)?([a-z]+)\s*")


class Terms(NamedTuple):
    """Amounts of the three things that are minimised.

    Attributes:
        cost: US dollars.
        time: seconds from the plan's time until a workload has finished; until it works, for a service.
        carbon: grams of CO2 equivalent.
    """

    cost: float = 0.0
    time: float = 0.0
    carbon: float = 0.0

    def plus(self, other: Terms) -> Terms:
        """Both together."""
        return Terms(self.cost + other.cost, self.time + other.time, self.carbon + other.carbon)


class Objective(NamedTuple):
    """What is minimised: the sum of each term's share times its weight.

    A term's share is its amount over a *reference*: the sum, over all workloads, of the least that each could have of
    it if it were alone. So ``0.6*cost+0.4*time`` gives up one percent of the cheapest bill for one and a half percent
    of the shortest time, whatever the units. With one term alone its amount itself is minimised.

    Attributes:
        name: as it was written.
        weights: of cost, time and carbon, none of them negative.
    """

    name: str
    weights: Terms

    @property
    def alone(self) -> int:
        """The place of the only term with a weight; -1 where there are several."""
        used = [i for i, weight in enumerate(self.weights) if weight]
        return used[0] if len(used) == 1 else -1

    def factors(self, reference: Terms) -> Terms:
        """What a dollar, a second and a gram weigh, given what the terms are relative to.

        A term without a reference (nobody pays anything, say) counts by its own unit: dollar, hour, kilogram.
        """
        if self.alone >= 0:
            return Terms(*(float(i == self.alone) for i in range(3)))
        scale = _scale(reference)
        return Terms(*(weight / unit for weight, unit in zip(self.weights, scale, strict=True)))

    def steering(self, reference: Terms) -> Terms:
        """The factors by which places are chosen: terms without a weight have a tiny one, so that they break ties."""
        scale = _scale(reference)
        whole = scale[self.alone] if self.alone >= 0 else 1.0
        ties = Terms(*(TIE * whole / unit for unit in scale))
        return Terms(*(factor or tie for factor, tie in zip(self.factors(reference), ties, strict=True)))


def _scale(reference: Terms) -> Terms:
    """What each term is relative to."""
    units = Terms(1.0, 3600.0, 1000.0)
    return Terms(*(amount or unit for amount, unit in zip(reference, units, strict=True)))


PRESETS: Final[dict[str, Objective]] = {
    "cost": Objective("cost", Terms(cost=1.0)),
    "time": Objective("time", Terms(time=1.0)),
    "carbon": Objective("carbon", Terms(carbon=1.0)),
    "balanced": Objective("balanced", Terms(1 / 3, 1 / 3, 1 / 3)),
}


def parse_objective(text: str) -> Objective:
    """An objective from its name, or from a sum such as ``0.6*cost+0.4*time``.

    Raises:
        ConfigError: it is neither, or its weights sum to zero.
    """
    name = text.strip()
    if name in PRESETS:
        return PRESETS[name]
    weights = dict.fromkeys(TERMS, 0.0)
    for part in name.split("+"):
        found = _TERM.fullmatch(part)
        if found is None or found[2] not in weights:
            raise ConfigError(
                f"objective {text!r}: found {part.strip()!r}, expected one of {', '.join(PRESETS)},"
                " or a sum such as 0.6*cost+0.4*time"
            )
        weights[found[2]] += float(found[1] or 1.0)
    total = math.fsum(weights.values())
    if not 0 < total < math.inf:
        raise ConfigError(f"objective {text!r}: found weights that sum to {total:g}, expected more than 0")
    return Objective(name, Terms(*(weights[term] / total for term in TERMS)))
