"""What a fleet has applied in a cluster: the objects that are its own, and the decisions that are written on them.

An object is a fleet's own when it bears our label, the fleet's name, and our field manager among those who applied it,
and when no controller owns it: labels and annotations are copied to children (a Deployment's annotations to its
ReplicaSets, a Service's labels to its Endpoints), and those are not ours to delete. Only metadata is asked for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.kubernetes.api import NAMES_ONLY, ApiError, ForbiddenError, GoneError
from yuheng.kubernetes.dispatching.decision import ANNOTATION, Decision, written

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api, Kind

__all__ = ["FLEET", "MANAGED_BY", "MANAGER", "SELECTOR", "Key", "Owned", "Owner", "owned_in", "owner_of", "uid_of"]

MANAGER: Final = "yuheng"
MANAGED_BY: Final = "yuheng.io/managed-by"
FLEET: Final = "yuheng.io/fleet"
SELECTOR: Final = f"{MANAGED_BY}={MANAGER}"
# Without these it is not known what runs: a server that cannot list them cannot be read.
_OF_WORKLOADS: Final = frozenset(("apps", "batch"))
_ITS_FAULT: Final = 500
# Group, kind, namespace (empty for objects of the whole cluster) and name.
Key = tuple[str, str, str, str]


class _Managed(msgspec.Struct):
    manager: str = ""
    operation: str = ""


class _Parent(msgspec.Struct):
    controller: bool = False


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    annotations: dict[str, str] | None = None
    owner_references: list[_Parent] | None = None
    managed_fields: list[_Managed] | None = None
    deletion_timestamp: str | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata


_decode: Final = msgspec.json.Decoder(_Object).decode


class Owned(NamedTuple):
    """An object that a fleet applied.

    Attributes:
        kind: in the version that it was listed in.
        namespace: empty for objects of the whole cluster.
        name: of the object.
        uid: which of several of that name, one after the other.
        decision: that is written on it; None for what is no workload.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str
    decision: Decision | None

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.kind.group, self.kind.kind, self.namespace, self.name


class Owner(NamedTuple):
    """Whose an object is.

    Attributes:
        fleet: the name of the fleet; empty for none.
        is_ours: whether we applied it, and no controller owns it.
        decision: that is written on it; None for what is no workload.
        is_leaving: whether it is being deleted.
    """

    fleet: str
    is_ours: bool
    decision: Decision | None = None
    is_leaving: bool = False


def owner_of(text: bytes | msgspec.Raw) -> Owner:
    """Whose an object is.

    Raises:
        msgspec.DecodeError: it is no object.
    """
    return _owner(_decode(text).metadata)


def uid_of(text: bytes) -> str:
    """Which of several objects of one name it is."""
    return _decode(text).metadata.uid


def _owner(found: _Metadata) -> Owner:
    has_applied = any(one.manager == MANAGER and one.operation == "Apply" for one in found.managed_fields or ())
    is_child = any(one.controller for one in found.owner_references or ())
    said = found.annotations or {}
    is_leaving = found.deletion_timestamp is not None
    return Owner(said.get(FLEET, ""), has_applied and not is_child, written(said.get(ANNOTATION)), is_leaving)


async def owned_in(api: Api, fleet: str, kinds: list[Kind]) -> tuple[list[Owned], list[str]]:
    """The objects of a fleet in a cluster, and the names of the kinds that cannot be looked at.

    Args:
        api: the cluster.
        fleet: its name.
        kinds: that are looked through.

    Raises:
        ServerError: the server cannot be asked.
    """
    answers = await asyncio.gather(*(_of_kind(api, fleet, kind) for kind in kinds))
    refused = [kind.name for kind, found in zip(kinds, answers, strict=True) if found is None]
    return [one for found in answers for one in found or ()], refused


async def _of_kind(api: Api, fleet: str, kind: Kind) -> list[Owned] | None:
    for _ in range(2):
        try:
            return await _listed(api, fleet, kind)
        except GoneError:
            continue
        except ForbiddenError:
            return None
        except ApiError as error:
            if error.status in (404, 405):
                return []
            if error.status >= _ITS_FAULT and kind.group not in _OF_WORKLOADS:
                # One definition whose conversion is broken is no reason to leave everything else undone.
                return None
            raise
    return None


async def _listed(api: Api, fleet: str, kind: Kind) -> list[Owned]:
    found = []
    async for page in api.pages(kind, selector=SELECTOR, accept=NAMES_ONLY):
        for raw in page.items:
            metadata = _decode(raw).metadata
            owner = _owner(metadata)
            if owner.fleet == fleet and owner.is_ours and not owner.is_leaving:
                found.append(Owned(kind, metadata.namespace, metadata.name, metadata.uid, owner.decision))
    return found
