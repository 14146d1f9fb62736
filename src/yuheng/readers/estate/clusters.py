"""`estates_of`: the estates of all clusters of a fleet, or that of one cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.readers.estate.reader import estate_of, read_estate, summed_estate
from yuheng.readers.fleet.inputs import Inputs
from yuheng.readers.fleet.kinds import OURS, checked, group_of
from yuheng.readers.openb import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from yuheng.model.estate import Estate
    from yuheng.model.fleet import Fleet

__all__ = ["Estates", "check_places", "estates_of"]


class Estates(NamedTuple):
    """What was read.

    Attributes:
        estates: one for each cluster; sorted by its name.
        fleet: the fleet that they are; None for one cluster alone.
    """

    estates: tuple[Estate, ...]
    fleet: Fleet | None = None


def estates_of(*sources: str | Path) -> Estates:
    """Read a fleet where the input is one, and else a cluster; standard input is read once.

    Args:
        sources: as for `yuheng.read_fleet`.

    Raises:
        InputError: something is not what it should be; the message names file, object and field.
        NotFoundError: a path does not exist.
    """
    inputs = Inputs(*sources)
    if inputs.is_fleet():
        return _of_fleet(inputs)
    items, csv = inputs.others((), lambda _: True)
    return Estates((estate_of(list(map(checked, items)), [read_table(one) for one in csv]),))


def check_places(estates: Estates) -> None:
    """Refuse clusters without nodes that pods are bound to: nobody knows what these cost.

    Where a cluster has nodes, a pod on another one is refused when it is read; manifests of pods alone are no state.

    Raises:
        InputError: a pod is bound to a node, and there is none.
    """
    for estate in estates.estates:
        if estate.snapshot.nodes:
            continue
        for pod in estate.pods.values():
            if pod.node:
                raise InputError(
                    f"node {pod.node!r}, which is not in the input",
                    "a node of the input, or none",
                    source=estate.cluster,
                    subject=f"Pod {pod.namespace}/{pod.name}",
                    field="spec.nodeName",
                )


def _of_fleet(inputs: Inputs) -> Estates:
    """The estates of a fleet: its clusters' manifests are read once more, for what scheduling does not look at."""
    from yuheng.readers.fleet.cluster_fields import ClusterObject  # noqa: PLC0415 -- pydantic takes 50 ms to import
    from yuheng.readers.fleet.clusters import WrittenCluster  # noqa: PLC0415 -- the same
    from yuheng.readers.fleet.objects import parsed  # noqa: PLC0415 -- the same
    from yuheng.readers.fleet.reader import fleet_of  # noqa: PLC0415 -- the same

    fleet = fleet_of(inputs)
    ours = [item for item in inputs.described() if item.kind == "Cluster" and group_of(item) == OURS]
    written = {one.name: one for one in (WrittenCluster(parsed(item, ClusterObject), item.source) for item in ours)}
    found = []
    for cluster in fleet.clusters:
        paths = written[cluster.name].manifests() if cluster.name in written else []
        estate = read_estate(*paths) if paths else summed_estate(cluster.snapshot)
        found.append(msgspec.structs.replace(estate, cluster=cluster.name))
    return Estates(tuple(found), fleet)
