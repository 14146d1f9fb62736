"""What can go wrong between us and an API server, as one tree.

    YuhengError
    └── ServerError            anything an API server said no to, or that kept us from asking
        ├── UnreachableError   no connection, no trust (TLS), or no answer in time
        └── ApiError           the server's answer was no: status, reason, message
            ├── UnauthorizedError   401: it does not know who we are
            ├── ForbiddenError      403: it knows, and a role lacks a rule
            ├── MissingError        404: no such object, or no such kind
            ├── ConflictError       409: the object changed, or exists already
            └── GoneError           410: that part of the history is no longer kept

The message is one line, for the person who has to mend it: which server, which request, what it said, what would help.
"""

from __future__ import annotations

from yuheng.errors import YuhengError

__all__ = [
    "ApiError",
    "ConflictError",
    "ForbiddenError",
    "GoneError",
    "MissingError",
    "ServerError",
    "UnauthorizedError",
    "UnreachableError",
]


class ServerError(YuhengError):
    """Anything between us and an API server."""


class UnreachableError(ServerError):
    """No connection to the API server, no trust in it, or no answer in time.

    Args:
        message: in words, with the server's address.
        was_sent: whether the server may have read the request, and may have done what it says.
        is_lasting: whether asking again is of no use until somebody mends something, as with a bad certificate.
    """

    def __init__(self, message: str, *, was_sent: bool = False, is_lasting: bool = False) -> None:
        super().__init__(message)
        self.was_sent = was_sent
        self.is_lasting = is_lasting


class ApiError(ServerError):
    """The API server's answer was no.

    Args:
        status: of HTTP.
        reason: in one word, such as ``AlreadyExists``; empty where the server gave none.
        message: in words: request and answer.
        retry_after: seconds that the server asks us to wait; None where it does not say.
    """

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


class UnauthorizedError(ApiError):
    """401: the credentials are missing, wrong or expired."""


class ForbiddenError(ApiError):
    """403: a role lacks a rule; the message names it."""


class MissingError(ApiError):
    """404: there is no such object, or the server knows no such kind."""


class ConflictError(ApiError):
    """409: the object has changed since it was read, or exists already."""


class GoneError(ApiError):
    """410: the version asked for is older than what the server keeps; list anew."""
