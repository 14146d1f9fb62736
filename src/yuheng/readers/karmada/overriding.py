"""What override policies make of an object on a cluster.

As in Karmada: cluster-wide policies first, then those of the object's namespace; among them those that mean the object
less precisely first, so that the more precise ones have the last word; then by name. Each rule applies to what those
before it made.
"""

# ruff: noqa: ANN401 -- manifests are plain data of any shape

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.readers.inventory import CLUSTER_WIDE
from yuheng.readers.karmada.images import overridden_image
from yuheng.readers.karmada.json_patch import patch, value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from yuheng.model.fleet import Cluster
    from yuheng.model.propagation import (
        CommandArgsOverrider,
        FieldOverrider,
        ImageOverrider,
        LabelAnnotationOverrider,
        OverridePolicy,
        Overriders,
        PlaintextOverrider,
    )

__all__ = ["Override", "applied", "overridden", "overrides_of"]

Manifest = dict[str, Any]
TEMPLATED: Final = frozenset(("DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"))


class Identity(NamedTuple):
    """What selectors look at in a manifest."""

    api_version: str
    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]


class Override(NamedTuple):
    """A rule that is for an object on a cluster.

    Attributes:
        policy: whose rule it is.
        number: which of its rules, from 0.
    """

    policy: OverridePolicy
    number: int


def overridden(manifest: Manifest, overrides: Iterable[OverridePolicy], cluster: Cluster) -> Manifest | None:
    """The object as override policies make it for a cluster; None when no rule is for it there.

    Args:
        manifest: the object, decoded; it stays as it is.
        overrides: all override policies.
        cluster: where it goes to.

    Raises:
        InputError: a rule cannot be applied to the object.
    """
    rules = overrides_of(manifest, overrides, cluster)
    return applied(manifest, rules) if rules else None


def overrides_of(manifest: Manifest, overrides: Iterable[OverridePolicy], cluster: Cluster) -> tuple[Override, ...]:
    """The rules that are for an object on a cluster, in the order in which they apply.

    Clusters with the same rules get the same object: `applied` needs to be asked once for them.
    """
    target = _identity(manifest)
    found = [(policy, _precision(policy, target)) for policy in overrides if policy.namespace in ("", target.namespace)]
    ordered = sorted(found, key=lambda each: (bool(each[0].namespace), each[1], each[0].name))
    return tuple(
        Override(policy, number)
        for policy, precision in ordered
        if precision
        for number, rule in enumerate(policy.rules)
        if rule.target_cluster is None or rule.target_cluster.matches(cluster)
    )


def applied(manifest: Manifest, rules: Sequence[Override]) -> Manifest:
    """The object after rules; the manifest stays as it is.

    Raises:
        InputError: a rule cannot be applied to the object.
    """
    changed = copy.deepcopy(manifest)
    for policy, number in rules:
        try:
            _apply(changed, policy.rules[number].overriders)
        except InputError as error:
            identity = _identity(manifest)
            raise InputError(
                f"{error.found}, in {identity.kind} {identity.namespace}/{identity.name}",
                error.expected,
                source=policy.source,
                subject=f"{policy.kind} {policy.key}",
                field=f"spec.overrideRules[{number}].overriders.{error.field}",
            ) from error
    return changed


def _identity(manifest: Manifest) -> Identity:
    metadata = manifest.get("metadata") or {}
    kind = str(manifest.get("kind", ""))
    namespace = "" if kind in CLUSTER_WIDE else metadata.get("namespace") or "default"
    labels = metadata.get("labels") or {}
    return Identity(str(manifest.get("apiVersion", "")), kind, namespace, metadata.get("name") or "", labels)


def _precision(policy: OverridePolicy, target: Identity) -> int:
    """How precisely a policy means an object; one without selectors means all, as loosely as by their kind."""
    if not policy.resource_selectors:
        return 1
    return max(selector.precision(target) for selector in policy.resource_selectors)


