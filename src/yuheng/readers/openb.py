"""The openb trace (Alibaba's GPU cluster of 2023): tables of nodes and of pods, as CSV.

A table is recognised by its header. Every pod is pending, whatever its phase was. ``created`` is the trace's
``creation_time``, in seconds since the trace began; a table without that column keeps its order of rows.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from yuheng.readers.sources.files import Content

__all__ = ["Table", "is_table", "read_table"]

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
    try:
        text = bytes(content.data).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = tuple(next(rows, ()))
        if header[: len(NODE_COLUMNS)] == NODE_COLUMNS:
            return Table(nodes=tuple(_converted(rows, header, content.name, "Node", _node)))
        if header[: len(POD_COLUMNS)] == POD_COLUMNS:
            return Table(pods=tuple(_converted(rows, header, content.name, "Pod", _PodMaker())))
    except UnicodeDecodeError as error:
        raise InputError(
            f"text that is not UTF-8: {error.reason} at byte {error.start}", source=content.name
        ) from error
    except csv.Error as error:
        raise InputError(f"malformed CSV: {error}", source=content.name) from error
    raise InputError(
        f"the columns {', '.join(header[:8])}",
        f"{','.join(NODE_COLUMNS)} or {','.join(POD_COLUMNS)},...",
        source=content.name,
    )


def _converted(
    rows: Iterator[list[str]],
    header: tuple[str, ...],
    source: str,
    kind: str,
    convert: Callable[[Row, int], T],
) -> Iterator[tuple[Item, T]]:
    for number, values in enumerate(rows):
        line = number + 2
        try:
            if values:
                yield (
                    Item(f"{source}, line {line}", 0, kind, "", _NOTHING),
                    convert(Row(header, values), number),
                )
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
    labels = {"kubernetes.io/hostname": name}
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
        key = row.number("cpu_milli"), row.number("memory_mib") * MIB, _devices(row)
        spec = self._specs.get(key)
        if spec is None:
            spec = self._specs[key] = _spec(*key)
        qos = row.text("qos")
        return Pod(
            name=row.name("name"),
            spec=spec,
            labels=self._labels.setdefault(qos, {"qos": qos}),
            created=row.number("creation_time") if row.text("creation_time") else number,
        )


def _devices(row: Row) -> DeviceRequest:
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


def _spec(cpu: int, memory: int, devices: DeviceRequest) -> PodSpec:
    requests = {"cpu": cpu, "memory": memory}
    if devices.count and not devices.is_share():
        requests["nvidia.com/gpu"] = devices.count
    asked = {name: amount for name, amount in requests.items() if amount}
    return PodSpec(requests=asked, scoring_requests=(cpu, memory), devices=devices)
