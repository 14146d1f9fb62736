"""What each workload needs: what the `PlacementPolicy` that selects it says, and its annotations, which win."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from yuheng.errors import InputError
from yuheng.model.requirements import Requirements, RunTime
from yuheng.readers.fleet.annotations import annotated
from yuheng.readers.fleet.policy_fields import PlacementPolicyObject
from yuheng.readers.fleet.requirement_fields import ANY_MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.fleet import FleetWorkload
    from yuheng.model.workflow import Workflow
    from yuheng.readers.fleet.workloads import WrittenWorkload

__all__ = ["Policies", "WrittenPolicy", "check_deadlines"]


class WrittenPolicy(NamedTuple):
    """A PlacementPolicy as it is written, and the file it is in."""

    fields: PlacementPolicyObject
    source: str

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.fields.metadata.namespace}/{self.fields.metadata.name}"

    @property
    def subject(self) -> str:
        """How errors call it."""
        return f"PlacementPolicy {self.key}"

    def precision(self, workload: FleetWorkload) -> int:
        """How precisely it means a workload: 3 by name, 2 by labels, 1 as all of the namespace, 0 not at all."""
        selector = self.fields.spec.selector
        if self.fields.metadata.namespace != workload.namespace:
            return 0
        if selector.kinds and workload.kind not in selector.kinds:
            return 0
        if selector.names and workload.name not in selector.names:
            return 0
        labels = selector.label_selector
        if labels is not None and not labels.selector().matches(workload.labels):
            return 0
        return 3 if selector.names else 2 if labels is not None else 1


class Policies:
    """All PlacementPolicies of a fleet.

    Args:
        written: the policies.
        time: what time it is; None when nobody knows.

    Raises:
        InputError: two have one name, or a deadline has passed.
    """

    def __init__(self, written: list[WrittenPolicy], time: float | None) -> None:
        self._time = time
        self._by_namespace: dict[str, list[WrittenPolicy]] = {}
        self._used: set[str] = set()
        self._written = sorted(written, key=lambda policy: policy.key)
        for before, after in pairwise(self._written):
            if before.key == after.key:
                raise InputError(
                    f"a second PlacementPolicy of this name (the first: {before.source})",
                    "one policy of a name in a namespace",
                    source=after.source,
                    subject=after.subject,
                )
        for policy in self._written:
            self._check(policy.fields.spec.requirements(), policy.source, policy.subject, "spec.deadline")
            self._by_namespace.setdefault(policy.fields.metadata.namespace, []).append(policy)

    def requirements(self, written: WrittenWorkload) -> Requirements:
        """What a workload needs.

        Raises:
            InputError: an annotation is not what it should be, or a deadline has passed.
        """
        workload = written.workload
        policy = self._policy(workload)
        parts = policy.fields.spec.parts() if policy else {}
        subject = f"{workload.kind} {workload.key}"
        try:
            own = annotated(written.annotations)
        except InputError as error:
            raise error.at(source=workload.source, subject=subject) from None
        if "run_time" in own and "run_time" in parts:
            own["run_time"] = {**parts["run_time"], **own["run_time"]}
        found = Requirements(**(parts | own), policy=policy.key if policy else "")
        self._check(found, workload.source, subject, "metadata.annotations[yuheng.io/deadline]")
        if not found.run_time and found.latency is None and workload.pods and workload.pods[0].estimate is not None:
            parts = {**parts, **own, "run_time": {ANY_MACHINE: RunTime(workload.pods[0].estimate)}}
            return Requirements(**parts, policy=found.policy)
        return found

    def idle(self) -> list[WrittenPolicy]:
        """The policies that select nothing (of the workloads that were asked about)."""
        return [policy for policy in self._written if policy.key not in self._used]

    def _policy(self, workload: FleetWorkload) -> WrittenPolicy | None:
        """The one that counts: the most precise, then by name."""
        best, found = 0, None
        for policy in self._by_namespace.get(workload.namespace, ()):
            precision = policy.precision(workload)
            if precision:
                self._used.add(policy.key)
            if precision > best:
                best, found = precision, policy
        return found

    def _check(self, requirements: Requirements, source: str, subject: str, field: str) -> None:
        """A deadline that has passed can be met by no plan."""
        deadline = requirements.deadline
        if (late := _passed(deadline, self._time)) is not None:
            raise late.at(source=source, subject=subject, field=field)
        early = requirements.not_before
        if deadline is not None and early is not None and deadline <= early:
            raise InputError("a deadline that is not after notBefore", "a later one", source=source, subject=subject)


def check_deadlines(workflows: Iterable[Workflow], time: float | None) -> None:
    """Refuse workflows whose deadline has passed.

    Raises:
        InputError: one has.
    """
    for workflow in workflows:
        if (late := _passed(workflow.deadline, time)) is not None:
            raise late.at(source=workflow.source, subject=f"Workflow {workflow.key}", field="deadline")


def _passed(deadline: float | None, time: float | None) -> InputError | None:
    """What is wrong with a deadline that has passed; None where it has not, or nobody knows."""
    if deadline is None or time is None or deadline > time:
        return None
    return InputError(f"a deadline {time - deadline:,.0f} s before the time of the fleet", "one in the future")
