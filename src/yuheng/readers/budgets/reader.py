"""`read_budgets`: from files of ``kind: Budget`` to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.model.budget import Budget, RateRule
from yuheng.readers.budgets.fields import BudgetObject
from yuheng.readers.fleet.kinds import OURS, group_of
from yuheng.readers.fleet.objects import parsed
from yuheng.readers.fleet.values import CURRENCY
from yuheng.readers.inventory import subject_of
from yuheng.readers.sources.documents import items_of
from yuheng.readers.sources.files import contents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from yuheng.readers.budgets.fields import BudgetSpecFields, SelectorFields

__all__ = ["read_budgets"]

EXPECTED: Final = "objects of kind Budget of yuheng.io/v1alpha1"


def read_budgets(paths: Sequence[Path]) -> tuple[Budget, ...]:
    """Read budgets, in the order they are written in.

    Args:
        paths: files in YAML or JSON, several documents each, or folders of them.

    Raises:
        InputError: there is none, two have one name, or a key is not what it should be.
        NotFoundError: a path does not exist.
    """
    found: dict[str, Budget] = {}
    for path in paths:
        for content in contents(path):
            for item in items_of(content):
                if item.kind != "Budget" or group_of(item) != OURS:
                    raise InputError(subject_of(item), EXPECTED, source=item.source)
                budget = _budget(parsed(item, BudgetObject), item.source)
                first = found.setdefault(budget.name, budget)
                if first is not budget:
                    raise InputError(
                        f"a second Budget of this name (the first: {first.source})",
                        "one budget of a name",
                        source=item.source,
                        subject=f"Budget {budget.name}",
                    )
    if not found:
        raise InputError("no Budget", EXPECTED, source=", ".join(map(str, paths)))
    return tuple(found.values())


def _budget(written: BudgetObject, source: str) -> Budget:
    spec = written.spec
    rate = _rate(spec, f"Budget {written.metadata.name}", source)
    alarm = spec.rate_alarm
    return Budget(
        name=written.metadata.name,
        limit=spec.monthly * rate,
        selector=_selector(spec.selector),
        thresholds=tuple(spec.thresholds),
        alarm=RateRule(factor=alarm.factor, hours=alarm.hours, least=alarm.least * rate) if alarm else None,
        source=source,
    )


def _rate(spec: BudgetSpecFields, subject: str, source: str) -> float:
    """US dollars for one unit of the budget's currency."""
    if spec.exchange_rate is None and spec.currency != CURRENCY:
        expected = f"how many {CURRENCY} one {spec.currency} is"
        raise InputError("nothing", expected, source=source, subject=subject, field="spec.exchangeRate")
    if spec.exchange_rate is not None and spec.currency == CURRENCY and spec.exchange_rate != 1.0:
        found = f"{spec.exchange_rate:g} {CURRENCY} for one {CURRENCY}"
        raise InputError(found, "another currency", source=source, subject=subject, field="spec.exchangeRate")
    return spec.exchange_rate or 1.0


def _selector(written: SelectorFields) -> dict[str, tuple[str, ...]]:
    keys = {
        "cluster": written.cluster,
        "namespace": written.namespace,
        "controller": written.controller,
        "queue": written.queue,
        **{f"label:{key}": patterns for key, patterns in written.labels.items()},
        **{f"annotation:{key}": patterns for key, patterns in written.annotations.items()},
        **written.columns,
    }
    return {key: tuple(patterns) for key, patterns in keys.items() if patterns}
