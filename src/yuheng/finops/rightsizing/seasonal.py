"""Our own strategy: a request that follows the hour of the day, and pays for a minute above it what it is worth.

Two things a single percentile cannot do. It asks for the night what only the day needs; and it takes the same share
of minutes above the request from a container where the next percentile costs nothing as from one where it costs all.
So: each hour of the day has a request of its own, and each request is chosen by **price**. A minute above request
is worth `price` minutes of the whole peak requested (the container's own, so that large and small ones are alike):

    request(slot) = argmin over x of  x / peak + price * P(usage in slot > x)

P comes from the history: recent days count for more, other hours and the other kind of day (working day, weekend)
count for something, so that one bad Tuesday night is not the last word on Tuesday nights. Three **patterns** differ in
what counts: `static` (all hours alike), `daily` and `weekly`.

A history is not the future, so nothing is believed that was not tried: the last days are held out several times over
(rolling origin), and every pattern, price and margin is tried on them (`trying.try_out`). The fewer days were held out,
the more was known, and the nearer is what was tried to what comes: such a trial counts for more (`over_origins`). What
is then taken is the one whose held-out cost was lowest among those that kept the risk allowed (`Trials.best`): "at most
1 % of minutes above". Without a pattern in the data the static one wins by itself.

The price need not be known. Over all containers together it is the one dial between money and minutes, so it is set
from the minutes: `price_within` finds the lowest price at which a fleet's held-out minutes stay within a budget, such
as those its present requests, or VPA, would have had on the same days. The budget is thereby spent on the containers
and hours where it saves most.

Everything is counted in steps of half a percent of the peak: a request is one of 200 levels, a margin a few of them.
That bounds the loss from rounding (half a level on average).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.rightsizing.samples import F64
from yuheng.model.units import DAY, HOUR

__all__ = [
    "HELD_OUT",
    "LEVELS",
    "MARGINS",
    "PATTERNS",
    "PRICE",
    "PRICES",
    "STATIC",
    "TIE",
    "UNUSED",
    "Pattern",
    "Schedule",
    "Trials",
    "over_origins",
    "price_within",
    "slots",
    "tried",
]

LEVELS: Final = 200
PRICE: Final = 3.0
"""Peaks' worth of request that a minute above request costs. See the docs page on rightsizing for the reasons."""

PRICES: Final = np.array([1.0, 1.5, 2.0, 2.5, 3.75, 6.0, 12.0, 50.0, 500.0])
"""Prices at which requests are fitted. Which of them is taken the held-out days decide, not the price asked for: what
history underrates, a higher one puts right."""
PRICE_RANGE: Final = (1.5, 10.0)
"""Between what `price_within` looks: below, half of all minutes are above request; above, little more is had."""
MARGINS: Final = np.array([3, 4, 6, 10, 16, 24, 40])
"""Levels added to every request: from 1.5 % of the peak, which no short history can rule out, to 20 %."""
HELD_OUT: Final = np.array([1, 2, 3, 5, 7])
"""How many of the last days are held out, in turn."""
WEIGHTS: Final = np.array([7.0, 6.0, 5.0, 4.0, 3.0])
"""What each of these trials counts for. A steeper slope trusts a single day too much: with 5 to 1, and requests made
anew every day, a third more minutes were above them."""
UNTRIED_MARGIN: Final = 10
"""Levels added where the history is too short to hold anything out: under two days."""
UNUSED: Final = 0.010
"""Cores that a container asks for that was never seen to use any: KRR's least. Its history says nothing of what it will
use; whatever wakes up begins with a little."""
TIE: Final = 1e-9
"""Costs that differ by less are the same, on every machine, and the smaller request is taken."""


class Pattern(NamedTuple):
    """What counts for a slot.

    Attributes:
        name: for people.
        half_life: days in which a day loses half of its weight.
        others: the share of all hours in a slot's distribution; 1 for a static request.
        other_kind: the weight of a weekend's day for a working day's slot, and the reverse, against its own.
    """

    name: str
    half_life: float
    others: float
    other_kind: float


PATTERNS: Final = (
    Pattern("daily", half_life=4.0, others=0.2, other_kind=1.0),
    Pattern("static", half_life=4.0, others=1.0, other_kind=1.0),
    Pattern("weekly", half_life=8.0, others=0.2, other_kind=0.2),
)
STATIC: Final = 1
"""The place of the static pattern among them."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A request for each hour of a working day and of a day of the weekend.

    Attributes:
        requests: (2, 24) in the unit of the usage; working days, then Saturday and Sunday.
        pattern: `static`, `daily` or `weekly`; static requests are all the same.
        margin: added to every request, in the unit of the usage; already within.
        risk: the share of held-out minutes that were above request, over the origins (`over_origins`); nan where
            nothing could be held out.
        lately: the same on the longest stretch held out, mostly a week: weekends are in it as often as in life.
        zone: seconds that local time is ahead of UTC.
    """

    requests: F64
    pattern: str
    margin: float
    risk: float
    lately: float = float("nan")
    zone: float = 0.0

    def at(self, times: F64) -> F64:
        """(N,) the request at (N,) seconds since the epoch."""
        kind, hour = slots(times + self.zone)
        found: F64 = self.requests[kind, hour]
        return found

    def mean(self) -> float:
        """Over a week: five working days and two of the weekend."""
        return float((5 * self.requests[0].mean() + 2 * self.requests[1].mean()) / 7)


