"""A version of an application's manifests, as `helm template` or `kustomize build` print them, or as they are written.

What is read here is meant to be applied, not what a cluster says of itself, so that more is looked at than elsewhere:
templates that nobody rendered, overlays that nobody built, hooks that are no part of what goes on running, and objects
that leave their namespace to whoever applies them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.estate import Estate
from yuheng.model.node import Node
from yuheng.readers.estate.reader import estate_of
from yuheng.readers.inventory import CLUSTER_WIDE, subject_of
from yuheng.readers.sources.documents import Item, items_of
from yuheng.readers.sources.files import STDIN, contents

__all__ = ["Written", "hooks_text", "read_version"]

HOOK: Final = "helm.sh/hook"
MARK: Final = b"{{"
KUSTOMIZE: Final = "kustomize.config.k8s.io"
RENDERED: Final = "manifests, as `helm template` prints them"
BUILT: Final = "manifests, as `kustomize build` prints them"
# Files of charts and overlays that are no objects, and what makes manifests of them.
SOURCES: Final[Mapping[str, str]] = {
    "Chart.yaml": RENDERED,
    "values.yaml": RENDERED,
    "kustomization.yaml": BUILT,
    "kustomization.yml": BUILT,
    "Kustomization": BUILT,
}


class Written(NamedTuple):
    """The objects of one version.

    Attributes:
        name: the path, as it was given.
        items: its objects, without hooks.
        hooks: what Helm runs at an install, an upgrade or a test only, as ``Kind namespace/name``.
    """

    name: str
    items: Sequence[Item]
    hooks: tuple[str, ...] = ()

    def estate(self, nodes: Iterable[Node] = ()) -> Estate:
        """What is written; all pods of it wait.

        Args:
            nodes: of the cluster it is applied to: a DaemonSet has a pod for each that it runs on.

        Raises:
            InputError: an object is not what it should be, or there twice.
        """
        try:
            return estate_of([*self.items, *map(_as_object, nodes)])
        except InputError as error:
            raise _explained(error) from error


def read_version(path: str | Path, namespace: str = "") -> Written:
    """Read one version of manifests.

    Args:
        path: a file, a folder with the folders in it, or ``-`` for standard input. An empty folder and ``/dev/null``
            are a version in which nothing is there.
        namespace: where objects go that name none; empty for ``default``.

    Raises:
        InputError: it cannot be read, is no manifest, or was not rendered or built.
        NotFoundError: there is nothing at the path.
    """
    if _is_empty(path):
        return Written(str(path), ())
    items: list[Item] = []
    try:
        for content in contents(path):
            items += items_of(content)
    except InputError as error:
        raise _explained(error) from error
    metadata = [_metadata(item) for item in items]
    for item, told in zip(items, metadata, strict=True):
        _check(item, told)
    hooks = tuple(subject_of(item) for item, told in zip(items, metadata, strict=True) if _is_hook(told))
    kept = [_placed(item, told, namespace) for item, told in zip(items, metadata, strict=True) if not _is_hook(told)]
    return Written(str(path), kept, hooks)


def _is_empty(path: str | Path) -> bool:
    """Whether nothing is there on purpose: an empty folder, or what ``git diff`` writes for no file."""
    if str(path) in (STDIN, os.devnull):
        return str(path) == os.devnull
    folder = Path(path)
    try:
        return folder.is_dir() and not any(folder.iterdir())
    except OSError:
        return False  # whoever reads it tells why it cannot be read


def _check(item: Item, metadata: Mapping[str, Any]) -> None:
    """Refuse what somebody forgot to render or to build.

    Raises:
        InputError: the object is a Kustomization, or has a template's marks in its name.
    """
    if item.kind == "Kustomization" and item.api_version.startswith(KUSTOMIZE):
        raise InputError("a Kustomization that is not built", BUILT, source=item.source)
    for field in ("name", "namespace"):
        if isinstance(text := metadata.get(field), str) and "{{" in text:
            raise InputError(
                f"{text!r}, a template that is not rendered",
                RENDERED,
                source=item.source,
                subject=f"{item.kind}, item {item.position}",
                field=f"metadata.{field}",
            )


def _explained(error: InputError) -> InputError:
    """The error, with its cause where the file is one that manifests are made of."""
    path = Path(error.source)
    expected = SOURCES.get(path.name)
    if expected is not None:
        return InputError("what manifests are made of, and none itself", expected, source=error.source)
    # What is wrong with one value has to do with templates only where the value is one.
    is_suspect = not error.subject or "{{" in error.found
    line = _line_of_mark(path) if is_suspect else None
    if line is None:
        return error
    return InputError(
        f"a template that is not rendered ({{{{ at line {line})",
        RENDERED,
        source=error.source,
        subject=error.subject,
        field=error.field,
    )


def _line_of_mark(path: Path) -> int | None:
    """The line of the first template's mark in a file; None where there is none, or no such file."""
    try:
        text = path.read_bytes()
    except OSError:
        return None
    place = text.find(MARK)
    return None if place < 0 else text.count(b"\n", 0, place) + 1


def _metadata(item: Item) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(item.text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}  # whoever reads the object tells what is wrong with it
    metadata = found.get("metadata") if isinstance(found, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _is_hook(metadata: Mapping[str, Any]) -> bool:
    annotations = metadata.get("annotations")
    return isinstance(annotations, dict) and HOOK in annotations


def _placed(item: Item, metadata: Mapping[str, Any], namespace: str) -> Item:
    """The object in the namespace it goes to, if it names none."""
    if not namespace or metadata.get("namespace") or item.kind in CLUSTER_WIDE or not metadata:
        return item
    whole = msgspec.json.decode(item.text)
    text = msgspec.json.encode({**whole, "metadata": {**metadata, "namespace": namespace}})
    return msgspec.structs.replace(item, text=msgspec.Raw(text))


def _as_object(node: Node) -> Item:
    """A node as an object: what the controller of DaemonSets looks at."""
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": node.labels},
        "spec": {"taints": list(node.taints), "unschedulable": node.unschedulable},
        "status": {"allocatable": {"pods": "110"}},
    }
    return Item("the cluster", 0, "Node", "v1", msgspec.Raw(msgspec.json.encode(body)))


def hooks_text(versions: Iterable[Written]) -> Iterator[str]:
    """A sentence on hooks that are left out, if there are any."""
    hooks = sorted({name for version in versions for name in version.hooks})
    if hooks:
        most = 3
        more = f" and {len(hooks) - most} more" if len(hooks) > most else ""
        yield (
            "Helm's hooks run at an install, an upgrade or a test only, and are left out: "
            f"{', '.join(hooks[:most])}{more}"
        )
