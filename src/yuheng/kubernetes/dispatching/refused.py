"""What a server said of an object that it did not take, in a line.

The request is left out, since it is told already, and so is what the server quotes of the object.

A 403 is a role's, or it is the word of something that looks at objects (quotas, webhooks, a namespace that
terminates). Only the first is mended by a rule.
"""

from __future__ import annotations

import re
from typing import Final

from yuheng.kubernetes.api import ApiError, ConflictError, ForbiddenError, MissingError

__all__ = ["said_of"]

# What servers quote: in sentences, plainly or as a dump (of a Job's template, with its environment) that may be cut off
# anywhere; and in the dumps of values that do not fit their type. What is no plain value goes as a whole.
_PLAIN: Final = r'"(?:[^"\\]|\\.)*"|[-+.\w]+(?=[:,\]]|$)'
_QUOTED: Final = re.compile(rf"((?:Invalid|Unsupported|Duplicate) value: )(?:{_PLAIN}|.*(?=\}}: )\}}|.*)")
_DUMPED: Final = re.compile(r"(&?\w*[Vv]alue\w*)\{.*\}?")
# The request, or the server: which object in which cluster is told beside it.
_ASKED: Final = re.compile(r"^(?:[A-Z]+ )?https?://\S+: ")
_RULE: Final = re.compile(r"^forbidden: no role allows .*? \((?!a ClusterRole\))(.*)\)$")
_OF_NO_ROLE: Final = (
    "being terminated",
    "exceeded quota",
    "admission webhook",
    "violates PodSecurity",
    "ValidatingAdmissionPolicy",
)


def said_of(error: ApiError, kind: str, namespace: str) -> str:
    """What a server said of an object, without what it quotes.

    Args:
        error: its answer.
        kind: of the object; of a Secret nothing is passed on but what it is about.
        namespace: of the object; empty where it has none.
    """
    text = _ASKED.sub("", str(error))
    if isinstance(error, ForbiddenError):
        return _forbidden(text, kind, namespace)
    if kind == "Secret":
        return f"{error.status} {error.reason}".rstrip()
    said = _unquoted(text)
    if isinstance(error, MissingError) and namespace:
        return f"{said} (is the Namespace {namespace} there? put it into the fleet's folder)"
    if isinstance(error, ConflictError):
        return f"{said} ({'--force-conflicts takes the fields over' if 'Apply failed' in said else 'dispatch again'})"
    return said


def _forbidden(text: str, kind: str, namespace: str) -> str:
    """A refusal for which a rule is missing names it; any other is told in the server's words."""
    found = _RULE.match(text)
    said = found[1] if found else ""
    if not any(mark in said for mark in _OF_NO_ROLE):
        # The rule that is missing is worded by us; what follows it is the server's.
        return text.partition(" (")[0] if kind == "Secret" else text
    if "being terminated" in said:
        return f"403 Forbidden: the Namespace {namespace} is being deleted: dispatch again when it is gone"
    if kind == "Secret":
        return "403 Forbidden: a quota or an admission webhook does not take it"
    return f"403 Forbidden: {_unquoted(said)}"


def _unquoted(text: str) -> str:
    return _DUMPED.sub(r"\1{...}", _QUOTED.sub(r"\1...", text))
