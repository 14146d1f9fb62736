"""The keys of a scenario file."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from yuheng.model.simulation import MEASURES
from yuheng.readers.scenario.happenings import EventFields, FailureFields, MarketFields, PricingFields
from yuheng.readers.scenario.nodes import PoolFields
from yuheng.readers.scenario.queues import QueueFields
from yuheng.readers.scenario.refusals import Fields, nearest, refused, said, unfit
from yuheng.readers.scenario.seeds import parse_seeds
from yuheng.readers.scenario.values import Epoch, Name, PositiveSeconds, Seconds
from yuheng.readers.scenario.work import WorkloadFields

__all__ = ["OutputFields", "PolicyFields", "ScenarioFields"]

# What says nothing where there is no clock.
CLOCKED: Final = (
    "pools",
    "cycle",
    "startupDelay",
    "checkpoint",
    "until",
    "epoch",
    "failures",
    "markets",
    "events",
    "queues",
    "prices",
)


class PolicyFields(Fields):
    """A policy: one of Yuheng's by its name, or a scheduler configuration under a name of its own."""

    name: Name = Field(description="The name of the policy; unique.")
    config: Name | None = Field(
        default=None,
        description="A `KubeSchedulerConfiguration`, or Volcano's scheduler configuration (also in its ConfigMap).",
    )
    profile: Name | None = Field(
        default=None,
        description="The scheduler name of the profile of `config` to use; without it `default-scheduler`.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.profile and not self.config:
            raise refused(self.profile, "a config that it is a profile of", ".profile")
        return self


def _as_policy(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _seeds(value: object) -> object:
    """One text of numbers and ranges, whatever the seeds were written as."""
    parts = value if isinstance(value, list) else [value]
    for index, part in enumerate(parts):
        if isinstance(part, bool) or not isinstance(part, int | str):
            raise refused(part, "a seed such as 42, or a range such as 42-51", f"[{index}]" if parts is value else "")
    return said(parse_seeds, ",".join(str(part) for part in parts))


class OutputFields(Fields):
    """A file to write."""

    format: Literal["json", "csv", "html"] = Field(description="What is written.")
    path: Name = Field(description="Where to.")


Policies = list[Annotated[PolicyFields, BeforeValidator(_as_policy, json_schema_input_type=str | PolicyFields)]]
Seeds = Annotated[tuple[int, ...], BeforeValidator(_seeds, json_schema_input_type=int | str | list[int | str])]


class ScenarioFields(Fields):
    """A cluster, a workload, what goes wrong, and the policies to compare on it. Paths are relative to the file."""

    name: Name | None = Field(
        default=None, description="What it is called in reports; without it the name of the file."
    )
    nodes: list[Name] = Field(
        default=[],
        description="Files and folders with the cluster, whatever `yuheng plan` reads: nodes, running and pending "
        "pods, queues, jobs, a scheduler configuration.",
    )
    pools: list[PoolFields] = Field(default=[], description="Nodes that come and go, beside those of `nodes`.")
    workload: WorkloadFields | None = Field(default=None, description="What is to be run, beside the pods of `nodes`.")
    queues: list[QueueFields] = Field(default=[], description="Queues, beside those of `nodes`.")
    policies: Policies = Field(
        description="What to compare: names of policies (see `yuheng policies`), or scheduler configurations. The "
        "others are compared with the first."
    )
    seeds: Seeds = Field(
        default=(42,), description="One run of each policy for each seed: a number, a range `42-51`, or a list."
    )
    cycle: Seconds = Field(
        default=0.0, description="Between two scheduling cycles; 0 to decide whenever something has changed."
    )
    startup_delay: Seconds = Field(
        default=0.0, description="From the decision until a pod works: images, volumes, start of the containers."
    )
    checkpoint: PositiveSeconds | None = Field(
        default=None, description="Work between two checkpoints of a pod; without it work is lost with its pod."
    )
    until: PositiveSeconds | None = Field(
        default=None, description="When it ends; without it when all that can end has ended."
    )
    sample: PositiveSeconds | None = Field(
        default=None, description="Between two points of the time series; without it there are about 200."
    )
    epoch: Epoch | None = Field(
        default=None,
        description="What second 0 is; without it what the trace says, and else a Monday at midnight (UTC).",
    )
    failures: list[FailureFields] = Field(default=[], description="Nodes that fail and are repaired.")
    markets: list[MarketFields] = Field(
        default=[], description="Nodes that are there only while their market has capacity."
    )
    events: list[EventFields] = Field(default=[], description="What happens to nodes at times that are known.")
    prices: list[PricingFields] = Field(default=[], description="What the nodes of `nodes` cost.")
    measures: list[str] = Field(default=[], description="The measures to compare; without it all.")
    confidence: float = Field(default=0.95, description="Of the intervals over seeds, between 0 and 1.")
    outputs: list[OutputFields] = Field(default=[], description="Files to write.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.nodes and not self.pools:
            raise unfit("neither nodes nor pools", "one of them, or both")
        if not self.policies:
            raise unfit("no policy", "one or more", ".policies")
        if not 0 < self.confidence < 1:
            raise refused(self.confidence, "a number between 0 and 1", ".confidence")
        for name in ("pools", "queues", "policies", "markets"):
            self._check_names(name)
        self._check_measures()
        self._check_clock()
        return self

    def _check_names(self, key: str) -> None:
        seen: set[str] = set()
        for index, item in enumerate(getattr(self, key)):
            if item.name in seen:
                raise refused(item.name, f"a name that comes once in {key}", f".{key}[{index}].name")
            seen.add(item.name)

    def _check_measures(self) -> None:
        for index, name in enumerate(self.measures):
            if name not in MEASURES:
                found = f"{name!r}{nearest(name, MEASURES)}"
                raise unfit(found, f"one of {', '.join(MEASURES)}", f".measures[{index}]")

    def _check_clock(self) -> None:
        """What needs a clock does nothing in an arrival sequence, and must not look as if it did."""
        if self.workload is None or self.workload.sequence is None:
            return
        beside = next((key for key in self.given() if key in CLOCKED), None)
        if beside:
            raise unfit("what needs a clock", "no such key beside workload.sequence, which has none", f".{beside}")
