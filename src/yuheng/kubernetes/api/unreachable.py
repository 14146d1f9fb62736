"""What kept us from asking, in one line that says what to look at.

The HTTP library tells many kinds of broken connections apart. Two things matter here: whether the server may have read
the request, and whether trying again can help. A certificate that is not trusted stays so; a refused connection may be
a server that restarts.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiohttp

from yuheng.kubernetes.api.errors import UnreachableError
from yuheng.kubernetes.api.refusals import kept_to_a_line

if TYPE_CHECKING:
    from yuheng.kubernetes.api.asked import Asked

__all__ = ["BROKEN", "unreachable"]

# All that the HTTP library raises where there is no answer.
BROKEN = (aiohttp.ClientError, TimeoutError, OSError)


def unreachable(asked: Asked, error: BaseException) -> UnreachableError:
    """The error in our words.

    Args:
        asked: the request.
        error: what the HTTP library raised.
    """
    was_sent = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    is_lasting = _untrusted(error) is not None
    return UnreachableError(f"{asked.server}: {_words(error)}", was_sent=was_sent, is_lasting=is_lasting)


def _words(error: BaseException) -> str:
    untrusted = _untrusted(error)
    if untrusted is not None:
        return untrusted
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy refuses to connect to the API server: {error.status} {kept_to_a_line(error.message)}"
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy {error.host}:{error.port}: {_cause(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no address of the name {kept_to_a_line(str(error.host))}: {_cause(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection to the API server: {_cause(error.os_error)}"
    if isinstance(error, TimeoutError):
        return "the API server does not answer in time"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "the API server broke off"
    return f"no answer from the API server: {_cause(error)}"


def _untrusted(error: BaseException) -> str | None:
    """What is wrong with the other side's certificate, or with ours; None where the trouble is another."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        inner = error.certificate_error
        reason = inner.verify_message if isinstance(inner, ssl.SSLCertVerificationError) else str(inner)
        return (
            f"the certificate of the API server is not trusted: {kept_to_a_line(reason)}: "
            "is certificate-authority-data of the kubeconfig's cluster that of this server?"
        )
    cause: BaseException = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, ssl.SSLError) and "WRONG_VERSION" in (cause.reason or ""):
        return "the server does not speak TLS: is it http:// instead of https://, or another port?"
    if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or ""):
        return f"the server refuses our certificate: {kept_to_a_line(cause.reason or '')}"
    return None


def _cause(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return kept_to_a_line(text)
