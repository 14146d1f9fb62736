"""Whether a member cluster works, and since when it does not.

A cluster is ready when its API server says so (``/readyz``) and one of its nodes is; a cluster without nodes is as
ready as its server. It is asked every some seconds, and its nodes are watched. A watch that fails says nothing: the
question does. A server that does not let us in works: that our token has expired is no reason to move anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, Api, ApiError, Kind, Patience, UnreachableError
from yuheng.kubernetes.dispatching.owned import FLEET, SELECTOR
from yuheng.kubernetes.dispatching.runs import has_ended
from yuheng.kubernetes.watching import Reflector
from yuheng.kubernetes.watching.newest import seen

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.members import Member
    from yuheng.kubernetes.timing import Timing

__all__ = ["WATCHED", "Health", "Monitor", "Seen"]

# Seconds between two questions, and after which no answer is one.
EVERY: Final = 5.0
AT_MOST: Final = 10.0
_ITS_FAULT: Final = 500
_HURRIED: Final = Patience(total=0.0)
# Workloads whose replicas are followed.
WATCHED: Final = ("deployments.apps", "statefulsets.apps", "replicasets.apps", "jobs.batch")


class _Condition(msgspec.Struct):
    type: str = ""
    status: str = ""


class _NodeStatus(msgspec.Struct):
    conditions: tuple[_Condition, ...] = ()


class _Node(msgspec.Struct):
    status: _NodeStatus | None = None


class _Metadata(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Replicated(msgspec.Struct, rename="camel"):
    replicas: int | None = None
    parallelism: int | None = None
    ready_replicas: int | None = None
    ready: int | None = None
    succeeded: int | None = None


class _Workload(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Replicated = msgspec.field(default_factory=_Replicated)
    status: _Replicated = msgspec.field(default_factory=_Replicated)


_node: Final = msgspec.json.Decoder(_Node).decode
_workload: Final = msgspec.json.Decoder(_Workload).decode


class Health:
    """Whether a cluster works.

    Args:
        now: seconds of a clock that never jumps.

    Attributes:
        reason: why it does not; empty while it does.
        since: when that began.
        is_known: whether it has been asked.
        is_silent: whether its API server does not answer, or says that it does not work.
    """

    def __init__(self, now: float) -> None:
        self.reason = ""
        self.since = now
        self.is_known = False
        self.is_silent = False

    @property
    def is_ready(self) -> bool:
        """Whether it works."""
        return not self.reason

    def say(self, reason: str, now: float, *, is_silent: bool = False) -> None:
        """Take note of how it is; the time counts from the first of several refusals."""
        if bool(reason) != bool(self.reason):
            self.since = now
        self.reason = reason
        self.is_known = True
        self.is_silent = is_silent


class _Nodes:
    """The nodes of a cluster, and which are ready."""

    def __init__(self) -> None:
        self.ready: dict[str, bool] = {}
        self._old: dict[str, bool] = {}

    def restart(self) -> None:
        self._old, self.ready = self.ready, {}

    def put(self, raw: msgspec.Raw) -> None:
        status = _node(raw).status
        conditions = status.conditions if status is not None else ()
        self.ready[seen(raw).key] = any(one.type == "Ready" and one.status == "True" for one in conditions)

    def settle(self) -> None:
        self._old = {}

    def gone(self, raw: msgspec.Raw) -> None:
        self.ready.pop(seen(raw).key, None)

    def are_down(self) -> bool:
        """Whether there are nodes, and none is ready."""
        known = self.ready or self._old
        return bool(known) and not any(known.values())


class Seen(NamedTuple):
    """What a watch tells of a workload of the fleet.

    Attributes:
        kind: such as ``Deployment``.
        key: ``namespace/name``.
        replicas: that it is to have; None for one that is gone.
        ready: that work.
        is_over: whether it has run to its end; None for one that went unseen.
    """

    kind: str
    key: str
    replicas: int | None
    ready: int
    is_over: bool | None


class _Shares:
    """Workloads of the fleet in a cluster: replicas and ready ones; rings when somebody else changes or deletes one."""

    def __init__(self, kind: str, fleet: str, told: Callable[[Seen], object]) -> None:
        self._kind = kind
        self._fleet = fleet
        self._told = told
        self._known: set[str] = set()
        self._listed: set[str] = set()

    def restart(self) -> None:
        self._listed = set()

    def put(self, raw: msgspec.Raw) -> None:
        found = _workload(raw)
        if (found.metadata.annotations or {}).get(FLEET) != self._fleet:
            return
        key = seen(raw).key
        self._listed.add(key)
        self._known.add(key)
        wanted = found.spec.replicas if found.spec.replicas is not None else found.spec.parallelism
        ready = found.status.ready_replicas
        if ready is None and self._kind == "Job":
            ready = (found.status.ready or 0) + (found.status.succeeded or 0)
        # Without a number, which servers set to 1, it could not be told from one that is gone.
        self._told(Seen(self._kind, key, 1 if wanted is None else wanted, ready or 0, self._has_ended(raw)))

    def settle(self) -> None:
        for key in self._known - self._listed:
            self._told(Seen(self._kind, key, None, 0, None))
        self._known = set(self._listed)

    def gone(self, raw: msgspec.Raw) -> None:
        key = seen(raw).key
        if key in self._known:
            self._known.discard(key)
            self._listed.discard(key)
            self._told(Seen(self._kind, key, None, 0, self._has_ended(raw)))

    def _has_ended(self, raw: msgspec.Raw) -> bool:
        return self._kind == "Job" and has_ended(raw)


class Monitor:
    """Watches a member.

    Args:
        member: the cluster.
        fleet: the name of the fleet.
        timing: the clocks.
        told: takes the cluster, and what becomes of a workload in it.

    Attributes:
        health: whether it works.
    """

    def __init__(
        self,
        member: Member,
        fleet: str,
        timing: Timing,
        told: Callable[[str, Seen], object],
    ) -> None:
        self._member = member
        self._timing = timing
        self._nodes = _Nodes()
        self._shares = [
            (KINDS[name], _Shares(KINDS[name].kind, fleet, lambda one: told(member.name, one))) for name in WATCHED
        ]
        self.health = Health(timing.now())

    async def run(self) -> None:
        """Watch until cancelled."""
        async with Api(self._member.access, timing=self._timing, patience=_HURRIED) as api:
            watched: list[tuple[Kind, _Nodes | _Shares, str]] = [(KINDS["nodes"], self._nodes, "")]
            watched += [(kind, sink, SELECTOR) for kind, sink in self._shares]
            reflectors = [Reflector(api, kind, sink, selector=selector) for kind, sink, selector in watched]
            async with asyncio.TaskGroup() as group:
                for one in reflectors:
                    group.create_task(one.run())
                group.create_task(self._ask(api))

    async def _ask(self, api: Api) -> None:
        while True:
            reason = await _unready(api)
            is_silent = bool(reason)
            if not reason and self._nodes.are_down():
                reason = "none of its nodes is ready"
            self.health.say(reason, self._timing.now(), is_silent=is_silent)
            await self._timing.sleep(EVERY)


async def _unready(api: Api) -> str:
    """Why a server is not ready; empty where it is, and where only we are at fault: it does not let us in."""
    try:
        async with asyncio.timeout(AT_MOST):
            await api.request("GET", "/readyz", accept="text/plain, application/json")
    except TimeoutError:
        return f"{api.access.server}: no answer to /readyz within {AT_MOST:g} s"
    except UnreachableError as error:
        # What we do not trust, or cannot find, may work well for everybody else.
        return "" if error.is_lasting else str(error)
    except ApiError as error:
        return str(error) if error.status >= _ITS_FAULT else ""
    except YuhengError:
        return ""
    return ""
