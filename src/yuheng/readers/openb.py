"""The openb trace (Alibaba's GPU cluster of 2023): tables of nodes and of pods, as CSV.

A table is recognised by its header. Every pod is pending, whatever its phase was. ``created`` is the trace's
``creation_time``, in seconds since the trace began; a table without that column keeps its order of rows.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.labels import HOSTNAME
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from yuheng.readers.sources.files import Content

__all__ = ["Row", "Table", "device_request", "is_pod_table", "is_table", "pod_rows", "pod_spec", "read_table"]

T = TypeVar("T")
NODE_COLUMNS: Final = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
POD_COLUMNS: Final = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")
MIB: Final = 1024**2
# The trace does not limit the pods of a node; no node of any cluster takes a million.
UNLIMITED: Final = 1_000_000
LARGEST: Final = 2**62 // MIB
_NOTHING: Final = msgspec.Raw(b"{}")


class Table(msgspec.Struct, frozen=True):
    """The rows of a table, each with where it is from."""

    nodes: tuple[tuple[Item, Node], ...] = ()
    pods: tuple[tuple[Item, Pod], ...] = ()


def is_table(content: Content) -> bool:
    """Whether a file is a table rather than JSON or YAML: by its name, or by a header that is known."""
    if content.name.lower().removesuffix(".gz").endswith(".csv"):
        return True
    header = bytes(content.data[:256]).split(b"\n", 1)[0]
    return header.startswith((b"sn,cpu_milli,", b"name,cpu_milli,"))


def read_table(content: Content) -> Table:
    """The rows of a table.

    Raises:
        InputError: the header is none of the trace's, or a row does not fit it; ``field`` is the column.
    """
    with _csv_errors(content.name):
        header, rows = _opened(content)
        if _begins(header, NODE_COLUMNS):
            return Table(nodes=tuple(_items(rows, header, content.name, "Node", _node)))
        if _begins(header, POD_COLUMNS):
            return Table(pods=tuple(_items(rows, header, content.name, "Pod", _PodMaker())))
    raise _unknown(header, content.name, f"{','.join(NODE_COLUMNS)} or {','.join(POD_COLUMNS)},...")


def is_pod_table(content: Content) -> bool:
    """Whether it is one of the trace's tables of pods, by its header."""
    header = bytes(content.data[:256]).removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].rstrip(b"\r")
    return _begins(header.decode("utf-8", "replace").split(","), POD_COLUMNS)


def pod_rows(content: Content, convert: Callable[[Row, int], T]) -> list[T]:
    """What is made of every row of a table of pods.

    Args:
        content: the table.
        convert: is given a row and its number, from 0.

    Raises:
        InputError: it is not such a table, or a row does not fit its header or what ``convert`` demands of it;
            ``subject`` is the line, ``field`` the column.
    """
    with _csv_errors(content.name):
        header, rows = _opened(content)
        if _begins(header, POD_COLUMNS):
            return [made for _, made in _converted(rows, header, content.name, convert)]
    raise _unknown(header, content.name, f"{','.join(POD_COLUMNS)},...")


def _begins(header: Sequence[str], columns: Sequence[str]) -> bool:
    return tuple(header[: len(columns)]) == tuple(columns)


def _opened(content: Content) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    text = bytes(content.data).decode("utf-8-sig")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return tuple(next(rows, ())), rows


@contextmanager
def _csv_errors(source: str) -> Iterator[None]:
    """What is wrong with the text of a table, in our words."""
    try:
        yield
    except UnicodeDecodeError as error:
        found = f"text that is not UTF-8: {error.reason} at byte {error.start}"
        raise InputError(found, source=source) from error
    except csv.Error as error:
        raise InputError(f"malformed CSV: {error}", source=source) from error


def _unknown(header: Sequence[str], source: str, expected: str) -> InputError:
    return InputError(f"the columns {', '.join(header[:8])}", expected, source=source)


def _items(
    rows: Iterator[list[str]],
    header: tuple[str, ...],
    source: str,
    kind: str,
    convert: Callable[[Row, int], T],
) -> Iterator[tuple[Item, T]]:
    for line, made in _converted(rows, header, source, convert):
        yield Item(f"{source}, line {line}", 0, kind, "", _NOTHING), made


