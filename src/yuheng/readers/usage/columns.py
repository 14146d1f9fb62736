"""Which column of a usage file says what, by the names that people and tools give them.

| what | names | unit |
| --- | --- | --- |
| time | ``timestamp``, ``ts``, ``time``, ``datetime`` | seconds since the epoch (or ms, us, ns), or ISO 8601 |
| namespace | ``namespace``, ``ns``, ``namespace_name``, ``kube_namespace``, ``exported_namespace`` | |
| pod | ``pod``, ``pod_name``, ``kube_pod``, ``exported_pod`` | |
| container | ``container``, ``container_name``, ``kube_container``, ``exported_container`` | |
| node | ``node``, ``node_name``, ``nodename`` | |
| cluster | ``cluster``, ``cluster_name``, ``cluster_id``, ``kube_cluster`` | |
| cpu | ``cpu``, ``cpu_cores``, ``cpu_usage``, ``cpu_usage_cores`` | cores |
| | ``cpu_milli``, ``cpu_millicores``, ``cpu_m`` | milli-cores |
| | ``cpu_seconds_total``, ``cpu_usage_seconds_total``, ``container_cpu_usage_seconds_total`` | a counter of seconds |
| memory | ``memory``, ``memory_bytes``, ``mem``, ``mem_bytes``, ``memory_usage``, ``memory_usage_bytes``,
``memory_working_set_bytes``, ``container_memory_working_set_bytes`` | bytes |
| | ``memory_mib``, ``memory_gib`` | MiB, GiB |
| gpu | ``gpu``, ``gpus``, ``gpu_usage`` | devices |
| | ``gpu_milli``, ``gpu_percent`` | thousandths, hundredths of a device |
| egress | ``egress_bytes``, ``internet_egress_bytes``, ``network_egress_bytes`` | bytes since the sample before |
| | the same with ``_total`` | a counter of bytes |

Upper and lower case are the same, and so are ``-``, ``.``, blanks and ``_``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.model.units import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AMOUNTS", "TEXTS", "Place", "places_of"]

TEXTS: Final = ("namespace", "pod", "container", "node", "cluster")
AMOUNTS: Final = ("cpu", "memory", "gpu", "egress")
_EGRESS: Final = ("egress_bytes", "internet_egress_bytes", "network_egress_bytes")


class Place(NamedTuple):
    """A column of a file.

    Attributes:
        at: its position.
        factor: what its numbers are multiplied by to be cores, bytes, devices.
        is_counter: whether it counts up from the container's start.
    """

    at: int
    factor: float = 1.0
    is_counter: bool = False


def _named(names: str, factor: float = 1.0, *, is_counter: bool = False) -> dict[str, tuple[float, bool]]:
    return dict.fromkeys(names.split(), (factor, is_counter))


_KNOWN: Final[Mapping[str, Mapping[str, tuple[float, bool]]]] = {
    "ts": _named("timestamp ts time datetime"),
    "namespace": _named("namespace ns namespace_name kube_namespace exported_namespace"),
    "pod": _named("pod pod_name kube_pod exported_pod"),
    "container": _named("container container_name kube_container exported_container"),
    "node": _named("node node_name nodename"),
    "cluster": _named("cluster cluster_name cluster_id kube_cluster"),
    "cpu": {
        **_named("cpu cpu_cores cpu_usage cpu_usage_cores"),
        **_named("cpu_milli cpu_millicores cpu_m", 1e-3),
        **_named("cpu_seconds_total cpu_usage_seconds_total container_cpu_usage_seconds_total", is_counter=True),
    },
    "memory": {
        **_named("memory memory_bytes mem mem_bytes memory_usage memory_usage_bytes"),
        **_named("memory_working_set_bytes container_memory_working_set_bytes"),
        **_named("memory_mib", MIB),
        **_named("memory_gib", GIB),
    },
    "gpu": {
        **_named("gpu gpus gpu_usage"),
        **_named("gpu_milli", 1e-3),
        **_named("gpu_percent", 1e-2),
    },
    "egress": {
        **_named(" ".join(_EGRESS)),
        **_named(" ".join(f"{name}_total" for name in _EGRESS), is_counter=True),
    },
}


def places_of(names: Sequence[str], source: str) -> dict[str, Place]:
    """Where a file says what.

    Args:
        names: its columns.
        source: the file, for the error message.

    Raises:
        InputError: it lacks times, namespaces, pods, or anything that is used; or says something twice.
    """
    found: dict[str, Place] = {}
    for index, name in enumerate(names):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        for field, known in _KNOWN.items():
            if plain not in known:
                continue
            if field in found:
                other = names[found[field].at]
                raise InputError(f"columns {other!r} and {name!r}", f"one column for {field}", source=source)
            found[field] = Place(index, *known[plain])
    _check_whole(found, names, source)
    return found


def _check_whole(found: Mapping[str, Place], names: Sequence[str], source: str) -> None:
    for field in ("ts", "namespace", "pod"):
        if field not in found:
            expected = f"a column {' or '.join(list(_KNOWN[field])[:2])}"
            raise InputError(f"the columns {', '.join(names)}", expected, source=source)
    if not set(AMOUNTS) & set(found):
        raise InputError(f"the columns {', '.join(names)}", "a column cpu, memory or gpu", source=source)
