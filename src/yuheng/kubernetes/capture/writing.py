"""Objects on their way into a file: a ``List`` of Kubernetes, in JSON or YAML, plain or compressed, one at a time.

The list says that it was captured: of what a live cluster says of itself, readers leave out what cannot be used.

JSON has a line for each object, so that two captures can be compared, and the file is written as the cluster is read.
YAML is for people: text that Kubernetes could take for something else is quoted.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import msgspec
import yaml

from yuheng.errors import ConfigError
from yuheng.readers.sources.documents import CAPTURED_MARK
from yuheng.readers.sources.yaml_documents import YAML_LIMIT

__all__ = ["SUFFIXES", "check_suffix", "list_of"]

SUFFIXES: Final = (".json", ".yaml", ".yml")
# Text that is text to every reader of YAML, whatever version of it.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS: Final = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"))
# An annotation, which Kubernetes gives no list: whoever does not know it passes it over.
_METADATA: Final = {"annotations": {CAPTURED_MARK: "true"}}
Take = Callable[[bytes], None]


class _Form(Protocol):
    def begin(self) -> bytes: ...
    def item(self, text: bytes) -> bytes: ...
    def end(self) -> bytes: ...


def check_suffix(path: Path) -> None:
    """Refuse a file whose name does not say what is to be in it.

    Raises:
        ConfigError: it ends otherwise.
    """
    if not path.name.lower().removesuffix(".gz").endswith(SUFFIXES):
        known = ", ".join(SUFFIXES)
        raise ConfigError(f"-o {path}: found another ending, expected {known}, or one of these with .gz")


@contextmanager
def list_of(file: BinaryIO, path: Path) -> Iterator[Take]:
    """Write objects to a file as one list.

    Args:
        file: what is written to.
        path: the file's name, whose ending says in which form.

    Yields:
        What takes the JSON of each object.

    Raises:
        ConfigError: it becomes more YAML than can be read.
    """
    name = path.name.lower()
    packed = gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) if name.endswith(".gz") else None
    form: _Form = _Json() if name.removesuffix(".gz").endswith(".json") else _Yaml(path)
    write = file.write if packed is None else packed.write
    write(form.begin())

    def take(text: bytes) -> None:
        write(form.item(text))

    yield take
    write(form.end())
    if packed is not None:
        packed.close()


class _Json:
    """A line for each object."""

    def __init__(self) -> None:
        self._separator = b"\n"

    def begin(self) -> bytes:
        return b'{"apiVersion":"v1","kind":"List","metadata":' + msgspec.json.encode(_METADATA) + b',"items":['

    def item(self, text: bytes) -> bytes:
        separator, self._separator = self._separator, b",\n"
        return separator + text

    def end(self) -> bytes:
        return b"\n]}\n"


class _Yaml:
    """An item of a list for each object."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._length = 0
        self._is_empty = True

    def begin(self) -> bytes:
        return b"apiVersion: v1\nkind: List\nmetadata: " + msgspec.json.encode(_METADATA) + b"\nitems:"

    def item(self, text: bytes) -> bytes:
        found = yaml.dump(
            [msgspec.json.decode(text)],
            Dumper=_Dumper,
            sort_keys=False,
            default_flow_style=False,
            allow_unicode=True,
            width=2**31 - 1,
            encoding="utf-8",
        )
        self._length += len(found)
        if self._length > YAML_LIMIT:
            raise ConfigError(
                f"-o {self._path}: found more than {YAML_LIMIT // 1024**2} MiB of YAML, which nobody reads: "
                "write a large cluster as .json"
            )
        first, self._is_empty = self._is_empty, False
        return (b"\n" if first else b"") + found

    def end(self) -> bytes:
        return b" []\n" if self._is_empty else b""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Quotes what could be read as something else than text."""

    def ignore_aliases(self, _: Any) -> bool:  # noqa: ANN401 -- of any type
        return True


def _text(dumper: Any, value: str) -> Any:  # noqa: ANN401 -- PyYAML's own
    is_plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if is_plain else '"')


_Dumper.add_representer(str, _text)
