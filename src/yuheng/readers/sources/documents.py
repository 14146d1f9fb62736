"""From the content of a file to the objects in it, one JSON text each.

JSON is recognised by how it begins, not by the file's name; everything else is YAML. Several JSON documents
may follow one another, as ``jq`` writes them. Lists (``List``, ``PodList``, a plain array) are taken apart.
Objects are not decoded here: only what kind they are is looked up, so that each can be read by the reader of
its kind, and an error in one of them can be told from the rest.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.decoding import misfit, not_utf8
from yuheng.readers.sources.yaml_documents import yaml_documents
from yuheng.readers.wire import Head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yuheng.readers.sources.files import Content

__all__ = ["CAPTURED_MARK", "VOLCANO_CONFIGURATION", "Item", "items_of", "objects_of"]

# What a document is called that is no object: Volcano's scheduler configuration.
VOLCANO_CONFIGURATION: Final = "Volcano configuration"
# The annotation of a list, with the value "true", that was captured from a live cluster; see `yuheng.readers.captured`.
CAPTURED_MARK: Final = "yuheng.io/captured"

# PowerShell's redirection writes UTF-16, and some editors put a mark before UTF-8.
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOK: Final = 4096
_BLANK: Final = re.compile(rb"\s*")
_TRAILING: Final = re.compile(r".*trailing characters \(byte (\d+)\)")
_BYTE: Final = re.compile(r"(?:JSON is malformed: )?(.*) \(byte (\d+)\)", re.DOTALL)
_YAML_NAME: Final = re.compile(r".*\.ya?ml(\.gz)?", re.DOTALL | re.IGNORECASE)
_NO_HEAD: Final = Head()
_SEPARATOR: Final = re.compile(rb"^---\s", re.MULTILINE)
_raw: Final = msgspec.json.Decoder(msgspec.Raw)
_head: Final = msgspec.json.Decoder(Head)
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TRUE: Final = "true"


class Item(msgspec.Struct, frozen=True, gc=False):
    """One object of the input.

    Attributes:
        source: the name of the file it is from.
        position: which one it is of its list, or of its file, from 1; 0 where ``source`` says that.
        kind: such as ``Pod``.
        api_version: such as ``apps/v1``; empty where it is not said.
        text: its JSON.
        captured: whether it is what a live cluster said of itself, so that whoever reads it cannot mend it.
    """

    source: str
    position: int
    kind: str
    api_version: str
    text: msgspec.Raw
    captured: bool = False

    def place(self) -> str:
        """Where the object is, in words."""
        return f"item {self.position} of {self.source}" if self.position else self.source


def items_of(content: Content) -> Iterator[Item]:
    """The objects of a file of JSON or YAML documents.

    Raises:
        InputError: the file is neither, or something in it is not a Kubernetes object.
    """
    try:
        text = _utf8(content.data)
        for position, document in enumerate(_documents(text, content.name), 1):
            yield from objects_of(document, content.name, position)
    except RecursionError as error:
        raise InputError("nesting without end", "a Kubernetes object", source=content.name) from error
    except InputError as error:
        raise error.at(source=content.name) from error


def _utf8(data: memoryview) -> memoryview:
    beginning = bytes(data[:4])
    for mark, encoding in _MARKS:
        if beginning.startswith(mark):
            try:
                return memoryview(bytes(data).decode(encoding).encode())
            except UnicodeDecodeError as error:
                raise InputError(f"text that is not {encoding}: {error.reason} at byte {error.start}") from error
    return data


def _documents(text: memoryview, source: str) -> Iterator[bytes | msgspec.Raw]:
    start = _blank_until(text, 0)
    if bytes(text[start : start + 1]) not in (b"{", b"["):
        _check_text(text[:_LOOK])
        yield from yaml_documents(bytes(text), source)
        return
    try:
        documents = list(_json_documents(text, start))
    except InputError:
        if not _may_be_yaml(text, source):
            raise
        yield from yaml_documents(bytes(text), source)
    else:
        yield from documents


def _may_be_yaml(text: memoryview, source: str) -> bool:
    """Whether what begins like JSON may be YAML still: by its name, or by a line between documents."""
    return _YAML_NAME.fullmatch(source) is not None or _SEPARATOR.search(text) is not None


def _check_text(beginning: memoryview) -> None:
    """Tell other files from text early.

    Raises:
        InputError: what a file begins with is not text.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError as error:
        raise InputError(f"bytes that are not text (at byte {error.start})", "JSON, YAML or a CSV trace") from error
    if "\0" in text:
        raise InputError("bytes that are not text", "JSON, YAML or a CSV trace")


