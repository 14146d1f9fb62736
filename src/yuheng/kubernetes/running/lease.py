"""A Lease (``coordination.k8s.io/v1``) as leader election reads and writes it.

The object's metadata is carried as text: what others have written there (labels, owners) goes back untouched, together
with the resource version, by which the API server refuses a write that rests on an old reading.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.kubernetes.api import KINDS, ApiError

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["Lease", "LeaseSpec", "LeaseStore", "micro_time"]

_LEASES: Final = KINDS["leases.coordination.k8s.io"]


class LeaseSpec(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """Who leads, as it is written down.

    Attributes:
        holder_identity: who; empty for nobody.
        lease_duration_seconds: how long others wait after they last saw a change.
        acquire_time: since when, by the holder's clock.
        renew_time: when it was last renewed, by the holder's clock.
        lease_transitions: how often another has taken over.
    """

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class Lease(msgspec.Struct, frozen=True):
    """A Lease, its metadata as text."""

    metadata: msgspec.Raw
    spec: LeaseSpec = LeaseSpec()


class _Written(msgspec.Struct, rename="camel"):
    metadata: msgspec.Raw
    spec: LeaseSpec
    api_version: str = _LEASES.api_version
    kind: str = _LEASES.kind


_decode: Final = msgspec.json.Decoder(Lease).decode


def micro_time(seconds: float) -> str:
    """Seconds since the epoch as Kubernetes' ``MicroTime``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class LeaseStore:
    """One Lease on an API server.

    Args:
        api: the server.
        namespace: where the Lease is.
        name: what it is called.
    """

    def __init__(self, api: Api, namespace: str, name: str) -> None:
        self._api = api
        self._all = _LEASES.path(namespace)
        self._path = _LEASES.path(namespace, name)
        self._new = msgspec.Raw(msgspec.json.encode({"name": name, "namespace": namespace}))

    async def read(self) -> Lease:
        """The Lease as it is now.

        Raises:
            MissingError: there is none.
            ServerError: it cannot be read.
        """
        return _lease_of(await self._api.request("GET", self._path))

    async def create(self, spec: LeaseSpec) -> Lease:
        """The Lease, made.

        Raises:
            ConflictError: there is one already.
            ServerError: it cannot be made, or nobody knows whether it was.
        """
        return _lease_of(await self._api.request("POST", self._all, msgspec.json.encode(_Written(self._new, spec))))

    async def update(self, lease: Lease, spec: LeaseSpec) -> Lease:
        """The Lease, with another spec.

        Args:
            lease: as it was read or written last; a Lease that has changed since is left as it is.
            spec: what it is to say.

        Raises:
            ConflictError: it has changed since.
            MissingError: there is none any more.
            ServerError: it cannot be written, or nobody knows whether it was.
        """
        return _lease_of(
            await self._api.request("PUT", self._path, msgspec.json.encode(_Written(lease.metadata, spec)))
        )


def _lease_of(body: bytes) -> Lease:
    try:
        lease = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(200, "Malformed", f"an answer that is no Lease: {error}") from error
    # Of the answer only this is kept.
    return Lease(msgspec.Raw(bytes(lease.metadata)), lease.spec)
