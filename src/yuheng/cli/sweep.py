"""What the commands around simulations do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import typer

from yuheng.cli import INTERRUPTED
from yuheng.cli.meter import Meter
from yuheng.errors import ConfigError, InputError

if TYPE_CHECKING:
    from yuheng.model.deadline import DeadlineScenario
    from yuheng.model.scenario import Scenario
    from yuheng.model.shifting import ShiftingScenario
    from yuheng.model.simulation import Simulation
    from yuheng.sweeps import Engine, RunStore

__all__ = ["Sweep", "fitted_text", "made_here", "scenario_of", "written_column"]

# Runs of sweeps that were interrupted and not gone on with.
KEPT_DAYS: Final = 30.0
DEFAULT_POLICIES: Final = ("kubernetes",)
DEFAULT_SEEDS: Final = "42"
COLD: Final = " (the first time, kernels are compiled: about half a minute)"


def scenario_of(
    file: Path | None,
    nodes: Sequence[str],
    pods: Sequence[str],
    policies: Sequence[str],
    seeds: str | None,
    inflate: float | None,
) -> Scenario | DeadlineScenario | ShiftingScenario:
    """The scenario of a file, or of the short form; policies and seeds of the options come before those of the file.

    Raises:
        ConfigError: both or none of them are given, or an option cannot be used.
        InputError: something that is read is not what it should be.
        NotFoundError: there is no such file or policy.
    """
    short = {"--nodes": bool(nodes), "--pods": bool(pods), "--inflate": inflate is not None}
    given = [option for option, is_given in short.items() if is_given]
    if file is not None and given:
        raise ConfigError(f"{file} and {given[0]}: found both, expected a scenario, or --nodes and --pods")
    if file is None and not (nodes and pods):
        found = " and ".join(given) or "neither"
        raise ConfigError(f"found {found}, expected a scenario, or --nodes and --pods")
    with Meter("reading"):
        return _short(nodes, pods, policies, seeds, inflate) if file is None else _long(file, policies, seeds)


def _short(
    nodes: Sequence[str], pods: Sequence[str], policies: Sequence[str], seeds: str | None, inflate: float | None
) -> Scenario:
    from yuheng.readers.scenario import short_scenario
    from yuheng.scheduling.presets import preset

    chosen = _seeds(DEFAULT_SEEDS if seeds is None else seeds)
    return short_scenario(nodes, pods, policies or DEFAULT_POLICIES, chosen, inflate, preset)


def _long(file: Path, policies: Sequence[str], seeds: str | None) -> Scenario | DeadlineScenario | ShiftingScenario:
    from yuheng.model.deadline import DEADLINE_POLICIES
    from yuheng.model.scenario import Scenario
    from yuheng.model.shifting import SHIFT_POLICIES, ShiftingScenario
    from yuheng.readers.scenario import read_scenario
    from yuheng.scheduling.presets import preset

    chosen = {} if seeds is None else {"seeds": _seeds(seeds)}
    twice = next((name for name in policies if policies.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"--policy: found {twice} twice, expected each policy once")
    scenario = read_scenario(file, preset)
    if not policies:
        return msgspec.structs.replace(scenario, **chosen)
    if isinstance(scenario, Scenario):
        return msgspec.structs.replace(scenario, **chosen, policies=tuple(preset(name) for name in policies))
    known = SHIFT_POLICIES if isinstance(scenario, ShiftingScenario) else DEADLINE_POLICIES
    unknown = next((name for name in policies if name not in known), None)
    if unknown is not None:
        raise ConfigError(f"--policy: found {unknown!r}, expected one of {', '.join(known)}")
    return msgspec.structs.replace(scenario, **chosen, policies=tuple(policies))


def _seeds(text: str) -> tuple[int, ...]:
    from yuheng.readers.scenario import parse_seeds

    try:
        return parse_seeds(text)
    except InputError as error:
        raise error.at(field="--seeds") from None


def made_here(scenario: DeadlineScenario | ShiftingScenario, given: Sequence[str]) -> Simulation:
    """The results of a scenario of another kind than jobs on a cluster, whose runs are too short to spread or keep.

    Args:
        scenario: what is simulated.
        given: options that spread runs or keep them, which has no use here.

    Raises:
        ConfigError: there are such options.
    """
    from yuheng.model.shifting import ShiftingScenario
    from yuheng.sweeps import simulate

    is_shifting = isinstance(scenario, ShiftingScenario)
    if given:
        kind = "shifting" if is_shifting else "deadline"
        raise ConfigError(
            f"{given[0]}: found a scenario of kind {kind}, whose runs are too short for it; expected no {given[0]}"
        )
    with Meter("simulating" if is_shifting else f"simulating{COLD}") as meter:
        return simulate(scenario, progress=meter.report)


class Sweep:
    """All runs of a scenario, and what is kept of them on the way.

    Args:
        scenario: what is simulated.
        folder: where to keep runs for good; None to keep them in the cache until the results were delivered.
        fresh: whether to forget what was kept before.

    Raises:
        ConfigError: the folder cannot be made.
    """

    def __init__(self, scenario: Scenario, folder: Path | None, *, fresh: bool) -> None:
        self._scenario = scenario
        self._passing = folder is None
        self._store = _cached(scenario) if folder is None else _stored(folder, scenario)
        self._begun = False
        if fresh and self._store:
            self._store.forget(self._scenario.policies, self._scenario.seeds)

    def run(self, workers: int | None, engine: Engine) -> Simulation:
        """Make the runs that are not there yet.

        Raises:
            typer.Exit: it was interrupted; how to go on was said.
        """
        from yuheng.sweeps import is_warm, simulate

        try:
            with Meter("simulating" if is_warm(self._scenario) else f"simulating{COLD}") as meter:
                progress = partial(self._report, meter)
                return simulate(self._scenario, workers=workers, engine=engine, store=self._store, progress=progress)
        except KeyboardInterrupt:
            _say(f"interrupted: {self._kept()}")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            for warning in self._store.warnings if self._store else ():
                _say(warning)

    def delivered(self) -> None:
        """The results are where they were wanted: what was kept for the next try is not needed any more."""
        if self._store and self._passing:
            self._store.forget(self._scenario.policies, self._scenario.seeds)

    def _report(self, meter: Meter, done: int, total: int) -> None:
        """How far the work is; at first that is what was kept."""
        if done and not self._begun and self._store:
            _say(f"{done} of {total} runs were found in {self._store.folder}")
        self._begun = True
        meter.report(done, total)

    def _kept(self) -> str:
        """What was kept, as it is on disk: the last run may have been kept and not told of any more."""
        if self._store is None:
            return "runs could not be kept"
        policies, seeds = self._scenario.policies, self._scenario.seeds
        kept = sum(self._store.holds(policy, seed) for policy in policies for seed in seeds)
        if not kept:
            return "no run was finished"
        runs = f"{kept} of {len(policies) * len(seeds)} runs are kept in {self._store.folder}"
        return f"{runs}; the same command goes on from there"


def _stored(folder: Path, scenario: Scenario) -> RunStore:
    from yuheng.sweeps import RunStore

    try:
        return RunStore(folder, scenario)
    except ConfigError as error:
        raise ConfigError(f"--runs {error}") from error


def _cached(scenario: Scenario) -> RunStore | None:
    """The place of runs in the user's cache; None where there can be none: then nothing is kept."""
    from yuheng.sweeps import RunStore, prune

    try:
        folder = _cache_folder()
        prune(folder, KEPT_DAYS)
        return RunStore(folder, scenario)
    except (ConfigError, RuntimeError):
        return None


