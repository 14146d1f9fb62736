"""Disks and load balancers: what a cluster is paid for beside its nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.estate import Claim, LoadBalancer
from yuheng.readers.decoding import below
from yuheng.readers.estate.wire import ClaimObject, ClaimTemplate, ServiceObject, VolumeObject
from yuheng.readers.objects.requests import amounts, whole
from yuheng.readers.objects.selecting import named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.readers.wire import QuantityText

__all__ = ["claim_of_template", "read_balancer", "read_claim", "read_volume"]

Text = bytes | msgspec.Raw
STORAGE: Final = "storage"


def read_volume(text: Text) -> tuple[str, int, str]:
    """The name, the bytes and the storage class of a PersistentVolume.

    Raises:
        InputError: the object has no name, or its capacity is no amount.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=VolumeObject)
    name, _ = named(source.metadata)
    spec = source.spec
    if spec is None:
        return name, 0, ""
    return name, _size(spec.capacity, "spec.capacity"), spec.storage_class_name or ""


def read_claim(volumes: Mapping[str, tuple[int, str]], text: Text) -> Claim:
    """A PersistentVolumeClaim; its size is that of its volume, or what its status tells, or what it asks for.

    Args:
        volumes: bytes and storage class by the name of the volume.
        text: the object.

    Raises:
        InputError: the object has no name, or a size is no amount.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=ClaimObject)
    name, namespace = named(source.metadata)
    wanted = claim_of_template(source, namespace, name)
    bound = source.spec.volume_name if source.spec else None
    size, storage_class = volumes.get(bound or "", (0, ""))
    told = _size(source.status.capacity if source.status else None, "status.capacity")
    return Claim(
        namespace=namespace,
        name=name,
        size=size or told or wanted.size,
        storage_class=wanted.storage_class or storage_class,
    )


def claim_of_template(template: ClaimTemplate, namespace: str, name: str) -> Claim:
    """The claim that a template makes.

    Raises:
        InputError: its size is no amount.
    """
    spec = template.spec
    requests = spec.resources.requests if spec and spec.resources else None
    return Claim(
        namespace=namespace,
        name=name,
        size=_size(requests, "spec.resources.requests"),
        storage_class=(spec.storage_class_name or "") if spec else "",
    )


def read_balancer(text: Text) -> LoadBalancer | None:
    """A load balancer; None for a Service of another type.

    Raises:
        InputError: the object has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=ServiceObject)
    name, namespace = named(source.metadata)
    if source.spec is None or source.spec.type != "LoadBalancer":
        return None
    return LoadBalancer(namespace=namespace, name=name, selector=source.spec.selector or {})


def _size(capacity: Mapping[str, QuantityText] | None, field: str) -> int:
    try:
        found = {name: text for name, text in (capacity or {}).items() if name == STORAGE}
        return whole(amounts(found)).get(STORAGE, 0)
    except InputError as error:
        raise below(field, error) from error
