"""Which policy is a workload's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from yuheng.model.fleet import FleetWorkload
from yuheng.model.propagation import PropagationPolicy

__all__ = ["PolicyIndex"]


class PolicyIndex:
    """Policies, found by the workloads that they are for.

    As in Karmada, a policy of the workload's namespace comes before any cluster-wide one, whatever their priorities.
    Among those of one kind the highest ``priority`` comes first; then the one that means the workload most precisely
    (by name, by labels, by kind alone); then the first by name. A workload that a policy has placed already stays with
    it, unless another one preempts it.
    """

    def __init__(self, policies: Iterable[PropagationPolicy]) -> None:
        """Take policies in.

        Args:
            policies: in any order, each name once in its namespace.
        """
        self._by_key = {policy.key: policy for policy in policies}
        # By the policy's namespace, API version, kind and the name of the object; no name where a selector gives none.
        self._by_target: dict[tuple[str, str, str, str], list[PropagationPolicy]] = defaultdict(list)
        for policy in self._by_key.values():
            selectors = policy.resource_selectors
            for target in {(selector.api_version, selector.kind, selector.name) for selector in selectors}:
                self._by_target[(policy.namespace, *target)].append(policy)

    def policy_for(self, workload: FleetWorkload) -> PropagationPolicy | None:
        """The policy of a workload; None when none selects it."""
        own, wide = list(self._selecting(workload, workload.namespace)), list(self._selecting(workload, ""))
        holder = self._by_key.get(workload.policy_name)
        if holder is None or not _precision(holder, workload):
            return _first(own, workload) or _first(wide, workload)
        if holder.namespace:
            return _first(_preempting(own, holder), workload) or holder
        own_preempting = [policy for policy in own if policy.preempts]
        return _first(own_preempting, workload) or _first(_preempting(wide, holder), workload) or holder

    def selecting_nothing(self, workloads: Iterable[FleetWorkload]) -> list[PropagationPolicy]:
        """The policies that select none of these workloads, sorted by key."""
        left = dict(self._by_key)
        for workload in workloads:
            for namespace in (workload.namespace, ""):
                for policy in self._selecting(workload, namespace):
                    left.pop(policy.key, None)
        return [left[key] for key in sorted(left)]

    def _selecting(self, workload: FleetWorkload, namespace: str) -> Iterator[PropagationPolicy]:
        """The policies of a namespace that select the workload; cluster-wide ones are of none."""
        for name in (workload.name, ""):
            for policy in self._by_target.get((namespace, workload.api_version, workload.kind, name), ()):
                if _precision(policy, workload):
                    yield policy


def _first(policies: Iterable[PropagationPolicy], workload: FleetWorkload) -> PropagationPolicy | None:
    return min(
        policies, key=lambda policy: (-policy.priority, -_precision(policy, workload), policy.name), default=None
    )


def _preempting(policies: Iterable[PropagationPolicy], holder: PropagationPolicy) -> list[PropagationPolicy]:
    """Those that take over from a holder of their own kind: only of higher priority."""
    return [policy for policy in policies if policy.preempts and policy.priority > holder.priority]


def _precision(policy: PropagationPolicy, workload: FleetWorkload) -> int:
    return max((selector.precision(workload) for selector in policy.resource_selectors), default=0)
