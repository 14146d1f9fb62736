"""The files of the input, each read once, whether they turn out to be a fleet or the state of one cluster.

What describes a fleet is small, and its files say so in their text. Those are decoded at first. They name other files,
which are not objects of the fleet (manifests of clusters, series, traces); only what is left is decoded then.
"""

from __future__ import annotations

import codecs
import mmap
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.assembly import Assembly
from yuheng.readers.fleet.kinds import KARMADA_CLUSTER, OURS, checked, group_of
from yuheng.readers.inventory import Inventory
from yuheng.readers.openb import is_table, read_table
from yuheng.readers.snapshot import IN_MEMORY
from yuheng.readers.sources.documents import Item, items_of, objects_of
from yuheng.readers.sources.files import LIMIT, Content, contents

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from yuheng.model.cluster import Snapshot
    from yuheng.readers.openb import Table
    from yuheng.readers.snapshot import Source

__all__ = ["Inputs"]

_NAMES: Final = (OURS, KARMADA_CLUSTER)
# PowerShell's redirection writes UTF-16, and says so by how the file begins.
_WIDE: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# JSON may escape the slash behind the group.
_VERSION: Final = re.compile(r"\\?/v\d")
_LONGEST: Final = 8


class _Part:
    """One file, or objects in memory.

    Args:
        name: of the file.
        items: the objects in it; None where they have not been looked for.
        content: of the file; None where it is read again when it is needed.
    """

    def __init__(self, name: str, items: list[Item] | None, content: Content | None) -> None:
        self.name = name
        self.items = items
        self._content = content

    def is_csv(self) -> bool:
        """Whether it is a table, by its name."""
        return self.items is None and self.name.lower().removesuffix(".gz").endswith(".csv")

    def content(self) -> Content:
        """What is in the file."""
        return self._content or next(iter(contents(self.name)))

    def objects(self) -> list[Item]:
        """The objects in it."""
        return list(items_of(self.content())) if self.items is None else self.items

    def is_among(self, paths: Collection[Path]) -> bool:
        """Whether it is one of these files, or in one of these folders."""
        place = Path(self.name).resolve()
        return place in paths or any(parent in paths for parent in place.parents)


class Inputs:
    """What was given.

    Args:
        sources: as for `yuheng.readers.read`.

    Raises:
        InputError: a source cannot be read, or what describes a fleet is no object.
        NotFoundError: a path does not exist.
    """

    def __init__(self, *sources: Source) -> None:
        self._held = 0
        self._parts = [part for source in sources for part in self._read(source)]

    def is_fleet(self) -> bool:
        """Whether there is a Cluster, ours or Karmada's."""
        return any(item.kind == "Cluster" and group_of(item) in _NAMES for item in self.described())

    def described(self) -> Iterator[Item]:
        """The objects of the files that speak of a fleet."""
        return (item for part in self._parts for item in part.items or ())

    def others(self, used: Collection[Path], is_ours: Callable[[Item], bool]) -> tuple[list[Item], list[Content]]:
        """What is left when these files and folders belong to clusters: objects, and CSV.

        Args:
            used: resolved paths.
            is_ours: what of the used files is an object of the fleet still.

        Raises:
            InputError: a file is neither JSON, YAML nor CSV.
        """
        items: list[Item] = []
        tables = []
        for part in self._parts:
            if part.is_among(used):
                items += filter(is_ours, part.items or ())
            elif part.is_csv():
                tables.append(part.content())
            else:
                items += part.objects()
        return items, tables

    def snapshot(self) -> Snapshot:
        """All of it as the state of one cluster, as `yuheng.readers.read` gives it.

        Raises:
            InputError: something is not what it should be, such as a Cluster without an apiVersion.
        """
        inventory = Inventory()
        tables: list[Table] = []
        for part in self._parts:
            if part.items is not None:
                inventory.add(map(checked, part.items))
            elif is_table(content := part.content()):
                tables.append(read_table(content))
            else:
                inventory.add(map(checked, items_of(content)))
        return Assembly(inventory, tables).snapshot()

    def _read(self, source: Source) -> Iterator[_Part]:
        if not isinstance(source, str | Path):
            yield _Part(IN_MEMORY, list(_in_memory(source)), None)
            return
        for content in contents(source):
            is_described = not is_table(content) and _speaks_of_a_fleet(content)
            items = list(items_of(content)) if is_described else None
            yield _Part(content.name, items, None if items is not None else self._kept(content))

    def _kept(self, content: Content) -> Content | None:
        """A content to be held: not what is mapped anyway, nor what many compressed states together would take."""
        is_mapped = isinstance(content.data.obj, mmap.mmap)
        self._held += 0 if is_mapped else content.data.nbytes
        if content.name.startswith("<"):
            # There is no path of that name to open again.
            return content
        return None if is_mapped or self._held > LIMIT else content


def _speaks_of_a_fleet(content: Content) -> bool:
    """Whether a file has an ``apiVersion`` of a fleet in it, as far as its bytes tell before they are decoded."""
    data = content.data
    encoding = _WIDE.get(bytes(data[:2]), "utf-8")
    # To look for plain bytes is ten times faster than for a pattern, and states are large.
    whole = data.obj
    assert isinstance(whole, bytes | bytearray | mmap.mmap)  # noqa: S101 -- what `contents` makes views of
    for mark in (name.encode(encoding) for name in _NAMES):
        place = whole.find(mark)
        while place >= 0:
            end = place + len(mark)
            if _VERSION.match(bytes(whole[end : end + _LONGEST]).decode(encoding, "ignore")):
                return True
            place = whole.find(mark, end)
    return False


def _in_memory(source: object) -> Iterator[Item]:
    try:
        text = msgspec.json.encode(source)
    except (TypeError, RecursionError, OverflowError, ValueError) as error:
        raise InputError(f"an object that is not JSON: {error}", source=IN_MEMORY) from error
    return objects_of(text, IN_MEMORY)
