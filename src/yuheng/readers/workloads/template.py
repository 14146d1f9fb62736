"""From a pod template to pods: the owner, labels and tolerations that controllers and admission add.

All pods of a template share one specification, so it is converted once; the others differ by name and labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.pod import Pod
from yuheng.readers.decoding import below
from yuheng.readers.workloads.fields import Template, Workload, read_part

__all__ = ["REVISION_HASH", "MakePod", "Press", "owner_reference"]

MakePod = Callable[[Mapping[str, Any]], Pod]
Toleration = dict[str, Any]

REVISION_HASH: Final = "controller-revision-hash"
NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
EVICTED_AFTER_SECONDS: Final = 300
TOLERATED_BY_DAEMONS: Final = (
    (NOT_READY, "NoExecute"),
    (UNREACHABLE, "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)
WITHOUT_NETWORK: Final = ("node.kubernetes.io/network-unavailable", "NoSchedule")


class ChangedFields(msgspec.Struct, rename="camel"):
    """The fields of a pod's specification that controllers and admission change."""

    tolerations: list[Toleration] = []
    volumes: list[dict[str, Any]] = []
    host_network: bool = False


class Press:
    """Presses the pods of one template.

    Args:
        workload: the object that the template stands in; errors name it.
        path: where in the object the template stands.
        template: the template.
        owner: the pods' owner reference (see `owner_reference`).
        labels: what the controller adds to the labels of every pod.
        make_pod: from a complete v1 Pod to a pod of the model.
        daemon: whether the pods get the tolerations of a DaemonSet's pods.

    Raises:
        InputError: a field of the template that controllers change is of the wrong type.
    """

    def __init__(
        self,
        workload: Workload,
        path: str,
        template: Template,
        *,
        owner: Mapping[str, Any],
        labels: Mapping[str, str],
        make_pod: MakePod,
        daemon: bool = False,
    ) -> None:
        self._subject = workload.subject
        self._path = path
        self._make_pod = make_pod
        self._labels = {**template.metadata.labels, **labels}
        created = workload.metadata.created()
        self._metadata: dict[str, Any] = {
            "namespace": workload.metadata.namespace,
            "annotations": template.metadata.annotations,
            "ownerReferences": [owner],
            **({"creationTimestamp": created} if created else {}),
        }
        self._volumes, self._spec = self._changed(template.spec, daemon=daemon)
        self._first: Pod | None = None

    def pod(self, name: str, labels: Mapping[str, str] | None = None) -> Pod:
        """A pod with this name, and with these labels beside those that all have.

        Raises:
            InputError: the template is not a pod's; the error names the workload and the field in it.
        """
        if self._first is None:
            self._first = self._made(name, labels or {}, self._spec)
            return self._first
        return msgspec.structs.replace(self._first, name=name, labels={**self._labels, **(labels or {})})

    def pod_with_claims(self, name: str, labels: Mapping[str, str], claims: Mapping[str, str]) -> Pod:
        """The same with claims of its own, by volume name; they take the place of volumes of that name.

        Raises:
            InputError: as for `pod`.
        """
        own = [{"name": volume, "persistentVolumeClaim": {"claimName": claim}} for volume, claim in claims.items()]
        shared = [volume for volume in self._volumes if volume.get("name") not in claims]
        return self._made(name, labels, {**self._spec, "volumes": own + shared})

    def _changed(self, spec: dict[str, Any], *, daemon: bool) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        try:
            fields = read_part(spec, ChangedFields, f"{self._path}.spec")
        except InputError as error:
            raise error.at(subject=self._subject) from None
        tolerations = fields.tolerations
        if daemon:
            tolerations = _as_daemon(tolerations, host_network=fields.host_network)
        return fields.volumes, {**spec, "tolerations": _as_admitted(tolerations)}

    def _made(self, name: str, labels: Mapping[str, str], spec: Mapping[str, Any]) -> Pod:
        metadata = self._metadata | {"name": name, "labels": {**self._labels, **labels}}
        try:
            return self._make_pod({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        except InputError as error:
            # The pod is our own making: whoever mends the input knows only the template.
            place = below(self._path, error)
            raise type(error)(
                error.found, error.expected, source=error.source, subject=self._subject, field=place.field
            ) from error


def owner_reference(kind: str, name: str, uid: str = "", api_version: str = "apps/v1") -> dict[str, Any]:
    """The reference to the controller of a pod; one that does not exist yet has no uid."""
    reference = {"apiVersion": api_version, "kind": kind, "name": name, "controller": True}
    return {**reference, "blockOwnerDeletion": True, **({"uid": uid} if uid else {})}


def _as_daemon(tolerations: list[Toleration], *, host_network: bool) -> list[Toleration]:
    """What the DaemonSet controller tolerates for its pods, for ever also where the template sets a limit."""
    wanted = TOLERATED_BY_DAEMONS + ((WITHOUT_NETWORK,) if host_network else ())
    own = [_exists(key, effect) for key, effect in wanted]
    others = [one for one in tolerations if _without_limit(one) not in own]
    return others + own


def _as_admitted(tolerations: list[Toleration]) -> list[Toleration]:
    """What the admission plugin DefaultTolerationSeconds adds: five minutes on a node that is not ready."""
    added = [
        {**_exists(key, "NoExecute"), "tolerationSeconds": EVICTED_AFTER_SECONDS}
        for key in (NOT_READY, UNREACHABLE)
        if not any(_speaks_of(one, key) for one in tolerations)
    ]
    return tolerations + added


def _exists(key: str, effect: str) -> Toleration:
    return {"key": key, "operator": "Exists", "effect": effect}


def _without_limit(toleration: Toleration) -> Toleration:
    return {name: value for name, value in toleration.items() if name != "tolerationSeconds" and value != ""}


def _speaks_of(toleration: Toleration, key: str) -> bool:
    return toleration.get("key", "") in ("", key) and toleration.get("effect", "") in ("", "NoExecute")
