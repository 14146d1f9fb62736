"""One object, applied to one cluster by server-side apply, or tried on it with nothing written.

What is there is read first. It tells what an apply creates, changes or leaves as it is; and it tells whose the object
is: two fleets have the same field manager, so that the server sees no conflict between them, and we have to. Conflicts
with others are the server's to tell; they are taken over only when that is asked for.

What a server says of an object that it does not take may quote it. Of a Secret nothing of that is passed on, and of
others no quoted value is: environments are among them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.kubernetes.api import ApiError, ConflictError, ForbiddenError, MissingError, UnreachableError
from yuheng.kubernetes.dispatching.fields import changed_fields
from yuheng.kubernetes.dispatching.owned import MANAGER, Key, Owned, owner_of
from yuheng.model.dispatch import Action, Carried

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api, Kind
    from yuheng.kubernetes.dispatching.catalog import Catalog
    from yuheng.kubernetes.dispatching.members import Member
    from yuheng.kubernetes.dispatching.targets import Wanted

__all__ = ["Applied", "Applier", "Settings"]

_APPLY: Final = "application/apply-patch+yaml"
_DRY: Final = ("dryRun", "All")
# What servers quote: in sentences, and in the dumps of values that do not fit their type.
_QUOTED: Final = re.compile(r'(Invalid value: |Unsupported value: |Duplicate value: )("(?:[^"\\]|\\.)*"|\S+)')
_DUMPED: Final = re.compile(r"(&?\w*[Vv]alue\w*)\{[^}]*\}")


class Settings(NamedTuple):
    """How objects are applied.

    Attributes:
        fleet: the name of the fleet.
        dry_run: whether nothing is written.
        force: whether fields of other managers, and objects of other fleets, are taken over.
    """

    fleet: str
    dry_run: bool = False
    force: bool = False


class Applied(NamedTuple):
    """What became of an object.

    Attributes:
        told: what is reported.
        ready: replicas that work, where the object says; else None.
        key: what it is known by in the cluster; None where that is not known.
    """

    told: Carried
    ready: int | None = None
    key: Key | None = None


class Applier:
    """Applies objects to a cluster.

    Args:
        member: the cluster.
        catalog: the kinds it knows.
        settings: how.
        defined: groups and kinds that the plan defines: where nothing is written, they are not there yet.

    Attributes:
        is_down: why the cluster is not asked any more; empty while it answers.
        is_dry: whether nothing is written.
    """

    def __init__(
        self,
        member: Member,
        catalog: Catalog,
        settings: Settings,
        defined: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.member = member
        self.catalog = catalog
        self.is_down = ""
        self.is_dry = settings.dry_run
        self._settings = settings
        self._defined = defined
        self._fresh: set[str] = set()

    async def apply(self, wanted: Wanted) -> Applied:
        """Apply an object; what keeps it from being applied is told, not raised."""
        kind = self.catalog.find(wanted.api_version, wanted.kind)
        if kind is None:
            key = _key_of(wanted.namespace, wanted.name)
            if self._settings.dry_run and (wanted.api_version.partition("/")[0], wanted.kind) in self._defined:
                return self._told(wanted, key, "create")
            reason = f"the cluster knows no {wanted.kind} of {wanted.api_version}"
            return self._told(wanted, key, "failed", reason=reason)
        namespace = (wanted.namespace or "default") if kind.namespaced else ""
        key, known = _key_of(namespace, wanted.name), (kind.group, kind.kind, namespace, wanted.name)
        if self.is_down:
            return self._told(wanted, key, "failed", reason=self.is_down, known=known)
        try:
            return await self._applied(wanted, kind, namespace, key)
        except UnreachableError as error:
            self.is_down = str(error)
            return self._told(wanted, key, "failed", reason=str(error), known=known)
        except ApiError as error:
            if self._is_future(error, namespace):
                return self._told(wanted, key, "create", known=known)
            return self._told(wanted, key, "failed", reason=_said(error, wanted.kind, namespace), known=known)

    async def _applied(self, wanted: Wanted, kind: Kind, namespace: str, key: str) -> Applied:
        api, known = self.member.api, (kind.group, kind.kind, namespace, wanted.name)
        path = kind.path(namespace, wanted.name)
        before = await _found(api, path)
        if before is not None and not self._settings.force:
            fleet = owner_of(before).fleet
            if fleet and fleet != self._settings.fleet:
                reason = f"it belongs to the fleet {fleet!r}: --force-conflicts takes it over"
                return self._told(wanted, key, "failed", reason=reason, known=known)
        params = [("fieldManager", MANAGER), ("fieldValidation", "Strict")]
        params += [("force", "true")] if self._settings.force else []
        params += [_DRY] if self._settings.dry_run else []
        scoped = {**wanted.manifest["metadata"], **({"namespace": namespace} if namespace else {})}
        if not namespace:
            scoped.pop("namespace", None)
        body = msgspec.json.encode({**wanted.manifest, "metadata": scoped})
        answer = await api.request("PATCH", path, body, params, _APPLY)
        after: dict[str, Any] = msgspec.json.decode(answer)
        if before is None:
            if kind.kind == "Namespace":
                self._fresh.add(wanted.name)
            return self._told(wanted, key, "create", known=known, ready=_ready(after))
        fields = changed_fields(msgspec.json.decode(before), after)
        action: Action = "change" if fields else "unchanged"
        return self._told(wanted, key, action, fields=fields, known=known, ready=_ready(after))

    def _is_future(self, error: ApiError, namespace: str) -> bool:
        """Whether it could not be tried only because nothing is written: its namespace is not there yet."""
        return self._settings.dry_run and isinstance(error, MissingError) and namespace in self._fresh

    async def remove(self, owned: Owned) -> Carried:
        """Delete an object that is not wanted any more, unless another has taken its name."""
        told = Carried(
            cluster=self.member.name, kind=owned.kind.kind, key=_key_of(owned.namespace, owned.name), action="prune"
        )
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        # Of a deletion whose options are in the body, the server does not look at those in the query.
        dry = {"dryRun": ["All"]} if self._settings.dry_run else {}
        body_text = msgspec.json.encode({**body, "preconditions": {"uid": owned.uid}, **dry})
        params = [_DRY] if self._settings.dry_run else []
        try:
            await self.member.api.request("DELETE", owned.kind.path(owned.namespace, owned.name), body_text, params)
        except (MissingError, ConflictError):
            return told  # gone already, or another object by now
        except (ApiError, UnreachableError) as error:
            if isinstance(error, UnreachableError):
                self.is_down = str(error)
            return msgspec.structs.replace(told, action="failed", reason=str(error))
        return told

    def _told(
        self,
        wanted: Wanted,
        key: str,
        action: Action,
        *,
        fields: tuple[str, ...] = (),
        reason: str = "",
        known: Key | None = None,
        ready: int | None = None,
    ) -> Applied:
        told = Carried(cluster=self.member.name, kind=wanted.kind, key=key, action=action, fields=fields, reason=reason)
        return Applied(told, ready, known)


def _key_of(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


async def _found(api: Api, path: str) -> bytes | None:
    try:
        return await api.request("GET", path)
    except MissingError:
        return None


def _ready(found: Mapping[str, Any]) -> int | None:
    """Replicas that work, as the object's status says; None where it does not say."""
    status = found.get("status") or {}
    if found.get("kind") == "Job":
        counts = (status.get("ready"), status.get("succeeded"))
        return sum(count or 0 for count in counts) if any(count is not None for count in counts) else None
    ready = status.get("readyReplicas")
    if ready is None and "observedGeneration" in status:
        return 0
    return ready if isinstance(ready, int) else None


def _said(error: ApiError, kind: str, namespace: str) -> str:
    """What a server said of an object, without what it quotes."""
    if isinstance(error, ForbiddenError):
        # The rule that is missing is worded by us; what follows it is the server's.
        return str(error).partition(" (")[0] if kind == "Secret" else str(error)
    if kind == "Secret":
        return f"{error.status} {error.reason}".rstrip()
    said = _DUMPED.sub(r"\1{...}", _QUOTED.sub(r"\1...", str(error)))
    if isinstance(error, MissingError) and namespace:
        return f"{said} (is the Namespace {namespace} there? put it into the fleet's folder)"
    if isinstance(error, ConflictError):
        return f"{said} (--force-conflicts takes the fields over)"
    return said
