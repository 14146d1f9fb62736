"""How far jobs are, as their PodGroups say it: let into scheduling, and started.

Volcano's controllers make no pods of a Job before a scheduler has set its PodGroup ``Inqueue``. Whoever decides which
jobs are let in has to say so, or they would wait for ever. It is said of our own jobs only: those that name this
scheduler, and PodGroups with pods that do. Another scheduler's are left to it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, ApiError
from yuheng.kubernetes.mirror import Mirror
from yuheng.kubernetes.running.outbox import Outbox
from yuheng.kubernetes.troubles import Troubles

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api
    from yuheng.readers.sources.documents import Item

__all__ = ["PodGroups"]

PENDING, INQUEUE, RUNNING = "Pending", "Inqueue", "Running"
_GROUPS: Final = KINDS["podgroups.scheduling.volcano.sh"]
_PATCH: Final = "application/merge-patch+json"
_JOB, _BATCH = "Job", "batch.volcano.sh/"
# Seconds between two looks at who has started; seconds after which what was said and is not seen is said again.
LOOK: Final = 2.0
BACK: Final = 30.0
IN_FLIGHT: Final = 4
WAITING: Final = 20_000
_CONFLICT, _INVALID, _MISSING = 409, 422, 404


class _Owner(msgspec.Struct, rename="camel"):
    kind: str = ""
    name: str = ""
    api_version: str = ""


class _Metadata(msgspec.Struct, rename="camel"):
    name: str
    namespace: str = "default"
    uid: str = ""
    resource_version: str = ""
    owner_references: tuple[_Owner, ...] | None = None


class _Spec(msgspec.Struct, rename="camel"):
    min_member: int = 0


class _Status(msgspec.Struct):
    phase: str | None = None


class _Group(msgspec.Struct):
    """The fields of a PodGroup that tell whose it is and how far."""

    metadata: _Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status | None = None

    @property
    def key(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}"

    @property
    def phase(self) -> str:
        return (self.status.phase or PENDING) if self.status is not None else PENDING

    @property
    def job(self) -> str:
        """``namespace/name`` of the Volcano Job that owns it; empty for none."""
        for one in self.metadata.owner_references or ():
            if one.kind == _JOB and one.api_version.startswith(_BATCH):
                return f"{self.metadata.namespace}/{one.name}"
        return ""


class _JobSpec(msgspec.Struct, rename="camel"):
    scheduler_name: str = ""


class _Job(msgspec.Struct):
    spec: _JobSpec = msgspec.field(default_factory=_JobSpec)


class _Wish(NamedTuple):
    """What a PodGroup is to say, as long as it is still what was seen."""

    group: _Group
    phase: str


_decode_group: Final = msgspec.json.Decoder(_Group).decode
_decode_job: Final = msgspec.json.Decoder(_Job).decode


class PodGroups:
    """Tells how far jobs are.

    Args:
        api: the server.
        mirror: the cluster.
        may_write: asked right before each write.
        say: takes what would be written, a line each; None to write it.
    """

    def __init__(
        self, api: Api, mirror: Mirror, may_write: Callable[[], bool], say: Callable[[str], object] | None = None
    ) -> None:
        self._api = api
        self._mirror = mirror
        self._may_write = may_write
        self._say_so = say
        # Seconds that what was said has to come back; in a dry run it never does.
        self._back = BACK if say is None else float("inf")
        self._now = api.timing.now
        self._said: dict[str, tuple[str, float]] = {}
        # The phases that could not be written, by uid.
        self._unwritten: dict[str, str] = {}
        # What was read, by identity of the object that it was read from.
        self._known: dict[int, tuple[Item, _Group]] = {}
        self._troubles = Troubles("cannot write the status of PodGroups", api.timing.now)
        self.outbox: Outbox[_Wish] = Outbox(self._send, in_flight=IN_FLIGHT, most=WAITING)

    async def run(self) -> None:
        """Tell, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.outbox.run())
            group.create_task(self._look())

    async def drain(self) -> None:
        """Whoever leads next says what was not said."""

    async def _look(self) -> None:
        while True:
            await self._api.timing.sleep(LOOK)
            if self._may_write():
                self.look()

    def admit(self, jobs: Iterable[str]) -> None:
        """Jobs (``namespace/name``) were let into scheduling."""
        wanted = set(jobs)
        for group in self._ours() if wanted else ():
            if group.phase == PENDING and (group.job or group.key) in wanted:
                self._say(group, INQUEUE)

    def look(self) -> None:
        """See which jobs that were let in have all the pods on nodes that they need to start."""
        now = self._now()
        self._said = {uid: said for uid, said in self._said.items() if now - said[1] < self._back}
        ours = list(self._ours())
        self._say_again(ours)
        let_in = [group for group in ours if group.phase == INQUEUE]
        if not let_in:
            return
        started = Counter(
            known.group
            for known in self._mirror.pods.values()
            if known.group and not known.problem and (known.pod is None or known.pod.node is not None)
        )
        for group in let_in:
            if started[group.key] >= max(group.spec.min_member, 1):
                self._say(group, RUNNING)

    def _say_again(self, groups: Iterable[_Group]) -> None:
        """What could not be written is said again, of groups that are as they were."""
        unwritten, self._unwritten = self._unwritten, {}
        for group in groups if unwritten else ():
            phase = unwritten.get(group.metadata.uid)
            if phase is not None and group.phase == (PENDING if phase == INQUEUE else INQUEUE):
                self._say(group, phase)

    def _ours(self) -> Iterator[_Group]:
        """The PodGroups of jobs that this scheduler schedules."""
        mirror = self._mirror
        groups: set[str] | None = None
        for group, scheduler in self._read():
            if groups is None and scheduler != mirror.name:
                groups = {one.group for one in mirror.pods.values() if one.group and one.scheduler == mirror.name}
            if scheduler == mirror.name or (groups and group.key in groups):
                yield group

    def _read(self) -> Iterator[tuple[_Group, str]]:
        """All PodGroups that can be read, and who schedules the Volcano Job of each; empty where it has none."""
        known, self._known = self._known, {}
        for item in self._mirror.items("PodGroup"):
            with suppress(msgspec.ValidationError):
                # It is held on to, so that no other takes its identity.
                _, group = self._known[id(item)] = known.get(id(item)) or (item, _decode_group(item.text))
                job = self._mirror.item("Job", group.job) if group.job else None
                yield group, _decode_job(job.text).spec.scheduler_name if job is not None else ""

    def _say(self, group: _Group, phase: str) -> None:
        now, uid = self._now(), group.metadata.uid
        said, at = self._said.get(uid, ("", 0.0))
        if (said != phase or now - at >= self._back) and self.outbox.put(group.key, _Wish(group, phase)):
            self._said[uid] = (phase, now)

    async def _send(self, wish: _Wish) -> None:
        metadata = wish.group.metadata
        if self._say_so is not None:
            self._say_so(f"set PodGroup {wish.group.key} {wish.phase}")
            return
        if not self._may_write():
            return
        # What changed meanwhile is looked at again, rather than taken back.
        precondition = {"uid": metadata.uid, "resourceVersion": metadata.resource_version}
        body = msgspec.json.encode({"metadata": precondition, "status": {"phase": wish.phase}})
        path = _GROUPS.path(metadata.namespace, metadata.name, "status")
        try:
            await self._api.request("PATCH", path, body, content_type=_PATCH, while_allowed=self._may_write)
        except YuhengError as error:
            self._said.pop(metadata.uid, None)
            self._unwritten[metadata.uid] = wish.phase
            if not (isinstance(error, ApiError) and error.status in (_CONFLICT, _INVALID, _MISSING)):
                self._troubles.tell(error)
        else:
            self._troubles.over()