@dataclass(frozen=True, slots=True)
class Trials:
    """What was tried for one container.

    Attributes:
        levels: (patterns, prices, 2, 24) requests fitted on the whole history, without margin.
        asked: (patterns, prices, margins) mean request on the held-out days, as a share of the peak, over the origins;
            empty where the history was too short to hold a day out.
        above: (patterns, prices, margins) the share of held-out minutes above request, likewise.
        lately: (patterns, prices, margins) the same on the longest stretch held out.
        static: (asked or above, origins, prices, margins) of the static pattern alone, origin by origin.
        peak: the highest usage seen.
        zone: seconds that local time is ahead of UTC.
    """

    levels: NDArray[np.int16]
    asked: F64
    above: F64
    lately: F64
    static: F64
    peak: float
    zone: float = 0.0

    def best(self, price: float = PRICE, risk: float = 1.0, *, static: bool = False) -> Schedule:
        """The cheapest schedule on the held-out days.

        Args:
            price: peaks' worth of request that a minute above request costs.
            risk: the largest share of held-out minutes above request; 1 leaves it to the price alone. Where nothing
                keeps it the safest is taken, and its `risk` says how safe that is.
            static: whether all hours have to ask for the same. Such a request is chosen by the origin that is worst for
                it: one that gives up working days must not be taken because the last day was a Sunday.
        """
        if not self.asked.size:
            untried = int(np.argmin(np.abs(PRICES - price)))
            return self._schedule(STATIC, untried, UNTRIED_MARGIN, float("nan"))
        pattern, fitted, margin = self._static_choice(price, risk) if static else self._choice(price, risk)
        found = self._schedule(pattern, fitted, int(MARGINS[margin]), float(self.above[pattern, fitted, margin]))
        return replace(found, lately=float(self.lately[pattern, fitted, margin]))

    def share_above(self, price: float, risk: float = 1.0) -> float:
        """The share of held-out minutes above request of what `best` would take; 0 where none were held out."""
        return float(self.above[self._choice(price, risk)]) if self.asked.size else 0.0

    def _static_choice(self, price: float, risk: float) -> tuple[int, int, int]:
        asked, above = self.static
        worst = above.max(axis=0)
        cost = np.where(worst <= max(risk, float(worst.min())), (asked + price * above).max(axis=0), np.inf)
        fitted, margin = np.unravel_index(int(np.argmin(cost)), cost.shape)
        return STATIC, int(fitted), int(margin)

    def _choice(self, price: float, risk: float) -> tuple[int, int, int]:
        """Pattern, fitted price, margin."""
        kept = self.above <= max(risk, float(self.above.min()))
        cost = np.where(kept, self.asked + price * self.above, np.inf)
        pattern, fitted, margin = np.unravel_index(int(np.argmin(cost)), cost.shape)
        return int(pattern), int(fitted), int(margin)

    def _schedule(self, pattern: int, fitted: int, margin: int, risk: float) -> Schedule:
        """No request is above the peak ever seen."""
        unit = self.peak / LEVELS
        requests = np.minimum(self.levels[pattern, fitted] + margin, LEVELS) * unit
        if self.peak <= 0.0:
            requests = np.full_like(requests, UNUSED)
        return Schedule(requests, PATTERNS[pattern].name, margin * unit, risk, zone=self.zone)


def tried(levels: NDArray[np.int16], asked: F64, above: F64, peak: float, zone: float) -> Trials:
    """What was tried, from what each origin gave.

    Args:
        levels: as in `Trials`.
        asked: (origins, patterns, prices, margins) mean request as a share of the peak, by ascending days held out.
        above: (origins, patterns, prices, margins) the share of minutes above request.
        peak: the highest usage seen.
        zone: seconds that local time is ahead of UTC.
    """
    if not len(asked):
        none = np.empty((0, 0, 0))
        return Trials(levels, none, none, none, np.empty((2, 0, 0, 0)), peak, zone)
    static = np.stack((asked[:, STATIC], above[:, STATIC]))
    return Trials(levels, over_origins(asked), over_origins(above), above[-1].copy(), static, peak, zone)


def over_origins(told: F64) -> F64:
    """The mean over the origins, where those that know most count for most: the last day twice as much as the week.

    Args:
        told: (origins, ...) by ascending days held out; at least one origin, those of `HELD_OUT` at most.
    """
    found: F64 = np.average(told, axis=0, weights=WEIGHTS[: len(told)])
    return found


def price_within(trials: Sequence[Trials], budget: float, risk: float = 1.0) -> float:
    """The lowest price at which containers together stay within a budget; the highest of the range where none does.

    Args:
        trials: one for each container; at least one.
        budget: the mean share of held-out minutes above request that is allowed.
        risk: the largest share for a single container.
    """
    low, high = PRICE_RANGE
    if np.mean([t.share_above(low, risk) for t in trials]) <= budget:
        return low
    # The share falls in steps as the price rises: twelve halvings place the step to a thousandth.
    for _ in range(12):
        middle = float(np.sqrt(low * high))
        if np.mean([t.share_above(middle, risk) for t in trials]) <= budget:
            high = middle
        else:
            low = middle
    return high


def slots(local: F64) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N,) the kind of day (1 at weekends) and (N,) the hour of it, at seconds of local time since 1970-01-01."""
    weekday = (local // DAY).astype(np.int64) + 3  # 1970-01-01 was a Thursday
    return (weekday % 7 >= 5).astype(np.int64), (local % DAY // HOUR).astype(np.int64)
