"""One object, applied to one cluster by server-side apply, or tried on it with nothing written.

What is there is read first. It tells what an apply creates, changes or leaves as it is; and it tells whose the object
is: two fleets have the same field manager, so that the server sees no conflict between them, and we have to. Conflicts
with others are the server's to tell; they are taken over only when that is asked for.

What has come in between is not undone: an object that is on its way out is told, not applied to; a share whose decision
is another one than when the plan was made belongs to a dispatcher that knows more; and what is to be deleted is looked
at once more. A Job that is gone has run: it is not made again. What is deleted and does not go is told as waiting.

What a server says of an object that it does not take may quote it. Of a Secret nothing of that is passed on, and of
others no quoted value is: environments are among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.kubernetes.api import ApiError, ConflictError, MissingError, UnreachableError
from yuheng.kubernetes.dispatching.fields import changed_fields
from yuheng.kubernetes.dispatching.owned import MANAGER, Key, Owned, Owner, is_leaving, owner_of, uid_of
from yuheng.kubernetes.dispatching.pruning import LEAVING
from yuheng.kubernetes.dispatching.refused import said_of
from yuheng.kubernetes.dispatching.runs import Runs, has_ended
from yuheng.kubernetes.dispatching.scaled import live_replicas, target_of, with_live_replicas
from yuheng.model.dispatch import Action, Carried

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api, Kind
    from yuheng.kubernetes.dispatching.catalog import Catalog
    from yuheng.kubernetes.dispatching.decision import Decision
    from yuheng.kubernetes.dispatching.members import Member
    from yuheng.kubernetes.dispatching.targets import Identity, Wanted

__all__ = ["Applied", "Applier", "Settings"]

_APPLY: Final = "application/apply-patch+yaml"
_DRY: Final = ("dryRun", "All")
_LEAVING: Final = "it is being deleted (finalizers, or what is in it, hold it up): dispatch again when it is gone"
_CHANGED: Final = "it was changed while this was planned"
_HAS_RUN: Final = "it has run and is gone: it is made again when what is written of it changes"
_OVERTAKEN: Final = "its share was changed while this was planned, perhaps by another dispatcher: dispatch again"


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
        shares: the decisions that were found on the fleet's workloads there.
        unknown: why it is not known what there is of a kind, by group and kind; empty where it is.
        runs: what was seen of workloads that run to an end; takes what is seen here.

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
        *,
        shares: Mapping[Key, Decision | None],
        unknown: Callable[[str, str], str],
        runs: Runs,
    ) -> None:
        self.member = member
        self.catalog = catalog
        self.is_down = ""
        self.is_dry = settings.dry_run
        self._settings = settings
        self._defined = defined
        self._shares = shares
        self._unknown = unknown
        self._runs = runs
        self._fresh: set[str] = set()

    async def apply(self, wanted: Wanted) -> Applied:
        """Apply an object; what keeps it from being applied is told, not raised."""
        kind = self.catalog.find(wanted.api_version, wanted.kind)
        if kind is None:
            key = _key_of(wanted.namespace, wanted.name)
            if self._settings.dry_run and (wanted.api_version.partition("/")[0], wanted.kind) in self._defined:
                return self._told(wanted, key, "create")
            why = self._unknown(wanted.api_version.rpartition("/")[0], wanted.kind)
            reason = f"the cluster knows no {wanted.kind} of {wanted.api_version}{f': {why}' if why else ''}"
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
            return self._told(wanted, key, "failed", reason=said_of(error, wanted.kind, namespace), known=known)

    async def _applied(self, wanted: Wanted, kind: Kind, namespace: str, key: str) -> Applied:
        api, known = self.member.api, (kind.group, kind.kind, namespace, wanted.name)
        path = kind.path(namespace, wanted.name)
        before = await _found(api, path)
        owner = owner_of(before) if before is not None else None
        is_overtaken = wanted.workload is not None and self._is_overtaken(kind, known, owner)
        reason = self._refused(owner) or (_OVERTAKEN if is_overtaken else "")
        if reason:
            return self._told(wanted, key, "failed", reason=reason, known=known)
        if (
            before is None
            and wanted.workload
            and self._runs.was_made(self.member.name, wanted.workload, wanted.written)
        ):
            return self._told(wanted, key, "left", reason=_HAS_RUN, known=known)
        params = [("fieldManager", MANAGER), ("fieldValidation", "Strict")]
        params += [("force", "true")] if self._settings.force else []
        params += [_DRY] if self._settings.dry_run else []
        scoped = {**wanted.manifest["metadata"], **({"namespace": namespace} if namespace else {})}
        if not namespace:
            scoped.pop("namespace", None)
        manifest: Mapping[str, Any] = wanted.manifest
        if wanted.workload is not None and before is not None:
            # Where it is gone by now, somebody moved it: it must not be made again.
            scoped["uid"] = uid_of(before)
        if wanted.is_scaled and before is not None:
            manifest = with_live_replicas(manifest, msgspec.json.decode(before))
        body = msgspec.json.encode({**manifest, "metadata": scoped})
        answer = await api.request("PATCH", path, body, params, _APPLY)
        if wanted.takes_replicas and before is not None:
            answer = await self._taken_over(wanted, path, scoped, params)
        if wanted.written and wanted.workload and not self.is_dry:
            self._runs.made(self.member.name, wanted.workload, wanted.written, is_over=has_ended(answer))
        after: dict[str, Any] = msgspec.json.decode(answer)
        if before is None:
            if kind.kind == "Namespace":
                self._fresh.add(wanted.name)
            return self._told(wanted, key, "create", known=known, ready=_ready(after))
        fields = changed_fields(msgspec.json.decode(before), after)
        action: Action = "change" if fields else "unchanged"
        return self._told(wanted, key, action, fields=fields, known=known, ready=_ready(after))

    async def _taken_over(
        self, wanted: Wanted, path: str, scoped: Mapping[str, Any], params: list[tuple[str, str]]
    ) -> bytes:
        """Take the replicas over: all else was taken without a conflict just now."""
        body = msgspec.json.encode({**wanted.manifest, "metadata": scoped})
        forced = [one for one in params if one[0] != "force"]
        return await self.member.api.request("PATCH", path, body, [*forced, ("force", "true")], _APPLY)

    def _refused(self, owner: Owner | None) -> str:
        """Why an object is not to be applied to what is there; empty where it may be."""
        if owner is not None and owner.is_leaving:
            return _LEAVING
        if owner is not None and owner.fleet not in ("", self._settings.fleet) and not self._settings.force:
            return f"it belongs to the fleet {owner.fleet!r}: --force-conflicts takes it over"
        return ""

    def _is_overtaken(self, kind: Kind, known: Key, owner: Owner | None) -> bool:
        """Whether the decision on a share is another one than when the plan was made."""
        if self._unknown(kind.group, kind.kind):
            return False
        is_share = owner is not None and owner.is_ours and owner.fleet != ""
        return self._shares.get(known) != (owner.decision if owner is not None and is_share else None)

    def _is_future(self, error: ApiError, namespace: str) -> bool:
        """Whether it could not be tried only because nothing is written: its namespace is not there yet."""
        return self._settings.dry_run and isinstance(error, MissingError) and namespace in self._fresh

    async def remove(self, owned: Owned) -> Carried:
        """Delete an object that is not wanted any more, unless another has taken its name, or another fleet it."""
        told = Carried(
            cluster=self.member.name, kind=owned.kind.kind, key=_key_of(owned.namespace, owned.name), action="prune"
        )
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        # Of a deletion whose options are in the body, the server does not look at those in the query.
        dry = {"dryRun": ["All"]} if self._settings.dry_run else {}
        body_text = msgspec.json.encode({**body, "preconditions": {"uid": owned.uid}, **dry})
        params = [_DRY] if self._settings.dry_run else []
        path = owned.kind.path(owned.namespace, owned.name)
        try:
            found = await _found(self.member.api, path)
            if found is not None and not self._is_as_known(owned, owner_of(found)):
                return msgspec.structs.replace(told, action="left", reason=_CHANGED)
            answer = await self.member.api.request("DELETE", path, body_text, params)
        except MissingError:
            return told  # gone already
        except ConflictError:
            return msgspec.structs.replace(told, action="left", reason=_CHANGED)
        except (ApiError, UnreachableError) as error:
            if isinstance(error, UnreachableError):
                self.is_down = str(error)
            reason = said_of(error, owned.kind.kind, owned.namespace) if isinstance(error, ApiError) else str(error)
            return msgspec.structs.replace(told, action="failed", reason=reason)
        if not self._settings.dry_run and is_leaving(answer):
            return msgspec.structs.replace(told, action="left", reason=LEAVING)
        return told

    async def replicas_of(self, wanted: Wanted) -> int:
        """How many replicas a workload is to have in this cluster by now; 0 where that is not known."""
        kind = self.catalog.find(wanted.api_version, wanted.kind)
        if kind is None or self.is_down:
            return 0
        try:
            found = await _found(self.member.api, kind.path(wanted.namespace or "default", wanted.name))
            return live_replicas(found) if found is not None else 0
        except (ApiError, UnreachableError, msgspec.DecodeError):
            return 0

    async def target_of(self, scaler: Owned) -> Identity | None:
        """The workload whose replicas an autoscaler sets; None where that is not known."""
        try:
            found = await _found(self.member.api, scaler.kind.path(scaler.namespace, scaler.name))
            return target_of(found) if found is not None else None
        except (ApiError, UnreachableError, msgspec.DecodeError):
            return None

    async def is_gone(self, owned: Owned) -> bool:
        """Whether an object that was deleted is not there any more."""
        try:
            found = await _found(self.member.api, owned.kind.path(owned.namespace, owned.name))
        except (ApiError, UnreachableError):
            return False
        return found is None or uid_of(found) != owned.uid

    def _is_as_known(self, owned: Owned, now: Owner) -> bool:
        """Whether an object is still what it was when the plan was made: the fleet's own, with the same decision."""
        return now.is_ours and now.fleet == self._settings.fleet and now.decision == owned.decision

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
