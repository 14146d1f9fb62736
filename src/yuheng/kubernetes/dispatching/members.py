"""`Member`: a cluster of the fleet that can be asked, and what it answered last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from yuheng.errors import ConfigError, YuhengError
from yuheng.kubernetes.access import Access, open_access
from yuheng.kubernetes.api import KINDS, Api, ApiError, ForbiddenError, Patience, ServerError, UnreachableError
from yuheng.kubernetes.capture import capture
from yuheng.kubernetes.dispatching.catalog import Catalog, discovered, looked_up
from yuheng.kubernetes.dispatching.folder import Place, state_of
from yuheng.kubernetes.dispatching.notes import not_looked_through
from yuheng.kubernetes.dispatching.owned import OF_WORKLOADS, Found, Owned, owned_in
from yuheng.kubernetes.timing import Timing
from yuheng.model.cluster import Snapshot

__all__ = ["Member", "Reading", "check_apart", "completed_reading", "connected", "read_all"]

# Others wait for a cluster that does not answer: for one request, and for all that is read of it.
PATIENCE: Final = Patience(total=10.0, first=0.1, longest=2.0)
SECONDS: Final = 40.0
_SECONDS_TO_READ: Final = 180.0
# What makes pods, and may need what is beside it.
_OF_PODS: Final = (
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("batch.volcano.sh", "Job"),
    ("", "Pod"),
    ("scheduling.volcano.sh", "PodGroup"),
)


class Member(NamedTuple):
    """A cluster that can be asked.

    Attributes:
        name: the cluster's.
        access: where it is, and who asks.
        api: it.
    """

    name: str
    access: Access
    api: Api


class Reading(NamedTuple):
    """What a cluster said.

    Attributes:
        catalog: the kinds it knows.
        state: nodes, pods and the like.
        owned: the fleet's own objects.
        notes: what could not be seen, a sentence each.
        identity: what no other cluster has; empty where it may not be asked.
        strangers: workloads that other fleets applied.
        unseen: why kinds could not be looked through for the fleet's own, by group and kind.
    """

    catalog: Catalog
    state: Snapshot
    owned: list[Owned]
    notes: list[str]
    identity: str = ""
    strangers: Sequence[Owned] = ()
    unseen: Mapping[tuple[str, str], str] = {}

    def unknown(self, group: str, kind: str) -> str:
        """Why it is not known what the cluster has of a kind; empty where it is.

        Args:
            group: of the API; empty for the core.
            kind: such as ``Deployment``.
        """
        if (group, kind) in self.unseen:
            return self.unseen[group, kind]
        if self.catalog.is_prunable(group, kind):
            return ""
        if group in self.catalog.silent:
            return self.catalog.silent[group]
        # Of others it was asked for by its own name, and there is none.
        return "it does not tell of this kind, which every cluster has" if group in OF_WORKLOADS else ""

    def doubted(self) -> str:
        """A kind of workloads of which it is not known what there is; empty where there is none."""
        return next((kind for group, kind in _OF_PODS if self.unknown(group, kind)), "")


async def connected(
    places: Iterable[Place], kubeconfig: Path | None, timing: Timing, stack: AsyncExitStack
) -> tuple[dict[str, Member], dict[str, str]]:
    """Open the clusters of a fleet; nothing is asked yet.

    Args:
        places: of the clusters.
        kubeconfig: for those that name none.
        timing: the clocks.
        stack: closes them.

    Returns:
        The members, and why others are none, by name.
    """
    members: dict[str, Member] = {}
    failures: dict[str, str] = {}
    for place in places:
        try:
            access = open_access(place.kubeconfig or kubeconfig, place.context, timing=timing)
        except YuhengError as error:
            failures[place.cluster] = str(error)
            continue
        api = await stack.enter_async_context(
            Api(access, timing=timing, patience=PATIENCE, seconds=SECONDS, in_flight=16)
        )
        members[place.cluster] = Member(place.cluster, access, api)
    return members, failures


async def read_all(members: Sequence[Member], fleet: str) -> tuple[dict[str, Reading], dict[str, YuhengError]]:
    """Ask all clusters at the same time.

    Args:
        members: the clusters.
        fleet: the name of the fleet.

    Returns:
        What they said, and why others said nothing, by name.
    """
    answers = await asyncio.gather(*(_read_in_time(member, fleet) for member in members), return_exceptions=True)
    found: dict[str, Reading] = {}
    failures: dict[str, YuhengError] = {}
    for member, answer in zip(members, answers, strict=True):
        if isinstance(answer, Reading):
            found[member.name] = answer
        elif isinstance(answer, YuhengError):
            failures[member.name] = answer
        else:
            raise answer
    return found, failures


async def _read_in_time(member: Member, fleet: str) -> Reading:
    try:
        async with asyncio.timeout(_SECONDS_TO_READ):
            return await _read(member, fleet)
    except TimeoutError as error:
        reason = f"{member.access.server}: not read within {_SECONDS_TO_READ:g} s"
        raise UnreachableError(reason, was_sent=True) from error


async def _read(member: Member, fleet: str) -> Reading:
    catalog = await discovered(member.api)
    taken: list[bytes] = []
    captured = await capture(member.api, taken.append)
    found = await owned_in(member.api, fleet, catalog.prunable)
    refused = [kind.name for kind, error in found.unseen if isinstance(error, ForbiddenError)]
    failed = {kind.name: str(error) for kind, error in found.unseen if not isinstance(error, ForbiddenError)}
    state = state_of(taken, member.access.context)
    said = [*captured.notes, *not_looked_through(refused, failed, catalog.silent)]
    return Reading(catalog, state, found.own, said, await _identity(member.api), found.strangers, _reasons(found))


def _reasons(found: Found) -> dict[tuple[str, str], str]:
    return {(kind.group, kind.kind): str(error) for kind, error in found.unseen}


async def completed_reading(member: Member, reading: Reading, fleet: str, wanted: Iterable[tuple[str, str]]) -> Reading:
    """What a cluster said, with kinds that its list of groups did not tell of: they are asked for by their names.

    Args:
        member: the cluster.
        reading: what it said.
        fleet: the name of the fleet.
        wanted: apiVersion and kind of each.
    """
    wanted = list(wanted)
    try:
        kinds = await looked_up(member.api, reading.catalog, wanted)
        if not kinds:
            return reading
        found = await owned_in(member.api, fleet, kinds)
    except ServerError as error:
        lacking = {(version.rpartition("/")[0], kind) for version, kind in wanted}
        lacking = {one for one in lacking if not reading.catalog.is_prunable(*one)}
        return reading._replace(unseen={**dict.fromkeys(lacking, str(error)), **reading.unseen})
    return reading._replace(
        owned=[*reading.owned, *found.own],
        strangers=[*reading.strangers, *found.strangers],
        unseen={**_reasons(found), **reading.unseen},
    )


async def _identity(api: Api) -> str:
    """The uid of the namespace that every cluster has from its beginning to its end."""
    try:
        text = await api.request("GET", KINDS["namespaces"].path(name="kube-system"))
        return msgspec.json.decode(text, type=_Namespace).metadata.uid
    except (ApiError, msgspec.DecodeError, UnicodeDecodeError):
        return ""


class _Metadata(msgspec.Struct):
    uid: str = ""


class _Namespace(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


def check_apart(readings: Mapping[str, Reading]) -> None:
    """See that no two clusters of the fleet are one: each would prune what is the other's.

    Raises:
        ConfigError: two are.
    """
    names: dict[str, str] = {}
    for name, reading in sorted(readings.items()):
        other = names.setdefault(reading.identity or name, name)
        if other != name:
            raise ConfigError(f"clusters {other} and {name}: found contexts of one API server, expected one of each")