def _blank_until(text: memoryview, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


def _json_documents(text: memoryview, start: int) -> Iterator[msgspec.Raw]:
    """The JSON documents that follow one another, each without being decoded.

    The decoder tells where the first one ends: it complains of what comes after it.
    """
    while start < len(text):
        try:
            document, length = _raw.decode(text[start:]), len(text)
        except msgspec.DecodeError as error:
            more = _TRAILING.fullmatch(str(error))
            if more is None:
                raise InputError(_malformed(error, text, start)) from error
            length = int(more[1]) - 1
            document = _raw.decode(text[start : start + length])
        yield document
        start += length


def _malformed(error: msgspec.DecodeError, text: memoryview, start: int) -> str:
    match = _BYTE.fullmatch(str(error))
    if match is None:
        return "JSON that is cut off at its end" if "truncated" in str(error) else f"malformed JSON: {error}"
    before = bytes(text[: start + int(match[2])])
    line = before.count(b"\n") + 1
    column = len(before) - before.rfind(b"\n")
    return f"malformed JSON at line {line}, column {column}: {match[1]}"


class _ListMetadata(msgspec.Struct):
    annotations: dict[str, str] | None = None


_list_metadata: Final = msgspec.json.Decoder(_ListMetadata)


def objects_of(
    text: msgspec.Raw | bytes,
    source: str,
    position: int = 1,
    kind: str = "",
    version: str = "",
    *,
    captured: bool = False,
) -> Iterator[Item]:
    """The objects of one JSON document, lists taken apart.

    Args:
        text: the document.
        source: the name of its file.
        position: which one it is, from 1.
        kind: what an item of a typed list is, which does not say so itself.
        version: the same, of its ``apiVersion``.
        captured: whether the objects are those of a live cluster, even if no list says so.

    Raises:
        InputError: something in the document is not a Kubernetes object.
    """
    try:
        if bytes(memoryview(text)[:1]) == b"[":
            yield from _parts(_array.decode(text), source, "", "", captured=captured)
            return
        head = _head.decode(text)
    except msgspec.ValidationError as error:
        raise misfit(error).at(source=source, subject=f"item {position}") from error
    except UnicodeDecodeError as error:
        raise not_utf8(error).at(source=source, subject=f"item {position}") from error
    name, version = head.kind or kind, head.api_version or version
    if head.items is not msgspec.UNSET and (name.endswith("List") or not name):
        is_captured = captured or _is_captured(head.metadata)
        yield from _parts(head.items or [], source, name.removesuffix("List"), version, captured=is_captured)
    elif name:
        whole = text if isinstance(text, msgspec.Raw) else msgspec.Raw(text)
        yield Item(source, position, name, version, whole, captured)
    elif _is_configuration(text):
        yield Item(source, position, VOLCANO_CONFIGURATION, "", msgspec.Raw(bytes(text)), captured)
    else:
        raise InputError("nothing", "a Kubernetes object", source=source, subject=f"item {position}", field="kind")


def _is_captured(metadata: msgspec.Raw) -> bool:
    """Whether the metadata of a list says that it was captured."""
    if CAPTURED_MARK.encode() not in bytes(metadata):
        return False
    try:
        annotations = _list_metadata.decode(metadata).annotations or {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return annotations.get(CAPTURED_MARK) == _TRUE


def _is_configuration(text: msgspec.Raw | bytes) -> bool:
    try:
        return {"actions", "tiers"} <= _fields.decode(text).keys()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _parts(texts: list[msgspec.Raw], source: str, kind: str, version: str, *, captured: bool) -> Iterator[Item]:
    for position, text in enumerate(texts, 1):
        try:
            head = _head.decode(text)
        except (msgspec.ValidationError, UnicodeDecodeError):
            head = _NO_HEAD
        if head.kind and head.items is msgspec.UNSET:
            yield Item(source, position, head.kind, head.api_version or version, text, captured)
        else:
            yield from objects_of(text, source, position, kind, version, captured=captured)
