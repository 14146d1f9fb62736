"""What the runs of a scenario say together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yuheng.model.scenario import Scenario
from yuheng.model.simulation import Run, Simulation
from yuheng.simulation.statistics import differences, summarise

__all__ = ["findings"]


def findings(scenario: Scenario, runs: Sequence[Run]) -> Simulation:
    """The simulation that is made of these runs.

    Args:
        scenario: what was simulated.
        runs: all of its runs, by policy, then by seed.

    Raises:
        InputError: the scenario asks for a measure that there is not.
    """
    told = {
        **scenario.described(),
        "unit": "seed",
        "jobFractions": [],
        "baseline": scenario.policies[0].name,
        "confidence": scenario.confidence,
        "sequence": scenario.sequence is not None,
        "text": scenario.text,
    }
    return Simulation(
        scenario=told,
        runs=tuple(runs),
        summary=summarise(runs, scenario.confidence, scenario.measures),
        differences=differences(runs, scenario.policies[0].name, scenario.confidence, scenario.measures),
        warnings=(*dict.fromkeys(scenario.warnings), *_of_runs(scenario, runs)),
    )


def _of_runs(scenario: Scenario, runs: Sequence[Run]) -> Iterator[str]:
    """What runs warn of, each once; with the policies it was said under, unless that is all of them."""
    said: dict[str, dict[str, None]] = {}
    for run in runs:
        for warning in run.warnings:
            said.setdefault(warning, {})[run.policy] = None
    for warning, policies in said.items():
        if warning in scenario.warnings:
            continue
        if len(policies) == len(scenario.policies):
            yield warning
        else:
            yield f"{'policy' if len(policies) == 1 else 'policies'} {', '.join(policies)}: {warning}"
