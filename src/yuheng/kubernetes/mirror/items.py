"""Objects of the kinds that are kept as text, and are read when a snapshot is put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Final

from yuheng.kubernetes.mirror.sinks import Watched
from yuheng.readers.inventory import DOUBLE
from yuheng.readers.sources.documents import Item

__all__ = ["BUDGET", "GROUP", "Items", "spoken"]

BUDGET: Final = "PodDisruptionBudget"
GROUP: Final = "PodGroup"
# How kinds are called that are not of the core.
_OWN: Final = {
    "StorageClass": "StorageClass.storage.k8s.io",
    BUDGET: f"{BUDGET}.policy",
    GROUP: f"{GROUP}.scheduling.volcano.sh",
    # Those of the core's group are not watched.
    "Job": "Job.batch.volcano.sh",
}


class Items:
    """The objects, by kind with its API group, and by key: ``namespace/name``, or the name alone."""

    def __init__(self) -> None:
        self._by_kind: dict[str, dict[str, Item]] = {}
        self._versions: Counter[str] = Counter()

    def put(self, watched: Watched, key: str, item: Item) -> bool:
        """An object is there; whether that is news."""
        full = _full_name(watched, item.api_version)
        items = self._by_kind.setdefault(full, {})
        before = items.get(key)
        if before is not None and bytes(before.text) == bytes(item.text):
            return False
        items[key] = item
        self._versions[full] += 1
        return True

    def drop(self, watched: Watched, key: str) -> Item | None:
        """An object is there no longer; what was known of it."""
        for full, items in self._by_kind.items():
            found = items.get(key)
            if found is not None and found.kind == watched.kind:
                self._versions[full] += 1
                return items.pop(key)
        return None

    def get(self, kind: str, key: str) -> Item | None:
        """An object.

        Args:
            kind: of Kubernetes' own, such as ``StorageClass``.
            key: of the object.
        """
        return self._by_kind.get(_OWN.get(kind, f"{kind}."), {}).get(key)

    def of(self, kind: str) -> list[Item]:
        """All objects of a kind, as `get`."""
        return list(self._by_kind.get(_OWN.get(kind, f"{kind}."), {}).values())

    def version(self, kind: str) -> int:
        """A number that grows whenever an object of a kind changes, comes or goes."""
        return self._versions[_OWN.get(kind, f"{kind}.")]

    def without(self, subjects: Collection[str]) -> list[Item]:
        """All objects but some, which are given as errors name them."""
        found: list[Item] = []
        for full, items in self._by_kind.items():
            kind = f"{_spoken(full)} "
            out = {one.removeprefix(kind) for one in subjects if one.startswith(kind)}
            found += [item for key, item in items.items() if key not in out]
        return found


def spoken(watched: Watched, api_version: str) -> str:
    """A kind as errors name it: without its API group, unless two groups have it."""
    return _spoken(_full_name(watched, api_version))


def _spoken(full: str) -> str:
    return full if full in DOUBLE else full.partition(".")[0]


def _full_name(watched: Watched, api_version: str) -> str:
    return f"{watched.kind}.{api_version.rpartition('/')[0]}"
