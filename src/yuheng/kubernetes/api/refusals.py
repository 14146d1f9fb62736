"""From an answer that is no to an error that says what to do.

The API server says no with a ``Status`` object; what stands in front of it (a load balancer, a proxy, a login page)
says no with anything. Of both only a line is kept. A 403 is worded as the rule a role would need, since that is what
has to be written down to mend it: verb, resource with its subresource, group and namespace are read from the request
itself, as the server reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

import msgspec

from yuheng.kubernetes.api.asked import Asked
from yuheng.kubernetes.api.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    MissingError,
    UnauthorizedError,
)

__all__ = ["Rule", "Status", "kept_to_a_line", "refusal", "refused_watch", "rule_of"]

_LONGEST: Final = 400
_LONGEST_WAIT: Final = 3600.0
_KINDS: Final[Mapping[int, type[ApiError]]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: MissingError,
    409: ConflictError,
    410: GoneError,
}
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class _Details(msgspec.Struct, rename="camel"):
    retry_after_seconds: int | None = None


class Status(msgspec.Struct, rename="camel"):
    """A ``Status`` object: what the API server answers where it has no other object to answer with."""

    kind: str = ""
    status: str = ""
    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details | None = None


_decode: Final = msgspec.json.Decoder(Status).decode


class Rule(NamedTuple):
    """What a request needs a role to allow.

    Attributes:
        verb: such as ``list``; ``get`` for what is no resource.
        group: the API group; empty for the core.
        resource: with its subresource, as ``pods/binding``; empty for what is no resource, such as ``/version``.
        namespace: empty where the request is for the whole cluster.
        path: of the request.
    """

    verb: str
    group: str
    resource: str
    namespace: str
    path: str

    def __str__(self) -> str:
        if not self.resource:
            return f'nonResourceURLs: ["{self.path}"], verbs: ["{self.verb}"]'
        where = f"in namespace {self.namespace}" if self.namespace else "in all namespaces (a ClusterRole)"
        return f'apiGroups: ["{self.group}"], resources: ["{self.resource}"], verbs: ["{self.verb}"], {where}'


def rule_of(verb: str, path: str, params: Iterable[tuple[str, str]] = ()) -> Rule:
    """What a request needs to be allowed, as the API server works it out.

    Args:
        verb: of HTTP.
        path: of the request, without its query.
        params: its query.
    """
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return Rule(_VERBS.get(verb, "get"), "", "", "", path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    is_one = len(rest) > 1
    resource = "/".join((rest[0], *rest[2:]))
    return Rule(_verb(verb, is_one, params), group, resource, namespace, path)


def _verb(verb: str, is_one: bool, params: Iterable[tuple[str, str]]) -> str:
    if verb == "DELETE" and not is_one:
        return "deletecollection"
    if verb != "GET":
        return _VERBS.get(verb, verb.lower())
    if ("watch", "1") in params:
        return "watch"
    return "get" if is_one else "list"


def refusal(asked: Asked, status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error that an answer is.

    Args:
        asked: the request.
        status: of the answer.
        headers: of the answer.
        body: of the answer.
    """
    said = _status(body)
    text = kept_to_a_line(said.message) if said else _foreign(status, headers, body)
    details = said.details if said else None
    wait = _seconds(headers.get("Retry-After", ""))
    if wait is None and details is not None and details.retry_after_seconds is not None:
        wait = float(details.retry_after_seconds)
    return _error(asked, status, said.reason if said else "", text, wait)


def refused_watch(asked: Asked, text: msgspec.Raw) -> ApiError:
    """The error that an ``ERROR`` event of a watch is."""
    said = _status(text) or Status(code=500, message="an ERROR event that is no Status")
    return _error(asked, said.code or 500, said.reason, kept_to_a_line(said.message), None)


def _error(asked: Asked, status: int, reason: str, text: str, wait: float | None) -> ApiError:
    kind = _KINDS.get(status, ApiError)
    words = f"{asked}: {status} {reason}".rstrip() + (f": {text}" if text else "")
    if kind is ForbiddenError:
        rule = rule_of(asked.verb, asked.path, asked.params)
        words = f"{asked.server}: forbidden: no role allows {rule}" + (f" ({text})" if text else "")
    elif kind is UnauthorizedError:
        words = f"{asked}: the API server does not accept the credentials (expired, revoked or of another cluster): "
        words += "sign in again, or mend the user of the kubeconfig's context"
    return kind(status, reason, words, wait)


def _status(body: bytes | msgspec.Raw) -> Status | None:
    try:
        said = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return said if said.kind == "Status" else None


def _foreign(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """What an answer says that is not the API server's."""
    if 300 <= status < 400:
        return "a redirect, which is not followed: is this the address of an API server?"
    kind = headers.get("Content-Type", "").partition(";")[0].strip()
    if kind == "text/plain":
        return kept_to_a_line(body[:_LONGEST].decode("utf-8", "replace"))
    return kept_to_a_line(f"an answer of type {kind or 'unknown'} that is not an API server's")


def kept_to_a_line(text: str) -> str:
    """Text of others, in one line of printable characters and of bounded length."""
    shown = "".join(char if char.isprintable() else " " for char in text[:_LONGEST])
    return " ".join(shown.split()) + ("..." if len(text) > _LONGEST else "")


def _seconds(text: str) -> float | None:
    """``Retry-After`` in seconds; as a date, as nonsense, or not there at all: None."""
    text = text.strip()
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else None
