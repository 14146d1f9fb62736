"""OverridePolicy and ClusterOverridePolicy of ``policy.karmada.io``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.errors import InputError
from yuheng.model.propagation import OverridePolicy, Overriders, OverrideRule
from yuheng.readers.karmada.policies import affinity_checked, in_namespace
from yuheng.readers.karmada.wire import OverrideObject, OverrideSpec, decoded

if TYPE_CHECKING:
    import msgspec

__all__ = ["read_override_policy"]


def read_override_policy(text: bytes | msgspec.Raw) -> OverridePolicy:
    """An override policy; one without a namespace that is not cluster-wide is in ``default``.

    Raises:
        InputError: a field is not what Karmada defines.
    """
    found = decoded(text, OverrideObject)
    namespace = "" if found.kind.startswith("Cluster") else found.metadata.namespace or "default"
    return OverridePolicy(
        name=found.metadata.name,
        namespace=namespace,
        resource_selectors=in_namespace(found.spec.resource_selectors, namespace),
        rules=_rules(found.spec),
    )


def _rules(spec: OverrideSpec) -> tuple[OverrideRule, ...]:
    old = spec.target_cluster is not None or spec.overriders != Overriders()
    if old and spec.override_rules:
        raise InputError("overrideRules beside targetCluster or overriders", "overrideRules alone", field="spec")
    if old:
        _check_rule(OverrideRule(target_cluster=spec.target_cluster, overriders=spec.overriders), "spec")
        return (OverrideRule(target_cluster=spec.target_cluster, overriders=spec.overriders),)
    for number, rule in enumerate(spec.override_rules):
        _check_rule(rule, f"spec.overrideRules[{number}]")
    return spec.override_rules


def _check_rule(rule: OverrideRule, field: str) -> None:
    affinity_checked(rule.target_cluster, f"{field}.targetCluster")
    overriders = rule.overriders
    for number, image in enumerate(overriders.image_overrider):
        place = f"{field}.overriders.imageOverrider[{number}]"
        if not image.value and image.operator != "remove":
            raise InputError("nothing", f"what to {image.operator}", field=f"{place}.value")
        if image.predicate is not None:
            _check_pointer(image.predicate.path, f"{place}.predicate.path")
    for number, plain in enumerate(overriders.plaintext):
        _check_pointer(plain.path, f"{field}.overriders.plaintext[{number}].path")
    for number, document in enumerate(overriders.field_overrider):
        place = f"{field}.overriders.fieldOverrider[{number}]"
        _check_pointer(document.field_path, f"{place}.fieldPath")
        if bool(document.json) == bool(document.yaml):
            raise InputError(
                "both json and yaml" if document.json else "neither json nor yaml", "one of them", field=place
            )
        for kind, operations in (("json", document.json), ("yaml", document.yaml)):
            for i, operation in enumerate(operations):
                _check_pointer(operation.sub_path, f"{place}.{kind}[{i}].subPath")


def _check_pointer(path: str, field: str) -> None:
    if not path.startswith("/"):
        raise InputError(f"{path!r}", "a JSON pointer such as /spec/replicas", field=field)
