"""A scenario file -> the scenario that a simulation runs.

    file ──> schema ── nodes, work, generation, happenings, queues    what may be written, key by key
                │
             reader ── files it refers to: the cluster, the trace, markets, scheduler configurations
                │
             checks ── what has to hold between its parts
                └──> Scenario

The JSON Schema of the file comes with the package (`scenario_schema`); it is written by the models of ``schema``.

This package imports pydantic and numpy: import it where a scenario is read, not before.
"""

from __future__ import annotations

from yuheng.readers.scenario.json_schema import scenario_schema
from yuheng.readers.scenario.reader import read_scenario, short_scenario
from yuheng.readers.scenario.seeds import parse_seeds

__all__ = ["parse_seeds", "read_scenario", "scenario_schema", "short_scenario"]
