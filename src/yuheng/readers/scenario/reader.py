"""`read_scenario` and `short_scenario`: from what people write to the scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from yuheng.errors import InputError, NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.deadline import DeadlineScenario
from yuheng.model.policy import Policy
from yuheng.model.scenario import Output, Scenario
from yuheng.model.shifting import ShiftingScenario
from yuheng.model.workload import Workload
from yuheng.readers.decoding import without_nulls
from yuheng.readers.scenario import deadline, shifting
from yuheng.readers.scenario.checks import check_cluster, check_events, check_pools, queued
from yuheng.readers.scenario.queues import own_field, with_guarantees
from yuheng.readers.scenario.schema import PolicyFields, ScenarioFields
from yuheng.readers.scheduler_config import read_scheduler_config
from yuheng.readers.scheduler_config.refusals import refusal, shown
from yuheng.readers.snapshot import IN_MEMORY, read
from yuheng.readers.sources.files import STDIN
from yuheng.readers.sources.yaml_documents import EXPECTED as EXPECTED_YAML
from yuheng.readers.sources.yaml_documents import yaml_documents

__all__ = ["PresetOf", "read_scenario", "short_scenario"]

PresetOf = Callable[[str], Policy]
EXPECTED: Final = "a scenario, which is a map in YAML"
INFINITE: Final = float("inf")
# Kinds of scenarios beside the one without a kind, jobs on a cluster.
KINDS: Final[Mapping[str, Callable[[Mapping[str, Any], Path, str, str, str], DeadlineScenario | ShiftingScenario]]] = {
    deadline.KIND: deadline.read_deadline,
    shifting.KIND: shifting.read_shifting,
}


def read_scenario(path: str | Path, preset: PresetOf) -> Scenario | DeadlineScenario | ShiftingScenario:
    """The scenario in a file, with everything it refers to; its key ``kind`` says which kind it is of.

    Args:
        path: the file, in YAML or JSON; the paths in it are relative to its folder.
        preset: gives the policy of a name, and raises NotFoundError for other names.

    Raises:
        InputError: a key of the file, or a file it refers to, is not what it should be.
        ConfigError: a scheduler configuration it refers to cannot be used.
        NotFoundError: there is no such file.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"what cannot be read: {error.strerror}", EXPECTED, source=str(path)) from error
    document = _document(data, str(path))
    text = data.decode("utf-8-sig", "replace")
    if "kind" not in document:
        return _Reading(document, file.parent, str(path), preset).scenario(file.stem, text)
    kind = document["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        expected = f"{' or '.join(KINDS)}, or no kind for jobs on a cluster"
        raise InputError(shown(kind), expected, source=str(path), field="kind")
    return KINDS[kind](document, file.parent, str(path), file.stem, text)


def short_scenario(
    nodes: Sequence[str],
    pods: Sequence[str],
    policies: Sequence[str],
    seeds: Sequence[int],
    inflate: float | None,
    preset: PresetOf,
) -> Scenario:
    """The scenario of a few options: nodes, pods of the openb trace, and policies by name.

    Args:
        nodes: files and folders that `yuheng.readers.read` reads.
        pods: the table of pods; one file.
        policies: their names.
        seeds: one run each.
        inflate: fill the cluster with pods of the trace up to this multiple of it, without a clock; None for the
            trace's own times.
        preset: as for `read_scenario`.

    Raises:
        InputError: as for `read_scenario`.
        NotFoundError: as for `read_scenario`.
    """
    import yaml  # noqa: PLC0415 -- 20 ms that a scenario in JSON need not pay

    if len(pods) != 1:
        raise InputError(f"{len(pods)} files", "one trace of pods", field="pods")
    workload: dict[str, Any] = {"trace": pods[0]}
    if inflate is not None:
        workload["sequence"] = {"inflate": inflate}
    document = {
        "name": Path(pods[0]).name.partition(".")[0],
        "nodes": list(nodes),
        "workload": workload,
        "policies": list(policies),
        "seeds": list(seeds),
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return _Reading(document, Path(), "", preset).scenario("", text)


def _document(data: bytes, source: str) -> dict[str, Any]:
    try:
        documents = list(yaml_documents(data, source))
    except InputError as error:
        expected = EXPECTED if error.expected == EXPECTED_YAML else error.expected
        raise InputError(error.found, expected, source=error.source) from error.__cause__
    if len(documents) != 1:
        raise InputError(f"{len(documents)} documents" if documents else "nothing", EXPECTED, source=source)
    decoded = msgspec.json.decode(documents[0])
    if not isinstance(decoded, dict):
        raise InputError("a list", EXPECTED, source=source)
    found: dict[str, Any] = without_nulls(decoded)
    return found


class _Reading:
    """One scenario, while it is read.

    Args:
        document: what is written.
        folder: what paths are relative to.
        source: the file, for errors.
        preset: gives the policy of a name.
    """

    def __init__(self, document: Mapping[str, Any], folder: Path, source: str, preset: PresetOf) -> None:
        self._folder = folder
        self._source = source
        self._preset = preset
        try:
            self._fields = ScenarioFields.model_validate(document)
        except ValidationError as error:
            raise refusal(error).at(source=source) from None

    def scenario(self, name: str, text: str) -> Scenario:
        """The scenario.

        Args:
            name: what it is called if it does not say.
            text: as it was written.
        """
        try:
            return self._scenario(name, text)
        except InputError as error:
            raise error.at(source=self._source) from error.__cause__

    def _scenario(self, name: str, text: str) -> Scenario:
        fields = self._fields
        check_pools(fields)
        pools = tuple(pool.pool() for pool in fields.pools)
        policies = tuple(self._policy(index, policy) for index, policy in enumerate(fields.policies))
        snapshot = with_guarantees(self._snapshot(), fields.queues, pools)
        check_cluster(fields, snapshot)
        check_events(fields, snapshot)
        workload = fields.workload.read(self._folder) if fields.workload else None
        snapshot, warnings = queued(snapshot, fields, workload, self._source)
        return Scenario(
            name=fields.name or name,
            snapshot=snapshot,
            pools=pools,
            workload=workload,
            generator=fields.workload.generate.generator() if fields.workload and fields.workload.generate else None,
            sequence=fields.workload.arrival_sequence() if fields.workload else None,
            policies=policies,
            seeds=fields.seeds,
            failures=tuple(failure.failures() for failure in fields.failures),
            markets=tuple(market.market(self._folder) for market in fields.markets),
            changes=tuple(event.change() for event in sorted(fields.events, key=lambda event: event.at)),
            prices=tuple(price.pricing() for price in fields.prices),
            measures=tuple(fields.measures),
            confidence=fields.confidence,
            outputs=tuple(Output(output.format, self._path(output.path)) for output in fields.outputs),
            text=text,
            warnings=_warnings(snapshot, workload, policies, warnings),
            **self._clock(workload),
        )

    def _clock(self, workload: Workload | None) -> dict[str, Any]:
        """When what happens."""
        fields = self._fields
        return {
            "cycle": fields.cycle,
            "startup": fields.startup_delay,
            "checkpoint": INFINITE if fields.checkpoint is None else fields.checkpoint,
            "until": INFINITE if fields.until is None else fields.until,
            "sample": fields.sample,
            "epoch": fields.epoch if fields.epoch is not None else workload.epoch if workload else None,
        }

    def _snapshot(self) -> Snapshot:
        """The cluster, with the queues of the scenario in it."""
        manifests = [queue.manifest() for queue in self._fields.queues]
        try:
            return read(*map(self._path, self._fields.nodes), *([manifests] if manifests else []))
        except InputError as error:
            if error.source.startswith(IN_MEMORY):
                raise own_field(error) from error.__cause__
            raise

    def _path(self, written: str) -> str:
        return written if written == STDIN else str(self._folder / written)

    def _policy(self, index: int, fields: PolicyFields) -> Policy:
        """A policy.

        Raises:
            InputError: there is none of this name, or its configuration is not what it should be.
            ConfigError: its configuration cannot be used.
            NotFoundError: there is no such file or profile.
        """
        if fields.config is not None:
            policy = read_scheduler_config(self._path(fields.config), profile=fields.profile)
            return msgspec.structs.replace(policy, name=fields.name)
        try:
            return self._preset(fields.name)
        except NotFoundError as error:
            found = str(error).removeprefix("policy: ").removeprefix("found ")
            found, _, expected = found.partition(", expected ")
            raise InputError(found, expected, field=f"policies[{index}]") from error


def _warnings(
    snapshot: Snapshot, workload: Workload | None, policies: Sequence[Policy], own: Sequence[str]
) -> tuple[str, ...]:
    """What was assumed anywhere, each once."""
    of_policies = (f"policy {policy.name}: {warning}" for policy in policies for warning in policy.warnings)
    said = (*snapshot.warnings, *(workload.warnings if workload else ()), *of_policies, *own)
    return tuple(dict.fromkeys(said))
