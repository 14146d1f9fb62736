"""`read_pod`: the one pod that a manifest is about, to ask how many more of it would fit."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.decoding import OTHER, below, misfit
from yuheng.readers.inventory import converted
from yuheng.readers.objects.pods import PodReader
from yuheng.readers.objects.priorities import Priorities, read_class
from yuheng.readers.snapshot import IN_MEMORY, inventory_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.pod import Pod

__all__ = ["read_pod"]

# Where each kind keeps the template of its pods.
TEMPLATES: Final = {
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "DaemonSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "Pod": (),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
}


def read_pod(source: str | Path | Mapping[str, Any]) -> Pod:
    """Read the pod of a manifest, as it would be created: with a node only if the manifest names one.

    Args:
        source: a file (``-`` for standard input) or an object in memory: a Pod, or a workload whose template
        counts.
            Other objects beside it are passed over; priority classes among them are used.

    Raises:
        InputError: there is no pod or workload, or more than one, or it is not what it should be.
        NotFoundError: the file does not exist.
    """
    inventory, _ = inventory_of(source)
    items = inventory.of(*TEMPLATES)
    if len(items) != 1:
        raise InputError(
            f"{len(items) or 'no'} pods and workloads",
            "one Pod, or one workload with a template",
            source=str(source) if isinstance(source, str | Path) else IN_MEMORY,
        )
    reader = PodReader(Priorities(converted(item, read_class) for item in inventory.of("PriorityClass")))
    return converted(items[0], partial(_pod_in, TEMPLATES[items[0].kind], reader))


def _pod_in(path: tuple[str, ...], reader: PodReader, text: bytes | msgspec.Raw) -> Pod:
    """The pod of the template at a path of an object, under the object's own name."""
    if not path:
        return reader.read_manifest(text)
    whole = msgspec.json.decode(text)
    template = _map_at(whole, *path)
    if not template:
        raise InputError("nothing", "a pod template", field=".".join(path))
    own = _map_at(whole, "metadata")
    metadata = {
        **_map_at(template, "metadata"),
        **{key: own[key] for key in ("name", "namespace") if key in own},
    }
    try:
        return reader.read_manifest(msgspec.json.encode({**template, "metadata": metadata}))
    except msgspec.ValidationError as error:
        raise below(".".join(path), misfit(error)) from error
    except InputError as error:
        raise below(".".join(path), error) from error


def _map_at(data: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The map at a path; an absent one is empty.

    Raises:
        InputError: something else is there.
    """
    for depth, key in enumerate(path, 1):
        found = data.get(key)
        if not isinstance(found, dict | None):
            raise InputError(OTHER, "a map", field=".".join(path[:depth]))
        data = found or {}
    return data
