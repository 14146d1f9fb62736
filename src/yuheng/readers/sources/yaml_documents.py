"""YAML, as Kubernetes reads it, turned into JSON texts.

Only PyYAML's events are used, and the values are built here, for four reasons. It is several times faster
than PyYAML's own loader. Depth and aliases are bounded, where that loader crashes on deep nesting and unfolds
any number of aliases. Scalars resolve as they do for Kubernetes. And a key that is written twice is an error,
as it is to the API server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.sources.yaml_scalars import plain, tagged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import yaml

__all__ = ["YAML_LIMIT", "yaml_documents"]

# Values built from YAML take some twenty times its size: a state larger than this is for JSON.
YAML_LIMIT: Final = 128 * 1024**2
DEEPEST: Final = 200
MOST_COPIES: Final = 1_000_000
MOST_FIELDS: Final = 1_000
EXPECTED: Final = "Kubernetes objects in YAML or JSON, or a CSV trace"
_MERGE: Final = "<<"
Collection = dict[str, object] | list[object]


def yaml_documents(data: bytes, source: str) -> Iterator[bytes]:
    """The documents of a YAML stream, as JSON; empty ones are left out.

    Args:
        data: the text, in UTF-8.
        source: the name of the file, for the error message.

    Raises:
        InputError: the text is not YAML, or is larger, deeper or more folded up than Kubernetes objects ever
        are.
    """
    import yaml  # noqa: PLC0415 -- 20 ms that reading JSON need not pay

    if len(data) > YAML_LIMIT:
        raise InputError(
            f"{len(data) // 1024**2} MiB of YAML",
            f"at most {YAML_LIMIT // 1024**2} MiB: write a large state as JSON (kubectl get -o json)",
            source=source,
        )
    document = _Document()
    try:
        for event in yaml.parse(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            document.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                if document.root is not None:
                    yield _encoded(document.root)
                document = _Document()
    except yaml.YAMLError as error:
        raise InputError(_explained(error), source=source) from error
    except InputError as error:
        raise error.at(source=source) from error


def _encoded(root: object) -> bytes:
    if not isinstance(root, dict | list):
        raise InputError("text", EXPECTED)
    return msgspec.json.encode(root)


def _explained(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return f"malformed YAML: {getattr(error, 'reason', error)}"
    problem = getattr(error, "problem", None) or getattr(error, "context", None)
    return f"malformed YAML at {_place(mark)}: {problem}"


def _place(mark: Any) -> str:  # noqa: ANN401 -- one of two classes, or None to the type checker
    return f"line {mark.line + 1}, column {mark.column + 1}"


class _Open:
    """A map or list whose end has not been read yet.

    Attributes:
        before: how many values the document had when it began.
        key: the key whose value is read next, in a map.
        merging: whether what is read next is to be merged into the map.
        merges: maps to be merged into this one (``<<``); what is written in it comes first.
    """

    __slots__ = ("anchor", "before", "key", "merges", "merging", "value")

    def __init__(self, value: Collection, anchor: str | None, before: int) -> None:
        self.value = value
        self.anchor = anchor
        self.before = before
        self.key: str | None = None
        self.merging = False
        self.merges: list[dict[str, object]] = []


class _Document:
    """One document in the making.

    Attributes:
        root: what has been read when the document has ended; None for an empty one.
    """

    def __init__(self) -> None:
        self.root: object = None
        self._open: list[_Open] = []
        # What an anchor names, and how many values that is; None while it has not been read to its end.
        self._anchors: dict[str, tuple[object, int] | None] = {}
        self._values = 0
        self._copies = 0

    def take(self, event: yaml.Event) -> None:
        """Go on by one event of the parser.

        Raises:
            InputError: the document is too deep, too folded up, or has a key twice.
        """
        handler = _HANDLERS.get(type(event).__name__)
        if handler is not None:
            handler(self, event)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        is_plain = event.implicit[0]
        if is_plain and event.value == _MERGE and self._expects_key():
            self._open[-1].merging = True
            return
        value = plain(event.value) if is_plain else tagged(event.tag, event.value)
        self._values += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)
        self._put(value, event)

    def _expects_key(self) -> bool:
        top = self._open[-1] if self._open else None
        return top is not None and top.key is None and not top.merging and isinstance(top.value, dict)

    def _map(self, event: yaml.MappingStartEvent) -> None:
        self._begin({}, event)

    def _list(self, event: yaml.SequenceStartEvent) -> None:
        self._begin([], event)

    def _begin(self, value: Collection, event: yaml.CollectionStartEvent) -> None:
        if len(self._open) >= DEEPEST:
            raise InputError(f"nesting at {_place(event.start_mark)}", f"at most {DEEPEST} levels")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._open.append(_Open(value, event.anchor, self._values))
        self._values += 1

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        done = self._open.pop()
        if done.merges and isinstance(done.value, dict):
            for merged in done.merges:
                done.value = merged | done.value
        if done.anchor is not None:
            self._anchors[done.anchor] = (done.value, self._values - done.before)
        self._put(done.value, event)

    def _alias(self, event: yaml.AliasEvent) -> None:
        place = _place(event.start_mark)
        if event.anchor not in self._anchors:
            raise InputError(f"alias *{event.anchor} at {place}", "an anchor of that name before it")
        named = self._anchors[event.anchor]
        if named is None:
            raise InputError(f"alias *{event.anchor} at {place}, which contains itself", "no circle")
        value, size = named
        self._values += size
        self._copies += size
        if self._copies > MOST_COPIES:
            raise InputError(f"aliases that unfold without end at {place}", f"at most {MOST_COPIES} copied values")
        self._put(value, event)

    def _put(self, value: object, event: yaml.Event) -> None:
        if not self._open:
            self.root = value
            return
        top = self._open[-1]
        if len(self._open) == 1:
            _check_top(top, value, event)
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.merging:
            _merge(top, value, event)
        elif top.key is None:
            top.key = _key(value, event)
            if top.key in top.value:
                raise InputError(f"key {top.key!r} a second time at {_place(event.start_mark)}", "each key once")
        else:
            top.value[top.key] = value
            top.key = None


def _check_top(top: _Open, value: object, event: yaml.Event) -> None:
    """Tell other YAML from Kubernetes objects at once, and not when gigabytes of it have been read.

    Raises:
        InputError: it is a list of something else than maps, or a map of very many fields.
    """
    if isinstance(top.value, list) and not isinstance(value, dict):
        raise InputError(f"a list with other things than maps at {_place(event.start_mark)}", EXPECTED)
    if len(top.value) > MOST_FIELDS and isinstance(top.value, dict):
        raise InputError(f"a map of more than {MOST_FIELDS} fields", EXPECTED)


def _key(value: object, event: yaml.Event) -> str:
    """A key as text: JSON knows no other."""
    if isinstance(value, dict | list):
        raise InputError(f"a map or a list as a key at {_place(event.start_mark)}", "text")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _merge(top: _Open, value: object, event: yaml.Event) -> None:
    values = value if isinstance(value, list) else [value]
    maps = [item for item in values if isinstance(item, dict)]
    if len(maps) < len(values):
        raise InputError(f"<< at {_place(event.start_mark)}", "a map, or a list of maps, to merge")
    top.merges += maps
    top.merging = False


_HANDLERS: Final[dict[str, Callable[[_Document, Any], None]]] = {
    "ScalarEvent": _Document._scalar,
    "MappingStartEvent": _Document._map,
    "SequenceStartEvent": _Document._list,
    "MappingEndEvent": _Document._end,
    "SequenceEndEvent": _Document._end,
    "AliasEvent": _Document._alias,
}
