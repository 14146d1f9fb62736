"""PropagationPolicy and ClusterPropagationPolicy of ``policy.karmada.io``.

What Karmada's admission webhooks would refuse is refused, and what they would fill in is filled in. One thing they
refuse is accepted: to spread by region, zone, provider or label without saying by how many clusters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.propagation import (
    ClusterAffinity,
    ClusterAffinityTerm,
    Placement,
    PropagationPolicy,
    ResourceSelector,
    SpreadConstraint,
)
from yuheng.readers.karmada.wire import PropagationObject, Unused, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["PolicyReading", "affinity_checked", "in_namespace", "read_propagation_policy"]

FIELDS: Final = frozenset(("provider", "region", "zone"))
PLACEMENT: Final = "spec.placement"


class PolicyReading(NamedTuple):
    """A policy, and what of it is not used, one sentence each."""

    policy: PropagationPolicy
    warnings: tuple[str, ...] = ()


def read_propagation_policy(text: bytes | msgspec.Raw) -> PolicyReading:
    """A propagation policy; one without a namespace that is not cluster-wide is in ``default``.

    Raises:
        InputError: a field is not what Karmada defines.
    """
    found = decoded(text, PropagationObject)
    namespace = "" if found.kind.startswith("Cluster") else found.metadata.namespace or "default"
    spec = found.spec
    if not spec.resource_selectors:
        raise InputError("nothing", "at least one selector", field="spec.resourceSelectors")
    failover = spec.failover.cluster if spec.failover is not None else None
    policy = PropagationPolicy(
        name=found.metadata.name,
        namespace=namespace,
        resource_selectors=in_namespace(spec.resource_selectors, namespace),
        placement=_checked(spec.placement),
        priority=spec.priority or 0,
        preempts=spec.preemption == "Always",
        purge_mode=failover.purge_mode if failover is not None else "Gracefully",
    )
    return PolicyReading(policy, tuple(_unused(policy, decoded(text, Unused))))


def in_namespace(selectors: Sequence[ResourceSelector], namespace: str) -> tuple[ResourceSelector, ...]:
    """The selectors of a policy of a namespace, none of which leads out of it; those of a cluster-wide one as they are.

    Raises:
        InputError: a selector names another namespace.
    """
    for number, selector in enumerate(selectors):
        if namespace and selector.namespace not in ("", namespace):
            raise InputError(
                f"{selector.namespace!r}",
                f"{namespace!r}, the namespace of the policy",
                field=f"spec.resourceSelectors[{number}].namespace",
            )
    if not namespace:
        return tuple(selectors)
    return tuple(msgspec.structs.replace(selector, namespace=namespace) for selector in selectors)


def affinity_checked(affinity: ClusterAffinity | None, field: str) -> None:
    """Refuse a field selector on other fields, or with other operators, than Karmada knows.

    Raises:
        InputError: that is so.
    """
    selector = affinity.field_selector if affinity is not None else None
    for number, requirement in enumerate(selector.match_expressions if selector is not None else ()):
        place = f"{field}.fieldSelector.matchExpressions[{number}]"
        if requirement.key not in FIELDS:
            raise InputError(f"{requirement.key!r}", "provider, region or zone", field=f"{place}.key")
        if requirement.operator not in ("In", "NotIn"):
            raise InputError(f"{requirement.operator!r}", "In or NotIn", field=f"{place}.operator")


def _checked(placement: Placement) -> Placement:
    """The placement with Karmada's defaults."""
    if placement.cluster_affinity is not None and placement.cluster_affinities:
        raise InputError("clusterAffinity and clusterAffinities", "one of them", field=PLACEMENT)
    affinity_checked(placement.cluster_affinity, f"{PLACEMENT}.clusterAffinity")
    for number, term in enumerate(placement.cluster_affinities):
        _check_term(placement, number, term)
    _check_names((term.affinity_name for term in placement.cluster_affinities), f"{PLACEMENT}.clusterAffinities")
    for number, toleration in enumerate(placement.cluster_tolerations):
        if toleration.operator in ("Lt", "Gt"):
            field = f"{PLACEMENT}.clusterTolerations[{number}].operator"
            raise InputError(f"{toleration.operator!r}", "Exists or Equal", field=field)
    _check_weights(placement)
    constraints = tuple(_constraint(each, i) for i, each in enumerate(placement.spread_constraints))
    _check_groups(constraints)
    return msgspec.structs.replace(placement, spread_constraints=constraints)


