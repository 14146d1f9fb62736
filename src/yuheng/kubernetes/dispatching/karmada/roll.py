"""`Roll`: which clusters there are, as far as that is certain.

Who is not in a list need not be gone. The server that has the clusters may be made anew and know nothing of the kind
for a moment, or answer with half of them; to take that at its word would clear ``spec.clusters`` of every binding, and
Karmada would delete all that runs. So a cluster is gone when its deletion was seen (the event, or the time of deletion
that it bore while it was there) and a list that began later does not name it, and names another. Until then it is one
that nobody knows anything of: nothing new goes there, and what has it is left as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import structlog

from yuheng.errors import InputError, YuhengError
from yuheng.kubernetes.api import KINDS, NAMES_ONLY
from yuheng.kubernetes.dispatching.karmada.room import MemberStatus, read_member
from yuheng.kubernetes.watching.newest import seen

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["CLUSTERS", "Members", "Roll"]

CLUSTERS: Final = KINDS["clusters.cluster.karmada.io"]
# Seconds until a deletion that was seen is looked after again.
LOOK_AGAIN: Final = 60.0
_log = structlog.get_logger("yuheng.karmada")


class Members(Protocol):
    """Who is told of clusters."""

    def put_member(self, member: MemberStatus) -> None:
        """A cluster as it is now."""

    def blind_member(self, name: str, reason: str) -> None:
        """A cluster that is there and cannot be read."""

    def lose_member(self, name: str) -> None:
        """A cluster that nothing is known of any more."""

    def drop_member(self, name: str) -> None:
        """A cluster that is gone for certain."""


class Roll:
    """Clusters on their way to who decides; a sink of a reflector.

    Args:
        members: who is told.
    """

    def __init__(self, members: Members) -> None:
        self._members = members
        self._there: set[str] = set()
        self._listed: set[str] = set()
        # With a time of deletion when they were seen last.
        self._leaving: set[str] = set()
        # Whose deletion was seen, and not confirmed.
        self._deleted: set[str] = set()
        self._doubt = asyncio.Event()

    def restart(self) -> None:
        """A list begins; one that began before may not have ended."""
        self._listed = set()

    def put(self, raw: msgspec.Raw) -> None:
        """A cluster as it is now."""
        name = _name(raw)
        self._listed.add(name)
        self._there.add(name)
        self._deleted.discard(name)
        self._leaving.discard(name)
        try:
            member = read_member(bytes(raw))
        except (InputError, msgspec.DecodeError) as error:
            _log.warning("cannot be read", object=name, reason=str(error))
            self._members.blind_member(name, str(error))
            return
        if member.is_leaving:
            self._leaving.add(name)
        self._members.put_member(member)

    def settle(self) -> None:
        """The list has ended; what it does not name is not known to be gone by that."""
        missing = self._there - self._listed
        self._there -= missing
        for name in sorted(missing):
            self._members.lose_member(name)
        if unseen := sorted(missing - self._leaving):
            _log.warning(
                "clusters are listed no longer, and nobody saw them deleted: what has them stays as it is",
                clusters=unseen,
            )
        self._doubtful(missing & self._leaving)

    def gone(self, raw: msgspec.Raw) -> None:
        """A cluster was deleted: its last state."""
        name = _name(raw)
        self._there.discard(name)
        self._members.lose_member(name)
        self._doubtful({name})

    def _doubtful(self, names: Collection[str]) -> None:
        self._deleted.update(names)
        if names:
            self._doubt.set()

    async def confirm(self, api: Api) -> None:
        """Look in a later list for clusters that were seen to be deleted, until cancelled.

        Args:
            api: Karmada's API server.
        """
        while True:
            await self._doubt.wait()
            asked = frozenset(self._deleted)
            try:
                self._confirmed(asked, await _names(api))
            except (YuhengError, msgspec.DecodeError) as error:
                _log.warning("a deletion cannot be confirmed", clusters=sorted(asked), reason=str(error))
            if self._deleted:
                await api.timing.sleep(LOOK_AGAIN)
            else:
                self._doubt.clear()

    def _confirmed(self, asked: Collection[str], listed: Collection[str]) -> None:
        """A list that names nobody tells nothing: it is that of a server that has not found its clusters yet."""
        for name in sorted(asked) if listed else ():
            if name not in listed and name in self._deleted:
                self._deleted.discard(name)
                self._leaving.discard(name)
                self._members.drop_member(name)


async def _names(api: Api) -> set[str]:
    return {_name(raw) async for page in api.pages(CLUSTERS, accept=NAMES_ONLY) for raw in page.items}


def _name(raw: msgspec.Raw) -> str:
    return seen(raw).key.rpartition("/")[2]
