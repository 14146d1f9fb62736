"""The last decision on a workload, as it is written on every share of it.

    yuheng.io/decision: {"number":4,"replicas":{"eu":3,"us":2}}

Decisions are numbered, so that of what several clusters say the last one is known: a cluster that was away when its
replicas were given to others comes back with an older number. The number only moves when the shares do, so that
dispatching the same plan twice changes nothing. What was before a failover is kept beside it until it is undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

__all__ = ["ANNOTATION", "Decision", "decided", "newest", "written"]

ANNOTATION = "yuheng.io/decision"


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Who was given how much of a workload.

    Attributes:
        number: it grows with every change.
        replicas: by cluster, each at least 1, sorted.
        before: the same before clusters were given up that held some of it; empty where none was.
    """

    number: int
    replicas: dict[str, int]
    before: dict[str, int] = {}


def written(text: str | None) -> Decision | None:
    """The decision of an annotation; None where there is none, or it is not ours."""
    if not text:
        return None
    try:
        found = msgspec.json.decode(text, type=Decision)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    shares = (*found.replicas.values(), *found.before.values())
    return found if all(0 < count < 2**31 for count in shares) else None


def newest(found: Iterable[Decision]) -> Decision | None:
    """The last of several; of one number, which only two dispatchers at a time can write, always the same."""
    return max(found, key=lambda one: (one.number, sorted(one.replicas.items())), default=None)


def decided(last: Decision | None, replicas: Mapping[str, int], lost: Iterable[str]) -> Decision:
    """The decision that follows another.

    Args:
        last: the one before; None for the first.
        replicas: by cluster, as it is now decided.
        lost: the clusters that are given up.
    """
    shares = {name: count for name, count in sorted(replicas.items()) if count}
    away = set(lost)
    if last is None:
        return Decision(1, shares)
    before = last.before
    if not before and any(name in away for name in last.replicas):
        before = last.replicas
    if shares == before or not any(name not in shares for name in before):
        before = {}
    if shares == last.replicas and before == last.before:
        return last
    return Decision(last.number + 1, shares, before)