def _check_term(placement: Placement, number: int, term: ClusterAffinityTerm) -> None:
    field = f"{PLACEMENT}.clusterAffinities[{number}]"
    affinity_checked(term, field)
    if not term.overflow_affinities:
        return
    field = f"{field}.overflowAffinities"
    if placement.strategy not in ("DynamicWeight", "Aggregated"):
        raise InputError(
            f"overflow affinities beside {placement.strategy} replica scheduling",
            "replica scheduling Divided by dynamicWeight, or Aggregated",
            field=field,
        )
    if not any((term.label_selector, term.field_selector, term.cluster_names, term.exclude_clusters)):
        raise InputError("overflow affinities of an affinity of all clusters", "an affinity of some", field=field)
    for i, overflow in enumerate(term.overflow_affinities):
        affinity_checked(overflow, f"{field}[{i}]")
    _check_names((term.affinity_name, *(overflow.affinity_name for overflow in term.overflow_affinities)), field)


def _check_names(names: Iterable[str], field: str) -> None:
    seen: set[str] = set()
    for name in names:
        if not name or name in seen:
            found = f"a second affinity named {name!r}" if name else "an affinity without a name"
            raise InputError(found, "a name of its own for each", field=field)
        seen.add(name)


def _check_weights(placement: Placement) -> None:
    scheduling = placement.replica_scheduling
    preference = scheduling.weight_preference if scheduling is not None else None
    rules = preference.static_weight_list if preference is not None else ()
    field = f"{PLACEMENT}.replicaScheduling.weightPreference.staticWeightList"
    if rules and not any(rule.weight for rule in rules):
        raise InputError("weights that sum to 0", "weights of 1 or more", field=field)
    for number, rule in enumerate(rules):
        if rule.weight < 1:
            raise InputError(str(rule.weight), "a weight of 1 or more", field=f"{field}[{number}].weight")
        affinity_checked(rule.target_cluster, f"{field}[{number}].targetCluster")


def _constraint(found: SpreadConstraint, number: int) -> SpreadConstraint:
    """A spread constraint: by cluster where it does not say, over at least one group."""
    field = f"{PLACEMENT}.spreadConstraints[{number}]"
    if found.spread_by_field and found.spread_by_label:
        raise InputError("spreadByField and spreadByLabel", "one of them", field=field)
    for name, groups in (("minGroups", found.min_groups), ("maxGroups", found.max_groups)):
        if groups < 0:
            raise InputError(str(groups), "a number of groups, 0 or more", field=f"{field}.{name}")
    constraint = msgspec.structs.replace(
        found,
        spread_by_field=found.spread_by_field or ("" if found.spread_by_label else "cluster"),
        min_groups=found.min_groups or 1,
    )
    if constraint.max_groups and constraint.max_groups < constraint.min_groups:
        expected = f"at least minGroups, which is {constraint.min_groups}"
        raise InputError(str(constraint.max_groups), expected, field=f"{field}.maxGroups")
    return constraint


def _check_groups(constraints: Sequence[SpreadConstraint]) -> None:
    seen: set[tuple[str, str]] = set()
    for number, constraint in enumerate(constraints):
        what = constraint.spread_by_field, constraint.spread_by_label
        if what in seen:
            found = f"a second constraint by {constraint.spread_by_field or constraint.spread_by_label}"
            raise InputError(found, "one at most", field=f"{PLACEMENT}.spreadConstraints[{number}]")
        seen.add(what)


def _unused(policy: PropagationPolicy, found: Unused) -> list[str]:
    spec = found.spec
    fields = {
        "placement.workloadAffinity": spec.placement is not None and spec.placement.workload_affinity is not None,
        "failover.application": spec.failover is not None and spec.failover.application is not None,
        "suspension": spec.suspension is not None,
        "schedulePriority": spec.schedule_priority is not None,
        "activationPreference": bool(spec.activation_preference),
        "dependentOverrides": bool(spec.dependent_overrides),
        "schedulerName": spec.scheduler_name not in ("", "default-scheduler"),
    }
    return [f"{policy.kind} {policy.key}: spec.{field} is not used" for field, present in fields.items() if present]
