"""Which fields of an object change: their paths, and never their values.

Lists of objects that have names are compared by them, as server-side apply merges them. Of a Secret nothing below its
first level is told, not even the keys.
"""

# ruff: noqa: ANN401 -- manifests are plain data of any shape

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from yuheng.readers.decoding import joined

__all__ = ["MOST", "changed_fields"]

# How many paths are told; more are counted.
MOST: Final = 12
_OF_SERVERS: Final = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")


def changed_fields(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """The paths in which an object differs from what it was, sorted; none where nothing does.

    Args:
        before: the object as it is.
        after: the same, changed.
    """
    depth = 1 if after.get("kind") == "Secret" else None
    found = sorted(set(_differences(_own(before), _own(after), "", depth)))
    if len(found) <= MOST:
        return tuple(found)
    return (*found[:MOST], f"and {len(found) - MOST} more")


def _own(found: dict[str, Any]) -> dict[str, Any]:
    """An object without what only the server writes."""
    metadata = {key: value for key, value in (found.get("metadata") or {}).items() if key not in _OF_SERVERS}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


def _differences(before: Any, after: Any, path: str, depth: int | None) -> Iterator[str]:
    if before == after:
        return
    if depth == 0:
        yield path
        return
    deeper = depth if depth is None or path == "metadata" else depth - 1
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            yield from _differences(before.get(key), after.get(key), joined(path, key), deeper)
    elif _is_named(before) and _is_named(after):
        old, new = ({one["name"]: one for one in some} for some in (before, after))
        for name in old.keys() | new.keys():
            yield from _differences(old.get(name), new.get(name), f"{path}[{name}]", deeper)
        if old == new:
            yield path  # only the order differs
    else:
        yield path


def _is_named(found: Any) -> bool:
    """Whether it is a list of objects that have names, each its own."""
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in found
    ):
        return False
    return len({one["name"] for one in found}) == len(found)
