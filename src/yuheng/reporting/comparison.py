"""A simulation's policies beside one another: what the tables and the page both show, worked out once."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from yuheng.model.simulation import MEASURES, Difference, Summary
from yuheng.model.words import count
from yuheng.reporting.measures import measure_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.simulation import Simulation

__all__ = ["Comparison", "Verdict"]

Verdict: TypeAlias = Literal["better", "worse", "differs", ""]


class Comparison:
    """Summaries and differences of a simulation, by measure and policy.

    Args:
        simulation: what to compare.

    Attributes:
        name: of the scenario.
        policies: in the scenario's order; behind them those that only runs or summaries name.
        seeds: of all runs, each once, in their order.
        unit: what a seed is: ``seed``, or ``start`` where runs differ by the moment at which they begin.
        fractions: how many job fractions each policy ran with; it is among the policies once for each.
        measures: those that have a total, in the order of `MEASURES`, others behind them.
    """

    def __init__(self, simulation: Simulation) -> None:
        scenario = simulation.scenario
        told = [policy for policy in scenario.get("policies", ()) if isinstance(policy, str)]
        self.name = str(scenario.get("name", ""))
        self.confidence = float(scenario.get("confidence", 0.95))
        self.policies = tuple(
            dict.fromkeys(
                [*told, *(run.policy for run in simulation.runs), *(row.policy for row in simulation.summary)]
            )
        )
        self.seeds = tuple(dict.fromkeys(run.seed for run in simulation.runs))
        self.unit = str(scenario.get("unit", "seed"))
        self.fractions = max(len(scenario.get("jobFractions", ())), 1)
        self.runs = len(simulation.runs)
        self._summary = {(row.policy, row.measure): row for row in simulation.summary}
        self._differences = {(row.policy, row.measure): row for row in simulation.differences}
        self._seeds: dict[tuple[str, str], set[int]] = {}
        for run in simulation.runs:
            for measure in run.totals:
                self._seeds.setdefault((run.policy, measure), set()).add(run.seed)
        self.measures = _ordered(row.measure for row in simulation.summary)

    @property
    def tried(self) -> str:
        """How many policies ran, such as ``3 policies``, or ``6 policies at 2 job fractions``."""
        many, left = divmod(len(self.policies), self.fractions)
        together = self.fractions > 1 and not left
        shown = many if together else len(self.policies)
        at = f" at {self.fractions} job fractions" if together else ""
        return f"{shown:,} {'policy' if shown == 1 else 'policies'}{at}"

    @property
    def repeated(self) -> str:
        """How often each of them ran, such as ``5 seeds``."""
        return count(len(self.seeds), self.unit)

    @property
    def several_seeds(self) -> bool:
        """Whether any policy ran on more than one seed, so that there are intervals to show."""
        return any(len(seeds) > 1 for seeds in self._seeds.values())

    @property
    def baseline(self) -> str:
        """The policy the others are compared with; empty where there are no differences."""
        return next((row.baseline for row in self._differences.values()), "")

    @property
    def compared(self) -> list[str]:
        """The policies that have a difference to the baseline, in the scenario's order."""
        known = {policy for policy, _ in self._differences}
        return [policy for policy in self.policies if policy in known]

    @cached_property
    def varying(self) -> list[str]:
        """The measures that are not the same for every policy; all of them where there is one policy."""
        if len(self.policies) < 2:
            return self.measures
        return [measure for measure in self.measures if not self._same(measure)]

    def summary(self, policy: str, measure: str) -> Summary | None:
        """A measure of a policy over its seeds; None where it has none."""
        return self._summary.get((policy, measure))

    def difference(self, policy: str, measure: str) -> Difference | None:
        """A policy's distance to the baseline; None where it has none."""
        return self._differences.get((policy, measure))

    def best(self, policy: str, measure: str) -> bool:
        """Whether no policy has a better mean, and one has a worse one."""
        better = measure_of(measure).better
        row = self.summary(policy, measure)
        if not better or row is None or self._same(measure):
            return False
        means = [found.mean for found in self._of(measure)]
        return len(means) > 1 and _equal(row.mean, min(means) if better == "lower" else max(means))

    def has_interval(self, policy: str, measure: str, baseline: str | None = None) -> bool:
        """Whether several seeds tell the measure of the policy, and of the baseline where one is named."""
        seeds = self._seeds.get((policy, measure), set())
        return len(seeds if baseline is None else seeds & self._seeds.get((baseline, measure), set())) > 1

    def verdict(self, difference: Difference) -> Verdict:
        """Whether the interval excludes 0, and to which side; a single seed decides nothing."""
        known = self.has_interval(difference.policy, difference.measure, difference.baseline)
        if not known or difference.low <= 0 <= difference.high:
            return ""
        better = measure_of(difference.measure).better
        if not better:
            return "differs"
        return "better" if (difference.mean < 0) == (better == "lower") else "worse"

    def _of(self, measure: str) -> list[Summary]:
        return [row for policy in self.policies if (row := self.summary(policy, measure)) is not None]

    def _same(self, measure: str) -> bool:
        rows = self._of(measure)
        return len(rows) == len(self.policies) and all(_equal(row.mean, rows[0].mean) for row in rows)


def _equal(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def _ordered(names: Iterable[str]) -> list[str]:
    """Each name once: those of `MEASURES` in its order, then the others as they came."""
    known = set(names := list(names))
    return [
        *(name for name in MEASURES if name in known),
        *dict.fromkeys(name for name in names if name not in MEASURES),
    ]
