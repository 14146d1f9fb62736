"""What was spent over time: read from tables of costs, or allocated from the state of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.cli.windows import Every
from yuheng.errors import ConfigError
from yuheng.model.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from yuheng.cli.costing import CostInputs, Spending
    from yuheng.cli.usage_options import UsageOptions
    from yuheng.model.budget import Budget
    from yuheng.model.cost import Costs, IdleMode
    from yuheng.model.spend import Spend

__all__ = ["keys_of_pods", "spend_of_clusters", "spend_of_files"]

# As far back as the longest month goes; what came before it tells of the usual.
LOOKED_BACK: Final = 35 * DAY
# How many pods times hours are told by the hour unless somebody asks for more: they take half a gigabyte.
MOST_CELLS: Final = 1_000_000


def spend_of_files(costs: Sequence[Path], keys: Sequence[str], prices: Sequence[Path], usage: UsageOptions) -> Spend:
    """What was spent, as files of costs tell.

    Args:
        costs: tables and documents.
        keys: of groups.
        prices: price books; of these only the rates of currencies count.
        usage: has to be empty: costs are made of it no more.

    Raises:
        ConfigError: there is usage as well.
        InputError: a file is not what it should be.
    """
    from yuheng.readers.prices import read_written_prices
    from yuheng.readers.spend import read_spend

    if usage.is_given:
        raise ConfigError(f"--costs {costs[0]} and usage: found both, expected usage with INPUT only")
    return read_spend(costs, keys, read_written_prices(prices).exchange)


def spend_of_clusters(asked: CostInputs, keys: Sequence[str], idle: IdleMode, every: str | None) -> Spend:
    """What was spent, as it is allocated; without usage, since the month began.

    Args:
        asked: where from.
        keys: of groups.
        idle: what becomes of what nobody holds.
        every: ``hour`` or ``day``; None for hours with usage of a small cluster, else days.

    Raises:
        ConfigError: options contradict each other.
        InputError: something that is read is not what it should be.
    """
    from yuheng.cli.costing import holdings_of
    from yuheng.cli.windows import WrittenWindow
    from yuheng.finops.budgets.spending import spend_of_costs
    from yuheng.model.months import month_of

    # Files of usage tell how far back they go; without usage, requests are taken to have been what they are.
    window = None if asked.usage.files else WrittenWindow(seconds=LOOKED_BACK)
    hourly = 0 if every else MOST_CELLS
    spending = holdings_of(asked._replace(window=window, every=Every(every or Every.day), hourly=hourly))
    costs = _costs(spending, keys, idle)
    since = float("-inf") if asked.usage.is_given else month_of(costs.end - 1.0)[0]
    return spend_of_costs(costs, since)


def keys_of_pods(budgets: Sequence[Budget]) -> tuple[str, ...]:
    """All keys that budgets select by.

    Args:
        budgets: what they allow.

    Raises:
        ConfigError: one of the keys is a column of a table, and there is no table.
    """
    from yuheng.finops.allocation import parse_keys

    found: dict[str, None] = {}
    for one in budgets:
        for key in one.selector:
            try:
                found.update(dict.fromkeys(parse_keys(key)))
            except ConfigError:
                raise ConfigError(
                    f"{one.source}: Budget {one.name}: found column {key}, expected --costs with a table that has it"
                ) from None
    return tuple(found)


def _costs(spending: Spending, keys: Sequence[str], idle: IdleMode) -> Costs:
    from yuheng.cli.costing import costs_of
    from yuheng.finops.allocation import Question

    step = Every.hour if spending.window.every == HOUR else Every.day
    return costs_of(spending, Question(by=tuple(keys) or ("cluster",), every=step.value, idle=idle))