def _cache_folder() -> Path:
    """Beside the compiled kernels.

    Raises:
        RuntimeError: the user has no home directory.
    """
    chosen = os.environ.get("YUHENG_CACHE_DIR")
    base = Path(chosen or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / ("runs" if chosen else "yuheng/runs")


def _say(sentence: str) -> None:
    """A line on standard error, beside the results."""
    sys.stderr.write(f"yuheng: {sentence}\n")


def fitted_text(trace: Path, columns: Sequence[str], queue_by: str | None) -> str:
    """The ``generate:`` section of a scenario whose workload looks like a trace.

    Raises:
        ConfigError: an option cannot be used.
        InputError: the trace is not what it should be.
        NotFoundError: there is no such trace.
    """
    from yuheng.readers.scenario.mapped import mapped_trace
    from yuheng.reporting.generator_text import generator_text

    written = dict(written_column(item) for item in columns)
    with Meter("reading"):
        workload = mapped_trace(trace, written, queue_by)
    with Meter("fitting"):
        from yuheng.simulation.fit import fit

        try:
            fitted = fit(workload)
            return generator_text(fitted.generator, (*workload.warnings, *fitted.warnings))
        except InputError as error:
            raise error.at(source=str(trace)) from None


def written_column(item: str) -> tuple[str, object]:
    """What a ``--columns`` says: ``key=column``, or ``key={...}`` in YAML.

    Raises:
        ConfigError: it is neither.
    """
    key, sign, value = item.partition("=")
    if not (key and sign and value):
        raise ConfigError(f"--columns: found {item!r}, expected KEY=COLUMN")
    if not value.startswith("{"):
        return key, value
    import yaml

    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(
            f"--columns {key}: found {value!r}, expected YAML such as {{column: mem, unit: GiB}}"
        ) from None