def _converted(
    rows: Iterator[list[str]],
    header: tuple[str, ...],
    source: str,
    convert: Callable[[Row, int], T],
) -> Iterator[tuple[int, T]]:
    """What is made of each row, and its line; empty lines are passed over."""
    for number, values in enumerate(rows):
        line = number + 2
        try:
            if values:
                yield line, convert(Row(header, values), number)
        except InputError as error:
            raise error.at(source=source, subject=f"line {line}") from error.__cause__


class Row:
    """A row of a table, by column.

    Raises:
        InputError: it has more or fewer values than there are columns.
    """

    def __init__(self, header: Sequence[str], values: Sequence[str]) -> None:
        if len(values) != len(header):
            raise InputError(f"{len(values)} values", f"{len(header)}, as in the header")
        self._values = dict(zip(header, values, strict=True))

    def has(self, column: str) -> bool:
        """Whether the table has a column."""
        return column in self._values

    def columns(self) -> list[str]:
        """The columns of the table."""
        return list(self._values)

    def text(self, column: str) -> str:
        """The text of a column; empty when the table does not have it."""
        return self._values.get(column, "").strip()

    def name(self, column: str) -> str:
        """The text of a column that must not be empty.

        Raises:
            InputError: it is.
        """
        if not self.text(column):
            raise InputError("nothing", "a name", field=column)
        return self.text(column)

    def number(self, column: str, most: int = LARGEST) -> int:
        """The whole number of a column, 0 up to ``most``.

        Raises:
            InputError: it is not.
        """
        text = self.text(column)
        try:
            value = float(text) if not text.isdigit() else int(text[:20])
        except ValueError:
            value = -1
        if not 0 <= value <= most or value != int(value):
            raise InputError(repr(text), f"a whole number from 0 to {most}", field=column)
        return int(value)


def _node(row: Row, _number: int) -> Node:
    name, gpus = row.name("sn"), row.number("gpu", 1024)
    model = row.text("model") if gpus else ""
    allocatable = {
        "cpu": row.number("cpu_milli"),
        "memory": row.number("memory_mib") * MIB,
        "pods": UNLIMITED,
    }
    labels = {HOSTNAME: name}
    if gpus:
        allocatable["nvidia.com/gpu"] = gpus
        labels["nvidia.com/gpu.product"] = model
    return Node(name=name, allocatable=allocatable, labels=labels, devices=DeviceInventory(count=gpus, model=model))


class _PodMaker:
    """Makes pods of rows; those that ask for the same share one specification."""

    def __init__(self) -> None:
        self._specs: dict[tuple[int, int, DeviceRequest], PodSpec] = {}
        self._labels: dict[str, dict[str, str]] = {"": {}}

    def __call__(self, row: Row, number: int) -> Pod:
        key = row.number("cpu_milli"), row.number("memory_mib") * MIB, device_request(row)
        spec = self._specs.get(key)
        if spec is None:
            spec = self._specs[key] = pod_spec(*key)
        qos = row.text("qos")
        return Pod(
            name=row.name("name"),
            spec=spec,
            labels=self._labels.setdefault(qos, {"qos": qos}),
            created=row.number("creation_time") if row.text("creation_time") else number,
        )


def device_request(row: Row) -> DeviceRequest:
    """The GPUs that a row of a table of pods asks for.

    Raises:
        InputError: a share of several GPUs, or of none.
    """
    count, milli = row.number("num_gpu", 1024), row.number("gpu_milli", 1000)
    models = tuple(filter(None, row.text("gpu_spec").split("|")))
    if not count:
        return DeviceRequest()
    if milli == 1000:
        return DeviceRequest(count=count, models=models)
    if count > 1 or not milli:
        raise InputError(
            f"{milli} thousandths of {count} GPUs",
            "1000, or a share of one GPU: a share fits one only",
            field="gpu_milli",
        )
    return DeviceRequest(count=1, milli=milli, models=models)


def pod_spec(cpu: int, memory: int, devices: DeviceRequest) -> PodSpec:
    """The specification of a pod of a trace, of which nothing is known but what it asks for.

    Args:
        cpu: milli-cores.
        memory: bytes.
        devices: the GPUs.
    """
    requests = {"cpu": cpu, "memory": memory}
    if devices.count and not devices.is_share():
        requests["nvidia.com/gpu"] = devices.count
    asked = {name: amount for name, amount in requests.items() if amount}
    return PodSpec(requests=asked, scoring_requests=(cpu, memory), devices=devices)
