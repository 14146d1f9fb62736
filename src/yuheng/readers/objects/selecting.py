"""Services, controllers and disruption budgets, seen as the pods they select."""

from __future__ import annotations

import msgspec

from yuheng.errors import InputError
from yuheng.model.cluster import PodDisruptionBudget, PodSelector
from yuheng.model.selectors import LabelSelector
from yuheng.readers.wire import Budget, Metadata, Selecting, Service

__all__ = ["named", "read_budget", "read_controller", "read_service"]

Text = bytes | msgspec.Raw


def named(metadata: Metadata) -> tuple[str, str]:
    """The name and the namespace of an object.

    Raises:
        InputError: it has no name.
    """
    if not metadata.name:
        raise InputError("nothing", "a name", field="metadata.name")
    return metadata.name, metadata.namespace or "default"


def read_service(kind: str, text: Text) -> PodSelector | None:
    """What a Service or a ReplicationController selects; None when it has no selector, and so no pods.

    Raises:
        InputError: the object has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=Service)
    name, namespace = named(source.metadata)
    labels = source.spec.selector if source.spec else None
    return PodSelector(kind, name, namespace, LabelSelector(match_labels=labels)) if labels else None


def read_controller(kind: str, text: Text) -> PodSelector | None:
    """What a ReplicaSet or a StatefulSet selects; None when it has no selector, and so no pods.

    Raises:
        InputError: the object has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=Selecting)
    name, namespace = named(source.metadata)
    selector = source.spec.selector if source.spec else None
    return None if selector is None or selector.is_empty() else PodSelector(kind, name, namespace, selector)


def read_budget(text: Text) -> PodDisruptionBudget | None:
    """A disruption budget; None for one without a selector, which selects no pod.

    One without a status (a manifest) allows no disruption: its controller has not looked at it yet.

    Raises:
        InputError: the object has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=Budget)
    name, namespace = named(source.metadata)
    selector = source.spec.selector if source.spec else None
    allowed = source.status.disruptions_allowed if source.status else 0
    return None if selector is None else PodDisruptionBudget(name, namespace, selector, allowed)
