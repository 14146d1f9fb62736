"""What a fleet has applied in a cluster: the objects that are its own, and the decisions that are written on them.

An object is a fleet's own when it bears our label, the fleet's name, and our field manager among those who applied it,
and when no controller owns it: labels and annotations are copied to children (a Deployment's annotations to its
ReplicaSets, a Service's labels to its Endpoints), and those are not ours to delete. Only metadata is asked for.

What is on its way out is there until it is gone. Workloads that bear the name of another fleet are told apart: the
fleet may have been renamed. A kind that cannot be looked through is not one of which there is nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.kubernetes.api import NAMES_ONLY, ApiError, ForbiddenError, GoneError, MissingError, UnauthorizedError
from yuheng.kubernetes.dispatching.decision import ANNOTATION, Decision, written

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api, Kind

__all__ = [
    "FLEET",
    "MANAGED_BY",
    "MANAGER",
    "OF_WORKLOADS",
    "SELECTOR",
    "Found",
    "Key",
    "Owned",
    "Owner",
    "is_leaving",
    "owned_in",
    "owner_of",
    "uid_of",
]

MANAGER: Final = "yuheng"
MANAGED_BY: Final = "yuheng.io/managed-by"
FLEET: Final = "yuheng.io/fleet"
SELECTOR: Final = f"{MANAGED_BY}={MANAGER}"
# Groups that every server has. Without them it is not known what runs: one that cannot list them cannot be read.
OF_WORKLOADS: Final = frozenset(("apps", "batch"))
# Of 405: what serves a kind does not list it.
_NOT_ALLOWED: Final = 405
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
        fleet: the name of the fleet.
        is_leaving: whether it is being deleted.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str
    decision: Decision | None
    fleet: str = ""
    is_leaving: bool = False

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.kind.group, self.kind.kind, self.namespace, self.name

    @property
    def identity(self) -> tuple[str, str]:
        """As a plan tells a workload."""
        return self.kind.kind, f"{self.namespace}/{self.name}"


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


def is_leaving(text: bytes) -> bool:
    """Whether an answer is an object that is being deleted; one that says that it is gone is none."""
    try:
        return _decode(text).metadata.deletion_timestamp is not None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def uid_of(text: bytes) -> str:
    """Which of several objects of one name it is."""
    return _decode(text).metadata.uid


def _owner(found: _Metadata) -> Owner:
    has_applied = any(one.manager == MANAGER and one.operation == "Apply" for one in found.managed_fields or ())
    is_child = any(one.controller for one in found.owner_references or ())
    said = found.annotations or {}
    is_going = found.deletion_timestamp is not None
    return Owner(said.get(FLEET, ""), has_applied and not is_child, written(said.get(ANNOTATION)), is_going)


class Found(NamedTuple):
    """What a cluster has that a fleet applied.

    Attributes:
        own: objects of the fleet.
        strangers: workloads of other fleets.
        unseen: kinds that could not be looked through, and why.
    """

    own: list[Owned]
    strangers: list[Owned]
    unseen: list[tuple[Kind, ApiError]]


async def owned_in(api: Api, fleet: str, kinds: list[Kind]) -> Found:
    """The objects of a fleet in a cluster, and what cannot be looked at.

    Args:
        api: the cluster.
        fleet: its name.
        kinds: that are looked through.

    Raises:
        ServerError: the server cannot be asked.
    """
    answers = await asyncio.gather(*(_of_kind(api, kind) for kind in kinds))
    found = Found([], [], [])
    for kind, answer in zip(kinds, answers, strict=True):
        if isinstance(answer, ApiError):
            found.unseen.append((kind, answer))
            continue
        found.own.extend(one for one in answer if one.fleet == fleet)
        found.strangers.extend(one for one in answer if one.fleet != fleet and one.decision is not None)
    return found


async def _of_kind(api: Api, kind: Kind) -> list[Owned] | ApiError:
    """What we applied of a kind, or why it cannot be looked through."""
    try:
        return await _listed_anew(api, kind)
    except UnauthorizedError:
        raise
    except ApiError as error:
        is_told = isinstance(error, ForbiddenError | MissingError | GoneError) or error.status == _NOT_ALLOWED
        # One definition whose conversion is broken is no reason to leave everything else undone.
        if is_told or kind.group not in OF_WORKLOADS:
            return error
        raise


async def _listed_anew(api: Api, kind: Kind) -> list[Owned]:
    """A list, begun anew once when it took longer than the server remembers."""
    try:
        return await _listed(api, kind)
    except GoneError:
        return await _listed(api, kind)


async def _listed(api: Api, kind: Kind) -> list[Owned]:
    found = []
    async for page in api.pages(kind, selector=SELECTOR, accept=NAMES_ONLY):
        for raw in page.items:
            try:
                metadata = _decode(raw).metadata
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ApiError(200, "Malformed", f"one of {kind.name} is no object") from error
            owner = _owner(metadata)
            if owner.fleet and owner.is_ours:
                where = metadata.namespace, metadata.name, metadata.uid
                found.append(Owned(kind, *where, owner.decision, owner.fleet, owner.is_leaving))
    return found
