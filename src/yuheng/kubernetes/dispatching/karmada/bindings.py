"""A binding, as far as a scheduler looks at it: what is asked, what was decided, and whether that is due again.

It is due when the placement is another one than was applied, when the replicas of its clusters are not what it asks
for (they were changed, or an eviction took some), when somebody asked for a rescheduling, and, where every cluster gets
all of it, whenever its specification has changed. That is karmada-scheduler's rule.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec

from yuheng.model.propagation import Placement

__all__ = ["APPLIED", "Binding", "Condition", "read_due_binding"]

# Which placement the clusters were chosen by, as JSON.
APPLIED: Final = "policy.karmada.io/applied-placement"
DEFAULT_SCHEDULER: Final = "default-scheduler"


class Condition(msgspec.Struct, rename="camel", omit_defaults=True):
    """A condition of a binding."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    observed_generation: int | None = None


class Target(msgspec.Struct):
    """A cluster, and how many replicas it has."""

    name: str
    replicas: int = 0


class Requirements(msgspec.Struct, rename="camel"):
    """What a replica asks for."""

    resource_request: dict[str, str | int | float] = {}


class Resource(msgspec.Struct, rename="camel"):
    """The object that is bound."""

    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class Suspension(msgspec.Struct):
    """What is suspended."""

    scheduling: bool = False


class Task(msgspec.Struct, rename="camel"):
    """A cluster that the object is leaving."""

    from_cluster: str


class Priority(msgspec.Struct):
    """Whose turn it is."""

    priority: int = 0


class Spec(msgspec.Struct, rename="camel"):
    """``spec`` of a binding."""

    resource: Resource = msgspec.field(default_factory=Resource)
    scheduler_name: str = ""
    placement: msgspec.Raw = msgspec.Raw()
    failover: msgspec.Raw = msgspec.Raw()
    replicas: int = 0
    replica_requirements: Requirements | None = None
    clusters: list[Target] | None = None
    suspension: Suspension | None = None
    graceful_eviction_tasks: list[Task] | None = None
    reschedule_triggered_at: datetime | None = None
    schedule_priority: Priority | None = None


class Status(msgspec.Struct, rename="camel"):
    """``status`` of a binding."""

    scheduler_observed_generation: int = 0
    affinity: str = msgspec.field(default="", name="schedulerObservingAffinityName")
    last_scheduled_time: datetime | None = None
    conditions: list[Condition] | None = None


class Metadata(msgspec.Struct, rename="camel"):
    """``metadata`` of a binding."""

    name: str = ""
    namespace: str = ""
    generation: int = 0
    resource_version: str = ""
    annotations: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class Binding(msgspec.Struct):
    """A ResourceBinding, or a ClusterResourceBinding where the namespace is empty."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: Spec = msgspec.field(default_factory=Spec)
    status: Status = msgspec.field(default_factory=Status)

    @property
    def key(self) -> str:
        """``namespace/name``; without a namespace ``/name``."""
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def number(self) -> int:
        """Its version as a number, which grows; -1 for one that is none."""
        version = self.metadata.resource_version
        return int(version) if version.isascii() and version.isdigit() else -1

    @property
    def applied(self) -> str:
        """The placement as it is noted down where it has been applied."""
        return _compact(bytes(self.spec.placement))

    def is_for(self, scheduler: str) -> bool:
        """Whether a scheduler of that name decides on it, now."""
        spec = self.spec
        is_open = self.metadata.deletion_timestamp is None and not (spec.suspension and spec.suspension.scheduling)
        return is_open and (spec.scheduler_name or DEFAULT_SCHEDULER) == scheduler and bool(bytes(spec.placement))

    @property
    def is_everywhere(self) -> bool:
        """Whether each cluster gets all of it: by its placement, or since it has no replicas."""
        return self.spec.replicas == 0 or self.strategy == "Duplicated"

    @property
    def strategy(self) -> str:
        """How its replicas are assigned; empty where the placement cannot be read."""
        try:
            return msgspec.json.decode(self.spec.placement, type=Placement).strategy
        except msgspec.DecodeError:
            return ""

    @property
    def wants_all_anew(self) -> bool:
        """Whether somebody asked for a rescheduling that has not been done."""
        asked, done = self.spec.reschedule_triggered_at, self.status.last_scheduled_time
        return asked is not None and (done is None or asked > done)

    def is_due(self) -> bool:
        """Whether it is to be decided on, as far as it says itself."""
        if _compact((self.metadata.annotations or {}).get(APPLIED, "").encode()) != self.applied:
            return True
        if self.wants_all_anew or self._has_other_replicas():
            return True
        return self.is_everywhere and self.metadata.generation != self.status.scheduler_observed_generation

    @property
    def is_untold(self) -> bool:
        """Whether it has its clusters, and its status does not say so yet: a write failed, or its author ended."""
        return not self.is_due() and self.metadata.generation != self.status.scheduler_observed_generation

    def _has_other_replicas(self) -> bool:
        """Whether its clusters have other replicas than it asks for."""
        counts = [one.replicas for one in self.spec.clusters or ()]
        if self.spec.replicas == 0:
            return False
        if self.strategy == "Duplicated":
            return any(count != self.spec.replicas for count in counts)
        return sum(counts) != self.spec.replicas


_decode: Final = msgspec.json.Decoder(Binding).decode


def read_due_binding(text: bytes | msgspec.Raw) -> Binding:
    """A binding; it holds on to a copy of the text, not to what was received.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return _decode(bytes(text))


def _compact(text: bytes) -> str:
    """JSON in one form; empty for what is none."""
    try:
        found: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return msgspec.json.encode(_plain(found), order="sorted").decode()


def _plain(found: Any) -> Any:  # noqa: ANN401 -- walks plain data of any shape
    """Without what is empty, which Karmada does not tell from what is not there."""
    if isinstance(found, dict):
        kept = {key: _plain(value) for key, value in found.items()}
        return {key: value for key, value in kept.items() if value not in (None, "", [], {})}
    return [_plain(one) for one in found] if isinstance(found, list) else found