def _apply(manifest: Manifest, overriders: Overriders) -> None:
    steps: tuple[tuple[str, Sequence[Any], Callable[[Manifest, Any], None]], ...] = (
        ("imageOverrider", overriders.image_overrider, _override_image),
        ("commandOverrider", overriders.command_overrider, _override_command),
        ("argsOverrider", overriders.args_overrider, _override_args),
        ("labelsOverrider", overriders.labels_overrider, _override_labels),
        ("annotationsOverrider", overriders.annotations_overrider, _override_annotations),
        ("fieldOverrider", overriders.field_overrider, _override_document),
        ("plaintext", overriders.plaintext, _override_plainly),
    )
    for name, rules, override in steps:
        for number, rule in enumerate(rules):
            try:
                override(manifest, rule)
            except InputError as error:
                raise error.at(field=f"{name}[{number}]") from error


def _containers(manifest: Manifest) -> list[Manifest]:
    """The containers, of the kinds in which Karmada knows them."""
    kind = manifest.get("kind")
    spec = manifest.get("spec") or {}
    if kind in TEMPLATED:
        spec = (spec.get("template") or {}).get("spec") or {}
    elif kind != "Pod":
        return []
    return spec.get("containers") or []


def _override_image(manifest: Manifest, rule: ImageOverrider) -> None:
    if rule.predicate is None:
        for container in _containers(manifest):
            container["image"] = overridden_image(container.get("image") or "", rule)
        return
    image = value_at(manifest, rule.predicate.path)
    if not isinstance(image, str):
        raise InputError(f"{rule.predicate.path!r}, which is no text", "the path of an image")
    patch(manifest, "replace", rule.predicate.path, overridden_image(image, rule))


def _override_command(manifest: Manifest, rule: CommandArgsOverrider) -> None:
    _override_words(manifest, rule, "command")


def _override_args(manifest: Manifest, rule: CommandArgsOverrider) -> None:
    _override_words(manifest, rule, "args")


def _override_words(manifest: Manifest, rule: CommandArgsOverrider, field: str) -> None:
    for container in _containers(manifest):
        if container.get("name") == rule.container_name:
            words = container.get(field) or []
            if rule.operator == "add":
                container[field] = [*words, *rule.value]
            elif words:
                container[field] = [word for word in words if word not in rule.value]


def _override_labels(manifest: Manifest, rule: LabelAnnotationOverrider) -> None:
    _override_pairs(manifest, rule, "labels")


def _override_annotations(manifest: Manifest, rule: LabelAnnotationOverrider) -> None:
    _override_pairs(manifest, rule, "annotations")


def _override_pairs(manifest: Manifest, rule: LabelAnnotationOverrider, field: str) -> None:
    metadata = manifest.setdefault("metadata", {})
    pairs = metadata.get(field) or {}
    if rule.operator == "add":
        metadata[field] = {**pairs, **rule.value}
        return
    for key in rule.value.keys() & pairs.keys():
        if rule.operator == "remove":
            del pairs[key]
        else:
            pairs[key] = rule.value[key]


def _override_document(manifest: Manifest, rule: FieldOverrider) -> None:
    text = value_at(manifest, rule.field_path)
    if not isinstance(text, str):
        raise InputError(f"{rule.field_path!r}, which is no text", "the path of a document")
    document = _from_yaml(text) if rule.yaml else _from_json(text)
    for operation in rule.yaml or rule.json:
        patch(document, operation.operator, operation.sub_path, operation.value)
    patch(manifest, "replace", rule.field_path, _to_yaml(document) if rule.yaml else _to_json(document))


def _override_plainly(manifest: Manifest, rule: PlaintextOverrider) -> None:
    patch(manifest, rule.operator, rule.path, rule.value)


def _from_json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise InputError("a document that is not JSON", "JSON") from error


def _to_json(document: Any) -> str:
    return msgspec.json.encode(document, order="sorted").decode()


def _from_yaml(text: str) -> Any:
    import yaml  # noqa: PLC0415 -- hardly ever needed

    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise InputError("a document that is not YAML", "YAML") from error


def _to_yaml(document: Any) -> str:
    import yaml  # noqa: PLC0415 -- hardly ever needed

    return str(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=True))
