"""Clusters: their state, their pools, and what only their nodes tell of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yuheng.errors import InputError, NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, ClusterPool
from yuheng.model.labels import REGION, ZONE
from yuheng.model.node import Taint
from yuheng.readers.fleet.cluster_fields import ClusterObject
from yuheng.readers.fleet.kubectl import read_context
from yuheng.readers.snapshot import read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.prices import PriceBook
    from yuheng.readers.fleet.exchange import Exchange

__all__ = ["WrittenCluster", "cluster_of", "folder_of"]


class WrittenCluster(NamedTuple):
    """A Cluster of ours as it is written, and the file it is in."""

    fields: ClusterObject
    source: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.fields.metadata.name

    @property
    def subject(self) -> str:
        """How errors call it."""
        return f"Cluster {self.name}"

    def manifests(self) -> list[Path]:
        """The files and folders with its state."""
        return [folder_of(self.source) / path for path in self.fields.spec.manifests]


def folder_of(source: str) -> Path:
    """What paths in a file are relative to; the working folder for what is no file."""
    return Path() if source.startswith("<") else Path(source).parent


def cluster_of(
    written: WrittenCluster,
    book: PriceBook,
    exchange: Exchange,
    known: Cluster | None = None,
    state: Snapshot | None = None,
) -> Cluster:
    """A cluster with its state.

    Args:
        written: what its object says.
        book: tells what machines have.
        exchange: rates of currencies.
        known: what Karmada knows of the cluster of this name, for what the object does not say.
        state: its state, where somebody has read it already; it may have no nodes.

    Raises:
        InputError: there is no state, or it cannot be read, or nobody knows what a machine has.
    """
    try:
        return _cluster(written, book, exchange, known or Cluster(name=written.name), state)
    except InputError as error:
        raise error.at(source=written.source, subject=written.subject) from error.__cause__


def _cluster(
    written: WrittenCluster, book: PriceBook, exchange: Exchange, known: Cluster, state: Snapshot | None
) -> Cluster:
    spec, metadata = written.fields.spec, written.fields.metadata
    snapshot = _state(written) if state is None else state
    if not spec.manifests and spec.context is None:
        snapshot = known.snapshot
    if not snapshot.nodes and not spec.node_pools and state is None:
        found = "manifests without a node" if spec.manifests or spec.context is not None else "no state"
        raise InputError(found, "nodes in manifests or context, or nodePools", field="spec")
    region = spec.region or known.region or _only(node.labels.get(REGION, "") for node in snapshot.nodes)
    zones = tuple(spec.zones) or known.zones or _zones(snapshot)
    taints = tuple(Taint(taint.key, taint.effect, taint.value) for taint in spec.taints)
    return Cluster(
        name=written.name,
        provider=spec.provider or known.provider,
        region=region,
        zones=zones,
        labels={**known.labels, **metadata.labels, **spec.labels},
        taints=(*known.taints, *(taint for taint in taints if taint not in known.taints)),
        ready=known.ready,
        snapshot=snapshot,
        pools=tuple(_pools(written, region, zones, book)),
        rates=exchange.rates_of(spec.rates, spec.currency) if spec.rates else None,
        price_factor=spec.price_factor,
        startup=spec.startup_delay,
        source=written.source,
    )


def _state(written: WrittenCluster) -> Snapshot:
    spec = written.fields.spec
    paths = written.manifests()
    for index, path in enumerate(paths):
        if not path.exists():
            raise InputError(f"{path}, which does not exist", "a file or folder", field=f"spec.manifests[{index}]")
    if paths and spec.context is not None:
        raise InputError("manifests beside a context", "one of them", field="spec.context")
    try:
        if spec.context is not None:
            kubeconfig = folder_of(written.source) / spec.kubeconfig if spec.kubeconfig else None
            return read_context(spec.context, kubeconfig)
        return read(*paths) if paths else Snapshot()
    except NotFoundError as error:
        raise InputError(str(error), "a file or folder", field="spec.manifests") from error
    except InputError as error:
        # What is wrong in a manifest is told of the manifest.
        raise error if error.source else error.at(field="spec.context") from None


def _pools(written: WrittenCluster, region: str, zones: tuple[str, ...], book: PriceBook) -> Iterable[ClusterPool]:
    for index, pool in enumerate(written.fields.spec.node_pools):
        found = pool.pools(region, zones, book)
        if found is None:
            raise InputError(
                "nothing",
                f"what a node has, since no price book tells what a {pool.instance_type} has",
                field=f"spec.nodePools[{index}].resources",
            )
        yield from found


def _zones(snapshot: Snapshot) -> tuple[str, ...]:
    """The zones that nodes tell of."""
    return tuple(sorted({zone for node in snapshot.nodes if (zone := node.labels.get(ZONE, ""))}))


def _only(values: Iterable[str]) -> str:
    """The one value that there is; empty where there are several."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
