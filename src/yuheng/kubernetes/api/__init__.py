"""An API server: lists, watches, single requests, and everything that can go wrong, told in a line.

async with Api(open_access()) as api:
    async for page in api.pages(KINDS["pods"]):
        ...
    async for event in api.watch(KINDS["pods"], page.version):
        ...
"""

from __future__ import annotations

from yuheng.kubernetes.api.asked import Asked, Observer
from yuheng.kubernetes.api.discovery import is_served, served, served_versions
from yuheng.kubernetes.api.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    MissingError,
    ServerError,
    UnauthorizedError,
    UnreachableError,
)
from yuheng.kubernetes.api.kinds import KINDS, Kind
from yuheng.kubernetes.api.lists import Page
from yuheng.kubernetes.api.refusals import Rule, rule_of
from yuheng.kubernetes.api.retrying import Backoff, Patience
from yuheng.kubernetes.api.session import JSON, NAMES_ONLY, Api
from yuheng.kubernetes.api.watches import BOOKMARK, DELETED, Event

__all__ = [
    "BOOKMARK",
    "DELETED",
    "JSON",
    "KINDS",
    "NAMES_ONLY",
    "Api",
    "ApiError",
    "Asked",
    "Backoff",
    "ConflictError",
    "Event",
    "ForbiddenError",
    "GoneError",
    "Kind",
    "MissingError",
    "Observer",
    "Page",
    "Patience",
    "Rule",
    "ServerError",
    "UnauthorizedError",
    "UnreachableError",
    "is_served",
    "rule_of",
    "served",
    "served_versions",
]
